//! The human-readable report of a pass: what changed first, then what failed, then counts of everything.

use super::super::changes::describe;
use super::super::counts;
use super::super::output::{Amount, counted, short_digests};
use super::super::page::{Page, Role};
use super::status;
use crate::run::{DecisionReport, ProblemReport, ProposalReport, Report, RepositoryReport};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// The most references of a repository that are shown for one reason. JSON has all of them.
const MOST_ALIKE: usize = 10;
/// The most merge requests of a repository that are shown. JSON has all of them.
const MOST_PROPOSALS: usize = 50;
/// The most changes of a merge request that are shown.
const MOST_CHANGES: usize = 30;
/// The most ended version lines that are shown.
const MOST_ENDINGS: usize = 20;

/// The page of a report. `now` is what ages are counted from.
pub(super) fn page(report: &Report, amount: Amount, now: Timestamp) -> Page {
    let mut view = View {
        page: Page::default(),
        report,
        amount,
        now,
    };
    view.repositories();
    view.fleet();
    view.page
}

struct View<'a> {
    page: Page,
    report: &'a Report,
    amount: Amount,
    now: Timestamp,
}

/// What is shown of a repository.
struct Shown<'a> {
    repo: &'a RepositoryReport,
    proposals: Vec<&'a ProposalReport>,
    decisions: Vec<&'a DecisionReport>,
}

impl Shown<'_> {
    /// Changes come first, then problems.
    fn rank(&self) -> u8 {
        let changed = |proposal: &&ProposalReport| status::is_change(proposal.status);
        match self.proposals.iter().any(changed) {
            true => 0,
            false if self.repo.failed() => 1,
            false => 2,
        }
    }

    fn is_empty(&self) -> bool {
        let repo = self.repo;
        self.proposals.is_empty()
            && self.decisions.is_empty()
            && repo.problems.is_empty()
            && repo.warnings.is_empty()
            && repo.unread.is_empty()
            && repo.unused_rules.is_empty()
            && repo.skipped.is_none()
    }
}

impl<'a> View<'a> {
    fn repositories(&mut self) {
        let shown = self.report.repositories.iter().map(|repo| self.shown(repo));
        let mut shown: Vec<Shown<'_>> = shown.filter(|shown| !shown.is_empty()).collect();
        shown.sort_by_key(Shown::rank);
        for shown in &shown {
            self.repository(shown);
        }
    }

