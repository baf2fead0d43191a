//! The end of one repository in a pass: what is to be done is done, merged, remembered and reported.

use super::act::Acted;
use super::automerge::merge_by_policy;
use super::planned::{Doing, Planned};
use super::report::{ProposalReport, RepositoryReport};
use super::shared::Shared;

/// Does what was planned for a repository, and reports it.
pub(super) async fn finish(shared: &Shared, planned: Planned) -> RepositoryReport {
    let Planned { mut report, doing } = planned;
    let Some(doing) = doing else {
        return report;
    };
    let mut acted = Acted {
        shared,
        doing,
        problems: std::mem::take(&mut report.problems),
        verified: false,
    };
    if !shared.options.dry_run {
        acted.all().await;
        // Nothing is merged in a pass that had an error for the repository.
        let clean = acted.problems.is_empty();
        for index in (0..acted.doing.results.len()).filter(|_| clean) {
            if let Err(error) = merge_by_policy(&mut acted, index).await {
                acted.lost(index, error);
            }
        }
        acted.remember();
    }
    let Doing {
        proposals, results, ..
    } = &acted.doing;
    let told = results
        .iter()
        .map(|result| ProposalReport::new(result, proposals));
    report.proposals = told.collect();
    report.problems = acted.problems;
    report
}
