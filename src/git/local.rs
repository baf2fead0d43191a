//! Reads and writes refs and small commits in a bare repository on this machine: there the local forge keeps its merge
//! requests.

use super::cache::object_format;
use super::command::{Call, Git};
use super::error::{GitError, first_lines};
use super::lock;
use super::object::{batch, write_blobs};
use super::remote::Remote;
use super::write::text;
use crate::repo::{CommitId, ObjectId};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often a locked ref is tried again, and the wait before each try.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// A ref: its full name and what it points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ref {
    /// The full name, `refs/heads/main`.
    pub name: String,
    /// The object that it points at.
    pub id: CommitId,
    /// Whether `HEAD` is this branch.
    pub is_head: bool,
}

impl Git {
    /// Makes an empty bare repository whose default branch is `main`.
    pub async fn init_bare(&self, path: &Path) -> Result<(), GitError> {
        let args = [
            "--bare",
            "--quiet",
            "--template=",
            "--initial-branch=main",
            "--end-of-options",
        ];
        let args = args
            .map(str::to_owned)
            .into_iter()
            .chain([path.display().to_string()])
            .collect();
        self.ask(Call {
            args,
            ..Call::new("init")
        })
        .await
        .map(|_| ())
    }

    fn local_call<'a>(remote: &'a Remote, action: &'static str, args: &[&str]) -> Call<'a> {
        let args = args.iter().map(|arg| (*arg).to_owned()).collect();
        Call {
            git_dir: remote.directory(),
            remote: Some(remote),
            args,
            ..Call::new(action)
        }
    }

    /// The refs whose names begin with one of the prefixes.
    pub async fn refs(&self, remote: &Remote, prefixes: &[&str]) -> Result<Vec<Ref>, GitError> {
        let mut call = Self::local_call(
            remote,
            "for-each-ref",
            &["--format=%(objectname) %(HEAD) %(refname)"],
        );
        call.args
            .extend(prefixes.iter().map(|prefix| (*prefix).to_owned()));
        let output = self.run(call).await?;
        if !output.status.success() {
            let detail = first_lines(&output.stderr);
            return Err(GitError::Unreadable {
                remote: remote.url().to_owned(),
                detail,
            });
        }
        Ok(String::from_utf8_lossy(&output.stdout)
            .lines()
            .filter_map(|line| {
                let (id, rest) = line.split_once(' ')?;
                let (head, name) = (rest.get(..1)?, rest.get(2..)?);
                Some(Ref {
                    name: name.to_owned(),
                    id: CommitId::parse(id).ok()?,
                    is_head: head == "*",
                })
            })
            .collect())
    }

