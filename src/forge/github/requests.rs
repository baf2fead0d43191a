//! Pull requests of one repository, as they are now.

use super::api::{Api, halves, quoted, route};
use super::failure::Failure;
use super::pull::{FRAGMENT, Node, Pull};
use crate::forge::error::ForgeError;
use crate::forge::traits::Repository;
use crate::forge::wire::PageInfo;
use crate::repo::{Branch, MergeRequest};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// How many branches are asked for in one request.
const BRANCHES_AT_ONCE: usize = 20;
/// How many pull requests of a branch come with one request.
const PULLS: usize = 50;
/// The most pull requests of a branch that are read.
const MAX_PULLS: usize = 2000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Connection {
    page_info: PageInfo,
    #[serde(default)]
    nodes: Vec<Option<Node>>,
}

/// The pull requests from exactly these branches, all states, the oldest first.
pub(super) async fn from_branches(
    api: &Api,
    repo: &Repository,
    branches: &BTreeSet<Branch>,
) -> Result<Vec<MergeRequest>, ForgeError> {
    let mut found = Vec::new();
    let branches: Vec<&Branch> = branches.iter().collect();
    for branches in branches.chunks(BRANCHES_AT_ONCE) {
        let mut waiting: Vec<(&Branch, Option<String>)> =
            branches.iter().map(|branch| (*branch, None)).collect();
        while !waiting.is_empty() {
            let pages = match requests_page(api, repo, &waiting).await {
                Ok(pages) => pages,
                Err(failure) if is_final(&failure) => return Err(failure.error),
                Err(failure) => {
                    tracing::warn!(
                        forge = %api.settings.server.name, repo = %repo.name, error = %failure,
                        "the GraphQL API does not show pull requests; using REST"
                    );
                    for (branch, _) in &waiting {
                        let all = by_rest(api, repo, branch, "all").await?;
                        found.extend(all);
                    }
                    break;
                }
            };
            let mut next = Vec::new();
            for ((branch, _), page) in waiting.into_iter().zip(pages) {
                let nodes = page.nodes.into_iter().flatten();
                let all = nodes.filter_map(Node::merge_request);
                found.extend(all.filter(|mr| mr.source == *branch));
                if let Some(after) = page.page_info.next()
                    && found.len() < MAX_PULLS
                {
                    next.push((branch, Some(after)));
                }
            }
            waiting = next;
        }
    }
    found.sort_by_key(|mr| mr.number);
    found.dedup_by_key(|mr| mr.number);
    Ok(found)
}

/// One page for each branch, past its cursor.
async fn requests_page(
    api: &Api,
    repo: &Repository,
    branches: &[(&Branch, Option<String>)],
) -> Result<Vec<Connection>, Failure> {
    let (owner, name) = halves(&repo.name);
    let (mut head, mut fields) = (String::new(), String::new());
    let mut variables = Map::from_iter([
        ("owner".to_owned(), owner.into()),
        ("name".to_owned(), name.into()),
    ]);
    for (index, (branch, after)) in branches.iter().enumerate() {
        head.push_str(&format!(", $b{index}: String!, $a{index}: String"));
        fields.push_str(&format!(
            "\n  p{index}: pullRequests(headRefName: $b{index}, first: {PULLS}, after: $a{index}, \
             orderBy: {{field: CREATED_AT, direction: DESC}}) \
             {{ pageInfo {{ hasNextPage endCursor }} nodes {{ ...pull }} }}"
        ));
        variables.insert(format!("b{index}"), branch.as_str().into());
        variables.insert(format!("a{index}"), after.clone().into());
    }
    let document = format!(
        "query Requests($owner: String!, $name: String!{head}) {{ \
         repository(owner: $owner, name: $name) {{ databaseId{fields} }} }}{FRAGMENT}"
    );
    let answer = api.graphql(&document, &Value::Object(variables)).await?;
    let id = answer.data.pointer("/repository/databaseId");
    same(repo, id.and_then(Value::as_u64))?;
    let page = |index: usize| {
        let path = format!("repository/p{index}");
        if let Some(why) = answer.trouble(&path) {
            let text = format!("pull requests of {}: {why}", repo.name);
            return Err(Failure::new(ForgeError::Unreachable(text)));
        }
        let page = answer.data.pointer(&format!("/{path}")).cloned();
        serde_json::from_value(page.unwrap_or_default())
            .map_err(|error| Failure::unreadable(&error.to_string()))
    };
    (0..branches.len()).map(page).collect()
}

/// T19: an error if another repository has the name by now than the one that was listed.
pub(super) fn same(repo: &Repository, id: Option<u64>) -> Result<(), Failure> {
    match id {
        Some(id) if id.to_string() != repo.id => {
            let text = format!(
                "{} is a different repository now; the next pass will check it again",
                repo.name
            );
            Err(Failure::new(ForgeError::Conflict(text)))
        }
        _ => Ok(()),
    }
}

pub(super) async fn by_rest(
    api: &Api,
    repo: &Repository,
    branch: &Branch,
    state: &str,
) -> Result<Vec<MergeRequest>, Failure> {
    let (owner, _) = halves(&repo.name);
    let head = quoted(&format!("{owner}:{branch}"));
    let route = route(&repo.name, &format!("/pulls?state={state}&head={head}"));
    let all = api.pages(&route, |found: Vec<Pull>| found).await?;
    for pull in &all {
        same(repo, pull.repository())?;
    }
    let ours = all.into_iter().filter_map(Pull::merge_request);
    Ok(ours.filter(|mr| mr.source == *branch).collect())
}

/// Whether the REST API would give the same answer.
fn is_final(failure: &Failure) -> bool {
    failure.error.is_of_forge() || matches!(failure.error, ForgeError::Conflict(_))
}
