//! The heads of many repositories at once: default branch, our branches and their open pull requests on one page.
//!
//! A repository that breaks its page even alone is read over REST. What an answer lacks is unknown.

use super::api::{Answer, Api, quoted, route};
use super::failure::Failure;
use super::item::{Detail, Item};
use super::pull::FRAGMENT;
use super::refs::{KeptRefs, OURS, REFS, Ref, Refs, branches, more};
use crate::forge::discover::{Heads, Listed};
use crate::forge::error::ForgeError;
use crate::forge::wire::{Page, Pages};
use crate::repo::{Branch, CommitId, RepoName};
use serde::Deserialize;
use serde_json::json;

/// How many of our branches come with a repository; more take another request.
const BRANCHES: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repository {
    #[serde(default)]
    default_branch_ref: Option<Ref>,
    #[serde(default)]
    refs: Option<Refs>,
}

/// The document of a page.
fn document() -> String {
    format!(
        "query Heads($ids: [ID!]!, $branches: Int!) {{
          rateLimit {{ cost remaining resetAt }}
          nodes(ids: $ids) {{
            ... on Repository {{
              id
              defaultBranchRef {{ name prefix target {{ oid }} }}
              refs(refPrefix: \"{OURS}\", first: $branches) {{ ...refs }}
            }}
          }}
        }}
        {REFS}{FRAGMENT}"
    )
}

/// The heads of repositories, to be read page by page.
pub(super) struct HeadPages<'a> {
    api: &'a Api,
    repos: &'a [&'a Listed<Detail>],
}

impl<'a> HeadPages<'a> {
    pub(super) fn new(api: &'a Api, repos: &'a [&'a Listed<Detail>]) -> Self {
        Self { api, repos }
    }
}

#[async_trait::async_trait]
impl Pages for HeadPages<'_> {
    type Found = Heads;

    /// With 20 branches each and a pull request for each branch, GitHub counts 21 points for a page, of 5,000 in an
    /// hour, and 51,050 nodes, of 500,000.
    const SIZE: usize = 50;
    /// Twice the depth of the halving.
    const MOST_FAILURES: usize = 12;
    const MOST_LOST: usize = usize::MAX;

    async fn page(&self, page: &[usize]) -> Result<Page<Heads>, ForgeError> {
        let ids = page.iter().map(|index| &self.repos[*index].detail.node_id);
        let ids: Vec<&String> = ids.collect();
        let variables = json!({"ids": ids, "branches": BRANCHES});
        let answer = match self.api.graphql(&document(), &variables).await {
            Ok(answer) => answer,
            Err(failure) if failure.error.ends_the_pass() => return Err(failure.error),
            Err(failure) => {
                return Ok(Page::Failed {
                    error: failure.error,
                    is_too_large: false,
                });
            }
        };
        let (mut found, mut cut) = (Vec::new(), Vec::new());
        for (at, index) in page.iter().enumerate() {
            if answer.is_cut() && !is_whole(&answer, at) {
                cut.push(*index);
                continue;
            }
            let heads = read(self.api, self.repos[*index], &answer, at).await?;
            found.push((*index, heads));
        }
        let why = || {
            let said = answer.errors.first();
            let said = said.map_or("no data", |error| &error.message);
            ForgeError::Server(format!("GitHub's GraphQL API: {said}"))
        };
        Ok(Page::Read {
            found,
            cut: (!cut.is_empty()).then(|| (cut, why())),
        })
    }

    async fn alone(
        &self,
        index: usize,
        why: ForgeError,
    ) -> Result<Result<Heads, ForgeError>, ForgeError> {
        tracing::warn!(
            forge = %self.api.settings.server.name, repo = %self.repos[index].path, error = %why,
            "the GraphQL API does not show this repository; using REST"
        );
        self.without_pages(index).await
    }

