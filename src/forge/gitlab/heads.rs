//! Default branches and their heads: a hundred repositories in one request.
//!
//! What an answer lacks is unknown, never gone: `null` with an error is that repository's failure, and only a 404 by
//! its id says that it is gone.

use super::answers::{BranchAnswer, Nodes, Project, branch, commit, gid, number};
use super::api::{Api, Graph, GraphError};
use super::endpoints::{Get, built};
use super::session::Complexity;
use crate::forge::discover::Heads;
use crate::forge::error::ForgeError;
use crate::forge::scope::Facts;
use crate::forge::wire::{Page, Pages};
use gitlab::api::projects::repository::branches;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// The document.
const HEADS: &str = include_str!("heads.graphql");

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    projects: Option<Nodes<Node>>,
    query_complexity: Option<Complexity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    id: String,
    full_path: String,
    archived: Option<bool>,
    merge_requests_enabled: Option<bool>,
    topics: Option<Vec<String>>,
    repository: Option<Repository>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repository {
    empty: Option<bool>,
    root_ref: Option<String>,
    tree: Option<Tree>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tree {
    last_commit: Option<LastCommit>,
}

#[derive(Deserialize)]
struct LastCommit {
    sha: String,
}

/// The heads of projects, to be read page by page.
pub(super) struct HeadPages<'a> {
    api: &'a Api,
    ids: &'a [u64],
}

impl<'a> HeadPages<'a> {
    pub(super) fn new(api: &'a Api, ids: &'a [u64]) -> Self {
        Self { api, ids }
    }
}

#[async_trait::async_trait]
impl Pages for HeadPages<'_> {
    type Found = Heads;

    /// GitLab's largest page.
    const SIZE: usize = 100;
    const MOST_FAILURES: usize = usize::MAX;
    const MOST_LOST: usize = 10;

    async fn page(&self, page: &[usize]) -> Result<Page<Heads>, ForgeError> {
        let gids: Vec<String> = page.iter().map(|index| gid(self.ids[*index])).collect();
        let variables = json!({"ids": gids, "first": gids.len()});
        let answer = self.api.graph::<Answer>(HEADS, variables).await;
        let error = match answer {
            Ok(Graph {
                data:
                    Some(Answer {
                        projects:
                            Some(Nodes {
                                nodes: Some(nodes), ..
                            }),
                        query_complexity,
                    }),
                errors,
            }) => {
                let score = query_complexity.and_then(|complexity| complexity.score);
                tracing::debug!(score, repositories = page.len(), "heads");
                return Ok(self.answered(page, nodes, errors).await);
            }
            Ok(answer) => {
                let said = answer.errors.into_iter().next();
                let said = said.map_or_else(|| "an empty answer".to_owned(), |e| e.message);
                ForgeError::Unreachable(self.api.redact(&said))
            }
            // The server's failure, not this page's.
            Err(error) if error.ends_the_pass() || matches!(error, ForgeError::Forbidden(_)) => {
                let found = page.iter().map(|index| (*index, Err(error.again())));
                return Ok(Page::Read {
                    found: found.collect(),
                    cut: None,
                });
            }
            Err(error) => error,
        };
        Ok(Page::Failed {
            is_too_large: error.to_string().contains("complexity"),
            error,
        })
    }

    async fn alone(
        &self,
        _: usize,
        why: ForgeError,
    ) -> Result<Result<Heads, ForgeError>, ForgeError> {
        Ok(Err(why))
    }

    async fn without_pages(&self, index: usize) -> Result<Result<Heads, ForgeError>, ForgeError> {
        Ok(by_rest(self.api, self.ids[index]).await)
    }
}

