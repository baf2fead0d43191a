//! A cached copy of a repository: bare, shallow, without the blobs that nobody asked for.

use super::command::{Call, Git, fingerprint, first_lines, quoted};
use super::error::GitError;
use super::object::batch;
use super::remote::Remote;
use super::tree::{self, Entry};
use crate::repo::CommitId;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};

/// A copy with more packs than this is fetched anew: it has no garbage collection.
const MAX_PACKS: usize = 32;
/// The most that one cached copy may hold, in bytes: what a server sends that ignores the filter.
const MAX_SIZE: u64 = 1 << 30;

/// A cached copy, locked for this process while it lives.
#[derive(Debug)]
pub struct Cached {
    pub(super) git: Git,
    pub(super) remote: Remote,
    pub(super) path: PathBuf,
    /// The lock is released when the file is closed.
    _lock: File,
    /// Whether the copy was made just now: only then whatever is in it was sent by the server.
    is_new: bool,
    filter_ignored: bool,
}

impl Git {
    /// Opens the cached copy of a repository, made new where there is none, or where it has grown or is damaged.
    /// Waits while another process holds it. `sample` is a commit of the repository: it tells the hash function.
    pub async fn open(&self, remote: &Remote, sample: &CommitId) -> Result<Cached, GitError> {
        let folder = self.cache_folder().join("git");
        let name = format!("{:016x}", fingerprint(remote.url()));
        std::fs::create_dir_all(&folder).map_err(|error| {
            GitError::io(format!("the cache folder {}", folder.display()), error)
        })?;
        let lock_path = folder.join(format!("{name}.lock"));
        let lock = tokio::task::spawn_blocking(move || {
            let file = File::options().create(true).append(true).open(&lock_path)?;
            file.lock()?;
            Ok(file)
        })
        .await
        .map_err(|error| GitError::io("the lock of a cached repository", error.into()))?
        .map_err(|error: std::io::Error| GitError::io("the lock of a cached repository", error))?;
        let path = folder.join(format!("{name}.git"));
        let mut cached = Cached {
            git: self.clone(),
            remote: remote.clone(),
            path,
            _lock: lock,
            is_new: false,
            filter_ignored: false,
        };
        if cached.path.exists()
            && (packs(&cached.path) > MAX_PACKS || !cached.has_right_hash(sample))
        {
            cached.remove()?;
        }
        if !cached.path.exists() {
            cached.create(sample).await?;
            cached.is_new = true;
        }
        Ok(cached)
    }
}

impl Cached {
    /// The repository's URL, without credentials.
    pub fn remote_url(&self) -> &str {
        self.remote.url()
    }

    /// Whether the server sent blobs although it was asked not to.
    pub fn filter_ignored(&self) -> bool {
        self.filter_ignored
    }

    /// Removes the copy; the next [`Git::open`] fetches anew.
    pub fn remove(&self) -> Result<(), GitError> {
        std::fs::remove_dir_all(&self.path).map_err(|error| {
            GitError::io(
                format!("the cached repository {}", self.path.display()),
                error,
            )
        })
    }

    fn has_right_hash(&self, sample: &CommitId) -> bool {
        let config = std::fs::read_to_string(self.path.join("config")).unwrap_or_default();
        config.contains("objectFormat = sha256") == (sample.as_str().len() == 64)
    }

    async fn create(&self, sample: &CommitId) -> Result<(), GitError> {
        let format = if sample.as_str().len() == 64 {
            "sha256"
        } else {
            "sha1"
        };
        // Made beside and renamed, so that a copy is whole or not there.
        let made = self.path.with_extension("new");
        if made.exists() {
            std::fs::remove_dir_all(&made)
                .map_err(|error| GitError::io("an unfinished cached repository", error))?;
        }
        let call = Call {
            args: vec![
                "--bare".into(),
                "--quiet".into(),
                "--template=".into(),
                format!("--object-format={format}"),
                "--end-of-options".into(),
                made.display().to_string(),
            ],
            ..Call::new("init")
        };
        self.git.ask(call).await?;
        let config = format!(
            "[core]\n\trepositoryformatversion = 1\n\tfilemode = true\n\tbare = true\n\
             [extensions]\n\tpartialClone = origin\n\tobjectFormat = {format}\n\
             [remote \"origin\"]\n\turl = {}\n\tpromisor = true\n\tpartialclonefilter = blob:none\n",
            quoted(self.remote.url())
        );
        std::fs::write(made.join("config"), config)
            .and_then(|()| std::fs::rename(&made, &self.path))
            .map_err(|error| GitError::io("a cached repository", error))
    }

    pub(super) fn call<'a>(&'a self, action: &'static str) -> Call<'a> {
        Call {
            git_dir: Some(&self.path),
            remote: Some(&self.remote),
            ..Call::new(action)
        }
    }

