//! What is to be done, given what should be there and what is.

use super::change::{Change, ChangeSet};
use super::ownership::Ownership;
use super::propose::{Automerge, Proposal};
use super::text::{State, Texts, block_of, replace_block, told};
use crate::repo::{Branch, CommitId, Dress, MergeRequest, MergeRequestState};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What is there under one branch name.
#[derive(Debug, Clone, Default)]
pub struct Existing {
    /// The branch's head and whose it is; `None` if there is no such branch.
    pub head: Option<(CommitId, Ownership)>,
    /// Whether the head can be merged into the target branch without conflict, as far as the changed files tell.
    pub fits: bool,
    /// Whether the head stands on the target branch's head.
    pub on_top: bool,
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
    /// What changes of the open merge request.
    pub edit: Option<Edit>,
    /// A comment: number, code and text.
    pub comment: Option<(u64, &'static str, &'static str)>,
    /// The merge request that is to be closed.
    pub close: Option<u64>,
    /// The head that the branch must have to be deleted.
    pub delete: Option<CommitId>,
}

/// What changes of a merge request; what is `None` or empty stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edit {
    /// Its number.
    pub number: u64,
    /// The new title.
    pub title: Option<String>,
    /// The new description.
    pub description: String,
    /// Labels that the policy asks for since.
    pub add_labels: Vec<String>,
    /// What it should wear and does not, since opening it was cut short.
    pub dress: Option<Dress>,
}

impl Edit {
    fn text(number: u64, description: String) -> Self {
        Self {
            number,
            description,
            ..Self::default()
        }
    }
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
    /// A person put the label on it that stops imagebot.
    Stopped,
    /// As many are open already as may be.
    Limited,
    /// It was merged in this pass.
    Merged,
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
            Self::Stopped => "stopped",
            Self::Limited => "limited",
            Self::Merged => "merged",
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

/// What holds for all merge requests of a repository.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The default branch.
    pub default_branch: &'a Branch,
    /// How much could be judged: only what it covers is closed or deleted.
    pub certainty: &'a Certainty,
    /// The label that keeps a branch on top of its target.
    pub rebase_label: &'a str,
    /// The label that makes imagebot leave a merge request alone.
    pub stop_label: &'a str,
}

/// Compares what should be there with what is.
pub fn reconcile(
    proposals: &[Proposal],
    existing: &BTreeMap<Branch, Existing>,
    terms: &Terms<'_>,
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
                terms,
            )
        })
        .collect();
    let wanted: BTreeSet<&Branch> = proposals.iter().map(|proposal| &proposal.branch).collect();
    let left_over = existing
        .iter()
        .filter(|(branch, _)| !wanted.contains(branch));
    results.extend(
        left_over.filter_map(|(branch, existing)| without_proposal(branch, existing, terms)),
    );
    results
}

fn one(index: usize, proposal: &Proposal, existing: &Existing, terms: &Terms<'_>) -> Result {
    let open = existing.newest(MergeRequestState::Open);
    let result = |status, detail: &str, action| Result {
        branch: proposal.branch.clone(),
        status,
        detail: detail.to_owned(),
        proposal: Some(index),
        number: open.map(|mr| mr.number),
        action,
    };
    if let Some((status, why)) = open.and_then(|open| left_alone(open, terms)) {
        return result(status, why, None);
    }
    let mut action = Action::none(&proposal.branch);
    if let Some((_, Ownership::Foreign(why))) = &existing.head {
        if let Some(open) = open
            && let Some(description) = tell_once(open, "foreign")
        {
            action.edit = Some(Edit::text(open.number, description));
            action.comment = Some((open.number, "foreign", FOREIGN));
        }
        return result(Status::Foreign, why, action.or_none());
    }
    if let Some((status, why)) = remembered(proposal, existing, open) {
        return result(status, why, None);
    }
    let rebase = open.is_some_and(|open| has_label(open, terms.rebase_label))
        || proposal.automerge == Automerge::Wanted;
    let written = match &existing.head {
        Some((_, Ownership::Ours(changes))) => {
            *changes == proposal.changes && existing.fits && (existing.on_top || !rebase)
        }
        _ => false,
    };
    if !written {
        action.write = Some((index, existing.head.as_ref().map(|(head, _)| head.clone())));
    }
    match open {
        None => {
            action.open = Some(index);
            result(Status::Open, "", Some(action))
        }
        Some(open) => {
            action.edit = rewritten(&proposal.texts, open);
            let status = if action == Action::none(&proposal.branch) {
                Status::Unchanged
            } else {
                Status::Update
            };
            result(status, "", action.or_none())
        }
    }
}

fn has_label(mr: &MergeRequest, label: &str) -> bool {
    mr.labels.iter().any(|known| known == label)
}

