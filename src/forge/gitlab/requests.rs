//! Branches and merge requests of one repository, as they are now.

use super::answers::{BranchAnswer, GraphRequest, Nodes, Projects, Request, branch, commit, gid};
use super::api::Api;
use super::endpoints::built;
use super::session::Session;
use crate::forge::error::ForgeError;
use crate::repo::{Branch, CommitId, MergeRequest};
use gitlab::api::projects;
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The document.
const REQUESTS: &str = include_str!("requests.graphql");
/// The most source branches in a request, and the most pages of an answer.
const BRANCHES: usize = 100;
const PAGES: usize = 100;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Project {
    merge_requests: Option<Nodes<GraphRequest>>,
}

/// The branches below `imagebot/`.
pub(super) async fn branches(
    api: &Api,
    project: u64,
) -> Result<BTreeMap<Branch, CommitId>, ForgeError> {
    let endpoint = projects::repository::branches::Branches::builder()
        .project(project)
        .search(format!("^{}", Branch::OURS))
        .build();
    let found: Vec<BranchAnswer> = api.pages(&built(endpoint)?).await?;
    let mut branches = BTreeMap::new();
    for answer in found {
        let (Ok(name), Some(head)) = (branch(&answer.name), commit(&answer.commit.id)) else {
            continue;
        };
        if name.is_ours() {
            branches.insert(name, head);
        }
    }
    Ok(branches)
}

/// The merge requests from these branches, the oldest first.
pub(super) async fn from_branches(
    api: &Api,
    session: &Session,
    project: u64,
    branches: &BTreeSet<Branch>,
) -> Result<Vec<MergeRequest>, ForgeError> {
    let names: Vec<&str> = branches.iter().map(Branch::as_str).collect();
    let mut found = Vec::new();
    if session.graphql {
        for page in names.chunks(BRANCHES) {
            by_graph(api, project, page, &mut found).await?;
        }
    } else {
        for name in names {
            let all = by_rest(api, project, name, None).await?;
            found.extend(all);
        }
    }
    // A server that ignores the filter sends others too.
    found.retain(|request| branches.contains(&request.source));
    found.sort_by_key(|request| request.number);
    found.dedup_by_key(|request| request.number);
    Ok(found)
}

async fn by_graph(
    api: &Api,
    project: u64,
    branches: &[&str],
    found: &mut Vec<MergeRequest>,
) -> Result<(), ForgeError> {
    let mut after: Option<String> = None;
    let ids = [gid(project)];
    for _ in 0..PAGES {
        let variables = json!({"ids": ids, "branches": branches, "after": after});
        let answer = api.graph::<Projects<Project>>(REQUESTS, variables).await?;
        // Half an answer doesn't count: a merge request that is missing from it would be opened a second time.
        if let Some(error) = answer.errors.first() {
            return Err(ForgeError::Unreachable(api.redact(&error.message)));
        }
        let node = answer.data.and_then(|data| data.shown().next());
        let node = node.ok_or_else(|| {
            ForgeError::NotFound(format!(
                "project {project} is not found, or not visible with this token"
            ))
        })?;
        let incomplete =
            || ForgeError::Unreachable("GitLab did not return the merge requests".to_owned());
        let page = node.merge_requests.ok_or_else(incomplete)?;
        for request in page.nodes.ok_or_else(incomplete)? {
            let request = request.ok_or_else(incomplete)?;
            if request.is_own() {
                found.push(request.read()?);
            }
        }
        let info = page.page_info.ok_or_else(incomplete)?;
        match info.next() {
            Some(cursor) => after = Some(cursor),
            None => return Ok(()),
        }
    }
    Err(ForgeError::Refused(format!(
        "project {project} has more than {PAGES} pages of merge requests from our branches"
    )))
}

/// The merge requests from one branch by REST; with `state`, only those in it.
pub(super) async fn by_rest(
    api: &Api,
    project: u64,
    source: &str,
    state: Option<projects::merge_requests::MergeRequestState>,
) -> Result<Vec<MergeRequest>, ForgeError> {
    let mut builder = projects::merge_requests::MergeRequests::builder();
    builder.project(project).source_branch(source);
    if let Some(state) = state {
        builder.state(state);
    }
    let all: Vec<Request> = api.pages(&built(builder.build())?).await?;
    let own = all.into_iter().filter(Request::is_own);
    own.map(Request::read).collect()
}

/// One merge request by its number.
pub(super) async fn one(api: &Api, project: u64, number: u64) -> Result<Request, ForgeError> {
    let endpoint = projects::merge_requests::MergeRequest::builder()
        .project(project)
        .merge_request(number)
        .build();
    api.get(&built(endpoint)?).await
}
