//! What is to be done, given what should be there and what is.

use super::change::{Change, ChangeSet};
use super::ownership::Ownership;
use super::propose::Proposal;
use super::text::{Block, State, Texts, block_of, replace_block, told};
use crate::repo::{Branch, CommitId, MergeRequest, MergeRequestState};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What is there under one branch name.
#[derive(Debug, Clone, Default)]
pub struct Existing {
    /// The branch's head and whose it is; `None` if there is no such branch.
    pub head: Option<(CommitId, Ownership)>,
    /// Whether the head can be merged into the target branch without conflict, as far as the changed files tell.
    pub fits: bool,
    /// The merge requests from that branch, in all states, by number.
    pub merge_requests: Vec<MergeRequest>,
}

/// How much of a repository could be judged.
#[derive(Debug, Clone, Default)]
pub struct Certainty {
    /// Whether every reference that was found could be judged.
    pub whole: bool,
    /// The files that could not be read, or not wholly: a reference in them may be there unseen.
    pub not_judged: BTreeSet<String>,
}

impl Certainty {
    /// Whether everything that a branch and its open merge request change could be judged.
    fn covers(&self, existing: &Existing) -> bool {
        let of_head = match &existing.head {
            Some((_, Ownership::Ours(changes))) => Some(changes.clone()),
            _ => None,
        };
        let open = existing
            .merge_requests
            .iter()
            .filter(|mr| mr.state == MergeRequestState::Open);
        let told = open
            .filter_map(|mr| block_of(&mr.description))
            .map(|block| block.state.changes);
        self.whole
            && of_head.into_iter().chain(told).all(|set| {
                set.paths()
                    .iter()
                    .all(|path| !self.not_judged.contains(path.as_str()))
            })
    }
}

/// What is done for one branch. The parts are done in this order; each can be repeated without harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// The branch.
    pub branch: Branch,
    /// The commit that the branch is to hold, by the proposal's index; the head it must have now.
    pub write: Option<(usize, Option<CommitId>)>,
    /// The merge request that is to be opened, by the proposal's index: title, description, labels.
    pub open: Option<usize>,
    /// The merge request whose texts change: number, new title, new description.
    pub edit: Option<(u64, Option<String>, String)>,
    /// A comment: number and text.
    pub comment: Option<(u64, &'static str)>,
    /// The merge request that is to be closed.
    pub close: Option<u64>,
    /// The head that the branch must have to be deleted.
    pub delete: Option<CommitId>,
}

/// How a proposal, or a merge request without one, stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// It is opened now.
    Open,
    /// It is changed now.
    Update,
    /// It is there and stays as it is.
    Unchanged,
    /// A person closed a merge request that proposed all of it.
    Declined,
    /// It was merged once, and the file went back.
    Reverted,
    /// A person works on the branch.
    Foreign,
    /// A person gave the merge request another target branch.
    Retargeted,
    /// It is closed now: what it proposed is there, or something else is proposed.
    Close,
    /// Somebody was faster; the next pass looks again.
    Moved,
    /// The server refused the branch.
    Refused,
    /// It stays open, because not everything in the repository could be judged.
    Kept,
}

impl Status {
    /// The status's name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Update => "update",
            Self::Unchanged => "unchanged",
            Self::Declined => "declined",
            Self::Reverted => "reverted",
            Self::Foreign => "foreign",
            Self::Retargeted => "retargeted",
            Self::Close => "close",
            Self::Moved => "moved",
            Self::Refused => "refused",
            Self::Kept => "kept",
        }
    }
}

/// One branch: how it stands, why, and what is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Result {
    /// The branch.
    pub branch: Branch,
    /// How it stands.
    pub status: Status,
    /// Why, for people.
    pub detail: String,
    /// The proposal, as an index.
    pub proposal: Option<usize>,
    /// The open merge request.
    pub number: Option<u64>,
    /// What is to be done; `None`: nothing.
    pub action: Option<Action>,
}

const FOREIGN: &str = "Somebody else's work is on this branch, so imagebot leaves it alone from now on. \
                       To have imagebot write it again, delete the branch or reset it to imagebot's commit.";

/// Compares what should be there with what is. Only what `certainty` covers is closed or deleted.
pub fn reconcile(
    proposals: &[Proposal],
    existing: &BTreeMap<Branch, Existing>,
    default_branch: &Branch,
    certainty: &Certainty,
) -> Vec<Result> {
    let nothing = Existing::default();
    let mut results: Vec<Result> = proposals
        .iter()
        .enumerate()
        .map(|(index, proposal)| {
            one(
                index,
                proposal,
                existing.get(&proposal.branch).unwrap_or(&nothing),
                default_branch,
            )
        })
        .collect();
    let wanted: BTreeSet<&Branch> = proposals.iter().map(|proposal| &proposal.branch).collect();
    let left_over = existing
        .iter()
        .filter(|(branch, _)| !wanted.contains(branch));
    results.extend(
        left_over.filter_map(|(branch, existing)| without_proposal(branch, existing, certainty)),
    );
    results
}

