//! What is remembered of who publishes what.

use super::super::report::capped;
use super::super::setup::Setup;
use crate::family::{Member, repo_of};
use crate::fleet::{Family, ParsedRepo, member};
use crate::forge::Repository;
use crate::image::ImageName;
use crate::plan::Observations;
use crate::repo::RepoName;
use crate::store::StoredKind;
use std::collections::BTreeMap;

/// Draws the graph of repositories, each with what was read of it. Those that could not be read, and the `unlisted`
/// ones after all others, publish what they published when they were read last.
pub(in crate::run) fn family<'a>(
    setup: &Setup,
    repositories: impl IntoIterator<Item = (&'a Repository, &'a ParsedRepo)>,
    unlisted: impl IntoIterator<Item = RepoName>,
) -> Family {
    let mut before = published_before(setup);
    let mut known = |name: &RepoName| before.remove(name).unwrap_or_default();
    let members = repositories.into_iter();
    let mut members: Vec<Member> = members
        .map(|(repo, parsed)| Member {
            address: repo_of(repo.remote.url()),
            labelled: match parsed.unread {
                true => known(&repo.name),
                false => Vec::new(),
            },
            ..member(&setup.operator, &repo.name, parsed)
        })
        .collect();
    members.extend(unlisted.into_iter().map(|name| Member {
        labelled: known(&name),
        ..Member::new(name)
    }));
    Family::new(&setup.operator, members)
}

/// What each repository published when everybody could be read last.
pub(in crate::run) fn published_before(setup: &Setup) -> BTreeMap<RepoName, Vec<ImageName>> {
    let mut before: BTreeMap<RepoName, Vec<ImageName>> = BTreeMap::new();
    for (image, repo) in setup.store.all_kept(StoredKind::Publisher) {
        if let (Ok(image), Ok(repo)) = (ImageName::parse(&image), RepoName::parse(&repo)) {
            before.entry(repo).or_default().push(image);
        }
    }
    before
}

/// The addresses that images say their sources are at, from what is known of the images that are to be proposed now or
/// were in an earlier pass.
pub(in crate::run) fn sources(setup: &Setup, seen: &Observations) -> BTreeMap<ImageName, String> {
    for ((lookup, _), labels) in &seen.labels {
        if let Some(source) = labels.0.get("org.opencontainers.image.source") {
            let image = lookup.image.canonical();
            if setup.store.kept(StoredKind::Source, &image).as_ref() != Some(source) {
                setup.store.keep(StoredKind::Source, &image, source);
            }
        }
    }
    let kept = setup.store.all_kept(StoredKind::Source).into_iter();
    kept.filter_map(|(image, source)| Some((ImageName::parse(&image).ok()?, source)))
        .collect()
}

/// Remembers who publishes what and who depends on whom, if everybody could be asked.
pub(in crate::run) fn remember_family(setup: &Setup, family: &Family) {
    if family.is_whole {
        replace(setup, StoredKind::Publisher, &family.published());
        replace(setup, StoredKind::Parents, &family.parents());
    }
}

/// Makes the store hold just this, and writes only what is new.
fn replace(setup: &Setup, kind: StoredKind, now: &BTreeMap<String, String>) {
    let before = setup.store.all_kept(kind);
    for key in before.keys().filter(|key| !now.contains_key(*key)) {
        setup.store.forget(kind, key);
    }
    let changed = now
        .iter()
        .filter(|(key, value)| before.get(*key) != Some(*value));
    for (key, value) in changed {
        setup.store.keep(kind, key, value);
    }
}

/// The most findings about the family that are shown.
const MOST_FINDINGS: usize = 100;

/// What is wrong in what repositories say of the family, a line each.
pub(in crate::run) fn findings(family: &Family) -> Vec<String> {
    capped(family.findings(), MOST_FINDINGS)
}
