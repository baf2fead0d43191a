//! One push for all branches of a repository, with a lease for each.

use super::cache::Cached;
use super::command::{Call, owned};
use super::error::{GitError, first_lines};
use super::lock;
use super::process::Output;
use crate::repo::{Branch, CommitId};
use std::collections::BTreeMap;

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
