//! Writes a commit without a work tree.

use super::cache::Cached;
use super::command::Call;
use super::error::GitError;
use super::tree::TreeEntryKind;
use crate::repo::{CommitId, RepoPath};

/// A file that a commit changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// Its path.
    pub path: RepoPath,
    /// Its kind, which the commit does not change.
    pub kind: TreeEntryKind,
    /// Its new contents.
    pub contents: Vec<u8>,
}

/// A commit to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommit {
    /// The commit that it is based on.
    pub parent: CommitId,
    /// The files it changes.
    pub files: Vec<FileChange>,
    /// Its message.
    pub message: String,
}

impl Cached {
    /// Writes a commit on top of its parent. The date is the parent's, so that the same change gives the same id.
    pub async fn commit(&self, new: &NewCommit) -> Result<CommitId, GitError> {
        let index = tempfile::Builder::new()
            .prefix("index-")
            .tempdir_in(self.git.home())
            .map_err(|error| GitError::io("a private index", error))?;
        let env = vec![(
            "GIT_INDEX_FILE".to_owned(),
            index.path().join("index").display().to_string(),
        )];
        let is_file = |kind| matches!(kind, TreeEntryKind::File | TreeEntryKind::Executable);
        if let Some(odd) = new.files.iter().find(|file| !is_file(file.kind)) {
            return Err(GitError::Failed {
                action: "commit",
                detail: format!("{} is not a file", odd.path),
            });
        }
        let contents: Vec<&[u8]> = new.files.iter().map(|file| &file.contents[..]).collect();
        let ids = self
            .git
            .write_blobs(self.call("hash-object"), &contents)
            .await;
        let ids = ids.map_err(|error| self.because_of(error))?;
        let entries: String = new
            .files
            .iter()
            .zip(ids)
            .map(|(file, id)| format!("{} {id}\t{}\0", file.kind.mode(), file.path))
            .collect();
        let args = vec![new.parent.to_string()];
        self.own(Call {
            args,
            env: env.clone(),
            ..self.call("read-tree")
        })
        .await?;
        let args = vec!["-z".into(), "--index-info".into()];
        self.own(Call {
            args,
            env: env.clone(),
            input: entries.into_bytes(),
            ..self.call("update-index")
        })
        .await?;
        // Without `--missing-ok` git would want every blob of the tree.
        let tree = self
            .own(Call {
                args: vec!["--missing-ok".into()],
                env,
                ..self.call("write-tree")
            })
            .await?;
        self.write_commit(&text(&tree), &[&new.parent], &new.message)
            .await
    }

    pub(super) async fn write_commit(
        &self,
        tree: &str,
        parents: &[&CommitId],
        message: &str,
    ) -> Result<CommitId, GitError> {
        let date = match parents.first() {
            Some(parent) => self.commit_date(parent).await?,
            None => "@0 +0000".to_owned(),
        };
        let identity = self.git.identity();
        let env = vec![
            ("GIT_AUTHOR_NAME".to_owned(), identity.name.clone()),
            ("GIT_AUTHOR_EMAIL".to_owned(), identity.email.clone()),
            ("GIT_AUTHOR_DATE".to_owned(), date.clone()),
            ("GIT_COMMITTER_NAME".to_owned(), identity.name.clone()),
            ("GIT_COMMITTER_EMAIL".to_owned(), identity.email.clone()),
            ("GIT_COMMITTER_DATE".to_owned(), date),
        ];
        let mut args: Vec<String> = parents
            .iter()
            .flat_map(|parent| ["-p".to_owned(), parent.to_string()])
            .collect();
        args.extend(["-F".to_owned(), "-".to_owned(), tree.to_owned()]);
        let input = message.as_bytes().to_vec();
        let id = text(
            &self
                .own(Call {
                    args,
                    env,
                    input,
                    ..self.call("commit-tree")
                })
                .await?,
        );
        let id = CommitId::parse(&id).map_err(|error| GitError::Failed {
            action: "commit-tree",
            detail: error.to_string(),
        })?;
        self.has_parents(&id)
            .map_err(|error| GitError::io("the copy's list of cut histories", error))?;
        Ok(id)
    }

    /// Removes a commit from the list of commits without parents. It is on the list if the same commit was fetched
    /// before at depth one; git would then refuse to push it to a server that does not have it already.
    fn has_parents(&self, id: &CommitId) -> std::io::Result<()> {
        let path = self.path.join("shallow");
        let Ok(list) = std::fs::read_to_string(&path) else {
            return Ok(());
        };
        if !list.lines().any(|line| line == id.as_str()) {
            return Ok(());
        }
        let rest: String = list
            .lines()
            .filter(|line| *line != id.as_str())
            .map(|line| format!("{line}\n"))
            .collect();
        let new = path.with_extension("new");
        std::fs::write(&new, rest).and_then(|()| std::fs::rename(&new, &path))
    }

    /// The committer's date of a commit, as git reads it back.
    async fn commit_date(&self, commit: &CommitId) -> Result<String, GitError> {
        let args = vec!["commit".into(), commit.to_string()];
        let raw = self
            .own(Call {
                args,
                ..self.call("cat-file")
            })
            .await?;
        let raw = String::from_utf8_lossy(&raw);
        let date = raw
            .lines()
            .take_while(|line| !line.is_empty())
            .find_map(|line| {
                let (_, date) = line.strip_prefix("committer ")?.rsplit_once("> ")?;
                well_formed(date)
            });
        Ok(date.unwrap_or_else(|| "@0 +0000".to_owned()))
    }
}

/// A date that git accepts: old histories have time zones and seconds that it does not.
fn well_formed(date: &str) -> Option<String> {
    let (seconds, zone) = date.split_once(' ').unwrap_or((date, "+0000"));
    let seconds: u32 = seconds.parse().ok()?;
    let zone_fits = zone.len() == 5
        && zone.starts_with(['+', '-'])
        && zone[1..].parse::<u16>().is_ok_and(|zone| zone <= 1400);
    let zone = if zone_fits { zone } else { "+0000" };
    Some(format!("@{seconds} {zone}"))
}

pub(super) fn text(output: &[u8]) -> String {
    String::from_utf8_lossy(output).trim().to_owned()
}
