//! Merges automatically where the policy allows it.
//!
//! Only a head that is byte for byte the commit that imagebot would write now, only after the forge has a pipeline for
//! it, and always bound to that head (T35, T36). imagebot never approves a merge request.

use super::act::Executor;
use crate::forge::{ForgeError, Merging};
use crate::git::GitError;
use crate::plan::{Automerge, Done, Planned, Proposal};
use crate::repo::{CommitId, MergeRequestEdit};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Requests the merge of one merge request, or reports why it is not merged yet.
pub(super) async fn merge_by_policy(
    executor: &mut Executor<'_>,
    index: usize,
) -> Result<(), ForgeError> {
    let branch = &executor.branches[index];
    let (Some(number), Some(proposal)) = (branch.number, branch.plan.proposal.clone()) else {
        return Ok(());
    };
    let is_quiet = matches!(
        branch.done,
        Done::AsPlanned(Planned::Open | Planned::Update | Planned::Unchanged)
    );
    // No further requests to a forge that has failed (F27).
    if !is_quiet || proposal.automerge == Automerge::Never || executor.is_stopped() {
        return Ok(());
    }
    let detail = match proposal.automerge {
        Automerge::NeedsMinAge => {
            "automerge-needs-min-age: set min_age, so that a tag is not merged minutes after it appears".to_owned()
        }
        _ => match merge(executor, index, &proposal, number).await? {
            Merge::Done => {
                executor.branches[index].done = Done::Merged;
                String::new()
            }
            Merge::Waits(why) => format!("automerge waits: {why}"),
        },
    };
    executor.branches[index].detail = detail;
    Ok(())
}

enum Merge {
    Done,
    Waits(String),
}

async fn merge(
    executor: &mut Executor<'_>,
    index: usize,
    proposal: &Arc<Proposal>,
    number: u64,
) -> Result<Merge, ForgeError> {
    let waits = |why: &str| Ok(Merge::Waits(why.to_owned()));
    let mut open = executor.existing.open.iter();
    if open.any(|mr| mr.number == number && mr.draft) {
        return waits("it is a draft");
    }
    let head = derive(executor, proposal).await?;
    let acts = !executor.branches[index].plan.steps.is_empty();
    if !acts && executor.head_of(index).as_ref() != Some(&head) {
        return waits("its head differs from what imagebot would write now");
    }
    // The commit must be based on the branch that it is merged into.
    executor.verify().await?;
    let (forge, repo) = &executor.registered;
    let merging = forge.merge(repo, number, &head).await?;
    executor.shared.options.checkpoint.reached("merged");
    match merging {
        Merging::Merged => Ok(Merge::Done),
        Merging::Scheduled => {
            remember_it_is_scheduled(executor, number).await?;
            waits("the forge will merge it when its pipeline succeeds")
        }
        Merging::NotYet(why) => Ok(Merge::Waits(why)),
    }
}

/// Records the scheduled merge, so that it can be cancelled when someone else pushes to the branch (T35).
async fn remember_it_is_scheduled(executor: &Executor<'_>, number: u64) -> Result<(), ForgeError> {
    let mut open = executor.existing.open.iter();
    let open = open.find(|mr| mr.number == number);
    let text = open.and_then(|open| open.remembering(|state| state.scheduled = true));
    let Some(description) = text else {
        return Ok(());
    };
    let edit = MergeRequestEdit {
        description: Some(description),
        ..MergeRequestEdit::default()
    };
    executor.edit(number, &edit, "scheduled").await
}

/// The commit that imagebot would write now: no other commit is merged.
async fn derive(executor: &Executor<'_>, proposal: &Proposal) -> Result<CommitId, GitError> {
    let (_, base) = &executor.base;
    let (_, repo) = &executor.registered;
    let mut cached = executor.shared.git.open(&repo.remote, base).await?;
    cached
        .fetch_commits(&BTreeSet::from([base.clone()]))
        .await?;
    cached.commit(&executor.new_commit(proposal)).await
}
