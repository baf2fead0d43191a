//! A cached copy of a repository: bare, shallow, with only the blobs that were needed.

use super::command::{Call, Git, fingerprint, owned, quoted};
use super::error::{GitError, first_lines, has_no_space};
use super::remote::Remote;
use crate::repo::{CommitId, ObjectId};
use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A copy with more packs than this is fetched again from scratch: it has no garbage collection.
const MAX_PACKS: usize = 32;
/// How often the size of a copy is checked while a server sends.
const LOOK: Duration = Duration::from_millis(500);
/// After this time the log says that a lock is waited for.
const SAY_AFTER: Duration = Duration::from_secs(5);
/// How often a lock that another process holds is tried.
const ASK_AGAIN: Duration = Duration::from_millis(50);
/// Marks a copy whose server ignores the filter, so that this is reported only once.
const FILTER_IGNORED: &str = "imagebot-filter-ignored";

/// A cached copy, locked for this process while it lives.
#[derive(Debug)]
pub struct Cached {
    pub(super) git: Git,
    pub(super) remote: Remote,
    pub(super) path: PathBuf,
    /// The lock is released when the file is closed.
    _lock: File,
    filter_ignored: bool,
    /// Whether the copy is removed when this value is dropped.
    discarded: bool,
}

impl Git {
    /// Opens the cached copy of a repository. It is created if it does not exist, has too many packs or is damaged.
    /// Waits while another process holds it. `sample` is a commit of the repository; its length shows the hash
    /// function.
    pub async fn open(&self, remote: &Remote, sample: &CommitId) -> Result<Cached, GitError> {
        let folder = self.cache_folder().join("git");
        let name = format!("{:016x}", fingerprint(remote.url()));
        std::fs::create_dir_all(&folder).map_err(|error| {
            GitError::io(format!("the cache folder {}", folder.display()), error)
        })?;
        let lock = self
            .lock(remote, &folder.join(format!("{name}.lock")))
            .await?;
        let path = folder.join(format!("{name}.git"));
        let cached = Cached {
            git: self.clone(),
            remote: remote.clone(),
            path,
            _lock: lock,
            filter_ignored: false,
            discarded: false,
        };
        if packs(&cached.path) > MAX_PACKS || !cached.has_right_format(sample) {
            cached.remove()?;
        }
        if cached.path.exists() {
            cached.sweep();
        } else {
            cached.create(sample).await?;
        }
        Ok(cached)
    }

