//! What an earlier bot may have left: branches of ours and open notices, of many projects at once.

use super::answers::{Issue, Projects, gid, number};
use super::api::Api;
use super::endpoints::built;
use super::session::Session;
use crate::forge::error::ForgeError;
use crate::forge::mark::{NOTICE, NOTICE_TITLE, is_marked};
use crate::repo::Branch;
use gitlab::api::issues;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;

/// The document.
const LEFT: &str = include_str!("left.graphql");
/// The most projects in a request: searching names costs 170 of the 250 points that a document may cost.
const AT_ONCE: usize = 20;
/// How many names are requested: one is enough to know that there are any.
const NAMES: u32 = 1;

#[derive(Deserialize)]
struct Node {
    id: String,
    repository: Option<Repository>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repository {
    branch_names: Option<Vec<String>>,
}

/// Those of the projects that have or may have branches of ours; `None` without GraphQL.
pub(super) async fn with_branches(
    api: &Api,
    session: &Session,
    projects: &[u64],
) -> Result<Option<BTreeSet<u64>>, ForgeError> {
    if !session.graphql {
        return Ok(None);
    }
    let mut with: BTreeSet<u64> = projects.iter().copied().collect();
    for page in projects.chunks(AT_ONCE) {
        let ids: Vec<String> = page.iter().map(|id| gid(*id)).collect();
        let variables = json!({
            "ids": ids,
            "first": ids.len(),
            "pattern": format!("{}*", Branch::OURS),
            "limit": NAMES,
        });
        let answer = match api.graph::<Projects<Node>>(LEFT, variables).await {
            Ok(answer) => answer,
            Err(error) if error.ends_the_pass() => return Err(error),
            // Each of these gets a request of its own later.
            Err(_) => continue,
        };
        for node in answer.data.into_iter().flat_map(Projects::shown) {
            let names = node.repository.and_then(|found| found.branch_names);
            if let (Some(id), Some(names)) = (number(&node.id), names)
                && names.is_empty()
            {
                with.remove(&id);
            }
        }
    }
    Ok(Some(with))
}

/// The projects with an open notice of this token's user.
pub(super) async fn with_notices(api: &Api) -> Result<BTreeSet<u64>, ForgeError> {
    let endpoint = issues::Issues::builder()
        .scope(issues::IssueScope::CreatedByMe)
        .state(issues::IssueState::Opened)
        .search(NOTICE_TITLE)
        .search_in(issues::IssueSearchScope::Title)
        .build();
    let found: Vec<Issue> = api.pages(&built(endpoint)?).await?;
    let ours = found
        .into_iter()
        .filter(|issue| is_marked(NOTICE, issue.description.as_deref().unwrap_or_default()));
    Ok(ours.filter_map(|issue| issue.project_id).collect())
}
