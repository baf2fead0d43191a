//! Reads what a cached copy holds: objects, trees and contents, and the commits between the target branch and a branch
//! of ours. From those it is decided whose work the branch is.

use super::cache::{Cached, lines};
use super::command::Call;
use super::error::{GitError, first_lines};
use super::object::batch;
use super::tree::{self, TreeEntryKind, TreeListing};
use super::write::text;
use crate::repo::{CommitId, ObjectId, RepoPath};
use std::collections::{BTreeMap, BTreeSet};

/// How many bytes of contents are read with one command.
const PORTION: u64 = 16 << 20;

impl Cached {
    /// The objects that are not in the copy.
    pub(super) async fn missing(
        &self,
        ids: &BTreeSet<ObjectId>,
    ) -> Result<BTreeSet<ObjectId>, GitError> {
        let input = lines(ids);
        let args = vec!["--batch-check=%(objectname)".into()];
        let output = self
            .own(Call {
                args,
                input,
                ..self.call("cat-file")
            })
            .await?;
        Ok(String::from_utf8_lossy(&output)
            .lines()
            .filter_map(|line| ObjectId::parse(line.strip_suffix(" missing")?).ok())
            .collect())
    }

    /// All entries of a commit's tree, folders included; links and submodules are not followed.
    pub async fn tree(&self, commit: &CommitId) -> Result<TreeListing, GitError> {
        // Never `--long`: it reads the sizes of all blobs, which fetches them.
        let args = vec![
            "-r".into(),
            "-z".into(),
            "--full-tree".into(),
            "--end-of-options".into(),
            commit.to_string(),
        ];
        tree::parse(
            &self
                .own(Call {
                    args,
                    ..self.call("ls-tree")
                })
                .await?,
        )
    }

    /// The sizes of objects before they are fetched. Only a repository on this machine reports them, otherwise the
    /// result is empty: by default, servers do not answer the protocol's request for sizes (`object-info`).
    pub async fn sizes_there(
        &self,
        ids: &BTreeSet<ObjectId>,
    ) -> Result<BTreeMap<ObjectId, u64>, GitError> {
        let Some(directory) = self.remote.directory() else {
            return Ok(BTreeMap::new());
        };
        let call = Call {
            git_dir: Some(directory),
            args: vec!["--batch-check=%(objectname) %(objectsize)".into()],
            input: lines(ids),
            ..self.call("cat-file")
        };
        let output = self.git.ask(call).await?;
        let sizes = String::from_utf8_lossy(&output);
        let sizes = sizes.lines().filter_map(size);
        Ok(sizes.collect())
    }

    /// The contents of objects that were fetched; `None` for a blob of more than `most` bytes, whose contents are not
    /// read.
    pub async fn objects_up_to(
        &self,
        ids: &BTreeSet<ObjectId>,
        most: u64,
    ) -> Result<BTreeMap<ObjectId, Option<Vec<u8>>>, GitError> {
        let mut found = BTreeMap::new();
        let mut portion = BTreeSet::new();
        let mut bytes = 0;
        for (id, size) in self.sizes(ids).await? {
            if size > most {
                found.insert(id, None);
                continue;
            }
            bytes += size;
            portion.insert(id);
            if bytes > PORTION {
                self.read_portion(&std::mem::take(&mut portion), &mut found)
                    .await?;
                bytes = 0;
            }
        }
        self.read_portion(&portion, &mut found).await?;
        Ok(found)
    }

    async fn read_portion(
        &self,
        ids: &BTreeSet<ObjectId>,
        found: &mut BTreeMap<ObjectId, Option<Vec<u8>>>,
    ) -> Result<(), GitError> {
        let contents = self.objects(ids).await?;
        found.extend(contents.into_iter().map(|(id, bytes)| (id, Some(bytes))));
        Ok(())
    }

    /// The sizes of objects that were fetched, in bytes.
    async fn sizes(&self, ids: &BTreeSet<ObjectId>) -> Result<Vec<(ObjectId, u64)>, GitError> {
        let call = Call {
            args: vec!["--batch-check=%(objectname) %(objectsize)".into()],
            input: lines(ids),
            ..self.call("cat-file")
        };
        let output = self.own(call).await?;
        let sizes: Option<Vec<_>> = String::from_utf8_lossy(&output).lines().map(size).collect();
        sizes.ok_or_else(|| self.damaged("a fetched object is missing".to_owned()))
    }

