//! The repositories of a listing, as far as they are known, and which of them are worked on.

use super::server::{Listed, Named};
use crate::forge::error::ForgeError;
use crate::forge::scope::{Facts, Scope, Verdict};
use crate::forge::traits::KnownIds;
use crate::forge::wire::one_line;
use crate::repo::RepoName;
use std::collections::{BTreeMap, BTreeSet};

/// A repository that may be worked on.
pub(super) struct Candidate<D> {
    pub(super) listed: Listed<D>,
    /// The name that the configuration or an earlier listing has for it.
    pub(super) named: Option<RepoName>,
}

impl<D> Candidate<D> {
    /// The name that the configuration is asked about: a renamed repository is still the one that was registered.
    fn asked_as(&self) -> Option<RepoName> {
        let now = || RepoName::parse(&self.listed.path).ok();
        self.named.clone().or_else(now)
    }
}

/// What is known so far about the repositories of a listing.
pub(super) struct Roll<'a, D> {
    pub(super) scope: &'a Scope,
    candidates: BTreeMap<u64, Candidate<D>>,
    pub(super) left_out: BTreeMap<String, &'static str>,
    pub(super) failed: Vec<(String, ForgeError)>,
}

impl<'a, D> Roll<'a, D> {
    pub(super) fn new(scope: &'a Scope) -> Self {
        Self {
            scope,
            candidates: BTreeMap::new(),
            left_out: BTreeMap::new(),
            failed: Vec::new(),
        }
    }

    /// Those of the named repositories that this client asks for; another token's are not asked for with this one.
    pub(super) fn wanted(&mut self, named: BTreeSet<RepoName>) -> BTreeSet<RepoName> {
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
    pub(super) fn take_listed(&mut self, found: Vec<Listed<D>>) -> BTreeMap<RepoName, u64> {
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
    pub(super) fn find_in_lists(
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

    pub(super) fn take_named(&mut self, found: Vec<Named<D>>) {
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
    pub(super) fn keep_the_registered(&mut self, listed: &BTreeMap<RepoName, u64>) {
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
    pub(super) fn chosen(&mut self) -> Vec<(Candidate<D>, String)> {
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

/// What is wrong with a repository whose path can't be a [`RepoName`].
pub(super) fn invalid_name() -> ForgeError {
    ForgeError::Refused("the name is not allowed".to_owned())
}
