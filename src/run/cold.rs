//! A store that is new, or new to a repository: what a bot before this one may have left is asked for many repositories
//! at once, and then remembered, so that only those where there is something are asked by themselves.

use super::existing::is_remembered;
use super::options::Options;
use super::register::Registered;
use super::repo::store_key;
use super::setup::Setup;
use crate::forge::{Forge, Repository};
use crate::store::StoredKind;
use std::collections::BTreeMap;

/// Learns what repositories hold nothing of ours.
pub(super) async fn learn(setup: &Setup, options: &Options, registered: &[Registered]) {
    let mut by_forge: BTreeMap<&str, Vec<&Repository>> = BTreeMap::new();
    for (forge, repo) in registered {
        by_forge.entry(forge.name()).or_default().push(repo);
    }
    for forge in &setup.forges {
        let Some(repos) = by_forge.get(forge.name()) else {
            continue;
        };
        branches(setup, forge.as_ref(), repos).await;
        if setup.config.merge_requests.notices && !options.dry_run {
            notices(setup, options, forge.as_ref(), repos).await;
        }
    }
}

/// A repository without branches of ours, of which nothing is remembered, has nothing to be looked at. Before anything
/// is proposed there, the forge is asked about the branch all the same.
async fn branches(setup: &Setup, forge: &dyn Forge, repos: &[&Repository]) {
    let new = |repo: &&&Repository| {
        repo.branches.is_none() && repo.open.as_ref().is_some_and(Vec::is_empty)
    };
    let new: Vec<&Repository> = repos
        .iter()
        .filter(new)
        .filter(|repo| !is_remembered(setup, forge, repo))
        .copied()
        .collect();
    if new.is_empty() {
        return;
    }
    match forge.with_branches(&new).await {
        Ok(Some(with)) => {
            let without = new.iter().filter(|repo| !with.contains(&repo.id));
            without.for_each(|repo| super::existing::remember_nothing(setup, forge, repo));
        }
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(forge = forge.name(), %error, "fetching branches one repository at a time");
        }
    }
}

/// A repository without an open notice has none to be closed.
async fn notices(setup: &Setup, options: &Options, forge: &dyn Forge, repos: &[&Repository]) {
    let key = |repo: &Repository| store_key(forge, repo);
    let new: Vec<&Repository> = repos
        .iter()
        .filter(|repo| options.concerns(&repo.name))
        .filter(|repo| setup.store.kept(StoredKind::Noticed, &key(repo)).is_none())
        .copied()
        .collect();
    if new.is_empty() {
        return;
    }
    match forge.with_notices(&new).await {
        Ok(Some(with)) => {
            for repo in new.iter().filter(|repo| !with.contains(&repo.id)) {
                setup.store.keep(StoredKind::Noticed, &key(repo), "");
            }
        }
        Ok(None) => {}
        Err(error) => {
            tracing::warn!(forge = forge.name(), %error, "fetching notices one repository at a time");
        }
    }
}