/// Whether a person took the merge request out of imagebot's hands.
fn left_alone(open: &MergeRequest, terms: &Terms<'_>) -> Option<(Status, &'static str)> {
    if has_label(open, terms.stop_label) {
        return Some((Status::Stopped, "a person stopped it with a label"));
    }
    let opened_for = block_of(&open.description).and_then(|block| block.state.target);
    let is_default = open.target == *terms.default_branch;
    // One that was opened for a default branch of another name was not moved by a person.
    if is_default || opened_for.is_some_and(|target| target == open.target) {
        return None;
    }
    Some((Status::Retargeted, "its target branch was changed by hand"))
}

/// Whether people decided against the proposal already.
fn remembered(
    proposal: &Proposal,
    existing: &Existing,
    open: Option<&MergeRequest>,
) -> Option<(Status, &'static str)> {
    let within = |sets: &[ChangeSet]| {
        !sets.is_empty() && proposal.changes.is_within(&sets.iter().collect::<Vec<_>>())
    };
    let states = |state| {
        let of_state = existing.of_state(state);
        of_state.filter_map(|mr| block_of(&mr.description).map(|block| block.state))
    };
    if let Some(open) = open {
        // Its branch is gone, and imagebot was not about to close it: a person deleted the branch (F16).
        let state = block_of(&open.description).map(|block| block.state)?;
        let deleted = existing.head.is_none() && state.closed.is_none();
        return (deleted && within(&[state.changes]))
            .then_some((Status::Declined, "a person deleted its branch"));
    }
    let closed = states(MergeRequestState::Closed).filter(|state| state.closed.is_none());
    if within(&closed.map(|state| state.changes).collect::<Vec<_>>()) {
        let why = "a person closed the merge request that proposed this";
        return Some((Status::Declined, why));
    }
    let merged = latest(
        states(MergeRequestState::Merged)
            .map(|state| state.changes)
            .collect(),
    );
    (!merged.0.is_empty() && within(&[merged])).then_some((
        Status::Reverted,
        "this was merged once, and the file went back",
    ))
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

/// What is to be changed of a merge request: its texts if what was rendered changed, and what it wears.
fn rewritten(texts: &Texts, open: &MergeRequest) -> Option<Edit> {
    let block = block_of(&open.description);
    let known = block.as_ref().map(|block| &block.state);
    let undressed = known.is_some_and(|state| state.undressed);
    let given = known.map(|state| state.labels.clone()).unwrap_or_default();
    // Without our part of the text nobody knows which labels a person removed.
    let is_new = |label: &&String| known.is_some() && !given.contains(*label);
    let new: Vec<&String> = texts.dress.labels.iter().filter(is_new).collect();
    let same_text = block.as_ref().is_some_and(|block| {
        block.hash == texts.hash
            && block.state.changes == texts.state.changes
            // A reason that stands in an open one was written by a pass that did not come to close it; left there, a
            // person's closing would not count.
            && block.state.closed.is_none()
    });
    if same_text && new.is_empty() && !undressed {
        return None;
    }
    let add_labels = new
        .iter()
        .filter(|label| !has_label(open, label))
        .map(|label| (*label).clone())
        .collect();
    let state = State {
        told: known.map(|state| state.told.clone()).unwrap_or_default(),
        labels: given
            .into_iter()
            .chain(texts.state.labels.clone())
            .collect(),
        ..texts.state.clone()
    };
    Some(Edit {
        number: open.number,
        title: (open.title != texts.title).then(|| texts.title.clone()),
        description: replace_block(&open.description, &texts.block(&state)),
        add_labels,
        dress: undressed.then(|| texts.dress.clone()),
    })
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
fn without_proposal(branch: &Branch, existing: &Existing, terms: &Terms<'_>) -> Option<Result> {
    let open = existing.newest(MergeRequestState::Open);
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
    if let Some((status, why)) = open.and_then(|open| left_alone(open, terms)) {
        return result(status, why, None);
    }
    match (&existing.head, open) {
        (None, None) => None,
        (Some((_, Ownership::Foreign(why))), Some(open)) => {
            // A reason that a pass wrote before a person pushed would make the person's closing ours.
            let reason = block_of(&open.description).and_then(|block| block.state.closed);
            let taken_back = reason.and_then(|_| told(&open.description, |s| s.closed = None));
            let action = Action {
                edit: taken_back.map(|text| Edit::text(open.number, text)),
                ..Action::none(branch)
            };
            result(Status::Foreign, why, action.or_none())
        }
        (Some((_, Ownership::Foreign(_))), None) => None,
        _ if !terms.certainty.covers(existing) => result(
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
                if description != open.description {
                    action.edit = Some(Edit::text(open.number, description));
                }
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

impl Existing {
    /// The merge requests in one state, the newest first.
    fn of_state(&self, state: MergeRequestState) -> impl Iterator<Item = &MergeRequest> {
        let all = self.merge_requests.iter().rev();
        all.filter(move |mr| mr.state == state)
    }

    fn newest(&self, state: MergeRequestState) -> Option<&MergeRequest> {
        self.of_state(state).next()
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