    /// Fetches commits with their trees, at depth one, those that are not there yet: the first of two requests.
    pub async fn fetch_commits(&mut self, ids: &BTreeSet<CommitId>) -> Result<(), GitError> {
        let missing = self.missing(ids).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let mut args: Vec<String> = ["--depth=1", "--filter=blob:none"]
            .map(str::to_owned)
            .into();
        args.extend(FETCH.map(str::to_owned));
        args.extend(
            missing
                .iter()
                .map(|id| format!("+{id}:refs/imagebot/fetched/{id}")),
        );
        self.fetch(args, Vec::new()).await?;
        self.check_size()
    }

    /// Fetches blobs (and other objects) by id, those that are not there yet: the second of two requests.
    pub async fn fetch_objects(&mut self, ids: &BTreeSet<CommitId>) -> Result<(), GitError> {
        let missing = self.missing(ids).await?;
        if missing.is_empty() {
            // Every blob is there without being asked for: the server does not know partial clones.
            self.filter_ignored = self.is_new && !ids.is_empty();
            return Ok(());
        }
        let input = missing
            .iter()
            .map(|id| format!("{id}\n"))
            .collect::<String>()
            .into_bytes();
        let mut args: Vec<String> = vec!["--filter=blob:none".into(), "--stdin".into()];
        args.extend(FETCH.map(str::to_owned));
        self.fetch(args, input).await?;
        self.check_size()
    }

    pub(super) async fn fetch(&self, args: Vec<String>, input: Vec<u8>) -> Result<(), GitError> {
        // Without negotiation: a shallow copy has nothing to negotiate with.
        let env = vec![
            ("GIT_CONFIG_COUNT", "1".to_owned()),
            ("GIT_CONFIG_KEY_0", "fetch.negotiationAlgorithm".to_owned()),
            ("GIT_CONFIG_VALUE_0", "noop".to_owned()),
        ];
        let output = self
            .git
            .run(Call {
                args,
                input,
                env,
                ..self.call("fetch")
            })
            .await?;
        if output.status.success() {
            return Ok(());
        }
        Err(GitError::Unreadable {
            remote: self.remote.url().to_owned(),
            detail: first_lines(&output.stderr),
        })
    }

    /// Those of the objects that are not in the copy.
    pub(super) async fn missing(
        &self,
        ids: &BTreeSet<CommitId>,
    ) -> Result<BTreeSet<CommitId>, GitError> {
        let input = ids
            .iter()
            .map(|id| format!("{id}\n"))
            .collect::<String>()
            .into_bytes();
        let args = vec!["--batch-check=%(objectname)".into()];
        let output = self
            .git
            .ask(Call {
                args,
                input,
                ..self.call("cat-file")
            })
            .await?;
        Ok(String::from_utf8_lossy(&output)
            .lines()
            .filter_map(|line| CommitId::parse(line.strip_suffix(" missing")?).ok())
            .collect())
    }

    /// All entries of a commit's tree, folders walked, links and submodules not followed.
    pub async fn tree(&self, commit: &CommitId) -> Result<Vec<Entry>, GitError> {
        // Never `--long`: it asks for the sizes of all blobs, which fetches them.
        let args = vec![
            "-r".into(),
            "-z".into(),
            "--full-tree".into(),
            "--end-of-options".into(),
            commit.to_string(),
        ];
        tree::parse(
            &self
                .git
                .ask(Call {
                    args,
                    ..self.call("ls-tree")
                })
                .await?,
        )
    }

    /// The contents of objects that were fetched.
    pub async fn objects(
        &self,
        ids: &BTreeSet<CommitId>,
    ) -> Result<BTreeMap<CommitId, Vec<u8>>, GitError> {
        let input = ids
            .iter()
            .map(|id| format!("{id}\n"))
            .collect::<String>()
            .into_bytes();
        let output = self
            .git
            .ask(Call {
                args: vec!["--batch".into()],
                input,
                ..self.call("cat-file")
            })
            .await?;
        let damaged = || GitError::Damaged {
            remote: self.remote.url().to_owned(),
            detail: "an object that was fetched is missing".to_owned(),
        };
        batch(&output)
            .ok_or_else(damaged)?
            .into_iter()
            .collect::<Option<_>>()
            .ok_or_else(damaged)
    }

    fn check_size(&self) -> Result<(), GitError> {
        if folder_size(&self.path.join("objects")) <= MAX_SIZE {
            return Ok(());
        }
        self.remove()?;
        Err(GitError::TooLarge {
            remote: self.remote.url().to_owned(),
            limit: MAX_SIZE >> 20,
        })
    }
}

/// What every fetch says. `--no-write-fetch-head` keeps `FETCH_HEAD` out of the way of other processes.
const FETCH: [&str; 7] = [
    "--quiet",
    "--no-tags",
    "--no-write-fetch-head",
    "--no-recurse-submodules",
    "--no-auto-maintenance",
    "--end-of-options",
    "origin",
];

fn packs(path: &Path) -> usize {
    let Ok(folder) = std::fs::read_dir(path.join("objects/pack")) else {
        return 0;
    };
    folder
        .flatten()
        .filter(|file| file.path().extension().is_some_and(|e| e == "pack"))
        .count()
}

fn folder_size(path: &Path) -> u64 {
    let Ok(folder) = std::fs::read_dir(path) else {
        return 0;
    };
    folder
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => folder_size(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
