//! Repositories as the REST API shows them.

use crate::forge::discover::Listed;
use crate::forge::scope::Facts;
use serde::Deserialize;

/// A repository as lists show it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Item {
    pub(super) id: u64,
    pub(super) node_id: String,
    pub(super) full_name: String,
    #[serde(default)]
    pub(super) default_branch: Option<String>,
    #[serde(default)]
    fork: bool,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    mirror_url: Option<String>,
    #[serde(default)]
    topics: Vec<String>,
    #[serde(default)]
    has_pull_requests: Option<bool>,
}

/// What a repository's heads are read with.
#[derive(Debug, Clone)]
pub(super) struct Detail {
    pub(super) node_id: String,
    /// `None` where only the repository itself shows it.
    pub(super) default_branch: Option<String>,
}

impl Item {
    pub(super) fn listed(self) -> Listed<Detail> {
        let facts = Facts {
            archived: self.archived,
            fork: self.fork,
            mirror: self.mirror_url.is_some(),
            pending_deletion: false,
            without_requests: self.has_pull_requests == Some(false),
            topics: self.topics,
        };
        Listed {
            id: self.id,
            path: self.full_name,
            facts: Some(facts),
            detail: Detail {
                node_id: self.node_id,
                default_branch: self.default_branch,
            },
        }
    }
}
