//! What is to be done for one branch, step by step, and what became of it.

use super::propose::Proposal;
use crate::repo::{Branch, CommitId, MergeRequestEdit};
use std::sync::Arc;

/// One step for a branch. The steps of a branch are done in their order, and each can be repeated without harm.
#[derive(Debug, Clone)]
pub enum Step {
    /// The branch gets the commit of a proposal, if it still has this head.
    Push {
        /// What it is to hold.
        proposal: Arc<Proposal>,
        /// The head that it must have now; `None`: there must be no such branch.
        from: Option<CommitId>,
    },
    /// The branch is deleted, if it still has this head.
    Delete {
        /// The head that it must have now.
        from: CommitId,
    },
    /// A merge request is opened.
    Open(Arc<Proposal>),
    /// The forge must not merge this merge request by itself any more.
    CancelMerge(u64),
    /// A merge request gets a comment, unless it has one with this code.
    Comment {
        /// The merge request's number.
        number: u64,
        /// What tells the comment from others.
        code: &'static str,
        /// Markdown.
        text: &'static str,
    },
    /// An open merge request changes.
    Edit {
        /// The merge request's number.
        number: u64,
        /// What changes.
        edit: MergeRequestEdit,
    },
    /// A merge request is closed.
    Close(u64),
}

impl Step {
    /// That only the text of a merge request changes.
    pub(crate) fn describe(number: u64, description: String) -> Self {
        let edit = MergeRequestEdit {
            description: Some(description),
            ..MergeRequestEdit::default()
        };
        Self::Edit { number, edit }
    }

    /// Whether it moves the branch.
    pub fn moves_branch(&self) -> bool {
        matches!(self, Self::Push { .. } | Self::Delete { .. })
    }
}

/// What is planned for a proposal, or for a merge request without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Planned {
    /// A merge request is opened.
    Open,
    /// The branch or the merge request changes.
    Update,
    /// It is there and stays as it is.
    Unchanged,
    /// Nothing: a person closed a merge request that proposed all of it.
    Declined,
    /// Nothing: it was merged once, and the file went back.
    Reverted,
    /// Nothing: a person works on the branch.
    Foreign,
    /// Nothing: a person gave the merge request another target branch.
    Retargeted,
    /// It is closed: what it proposed is there, or something else is proposed.
    Close,
    /// It stays open, because not everything in the repository could be judged.
    Kept,
    /// Nothing: a person put the label on it that stops imagebot.
    Stopped,
    /// Nothing yet: as many are open already as may be.
    Limited,
}

impl Planned {
    /// The name in reports.
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
            Self::Kept => "kept",
            Self::Stopped => "stopped",
            Self::Limited => "limited",
        }
    }
}

/// What became of a plan for a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Done {
    /// What was planned.
    AsPlanned(Planned),
    /// Nothing: an error elsewhere in the repository came first.
    Skipped,
    /// Nothing: the branch or the merge request changed meanwhile; the next pass looks again.
    Moved,
    /// Nothing: the server refused the branch.
    Refused,
    /// It was merged.
    Merged,
    /// Not all of it: the problem is reported beside it.
    Failed,
}

impl Done {
    /// The name in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::AsPlanned(planned) => planned.code(),
            Self::Skipped => "kept",
            Self::Moved => "moved",
            Self::Refused => "refused",
            Self::Merged => "merged",
            Self::Failed => "failed",
        }
    }
}

/// What should be there under one branch name, compared with what is there.
#[derive(Debug, Clone)]
pub struct Reconciled {
    /// The branch.
    pub branch: Branch,
    /// What is planned.
    pub planned: Planned,
    /// Why, in words.
    pub detail: String,
    /// What is proposed; `None`: nothing any more.
    pub proposal: Option<Arc<Proposal>>,
    /// The open merge request.
    pub number: Option<u64>,
    /// What is to be done, in order.
    pub steps: Vec<Step>,
}

impl Reconciled {
    /// Whether a merge request is opened.
    pub fn opens(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Open(_)))
    }

    /// Whether a merge request is closed.
    pub fn closes(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Close(_)))
    }

    /// Whether the branch gets a new commit.
    pub fn writes(&self) -> bool {
        let is_push = |step: &Step| matches!(step, Step::Push { .. });
        self.steps.iter().any(is_push)
    }
}