    /// The contents of objects that were fetched.
    pub async fn objects(
        &self,
        ids: &BTreeSet<ObjectId>,
    ) -> Result<BTreeMap<ObjectId, Vec<u8>>, GitError> {
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let input = lines(ids);
        let output = self
            .own(Call {
                args: vec!["--batch".into()],
                input,
                ..self.call("cat-file")
            })
            .await?;
        let damaged = || self.damaged("a fetched object is missing".to_owned());
        batch(&output)
            .ok_or_else(damaged)?
            .into_iter()
            .collect::<Option<_>>()
            .ok_or_else(damaged)
    }
}

/// A line of `cat-file --batch-check`: an id and a number of bytes.
fn size(line: &str) -> Option<(ObjectId, u64)> {
    let (id, size) = line.split_once(' ')?;
    Some((ObjectId::parse(id).ok()?, size.parse().ok()?))
}

/// How much history is read at first; a branch whose base is older costs one more request.
const DEPTH: u32 = 200;
/// The depth that git understands as the whole history.
const WHOLE: u32 = i32::MAX as u32;
/// A branch with more commits than this is not read: it is a user's work.
const MAX_COMMITS: usize = 1000;
/// Of the commits on a branch, merges left out, this many are read: one can be ours, two are a user's work.
const MAX_READ: usize = 2;

/// A commit on a branch that is not on the target branch, merges left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchCommit {
    /// Its id.
    pub id: CommitId,
    /// Its first parent.
    pub parent: CommitId,
    /// Its message.
    pub message: String,
}

/// A file that a commit changed against its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeChange {
    /// The path.
    pub path: RepoPath,
    /// Its kind and its contents' id before; `None` if it did not exist.
    pub before: Option<(TreeEntryKind, ObjectId)>,
    /// Its kind and its contents' id after; `None` if it does not exist any more.
    pub after: Option<(TreeEntryKind, ObjectId)>,
}

impl Cached {
    /// A commit's parents and message, if it is in the copy.
    pub async fn read_commit(&self, id: &CommitId) -> Result<(Vec<CommitId>, String), GitError> {
        let args = vec!["commit".into(), id.to_string()];
        let raw = text_lossy(
            &self
                .own(Call {
                    args,
                    ..self.call("cat-file")
                })
                .await?,
        );
        let (head, message) = raw.split_once("\n\n").unwrap_or((&raw, ""));
        let parents = head
            .lines()
            .filter_map(|line| CommitId::parse(line.strip_prefix("parent ")?).ok())
            .collect();
        Ok((parents, message.to_owned()))
    }

    /// The commits between `target` and `head`, merges left out, at most two. Fetches history if necessary.
    pub async fn between(
        &mut self,
        target: &CommitId,
        head: &CommitId,
    ) -> Result<Vec<BranchCommit>, GitError> {
        if head == target {
            return Ok(Vec::new());
        }
        // The usual case needs no history: one commit on top of the target's head.
        let (parents, message) = self.read_commit(head).await?;
        if let [parent] = &parents[..]
            && parent == target
        {
            return Ok(vec![BranchCommit {
                id: head.clone(),
                parent: parent.clone(),
                message,
            }]);
        }
        for depth in [DEPTH, WHOLE] {
            let depth = format!("--depth={depth}");
            let ends = [target.clone(), head.clone()];
            self.fetch(&[&depth, "--filter=tree:0"], ends, Vec::new())
                .await?;
            if let Some(reached) = self.reached(target, head).await? {
                return self.without_merges(reached).await;
            }
        }
        Err(GitError::Damaged {
            remote: self.remote_url().to_owned(),
            detail: "its history is incomplete although all of it was fetched".to_owned(),
        })
    }

