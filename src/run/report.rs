//! What a pass reports, as values that are printed by people and machines alike.

use crate::forge::ForgeError;
use crate::git::GitError;
use crate::plan::{Decision, Proposal, Reconciled};
use jiff::Timestamp;
use serde::Serialize;

/// A pass.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The version of this format.
    pub version: u32,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// The repositories, by name.
    pub repositories: Vec<RepositoryReport>,
    /// Repositories that the forges have and that are not worked on.
    pub left_out: Vec<LeftOutReport>,
    /// What concerns no single repository.
    pub problems: Vec<ProblemReport>,
    /// What is worth knowing and is no error.
    pub warnings: Vec<String>,
    /// Rules of the operator that matched nothing, as `file:line`.
    pub unused_rules: Vec<String>,
    /// Repositories or globs that were asked for and that no registered repository is.
    pub unmatched: Vec<String>,
}

impl Report {
    /// Adds what another report says.
    pub(super) fn take(&mut self, other: Self) {
        self.repositories.extend(other.repositories);
        self.left_out.extend(other.left_out);
        self.problems.extend(other.problems);
        self.warnings.extend(other.warnings);
    }
}

/// A repository.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RepositoryReport {
    /// Its path.
    pub repo: String,
    /// The commit that was looked at.
    pub head: Option<String>,
    /// Why it was not looked at, if it was not.
    pub skipped: Option<String>,
    /// The decisions, in the order of files and lines.
    pub decisions: Vec<DecisionReport>,
    /// The merge requests that are there or should be.
    pub proposals: Vec<ProposalReport>,
    /// Files and lines that were not read.
    pub unread: Vec<String>,
    /// What went wrong.
    pub problems: Vec<ProblemReport>,
    /// What is worth knowing and is no error.
    pub warnings: Vec<String>,
    /// Its own rules that matched nothing, as `file:line`.
    pub unused_rules: Vec<String>,
    /// The decisions with their traces and the lines they are about, where they were asked for.
    #[serde(skip)]
    pub traces: Vec<(Decision, Option<String>)>,
}

/// A repository that is not worked on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LeftOutReport {
    /// Its path.
    pub repo: String,
    /// The stable code of why.
    pub why: &'static str,
}

/// Something that went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProblemReport {
    /// The stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do, where that is known.
    pub help: Option<String>,
    /// Since when it is there; `None` if it was not there in the last pass.
    pub since: Option<Timestamp>,
}

/// A decision.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionReport {
    /// The file.
    pub path: String,
    /// The line.
    pub line: usize,
    /// The kind of place.
    pub kind: &'static str,
    /// The reference as it stands in the file.
    pub written: String,
    /// The image, variables put in.
    pub image: String,
    /// The tag now.
    pub tag: Option<String>,
    /// The digest now.
    pub digest: Option<String>,
    /// The outcome.
    pub outcome: &'static str,
    /// The reason's code.
    pub reason: &'static str,
    /// The particulars.
    pub detail: String,
    /// What to configure, where that is known.
    pub help: Option<String>,
    /// What could not be found out although something is wanted, its reason's code.
    pub missing: Option<&'static str>,
    /// Whether something of it failed.
    pub failed: bool,
    /// Since when that is so; `None` if it was not in the last pass.
    pub since: Option<Timestamp>,
    /// The registered repository that publishes the image, if one does.
    pub parent: Option<String>,
    /// The repository that it waits for.
    pub waits_for: Option<String>,
    /// The changes that are wanted.
    pub wanted: Vec<WantedReport>,
}

/// A change that is wanted.
#[derive(Debug, Clone, Serialize)]
pub struct WantedReport {
    /// The class.
    pub class: &'static str,
    /// The level.
    pub level: &'static str,
    /// The new tag.
    pub tag: Option<String>,
    /// The new digest.
    pub digest: Option<String>,
}

/// A merge request that is there or should be.
#[derive(Debug, Clone, Serialize)]
pub struct ProposalReport {
    /// The branch.
    pub branch: String,
    /// The title, if something is proposed.
    pub title: Option<String>,
    /// How it stands.
    pub status: &'static str,
    /// Why.
    pub detail: String,
    /// The merge request's number.
    pub number: Option<u64>,
    /// What it changes, one line each: path, image, from, to.
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

    /// Whether some repository or image failed: exit code 1.
    pub fn failed(&self) -> bool {
        !self.problems.is_empty() || self.repositories.iter().any(RepositoryReport::failed)
    }

    /// Whether something failed that did not fail in the last pass, or that concerns a whole forge.
    pub fn failed_anew(&self) -> bool {
        let mut problems = self.repositories.iter().flat_map(|repo| &repo.problems);
        let mut decisions = self.repositories.iter().flat_map(|repo| &repo.decisions);
        // What concerns a whole forge leaves nothing looked at, so it always counts.
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

    /// A repository whose task ended in a panic.
    pub(super) fn bug(repo: String, error: &impl std::fmt::Display) -> Self {
        Self::failed_with(repo, ProblemReport::bug(error))
    }

    /// Whether something of it failed.
    pub fn failed(&self) -> bool {
        !self.problems.is_empty() || self.decisions.iter().any(|decision| decision.failed)
    }
}

impl ProblemReport {
    /// A problem without a known cure.
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

    /// A forge that could not be asked for its repositories.
    pub(super) fn of_forge(forge: &str, error: &ForgeError) -> Self {
        let problem = Self::from(error);
        // Most errors name the host themselves; the token's prefix, if there is one, only the forge's name tells.
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
            parent: decision.kin.parent.clone(),
            waits_for: decision.kin.waits_for.clone(),
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
    /// How a proposal, or a merge request without one, stands.
    pub fn new(result: &Reconciled, proposals: &[Proposal]) -> Self {
        let proposal = result.proposal.map(|index| &proposals[index]);
        Self {
            branch: result.branch.to_string(),
            title: proposal.map(|proposal| proposal.texts.title.clone()),
            status: result.status.code(),
            detail: result.detail.clone(),
            number: result.number,
            changes: proposal
                .map(|proposal| proposal.changes.lines())
                .unwrap_or_default(),
        }
    }
}

/// The first lines of a list that a repository or a server fills, and how many there are besides.
pub(super) fn capped(lines: impl IntoIterator<Item = String>, most: usize) -> Vec<String> {
    let mut lines = lines.into_iter();
    let mut shown: Vec<String> = lines.by_ref().take(most).map(|line| cut(&line)).collect();
    match lines.count() {
        0 => {}
        more => shown.push(format!("and {more} more")),
    }
    shown
}

/// The longest line of a report that comes from a repository or a server, in characters.
const LONGEST: usize = 400;

/// The beginning of a line.
pub(super) fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        None => line.to_owned(),
        Some((at, _)) => format!("{}…", &line[..at]),
    }
}
