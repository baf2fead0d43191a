//! The registered repositories, and whether each is still the same one as before.

use super::report::{LeftOutReport, ProblemReport, Report, RepositoryReport};
use super::setup::Setup;
use super::unmatched;
use crate::fleet::RepoId;
use crate::forge::{Forge, ForgeError, KnownIds, Listing, Repository};
use crate::repo::{RepoGlobs, RepoName};
use crate::store::StoredKind;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A repository and the forge that it is on.
pub type Registered = (Arc<dyn Forge>, Repository);

/// The store's key for a repository: its forge, and the id there, which survives a rename.
pub(super) fn store_key(forge: &dyn Forge, repo: &Repository) -> String {
    id_of(forge, repo).to_string()
}

/// The identity of a repository.
pub(super) fn id_of(forge: &dyn Forge, repo: &Repository) -> RepoId {
    RepoId {
        forge: forge.name().to_owned(),
        id: repo.id.clone(),
    }
}

/// The ids of the repositories to list.
pub(super) use crate::forge::KnownIds as Wanted;

/// The registered repositories of all forges.
pub(super) struct Roll {
    /// Those that can be processed.
    pub(super) repositories: Vec<Registered>,
    /// Those that were registered but are not listed at present: they count as unknown, never as deleted.
    pub(super) unlisted: BTreeSet<RepoName>,
}

/// The registered repositories, with a report of those that were left out or failed.
pub async fn survey(setup: &Setup) -> (Vec<Registered>, Report) {
    let mut report = Report::new(true);
    let registered = register(setup, None, false, &mut report).await;
    let registered = registered.repositories;
    report.left_out.sort();
    (registered, report)
}

/// Forgets the id of a path, so that another repository may have the path. Returns whether an id was remembered.
pub fn forget(setup: &Setup, name: &RepoName) -> bool {
    let mut forgotten = false;
    for forge in &setup.forges {
        let key = format!("{} {name}", forge.name());
        forgotten |= setup.store.kept(StoredKind::Registered, &key).is_some();
        setup.store.forget(StoredKind::Registered, &key);
    }
    forgotten
}

/// Lists the repositories of all forges concurrently. If one fails, the others are still listed. All repositories are
/// registered, because any may be related to those in scope, but only those in scope are reported.
pub(super) async fn register(
    setup: &Setup,
    only: Option<&RepoGlobs>,
    remember: bool,
    report: &mut Report,
) -> Roll {
    let asked = setup.forges.iter().map(|forge| async move {
        let known = known(setup, forge.name());
        (forge, forge.discover(&known).await, known)
    });
    let answers = futures::future::join_all(asked).await;
    let roll = take_listings(setup, answers, only, remember, report);
    let warnings = match only {
        Some(_) => Vec::new(),
        None => unmatched::of_configuration(setup, &roll.repositories, report),
    };
    report.warnings.extend(warnings);
    if let Some(only) = only
        && report.problems.is_empty()
    {
        let there = roll.repositories.iter();
        let there = there.map(|(_, repo)| repo.name.as_str());
        let failed = report.repositories.iter().map(|repo| repo.repo.as_str());
        let out = report.left_out.iter().map(|left| left.repo.as_str());
        report.unmatched = unmatched::of_list(only, there.chain(failed).chain(out));
    }
    roll
}

/// Lists only some repositories, by forge.
pub(super) async fn look(
    setup: &Setup,
    wanted: &BTreeMap<String, Wanted>,
    only: &RepoGlobs,
    remember: bool,
    report: &mut Report,
) -> Roll {
    let forges = setup.forges.iter();
    let asked = forges.filter_map(|forge| Some((forge, wanted.get(forge.name())?)));
    let asked = asked
        .map(|(forge, wanted)| async move { (forge, forge.look(wanted).await, wanted.clone()) });
    let answers = futures::future::join_all(asked).await;
    take_listings(setup, answers, Some(only), remember, report)
}

/// A forge, its listing, and the ids that were known before.
type Answered<'f> = (&'f Arc<dyn Forge>, Result<Listing, ForgeError>, KnownIds);

/// Merges the listings of the forges, and reports what was left out or failed.
fn take_listings(
    setup: &Setup,
    answers: Vec<Answered<'_>>,
    only: Option<&RepoGlobs>,
    remember: bool,
    report: &mut Report,
) -> Roll {
    let mut unlisted: BTreeSet<RepoName> = BTreeSet::new();
    let mut registered: Vec<Registered> = Vec::new();
    for (forge, listing, known) in answers {
        let listing = match listing {
            Ok(listing) => listing,
            Err(error) => {
                report
                    .problems
                    .push(ProblemReport::of_forge(forge.name(), &error));
                unlisted.extend(known.into_keys());
                continue;
            }
        };
        let wanted = |name: &str| {
            only.is_none_or(|globs| RepoName::parse(name).is_ok_and(|name| globs.select(&name)))
        };
        for (name, error) in listing.failed {
            unlisted.extend(RepoName::parse(&name));
            if wanted(&name) {
                let problem = ProblemReport::from(&error);
                report
                    .repositories
                    .push(RepositoryReport::failed_with(name, problem));
            }
        }
        report.left_out.extend(
            listing
                .left_out
                .into_iter()
                .filter(|left| wanted(&left.name))
                .map(|left| LeftOutReport {
                    repo: left.name,
                    why: left.why,
                }),
        );
        for repo in listing.repositories {
            match replaced(&known, &repo) {
                Some(_) if !wanted(repo.name.as_str()) => {}
                Some(problem) => report.repositories.push(RepositoryReport::failed_with(
                    repo.name.to_string(),
                    problem,
                )),
                None => {
                    if remember && known.get(&repo.name) != Some(&repo.id) {
                        let key = format!("{} {}", forge.name(), repo.name);
                        setup.store.keep(StoredKind::Registered, &key, &repo.id);
                    }
                    registered.push((Arc::clone(forge), repo));
                }
            }
        }
    }
    for (_, repo) in &registered {
        if let Some(registry) = &repo.registry {
            setup.list_registry(registry);
        }
    }
    // Two tokens or two configured forges may see the same repository: the first one processes it.
    let mut seen = BTreeMap::new();
    registered.retain(|(forge, repo)| {
        let first = seen
            .entry(repo.remote.url().to_owned())
            .or_insert_with(|| forge.name().to_owned());
        *first == forge.name()
    });
    for (_, repo) in &registered {
        unlisted.remove(&repo.name);
    }
    Roll {
        repositories: registered,
        unlisted,
    }
}

/// The ids that the paths of a forge had in the last listing.
pub(super) fn known(setup: &Setup, forge: &str) -> KnownIds {
    let all = setup.store.all_kept(StoredKind::Registered);
    all.into_iter()
        .filter_map(|(key, id)| {
            let name = key.strip_prefix(forge)?.strip_prefix(' ')?;
            Some((RepoName::parse(name).ok()?, id))
        })
        .collect()
}

/// The problem if a path now belongs to another repository than before: someone else may have taken it over (T19).
fn replaced(known: &KnownIds, repo: &Repository) -> Option<ProblemReport> {
    let before = known.get(&repo.name).filter(|id| **id != repo.id)?;
    Some(ProblemReport {
        since: None,
        code: "repo-replaced".to_owned(),
        message: format!(
            "{} is a different repository now: its id was {before} and is {}",
            repo.name, repo.id
        ),
        help: Some(format!(
            "if this is intended, run `imagebot repos forget {}`",
            repo.name
        )),
    })
}
