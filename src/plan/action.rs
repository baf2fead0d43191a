//! What is to be done for one branch, and how it stands.

use crate::repo::{Branch, CommitId, MergeRequestAttributes};
use serde::Serialize;

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
    /// The merge request that the forge must not merge by itself any more.
    pub call_off: Option<u64>,
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
    pub attributes: Option<MergeRequestAttributes>,
}

impl Edit {
    /// Only another text.
    pub(super) fn text(number: u64, description: String) -> Self {
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
    /// It could not be done: the problem stands beside it.
    Failed,
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
            Self::Failed => "failed",
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

impl Action {
    /// Nothing to be done.
    pub(super) fn none(branch: &Branch) -> Self {
        Self {
            branch: branch.clone(),
            write: None,
            open: None,
            edit: None,
            call_off: None,
            comment: None,
            close: None,
            delete: None,
        }
    }

    /// Itself, if there is something to be done.
    pub(super) fn or_none(self) -> Option<Self> {
        (self != Self::none(&self.branch)).then_some(self)
    }
}
