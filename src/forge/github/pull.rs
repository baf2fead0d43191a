//! Pull requests as the two APIs show them.

use crate::forge::mark::is_marked;
use crate::repo::{Branch, CommitId, MergeRequest, MergeRequestState};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

/// The code of the mark in the text of a pull request that has no labels, reviewers and so on yet. They take further
/// requests; the last of those removes the mark. Until then it stays in the text, also when that is edited.
pub(super) const INCOMPLETE: &str = "incomplete";

/// The fields of a pull request that a [`MergeRequest`] is made of, for GraphQL.
pub(super) const FRAGMENT: &str = "
fragment pull on PullRequest {
  number state title body baseRefName headRefName headRefOid isCrossRepository isDraft createdAt
  mergeCommit { oid }
  autoMergeRequest { enabledAt }
  labels(first: 20) { totalCount nodes { name } }
}";

/// A pull request of the GraphQL API.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Node {
    number: u64,
    state: String,
    title: String,
    #[serde(default)]
    body: Option<String>,
    base_ref_name: String,
    head_ref_name: String,
    #[serde(default)]
    head_ref_oid: Option<String>,
    #[serde(default)]
    is_cross_repository: bool,
    #[serde(default)]
    is_draft: bool,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default)]
    merge_commit: Option<Oid>,
    #[serde(default)]
    auto_merge_request: Option<Value>,
    #[serde(default)]
    labels: Option<Labels>,
}

#[derive(Deserialize)]
pub(super) struct Oid {
    pub(super) oid: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Labels {
    #[serde(default)]
    total_count: usize,
    #[serde(default)]
    nodes: Vec<Option<Label>>,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

impl Node {
    /// The merge request; `None` for one from a fork, or with names that git does not allow.
    pub(super) fn merge_request(self) -> Option<MergeRequest> {
        if self.is_cross_repository {
            return None;
        }
        let state = match self.state.as_str() {
            "OPEN" => MergeRequestState::Open,
            "MERGED" => MergeRequestState::Merged,
            _ => MergeRequestState::Closed,
        };
        let labels = self.labels.map(|labels| labels.nodes).unwrap_or_default();
        let description = self.body.unwrap_or_default();
        Some(MergeRequest {
            number: self.number,
            state,
            source: Branch::parse(&self.head_ref_name).ok()?,
            target: Branch::parse(&self.base_ref_name).ok()?,
            title: self.title,
            incomplete: is_marked(INCOMPLETE, &description),
            description,
            labels: labels.into_iter().flatten().map(|l| l.name).collect(),
            head: commit(self.head_ref_oid),
            merged_as: commit(self.merge_commit.map(|commit| commit.oid))
                .filter(|_| state == MergeRequestState::Merged),
            draft: self.is_draft,
            created: self.created_at,
            auto_merge: self
                .auto_merge_request
                .is_some_and(|found| !found.is_null()),
        })
    }

    /// Whether not all of its labels came along.
    pub(super) fn has_more_labels(&self) -> bool {
        let labels = self.labels.as_ref();
        labels.is_some_and(|labels| labels.total_count > labels.nodes.len())
    }
}

/// A pull request of the REST API.
#[derive(Deserialize)]
pub(super) struct Pull {
    pub(super) number: u64,
    state: String,
    title: String,
    #[serde(default)]
    body: Option<String>,
    head: End,
    base: End,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    created_at: Option<Timestamp>,
    #[serde(default)]
    merged_at: Option<Timestamp>,
    #[serde(default)]
    merge_commit_sha: Option<String>,
    #[serde(default)]
    auto_merge: Option<Value>,
    #[serde(default)]
    labels: Vec<Label>,
}

#[derive(Deserialize)]
struct End {
    #[serde(rename = "ref")]
    name: String,
    #[serde(default)]
    sha: Option<String>,
    #[serde(default)]
    repo: Option<Place>,
}

#[derive(Deserialize)]
struct Place {
    id: u64,
}

impl Pull {
    /// The id of the repository that it is in, where the answer has it.
    pub(super) fn repository(&self) -> Option<u64> {
        self.base.repo.as_ref().map(|place| place.id)
    }

    /// The merge request; `None` for one from a fork, or with names that git does not allow.
    pub(super) fn merge_request(self) -> Option<MergeRequest> {
        let here = self.base.repo.as_ref().map(|place| place.id);
        if self.head.repo.as_ref().map(|place| place.id) != here {
            return None;
        }
        let state = match (self.state.as_str(), self.merged_at) {
            (_, Some(_)) => MergeRequestState::Merged,
            ("open", _) => MergeRequestState::Open,
            _ => MergeRequestState::Closed,
        };
        let description = self.body.unwrap_or_default();
        Some(MergeRequest {
            number: self.number,
            state,
            source: Branch::parse(&self.head.name).ok()?,
            target: Branch::parse(&self.base.name).ok()?,
            title: self.title,
            incomplete: is_marked(INCOMPLETE, &description),
            description,
            labels: self.labels.into_iter().map(|label| label.name).collect(),
            head: commit(self.head.sha),
            // Of an open one this is the commit of a trial.
            merged_as: commit(self.merge_commit_sha).filter(|_| state == MergeRequestState::Merged),
            draft: self.draft,
            created: self.created_at,
            auto_merge: self.auto_merge.is_some_and(|found| !found.is_null()),
        })
    }
}

fn commit(text: Option<String>) -> Option<CommitId> {
    CommitId::parse(&text?).ok()
}
