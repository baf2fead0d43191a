//! What is there already: our branches and merge requests, and what became of earlier ones.
//!
//! A quiet pass goes by what the listing told and what the store remembers. Before anything is written, the forge is
//! asked anew: what a pass acts on is never a memory.

use super::observe::{Judge, OurBranch};
use super::register::Registered;
use super::repo::store_key;
use super::report::ProblemReport;
use super::setup::Setup;
use crate::forge::{Forge, Repository};
use crate::plan::{Existing, Proposed, Request};
use crate::repo::{Branch, CommitId, MergeRequest, MergeRequestState};
use crate::store::StoredKind;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The most closed or merged ones of a branch that are remembered.
const REMEMBERED: usize = 20;

/// What became of a repository's merge requests, as the store remembers it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Memory {
    /// Closed and merged ones.
    done: Vec<Request>,
    /// Those that were open when the forge was asked last, with their branches.
    open: BTreeMap<u64, Branch>,
}

/// What is known of a repository's branches and merge requests.
#[derive(Debug, Clone, Default)]
pub(super) struct There {
    pub(super) branches: BTreeMap<Branch, OurBranch>,
    pub(super) open: Vec<Request>,
    memory: Memory,
    /// The branches that the forge was asked about just now.
    looked: BTreeSet<Branch>,
    /// How many were open when the forge was asked last, where it lists none now.
    unlisted: usize,
}

impl Memory {
    /// The numbers of those that were open and are no longer listed.
    fn vanished(&self, repo: &Repository) -> impl Iterator<Item = u64> {
        let listed = repo.open.as_deref().unwrap_or_default();
        let is_listed = |number: &u64| listed.iter().any(|mr| mr.number == *number);
        self.open.keys().copied().filter(move |n| !is_listed(n))
    }

    /// Learns what became of one that was open.
    fn learn(&mut self, ended: MergeRequest) {
        self.open.remove(&ended.number);
        self.done.retain(|mr| mr.number != ended.number);
        self.done.push(ended.into());
    }
}

/// Asks the forges what became of the merge requests that are no longer listed, of all repositories together, and
/// remembers it. What cannot be had so is asked for by each repository.
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

impl There {
    /// What the listing and the store know of a repository that cannot be read: nothing is done there, and what is open
    /// counts all the same.
    pub(super) fn of_unread(setup: &Setup, forge: &dyn Forge, repo: &Repository) -> Self {
        let memory = memory(setup, forge, repo).unwrap_or_default();
        Self {
            unlisted: match &repo.open {
                Some(_) => 0,
                None => memory.open.len(),
            },
            open: repo
                .open
                .iter()
                .flatten()
                .cloned()
                .map(Request::from)
                .collect(),
            memory,
            ..Self::default()
        }
    }

    /// How many merge requests are open, as far as it is known.
    pub(super) fn count(&self) -> usize {
        self.open.len() + self.unlisted
    }

    /// What the listing and the store know; the forge is asked only where they cannot be enough: nothing is remembered
    /// and the listing tells no branches, or something that was open is no longer listed.
    pub(super) async fn known(
        setup: &Setup,
        forge: &dyn Forge,
        repo: &Repository,
        judge: &Judge<'_>,
    ) -> Result<Self, ProblemReport> {
        let memory = memory(setup, forge, repo);
        let listed = repo.open.as_ref();
        let enough = match &memory {
            Some(memory) => memory.vanished(repo).next().is_none(),
            None => repo.branches.is_some(),
        };
        let (Some(open), true) = (listed, enough) else {
            return Self::look(
                setup,
                forge,
                repo,
                judge,
                memory.unwrap_or_default(),
                BTreeSet::new(),
            )
            .await;
        };
        let heads = match &repo.branches {
            Some(branches) => branches.clone(),
            None => heads_of(open),
        };
        Ok(Self {
            branches: judge.all(&heads).await?,
            open: open.iter().cloned().map(Request::from).collect(),
            memory: memory.unwrap_or_default(),
            ..Self::default()
        })
    }

