//! One repository, with all facts about it.

use super::existing::ExistingRequests;
use super::operator::Operator;
use super::parsed::ParsedRepo;
use crate::family::On;
use crate::family::hold::OpenRequest;
use crate::plan::{Failure, Lookup};
use crate::repo::{Branch, CiStatus, CommitId, RepoName};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// The identity of a repository: its forge, and the id there, which survives a rename.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoId {
    /// The name of the forge in the configuration.
    pub forge: String,
    /// The forge's own id.
    pub id: String,
}

impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.forge, self.id)
    }
}

/// How much of a repository is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is listed, but its files have not been read yet.
    Pending,
    /// Its files were read, or the attempt failed.
    Read,
    /// It was listed before but is not now: it counts as unknown, never as deleted.
    Unlisted,
}

/// A registered repository.
#[derive(Debug)]
pub struct FleetRepo {
    /// Its path on the forge.
    pub name: RepoName,
    /// Its identity; `None` for a folder or a repository that is not listed.
    pub id: Option<RepoId>,
    /// The forge's term for a merge request.
    pub noun: &'static str,
    /// Its URL, as used in image labels.
    pub address: Option<On>,
    /// How much of it is known.
    pub access: Access,
    /// Whether an error occurred: then the family may lack its images or dependencies.
    pub has_problems: bool,
    /// Whether it is skipped: its settings disable it, or it is empty.
    pub is_skipped: bool,
    /// Its parsed files.
    pub parsed: Arc<ParsedRepo>,
    /// The target branch and its head; `None` if nothing can be proposed.
    pub base: Option<(Branch, CommitId)>,
    /// When that head was first seen.
    pub head_since: Option<Timestamp>,
    /// imagebot's branches and merge requests in it.
    pub existing: Fact<ExistingRequests>,
    /// The image and login to look up each reference, in order: `None` if its registry may not be contacted, a failure
    /// if its login is unavailable. `None` for the whole until that is known.
    pub lookups: Option<Vec<Result<Option<Lookup>, Failure>>>,
    /// Its CI status; `None` until fetched.
    pub pipelines: Option<Fact<Pipelines>>,
    /// When its files were read; `None` until then.
    pub read_at: Option<Timestamp>,
    /// What was done in it in this pass; `None` until then.
    pub acted: Option<Acted>,
}

/// A fact, and when it was learned: by the clock of the pass that fetched it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fact<T> {
    /// The fact.
    pub value: T,
    /// When it was learned.
    pub learned: Timestamp,
}

impl<T> std::ops::Deref for Fact<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// The CI status of a repository's default branch and merge requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipelines {
    /// The status of the default branch's head.
    pub head: CiStatus,
    /// When imagebot first saw that status.
    pub since: Option<Timestamp>,
    /// The numbers of the open merge requests whose pipeline failed.
    pub failed: BTreeSet<u64>,
}

impl Default for Pipelines {
    /// A status that holds nothing back.
    fn default() -> Self {
        Self {
            head: CiStatus::Unseen,
            since: None,
            failed: BTreeSet::new(),
        }
    }
}

/// What was planned and then done in a repository.
#[derive(Debug, Clone, Default)]
pub struct Acted {
    /// The merge requests that its children may have to wait for.
    pub holds: Vec<OpenRequest>,
    /// How many merge requests are open afterwards.
    pub open: usize,
    /// How many of them were opened by this plan.
    pub opened: usize,
}

impl FleetRepo {
    /// A listed repository, before anything in it is read.
    pub fn listed(operator: &Operator, name: RepoName, id: RepoId, noun: &'static str) -> Self {
        Self {
            id: Some(id),
            noun,
            ..Self::new(ParsedRepo::unread(operator, name.clone()), name)
        }
    }

    /// A repository that no forge lists at present.
    pub fn unlisted(operator: &Operator, name: RepoName) -> Self {
        Self {
            access: Access::Unlisted,
            ..Self::new(ParsedRepo::unread(operator, name.clone()), name)
        }
    }

    /// A folder without a forge, with the look-ups for its references.
    pub fn folder(
        name: RepoName,
        parsed: ParsedRepo,
        lookups: Vec<Result<Option<Lookup>, Failure>>,
    ) -> Self {
        Self {
            access: Access::Read,
            lookups: Some(lookups),
            ..Self::new(parsed, name)
        }
    }

    fn new(parsed: ParsedRepo, name: RepoName) -> Self {
        Self {
            name,
            id: None,
            noun: "merge request",
            address: None,
            access: Access::Pending,
            has_problems: false,
            is_skipped: false,
            parsed: Arc::new(parsed),
            base: None,
            head_since: None,
            existing: Fact::default(),
            lookups: None,
            pipelines: None,
            read_at: None,
            acted: None,
        }
    }

    /// Its CI status, if that was fetched in the pass that began at `now`.
    pub fn current_pipelines(&self, now: Timestamp) -> Option<&Pipelines> {
        let current = self.pipelines.as_ref().filter(|it| it.learned >= now);
        current.map(|pipelines| &pipelines.value)
    }

    /// Its key in the store.
    pub fn key(&self) -> String {
        match &self.id {
            Some(id) => id.to_string(),
            None => self.name.to_string(),
        }
    }

    /// The number of imagebot's open merge requests in it, including those about to be opened.
    pub fn open_requests(&self) -> usize {
        match &self.acted {
            Some(acted) => acted.open,
            None => self.existing.count(),
        }
    }
}
