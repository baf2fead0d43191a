//! Compares the proposals with the branches and merge requests that exist, and returns the steps that are needed.

use super::change::{Change, ChangeSet};
use super::decision::Decision;
use super::ownership::Ownership;
use super::propose::{Automerge, Proposal};
use super::request::OwnRequest;
use super::step::{Planned, Reconciled, Step};
use super::text::{RequestState, Texts, replace_block};
use crate::repo::{Branch, CommitId, MergeRequestEdit, MergeRequestState, RepoPath};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The existing branch and merge requests under one branch name.
#[derive(Debug, Clone, Default)]
pub struct Existing {
    /// The branch's head and its owner; `None` if the branch does not exist.
    pub head: Option<(CommitId, Ownership)>,
    /// Whether the head merges into the target branch without conflict, as far as the changed files show.
    pub fits: bool,
    /// Whether the head is based on the target branch's head.
    pub on_top: bool,
    /// The merge requests from this branch, in all states, ordered by number.
    pub merge_requests: Vec<OwnRequest>,
}

/// Which parts of a repository could be judged.
#[derive(Debug, Clone, Default)]
pub struct Certainty {
    /// The references that could not be judged: file, and the image's canonical name.
    pub unsure: BTreeSet<(RepoPath, String)>,
    /// The files that could not be read completely: they may contain references that were not found.
    pub not_judged: BTreeSet<String>,
}

impl Certainty {
    /// Collects the uncertain references and files of a repository. A merge request is kept only because of references
    /// and files that it changes itself.
    pub fn new(decisions: &[Decision], not_judged: BTreeSet<String>) -> Self {
        let unsure = decisions.iter().filter(|decision| !decision.is_certain());
        let mut certainty = Self {
            unsure: BTreeSet::new(),
            not_judged,
        };
        for decision in unsure {
            match decision.reference() {
                Some(reference) => {
                    let name = reference.name.canonical();
                    certainty.unsure.insert((decision.path.clone(), name));
                }
                // The image is not known either, so the whole file is uncertain.
                None => drop(certainty.not_judged.insert(decision.path.to_string())),
            }
        }
        certainty
    }

    /// Whether everything that a branch and its open merge request change could be judged.
    fn covers(&self, existing: &Existing) -> bool {
        let sets = existing.change_sets();
        if sets.is_empty() {
            // Its changes are not known, so it may touch any file.
            return self.unsure.is_empty() && self.not_judged.is_empty();
        }
        sets.iter().all(|set| {
            let judged = |path: &RepoPath| !self.not_judged.contains(path.as_str());
            set.paths().into_iter().all(judged)
                && set.all_references().all(|change| !self.is_unsure(change))
        })
    }

    /// Whether the reference of a change could not be judged.
    fn is_unsure(&self, change: &Change) -> bool {
        let reference = (change.path.clone(), change.image.canonical());
        self.unsure.contains(&reference) || self.not_judged.contains(change.path.as_str())
    }

    /// The first change that a rewritten merge request would lose only because its reference could not be judged.
    fn lost<'e>(&self, sets: &[&'e ChangeSet], proposal: &ChangeSet) -> Option<&'e Change> {
        let stays = |change: &Change| {
            let same = |new: &Change| {
                new.path == change.path && new.image == change.image && new.from == change.from
            };
            proposal.references.iter().any(same)
        };
        let mut all = sets.iter().flat_map(|set| &set.references);
        all.find(|change| self.is_unsure(change) && !stays(change))
    }
}

const FOREIGN: &str = "This branch has commits that are not imagebot's, so imagebot no longer updates it. \
                       To let imagebot update it again, delete the branch or reset it to imagebot's commit.";

/// The terms that apply to all merge requests of a repository.
#[derive(Debug, Clone, Copy)]
pub struct ReconcileTerms<'a> {
    /// The default branch.
    pub default_branch: &'a Branch,
    /// What could be judged: only merge requests within that are closed, and only their branches deleted.
    pub certainty: &'a Certainty,
    /// The label that keeps a branch rebased on its target.
    pub rebase_label: &'a str,
    /// The label that makes imagebot leave a merge request alone.
    pub stop_label: &'a str,
}

