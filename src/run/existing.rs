//! imagebot's existing branches and merge requests, open and ended.
//!
//! A pass in which nothing changes relies on the listing and the store. Before anything is written, the current state
//! is fetched from the forge: no write is based on a remembered state.

use super::observe::Judge;
use super::register::{Registered, store_key};
use super::report::ProblemReport;
use super::setup::Setup;
use crate::fleet::ExistingRequests;
use crate::forge::{Forge, Repository};
use crate::plan::OwnRequest;
use crate::repo::{Branch, CommitId, MergeRequest, MergeRequestState};
use crate::store::StoredKind;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many closed or merged ones are remembered per branch.
const REMEMBERED: usize = 20;

/// The merge requests of a repository that the store remembers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// The closed and merged ones.
    done: Vec<OwnRequest>,
    /// Those that were open in the last pass, with their branches.
    open: BTreeMap<u64, Branch>,
}

impl Memory {
    /// The numbers of the merge requests that were open and are no longer listed.
    fn vanished(&self, repo: &Repository) -> impl Iterator<Item = u64> {
        let listed = repo.open.as_deref().unwrap_or_default();
        let is_listed = |number: &u64| listed.iter().any(|mr| mr.number == *number);
        self.open.keys().copied().filter(move |n| !is_listed(n))
    }

    /// Records the end of one that was open.
    fn learn(&mut self, ended: MergeRequest) {
        self.open.remove(&ended.number);
        self.done.retain(|mr| mr.number != ended.number);
        self.done.push(ended.into());
    }
}

/// Fetches and remembers the state of merge requests that are no longer listed, for all repositories at once. What this
/// does not find is fetched for each repository.
pub(super) async fn remember_ended(setup: &Setup, registered: &[Registered]) {
    let mut vanished: BTreeMap<String, BTreeSet<(String, u64)>> = BTreeMap::new();
    for (forge, repo) in registered {
        let memory = memory(setup, forge.as_ref(), repo);
        let memory = memory.filter(|_| repo.open.is_some());
        for number in memory.iter().flat_map(|memory| memory.vanished(repo)) {
            let of_forge = vanished.entry(forge.name().to_owned()).or_default();
            of_forge.insert((repo.id.clone(), number));
        }
    }
    for forge in &setup.forges {
        let Some(wanted) = vanished.get(forge.name()) else {
            continue;
        };
        let ended = forge.ended(wanted).await.unwrap_or_else(|error| {
            tracing::warn!(forge = forge.name(), %error, "fetching merge requests one by one");
            Vec::new()
        });
        let mut by_repo: BTreeMap<String, Vec<MergeRequest>> = BTreeMap::new();
        for (repo, mr) in ended {
            by_repo.entry(repo).or_default().push(mr);
        }
        for (of, repo) in registered {
            let ours = of.name() == forge.name();
            let Some(ended) = by_repo.remove(&repo.id).filter(|_| ours) else {
                continue;
            };
            let mut memory = memory(setup, forge.as_ref(), repo).unwrap_or_default();
            ended.into_iter().for_each(|mr| memory.learn(mr));
            memory.done = newest(memory.done);
            remember(setup, forge.as_ref(), repo, &memory);
        }
    }
}

/// The listed and remembered state of a repository that has not been or cannot be read: nothing is done there, but its
/// open merge requests count.
pub(super) fn of_unread(setup: &Setup, forge: &dyn Forge, repo: &Repository) -> ExistingRequests {
    let memory = memory(setup, forge, repo).unwrap_or_default();
    ExistingRequests {
        unlisted: match &repo.open {
            Some(_) => 0,
            None => memory.open.len(),
        },
        open: listed(repo),
        ended: memory.done,
        ..ExistingRequests::default()
    }
}

/// The listed and remembered state. It is fetched from the forge only if it may be incomplete: nothing is remembered
/// and the listing has no branches, or a merge request that was open is no longer listed.
pub(super) async fn known(
    setup: &Setup,
    forge: &dyn Forge,
    repo: &Repository,
    judge: &Judge<'_>,
) -> Result<ExistingRequests, ProblemReport> {
    let memory = memory(setup, forge, repo);
    let enough = match &memory {
        Some(memory) => memory.vanished(repo).next().is_none(),
        None => repo.branches.is_some(),
    };
    let (Some(open), true) = (&repo.open, enough) else {
        return look(setup, forge, repo, judge, BTreeSet::new()).await;
    };
    let heads = match &repo.branches {
        Some(branches) => branches.clone(),
        None => heads_of(open),
    };
    Ok(ExistingRequests {
        branches: judge.all(&heads).await?,
        open: listed(repo),
        ended: memory.unwrap_or_default().done,
        ..ExistingRequests::default()
    })
}

