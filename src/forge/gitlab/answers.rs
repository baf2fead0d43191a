//! GitLab's answers: only the fields that are used, optional where the documentation says so.

use crate::forge::error::ForgeError;
use crate::forge::wire::PageInfo;
use crate::repo::{Branch, CommitId, MergeRequest, MergeRequestState};
use serde::Deserialize;

/// A project of REST.
#[derive(Debug, Deserialize)]
pub(super) struct Project {
    pub(super) id: u64,
    pub(super) path_with_namespace: String,
    #[serde(default)]
    pub(super) default_branch: Option<String>,
    #[serde(default)]
    pub(super) archived: bool,
    #[serde(default)]
    pub(super) empty_repo: bool,
    #[serde(default)]
    pub(super) mirror: bool,
    #[serde(default)]
    pub(super) topics: Vec<String>,
    #[serde(default)]
    pub(super) forked_from_project: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    pub(super) marked_for_deletion_on: Option<String>,
    #[serde(default)]
    pub(super) marked_for_deletion_at: Option<String>,
    #[serde(default)]
    pub(super) container_registry_image_prefix: Option<String>,
    /// `disabled` where merge requests are switched off.
    #[serde(default)]
    merge_requests_access_level: Option<String>,
    /// The same before GitLab 16.
    #[serde(default)]
    merge_requests_enabled: Option<bool>,
    #[serde(default)]
    pub(super) permissions: Option<Permissions>,
}

impl Project {
    /// Whether merge requests are switched off.
    pub(super) fn is_without_requests(&self) -> bool {
        match &self.merge_requests_access_level {
            Some(level) => level == "disabled",
            None => self.merge_requests_enabled == Some(false),
        }
    }
}

/// What the token may do with a project.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Permissions {
    #[serde(default)]
    project_access: Option<Access>,
    #[serde(default)]
    group_access: Option<Access>,
}

#[derive(Debug, Deserialize)]
struct Access {
    access_level: u64,
}

impl Permissions {
    /// The higher of both levels.
    pub(super) fn level(&self) -> u64 {
        let levels = [&self.project_access, &self.group_access].into_iter();
        let levels = levels.flatten().map(|access| access.access_level);
        levels.max().unwrap_or(0)
    }
}

/// A branch of REST.
#[derive(Debug, Deserialize)]
pub(super) struct BranchAnswer {
    pub(super) name: String,
    pub(super) commit: CommitAnswer,
}

/// A branch's head.
#[derive(Debug, Deserialize)]
pub(super) struct CommitAnswer {
    pub(super) id: String,
}

/// A merge request of REST.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Request {
    pub(super) iid: u64,
    pub(super) project_id: u64,
    #[serde(default)]
    pub(super) source_project_id: Option<u64>,
    pub(super) target_project_id: u64,
    pub(super) state: String,
    pub(super) title: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) draft: bool,
    pub(super) source_branch: String,
    pub(super) target_branch: String,
    #[serde(default)]
    pub(super) labels: Vec<String>,
    #[serde(default)]
    pub(super) sha: Option<String>,
    #[serde(default)]
    pub(super) merge_commit_sha: Option<String>,
    #[serde(default)]
    pub(super) squash_commit_sha: Option<String>,
    #[serde(default)]
    pub(super) created_at: Option<String>,
    #[serde(default)]
    pub(super) merge_when_pipeline_succeeds: bool,
    #[serde(default)]
    pub(super) detailed_merge_status: Option<String>,
    /// Only of a single one.
    #[serde(default)]
    pub(super) head_pipeline: Option<PipelineAnswer>,
    /// What the token's user may do with it; only of a single one.
    #[serde(default)]
    pub(super) user: Option<UserRights>,
}

impl Request {
    /// Whether it comes from the project itself.
    pub(super) fn is_own(&self) -> bool {
        self.source_project_id == Some(self.target_project_id)
    }

    /// The merge request; an error if a branch has a name that git doesn't allow.
    pub(super) fn read(self) -> Result<MergeRequest, ForgeError> {
        let merged = self.merge_commit_sha.or(self.squash_commit_sha);
        Ok(MergeRequest {
            number: self.iid,
            state: state(&self.state),
            source: branch(&self.source_branch)?,
            target: branch(&self.target_branch)?,
            title: bare(&self.title).to_owned(),
            description: self.description.unwrap_or_default(),
            labels: self.labels,
            head: self.sha.as_deref().and_then(commit),
            merged_as: merged.as_deref().and_then(commit),
            draft: self.draft,
            created: self.created_at.as_deref().and_then(time),
            auto_merge: self.merge_when_pipeline_succeeds,
            incomplete: false,
        })
    }
}

