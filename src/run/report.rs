//! The report of a pass, for JSON and for rendering.

use super::act::BranchRun;
use crate::forge::ForgeError;
use crate::git::GitError;
use crate::plan::Decision;
use jiff::Timestamp;
use serde::Serialize;
use url::Url;

/// The report of a pass.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The version of the JSON format.
    pub version: u32,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// The repositories, ordered by name.
    pub repositories: Vec<RepositoryReport>,
    /// Repositories that the forges list but that are not processed.
    pub left_out: Vec<LeftOutReport>,
    /// Problems that don't belong to a single repository.
    pub problems: Vec<ProblemReport>,
    /// Remarks that are not errors.
    pub warnings: Vec<String>,
    /// The operator's rules that matched nothing, as `file:line`.
    pub unused_rules: Vec<String>,
    /// Requested repositories or patterns without a registered repository.
    pub unmatched: Vec<String>,
}

impl Report {
    /// Adds the entries of another report.
    pub(super) fn take(&mut self, other: Self) {
        self.repositories.extend(other.repositories);
        self.left_out.extend(other.left_out);
        self.problems.extend(other.problems);
        self.warnings.extend(other.warnings);
    }

    /// Removes all entries.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.dry_run);
    }
}

/// The report of a repository.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RepositoryReport {
    /// The repository's path.
    pub repo: String,
    /// The commit that was read.
    pub head: Option<String>,
    /// Why it was skipped, if it was.
    pub skipped: Option<String>,
    /// The decisions, ordered by file and line.
    pub decisions: Vec<DecisionReport>,
    /// The merge requests that exist or should exist.
    pub proposals: Vec<ProposalReport>,
    /// Files and lines that were not read.
    pub unread: Vec<String>,
    /// The errors.
    pub problems: Vec<ProblemReport>,
    /// Remarks that are not errors.
    pub warnings: Vec<String>,
    /// Its own rules that matched nothing, as `file:line`.
    pub unused_rules: Vec<String>,
    /// The decisions with their traces and source lines, if requested.
    #[serde(skip)]
    pub traces: Vec<(Decision, Option<String>)>,
}

/// A repository that is not processed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LeftOutReport {
    /// The repository's path.
    pub repo: String,
    /// The reason, as a stable code.
    pub why: &'static str,
}

/// A problem.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProblemReport {
    /// The stable code.
    pub code: String,
    /// The message.
    pub message: String,
    /// What to do, if known.
    pub help: Option<String>,
    /// Since when it has existed; `None` if the last pass did not have it.
    pub since: Option<Timestamp>,
}

/// The report of a decision.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionReport {
    /// The file's path.
    pub path: String,
    /// The line, counted from 1.
    pub line: usize,
    /// The kind of reference.
    pub kind: &'static str,
    /// The reference as written in the file.
    pub written: String,
    /// The image, with variables substituted.
    pub image: String,
    /// The current tag.
    pub tag: Option<String>,
    /// The current digest.
    pub digest: Option<String>,
    /// The outcome, as a stable code.
    pub outcome: &'static str,
    /// The reason, as a stable code.
    pub reason: &'static str,
    /// The details, human-readable.
    pub detail: String,
    /// The configuration that would fix it, if known.
    pub help: Option<String>,
    /// The reason of a look-up that failed although another change is proposed, as a stable code.
    pub missing: Option<&'static str>,
    /// Whether a part of it failed.
    pub failed: bool,
    /// Since when it has failed; `None` if it did not fail in the last pass.
    pub since: Option<Timestamp>,
    /// The registered repository that publishes the image, if any.
    pub parent: Option<String>,
    /// The repository that it waits for.
    pub waits_for: Option<String>,
    /// The changes to propose.
    pub wanted: Vec<WantedReport>,
}

/// A change to propose.
#[derive(Debug, Clone, Serialize)]
pub struct WantedReport {
    /// The kind of update: `update`, `pin` or `major`.
    pub class: &'static str,
    /// The size of the version change.
    pub level: &'static str,
    /// The new tag.
    pub tag: Option<String>,
    /// The new digest.
    pub digest: Option<String>,
}

/// A merge request that exists or should exist.
#[derive(Debug, Clone, Serialize)]
pub struct ProposalReport {
    /// The source branch.
    pub branch: String,
    /// The title, if something is proposed.
    pub title: Option<String>,
    /// The status, as a stable code.
    pub status: &'static str,
    /// The reason, human-readable.
    pub detail: String,
    /// The number of the merge request.
    pub number: Option<u64>,
    /// Its page, if the forge has one.
    pub url: Option<String>,
    /// The changes, one line each: path, image, from, to.
    pub changes: Vec<String>,
}

impl Report {
    pub(super) fn new(dry_run: bool) -> Self {
        Self {
            version: 1,
            dry_run,
            repositories: Vec::new(),
            left_out: Vec::new(),
            problems: Vec::new(),
            warnings: Vec::new(),
            unused_rules: Vec::new(),
            unmatched: Vec::new(),
        }
    }

    /// Whether a repository or image failed: exit code 1.
    pub fn failed(&self) -> bool {
        !self.problems.is_empty() || self.repositories.iter().any(RepositoryReport::failed)
    }

