//! What is to be done in one repository, and how its merge requests stand.

use super::observe::Judge;
use super::repo::RepoState;
use super::report::{DecisionReport, RepositoryReport, capped};
use super::setup::Setup;
use super::shared::Shared;
use crate::fleet::ParsedRepo;
use crate::plan::{
    Certainty, Decision, Observations, Proposal, Reconciled, Target, Terms, propose, reconcile,
};
use crate::repo::{Branch, CommitId};
use std::collections::BTreeSet;

/// The most files and lines of a repository that are reported as not read.
const MOST_UNREAD: usize = 200;
/// The most warnings of a repository that are reported.
const MOST_WARNINGS: usize = 50;

/// A repository with what is to be done in it.
pub(super) struct Planned {
    pub(super) report: RepositoryReport,
    /// `None`: nothing can be done here.
    pub(super) plan: Option<RepoPlan>,
}

/// Everything that acting in a repository needs.
pub(super) struct RepoPlan {
    pub(super) state: RepoState,
    /// The target branch and its head.
    pub(super) base: (Branch, CommitId),
    pub(super) proposals: Vec<Proposal>,
    pub(super) results: Vec<Reconciled>,
}

impl Planned {
    /// A repository that is only reported.
    pub(super) fn only(report: RepositoryReport) -> Self {
        Self { report, plan: None }
    }
}

/// Proposes and compares with what is there. Where something is to be written, the forge is asked first what is there
/// now, and it is compared again.
pub(super) async fn plan(shared: &Shared, seen: &Observations, mut state: RepoState) -> Planned {
    let setup = &shared.setup;
    let mut report = std::mem::take(&mut state.report);
    report.unread = capped(state.parsed.unread_lines(), MOST_UNREAD);
    let Some((branch, head)) = state.base.clone() else {
        return Planned::only(report);
    };
    let mut decisions = std::mem::take(&mut state.decisions);
    let proposals = proposals(shared, seen, &state, &branch, &mut decisions);
    tell(shared, &state.parsed, &decisions, &proposals, &mut report);
    let certainty = Certainty::new(&decisions, state.parsed.not_judged());
    let terms = terms(shared, &branch, &certainty);
    let mut results = reconcile(&proposals, &state.there.existing(), &terms);
    let acts_on_memory =
        |result: &Reconciled| result.action.is_some() && !state.there.is_fresh(&result.branch);
    if results.iter().any(acts_on_memory) {
        let judge = Judge {
            setup,
            git: &shared.git,
            repo: &state.listed,
            head: &head,
            args: &state.parsed.settings.args,
            files: &state.parsed.contents(),
        };
        let names: BTreeSet<Branch> = proposals.iter().map(|p| p.branch.clone()).collect();
        let forge = state.forge.as_ref();
        let there = std::mem::take(&mut state.there);
        let now = there.look_again(setup, forge, &state.listed, &judge, names);
        match now.await {
            Ok(now) => state.there = now,
            Err(problem) => {
                report.problems.push(problem);
                return Planned::only(report);
            }
        }
        results = reconcile(&proposals, &state.there.existing(), &terms);
    }
    Planned {
        report,
        plan: Some(RepoPlan {
            base: (branch, head),
            state,
            proposals,
            results,
        }),
    }
}

/// What would be proposed in a repository, and how that stands, as far as it is known without asking anybody.
pub(super) fn preview(
    shared: &Shared,
    seen: &Observations,
    state: &RepoState,
    decisions: &mut [Decision],
) -> (Vec<Proposal>, Vec<Reconciled>) {
    let Some((branch, _)) = &state.base else {
        return (Vec::new(), Vec::new());
    };
    let proposals = proposals(shared, seen, state, branch, decisions);
    let certainty = Certainty::new(decisions, state.parsed.not_judged());
    let terms = terms(shared, branch, &certainty);
    let results = reconcile(&proposals, &state.there.existing(), &terms);
    (proposals, results)
}

fn proposals(
    shared: &Shared,
    seen: &Observations,
    state: &RepoState,
    branch: &Branch,
    decisions: &mut [Decision],
) -> Vec<Proposal> {
    let operator = &shared.setup.operator;
    let target = Target {
        repo_id: &state.listed.id,
        repo: state.listed.name.as_str(),
        branch,
        noun: state.forge.noun(),
        templates: &operator.templates,
        commit_prefix: &operator.commit_prefix,
        together: false,
    };
    let parsed = &state.parsed;
    let (args, images) = (&parsed.settings.args, &parsed.images);
    propose(&target, &parsed.files, args, images, decisions, seen).0
}

fn terms<'a>(shared: &'a Shared, branch: &'a Branch, certainty: &'a Certainty) -> Terms<'a> {
    let operator = &shared.setup.operator;
    Terms {
        default_branch: branch,
        certainty,
        rebase_label: &operator.rebase_label,
        stop_label: &operator.stop_label,
    }
}

/// Writes the decisions into the report.
fn tell(
    shared: &Shared,
    parsed: &ParsedRepo,
    decisions: &[Decision],
    proposals: &[Proposal],
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

/// The indices of the rules that matched something.
pub(super) fn matched(decisions: &[Decision]) -> impl Iterator<Item = usize> {
    let effective = decisions.iter().filter_map(|d| d.effective.as_ref());
    effective.flat_map(|effective| effective.matched.iter().copied())
}
