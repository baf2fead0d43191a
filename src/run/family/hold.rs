//! Letting references wait for what goes on above them.

use super::super::planned::preview;
use super::super::repo::RepoState;
use super::super::shared::Shared;
use super::activity::{Activity, facts, facts_of_unlisted};
use crate::family::hold::Facts;
use crate::fleet::Family;
use crate::image::ImageName;
use crate::plan::{Around, Decision, Household, Observations, Proposed, above, hold, place};
use crate::store::StoredKind;
use futures::StreamExt as _;
use std::collections::{BTreeMap, BTreeSet};

/// How many repositories are asked at once what goes on in them.
const AT_ONCE: usize = 8;

/// Places all decisions in the family and lets those wait that have to. The forges are asked only what goes on above a
/// reference that something new is wanted for; with `everywhere`, what goes on in all repositories.
pub(in crate::run) async fn hold_all(
    shared: &Shared,
    seen: &Observations,
    family: &Family,
    cases: &mut [RepoState],
    everywhere: bool,
) -> BTreeMap<usize, Facts> {
    let setup = &shared.setup;
    let graph = &family.graph;
    let resolve = |image: &ImageName| setup.operator.resolve(image);
    let names = |repo: usize| family.name(repo).to_string();
    let before = match family.is_whole {
        true => BTreeMap::new(),
        false => setup.store.all_kept(StoredKind::Publisher),
    };
    let before = |image: &ImageName| before.get(&image.canonical()).cloned();
    for (repo, case) in cases.iter_mut().enumerate() {
        let decisions = &mut case.decisions;
        place(decisions, repo, graph, &names, &resolve, &before);
    }
    let mut decisions: Vec<Vec<Decision>> = cases
        .iter_mut()
        .map(|case| std::mem::take(&mut case.decisions))
        .collect();
    let mut of_unlisted = vec![Vec::new(); family.members.len() - cases.len()];
    let mut households = households(family, cases, &mut decisions);
    households.extend(of_unlisted.iter_mut().enumerate().map(|(index, none)| {
        let name = family.name(cases.len() + index).to_string();
        Household {
            name,
            noun: "merge request",
            decisions: none,
            proposed: Proposed::new(),
        }
    }));
    let above = match everywhere {
        true => (0..family.members.len()).collect(),
        false => above(graph, &households),
    };
    let activities = activities(shared, cases, &above).await;
    let proven = |decision: &Decision, repo: usize| {
        let head = cases.get(repo).and_then(|case| case.base.as_ref());
        head.is_some_and(|(_, head)| revision(decision, seen) == Some(head.as_str()))
    };
    let around = Around {
        graph,
        members: &family.members,
        resolve: &resolve,
        proven: &proven,
        now: shared.options.now,
    };
    let mut facts_of = |repo: usize, decisions: &mut Vec<Decision>| {
        if repo >= cases.len() {
            return facts_of_unlisted(shared, family.name(repo));
        }
        let (proposals, results) = preview(shared, seen, &cases[repo], decisions);
        let activity = activities.get(&repo).cloned().unwrap_or_default();
        facts(shared, &cases[repo], activity, &proposals, &results)
    };
    let found = hold(&mut households, &around, &above, &mut facts_of);
    for (case, decisions) in cases.iter_mut().zip(decisions) {
        case.decisions = decisions;
    }
    found
}

fn households<'a>(
    family: &Family,
    cases: &[RepoState],
    decisions: &'a mut [Vec<Decision>],
) -> Vec<Household<'a>> {
    let with = cases.iter().zip(decisions).enumerate();
    with.map(|(repo, (case, decisions))| Household {
        name: family.name(repo).to_string(),
        noun: case.forge.noun(),
        decisions,
        proposed: case.there.proposed(),
    })
    .collect()
}

/// What the forges say of these repositories.
async fn activities(
    shared: &Shared,
    cases: &[RepoState],
    repos: &BTreeSet<usize>,
) -> BTreeMap<usize, Activity> {
    let asked = repos
        .iter()
        .filter(|repo| **repo < cases.len())
        .map(|repo| async { (*repo, Activity::of(shared, &cases[*repo]).await) });
    let asked: Vec<_> = asked.collect();
    futures::stream::iter(asked)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await
}

/// The commit that an image says it was made from.
fn revision<'a>(decision: &Decision, seen: &'a Observations) -> Option<&'a str> {
    let lookup = decision.lookup.clone()?;
    let target = decision.wanted.first()?.target.clone()?;
    let labels = &seen.labels.get(&(lookup, target))?.0;
    let revision = labels.get("org.opencontainers.image.revision")?;
    Some(revision.as_str())
}
