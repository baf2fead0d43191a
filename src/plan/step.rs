//! The steps for one branch, and their results.

use super::propose::Proposal;
use crate::repo::{Branch, CommitId, MergeRequestEdit};
use std::sync::Arc;

/// One step for a branch. The steps of a branch run in order, and each is idempotent.
#[derive(Debug, Clone)]
pub enum Step {
    /// Push the commit of a proposal, if the branch still has this head.
    Push {
        /// The proposal with the files and message.
        proposal: Arc<Proposal>,
        /// The head that the branch must have; `None` if it must not exist.
        from: Option<CommitId>,
    },
    /// Delete the branch, if it still has this head.
    Delete {
        /// The head that the branch must have.
        from: CommitId,
    },
    /// Open a merge request.
    Open(Arc<Proposal>),
    /// Cancel a scheduled merge of this merge request.
    CancelMerge(u64),
    /// Comment on a merge request, unless it already has a comment with this code.
    Comment {
        /// The merge request's number.
        number: u64,
        /// Identifies the comment.
        code: &'static str,
        /// The comment, in Markdown.
        text: &'static str,
    },
    /// Edit an open merge request.
    Edit {
        /// The merge request's number.
        number: u64,
        /// The fields to change.
        edit: MergeRequestEdit,
    },
    /// Close a merge request.
    Close(u64),
}

impl Step {
    /// The step that only changes the text of a merge request.
    pub(crate) fn describe(number: u64, description: String) -> Self {
        let edit = MergeRequestEdit {
            description: Some(description),
            ..MergeRequestEdit::default()
        };
        Self::Edit { number, edit }
    }

    /// Whether it changes the branch's head.
    pub fn moves_branch(&self) -> bool {
        matches!(self, Self::Push { .. } | Self::Delete { .. })
    }
}

/// The plan for a proposal, or for a merge request without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Planned {
    /// Open a merge request.
    Open,
    /// Update the branch or the merge request.
    Update,
    /// It exists and needs no change.
    Unchanged,
    /// Nothing: a user closed a merge request that proposed all of it.
    Declined,
    /// Nothing: it was merged before, and the file was reverted.
    Reverted,
    /// Nothing: the branch has commits of someone else.
    Foreign,
    /// Nothing: a user changed the merge request's target branch.
    Retargeted,
    /// Close it: its changes are already applied or no longer proposed.
    Close,
    /// Keep it open, because not everything that it concerns could be judged.
    Kept,
    /// Nothing: a user added the label that stops imagebot.
    Stopped,
    /// Nothing yet: the limit of open merge requests is reached.
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

/// The result of a plan for a branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Done {
    /// The plan was carried out.
    AsPlanned(Planned),
    /// Nothing was done: an error in the repository came first.
    Skipped,
    /// Nothing was done: the branch or the merge request has changed since; the next pass tries again.
    Moved,
    /// Nothing was done: the server rejected the push.
    Refused,
    /// The merge request was merged.
    Merged,
    /// It was carried out partly or not at all; the problem is reported separately.
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

/// The plan for one branch: the proposal compared with what exists.
#[derive(Debug, Clone)]
pub struct Reconciled {
    /// The branch.
    pub branch: Branch,
    /// The kind of plan.
    pub planned: Planned,
    /// The reason, human-readable.
    pub detail: String,
    /// The proposal; `None` if nothing is proposed any more.
    pub proposal: Option<Arc<Proposal>>,
    /// The number of the open merge request.
    pub number: Option<u64>,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

impl Reconciled {
    /// Whether it opens a merge request.
    pub fn opens(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Open(_)))
    }

    /// Whether it closes a merge request.
    pub fn closes(&self) -> bool {
        self.steps.iter().any(|step| matches!(step, Step::Close(_)))
    }

    /// Whether the branch gets a new commit.
    pub fn writes(&self) -> bool {
        let is_push = |step: &Step| matches!(step, Step::Push { .. });
        self.steps.iter().any(is_push)
    }
}
