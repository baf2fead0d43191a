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

/// What a merge request wears besides its texts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dress {
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

/// A merge request to be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMergeRequest {
    /// The branch that is to be merged.
    pub source: Branch,
    /// The branch that it is to be merged into.
    pub target: Branch,
    /// The title.
    pub title: String,
    /// The text, Markdown, as long as it is not dressed.
    pub description: String,
    /// The text once it is dressed. A forge that needs several requests writes it with the last, so that whoever was
    /// killed between them sees what is missing.
    pub dressed: String,
    /// What it wears.
    pub dress: Dress,
}

/// What is to be changed of a merge request; what is `None` or empty stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MergeRequestEdit {
    /// The title.
    pub title: Option<String>,
    /// The text.
    pub description: Option<String>,
    /// The branch that it is to be merged into.
    pub target: Option<Branch>,
    /// Labels to be added.
    pub add_labels: Vec<String>,
    /// What it was to wear from the start, where opening it was cut short.
    pub dress: Option<Dress>,
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
