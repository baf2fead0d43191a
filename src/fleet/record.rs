//! One repository, with all that is known of it.

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

/// What a repository is known by: its forge, and the id there that stays the same when it is renamed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoId {
    /// The forge's name.
    pub forge: String,
    /// The id on that forge.
    pub id: String,
}

impl fmt::Display for RepoId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.forge, self.id)
    }
}

/// How far a repository is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is listed, and its files are not read yet.
    Pending,
    /// It was read, or the attempt failed.
    Read,
    /// No forge lists it now although one did: unknown, never gone.
    Unlisted,
}

/// A registered repository.
#[derive(Debug)]
pub struct FleetRepo {
    /// Its full path.
    pub name: RepoName,
    /// What it is known by; `None` for one that is not listed, and for a folder.
    pub id: Option<RepoId>,
    /// What people there call a merge request.
    pub noun: &'static str,
    /// Its address, as images name it in their labels.
    pub address: Option<On>,
    /// How far it is known.
    pub access: Access,
    /// Whether something went wrong with it: then the family may lack what it says.
    pub has_problems: bool,
    /// Whether its settings, or its being empty, take it out of everything.
    pub is_skipped: bool,
    /// Its files.
    pub parsed: Arc<ParsedRepo>,
    /// The target branch and its head; `None` if nothing can be done here.
    pub base: Option<(Branch, CommitId)>,
    /// Since when that head is there.
    pub head_since: Option<Timestamp>,
    /// Its branches and merge requests.
    pub existing: ExistingRequests,
    /// Where each of its references is looked up, in their order: `None` if its registry may not be contacted, a failure
    /// if there is no login for it.
    pub lookups: Option<Vec<Result<Option<Lookup>, Failure>>>,
    /// What its CI says.
    pub pipelines: Option<Pipelines>,
    /// What was done in it already.
    pub acted: Option<Acted>,
}

/// What CI says of a repository's default branch and of its merge requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pipelines {
    /// Of the default branch's head.
    pub head: CiStatus,
    /// Since when it says that, as far as imagebot saw it.
    pub since: Option<Timestamp>,
    /// The numbers of the open merge requests whose pipeline failed.
    pub failed: BTreeSet<u64>,
}

impl Default for Pipelines {
    /// Nothing that anybody waits for.
    fn default() -> Self {
        Self {
            head: CiStatus::Unseen,
            since: None,
            failed: BTreeSet::new(),
        }
    }
}

/// What was planned, and then done, in a repository.
#[derive(Debug, Clone, Default)]
pub struct Acted {
    /// What those below it may have to wait for.
    pub holds: Vec<OpenRequest>,
    /// How many merge requests are open since.
    pub open: usize,
    /// How many of them were opened just now.
    pub opened: usize,
}

impl FleetRepo {
    /// One that is listed, before anything of it is read.
    pub fn listed(operator: &Operator, name: RepoName, id: RepoId, noun: &'static str) -> Self {
        Self {
            id: Some(id),
            noun,
            ..Self::new(ParsedRepo::unread(operator, name.clone()), name)
        }
    }

    /// One that no forge lists now.
    pub fn unlisted(operator: &Operator, name: RepoName) -> Self {
        Self {
            access: Access::Unlisted,
            ..Self::new(ParsedRepo::unread(operator, name.clone()), name)
        }
    }

    /// A folder that belongs to no forge, with where its references are looked up.
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
            existing: ExistingRequests::default(),
            lookups: None,
            pipelines: None,
            acted: None,
        }
    }

    /// What the store knows it by.
    pub fn key(&self) -> String {
        match &self.id {
            Some(id) => id.to_string(),
            None => self.name.to_string(),
        }
    }

    /// How many of imagebot's merge requests are open in it, with those that are about to be opened.
    pub fn open_requests(&self) -> usize {
        match &self.acted {
            Some(acted) => acted.open,
            None => self.existing.count(),
        }
    }
}
