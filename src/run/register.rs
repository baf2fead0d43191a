//! Which repositories there are, and whether they are still those that they were.

use super::report::{LeftOutReport, ProblemReport, Report, RepositoryReport};
use super::setup::Setup;
use super::unmatched;
use crate::forge::{Forge, ForgeError, Known, Listing, Repository};
use crate::repo::{RepoGlobs, RepoName};
use crate::store::StoredKind;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A repository and the forge that it is on.
pub type Registered = (Arc<dyn Forge>, Repository);

/// The ids of repositories that a forge is asked for.
pub(super) use crate::forge::Known as Wanted;

/// The repositories of all forges.
pub(super) struct Roll {
    /// Those that can be worked on.
    pub(super) repositories: Vec<Registered>,
    /// Those that are not listed now although they are, or were, registered: unknown, never gone.
    pub(super) unlisted: BTreeSet<RepoName>,
}

/// Which repositories there are, and what was left out or went wrong, for people to look at.
pub async fn survey(setup: &Setup) -> (Vec<Registered>, Report) {
    let mut report = Report::new(true);
    let registered = register(setup, None, false, &mut report).await;
    let registered = registered.repositories;
    report.left_out.sort();
    (registered, report)
}

/// Forgets which id a path stood for: another repository may have it from now on. Whether something was forgotten.
pub fn forget(setup: &Setup, name: &RepoName) -> bool {
    let mut forgotten = false;
    for forge in &setup.forges {
        let key = format!("{} {name}", forge.name());
        forgotten |= setup.store.kept(StoredKind::Registered, &key).is_some();
        setup.store.forget(StoredKind::Registered, &key);
    }
    forgotten
}

/// Asks the forges for their repositories, all at once. A forge that fails stops no other. All are registered, since
/// any may be of the family of those that are looked at; reported is only of these.
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

/// Asks the forges for some repositories, by forge, and for nothing else.
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

/// A forge, what it answered, and the ids that it was asked for.
type Answered<'f> = (&'f Arc<dyn Forge>, Result<Listing, ForgeError>, Known);

/// What forges answered: the repositories, and what was left out or went wrong.
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
    // Two tokens, or two forges of the configuration, may see the same repository: the first one works on it.
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

/// The ids that the paths of a forge stood for when it was asked last.
pub(super) fn known(setup: &Setup, forge: &str) -> Known {
    let all = setup.store.all_kept(StoredKind::Registered);
    all.into_iter()
        .filter_map(|(key, id)| {
            let name = key.strip_prefix(forge)?.strip_prefix(' ')?;
            Some((RepoName::parse(name).ok()?, id))
        })
        .collect()
}

/// A path that stands for another repository than before may have been taken by somebody else (T19).
fn replaced(known: &Known, repo: &Repository) -> Option<ProblemReport> {
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