/// Plans the steps for all branches, those with a proposal first.
pub fn reconcile(
    proposals: &[Arc<Proposal>],
    existing: &BTreeMap<Branch, Existing>,
    terms: &ReconcileTerms<'_>,
) -> Vec<Reconciled> {
    let nothing = Existing::default();
    let of = |branch| existing.get(branch).unwrap_or(&nothing);
    let wanted: BTreeSet<&Branch> = proposals.iter().map(|proposal| &proposal.branch).collect();
    let with = proposals
        .iter()
        .map(|proposal| one(proposal, of(&proposal.branch), terms));
    let left_over = existing
        .iter()
        .filter(|(branch, _)| !wanted.contains(branch));
    let without =
        left_over.filter_map(|(branch, existing)| without_proposal(branch, existing, terms));
    with.chain(without).collect()
}

/// Plans the steps for one proposal. The order of the cases is the order of precedence: first a user's action on the
/// open merge request (a label, another target), then a user's commits on the branch, then earlier decisions of users
/// about the same changes, and only then what imagebot would write.
fn one(proposal: &Arc<Proposal>, existing: &Existing, terms: &ReconcileTerms<'_>) -> Reconciled {
    let open = existing.newest(MergeRequestState::Open);
    let planned = |planned, detail: &str, steps| Reconciled {
        branch: proposal.branch.clone(),
        planned,
        detail: detail.to_owned(),
        proposal: Some(Arc::clone(proposal)),
        number: open.map(|mr| mr.number),
        steps,
    };
    if let Some((by_person, why)) = open.and_then(|open| left_alone(open, terms)) {
        return planned(by_person, why, Vec::new());
    }
    // Foreign commits come before declined or merged changes: they exist now and must not be overwritten, whatever was
    // decided earlier. The comment is posted once, which the state in the text records; without that state it is not
    // posted.
    if let Some((_, Ownership::Foreign(why))) = &existing.head {
        let steps = open.map(|open| {
            let mut steps = cancelled(open);
            let is_noted = open
                .state()
                .is_none_or(|state| state.told.contains("foreign"));
            if !is_noted {
                steps.push(Step::Comment {
                    number: open.number,
                    code: "foreign",
                    text: FOREIGN,
                });
            }
            steps.extend(given_up(open, |state| {
                state.told.insert("foreign".to_owned());
            }));
            steps
        });
        return planned(Planned::Foreign, why, steps.unwrap_or_default());
    }
    // Only now is it certain that the branch is imagebot's own or does not exist. What was declined is not proposed
    // again.
    if let Some((by_person, why)) = remembered(proposal, existing, open) {
        return planned(by_person, why, Vec::new());
    }
    // A rewrite would drop a change whose reference could not be checked in this pass, although it may still be valid.
    let sets = existing.change_sets();
    if let Some(lost) = open.and_then(|_| terms.certainty.lost(&sets, &proposal.changes)) {
        let why = format!("{} in {} could not be checked", lost.image, lost.path);
        return planned(Planned::Kept, &why, Vec::new());
    }
    // The branch is pushed before the merge request is opened or edited: its text must never describe a commit that
    // isn't there yet, and a pass that stops in between is completed by the next one.
    let mut steps = Vec::new();
    if !is_written(proposal, existing, open, terms) {
        steps.push(Step::Push {
            proposal: Arc::clone(proposal),
            from: existing.head.as_ref().map(|(head, _)| head.clone()),
        });
    }
    let Some(open) = open else {
        steps.push(Step::Open(Arc::clone(proposal)));
        return planned(Planned::Open, "", steps);
    };
    steps.extend(rewritten(&proposal.texts, open));
    match steps.is_empty() {
        true => planned(Planned::Unchanged, "", steps),
        false => planned(Planned::Update, "", steps),
    }
}

/// Whether the branch already contains the proposal. A branch that still merges cleanly is not rebased, so that its
/// pipeline doesn't run again, unless the rebase label or automatic merging requires it to be on top of the target.
fn is_written(
    proposal: &Proposal,
    existing: &Existing,
    open: Option<&OwnRequest>,
    terms: &ReconcileTerms<'_>,
) -> bool {
    let rebase = open.is_some_and(|open| has_label(open, terms.rebase_label))
        || proposal.automerge == Automerge::Wanted;
    match &existing.head {
        Some((_, Ownership::Ours(changes))) => {
            *changes == proposal.changes && existing.fits && (existing.on_top || !rebase)
        }
        _ => false,
    }
}

