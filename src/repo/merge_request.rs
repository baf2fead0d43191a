//! A merge request, with what every forge can report about it.

use super::{branch::Branch, commit::CommitId};
use crate::coded::coded;
use serde::{Deserialize, Serialize};

/// A merge request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeRequest {
    /// Its number in its repository.
    pub number: u64,
    /// Open, merged or closed.
    pub state: MergeRequestState,
    /// The branch to be merged.
    pub source: Branch,
    /// The branch that it is merged into.
    pub target: Branch,
    /// The title.
    pub title: String,
    /// The text, Markdown.
    pub description: String,
    /// The labels.
    pub labels: Vec<String>,
    /// The source branch's head when the merge request was last read, if the forge reports it.
    pub head: Option<CommitId>,
    /// The commit on the target branch, once it is merged and if the forge reports it.
    pub merged_as: Option<CommitId>,
    /// Whether it is a draft.
    pub draft: bool,
    /// When it was opened, by the forge's clock, if the forge reports it.
    pub created: Option<jiff::Timestamp>,
    /// Whether the forge merges it as soon as it can.
    pub auto_merge: bool,
}

/// What a merge request has besides its texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MergeRequestAttributes {
    /// The labels.
    pub labels: Vec<String>,
    /// User names of its assignees.
    pub assignees: Vec<String>,
    /// User names of its reviewers.
    pub reviewers: Vec<String>,
    /// The milestone's title.
    pub milestone: Option<String>,
    /// Whether it is a draft.
    pub draft: bool,
    /// Whether its commits are squashed when it is merged; `None`: the repository's setting decides.
    pub squash: Option<bool>,
    /// Whether its branch is removed when it is merged.
    pub remove_source_branch: bool,
}

coded! {
    /// The state of a merge request.
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum MergeRequestState {
        /// Open.
        Open = "open";
        /// Merged.
        Merged = "merged";
        /// Closed without a merge.
        Closed = "closed";
    }
}
