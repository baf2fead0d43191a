//! Default branches and their heads: a hundred repositories in one request.
//!
//! What is not told is unknown, never gone: a page that fails is halved down to one repository, `null` with an error
//! is that repository's failure, and only a 404 by its id says that it is gone.

use super::answers::{BranchAnswer, Nodes, Project, branch, commit};
use super::api::{Api, Graph, GraphError};
use super::endpoints::{Get, built};
use super::failure::again;
use super::session::{Complexity, Session};
use crate::forge::error::ForgeError;
use crate::repo::{Branch, CommitId};
use futures::StreamExt as _;
use futures::future::BoxFuture;
use gitlab::api::projects::repository::branches;
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The document.
const HEADS: &str = include_str!("heads.graphql");
/// The most repositories in a request: GitLab's largest page.
const PAGE: usize = 100;
/// How many requests for pages are under way at once.
const AT_ONCE: usize = 4;
/// After so many single repositories that could not be read, the rest of a page is not tried one by one any more.
const LOST: usize = 10;

/// What GraphQL tells of a repository.
#[derive(Debug, Clone)]
pub(super) struct Head {
    /// Its path now.
    pub(super) path: String,
    /// Whether it is archived.
    pub(super) archived: bool,
    /// Whether merge requests are switched off.
    pub(super) without_requests: bool,
    /// Its topics.
    pub(super) topics: Vec<String>,
    /// The default branch and its head; `None` for an empty repository.
    pub(super) head: Option<(Branch, CommitId)>,
}

/// What became of each id.
pub(super) type Heads = BTreeMap<u64, Result<Head, ForgeError>>;

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

/// The number behind a global id.
pub(super) fn number(gid: &str) -> Option<u64> {
    gid.strip_prefix("gid://gitlab/Project/")?.parse().ok()
}

/// Reads the heads of repositories by id.
pub(super) async fn heads(api: &Api, session: &Session, ids: &[u64]) -> Heads {
    let asking = Asking {
        api,
        size: AtomicUsize::new(PAGE),
        lost: AtomicUsize::new(0),
    };
    let mut found = Heads::new();
    if !session.graphql {
        let one = |id: u64| async move { (id, by_rest(api, id).await) };
        let ids = futures::stream::iter(ids.to_vec());
        let mut all = ids.map(one).buffer_unordered(AT_ONCE);
        while let Some((id, head)) = all.next().await {
            found.insert(id, head);
        }
        return found;
    }
    // The first page alone: if it is too complex for this server, the others are smaller from the start.
    let (first, rest) = ids.split_at(ids.len().min(PAGE));
    if !first.is_empty() {
        found.extend(asking.page(first).await);
    }
    let size = asking.size.load(Ordering::Relaxed).max(1);
    let mut waiting = Vec::new();
    for page in rest.chunks(size) {
        waiting.push(asking.page(page));
    }
    let mut pages = futures::stream::iter(waiting).buffer_unordered(AT_ONCE);
    while let Some(page) = pages.next().await {
        found.extend(page);
    }
    found
}

struct Asking<'a> {
    api: &'a Api,
    /// How many repositories a page has.
    size: AtomicUsize,
    /// How many single repositories could not be read.
    lost: AtomicUsize,
}

