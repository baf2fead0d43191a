//! Executes a repository's plan and builds its report.

use super::act::{BranchRun, Executor};
use super::automerge::merge_by_policy;
use super::register::Registered;
use super::report::{DecisionReport, ProblemReport, ProposalReport, RepositoryReport, capped};
use super::setup::Setup;
use super::shared::Shared;
use crate::fleet::{ExistingRequests, ParsedRepo, RepoId, RepoPlan};
use crate::plan::{Decision, Proposal};
use crate::repo::{Branch, CommitId};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many unread files and lines of a repository are reported.
const MOST_UNREAD: usize = 200;
/// How many warnings of a repository are reported.
const MOST_WARNINGS: usize = 50;

/// A repository's plan, with what its execution needs.
pub(super) struct Job {
    pub(super) id: RepoId,
    pub(super) registered: Registered,
    pub(super) parsed: Arc<ParsedRepo>,
    /// The target branch and its head; `None` if nothing can be proposed.
    pub(super) base: Option<(Branch, CommitId)>,
    pub(super) existing: ExistingRequests,
    pub(super) plan: RepoPlan,
    /// Its report so far.
    pub(super) report: RepositoryReport,
}

/// Executes a repository's plan, and completes its report.
pub(super) async fn finish(shared: &Shared, job: Job) -> RepositoryReport {
    let mut report = job.report;
    report.unread = capped(job.parsed.unread_lines(), MOST_UNREAD);
    let Some(base) = job.base else {
        return report;
    };
    let RepoPlan {
        decisions,
        proposals,
        branches,
        bug,
        ..
    } = job.plan;
    add_decisions(shared, &job.parsed, &decisions, &proposals, &mut report);
    report.problems.extend(bug.as_ref().map(ProblemReport::bug));
    let mut executor = Executor {
        shared,
        id: job.id,
        registered: job.registered,
        base,
        parsed: job.parsed,
        existing: job.existing,
        branches: branches.into_iter().map(BranchRun::from).collect(),
        problems: std::mem::take(&mut report.problems),
        verified: false,
    };
    if !shared.options.dry_run && !executor.existing.unavailable {
        executor.all().await;
        // Nothing is merged if an error occurred in the repository during this pass.
        let is_clean = executor.problems.is_empty();
        for index in (0..executor.branches.len()).filter(|_| is_clean) {
            if let Err(error) = merge_by_policy(&mut executor, index).await {
                executor.lost(index, error);
            }
        }
        executor.remember();
    }
    let (forge, repo) = executor.registered;
    let url = |number| forge.web_url(&repo.name, number);
    let branches = executor.branches.iter();
    report.proposals = branches
        .map(|branch| ProposalReport::new(branch, url))
        .collect();
    report.problems = executor.problems;
    report
}

/// Adds the decisions to the report.
fn add_decisions(
    shared: &Shared,
    parsed: &ParsedRepo,
    decisions: &[Decision],
    proposals: &[Arc<Proposal>],
    report: &mut RepositoryReport,
) {
    report.decisions = decisions.iter().map(DecisionReport::from).collect();
    let unused = unused_own_rules(&shared.setup, parsed, decisions);
    report.unused_rules = capped(unused, MOST_WARNINGS);
    let failed = proposals.iter().filter_map(|p| p.texts.failed.as_ref());
    for error in failed {
        report.warnings.push(format!(
            "the [merge_request] template failed; using the default text: {error}"
        ));
    }
    report.warnings.extend(parsed.findings.iter().cloned());
    report.warnings.sort();
    report.warnings.dedup();
    report.warnings = capped(std::mem::take(&mut report.warnings), MOST_WARNINGS);
    if shared.options.traces {
        let line = |decision: &Decision| parsed.line(&decision.path, decision.located.line);
        report.traces = decisions
            .iter()
            .map(|decision| (decision.clone(), line(decision)))
            .collect();
    }
}

fn unused_own_rules(setup: &Setup, parsed: &ParsedRepo, decisions: &[Decision]) -> Vec<String> {
    let used: BTreeSet<usize> = matched(decisions).collect();
    let first = setup.config.rules.len();
    let own = parsed.settings.rules.iter().enumerate();
    own.filter(|(index, _)| !used.contains(&(first + index)))
        .map(|(_, rule)| rule.from.to_string())
        .collect()
}

/// The indices of the rules that matched a reference.
pub(super) fn matched(decisions: &[Decision]) -> impl Iterator<Item = usize> {
    let effective = decisions.iter().filter_map(|d| d.effective.as_ref());
    effective.flat_map(|effective| effective.matched.iter().copied())
}
