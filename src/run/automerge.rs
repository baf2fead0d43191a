//! Merging without a person, where the policy says so.
//!
//! Only a head that imagebot would write byte for byte at this moment, only once the forge itself has a pipeline for it,
//! and always bound to it (T35, T36): an approval is never given.

use super::act::Executor;
use crate::forge::{ForgeError, Merging};
use crate::git::GitError;
use crate::plan::{Automerge, Edit, Request, Status};
use crate::repo::CommitId;
use std::collections::BTreeSet;

/// Has one merge request merged, or says why not yet.
pub(super) async fn merge_by_policy(
    acted: &mut Executor<'_>,
    index: usize,
) -> Result<(), ForgeError> {
    let result = &acted.plan.results[index];
    let (Some(number), Some(proposal)) = (result.number, result.proposal) else {
        return Ok(());
    };
    let quiet = matches!(
        result.status,
        Status::Open | Status::Update | Status::Unchanged
    );
    let wish = acted.plan.proposals[proposal].automerge;
    // Nothing more is asked of a forge that has failed (F27).
    if !quiet || wish == Automerge::Never || acted.is_stopped() {
        return Ok(());
    }
    let said = match wish {
        Automerge::NeedsMinAge => {
            "automerge-needs-min-age: set min_age, so that a tag is not merged minutes after it appears".to_owned()
        }
        _ => match merge(acted, index, proposal, number).await? {
            Told::Merged => {
                acted.plan.results[index].status = Status::Merged;
                String::new()
            }
            Told::Waits(why) => why,
        },
    };
    acted.plan.results[index].detail = said;
    Ok(())
}

enum Told {
    Merged,
    Waits(String),
}

async fn merge(
    acted: &mut Executor<'_>,
    index: usize,
    proposal: usize,
    number: u64,
) -> Result<Told, ForgeError> {
    let open = acted
        .plan
        .state
        .there
        .open
        .iter()
        .find(|mr| mr.number == number);
    if open.is_some_and(|mr| mr.draft) {
        return Ok(Told::Waits("automerge waits: it is a draft".to_owned()));
    }
    let head = derive(acted, proposal).await?;
    let moved = acted.plan.results[index].action.is_some();
    if !moved && acted.head_of(index).as_ref() != Some(&head) {
        let why = "automerge waits: its head differs from what imagebot would write now";
        return Ok(Told::Waits(why.to_owned()));
    }
    // What it was derived from must be the branch that it is merged into.
    acted.verify().await?;
    let open = acted
        .plan
        .state
        .there
        .open
        .iter()
        .find(|mr| mr.number == number);
    let state = &acted.plan.state;
    let waits = |why: &str| Ok(Told::Waits(format!("automerge waits: {why}")));
    let merging = state.forge.merge(&state.listed, number, &head).await?;
    acted.shared.options.checkpoint.reached("merged");
    match merging {
        Merging::Merged => Ok(Told::Merged),
        Merging::Scheduled => {
            remember_it_is_scheduled(acted, open).await?;
            waits("the forge will merge it when its pipeline succeeds")
        }
        Merging::NotYet(why) => waits(&why),
    }
}

/// So that it can be called off when somebody else works on the branch (T35).
async fn remember_it_is_scheduled(
    acted: &Executor<'_>,
    open: Option<&Request>,
) -> Result<(), ForgeError> {
    let Some(open) = open else {
        return Ok(());
    };
    match open.remembering(|state| state.scheduled = true) {
        Some(description) => {
            let edit = Edit {
                number: open.number,
                description,
                ..Edit::default()
            };
            acted.edit(&edit, "scheduled").await
        }
        None => Ok(()),
    }
}

/// The commit that imagebot would write now: nothing else is merged.
async fn derive(acted: &Executor<'_>, proposal: usize) -> Result<CommitId, GitError> {
    let (_, base) = &acted.plan.base;
    let remote = &acted.plan.state.listed.remote;
    let mut cached = acted.shared.git.open(remote, base).await?;
    cached
        .fetch_commits(&BTreeSet::from([base.clone()]))
        .await?;
    let commit = acted.new_commit(&acted.plan.proposals[proposal]);
    cached.commit(&commit).await
}
