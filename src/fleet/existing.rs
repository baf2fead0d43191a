//! What is there already in a repository: our branches and merge requests, and what became of earlier ones.

use crate::plan::{Existing, OwnRequest, Ownership, Proposed};
use crate::repo::{Branch, CommitId};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// What is on one of our branches.
#[derive(Debug, Clone)]
pub struct OurBranch {
    /// Its head.
    pub head: CommitId,
    /// Whose work it is.
    pub ownership: Ownership,
    /// Whether it can be merged without a conflict, as far as the changed files tell.
    pub fits: bool,
    /// Whether its commit's parent is the target's head.
    pub on_top: bool,
}

/// What is known of a repository's branches and merge requests.
#[derive(Debug, Clone, Default)]
pub struct ExistingRequests {
    /// The branches under `imagebot/`.
    pub branches: BTreeMap<Branch, OurBranch>,
    /// The open merge requests.
    pub open: Vec<OwnRequest>,
    /// Closed and merged ones, as far as they are remembered, the oldest first.
    pub ended: Vec<OwnRequest>,
    /// The branches that the forge was asked about in this pass. What is written is never derived from a memory.
    pub fresh: BTreeSet<Branch>,
    /// How many were open when the forge was asked last, where it lists none now.
    pub unlisted: usize,
    /// Whether the forge was asked in this pass and did not answer: then nothing is written.
    pub unavailable: bool,
}

impl ExistingRequests {
    /// How many merge requests are open, as far as it is known.
    pub fn count(&self) -> usize {
        self.open.len() + self.unlisted
    }

    /// Whether nothing of ours is there now, whatever was there before.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.branches.is_empty()
    }

    /// By branch, as the plan wants it.
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

    /// What the open ones propose.
    pub fn proposed(&self) -> Proposed {
        let changes = self.open.iter().filter_map(OwnRequest::changes);
        changes
            .flat_map(|changes| &changes.references)
            .map(|change| (change.path.clone(), change.image.clone(), change.to.clone()))
            .collect()
    }

    /// When the open and the remembered ones were opened, where the forge tells it.
    pub fn opened(&self) -> impl Iterator<Item = (u64, Timestamp)> {
        let all = self.ended.iter().chain(&self.open);
        all.filter_map(|mr| Some((mr.number, mr.created?)))
    }
}
