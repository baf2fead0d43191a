//! Which repositories of a server are worked on, and what a listing says about them.
//!
//! The same for every server: the configuration says which lists are read and which repositories are named, each is
//! judged once, those that are worked on get their heads, and all become one [`Listing`]. A [`Server`] only answers
//! what it is asked. A repository that can't be read is unknown, never gone.

use super::error::ForgeError;
use super::scope::{Facts, Scope, Source, Verdict};
use super::server::ServerSettings;
use super::traits::{ForgeRegistry, KnownIds, LeftOut, Listing, Repository};
use super::wire::one_line;
use crate::git::{Credential, Remote};
use crate::repo::{Branch, CommitId, MergeRequest, RepoName};
use std::collections::{BTreeMap, BTreeSet};

/// A repository as a server lists it.
#[derive(Debug, Clone)]
pub(super) struct Listed<D> {
    /// Its number on the server, which stays the same when it is renamed.
    pub(super) id: u64,
    /// Its path now; for one that is only known by its number, the path that it was registered by.
    pub(super) path: String,
    /// What decides whether it is worked on; `None` where only its [`Heads`] show it.
    pub(super) facts: Option<Facts>,
    /// What this server needs to read its heads.
    pub(super) detail: D,
}

/// What lists showed.
#[derive(Debug)]
pub(super) struct Lists<D> {
    pub(super) found: Vec<Listed<D>>,
    /// Lists that couldn't be read, or only in part, by the name that people know them by.
    pub(super) failed: Vec<(String, ForgeError)>,
}

/// A name, and what was found for it.
pub(super) type Named<D> = (RepoName, Result<Listed<D>, ForgeError>);

/// What a server says about the branches of a repository.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// Its path and facts, on a server that shows them along with the heads.
    pub(super) now: Option<(String, Facts)>,
    /// The default branch and its head; `None` for an empty repository.
    pub(super) head: Option<(Branch, CommitId)>,
    /// Our branches, where they come along.
    pub(super) branches: Option<BTreeMap<Branch, CommitId>>,
    /// Our open merge requests, where they come along.
    pub(super) open: Option<Vec<MergeRequest>>,
}

/// How much of the fleet is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// All registered repositories.
    All,
    /// Some of them, by name.
    Some,
}

/// What differs between servers when repositories are listed. Which of them are worked on is decided above.
#[async_trait::async_trait]
pub(super) trait Server: Send + Sync {
    /// What [`Server::heads`] needs to know about a repository besides its id.
    type Detail: Send + Sync;

    /// What the client was made from.
    fn settings(&self) -> &ServerSettings;

    /// What git logs in with.
    fn credential(&self) -> Credential;

    /// Reads these lists. An error is one that ends the pass.
    async fn list(&mut self, sources: &BTreeSet<Source>)
    -> Result<Lists<Self::Detail>, ForgeError>;

    /// Finds repositories by name, or by the id that they are known to have, wherever they are now.
    async fn find(
        &self,
        names: &BTreeSet<RepoName>,
        known: &KnownIds,
    ) -> Result<Vec<Named<Self::Detail>>, ForgeError>;

    /// The server's own registry. `unlisted` is a repository that no list showed.
    async fn registry(&self, unlisted: Option<u64>) -> Option<ForgeRegistry>;

    /// The heads of these repositories, in their order.
    async fn heads(
        &self,
        repos: &[&Listed<Self::Detail>],
        extent: Extent,
    ) -> Result<Vec<Result<Heads, ForgeError>>, ForgeError>;
}

/// All registered repositories.
pub(super) async fn discover<S: Server>(
    server: &mut S,
    scope: &Scope,
    known: &KnownIds,
) -> Result<Listing, ForgeError> {
    let mut roll = Roll::new(scope);
    let (sources, named) = scope.sources();
    let named = roll.wanted(named);
    let lists = server.list(&sources).await?;
    roll.failed.extend(lists.failed);
    let listed = roll.take_listed(lists.found);
    let missing = roll.find_in_lists(named, &listed, known);
    let found = server.find(&missing, known).await?;
    roll.take_named(found);
    roll.keep_the_registered(&listed);
    finish(server, roll, Extent::All).await
}