    /// Whether there is a failure that the last pass did not have, or one of a whole forge.
    pub fn failed_anew(&self) -> bool {
        let mut problems = self.repositories.iter().flat_map(|repo| &repo.problems);
        let mut decisions = self.repositories.iter().flat_map(|repo| &repo.decisions);
        // If a whole forge fails, no repository of it is processed, so that always counts.
        !self.problems.is_empty()
            || problems.any(|problem| problem.since.is_none())
            || decisions.any(|decision| decision.failed && decision.since.is_none())
    }
}

impl RepositoryReport {
    pub(super) fn failed_with(repo: String, problem: ProblemReport) -> Self {
        Self {
            repo,
            problems: vec![problem],
            ..Self::default()
        }
    }

    /// The report of a repository whose task panicked.
    pub(super) fn bug(repo: String, error: &impl std::fmt::Display) -> Self {
        Self::failed_with(repo, ProblemReport::bug(error))
    }

    /// Whether a part of it failed.
    pub fn failed(&self) -> bool {
        !self.problems.is_empty() || self.decisions.iter().any(|decision| decision.failed)
    }
}

impl ProblemReport {
    /// A problem without a known fix.
    pub fn new(code: &str, message: impl ToString) -> Self {
        Self {
            code: code.to_owned(),
            message: message.to_string(),
            help: None,
            since: None,
        }
    }
}

impl ProblemReport {
    pub(super) fn bug(error: &impl std::fmt::Display) -> Self {
        Self::new("bug", format!("this is a bug in imagebot: {error}"))
    }

    /// The problem that a forge's repositories could not be listed.
    pub(super) fn of_forge(forge: &str, error: &ForgeError) -> Self {
        let problem = Self::from(error);
        // Most error messages contain the host, but only the forge's name contains the token's path prefix.
        let host = forge.split([':', '/']).next().unwrap_or_default();
        let said = problem.message.strip_prefix(&format!("{host}: "));
        Self {
            message: format!("{forge}: {}", said.unwrap_or(&problem.message)),
            ..problem
        }
    }
}

impl From<&ForgeError> for ProblemReport {
    fn from(error: &ForgeError) -> Self {
        Self {
            help: error.help().map(str::to_owned),
            ..Self::new(error.code(), error)
        }
    }
}

impl From<GitError> for ProblemReport {
    fn from(error: GitError) -> Self {
        Self {
            help: error.help(),
            ..Self::new(error.code(), &error)
        }
    }
}

impl From<&Decision> for DecisionReport {
    fn from(decision: &Decision) -> Self {
        let text = |text: &dyn std::fmt::Display| text.to_string();
        let reference = decision.reference();
        Self {
            path: decision.path.to_string(),
            line: decision.located.line,
            kind: decision.located.kind.code(),
            written: cut(&decision.located.written),
            image: cut(decision.located.image()),
            tag: reference.and_then(|r| r.tag.as_ref()).map(|tag| text(tag)),
            digest: reference
                .and_then(|r| r.digest.as_ref())
                .map(|digest| text(digest)),
            outcome: decision.outcome().code(),
            reason: decision.reason.code(),
            detail: cut(&decision.detail),
            help: decision.help.clone(),
            missing: decision
                .missing
                .as_ref()
                .filter(|_| !decision.wanted.is_empty())
                .map(|(reason, _)| reason.code()),
            failed: decision.failed(),
            since: None,
            parent: decision.family.parent.clone(),
            waits_for: decision.family.waits_for.clone(),
            wanted: decision
                .wanted
                .iter()
                .map(|wanted| WantedReport {
                    class: wanted.class.code(),
                    level: wanted.level.code(),
                    tag: wanted.to_tag.as_ref().map(|tag| text(tag)),
                    digest: wanted.to_digest.as_ref().map(|digest| text(digest)),
                })
                .collect(),
        }
    }
}

impl ProposalReport {
    /// The report of a branch; `url` gives the page of a merge request.
    pub(super) fn new(run: &BranchRun, url: impl Fn(u64) -> Option<Url>) -> Self {
        let proposal = run.plan.proposal.as_ref();
        let changes = proposal.map(|proposal| proposal.changes.lines());
        Self {
            branch: run.plan.branch.to_string(),
            title: proposal.map(|proposal| proposal.texts.title.clone()),
            status: run.done.code(),
            detail: run.detail.clone(),
            number: run.number,
            url: run.number.and_then(url).map(String::from),
            changes: changes.unwrap_or_default(),
        }
    }
}

/// The first lines of a list of unbounded length from a repository or server, and the number of the others.
pub(super) fn capped(lines: impl IntoIterator<Item = String>, most: usize) -> Vec<String> {
    let mut lines = lines.into_iter();
    let mut shown: Vec<String> = lines.by_ref().take(most).map(|line| cut(&line)).collect();
    match lines.count() {
        0 => {}
        more => shown.push(format!("and {more} more")),
    }
    shown
}

/// The maximum length of a reported line from a repository or server, in characters.
const LONGEST: usize = 400;

/// The beginning of a line, up to that length.
pub(super) fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        None => line.to_owned(),
        Some((at, _)) => format!("{}…", &line[..at]),
    }
}