    fn shown(&self, repo: &'a RepositoryReport) -> Shown<'a> {
        let everything = self.amount == Amount::Everything;
        let proposals = repo.proposals.iter();
        let decisions = repo.decisions.iter();
        let shown = match self.amount {
            Amount::Quiet => |_: &&DecisionReport| false,
            Amount::Usual => needs_work,
            Amount::Everything => says_more,
        };
        Shown {
            repo,
            proposals: proposals
                .filter(|proposal| everything || status::is_change(proposal.status))
                .filter(|proposal| self.amount > Amount::Quiet || failed(proposal))
                .collect(),
            decisions: decisions.filter(|d| shown(d) || d.failed).collect(),
        }
    }

    fn repository(&mut self, shown: &Shown<'_>) {
        let repo = shown.repo;
        self.page.line(0).put(Role::Strong, repo.repo.as_str());
        if let Some(why) = &repo.skipped {
            self.page.line(2).put(Role::Caution, "skipped:").plain(why);
        }
        for proposal in shown.proposals.iter().take(MOST_PROPOSALS) {
            self.proposal(proposal, repo);
        }
        let more = shown.proposals.len().saturating_sub(MOST_PROPOSALS);
        self.more(2, more, "merge requests");
        for problem in &repo.problems {
            self.problem(2, problem);
        }
        self.decisions(&shown.decisions);
        if self.amount > Amount::Quiet {
            self.remarks(repo);
        }
    }

    fn proposal(&mut self, proposal: &ProposalReport, repo: &RepositoryReport) {
        let (role, word) = status::words(proposal.status, self.report.dry_run);
        let number = proposal.number.map(|number| format!("!{number}"));
        let title = proposal.title.as_deref().unwrap_or(&proposal.branch);
        let line = self.page.line(2);
        line.put(role, word)
            .put(Role::Strong, number.unwrap_or_default())
            .plain(title);
        if !proposal.detail.is_empty() {
            line.put(Role::Faint, format!("({})", proposal.detail));
        }
        if let Some(url) = &proposal.url {
            self.page.line(4).put(Role::Fix, url);
        }
        let decisions: Vec<&DecisionReport> = repo.decisions.iter().collect();
        let most = proposal.changes.len().min(MOST_CHANGES);
        for change in describe(&proposal.changes[..most], &decisions) {
            change.add_to(self.page.line(4));
        }
        self.more(4, proposal.changes.len() - most, "changes");
    }

    /// A lasting problem has one line, because its fix was shown when it was new.
    fn problem(&mut self, indent: usize, problem: &ProblemReport) {
        let age = self.age(problem.since);
        self.page
            .error(indent, &problem.message, &problem.code)
            .put(Role::Faint, age);
        if problem.since.is_none()
            && let Some(help) = &problem.help
        {
            self.page.fix(indent + 2, help);
        }
    }

    fn decisions(&mut self, decisions: &[&DecisionReport]) {
        let mut shown: BTreeMap<&str, usize> = BTreeMap::new();
        for decision in decisions {
            let count = shown.entry(decision.reason).or_default();
            *count += 1;
            if *count <= MOST_ALIKE {
                self.decision(decision);
            }
        }
        for (reason, count) in shown.iter().filter(|(_, count)| **count > MOST_ALIKE) {
            let more = format!("references: {reason}");
            self.more(2, count - MOST_ALIKE, &more);
        }
    }

    fn decision(&mut self, decision: &DecisionReport) {
        let (role, word) = match decision.outcome {
            "unknown" => (Role::Bad, "could not check:"),
            "hold" => (Role::Caution, "waits:"),
            "skip" => (Role::Caution, "skipped:"),
            "update" => (Role::Caution, "incomplete:"),
            _ => (Role::Faint, "kept:"),
        };
        let age = self.age(decision.since);
        let place = format!("{}:{}", decision.path, decision.line);
        let written = format!("{}:", short_digests(&decision.written));
        self.page
            .line(2)
            .put(role, word)
            .plain(place)
            .plain(written)
            .plain(short_digests(decision.detail.trim_end()))
            .code(decision.reason)
            .put(Role::Faint, age);
        if decision.since.is_none()
            && matches!(decision.outcome, "unknown" | "skip")
            && let Some(help) = &decision.help
        {
            self.page.fix(4, help);
        }
    }

    /// What is neither a change nor an error.
    fn remarks(&mut self, repo: &RepositoryReport) {
        for warning in &repo.warnings {
            self.warning(2, warning);
        }
        for unread in &repo.unread {
            self.page
                .line(2)
                .put(Role::Caution, "not read:")
                .plain(unread);
        }
        for rule in &repo.unused_rules {
            self.warning(2, &format!("this rule does not match anything: {rule}"));
        }
    }

    fn warning(&mut self, indent: usize, text: &str) {
        self.page
            .line(indent)
            .put(Role::Caution, "warning:")
            .plain(text);
    }

    /// What concerns the whole fleet, and the counts.
    fn fleet(&mut self) {
        for problem in &self.report.problems {
            self.problem(0, problem);
        }
        if self.amount == Amount::Quiet {
            return;
        }
        for warning in &self.report.warnings {
            self.warning(0, warning);
        }
        for rule in &self.report.unused_rules {
            let text = format!("this rule did not match anything in any repository: {rule}");
            self.warning(0, &text);
        }
        self.endings();
        let totals = self.report.totals();
        let quiet =
            |repo: &&RepositoryReport| repo.proposals.is_empty() && self.shown(repo).is_empty();
        let unchanged = self.report.repositories.iter().filter(quiet).count();
        self.page
            .line(0)
            .plain(counts::repositories(&totals, unchanged));
        if let Some(line) = counts::merge_requests(&totals, self.report.dry_run) {
            self.page.line(0).plain(line);
        }
        let mut statuses = totals.merge_requests.keys();
        let hides_some = statuses.any(|status| !status::is_change(status));
        if hides_some && self.amount == Amount::Usual {
            let text = "-v lists the merge requests that did not change";
            self.page.line(0).put(Role::Faint, text);
        }
    }

    /// The ended version lines, once for each image and tag, however many references have it.
    fn endings(&mut self) {
        let repositories = self.report.repositories.iter();
        let decisions = repositories.flat_map(|repo| &repo.decisions);
        let mut found: BTreeMap<(&str, &str), (&DecisionReport, usize)> = BTreeMap::new();
        for decision in decisions.filter(|d| matches!(d.reason, "line-ended" | "no-new-tags")) {
            let tag = decision.tag.as_deref().unwrap_or_default();
            found
                .entry((&*decision.image, tag))
                .or_insert((decision, 0))
                .1 += 1;
        }
        for ((image, tag), (decision, count)) in found.iter().take(MOST_ENDINGS) {
            let references = counted(*count, "reference", "references");
            self.page
                .line(0)
                .plain(format!("{image}:{tag} ({references}): {}", decision.detail))
                .code(decision.reason);
        }
        let more = found.len().saturating_sub(MOST_ENDINGS);
        self.more(0, more, "images without newer tags");
    }

    fn more(&mut self, indent: usize, count: usize, what: &str) {
        if count > 0 {
            let text = format!("and {count} more {what}");
            self.page.line(indent).put(Role::Faint, text);
        }
    }

    /// How long a lasting problem has existed.
    fn age(&self, since: Option<Timestamp>) -> String {
        let Some(since) = since else {
            return String::new();
        };
        let hours = self.now.duration_since(since).as_hours();
        let age = match hours {
            ..1 => "less than an hour".to_owned(),
            1 => "1 hour".to_owned(),
            2..48 => format!("{hours} hours"),
            _ => format!("{} days", hours / 24),
        };
        format!(
            "(for {age}, since {})",
            since.strftime("%Y-%m-%d %H:%M UTC")
        )
    }
}

/// Whether something must be configured or fixed by hand before a reference can be judged or updated.
fn needs_work(decision: &&DecisionReport) -> bool {
    decision.outcome == "unknown"
        || decision.missing.is_some()
        || matches!(decision.reason, "registry-not-configured" | "over-budget")
}

/// Whether a decision says more than that nothing is to do, or than its merge request says.
fn says_more(decision: &&DecisionReport) -> bool {
    !matches!(decision.outcome, "keep" | "update") || decision.missing.is_some()
}

fn failed(proposal: &&ProposalReport) -> bool {
    matches!(proposal.status, "moved" | "refused" | "failed")
}