    /// Asks the forge for what is there now, also under these branch names.
    pub(super) async fn look_again(
        self,
        setup: &Setup,
        forge: &dyn Forge,
        repo: &Repository,
        judge: &Judge<'_>,
        names: BTreeSet<Branch>,
    ) -> Result<Self, ProblemReport> {
        Self::look(setup, forge, repo, judge, self.memory, names).await
    }

    async fn look(
        setup: &Setup,
        forge: &dyn Forge,
        repo: &Repository,
        judge: &Judge<'_>,
        before: Memory,
        mut names: BTreeSet<Branch>,
    ) -> Result<Self, ProblemReport> {
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
        let (open, done): (Vec<Request>, Vec<Request>) = all
            .into_iter()
            .map(Request::from)
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
        Ok(Self {
            branches: judge.all(&heads).await?,
            open,
            memory,
            looked: names,
            unlisted: 0,
        })
    }

    /// Whether the forge was asked just now about this branch.
    pub(super) fn is_fresh(&self, branch: &Branch) -> bool {
        self.looked.contains(branch)
    }

    /// By branch, as the plan wants it.
    pub(super) fn existing(&self) -> BTreeMap<Branch, Existing> {
        let mut existing: BTreeMap<Branch, Existing> = BTreeMap::new();
        for (branch, ours) in &self.branches {
            let there = existing.entry(branch.clone()).or_default();
            there.head = Some((ours.head.clone(), ours.ownership.clone()));
            there.fits = ours.fits;
            there.on_top = ours.on_top;
        }
        for mr in self.memory.done.iter().chain(&self.open) {
            let there = existing.entry(mr.source.clone()).or_default();
            there.merge_requests.push(mr.clone());
        }
        existing
    }

    /// What the open ones propose.
    pub(super) fn proposed(&self) -> Proposed {
        let changes = self.open.iter().filter_map(Request::changes);
        changes
            .flat_map(|changes| &changes.references)
            .map(|change| (change.path.clone(), change.image.clone(), change.to.clone()))
            .collect()
    }

    /// When the open and the remembered ones were opened, where the forge tells it.
    pub(super) fn opened(&self) -> impl Iterator<Item = (u64, jiff::Timestamp)> {
        let all = self.memory.done.iter().chain(&self.open);
        all.filter_map(|mr| Some((mr.number, mr.created?)))
    }

    /// Remembers what was open, for the next pass.
    pub(super) fn keep_open(&self, setup: &Setup, forge: &dyn Forge, repo: &Repository) {
        let open: BTreeMap<u64, Branch> = self
            .open
            .iter()
            .map(|mr| (mr.number, mr.source.clone()))
            .collect();
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
}

fn memory(setup: &Setup, forge: &dyn Forge, repo: &Repository) -> Option<Memory> {
    let text = setup
        .store
        .kept(StoredKind::Memory, &store_key(forge, repo))?;
    serde_json::from_str(&text).ok()
}

/// How many merge requests were open when the forges were asked last, but for these repositories'.
pub(super) fn remembered_open(setup: &Setup, but: &BTreeSet<String>) -> usize {
    let all = setup.store.all_kept(StoredKind::Memory).into_iter();
    let others = all.filter(|(key, _)| !but.contains(key));
    let memories = others.filter_map(|(_, text)| serde_json::from_str::<Memory>(&text).ok());
    memories.map(|memory| memory.open.len()).sum()
}

/// Whether anything is remembered of a repository, be it that there was nothing.
pub(super) fn is_remembered(setup: &Setup, forge: &dyn Forge, repo: &Repository) -> bool {
    memory(setup, forge, repo).is_some()
}

/// Remembers that there was nothing.
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

/// Where no branches are listed, the open merge requests tell their heads.
fn heads_of(open: &[MergeRequest]) -> BTreeMap<Branch, CommitId> {
    open.iter()
        .filter_map(|mr| Some((mr.source.clone(), mr.head.clone()?)))
        .collect()
}

/// The newest of each branch, the oldest first.
fn newest(mut all: Vec<Request>) -> Vec<Request> {
    all.sort_by_key(|mr| mr.number);
    let mut count: BTreeMap<Branch, usize> = BTreeMap::new();
    let mut kept: Vec<Request> = Vec::new();
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
