//! imagebot's existing branches and merge requests in a repository, open and ended.

use crate::plan::{Existing, OwnRequest, Ownership, Proposed};
use crate::repo::{Branch, CommitId};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// The state of one of imagebot's branches.
#[derive(Debug, Clone)]
pub struct OurBranch {
    /// The commit that it points at.
    pub head: CommitId,
    /// Who owns its commits.
    pub ownership: Ownership,
    /// Whether it merges without a conflict, as far as the changed files show.
    pub fits: bool,
    /// Whether its commit's parent is the head of the target branch.
    pub on_top: bool,
}

/// The known branches and merge requests of a repository.
#[derive(Debug, Clone, Default)]
pub struct ExistingRequests {
    /// The branches whose names start with `imagebot/`.
    pub branches: BTreeMap<Branch, OurBranch>,
    /// The open merge requests.
    pub open: Vec<OwnRequest>,
    /// The remembered closed and merged ones, the oldest first.
    pub ended: Vec<OwnRequest>,
    /// The branches that were fetched from the forge in this pass: only these may be written, never remembered ones.
    pub fresh: BTreeSet<Branch>,
    /// How many were open according to the last listing, if there is no current one.
    pub unlisted: usize,
    /// Whether the forge failed to list them in this pass: then nothing is written.
    pub unavailable: bool,
}

impl ExistingRequests {
    /// The number of open merge requests, as far as known.
    pub fn count(&self) -> usize {
        self.open.len() + self.unlisted
    }

    /// Whether neither an open merge request nor a branch exists.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.branches.is_empty()
    }

    /// The branches and merge requests by branch name, as input of the plan.
    pub fn by_branch(&self) -> BTreeMap<Branch, Existing> {
        let mut existing: BTreeMap<Branch, Existing> = BTreeMap::new();
        for (branch, ours) in &self.branches {
            let of_branch = existing.entry(branch.clone()).or_default();
            of_branch.head = Some((ours.head.clone(), ours.ownership.clone()));
            of_branch.fits = ours.fits;
            of_branch.on_top = ours.on_top;
        }
        for mr in self.ended.iter().chain(&self.open) {
            let of_branch = existing.entry(mr.source.clone()).or_default();
            of_branch.merge_requests.push(mr.clone());
        }
        existing
    }

    /// The versions that the open merge requests propose.
    pub fn proposed(&self) -> Proposed {
        let changes = self.open.iter().filter_map(OwnRequest::changes);
        changes
            .flat_map(|changes| &changes.references)
            .map(|change| (change.path.clone(), change.image.clone(), change.to.clone()))
            .collect()
    }

    /// When the open and the ended ones were created, if the forge reports it.
    pub fn opened(&self) -> impl Iterator<Item = (u64, Timestamp)> {
        let all = self.ended.iter().chain(&self.open);
        all.filter_map(|mr| Some((mr.number, mr.created?)))
    }
}