/// Some repositories that were listed before; nothing else is asked for.
pub(super) async fn look<S: Server>(
    server: &S,
    scope: &Scope,
    wanted: &KnownIds,
) -> Result<Listing, ForgeError> {
    let mut roll = Roll::new(scope);
    let names = wanted.keys().cloned().collect();
    roll.take_named(server.find(&names, wanted).await?);
    finish(server, roll, Extent::Some).await
}

/// A repository that may be worked on.
struct Candidate<D> {
    listed: Listed<D>,
    /// The name that the configuration or an earlier listing has for it.
    named: Option<RepoName>,
}

impl<D> Candidate<D> {
    /// The name that the configuration is asked about: a renamed repository is still the one that was registered.
    fn asked_as(&self) -> Option<RepoName> {
        let now = || RepoName::parse(&self.listed.path).ok();
        self.named.clone().or_else(now)
    }
}

/// What is known so far about the repositories of a listing.
struct Roll<'a, D> {
    scope: &'a Scope,
    candidates: BTreeMap<u64, Candidate<D>>,
    left_out: BTreeMap<String, &'static str>,
    failed: Vec<(String, ForgeError)>,
}

impl<'a, D> Roll<'a, D> {
    fn new(scope: &'a Scope) -> Self {
        Self {
            scope,
            candidates: BTreeMap::new(),
            left_out: BTreeMap::new(),
            failed: Vec::new(),
        }
    }

    /// Those of the named repositories that this client asks for; another token's are not asked for with this one.
    fn wanted(&mut self, named: BTreeSet<RepoName>) -> BTreeSet<RepoName> {
        let mut wanted = BTreeSet::new();
        for name in named {
            match self.scope.named(&name) {
                Verdict::In(_) => drop(wanted.insert(name)),
                Verdict::Out(why) => drop(self.left_out.insert(name.to_string(), why)),
                Verdict::Unasked => {}
            }
        }
        wanted
    }

    /// Takes what lists showed; the ids by name.
    fn take_listed(&mut self, found: Vec<Listed<D>>) -> BTreeMap<RepoName, u64> {
        let mut ids = BTreeMap::new();
        for listed in found {
            match RepoName::parse(&listed.path) {
                Ok(name) => {
                    ids.insert(name, listed.id);
                    let named = None;
                    self.candidates
                        .insert(listed.id, Candidate { listed, named });
                }
                Err(_) => self.failed.push((one_line(&listed.path), invalid_name())),
            }
        }
        ids
    }

    /// Marks the named repositories that a list showed already; the others have to be asked for.
    fn find_in_lists(
        &mut self,
        named: BTreeSet<RepoName>,
        listed: &BTreeMap<RepoName, u64>,
        known: &KnownIds,
    ) -> BTreeSet<RepoName> {
        let mut missing = BTreeSet::new();
        for name in named {
            let id = known.get(&name).and_then(|id| id.parse().ok());
            let id = id.or_else(|| listed.get(&name).copied());
            match id.and_then(|id| self.candidates.get_mut(&id)) {
                Some(candidate) => candidate.named = Some(name),
                None => drop(missing.insert(name)),
            }
        }
        missing
    }

    fn take_named(&mut self, found: Vec<Named<D>>) {
        for (name, found) in found {
            match found {
                Ok(listed) => {
                    let named = Some(name);
                    self.candidates
                        .insert(listed.id, Candidate { listed, named });
                }
                Err(error) => self.failed.push((name.to_string(), error)),
            }
        }
    }

    /// Drops a repository that now has the path of one that was registered by it (T19).
    fn keep_the_registered(&mut self, listed: &BTreeMap<RepoName, u64>) {
        let named = self.candidates.iter();
        let named = named.filter_map(|(id, candidate)| Some((candidate.named.as_ref()?, *id)));
        let replaced: Vec<u64> = named
            .filter_map(|(name, id)| {
                let other = *listed.get(name).filter(|other| **other != id)?;
                tracing::warn!(
                    repo = %name, id, other,
                    "the path now belongs to another repository; imagebot keeps following the one it was registered for"
                );
                Some(other)
            })
            .collect();
        for id in replaced {
            self.candidates.remove(&id);
        }
    }