impl Asking<'_> {
    fn page<'a>(&'a self, ids: &'a [u64]) -> BoxFuture<'a, Heads> {
        Box::pin(async move {
            let most = self.size.load(Ordering::Relaxed).max(1);
            if ids.len() > most {
                let mut found = Heads::new();
                for part in ids.chunks(most) {
                    found.extend(self.page(part).await);
                }
                return found;
            }
            let gids: Vec<String> = ids
                .iter()
                .map(|id| format!("gid://gitlab/Project/{id}"))
                .collect();
            let variables = json!({"ids": gids, "first": ids.len()});
            let answer = self.api.graph::<Answer>(HEADS, variables).await;
            let (why, whole) = match answer {
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
                    tracing::debug!(score, repositories = ids.len(), "heads");
                    let cut = errors.iter().any(GraphError::cuts);
                    let said = errors.into_iter().next().map(|error| error.message);
                    let mut found = self.read(ids, nodes, said).await;
                    let lost =
                        |id: &&u64| matches!(found.get(*id), Some(Err(ForgeError::Unreachable(_))));
                    let rest: Vec<u64> = ids.iter().filter(lost).copied().collect();
                    if !cut || rest.is_empty() || ids.len() == 1 {
                        return found;
                    }
                    // It took too long: what is whole stays, and the rest is asked for in smaller pages.
                    self.size.fetch_min(ids.len() / 2, Ordering::Relaxed);
                    let half = rest.len().div_ceil(2).min(ids.len() / 2).max(1);
                    for part in rest.chunks(half) {
                        found.extend(self.page(part).await);
                    }
                    return found;
                }
                Ok(answer) => {
                    let said = answer.errors.into_iter().next();
                    let said = said.map_or_else(|| "an empty answer".to_owned(), |e| e.message);
                    (ForgeError::Unreachable(self.api.redact(&said)), false)
                }
                // The server, not this page.
                Err(
                    error @ (ForgeError::Unauthorized(_)
                    | ForgeError::RateLimited(_)
                    | ForgeError::NotAForge(_)
                    | ForgeError::Forbidden(_)),
                ) => (error, true),
                Err(error) => (error, false),
            };
            if whole || ids.len() == 1 || self.lost.load(Ordering::Relaxed) >= LOST {
                self.lost.fetch_add(1, Ordering::Relaxed);
                return ids.iter().map(|id| (*id, Err(again(&why)))).collect();
            }
            if why.to_string().contains("complexity") {
                self.size.fetch_min(ids.len() / 2, Ordering::Relaxed);
            }
            tracing::debug!(%why, repositories = ids.len(), "a page of heads is halved");
            let (left, right) = ids.split_at(ids.len() / 2);
            let mut found = self.page(left).await;
            found.extend(self.page(right).await);
            found
        })
    }

    async fn read(&self, ids: &[u64], nodes: Vec<Option<Node>>, said: Option<String>) -> Heads {
        let said = said.map(|said| self.api.redact(&said));
        let unknown = |what: &str| {
            let said = said.as_deref().unwrap_or("without saying why");
            ForgeError::Unreachable(format!("{what}: {said}"))
        };
        let mut found = Heads::new();
        for node in nodes.into_iter().flatten() {
            let Some(id) = number(&node.id).filter(|id| ids.contains(id)) else {
                continue;
            };
            let head = match node.repository {
                None => Err(unknown("GitLab did not return the repository")),
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
                )),
            };
            let head = head.map(|head| Head {
                path: node.full_path,
                archived: node.archived.unwrap_or(false),
                without_requests: node.merge_requests_enabled == Some(false),
                topics: node.topics.unwrap_or_default(),
                head,
            });
            found.insert(id, head);
        }
        for id in ids {
            if found.contains_key(id) {
                continue;
            }
            let why = match &said {
                Some(_) => unknown("GitLab did not return the repository"),
                None => self.missing(*id).await,
            };
            found.insert(*id, Err(why));
        }
        found
    }

    /// Whether a repository that is missing from an answer without errors is gone.
    async fn missing(&self, id: u64) -> ForgeError {
        match self
            .api
            .get::<Project>(&Get::new(format!("projects/{id}")))
            .await
        {
            Ok(project) => ForgeError::Unreachable(format!(
                "GitLab did not return {}",
                self.api.redact(&project.path_with_namespace)
            )),
            Err(error) => error,
        }
    }
}

/// One repository's head, without GraphQL.
async fn by_rest(api: &Api, id: u64) -> Result<Head, ForgeError> {
    let project: Project = api.get(&Get::new(format!("projects/{id}"))).await?;
    let head = match (&project.default_branch, project.empty_repo) {
        (_, true) => None,
        (None, false) => {
            let why = "GitLab did not return the default branch".to_owned();
            return Err(ForgeError::Unreachable(why));
        }
        (Some(name), false) => {
            let name = branch(name)?;
            let endpoint = built(
                branches::Branch::builder()
                    .project(id)
                    .branch(name.as_str())
                    .build(),
            )?;
            let answer: BranchAnswer = api.get(&endpoint).await?;
            let commit = commit(&answer.commit.id);
            let commit = commit.ok_or_else(|| {
                ForgeError::Refused("the head of the branch is not a commit".into())
            })?;
            Some((name, commit))
        }
    };
    Ok(Head {
        without_requests: project.is_without_requests(),
        path: project.path_with_namespace,
        archived: project.archived,
        topics: project.topics,
        head,
    })
}
