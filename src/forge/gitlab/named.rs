//! Repositories that the configuration names one by one: their numbers, by memory or by path.

use super::answers::{Project, Projects, number};
use super::api::Api;
use super::endpoints::built;
use super::session::Session;
use crate::forge::discover::{Listed, Named};
use crate::forge::error::ForgeError;
use crate::forge::traits::KnownIds;
use crate::repo::RepoName;
use gitlab::api::projects;
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The document.
const PATHS: &str = include_str!("paths.graphql");
/// The most paths in a request.
const PATHS_AT_ONCE: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Path {
    id: String,
    full_path: String,
}

/// Finds repositories: by the number that they are known to have, wherever the project is now, else by path.
pub(super) async fn find(
    api: &Api,
    session: &Session,
    names: &BTreeSet<RepoName>,
    known: &KnownIds,
) -> Result<Vec<Named<()>>, ForgeError> {
    let mut found = BTreeMap::new();
    let mut failed = Vec::new();
    let mut wanted = Vec::new();
    for name in names {
        match known.get(name).and_then(|id| id.parse().ok()) {
            Some(id) => drop(found.insert(name.clone(), id)),
            None => wanted.push(name.clone()),
        }
    }
    for page in wanted.chunks(PATHS_AT_ONCE).filter(|_| session.graphql) {
        let paths: Vec<&str> = page.iter().map(RepoName::as_str).collect();
        let variables = json!({"paths": paths, "first": paths.len()});
        let answer = match api.graph::<Projects<Path>>(PATHS, variables).await {
            Err(error) if error.ends_the_pass() => return Err(error),
            // Each gets a request of its own below.
            Err(_) => continue,
            Ok(answer) => answer,
        };
        for node in answer.data.into_iter().flat_map(Projects::shown) {
            let name = page.iter().find(|name| {
                let full_path = node.full_path.as_str();
                name.as_str().eq_ignore_ascii_case(full_path)
            });
            if let (Some(name), Some(id)) = (name, number(&node.id)) {
                found.insert(name.clone(), id);
            }
        }
    }
    for name in wanted {
        if found.contains_key(&name) {
            continue;
        }
        match moved(api, &name).await {
            Ok(id) => drop(found.insert(name, id)),
            Err(error) if error.ends_the_pass() => return Err(error),
            Err(error) => failed.push((name, Err(error))),
        }
    }
    // Its heads will show the rest.
    let listed = |(name, id): (RepoName, u64)| {
        let listed = Listed {
            id,
            path: name.to_string(),
            facts: None,
            detail: (),
        };
        (name, Ok(listed))
    };
    Ok(found.into_iter().map(listed).chain(failed).collect())
}

/// A path that no project has now: if GitLab leads on, the id is in the redirect. Its host is not used.
async fn moved(api: &Api, name: &RepoName) -> Result<u64, ForgeError> {
    let endpoint = built(projects::Project::builder().project(name.as_str()).build())?;
    let response = api.ask(&endpoint, None).await?;
    if response.status.is_redirection() {
        let to = response.header("location").unwrap_or_default();
        let last = to
            .split('?')
            .next()
            .and_then(|path| path.rsplit('/').next());
        if let Some(id) = last.and_then(|id| id.parse().ok()) {
            return Ok(id);
        }
    }
    let response = api.good(response)?;
    api.decode::<Project>(&response).map(|project| project.id)
}
