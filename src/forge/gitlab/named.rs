//! Repositories that the configuration names one by one: their numbers, by memory or by path.

use super::answers::{Nodes, Project};
use super::api::Api;
use super::endpoints::built;
use super::failure::ends_the_pass;
use super::heads::number;
use super::session::Session;
use crate::forge::error::ForgeError;
use crate::forge::traits::Known;
use crate::repo::RepoName;
use gitlab::api::projects;
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// The document.
const PATHS: &str = include_str!("paths.graphql");
/// The most paths in a request.
const PATHS_AT_ONCE: usize = 50;

/// What became of each name.
pub(super) struct Numbers {
    pub(super) found: BTreeMap<RepoName, u64>,
    pub(super) failed: Vec<(String, ForgeError)>,
}

#[derive(Deserialize)]
struct Paths {
    projects: Option<Nodes<Path>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Path {
    id: String,
    full_path: String,
}

/// The numbers of repositories: the remembered one, wherever its project is now, else by path.
pub(super) async fn numbers(
    api: &Api,
    session: &Session,
    named: &BTreeSet<RepoName>,
    seen: &BTreeMap<RepoName, u64>,
    known: &Known,
) -> Result<Numbers, ForgeError> {
    let mut found = BTreeMap::new();
    let mut failed = Vec::new();
    let mut wanted = Vec::new();
    for name in named {
        let id = known.get(name).and_then(|id| id.parse().ok());
        match id.or_else(|| seen.get(name).copied()) {
            Some(id) => {
                found.insert(name.clone(), id);
            }
            None => wanted.push(name.clone()),
        }
    }
    for page in wanted.chunks(PATHS_AT_ONCE).filter(|_| session.graphql) {
        let paths: Vec<&str> = page.iter().map(RepoName::as_str).collect();
        let variables = json!({"paths": paths, "first": paths.len()});
        let answer = match api.graph::<Paths>(PATHS, variables).await {
            Err(error) if ends_the_pass(&error) => return Err(error),
            // Each is asked for by itself below.
            Err(_) => continue,
            Ok(answer) => answer,
        };
        let nodes = answer.data.and_then(|data| data.projects);
        let nodes = nodes
            .and_then(|projects| projects.nodes)
            .unwrap_or_default();
        for node in nodes.into_iter().flatten() {
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
            Ok(id) => {
                found.insert(name, id);
            }
            Err(error) if ends_the_pass(&error) => return Err(error),
            Err(error) => failed.push((name.to_string(), error)),
        }
    }
    Ok(Numbers { found, failed })
}

/// A path that is no project's now: where GitLab leads on, the id stands in the redirect. Its host is not used.
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
