//! A merge request: as every forge shows it, as it is to be opened, and what is to change about it.

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
    /// The source branch's head when the merge request was last seen, where the forge shows it.
    pub head: Option<CommitId>,
    /// What the merge made, once it is merged and where the forge shows it.
    pub merged_as: Option<CommitId>,
    /// Whether it is a draft.
    pub draft: bool,
    /// When it was opened, by the forge's clock, where the forge shows it.
    pub created: Option<jiff::Timestamp>,
    /// Whether the forge merges it as soon as it can.
    pub auto_merge: bool,
    /// Whether opening it was cut short, so that its metadata is missing: an edit completes it.
    #[serde(default)]
    pub incomplete: bool,
}

/// What a merge request has besides its texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MergeRequestMetadata {
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

/// A merge request to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMergeRequest {
    /// The branch that is to be merged.
    pub source: Branch,
    /// The branch that it is to be merged into.
    pub target: Branch,
    /// The title.
    pub title: String,
    /// The text, Markdown.
    pub description: String,
    /// Its labels, reviewers and so on.
    pub metadata: MergeRequestMetadata,
}

/// What is to change about a merge request; what is `None` or empty stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MergeRequestEdit {
    /// The title.
    pub title: Option<String>,
    /// The text, Markdown.
    pub description: Option<String>,
    /// The branch that it is to be merged into.
    pub target: Option<Branch>,
    /// Labels to add.
    pub add_labels: Vec<String>,
    /// The metadata of one that is [incomplete](MergeRequest::incomplete). A forge that needs several requests for it
    /// sets the description with the last.
    pub metadata: Option<MergeRequestMetadata>,
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
