//! Fills a store that is new, or new to a repository. An earlier instance may have left branches and issues: forges are
//! queried about many repositories at once, and only those with something get requests of their own.

use super::existing::is_remembered;
use super::options::Options;
use super::register::{Registered, store_key};
use super::setup::Setup;
use crate::forge::{Forge, Repository};
use crate::store::StoredKind;
use std::collections::BTreeMap;

/// Records which repositories contain nothing of imagebot's.
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

/// Records repositories without imagebot's branches. If something is proposed there later, the forge is queried about
/// the branch first anyway.
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

/// Records repositories without an open notice, which therefore have none to close.
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
