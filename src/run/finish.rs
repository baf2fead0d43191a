//! The end of one repository in a pass: what is to be done is done, merged, remembered and reported.

use super::act::Executor;
use super::automerge::merge_by_policy;
use super::planned::{Planned, RepoPlan};
use super::report::{ProposalReport, RepositoryReport};
use super::shared::Shared;

/// Does what was planned for a repository, and reports it.
pub(super) async fn finish(shared: &Shared, planned: Planned) -> RepositoryReport {
    let Planned { mut report, plan } = planned;
    let Some(plan) = plan else {
        return report;
    };
    let mut executor = Executor {
        shared,
        plan,
        problems: std::mem::take(&mut report.problems),
        verified: false,
    };
    if !shared.options.dry_run {
        executor.all().await;
        // Nothing is merged in a pass that had an error for the repository.
        let clean = executor.problems.is_empty();
        for index in (0..executor.plan.results.len()).filter(|_| clean) {
            if let Err(error) = merge_by_policy(&mut executor, index).await {
                executor.lost(index, error);
            }
        }
        executor.remember();
    }
    let RepoPlan {
        proposals, results, ..
    } = &executor.plan;
    let told = results
        .iter()
        .map(|result| ProposalReport::new(result, proposals));
    report.proposals = told.collect();
    report.problems = executor.problems;
    report
}