/// Cancels a scheduled merge, because the branch no longer contains what imagebot scheduled (T35).
fn cancelled(open: &OwnRequest) -> Vec<Step> {
    let scheduled = open.state().is_some_and(|state| state.scheduled);
    let cancel = scheduled.then_some(Step::CancelMerge(open.number));
    cancel.into_iter().collect()
}

/// Hands a merge request over to the author of the foreign commits, and records that.
fn given_up(open: &OwnRequest, change: impl FnOnce(&mut RequestState)) -> Option<Step> {
    let text = open.remembering(|state| {
        change(state);
        state.scheduled = false;
    });
    text.map(|text| Step::describe(open.number, text))
}

fn has_label(mr: &OwnRequest, label: &str) -> bool {
    mr.labels.iter().any(|known| known == label)
}

/// Whether a user took the merge request over.
fn left_alone(open: &OwnRequest, terms: &ReconcileTerms<'_>) -> Option<(Planned, &'static str)> {
    if has_label(open, terms.stop_label) {
        return Some((Planned::Stopped, "stopped by a label"));
    }
    let opened_for = open.state().and_then(|state| state.target.as_ref());
    let is_default = open.target == *terms.default_branch;
    // If it was opened for this target, the default branch was renamed since; no user moved it.
    if is_default || opened_for == Some(&open.target) {
        return None;
    }
    Some((Planned::Retargeted, "its target branch was changed by hand"))
}

/// Whether users already decided against the proposal. With an open merge request, only its deleted branch counts: it
/// was opened or reopened after all that.
fn remembered(
    proposal: &Proposal,
    existing: &Existing,
    open: Option<&OwnRequest>,
) -> Option<(Planned, &'static str)> {
    let within = |sets: &[&ChangeSet]| !sets.is_empty() && proposal.changes.is_within(sets);
    let states = |state| existing.of_state(state).filter_map(OwnRequest::state);
    if let Some(open) = open {
        // Its branch is gone, and imagebot was not about to close it: a user deleted the branch (F16).
        let state = open.state()?;
        let deleted = existing.head.is_none() && state.closed.is_none();
        return (deleted && within(&[&state.changes]))
            .then_some((Planned::Declined, "its branch was deleted by hand"));
    }
    let closed = states(MergeRequestState::Closed).filter(|state| state.closed.is_none());
    if within(&closed.map(|state| &state.changes).collect::<Vec<_>>()) {
        let why =
            "the merge request for this was closed by hand; reopen it to get this update back";
        return Some((Planned::Declined, why));
    }
    let merged = latest(states(MergeRequestState::Merged).map(|state| &state.changes));
    (!merged.references.is_empty() && within(&[&merged])).then_some((
        Planned::Reverted,
        "this was merged before and then reverted in the file",
    ))
}

/// Given change sets with the newest first, the newest change of each image in each file. An older merged change was
/// replaced by a later merge, not by a revert.
fn latest<'a>(sets: impl Iterator<Item = &'a ChangeSet>) -> ChangeSet {
    let mut latest = ChangeSet::default();
    for set in sets {
        let same = |a: &Change, b: &Change| a.path == b.path && a.image == b.image;
        let is_new = |change: &Change| !latest.references.iter().any(|known| same(known, change));
        let new: Vec<Change> = set
            .references
            .iter()
            .filter(|c| is_new(c))
            .cloned()
            .collect();
        latest.references.extend(new);
    }
    latest
}

