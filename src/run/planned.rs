//! What is to be done in one repository, and how its merge requests stand.

use super::existing::There;
use super::observe::Judge;
use super::report::{DecisionReport, RepositoryReport, capped};
use super::setup::Setup;
use super::shared::{Candidate, Case, Shared};
use super::work::Work;
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
    pub(super) doing: Option<Doing>,
}

/// Everything that acting in a repository needs.
pub(super) struct Doing {
    pub(super) candidate: Candidate,
    /// The target branch and its head.
    pub(super) base: (Branch, CommitId),
    pub(super) work: Work,
    pub(super) there: There,
    pub(super) proposals: Vec<Proposal>,
    pub(super) results: Vec<Reconciled>,
}

impl Planned {
    /// A repository that is only reported.
    pub(super) fn only(report: RepositoryReport) -> Self {
        Self {
            report,
            doing: None,
        }
    }
}

/// Proposes and compares with what is there. Where something is to be written, the forge is asked first what is there
/// now, and it is compared again.
pub(super) async fn plan(shared: &Shared, seen: &Observations, case: Case) -> Planned {
    let setup = &shared.setup;
    let Case {
        mut candidate,
        mut work,
        mut there,
        ..
    } = case;
    let mut report = std::mem::take(&mut candidate.report);
    report.unread = capped(work.unread(), MOST_UNREAD);
    let Some((branch, head)) = candidate.base.clone() else {
        return Planned::only(report);
    };
    let target = target(shared, &candidate, &branch);
    let (proposals, _) = propose(
        &target,
        &work.files,
        &work.config.args,
        &work.images,
        &mut work.decisions,
        seen,
    );
    told(shared, &work, &proposals, &mut report);
    let certainty = Certainty::new(&work.decisions, work.not_judged());
    let terms = terms(shared, &branch, &certainty);
    let mut results = reconcile(&proposals, &there.existing(), &terms);
    let acts_on_memory =
        |result: &Reconciled| result.action.is_some() && !there.is_fresh(&result.branch);
    if results.iter().any(acts_on_memory) {
        let judge = Judge {
            setup,
            git: &shared.git,
            repo: &candidate.repo,
            head: &head,
            args: &work.config.args,
            files: &work.contents(),
        };
        let names: BTreeSet<Branch> = proposals.iter().map(|p| p.branch.clone()).collect();
        let forge = candidate.forge.as_ref();
        match there
            .look_again(setup, forge, &candidate.repo, &judge, names)
            .await
        {
            Ok(now) => there = now,
            Err(problem) => {
                report.problems.push(problem);
                return Planned::only(report);
            }
        }
        results = reconcile(&proposals, &there.existing(), &terms);
    }
    Planned {
        report,
        doing: Some(Doing {
            base: (branch, head),
            candidate,
            work,
            there,
            proposals,
            results,
        }),
    }
}

/// What would be proposed in a repository, and how that stands, as far as it is known without asking anybody.
pub(super) fn preview(
    shared: &Shared,
    seen: &Observations,
    case: &Case,
    decisions: &mut [Decision],
) -> (Vec<Proposal>, Vec<Reconciled>) {
    let Some((branch, _)) = &case.candidate.base else {
        return (Vec::new(), Vec::new());
    };
    let target = target(shared, &case.candidate, branch);
    let work = &case.work;
    let args = &work.config.args;
    let images = &work.images;
    let (proposals, _) = propose(&target, &work.files, args, images, decisions, seen);
    let certainty = Certainty::new(decisions, work.not_judged());
    let terms = terms(shared, branch, &certainty);
    let results = reconcile(&proposals, &case.there.existing(), &terms);
    (proposals, results)
}

fn target<'a>(shared: &'a Shared, candidate: &'a Candidate, branch: &'a Branch) -> Target<'a> {
    let config = &shared.setup.config.merge_requests;
    Target {
        repo_id: &candidate.repo.id,
        repo: candidate.repo.name.as_str(),
        branch,
        noun: candidate.forge.noun(),
        templates: &config.templates,
        commit_prefix: &config.commit_prefix,
        together: false,
    }
}

fn terms<'a>(shared: &'a Shared, branch: &'a Branch, certainty: &'a Certainty) -> Terms<'a> {
    let config = &shared.setup.config.merge_requests;
    Terms {
        default_branch: branch,
        certainty,
        rebase_label: &config.rebase_label,
        stop_label: &config.stop_label,
    }
}

/// Writes the decisions into the report.
fn told(shared: &Shared, work: &Work, proposals: &[Proposal], report: &mut RepositoryReport) {
    report.decisions = work.decisions.iter().map(DecisionReport::from).collect();
    report.unused_rules = capped(unused_own_rules(&shared.setup, work), MOST_WARNINGS);
    let failed = proposals.iter().filter_map(|p| p.texts.failed.as_ref());
    for error in failed {
        report.warnings.push(format!(
            "the [merge_request] template failed; using the default text: {error}"
        ));
    }
    report.warnings.extend(work.findings.iter().cloned());
    report.warnings.sort();
    report.warnings.dedup();
    report.warnings = capped(std::mem::take(&mut report.warnings), MOST_WARNINGS);
    if shared.options.traces {
        let line = |decision: &Decision| work.line(&decision.path, decision.located.line);
        report.traces = work
            .decisions
            .iter()
            .map(|decision| (decision.clone(), line(decision)))
            .collect();
    }
}

fn unused_own_rules(setup: &Setup, work: &Work) -> Vec<String> {
    let used: BTreeSet<usize> = work.matched().collect();
    let first = setup.config.rules.len();
    let own = work.config.rules.iter().enumerate();
    own.filter(|(index, _)| !used.contains(&(first + index)))
        .map(|(_, rule)| rule.from.to_string())
        .collect()
}