/// A merge request of GraphQL.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GraphRequest {
    iid: String,
    state: String,
    title: String,
    description: Option<String>,
    draft: bool,
    source_branch: String,
    target_branch: String,
    source_project_id: Option<u64>,
    target_project_id: u64,
    diff_head_sha: Option<String>,
    merge_commit_sha: Option<String>,
    auto_merge_enabled: bool,
    created_at: Option<String>,
    labels: Option<Nodes<GraphLabel>>,
}

/// The nodes of a connection; one that could not be read is null.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Nodes<T> {
    #[serde(default = "Option::default")]
    pub(super) nodes: Option<Vec<Option<T>>>,
    #[serde(default = "Option::default")]
    pub(super) page_info: Option<PageInfo>,
}

/// The projects that a document asks for.
#[derive(Debug, Deserialize)]
pub(super) struct Projects<T> {
    projects: Option<Nodes<T>>,
}

impl<T> Projects<T> {
    /// Those that the answer has.
    pub(super) fn shown(self) -> impl Iterator<Item = T> {
        let nodes = self.projects.and_then(|projects| projects.nodes);
        nodes.into_iter().flatten().flatten()
    }
}

/// The number in a global id.
pub(super) fn number(gid: &str) -> Option<u64> {
    gid.strip_prefix("gid://gitlab/Project/")?.parse().ok()
}

/// The global id of a project.
pub(super) fn gid(id: u64) -> String {
    format!("gid://gitlab/Project/{id}")
}

#[derive(Debug, Deserialize)]
struct GraphLabel {
    title: String,
}

impl GraphRequest {
    /// Whether it comes from the project itself.
    pub(super) fn is_own(&self) -> bool {
        self.source_project_id == Some(self.target_project_id)
    }

    /// The merge request.
    pub(super) fn read(self) -> Result<MergeRequest, ForgeError> {
        let number = self.iid.parse().map_err(|_| {
            ForgeError::Unreachable(format!("{:?} is not a merge request number", self.iid))
        })?;
        let labels = self.labels.and_then(|labels| labels.nodes);
        let labels = labels.unwrap_or_default().into_iter().flatten();
        Ok(MergeRequest {
            number,
            state: state(&self.state),
            source: branch(&self.source_branch)?,
            target: branch(&self.target_branch)?,
            title: bare(&self.title).to_owned(),
            description: self.description.unwrap_or_default(),
            labels: labels.map(|label| label.title).collect(),
            head: self.diff_head_sha.as_deref().and_then(commit),
            merged_as: self.merge_commit_sha.as_deref().and_then(commit),
            draft: self.draft,
            created: self.created_at.as_deref().and_then(time),
            auto_merge: self.auto_merge_enabled,
            incomplete: false,
        })
    }
}

/// A note below a merge request, or an issue.
#[derive(Debug, Deserialize)]
pub(super) struct Note {
    #[serde(default)]
    pub(super) body: String,
}

/// An issue.
#[derive(Debug, Deserialize)]
pub(super) struct Issue {
    #[serde(default)]
    pub(super) project_id: Option<u64>,
    pub(super) iid: u64,
    pub(super) title: String,
    #[serde(default)]
    pub(super) description: Option<String>,
    pub(super) state: String,
}

/// Anything that has an id.
#[derive(Debug, Deserialize)]
pub(super) struct WithId {
    pub(super) id: u64,
}

/// What a user may do with a merge request.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct UserRights {
    #[serde(default)]
    pub(super) can_merge: Option<bool>,
}

/// A pipeline.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct PipelineAnswer {
    #[serde(default)]
    pub(super) sha: Option<String>,
    pub(super) status: String,
}

/// A commit's id; `None` if the text isn't one.
pub(super) fn commit(text: &str) -> Option<CommitId> {
    CommitId::parse(text).ok()
}

/// A branch's name.
pub(super) fn branch(text: &str) -> Result<Branch, ForgeError> {
    Branch::parse(text).map_err(|error| ForgeError::Refused(error.to_string()))
}

fn time(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok()
}

fn state(text: &str) -> MergeRequestState {
    match text {
        "merged" => MergeRequestState::Merged,
        "closed" => MergeRequestState::Closed,
        // `locked`: it is being merged.
        _ => MergeRequestState::Open,
    }
}

/// The beginning of a title that makes a merge request a draft.
pub(super) const DRAFT: &str = "Draft: ";

/// A title without the beginning that makes it a draft.
pub(super) fn bare(title: &str) -> &str {
    for mark in ["draft:", "[draft]", "(draft)"] {
        let start = title.get(..mark.len());
        if start.is_some_and(|start| start.eq_ignore_ascii_case(mark)) {
            return title.get(mark.len()..).unwrap_or_default().trim_start();
        }
    }
    title
}