    /// The contents of `<commit>:<path>` for each name; `None` if there is no such file.
    pub async fn read_names(
        &self,
        remote: &Remote,
        names: &[String],
    ) -> Result<Vec<Option<Vec<u8>>>, GitError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut call = Self::local_call(remote, "cat-file", &["--batch"]);
        call.input = names
            .iter()
            .map(|name| format!("{name}\n"))
            .collect::<String>()
            .into_bytes();
        let output = self.ask(call).await?;
        let objects = batch(&output).filter(|objects| objects.len() == names.len());
        let objects = objects.ok_or_else(|| GitError::Damaged {
            remote: remote.url().to_owned(),
            detail: "cat-file returned something other than requested".to_owned(),
        })?;
        Ok(objects
            .into_iter()
            .map(|object| object.map(|(_, contents)| contents))
            .collect())
    }

    /// The sizes of `<commit>:<path>` for each name, in bytes; `None` if there is no such file.
    pub async fn sizes_of_names(
        &self,
        remote: &Remote,
        names: &[String],
    ) -> Result<Vec<Option<u64>>, GitError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut call = Self::local_call(remote, "cat-file", &["--batch-check=%(objectsize)"]);
        let lines: String = names.iter().map(|name| format!("{name}\n")).collect();
        call.input = lines.into_bytes();
        let output = self.ask(call).await?;
        let sizes = String::from_utf8_lossy(&output);
        Ok(sizes.lines().map(|line| line.parse().ok()).collect())
    }

    /// The branch that `HEAD` names; it need not exist.
    pub async fn named_by_head(&self, remote: &Remote) -> Result<Option<String>, GitError> {
        let call = Self::local_call(remote, "symbolic-ref", &["--quiet", "HEAD"]);
        let output = self.run(call).await?;
        Ok(Some(text(&output.stdout)).filter(|name| !name.is_empty()))
    }

    /// Writes a commit with exactly these files, at the top or one folder deep, and at most one parent.
    pub async fn write_files(
        &self,
        remote: &Remote,
        files: &[(&str, &[u8])],
        parent: Option<&CommitId>,
        message: &str,
    ) -> Result<CommitId, GitError> {
        let contents: Vec<&[u8]> = files.iter().map(|(_, contents)| *contents).collect();
        let call = Self::local_call(remote, "hash-object", &[]);
        let ids = write_blobs(self, call, &contents).await?;
        let mut folders: BTreeMap<&str, String> = BTreeMap::new();
        let mut top = String::new();
        for ((path, _), id) in files.iter().zip(ids) {
            let (tree, name) = match path.split_once('/') {
                Some((folder, name)) => (folders.entry(folder).or_default(), name),
                None => (&mut top, *path),
            };
            tree.push_str(&format!("100644 blob {id}\t{name}\n"));
        }
        for (folder, entries) in folders {
            let tree = self.write_tree(remote, entries).await?;
            top.push_str(&format!("040000 tree {tree}\t{folder}\n"));
        }
        let tree = self.write_tree(remote, top).await?;
        let parents: Vec<&CommitId> = parent.into_iter().collect();
        self.write_local_commit(remote, &tree, &parents, message)
            .await
    }

    async fn write_tree(&self, remote: &Remote, entries: String) -> Result<String, GitError> {
        let mut call = Self::local_call(remote, "mktree", &[]);
        call.input = entries.into_bytes();
        Ok(text(&self.ask(call).await?))
    }

    /// Writes a blob.
    pub async fn write_blob(&self, remote: &Remote, contents: &[u8]) -> Result<ObjectId, GitError> {
        let call = Self::local_call(remote, "hash-object", &[]);
        let mut ids = write_blobs(self, call, &[contents]).await?;
        ids.pop().ok_or_else(|| GitError::Failed {
            action: "hash-object",
            detail: "it did not name an object".to_owned(),
        })
    }

    async fn write_local_commit(
        &self,
        remote: &Remote,
        tree: &str,
        parents: &[&CommitId],
        message: &str,
    ) -> Result<CommitId, GitError> {
        let mut call = Self::local_call(remote, "commit-tree", &[]);
        call.args.extend(
            parents
                .iter()
                .flat_map(|parent| ["-p".to_owned(), parent.to_string()]),
        );
        call.args
            .extend(["-F".to_owned(), "-".to_owned(), tree.to_owned()]);
        let identity = self.identity();
        call.env = vec![
            ("GIT_AUTHOR_NAME".to_owned(), identity.name.clone()),
            ("GIT_AUTHOR_EMAIL".to_owned(), identity.email.clone()),
            ("GIT_COMMITTER_NAME".to_owned(), identity.name.clone()),
            ("GIT_COMMITTER_EMAIL".to_owned(), identity.email.clone()),
        ];
        call.input = message.as_bytes().to_vec();
        commit_id(&self.ask(call).await?, "commit-tree")
    }

    /// Moves a ref if it still is at `from` (`None`: it must not exist). Returns whether it did.
    pub async fn move_ref(
        &self,
        remote: &Remote,
        name: &str,
        from: Option<&ObjectId>,
        to: Option<&ObjectId>,
    ) -> Result<bool, GitError> {
        let zero = || "0".repeat(from.or(to).map_or(40, |id| id.as_str().len()));
        let old = from.map_or_else(zero, ToString::to_string);
        let mut call = Self::local_call(remote, "update-ref", &["--stdin"]);
        call.input = match to {
            Some(to) => format!("update {name} {to} {old}\n").into_bytes(),
            None => format!("delete {name} {old}\n").into_bytes(),
        };
        let mut tries = 0;
        loop {
            let output = self.run(call.clone()).await?;
            if output.status.success() {
                return Ok(true);
            }
            // Another process moved it first.
            let lost = [
                "but expected",
                "reference already exists",
                "unable to resolve reference",
            ];
            if lost.iter().any(|text| output.stderr.contains(text)) {
                return Ok(false);
            }
            let Some(lock) = lock::in_the_way(remote, &output.stderr) else {
                return Err(GitError::failed("update-ref", &output.stderr));
            };
            // Another process holds the ref at this moment, or was killed while it did.
            if !lock::remove_if_stale(&lock) {
                tries += 1;
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            if tries > LOCK_TRIES {
                return Err(GitError::RefLocked {
                    remote: remote.url().to_owned(),
                    lock: lock.display().to_string(),
                });
            }
        }
    }

    /// Whether a commit is another one or its ancestor.
    pub async fn is_ancestor(
        &self,
        remote: &Remote,
        commit: &CommitId,
        of: &CommitId,
    ) -> Result<bool, GitError> {
        let mut call = Self::local_call(remote, "merge-base", &["--is-ancestor"]);
        call.args.extend([commit.to_string(), of.to_string()]);
        let output = self.run(call).await?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => Err(GitError::Failed {
                action: "merge-base",
                detail: first_lines(&output.stderr),
            }),
        }
    }

    /// The merge of two commits, written as a commit; `None` if they conflict.
    pub async fn merge(
        &self,
        remote: &Remote,
        target: &CommitId,
        source: &CommitId,
        message: &str,
    ) -> Result<Option<CommitId>, GitError> {
        // Merged from an empty repository beside it: git would run the merge drivers that the settings and attributes
        // of the repository name (T15).
        let beside = self.beside(target)?;
        let mut call = Call::new("merge-tree");
        call.git_dir = Some(&beside);
        if let Some(directory) = remote.directory() {
            let objects = directory.join("objects").display().to_string();
            call.env = vec![("GIT_OBJECT_DIRECTORY".to_owned(), objects)];
        }
        call.args = ["--write-tree", "--no-messages", "--end-of-options"]
            .map(str::to_owned)
            .into();
        call.args.extend([target.to_string(), source.to_string()]);
        let output = self.run(call).await?;
        match output.status.code() {
            Some(0) => {
                let tree = text(&output.stdout);
                self.write_local_commit(remote, &tree, &[target, source], message)
                    .await
                    .map(Some)
            }
            Some(1) => Ok(None),
            _ => Err(GitError::Failed {
                action: "merge-tree",
                detail: first_lines(&output.stderr),
            }),
        }
    }

    /// An empty repository that uses the objects of another one. `sample` shows the hash function.
    fn beside(&self, sample: &CommitId) -> Result<PathBuf, GitError> {
        let format = object_format(sample);
        let path = self.home().join(format!("beside-{format}.git"));
        let config = format!(
            "[core]\n\trepositoryformatversion = 1\n\tbare = true\n\
             [extensions]\n\tobjectFormat = {format}\n"
        );
        std::fs::create_dir_all(path.join("refs"))
            .and_then(|()| std::fs::create_dir_all(path.join("objects")))
            .and_then(|()| std::fs::write(path.join("config"), config))
            .and_then(|()| std::fs::write(path.join("HEAD"), "ref: refs/heads/none\n"))
            .map_err(|error| GitError::io("a temporary repository", error))?;
        Ok(path)
    }
}

fn commit_id(output: &[u8], action: &'static str) -> Result<CommitId, GitError> {
    CommitId::parse(&text(output)).map_err(|error| GitError::Failed {
        action,
        detail: error.to_string(),
    })
}