impl HeadPages<'_> {
    /// What an answer with data says. If it was cut off, what it lacks is asked for again.
    async fn answered(
        &self,
        page: &[usize],
        nodes: Vec<Option<Node>>,
        errors: Vec<GraphError>,
    ) -> Page<Heads> {
        let is_cut = errors.iter().any(GraphError::cuts) && page.len() > 1;
        let said = errors.into_iter().next();
        let said = said.map(|error| self.api.redact(&error.message));
        let mut read = self.read(nodes, said.as_deref());
        let (mut found, mut cut) = (Vec::new(), Vec::new());
        for index in page {
            let id = self.ids[*index];
            let heads = match (read.remove(&id), &said) {
                (Some(heads), _) => heads,
                (None, Some(_)) => Err(unknown(
                    "GitLab did not return the repository",
                    said.as_deref(),
                )),
                (None, None) => Err(missing(self.api, id).await),
            };
            match heads {
                Err(ForgeError::Unreachable(_)) if is_cut => cut.push(*index),
                heads => found.push((*index, heads)),
            }
        }
        let why = || unknown("GitLab gave up on a page of heads", said.as_deref());
        Page::Read {
            found,
            cut: (!cut.is_empty()).then(|| (cut, why())),
        }
    }

    fn read(
        &self,
        nodes: Vec<Option<Node>>,
        said: Option<&str>,
    ) -> BTreeMap<u64, Result<Heads, ForgeError>> {
        let mut found = BTreeMap::new();
        for node in nodes.into_iter().flatten() {
            let Some(id) = number(&node.id) else {
                continue;
            };
            let head = match node.repository {
                None => Err(unknown("GitLab did not return the repository", said)),
                Some(Repository {
                    empty: Some(true), ..
                }) => Ok(None),
                Some(Repository {
                    root_ref: Some(root_ref),
                    tree:
                        Some(Tree {
                            last_commit: Some(last),
                        }),
                    ..
                }) => match (branch(&root_ref), commit(&last.sha)) {
                    (Ok(branch), Some(commit)) => Ok(Some((branch, commit))),
                    (Err(error), _) => Err(error),
                    (_, None) => Err(ForgeError::Refused(format!(
                        "{:?} is not a commit id",
                        self.api.redact(&last.sha)
                    ))),
                },
                Some(_) => Err(unknown(
                    "GitLab did not return the head of the default branch",
                    said,
                )),
            };
            let facts = Facts {
                archived: node.archived.unwrap_or(false),
                without_requests: node.merge_requests_enabled == Some(false),
                topics: node.topics.unwrap_or_default(),
                ..Facts::default()
            };
            let heads = head.map(|head| Heads {
                now: Some((node.full_path, facts)),
                head,
                ..Heads::default()
            });
            found.insert(id, heads);
        }
        found
    }
}

fn unknown(what: &str, said: Option<&str>) -> ForgeError {
    let said = said.unwrap_or("without saying why");
    ForgeError::Unreachable(format!("{what}: {said}"))
}

/// Whether a repository that is missing from an answer without errors is gone.
async fn missing(api: &Api, id: u64) -> ForgeError {
    let endpoint = Get::new(format!("projects/{id}"));
    match api.get::<Project>(&endpoint).await {
        Ok(project) => ForgeError::Unreachable(format!(
            "GitLab did not return {}",
            api.redact(&project.path_with_namespace)
        )),
        Err(error) => error,
    }
}

/// One repository's head, without GraphQL.
async fn by_rest(api: &Api, id: u64) -> Result<Heads, ForgeError> {
    let project: Project = api.get(&Get::new(format!("projects/{id}"))).await?;
    let head = match (&project.default_branch, project.empty_repo) {
        (_, true) => None,
        (None, false) => {
            let why = "GitLab did not return the default branch".to_owned();
            return Err(ForgeError::Unreachable(why));
        }
        (Some(name), false) => {
            let name = branch(name)?;
            let endpoint = branches::Branch::builder()
                .project(id)
                .branch(name.as_str())
                .build();
            let answer: BranchAnswer = api.get(&built(endpoint)?).await?;
            let commit = commit(&answer.commit.id);
            let commit = commit.ok_or_else(|| {
                ForgeError::Refused("the head of the branch is not a commit".into())
            })?;
            Some((name, commit))
        }
    };
    let facts = Facts {
        archived: project.archived,
        without_requests: project.is_without_requests(),
        topics: project.topics,
        ..Facts::default()
    };
    Ok(Heads {
        now: Some((project.path_with_namespace, facts)),
        head,
        ..Heads::default()
    })
}