fn one(index: usize, proposal: &Proposal, existing: &Existing, default_branch: &Branch) -> Result {
    let result = |status, detail: &str, number, action| Result {
        branch: proposal.branch.clone(),
        status,
        detail: detail.to_owned(),
        proposal: Some(index),
        number,
        action,
    };
    let of_state = |state| {
        existing
            .merge_requests
            .iter()
            .rev()
            .filter(move |mr| mr.state == state)
    };
    let open = of_state(MergeRequestState::Open).next();
    if let Some(open) = open.filter(|open| open.target != *default_branch) {
        return result(
            Status::Retargeted,
            "its target branch was changed by hand",
            Some(open.number),
            None,
        );
    }
    let mut action = Action::none(&proposal.branch);
    if let Some((_, Ownership::Foreign(why))) = &existing.head {
        if let Some(open) = open
            && let Some(description) = tell_once(open, "foreign")
        {
            action.edit = Some((open.number, None, description));
            action.comment = Some((open.number, FOREIGN));
        }
        return result(
            Status::Foreign,
            why,
            open.map(|mr| mr.number),
            action.or_none(),
        );
    }
    if open.is_none() {
        let remembered = |state, reason_free: bool| -> Vec<ChangeSet> {
            of_state(state)
                .filter_map(|mr| block_of(&mr.description))
                .filter(|block| !reason_free || block.state.closed.is_none())
                .map(|block| block.state.changes)
                .collect()
        };
        let within =
            |sets: &[ChangeSet]| proposal.changes.is_within(&sets.iter().collect::<Vec<_>>());
        let closed = remembered(MergeRequestState::Closed, true);
        if !closed.is_empty() && within(&closed) {
            return result(
                Status::Declined,
                "a person closed the merge request that proposed this",
                None,
                None,
            );
        }
        let merged = latest(remembered(MergeRequestState::Merged, false));
        if !merged.0.is_empty() && within(&[merged]) {
            return result(
                Status::Reverted,
                "this was merged once, and the file went back",
                None,
                None,
            );
        }
    }
    let written = match &existing.head {
        Some((_, Ownership::Ours(changes))) => *changes == proposal.changes && existing.fits,
        _ => false,
    };
    if !written {
        action.write = Some((index, existing.head.as_ref().map(|(head, _)| head.clone())));
    }
    match open {
        None => {
            action.open = Some(index);
            result(Status::Open, "", None, Some(action))
        }
        Some(open) => {
            action.edit = rewritten(&proposal.texts, open);
            let status = if action == Action::none(&proposal.branch) {
                Status::Unchanged
            } else {
                Status::Update
            };
            result(status, "", Some(open.number), action.or_none())
        }
    }
}

/// Of sets with the newest first, what the newest that concerns an image in a file says of it: what was merged before
/// that was replaced by a merge, not by a revert.
fn latest(sets: Vec<ChangeSet>) -> ChangeSet {
    let mut latest = ChangeSet::default();
    for set in sets {
        let same = |a: &Change, b: &Change| a.path == b.path && a.image == b.image;
        let is_new = |change: &Change| !latest.0.iter().any(|known| same(known, change));
        let new: Vec<Change> = set.0.into_iter().filter(is_new).collect();
        latest.0.extend(new);
    }
    latest
}

/// The new texts of a merge request, if what was rendered changed.
fn rewritten(texts: &Texts, open: &MergeRequest) -> Option<(u64, Option<String>, String)> {
    let block = block_of(&open.description);
    if block
        .as_ref()
        // A reason that stands in an open one was written by a pass that did not come to close it; left there, a
        // person's closing would not count.
        .is_some_and(|block| {
            block.hash == texts.hash
                && block.state.changes == texts.state.changes
                && block.state.closed.is_none()
        })
    {
        return None;
    }
    let told = block
        .map(|Block { state, .. }| state.told)
        .unwrap_or_default();
    let state = State {
        told,
        ..texts.state.clone()
    };
    let title = (open.title != texts.title).then(|| texts.title.clone());
    Some((
        open.number,
        title,
        replace_block(&open.description, &texts.block(&state)),
    ))
}

/// The description that remembers that something was said; `None` if it was said already, or cannot be remembered.
fn tell_once(open: &MergeRequest, what: &str) -> Option<String> {
    let block = block_of(&open.description)?;
    if block.state.told.contains(what) {
        return None;
    }
    told(&open.description, |state| {
        state.told.insert(what.to_owned());
    })
}

/// A branch of ours that nothing is proposed for any more.
fn without_proposal(branch: &Branch, existing: &Existing, certainty: &Certainty) -> Option<Result> {
    let open = existing
        .merge_requests
        .iter()
        .rev()
        .find(|mr| mr.state == MergeRequestState::Open);
    let result = |status, detail: &str, action| {
        Some(Result {
            branch: branch.clone(),
            status,
            detail: detail.to_owned(),
            proposal: None,
            number: open.map(|mr| mr.number),
            action,
        })
    };
    match (&existing.head, open) {
        (None, None) => None,
        (Some((_, Ownership::Foreign(why))), Some(_)) => result(Status::Foreign, why, None),
        (Some((_, Ownership::Foreign(_))), None) => None,
        _ if !certainty.covers(existing) => result(
            Status::Kept,
            "not everything in the repository could be judged",
            None,
        ),
        (head, open) => {
            let mut action = Action::none(branch);
            action.delete = head.as_ref().map(|(head, _)| head.clone());
            if let Some(open) = open {
                // The reason is written before it is closed: one that is closed without a reason was closed by a person.
                let description = told(&open.description, |state| {
                    state.closed = Some("obsolete".to_owned())
                });
                let Some(description) = description else {
                    return result(
                        Status::Kept,
                        "its text no longer says what it proposed",
                        None,
                    );
                };
                action.edit = Some((open.number, None, description));
                action.close = Some(open.number);
            }
            result(
                Status::Close,
                "what it proposed is there already, or is no longer proposed",
                Some(action),
            )
        }
    }
}

impl Action {
    fn none(branch: &Branch) -> Self {
        Self {
            branch: branch.clone(),
            write: None,
            open: None,
            edit: None,
            comment: None,
            close: None,
            delete: None,
        }
    }

    fn or_none(self) -> Option<Self> {
        (self != Self::none(&self.branch)).then_some(self)
    }
}
