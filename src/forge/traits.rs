//! What every forge can do.

use super::error::ForgeError;
use crate::git::Remote;
use crate::repo::{Branch, CommitId, MergeRequest, RepoName};
use std::collections::BTreeMap;

/// A registered repository, as a forge lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    /// What stays the same when the repository is renamed; part of every update key.
    pub id: String,
    /// Its full path.
    pub name: RepoName,
    /// Where git finds it.
    pub remote: Remote,
    /// The default branch and its head; `None` for an empty repository.
    pub head: Option<(Branch, CommitId)>,
    /// The branches under `imagebot/` and their heads.
    pub branches: BTreeMap<Branch, CommitId>,
}

/// All registered repositories of a forge.
#[derive(Debug, Default)]
pub struct Listing {
    /// Those that can be worked on.
    pub repositories: Vec<Repository>,
    /// Those that could not be read: unknown, never gone.
    pub failed: Vec<(String, ForgeError)>,
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
    /// The labels.
    pub labels: Vec<String>,
}

/// What is to be changed of a merge request; what is `None` stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MergeRequestEdit {
    /// The title.
    pub title: Option<String>,
    /// The text.
    pub description: Option<String>,
}

/// A server, or a folder, that lists repositories and keeps merge requests.
#[async_trait::async_trait]
pub trait Forge: Send + Sync {
    /// What the forge is called in reports.
    fn name(&self) -> &str;

    /// The registered repositories with their heads.
    async fn repositories(&self) -> Result<Listing, ForgeError>;

    /// The merge requests whose source branch is under `imagebot/`, whoever opened them, in all states.
    async fn merge_requests(&self, repo: &Repository) -> Result<Vec<MergeRequest>, ForgeError>;

    /// Opens a merge request. If an open one for the same source branch is there already, that one is the answer.
    async fn create(
        &self,
        repo: &Repository,
        new: &NewMergeRequest,
    ) -> Result<MergeRequest, ForgeError>;

    /// Changes a merge request's texts.
    async fn edit(
        &self,
        repo: &Repository,
        number: u64,
        edit: &MergeRequestEdit,
    ) -> Result<(), ForgeError>;

    /// Closes an open merge request without merging it.
    async fn close(&self, repo: &Repository, number: u64) -> Result<(), ForgeError>;

    /// Adds a comment to a merge request, unless it is there already: whoever was killed behind it asks again.
    async fn comment(&self, repo: &Repository, number: u64, text: &str) -> Result<(), ForgeError>;
}