    /// What is worked on, and why, as far as that is known before the heads are; ordered by path.
    fn chosen(&mut self) -> Vec<(Candidate<D>, String)> {
        let mut chosen = Vec::new();
        for candidate in std::mem::take(&mut self.candidates).into_values() {
            let Some(name) = candidate.asked_as() else {
                continue;
            };
            let unseen = Facts::default();
            let verdict = self
                .scope
                .verdict(&name, candidate.listed.facts.as_ref().unwrap_or(&unseen));
            match verdict {
                Verdict::Unasked => {}
                Verdict::In(why) => chosen.push((candidate, why)),
                // Its heads will show the facts.
                Verdict::Out(_) if candidate.listed.facts.is_none() => {
                    chosen.push((candidate, format!("repos = {:?}", name.as_str())));
                }
                Verdict::Out(why) => drop(self.left_out.insert(candidate.listed.path, why)),
            }
        }
        chosen.sort_by(|(a, _), (b, _)| a.listed.path.cmp(&b.listed.path));
        chosen
    }
}

/// Reads the heads of what is worked on, and makes the listing.
async fn finish<S: Server>(
    server: &S,
    mut roll: Roll<'_, S::Detail>,
    extent: Extent,
) -> Result<Listing, ForgeError> {
    let chosen = roll.chosen();
    let mut unlisted = chosen.iter().filter(|(c, _)| c.listed.facts.is_none());
    let registry = server.registry(unlisted.next().map(|(c, _)| c.listed.id));
    let registry = registry.await;
    let listed: Vec<&Listed<S::Detail>> = chosen.iter().map(|(c, _)| &c.listed).collect();
    let heads = server.heads(&listed, extent).await?;
    let mut repositories = Vec::new();
    for ((candidate, mut why), heads) in chosen.into_iter().zip(heads) {
        let shown = candidate.listed.path.clone();
        let mut heads = match heads {
            Ok(heads) => heads,
            Err(error) => {
                roll.failed.push((shown, error));
                continue;
            }
        };
        let (path, facts) = match (heads.now.take(), &candidate.listed.facts) {
            (Some((path, now)), listed) => (path, now.with(listed.as_ref())),
            (None, Some(listed)) => (shown.clone(), listed.clone()),
            (None, None) => (shown.clone(), Facts::default()),
        };
        let name = RepoName::parse(&path).ok().or(candidate.named.clone());
        let Some(name) = name else {
            roll.failed.push((shown, invalid_name()));
            continue;
        };
        match roll
            .scope
            .verdict(candidate.named.as_ref().unwrap_or(&name), &facts)
        {
            Verdict::Out(out) => {
                roll.left_out.insert(path, out);
                continue;
            }
            Verdict::In(known) => why = known,
            Verdict::Unasked => {}
        }
        match assembled(
            server,
            candidate.listed.id,
            name,
            heads,
            why,
            registry.clone(),
        ) {
            Ok(repository) => repositories.push(repository),
            Err(error) => roll.failed.push((shown, error)),
        }
    }
    repositories.sort_by(|a, b| a.name.cmp(&b.name));
    let left_out = roll.left_out.into_iter();
    Ok(Listing {
        repositories,
        left_out: left_out.map(|(name, why)| LeftOut { name, why }).collect(),
        failed: roll.failed,
    })
}

fn assembled<S: Server>(
    server: &S,
    id: u64,
    name: RepoName,
    heads: Heads,
    why: String,
    registry: Option<ForgeRegistry>,
) -> Result<Repository, ForgeError> {
    let settings = server.settings();
    let credential = Some(server.credential());
    let remote = Remote::http(
        &settings.git_url(&name),
        credential,
        settings.ca_file.clone(),
        settings.proxy,
    )?;
    Ok(Repository {
        id: id.to_string(),
        name,
        remote,
        head: heads.head,
        branches: heads.branches,
        open: heads.open,
        why,
        registry,
    })
}

fn invalid_name() -> ForgeError {
    ForgeError::Refused("the name is not allowed".to_owned())
}
