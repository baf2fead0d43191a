//! What GitLab itself checks before it merges: the merge request's own head and its own pipeline.
//!
//! Both are linked to the merge request by background jobs, some time after a push or after it was opened. A merge that
//! is requested before the pipeline is linked happens at once, without any CI. The commit's own pipeline doesn't show
//! that, and with merged results it runs on another commit.

use super::answers::{Nodes, Projects, Request, gid};
use super::api::Api;
use super::requests::one;
use super::session::Session;
use crate::forge::error::ForgeError;
use serde::Deserialize;
use serde_json::json;

/// The document.
const MERGE: &str = include_str!("merge.graphql");

/// A merge request, as merging sees it.
#[derive(Debug)]
pub(super) struct Mergeable {
    /// `opened`, `merged`, `closed` or `locked`.
    pub(super) state: String,
    /// The head of its newest diff, which may lag behind the branch.
    pub(super) head: Option<String>,
    /// Whether GitLab merges it by itself.
    pub(super) scheduled: bool,
    /// The state of the head's pipeline, in lower case; `None`: GitLab has not linked any.
    pub(super) pipeline: Option<String>,
    /// Whether the token's user may merge into the target branch, where that is shown.
    pub(super) may_merge: Option<bool>,
    /// The source branch.
    pub(super) source: String,
    /// The target branch.
    pub(super) target: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Project {
    merge_requests: Option<Nodes<Node>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    state: String,
    diff_head_sha: Option<String>,
    auto_merge_enabled: bool,
    source_branch: String,
    target_branch: String,
    head_pipeline: Option<Pipeline>,
    user_permissions: Option<Permissions>,
}

#[derive(Deserialize)]
struct Pipeline {
    status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Permissions {
    can_merge: bool,
}

/// The state of a merge request. GraphQL's pipeline is the one that fits the head, also with merged results; REST's may
/// be an earlier one, and counts only where it ran on the head itself.
pub(super) async fn mergeable(
    api: &Api,
    session: &Session,
    project: u64,
    number: u64,
) -> Result<Mergeable, ForgeError> {
    if session.graphql
        && let Some(found) = by_graph(api, project, number).await?
    {
        return Ok(found);
    }
    Ok(by_rest(one(api, project, number).await?))
}

/// `None` if GraphQL doesn't answer, such as an older GitLab that lacks one of the fields.
async fn by_graph(api: &Api, project: u64, number: u64) -> Result<Option<Mergeable>, ForgeError> {
    let variables = json!({
        "ids": [gid(project)],
        "iids": [number.to_string()],
    });
    let answer = match api.graph::<Projects<Project>>(MERGE, variables).await {
        Ok(answer) if answer.errors.is_empty() => answer,
        Err(error) if error.is_of_forge() => return Err(error),
        Ok(_) | Err(_) => return Ok(None),
    };
    let project = answer.data.and_then(|data| data.shown().next());
    let requests = project.and_then(|project| project.merge_requests?.nodes);
    let node = requests.and_then(|nodes| nodes.into_iter().flatten().next());
    Ok(node.map(|node| Mergeable {
        state: node.state,
        head: node.diff_head_sha,
        scheduled: node.auto_merge_enabled,
        pipeline: node
            .head_pipeline
            .map(|pipeline| pipeline.status.to_ascii_lowercase()),
        may_merge: node.user_permissions.map(|user| user.can_merge),
        source: node.source_branch,
        target: node.target_branch,
    }))
}

fn by_rest(request: Request) -> Mergeable {
    let of_head = |sha: &str| request.sha.as_deref() == Some(sha);
    let pipeline = request.head_pipeline.as_ref();
    let pipeline = pipeline.filter(|found| found.sha.as_deref().is_some_and(of_head));
    Mergeable {
        pipeline: pipeline.map(|found| found.status.clone()),
        may_merge: request.user.as_ref().and_then(|user| user.can_merge),
        state: request.state,
        scheduled: request.merge_when_pipeline_succeeds,
        source: request.source_branch,
        target: request.target_branch,
        head: request.sha,
    }
}
