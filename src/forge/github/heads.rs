//! The heads of many repositories at once: default branch, our branches and their open pull requests on one page.
//!
//! A page that fails is halved until the repository that breaks it stands alone; it is then asked for over REST. What
//! is not told is unknown.

use super::api::{Answer, Api, PAGE, quoted, route};
use super::failure::Failure;
use super::listing::Item;
use super::pull::{FRAGMENT, Node, Oid};
use crate::forge::error::ForgeError;
use crate::repo::{Branch, CommitId, MergeRequest, MergeRequestState, RepoName};
use futures::{StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many repositories stand on a page. With 20 branches each and a pull request for each branch, GitHub counts
/// 21 points for it, of 5,000 in an hour, and 51,050 nodes, of 500,000.
const REPOSITORIES: usize = 50;
/// How many pages are asked for at once; GitHub asks for few.
const PAGES_AT_ONCE: usize = 4;
/// How many of our branches come with a repository; more are asked for by themselves.
const BRANCHES: usize = 20;
/// How often the halves of a page may fail in a row before the page is given up: twice the depth of the halving.
const MAX_FAILURES: usize = 12;
/// The namespace of our branches.
const OURS: &str = "refs/heads/imagebot/";

/// What a page tells of a repository.
#[derive(Debug, Default)]
pub(super) struct Heads {
    pub(super) head: Option<(Branch, CommitId)>,
    pub(super) branches: Option<BTreeMap<Branch, CommitId>>,
    pub(super) open: Option<Vec<MergeRequest>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Repository {
    #[serde(default)]
    default_branch_ref: Option<Ref>,
    #[serde(default)]
    refs: Option<Refs>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refs {
    page_info: PageInfo,
    #[serde(default)]
    nodes: Vec<Option<Ref>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    #[serde(default)]
    end_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ref {
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

/// One pull request for each branch: a second open one is rare, costs a page a third more, and shows in the count.
const REFS: &str = "
fragment refs on RefConnection {
  pageInfo { hasNextPage endCursor }
  nodes {
    name prefix
    target { oid }
    associatedPullRequests(first: 1, states: [OPEN]) { totalCount nodes { ...pull } }
  }
}";

type Outcome = (usize, Result<Heads, ForgeError>);

impl Api {
    /// The heads of all items, in their order.
    pub(super) async fn heads(
        &self,
        items: &[Item],
        graphql: bool,
    ) -> Result<Vec<Result<Heads, ForgeError>>, ForgeError> {
        let indices: Vec<usize> = (0..items.len()).collect();
        let pages: Vec<Vec<usize>> = indices
            .chunks(REPOSITORIES)
            .map(<[usize]>::to_vec)
            .collect();
        let size = &AtomicUsize::new(REPOSITORIES);
        let ask = |page: Vec<usize>| async move {
            if graphql {
                return self.heads_page(items, &page, size).await;
            }
            let mut outcomes = Vec::new();
            for index in page {
                outcomes.push((index, self.heads_by_rest(&items[index]).await?));
            }
            Ok(outcomes)
        };
        let pages = futures::stream::iter(pages.into_iter().map(ask)).buffered(PAGES_AT_ONCE);
        let mut all: Vec<Outcome> = pages.try_concat().await?;
        all.sort_by_key(|(index, _)| *index);
        Ok(all.into_iter().map(|(_, heads)| heads).collect())
    }

    /// One page, halved where it fails. Only what stops the whole forge is an error.
    async fn heads_page(
        &self,
        items: &[Item],
        page: &[usize],
        size: &AtomicUsize,
    ) -> Result<Vec<Outcome>, ForgeError> {
        let mut waiting = vec![page.to_vec()];
        let mut done = Vec::new();
        let mut failures = 0;
        while let Some(part) = waiting.pop() {
            let most = size.load(Ordering::Relaxed).max(1);
            if part.len() > most {
                waiting.extend(part.chunks(most).rev().map(<[usize]>::to_vec));
                continue;
            }
            let ids: Vec<&str> = part.iter().map(|i| items[*i].node_id.as_str()).collect();
            let variables = json!({"ids": ids, "branches": BRANCHES});
            let failure = match self.graphql(&document(), &variables).await {
                Ok(answer) => {
                    let mut rest = Vec::new();
                    for (at, index) in part.iter().enumerate() {
                        if answer.is_cut() && !is_whole(&answer, at) {
                            rest.push(*index);
                            continue;
                        }
                        let heads = self.read(&items[*index], &answer, at).await?;
                        done.push((*index, heads));
                    }
                    if rest.len() < part.len() {
                        failures = 0;
                    }
                    if rest.is_empty() {
                        continue;
                    }
                    // It was too much for the server: less of it at once, for the whole pass.
                    size.fetch_min((part.len() / 2).max(1), Ordering::Relaxed);
                    if rest.len() < part.len() {
                        waiting.push(rest);
                        continue;
                    }
                    let said = answer
                        .errors
                        .first()
                        .map_or("no data", |error| &error.message);
                    Failure::new(ForgeError::Server(format!("GitHub's GraphQL API: {said}")))
                }
                Err(failure) => failure,
            };
            failures += 1;
            let hopeless = matches!(
                failure.error,
                ForgeError::Unauthorized(_) | ForgeError::RateLimited(_) | ForgeError::NotAForge(_)
            );
            if hopeless {
                return Err(failure.error);
            }
            if failures >= MAX_FAILURES {
                // Not one repository: the API is down, and is not asked for each.
                let text = failure.error.to_string();
                let lost = part.iter().chain(waiting.iter().flatten());
                done.extend(lost.map(|i| (*i, Err(ForgeError::Unreachable(text.clone())))));
                return Ok(done);
            }
            match part.as_slice() {
                [index] => {
                    let item = &items[*index];
                    tracing::warn!(
                        forge = %self.settings.server.name, repo = %item.full_name, error = %failure,
                        "the GraphQL API does not show this repository; using REST"
                    );
                    done.push((*index, self.heads_by_rest(item).await?));
                }
                part => {
                    let (first, second) = part.split_at(part.len() / 2);
                    waiting.extend([second.to_vec(), first.to_vec()]);
                }
            }
        }
        Ok(done)
    }

    /// What a page tells of the repository at an index of it.
    async fn read(
        &self,
        item: &Item,
        answer: &Answer,
        at: usize,
    ) -> Result<Result<Heads, ForgeError>, ForgeError> {
        let path = format!("nodes/{at}");
        let unknown = |why: &str| {
            let text = format!("GitHub does not show {}: {why}", item.full_name);
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
                    return Ok(Err(ForgeError::Refused(format!(
                        "{}: {why}",
                        item.full_name
                    ))));
                }
            },
        };
        let mut kept = Kept::default();
        let mut refs = repository.refs;
        while let Some(page) = refs.take() {
            kept.add(page.nodes);
            if !page.page_info.has_next_page {
                break;
            }
            let variables = json!({"id": item.node_id, "after": page.page_info.end_cursor});
            match self.graphql(&more_document(), &variables).await {
                Ok(answer) => {
                    let page = answer
                        .data
                        .pointer("/node/refs")
                        .cloned()
                        .unwrap_or_default();
                    match serde_json::from_value(page) {
                        Ok(page) if answer.errors.is_empty() => refs = Some(page),
                        _ => return unknown("its list of branches is incomplete"),
                    }
                }
                Err(failure) if stops(&failure) => return Err(failure.error),
                Err(failure) => return Ok(Err(failure.error)),
            }
        }
        Ok(Ok(Heads {
            head,
            branches: Some(kept.branches),
            open: (!kept.more).then_some(kept.open),
        }))
    }

    /// The heads over REST: a request for each part, and nothing of merge requests.
    async fn heads_by_rest(&self, item: &Item) -> Result<Result<Heads, ForgeError>, ForgeError> {
        match self.heads_of(item).await {
            Ok(heads) => Ok(Ok(heads)),
            Err(failure) if stops(&failure) => Err(failure.error),
            Err(failure) => Ok(Err(failure.error)),
        }
    }

    async fn heads_of(&self, item: &Item) -> Result<Heads, Failure> {
        #[derive(Deserialize)]
        struct Found {
            commit: Sha,
        }
        #[derive(Deserialize)]
        struct Sha {
            sha: String,
        }
        let name = RepoName::parse(&item.full_name)
            .map_err(|error| Failure::unreadable(&error.to_string()))?;
        let default = match &item.default_branch {
            Some(default) => default.clone(),
            None => {
                let whole: Item = self.get(&route(&name, "")).await?;
                whole.default_branch.unwrap_or_default()
            }
        };
        let found: Result<Found, Failure> = self
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
            head,
            branches: Some(self.branches_by_rest(&name).await?),
            open: None,
        })
    }

    /// Our branches over REST, as they are now.
    pub(super) async fn branches_by_rest(
        &self,
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
        // This list has no pages; one that came in part would not be all of it.
        let found = match self.page::<Vec<Found>>(&route).await {
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
}

/// Whether everything of a repository came along: in an answer that was cut off, nothing is concluded from a gap.
fn is_whole(answer: &Answer, at: usize) -> bool {
    let has = |field: &str| {
        let found = answer.data.pointer(&format!("/nodes/{at}/{field}"));
        found.is_some_and(|found| !found.is_null())
    };
    let path = format!("nodes/{at}");
    has("defaultBranchRef/target") && has("refs/nodes") && answer.trouble(&path).is_none()
}

/// Whether a failure is the whole forge's.
fn stops(failure: &Failure) -> bool {
    failure.error.is_of_forge() && !matches!(failure.error, ForgeError::Unreachable(_))
}

#[derive(Default)]
struct Kept {
    branches: BTreeMap<Branch, CommitId>,
    open: Vec<MergeRequest>,
    /// Whether there is more than came along.
    more: bool,
}

impl Kept {
    fn add(&mut self, refs: Vec<Option<Ref>>) {
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
    /// The branch and what it points at. Whether the name holds the part that was asked for as prefix is GitHub's
    /// affair: both are read.
    fn head(&self, below: Option<&str>) -> Option<(Branch, CommitId)> {
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
