//! The commits between the target branch and a branch of ours: from them it is decided whose work the branch is.

use super::cache::Cached;
use super::command::Call;
use super::commit::text;
use super::error::{GitError, first_lines};
use super::tree::TreeEntryKind;
use crate::repo::{CommitId, ObjectId, RepoPath};
use std::collections::BTreeSet;

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