    async fn without_pages(&self, index: usize) -> Result<Result<Heads, ForgeError>, ForgeError> {
        match by_rest(self.api, self.repos[index]).await {
            Ok(heads) => Ok(Ok(heads)),
            Err(failure) if failure.error.ends_the_pass() => Err(failure.error),
            Err(failure) => Ok(Err(failure.error)),
        }
    }
}

/// What an answer says about the repository at an index of it.
async fn read(
    api: &Api,
    repo: &Listed<Detail>,
    answer: &Answer,
    at: usize,
) -> Result<Result<Heads, ForgeError>, ForgeError> {
    let path = format!("nodes/{at}");
    let unknown = |why: &str| {
        let text = format!("GitHub does not show {}: {why}", repo.path);
        Ok(Err(ForgeError::Unreachable(text)))
    };
    let found = answer.data.pointer(&format!("/{path}"));
    let Some(found) = found.filter(|found| !found.is_null()) else {
        return unknown(answer.trouble(&path).unwrap_or("no reason was given"));
    };
    if let Some(why) = answer.trouble(&path) {
        return unknown(why);
    }
    let repository: Repository = match serde_json::from_value(found.clone()) {
        Ok(repository) => repository,
        Err(error) => return unknown(&error.to_string()),
    };
    let head = match repository.default_branch_ref {
        None => None,
        Some(found) => match found.head(None) {
            Some(head) => Some(head),
            None => {
                let why = "the name of its default branch is not allowed";
                return Ok(Err(ForgeError::Refused(format!("{}: {why}", repo.path))));
            }
        },
    };
    let mut kept = KeptRefs::default();
    let mut refs = repository.refs;
    while let Some(page) = refs.take() {
        kept.add(page.nodes);
        let Some(after) = page.page_info.next() else {
            break;
        };
        refs = match more(api, &repo.detail.node_id, &after).await {
            Ok(Some(page)) => Some(page),
            Ok(None) => return unknown("its list of branches is incomplete"),
            Err(failure) if failure.error.ends_the_pass() => return Err(failure.error),
            Err(failure) => return Ok(Err(failure.error)),
        };
    }
    Ok(Ok(Heads {
        now: None,
        head,
        branches: Some(kept.branches),
        open: (!kept.more).then_some(kept.open),
    }))
}

/// The heads over REST: a request for each part, and nothing about pull requests.
async fn by_rest(api: &Api, repo: &Listed<Detail>) -> Result<Heads, Failure> {
    #[derive(Deserialize)]
    struct Found {
        commit: Sha,
    }
    #[derive(Deserialize)]
    struct Sha {
        sha: String,
    }
    let name =
        RepoName::parse(&repo.path).map_err(|error| Failure::unreadable(&error.to_string()))?;
    let default = match &repo.detail.default_branch {
        Some(default) => default.clone(),
        None => {
            let whole: Item = api.get(&route(&name, "")).await?;
            whole.default_branch.unwrap_or_default()
        }
    };
    let found: Result<Found, Failure> = api
        .get(&route(&name, &format!("/branches/{}", quoted(&default))))
        .await;
    let head = match found {
        Ok(found) => Branch::parse(&default)
            .ok()
            .zip(CommitId::parse(&found.commit.sha).ok()),
        // The repository is there: it was just listed.
        Err(failure) if failure.status == Some(404) => None,
        Err(failure) => return Err(failure),
    };
    Ok(Heads {
        now: None,
        head,
        branches: Some(branches(api, &name).await?),
        open: None,
    })
}

/// Whether the answer has everything about a repository: if it was cut off, a gap means nothing.
fn is_whole(answer: &Answer, at: usize) -> bool {
    let has = |field: &str| {
        let found = answer.data.pointer(&format!("/nodes/{at}/{field}"));
        found.is_some_and(|found| !found.is_null())
    };
    let path = format!("nodes/{at}");
    has("defaultBranchRef/target") && has("refs/nodes") && answer.trouble(&path).is_none()
}
