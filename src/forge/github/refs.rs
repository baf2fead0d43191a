//! Branches as the two APIs show them, those from us with their open pull requests.

use super::api::{Api, PAGE, route};
use super::failure::Failure;
use super::pull::{FRAGMENT, Node, Oid};
use crate::forge::wire::PageInfo;
use crate::repo::{Branch, CommitId, MergeRequest, MergeRequestState, RepoName};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// The namespace of our branches.
pub(super) const OURS: &str = "refs/heads/imagebot/";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Refs {
    pub(super) page_info: PageInfo,
    #[serde(default)]
    pub(super) nodes: Vec<Option<Ref>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ref {
    name: String,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    target: Option<Oid>,
    #[serde(default)]
    associated_pull_requests: Option<Pulls>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pulls {
    total_count: usize,
    #[serde(default)]
    nodes: Vec<Option<Node>>,
}

/// One pull request for each branch: a second open one is rare, would cost a third more, and shows in the count.
pub(super) const REFS: &str = "
fragment refs on RefConnection {
  pageInfo { hasNextPage endCursor }
  nodes {
    name prefix
    target { oid }
    associatedPullRequests(first: 1, states: [OPEN]) { totalCount nodes { ...pull } }
  }
}";

/// The document for the branches of one repository past a cursor.
fn more_document() -> String {
    format!(
        "query Branches($id: ID!, $after: String) {{
          node(id: $id) {{
            ... on Repository {{ refs(refPrefix: \"{OURS}\", first: {PAGE}, after: $after) {{ ...refs }} }}
          }}
        }}
        {REFS}{FRAGMENT}"
    )
}

/// The branches of one repository past a cursor; `None` where they are incomplete.
pub(super) async fn more(api: &Api, node_id: &str, after: &str) -> Result<Option<Refs>, Failure> {
    let variables = json!({"id": node_id, "after": after});
    let answer = api.graphql(&more_document(), &variables).await?;
    let page = answer.data.pointer("/node/refs").cloned();
    let page = serde_json::from_value(page.unwrap_or_default());
    Ok(page.ok().filter(|_| answer.errors.is_empty()))
}

/// Our branches over REST, as they are now.
pub(super) async fn branches(
    api: &Api,
    name: &RepoName,
) -> Result<BTreeMap<Branch, CommitId>, Failure> {
    #[derive(Deserialize)]
    struct Found {
        #[serde(rename = "ref")]
        name: String,
        object: Object,
    }
    #[derive(Deserialize)]
    struct Object {
        sha: String,
    }
    let route = route(name, "/git/matching-refs/heads/imagebot/");
    // This list has no pages, so a further page means that it isn't complete.
    let found = match api.page::<Vec<Found>>(&route).await {
        Ok((_, true)) => {
            let why = "the list of branches has further pages, which it never has";
            return Err(Failure::unreadable(why));
        }
        Ok((found, false)) => Ok(found),
        Err(failure) => Err(failure),
    };
    let found = match found {
        // An empty repository.
        Err(failure) if failure.status == Some(409) => Vec::new(),
        found => found?,
    };
    let pair = |found: Found| {
        let branch = found.name.strip_prefix("refs/heads/")?;
        Some((
            Branch::parse(branch).ok()?,
            CommitId::parse(&found.object.sha).ok()?,
        ))
    };
    let ours = found.into_iter().filter_map(pair);
    Ok(ours.filter(|(branch, _)| branch.is_ours()).collect())
}

/// Branches of ours, and their open pull requests.
#[derive(Default)]
pub(super) struct KeptRefs {
    pub(super) branches: BTreeMap<Branch, CommitId>,
    pub(super) open: Vec<MergeRequest>,
    /// Whether there is more than the answer has.
    pub(super) more: bool,
}

impl KeptRefs {
    pub(super) fn add(&mut self, refs: Vec<Option<Ref>>) {
        for mut found in refs.into_iter().flatten() {
            let pulls = found.associated_pull_requests.take();
            let Some((branch, head)) = found.head(Some(Branch::OURS)) else {
                continue;
            };
            let Some(pulls) = pulls else {
                self.more = true;
                continue;
            };
            self.more |= pulls.total_count > pulls.nodes.len();
            for node in pulls.nodes.into_iter().flatten() {
                self.more |= node.has_more_labels();
                let ours = |mr: &MergeRequest| mr.source == branch;
                let open = node.merge_request().filter(ours);
                self.open
                    .extend(open.filter(|mr| mr.state == MergeRequestState::Open));
            }
            self.branches.insert(branch, head);
        }
        self.open.sort_by_key(|mr| mr.number);
    }
}

impl Ref {
    /// The branch and what it points at. The name may be with or without the prefix that was asked for: both are read.
    pub(super) fn head(&self, below: Option<&str>) -> Option<(Branch, CommitId)> {
        let full = match self.name.starts_with("refs/") {
            true => self.name.clone(),
            false => format!("{}{}", self.prefix, self.name),
        };
        let name = full.strip_prefix("refs/heads/")?;
        // Of those below `imagebot/` the name is relative to that, whatever the prefix is said to be.
        let below = below.filter(|below| !name.starts_with(*below));
        let name = format!("{}{name}", below.unwrap_or_default());
        let branch = Branch::parse(&name).ok()?;
        let target = CommitId::parse(&self.target.as_ref()?.oid).ok()?;
        Some((branch, target))
    }
}
