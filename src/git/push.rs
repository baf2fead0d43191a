//! One push for all branches of a repository, with a lease for each.

use super::cache::Cached;
use super::command::{Call, first_lines};
use super::error::GitError;
use crate::repo::{Branch, CommitId};

/// A branch to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The branch.
    pub branch: Branch,
    /// Where it is; `None`: it must not exist yet.
    pub from: Option<CommitId>,
    /// Where it is to be; `None`: it is to be deleted.
    pub to: Option<CommitId>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The branch is where it was to be.
    Done,
    /// Somebody moved it meanwhile; nothing was changed.
    Moved,
    /// The server refused: a protected branch, a push rule, a hook. Nothing was changed.
    Refused(String),
}

impl Cached {
    /// Moves branches, each only if it still is where it was; the results are in the order of `pushes`.
    pub async fn push(&self, pushes: &[Push]) -> Result<Vec<Pushed>, GitError> {
        if pushes.is_empty() {
            return Ok(Vec::new());
        }
        let id = |id: &Option<CommitId>| id.as_ref().map_or_else(String::new, ToString::to_string);
        let mut args: Vec<String> = vec!["--porcelain".into(), "--no-verify".into()];
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
        let output = self
            .git
            .run(Call {
                args,
                ..self.call("push")
            })
            .await?;
        let report = String::from_utf8_lossy(&output.stdout).into_owned();
        let results: Vec<Option<Pushed>> = pushes
            .iter()
            .map(|push| match result(&report, &push.branch) {
                Some(Pushed::Moved) => in_the_way(&output.stderr, &push.branch)
                    .map(Pushed::Refused)
                    .or(Some(Pushed::Moved)),
                other => other,
            })
            .collect();
        if results.iter().all(Option::is_none) && !output.status.success() {
            return Err(GitError::Unreadable {
                remote: self.remote.url().to_owned(),
                detail: first_lines(&output.stderr),
            });
        }
        let reason = || Pushed::Refused(first_lines(&output.stderr));
        Ok(results
            .into_iter()
            .map(|result| result.unwrap_or_else(reason))
            .collect())
    }
}

/// What the server says of a branch that cannot be made because another one's name is in the way, `imagebot` for
/// `imagebot/x` (T17): nobody moved anything, and trying again does not help.
fn in_the_way(stderr: &str, branch: &Branch) -> Option<String> {
    let locked = format!("'{}'", branch.full());
    let said = |line: &&str| line.contains(&locked) && line.contains("cannot create");
    stderr.lines().find(said).map(first_lines)
}

/// A line of the porcelain report: `<flag> TAB <from>:<to> TAB <summary> (<reason>)`.
fn result(report: &str, branch: &Branch) -> Option<Pushed> {
    let full = branch.full();
    report.lines().find_map(|line| {
        let mut fields = line.split('\t');
        let (flag, refs, summary) = (fields.next()?, fields.next()?, fields.next()?);
        if refs.rsplit_once(':').map(|(_, to)| to) != Some(full.as_str()) {
            return None;
        }
        Some(match flag {
            "!" if summary.contains("stale info")
                || summary.contains("fetch first")
                || summary.contains("cannot lock ref")
                || summary.contains("failed to update ref")
                || summary.contains("reference already exists") =>
            {
                Pushed::Moved
            }
            "!" => Pushed::Refused(first_lines(summary)),
            _ => Pushed::Done,
        })
    })
}