/// The update of an open merge request: its texts if the rendered text changed, new labels and missing metadata.
fn rewritten(texts: &Texts, open: &OwnRequest) -> Option<Step> {
    let block = open.block();
    let known = open.state();
    let given = known.map(|state| state.labels.clone()).unwrap_or_default();
    // Without our part of the text it is not known which labels a user removed, so none is added.
    let is_new = |label: &&String| known.is_some() && !given.contains(*label);
    let new: Vec<&String> = texts.metadata.labels.iter().filter(is_new).collect();
    let same_text = block.is_some_and(|block| {
        block.hash == texts.hash
            && block.state.changes == texts.state.changes
            // A closing reason in an open merge request was written by a pass that stopped before closing it. If it
            // stayed, a user's closing would be taken for imagebot's.
            && block.state.closed.is_none()
    });
    if same_text && new.is_empty() && !open.incomplete {
        return None;
    }
    let add_labels = new
        .iter()
        .filter(|label| !has_label(open, label))
        .map(|label| (*label).clone())
        .collect();
    let state = RequestState {
        told: known.map(|state| state.told.clone()).unwrap_or_default(),
        scheduled: known.is_some_and(|state| state.scheduled),
        labels: given
            .into_iter()
            .chain(texts.state.labels.clone())
            .collect(),
        ..texts.state.clone()
    };
    let description = replace_block(&open.description, &texts.block(&state));
    Some(Step::Edit {
        number: open.number,
        edit: MergeRequestEdit {
            title: (open.title != texts.title).then(|| texts.title.clone()),
            description: Some(description),
            target: None,
            add_labels,
            metadata: open.incomplete.then(|| texts.metadata.clone()),
        },
    })
}

/// Plans the steps for a branch of ours without a proposal: its merge request is closed, unless a user took it over or
/// too little is known.
fn without_proposal(
    branch: &Branch,
    existing: &Existing,
    terms: &ReconcileTerms<'_>,
) -> Option<Reconciled> {
    let open = existing.newest(MergeRequestState::Open);
    let planned = |planned, detail: &str, steps| {
        Some(Reconciled {
            branch: branch.clone(),
            planned,
            detail: detail.to_owned(),
            proposal: None,
            number: open.map(|mr| mr.number),
            steps,
        })
    };
    if let Some((by_person, why)) = open.and_then(|open| left_alone(open, terms)) {
        return planned(by_person, why, Vec::new());
    }
    // As for a proposal, foreign commits come before everything else. Then certainty: an update may be missing only
    // because its reference could not be judged, and closing its merge request would lose the review.
    let delete = match (&existing.head, open) {
        (None, None) | (Some((_, Ownership::Foreign(_))), None) => return None,
        (Some((_, Ownership::Foreign(why))), Some(open)) => {
            // A closing reason written before the user's push would make the user's closing look like imagebot's.
            let mut steps = cancelled(open);
            steps.extend(given_up(open, |state| state.closed = None));
            return planned(Planned::Foreign, why, steps);
        }
        _ if !terms.certainty.covers(existing) => {
            let why = "part of the repository could not be checked, so nothing is closed";
            return planned(Planned::Kept, why, Vec::new());
        }
        (head, _) => head
            .as_ref()
            .map(|(head, _)| Step::Delete { from: head.clone() }),
    };
    let mut steps = Vec::new();
    if let Some(open) = open {
        if open.state().is_none() {
            let why = "the state in its description is missing or damaged";
            return planned(Planned::Kept, why, Vec::new());
        }
        // The reason is written before closing: a merge request closed without a reason counts as closed by a user.
        let reason = open.remembering(|state| state.closed = Some("obsolete".to_owned()));
        steps.extend(reason.map(|text| Step::describe(open.number, text)));
    }
    // The branch goes before the merge request: if the deletion is refused because the head has moved, the merge
    // request stays open with it.
    steps.extend(delete);
    steps.extend(open.map(|open| Step::Close(open.number)));
    let why = "obsolete: already applied, or no longer proposed";
    planned(Planned::Close, why, steps)
}

impl Existing {
    /// The merge requests in one state, the newest first.
    fn of_state(&self, state: MergeRequestState) -> impl Iterator<Item = &OwnRequest> {
        let all = self.merge_requests.iter().rev();
        all.filter(move |mr| mr.state == state)
    }

    fn newest(&self, state: MergeRequestState) -> Option<&OwnRequest> {
        self.of_state(state).next()
    }

    /// The changes on the branch, and those described in its open merge requests.
    fn change_sets(&self) -> Vec<&ChangeSet> {
        let of_head = match &self.head {
            Some((_, Ownership::Ours(changes))) => Some(changes),
            _ => None,
        };
        let open = self.of_state(MergeRequestState::Open);
        of_head
            .into_iter()
            .chain(open.filter_map(OwnRequest::changes))
            .collect()
    }
}