/// Fetches the current state from the forge, including these branch names, and remembers it.
pub(super) async fn look(
    setup: &Setup,
    forge: &dyn Forge,
    repo: &Repository,
    judge: &Judge<'_>,
    mut names: BTreeSet<Branch>,
) -> Result<ExistingRequests, ProblemReport> {
    let before = memory(setup, forge, repo).unwrap_or_default();
    let heads = forge
        .branches(repo)
        .await
        .map_err(|e| ProblemReport::from(&e))?;
    names.extend(heads.keys().cloned());
    names.extend(before.open.values().cloned());
    names.extend(repo.open.iter().flatten().map(|mr| mr.source.clone()));
    let all = match names.is_empty() {
        true => Vec::new(),
        false => forge
            .merge_requests(repo, &names)
            .await
            .map_err(|e| ProblemReport::from(&e))?,
    };
    let (open, done): (Vec<OwnRequest>, Vec<OwnRequest>) = all
        .into_iter()
        .map(OwnRequest::from)
        .partition(|mr| mr.state == MergeRequestState::Open);
    let kept = before
        .done
        .into_iter()
        .filter(|mr| !names.contains(&mr.source));
    let memory = Memory {
        done: newest(kept.chain(done).collect()),
        open: open
            .iter()
            .map(|mr| (mr.number, mr.source.clone()))
            .collect(),
    };
    remember(setup, forge, repo, &memory);
    Ok(ExistingRequests {
        branches: judge.all(&heads).await?,
        open,
        ended: memory.done,
        fresh: names,
        ..ExistingRequests::default()
    })
}

/// Remembers the open merge requests for the next pass.
pub(super) fn keep_open(
    setup: &Setup,
    forge: &dyn Forge,
    repo: &Repository,
    existing: &ExistingRequests,
) {
    let open = existing.open.iter();
    let open: BTreeMap<u64, Branch> = open.map(|mr| (mr.number, mr.source.clone())).collect();
    let kept = memory(setup, forge, repo);
    if kept.as_ref().is_some_and(|kept| kept.open == open) {
        return;
    }
    let memory = Memory {
        open,
        ..kept.unwrap_or_default()
    };
    remember(setup, forge, repo, &memory);
}

/// The open merge requests in the listing.
fn listed(repo: &Repository) -> Vec<OwnRequest> {
    let open = repo.open.iter().flatten().cloned();
    open.map(OwnRequest::from).collect()
}

fn memory(setup: &Setup, forge: &dyn Forge, repo: &Repository) -> Option<Memory> {
    let text = setup
        .store
        .kept(StoredKind::Memory, &store_key(forge, repo))?;
    serde_json::from_str(&text).ok()
}

/// The number of merge requests that were open in the last pass, without those of these repositories.
pub(super) fn remembered_open(setup: &Setup, but: &BTreeSet<String>) -> usize {
    let all = setup.store.all_kept(StoredKind::Memory).into_iter();
    let others = all.filter(|(key, _)| !but.contains(key));
    let memories = others.filter_map(|(_, text)| serde_json::from_str::<Memory>(&text).ok());
    memories.map(|memory| memory.open.len()).sum()
}

/// Whether the store has an entry for a repository, even an empty one.
pub(super) fn is_remembered(setup: &Setup, forge: &dyn Forge, repo: &Repository) -> bool {
    memory(setup, forge, repo).is_some()
}

/// Remembers that a repository has no branches or merge requests of imagebot.
pub(super) fn remember_nothing(setup: &Setup, forge: &dyn Forge, repo: &Repository) {
    remember(setup, forge, repo, &Memory::default());
}

fn remember(setup: &Setup, forge: &dyn Forge, repo: &Repository, memory: &Memory) {
    if let Ok(text) = serde_json::to_string(memory) {
        setup
            .store
            .keep(StoredKind::Memory, &store_key(forge, repo), &text);
    }
}

/// The heads from the open merge requests, if no branches are listed.
fn heads_of(open: &[MergeRequest]) -> BTreeMap<Branch, CommitId> {
    open.iter()
        .filter_map(|mr| Some((mr.source.clone(), mr.head.clone()?)))
        .collect()
}

/// The newest ones of each branch, the oldest first.
fn newest(mut all: Vec<OwnRequest>) -> Vec<OwnRequest> {
    all.sort_by_key(|mr| mr.number);
    let mut count: BTreeMap<Branch, usize> = BTreeMap::new();
    let mut kept: Vec<OwnRequest> = Vec::new();
    for mr in all.into_iter().rev() {
        let count = count.entry(mr.source.clone()).or_default();
        *count += 1;
        if *count <= REMEMBERED {
            kept.push(mr);
        }
    }
    kept.reverse();
    kept
}
