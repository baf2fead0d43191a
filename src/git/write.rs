//! Writes a commit without a work tree, and moves all branches of a repository with one push, with a lease for each.

use super::cache::Cached;
use super::command::{Call, owned};
use super::error::{GitError, first_lines};
use super::lock;
use super::object::write_blobs;
use super::tree::TreeEntryKind;
use crate::process::Output;
use crate::repo::{Branch, CommitId, RepoPath};
use std::collections::BTreeMap;

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
        let ids = write_blobs(&self.git, self.call("hash-object"), &contents).await;
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

/// A branch to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The branch.
    pub branch: Branch,
    /// Where it is; `None`: it must not exist.
    pub from: Option<CommitId>,
    /// Where it shall be; `None`: it is deleted.
    pub to: Option<CommitId>,
}

/// The result for one branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The branch was moved.
    Done,
    /// The branch changed in the meantime; nothing was pushed.
    Moved,
    /// The server refused: a protected branch, a push rule, a hook. Nothing was changed.
    Refused(String),
}

impl Cached {
    /// Moves branches, each only if it still is where it was expected; the results have the order of `pushes`.
    pub async fn push(&self, pushes: &[Push]) -> Result<Vec<Pushed>, GitError> {
        if pushes.is_empty() {
            return Ok(Vec::new());
        }
        let id = |id: &Option<CommitId>| id.as_ref().map_or_else(String::new, ToString::to_string);
        // Not thin: git would need the old contents as bases, which the copy may not have.
        let mut args: Vec<String> = ["--porcelain", "--no-verify", "--no-thin"]
            .map(str::to_owned)
            .into();
        args.extend(
            pushes
                .iter()
                .map(|p| format!("--force-with-lease={}:{}", p.branch.full(), id(&p.from))),
        );
        args.extend(["--end-of-options".to_owned(), "origin".to_owned()]);
        args.extend(
            pushes
                .iter()
                .map(|p| format!("{}:{}", id(&p.to), p.branch.full())),
        );
        let mut output = self.send(&args, &[]).await?;
        if String::from_utf8_lossy(&output.stdout).contains("(unpacker error)") {
            // The target has moved: no branch of the server is at our commit's parent any more, and git does not see
            // that the server has all of its history. One more round negotiates that.
            output = self.send(&args, &[("push.negotiate", "true")]).await?;
        }
        if let Some(lock) = lock::in_the_way(&self.remote, &output.stderr)
            && lock::remove_if_stale(&lock)
        {
            output = self.send(&args, &[]).await?;
        }
        let report = String::from_utf8_lossy(&output.stdout).into_owned();
        let answers: Vec<Option<Answer>> =
            pushes.iter().map(|p| answer(&report, &p.branch)).collect();
        if answers.iter().all(|a| *a == Some(Answer::Done)) {
            return Ok(vec![Pushed::Done; pushes.len()]);
        }
        // The messages of servers differ, and an answer can be lost: where the branches are now shows what happened.
        let heads = match self.remote_heads().await {
            Ok(heads) => heads,
            Err(_) => return Err(self.failed(&output.stderr).await),
        };
        let result = |(push, answer): (&Push, &Option<Answer>)| {
            let now = heads.get(&push.branch.full());
            match answer {
                Some(Answer::Done) => Pushed::Done,
                _ if now == push.to.as_ref() => Pushed::Done,
                _ if now != push.from.as_ref() => Pushed::Moved,
                Some(Answer::Refused(why)) => {
                    Pushed::Refused(reason(&push.branch, why, &heads, &output.stderr))
                }
                None => Pushed::Refused(first_lines(&output.stderr)),
            }
        };
        let results: Vec<Pushed> = pushes.iter().zip(&answers).map(result).collect();
        if answers.iter().all(Option::is_none)
            && results.iter().all(|r| matches!(r, Pushed::Refused(_)))
        {
            return Err(self.failed(&output.stderr).await);
        }
        Ok(results)
    }

    async fn send(&self, args: &[String], settings: &[(&str, &str)]) -> Result<Output, GitError> {
        let call = Call {
            args: args.to_vec(),
            settings: owned(settings),
            ..self.call("push")
        };
        self.git.run(call).await
    }

    /// The branches of the server.
    async fn remote_heads(&self) -> Result<BTreeMap<String, CommitId>, GitError> {
        let args = [
            "--refs",
            "--quiet",
            "--end-of-options",
            "origin",
            "refs/heads/*",
        ];
        let output = self
            .git
            .ask(Call {
                args: args.map(str::to_owned).into(),
                ..self.call("ls-remote")
            })
            .await?;
        let line = |line: &str| {
            let (id, name) = line.split_once('\t')?;
            Some((name.to_owned(), CommitId::parse(id).ok()?))
        };
        Ok(String::from_utf8_lossy(&output)
            .lines()
            .filter_map(line)
            .collect())
    }
}

/// The server's answer for a branch.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Done,
    Refused(String),
}

/// A line of the porcelain report: `<flag> TAB <from>:<to> TAB <summary> (<reason>)`.
fn answer(report: &str, branch: &Branch) -> Option<Answer> {
    let full = branch.full();
    report.lines().find_map(|line| {
        let mut fields = line.split('\t');
        let (flag, refs, summary) = (fields.next()?, fields.next()?, fields.next()?);
        if refs.rsplit_once(':').map(|(_, to)| to) != Some(full.as_str()) {
            return None;
        }
        Some(match flag {
            "!" => Answer::Refused(summary.to_owned()),
            _ => Answer::Done,
        })
    })
}

/// Why a branch was refused: the conflicting branch (T17), or the server's message (F58).
fn reason(
    branch: &Branch,
    summary: &str,
    heads: &BTreeMap<String, CommitId>,
    stderr: &str,
) -> String {
    let full = branch.full();
    let in_the_way = heads.keys().find(|head| {
        let under = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'));
        under(&full, head) || under(head, &full)
    });
    if let Some(head) = in_the_way {
        let head = head.strip_prefix("refs/heads/").unwrap_or(head);
        return format!(
            "the branch `{head}` blocks `{branch}`: git cannot store both, so rename `{head}`"
        );
    }
    let said: Vec<&str> = stderr
        .lines()
        .filter_map(|line| line.strip_prefix("remote:"))
        .map(str::trim)
        .collect();
    let summary = summary
        .rsplit_once(" (")
        .map_or(summary, |(_, why)| why.trim_end_matches(')'));
    if summary == "unpacker error" {
        first_lines(stderr)
    } else if said.iter().all(|line| line.is_empty()) {
        first_lines(summary)
    } else {
        first_lines(&format!("{summary}\n{}", said.join("\n")))
    }
}
