//! A merge request as every forge can tell it.

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
    /// The branch that is to be merged.
    pub source: Branch,
    /// The branch that it is to be merged into.
    pub target: Branch,
    /// The title.
    pub title: String,
    /// The text, Markdown.
    pub description: String,
    /// The labels.
    pub labels: Vec<String>,
    /// The source branch's head when the merge request was last seen, where the forge tells it.
    pub head: Option<CommitId>,
    /// What the merge made, once it is merged and where the forge tells it.
    pub merged_as: Option<CommitId>,
    /// Whether it is a draft.
    pub draft: bool,
    /// When it was opened, by the forge's clock, where the forge tells it.
    pub created: Option<jiff::Timestamp>,
    /// Whether the forge is to merge it by itself.
    pub auto_merge: bool,
}

/// What a merge request has besides its texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MergeRequestAttributes {
    /// The labels.
    pub labels: Vec<String>,
    /// User names of those it is assigned to.
    pub assignees: Vec<String>,
    /// User names of those who are asked for a review.
    pub reviewers: Vec<String>,
    /// The milestone's title.
    pub milestone: Option<String>,
    /// Whether it is a draft.
    pub draft: bool,
    /// Whether its commits are squashed when it is merged; `None`: as the repository has it.
    pub squash: Option<bool>,
    /// Whether its branch is removed when it is merged.
    pub remove_source_branch: bool,
}

coded! {
    /// Whether a merge request is still to be decided.
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum MergeRequestState {
        /// To be decided.
        Open = "open";
        /// Merged.
        Merged = "merged";
        /// Closed without a merge.
        Closed = "closed";
    }
}