    /// Locks a cached copy for this process; waits for another process as long as one command may take.
    async fn lock(&self, remote: &Remote, path: &Path) -> Result<File, GitError> {
        let io = |error| GitError::io(format!("the lock {}", path.display()), error);
        if path.is_dir() {
            // A folder cannot be our lock.
            remove_any(path).map_err(io)?;
        }
        let file = File::options().create(true).append(true).open(path);
        let file = file.map_err(io)?;
        let started = tokio::time::Instant::now();
        let mut said = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(io(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            let waited = started.elapsed();
            if waited >= self.time() {
                return Err(GitError::CopyInUse {
                    remote: remote.url().to_owned(),
                    lock: path.display().to_string(),
                    seconds: waited.as_secs(),
                });
            }
            if !said && waited >= SAY_AFTER {
                said = true;
                tracing::warn!(
                    remote = remote.url(), lock = %path.display(),
                    "waiting for another process that holds the cached copy"
                );
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }
}

impl Cached {
    /// The repository's URL, without credentials.
    pub fn remote_url(&self) -> &str {
        self.remote.url()
    }

    /// Whether the server was just found to ignore the filter for partial clones; true once in the life of a copy.
    pub fn filter_ignored(&self) -> bool {
        self.filter_ignored
    }

    /// Marks the copy for removal when this value is dropped.
    pub fn discard(&mut self) {
        self.discarded = true;
    }

    /// Removes the copy; the next [`Git::open`] fetches everything again.
    pub fn remove(&self) -> Result<(), GitError> {
        // Renamed first, so that an interrupted removal does not leave a partial copy.
        let old = self.path.with_extension("old");
        remove_any(&old)
            .and_then(|()| match std::fs::rename(&self.path, &old) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => remove_any(&old),
            })
            .map_err(|error| {
                GitError::io(
                    format!("the cached repository {}", self.path.display()),
                    error,
                )
            })
    }

    /// Removes the copy because it is damaged.
    pub(super) fn damaged(&self, detail: String) -> GitError {
        if let Err(error) = self.remove() {
            return error;
        }
        GitError::Damaged {
            remote: self.remote.url().to_owned(),
            detail,
        }
    }

    /// If a command failed in the copy, the copy is damaged; other errors stay as they are.
    pub(super) fn because_of(&self, error: GitError) -> GitError {
        match error {
            GitError::Failed { detail, .. } => self.damaged(detail),
            error => error,
        }
    }

    fn has_right_format(&self, sample: &CommitId) -> bool {
        let config = std::fs::read_to_string(self.path.join("config")).unwrap_or_default();
        config == self.config(sample)
    }

    /// Removes lock files and temporary files of a killed git: this process holds the lock, so no other process uses
    /// them.
    fn sweep(&self) {
        for lock in [
            "shallow.lock",
            "packed-refs.lock",
            "config.lock",
            "HEAD.lock",
        ] {
            let _ = std::fs::remove_file(self.path.join(lock));
        }
        let objects = self.path.join("objects");
        let folders = std::fs::read_dir(&objects).into_iter().flatten().flatten();
        for folder in folders.map(|entry| entry.path()) {
            for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if file.file_name().as_encoded_bytes().starts_with(b"tmp_") {
                    let _ = std::fs::remove_file(file.path());
                }
            }
        }
    }

    /// The copy's settings. That it is a partial clone is set only for a fetch: otherwise git would contact the server
    /// for every missing object that it reads, or fail because it may not.
    fn config(&self, sample: &CommitId) -> String {
        format!(
            "[core]\n\trepositoryformatversion = 1\n\tfilemode = true\n\tbare = true\n\
             [extensions]\n\tobjectFormat = {}\n[remote \"origin\"]\n\turl = {}\n",
            object_format(sample),
            quoted(self.remote.url())
        )
    }

    async fn create(&self, sample: &CommitId) -> Result<(), GitError> {
        // Created under another name and renamed, so that a copy is complete or missing.
        let made = self.path.with_extension("new");
        remove_any(&made)
            .map_err(|error| GitError::io("an unfinished cached repository", error))?;
        let call = Call {
            args: vec![
                "--bare".into(),
                "--quiet".into(),
                "--template=".into(),
                format!("--object-format={}", object_format(sample)),
                "--end-of-options".into(),
                made.display().to_string(),
            ],
            env: vec![("GIT_DEFAULT_REF_FORMAT".to_owned(), "files".to_owned())],
            ..Call::new("init")
        };
        self.git.ask(call).await?;
        std::fs::write(made.join("config"), self.config(sample))
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

    /// Fetches commits with their trees at depth one, unless they are in the copy: the first of two requests.
    pub async fn fetch_commits(&mut self, ids: &BTreeSet<CommitId>) -> Result<(), GitError> {
        let ids = ids.iter().map(|id| ObjectId::clone(id)).collect();
        let missing = self.missing(&ids).await?;
        if missing.is_empty() {
            return Ok(());
        }
        // No ref is kept: nothing is collected as garbage, and a ref to a lost object would break every fetch.
        self.fetch(&["--depth=1", "--filter=blob:none"], missing, Vec::new())
            .await
    }

    /// Fetches blobs and other objects by id, unless they are in the copy: the second of two requests.
    pub async fn fetch_objects(&mut self, ids: &BTreeSet<ObjectId>) -> Result<(), GitError> {
        let missing = self.missing(ids).await?;
        if missing.is_empty() {
            return Ok(());
        }
        let args = ["--filter=blob:none", "--stdin"];
        self.fetch(&args, None::<ObjectId>, lines(&missing)).await
    }

    /// One request for objects, given as arguments or as input.
    pub(super) async fn fetch(
        &mut self,
        options: &[&str],
        ids: impl IntoIterator<Item = impl std::fmt::Display>,
        input: Vec<u8>,
    ) -> Result<(), GitError> {
        // `--no-write-fetch-head`: the file would not be read.
        let always = [
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--no-recurse-submodules",
            "--no-auto-maintenance",
            "--end-of-options",
            "origin",
        ];
        let args = options.iter().chain(&always).map(|arg| (*arg).to_owned());
        let args = args
            .chain(ids.into_iter().map(|id| id.to_string()))
            .collect();
        // Without negotiation: a shallow copy has nothing to negotiate with.
        let settings = owned(&[
            ("remote.origin.promisor", "true"),
            ("remote.origin.partialclonefilter", "blob:none"),
            ("fetch.negotiationAlgorithm", "noop"),
        ]);
        let output = tokio::select! {
            output = self.git.run(Call { args, input, settings, ..self.call("fetch") }) => output?,
            () = self.outgrown() => return Err(self.too_large()),
        };
        if !output.status.success() {
            return Err(self.failed(&output.stderr).await);
        }
        if self.size() > self.git.cap() {
            return Err(self.too_large());
        }
        if output.stderr.contains("filtering not recognized by server") {
            let mark = self.path.join(FILTER_IGNORED);
            self.filter_ignored = !mark.exists();
            std::fs::write(&mark, "")
                .map_err(|error| GitError::io("a mark in a cached repository", error))?;
        }
        Ok(())
    }

    /// Returns when the copy has more bytes than allowed.
    async fn outgrown(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            if self.size() > self.git.cap() {
                return;
            }
        }
    }

    /// Why the server could not be read or written, unless the copy is the cause.
    pub(super) async fn failed(&self, stderr: &str) -> GitError {
        let detail = first_lines(stderr);
        let refused = [
            "Authentication failed",
            "could not read Username",
            "returned error: 401",
            "HTTP Basic: Access denied",
        ];
        if refused.iter().any(|text| stderr.contains(text)) {
            return GitError::Unauthorized {
                remote: self.remote.url().to_owned(),
                detail,
            };
        }
        if stderr.contains("returned error: 403") {
            return GitError::Forbidden {
                remote: self.remote.url().to_owned(),
                detail,
            };
        }
        // GitLab and GitHub limit git over HTTP as well.
        if stderr.contains("returned error: 429") {
            return GitError::RateLimited {
                remote: self.remote.url().to_owned(),
                detail,
            };
        }
        if has_no_space(stderr) {
            return GitError::NoSpace { detail };
        }
        let ours = [
            "bad shallow line",
            "shallow file",
            "unshallow",
            "packed-refs",
            "bad config",
            "not a git repository",
        ];
        let check = Call {
            args: ["--batch-check=%(objecttype)", "--batch-all-objects"]
                .map(str::to_owned)
                .into(),
            ..self.call("cat-file")
        };
        let whole = match self.git.run(check).await {
            Ok(output) => output.status.success() && output.stderr.is_empty(),
            Err(error) => return error,
        };
        if !whole || ours.iter().any(|text| stderr.contains(text)) {
            return self.damaged(detail);
        }
        GitError::Unreadable {
            remote: self.remote.url().to_owned(),
            detail,
        }
    }

    /// Runs a command that concerns only the copy. If it fails, and not for lack of space, the copy is damaged: it is
    /// removed, and the caller starts again once (B8).
    pub(super) async fn own(&self, call: Call<'_>) -> Result<Vec<u8>, GitError> {
        let output = self.git.run(call).await?;
        if output.status.success() {
            Ok(output.stdout)
        } else if has_no_space(&output.stderr) {
            Err(GitError::NoSpace {
                detail: first_lines(&output.stderr),
            })
        } else {
            Err(self.damaged(first_lines(&output.stderr)))
        }
    }

    fn size(&self) -> u64 {
        folder_size(&self.path.join("objects"))
    }

    fn too_large(&self) -> GitError {
        match self.remove() {
            Err(error) => error,
            Ok(()) => GitError::TooLarge {
                remote: self.remote.url().to_owned(),
                limit: self.git.cap() >> 20,
            },
        }
    }
}

impl Drop for Cached {
    fn drop(&mut self) {
        if self.discarded
            && let Err(error) = self.remove()
        {
            tracing::debug!(%error, "a cached repository cannot be removed");
        }
    }
}

pub(super) fn object_format(sample: &ObjectId) -> &'static str {
    if sample.as_str().len() == 64 {
        "sha256"
    } else {
        "sha1"
    }
}

pub(super) fn lines(ids: &BTreeSet<ObjectId>) -> Vec<u8> {
    let lines: String = ids.iter().map(|id| format!("{id}\n")).collect();
    lines.into_bytes()
}

/// Removes a folder with its contents, or a file or link of that name.
fn remove_any(path: &Path) -> std::io::Result<()> {
    let removed = match std::fs::symlink_metadata(path) {
        Ok(found) if found.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

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