    /// The commits that only `head` has, with the numbers of their parents; `None` if the copy has too little history.
    async fn reached(
        &self,
        target: &CommitId,
        head: &CommitId,
    ) -> Result<Option<Vec<(CommitId, usize)>>, GitError> {
        let args = vec![
            "--parents".into(),
            format!("--max-count={MAX_COMMITS}"),
            format!("{target}..{head}"),
        ];
        let list = text(
            &self
                .own(Call {
                    args,
                    ..self.call("rev-list")
                })
                .await?,
        );
        // The parents of the commits in this file are not in the copy. If there are any, a path from `head` that ends
        // at one of them or at a root may in fact meet the history of `target`.
        let cut = std::fs::read_to_string(self.path.join("shallow")).unwrap_or_default();
        let cut: BTreeSet<&str> = cut.lines().collect();
        let mut commits = Vec::new();
        for line in list.lines() {
            let mut ids = line.split(' ');
            let id = ids.next().unwrap_or_default();
            let parents = ids.count();
            let is_end = parents == 0 || cut.contains(id) || commits.len() + 1 == MAX_COMMITS;
            if is_end && !cut.is_empty() {
                return Ok(None);
            }
            if let Ok(id) = CommitId::parse(id) {
                commits.push((id, parents));
            }
        }
        Ok(Some(commits))
    }

    async fn without_merges(
        &self,
        reached: Vec<(CommitId, usize)>,
    ) -> Result<Vec<BranchCommit>, GitError> {
        let mut commits = Vec::new();
        let plain = reached.into_iter().filter(|(_, parents)| *parents < 2);
        for (id, _) in plain.take(MAX_READ) {
            let (parents, message) = self.read_commit(&id).await?;
            let parent = parents.into_iter().next().unwrap_or_else(|| id.clone());
            commits.push(BranchCommit {
                id,
                parent,
                message,
            });
        }
        Ok(commits)
    }

    /// The differences between two commits. Their trees are fetched if they are missing.
    pub async fn changes(
        &mut self,
        before: &CommitId,
        after: &CommitId,
    ) -> Result<Vec<TreeChange>, GitError> {
        let first = self.git.run(self.diff(before, after)).await?;
        if first.status.success() {
            return parse_changes(&first.stdout);
        }
        // The commits may be there without their trees, and git would then not fetch them without `--refetch`.
        let options = ["--depth=1", "--filter=blob:none", "--refetch"];
        self.fetch(&options, [before.clone(), after.clone()], Vec::new())
            .await?;
        parse_changes(&self.own(self.diff(before, after)).await?)
    }

    fn diff(&self, before: &CommitId, after: &CommitId) -> Call<'_> {
        let options = [
            "-r",
            "-z",
            "--raw",
            "--no-renames",
            "--full-index",
            "--no-ext-diff",
            "--end-of-options",
        ];
        let ids = [before.to_string(), after.to_string()];
        Call {
            args: options.map(str::to_owned).into_iter().chain(ids).collect(),
            ..self.call("diff-tree")
        }
    }
}

fn text_lossy(output: &[u8]) -> String {
    String::from_utf8_lossy(output).into_owned()
}

/// `:<mode> <mode> <id> <id> <status> NUL <path> NUL`, repeated. A path that cannot be one of ours is an error; a
/// change is never left out.
fn parse_changes(output: &[u8]) -> Result<Vec<TreeChange>, GitError> {
    let odd = |what: &str| GitError::Failed {
        action: "diff-tree",
        detail: first_lines(what),
    };
    let mut fields = output.split(|b| *b == 0);
    let mut changes = Vec::new();
    while let (Some(meta), Some(path)) = (fields.next(), fields.next()) {
        let meta = text_lossy(meta);
        let meta: Vec<&str> = meta.trim_start_matches(':').split(' ').collect();
        let [mode_before, mode_after, id_before, id_after, _] = meta[..] else {
            return Err(odd("an unexpected line"));
        };
        let side =
            |mode: &str, id: &str| Some((TreeEntryKind::of_mode(mode)?, ObjectId::parse(id).ok()?));
        let path = std::str::from_utf8(path)
            .ok()
            .and_then(|path| RepoPath::parse(path).ok());
        let path = path.ok_or_else(|| odd("an invalid path"))?;
        changes.push(TreeChange {
            path,
            before: side(mode_before, id_before),
            after: side(mode_after, id_after),
        });
    }
    Ok(changes)
}
