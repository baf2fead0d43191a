//! The facts about the fleet that the store keeps between passes.

use super::existing::remembered_open;
use super::register::known;
use super::setup::Setup;
use crate::fleet::{Fleet, Plan, Remembered};
use crate::image::ImageName;
use crate::plan::{Decision, ImageFacts, Lookup, Observations};
use crate::store::StoredKind;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};

/// How long opening times of merge requests are kept, in seconds: 90 days.
const KEPT: i64 = 90 * 24 * 3_600;

/// Reads all remembered facts.
pub(super) fn remembered(setup: &Setup, now: Timestamp) -> Remembered {
    let forges = setup.forges.iter().map(|forge| forge.name());
    let sources = setup.store.all_kept(StoredKind::Source).into_iter();
    Remembered {
        registered: forges
            .map(|forge| (forge.to_owned(), known(setup, forge)))
            .collect(),
        publishers: setup.store.all_kept(StoredKind::Publisher),
        parents: setup.store.all_kept(StoredKind::Parents),
        sources: sources
            .filter_map(|(image, source)| Some((ImageName::parse(&image).ok()?, source)))
            .collect(),
        opened: opened(setup, now),
        opening: times(setup, StoredKind::Opening, now),
        open_elsewhere: 0,
    }
}

/// When merge requests were opened; old entries are deleted.
fn opened(setup: &Setup, now: Timestamp) -> BTreeMap<String, Timestamp> {
    let all = setup.store.all_kept(StoredKind::Opened).into_keys();
    let mut kept = BTreeMap::new();
    for key in all {
        let at = setup.store.time(StoredKind::Opened, &key, now.as_second());
        match at.and_then(|at| Timestamp::from_second(at).ok()) {
            Some(at) if at.as_second() > now.as_second() - KEPT => drop(kept.insert(key, at)),
            _ => setup.store.forget(StoredKind::Opened, &key),
        }
    }
    kept
}

fn times(setup: &Setup, kind: StoredKind, now: Timestamp) -> BTreeMap<String, Timestamp> {
    let all = setup.store.all_kept(kind).into_keys();
    let times = all.filter_map(|key| {
        let at = setup.store.time(kind, &key, now.as_second())?;
        Some((key, Timestamp::from_second(at).ok()?))
    });
    times.collect()
}

/// Counts the open merge requests in repositories outside the fleet.
pub(super) fn count_elsewhere(setup: &Setup, fleet: &mut Fleet) {
    let here = fleet
        .repos
        .iter()
        .map(crate::fleet::FleetRepo::key)
        .collect();
    fleet.remembered.open_elsewhere = remembered_open(setup, &here);
}

/// Remembers since when merge requests have been about to be opened, and forgets those that no longer are.
pub(super) fn remember_opening(setup: &Setup, fleet: &mut Fleet, plan: &Plan, now: Timestamp) {
    for (repo, opening) in &plan.opening {
        let prefix = format!("{} ", fleet.repos[*repo].key());
        let known = fleet.remembered.opening.range(prefix.clone()..);
        let known = known.take_while(|(key, _)| key.starts_with(&prefix));
        let over: Vec<String> = known
            .map(|(key, _)| key.clone())
            .filter(|key| !opening.contains(key))
            .collect();
        for key in over {
            setup.store.forget(StoredKind::Opening, &key);
            fleet.remembered.opening.remove(&key);
        }
        for key in opening {
            if !fleet.remembered.opening.contains_key(key) {
                let text = now.as_second().to_string();
                setup.store.keep(StoredKind::Opening, key, &text);
                fleet.remembered.opening.insert(key.clone(), now);
            }
        }
    }
}

/// Remembers the source URL in an image's labels.
pub(super) fn remember_source(setup: &Setup, lookup: &Lookup, facts: &ImageFacts) {
    let image = lookup.image.canonical();
    if let Some(source) = facts.label("source")
        && setup.store.kept(StoredKind::Source, &image).as_deref() != Some(source)
    {
        setup.store.keep(StoredKind::Source, &image, source);
    }
}

/// Remembers the publishers and dependencies, if all repositories could be read.
pub(super) fn remember_family(setup: &Setup, fleet: &Fleet) {
    if fleet.is_whole() {
        let family = fleet.family();
        replace(setup, StoredKind::Publisher, &family.published());
        replace(setup, StoredKind::Parents, &family.parents());
    }
}

/// Replaces all stored values of a kind, and writes only those that changed.
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

/// Where searches for newer tags stopped in earlier passes.
pub(super) fn stops(setup: &Setup) -> HashMap<String, String> {
    setup
        .store
        .all_kept(StoredKind::Resume)
        .into_iter()
        .collect()
}

/// Remembers where searches for newer tags ran out of budget, and forgets the searches that were completed.
pub(super) fn remember_stops<'d>(
    setup: &Setup,
    seen: &Observations,
    decisions: impl Iterator<Item = &'d Decision>,
) {
    for decision in decisions {
        for (key, stopped) in &decision.stops {
            match stopped {
                Some(tag) => setup.store.keep(StoredKind::Resume, key, tag),
                None if seen.resume.contains_key(key) => {
                    setup.store.forget(StoredKind::Resume, key)
                }
                None => {}
            }
        }
    }
}
