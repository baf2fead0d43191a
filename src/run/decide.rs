//! Decides about repositories without their family: for a folder, and for the build order.

use super::lookups::lookups;
use super::questions::Questions;
use super::remembered::{remember_stops, stops};
use super::setup::Setup;
use crate::fleet::{Fleet, FleetRepo, Need, ParsedRepo, Remembered, decisions};
use crate::plan::{Ask, Decision, Observations, Proposed, decide};
use crate::repo::RepoName;
use jiff::Timestamp;
use std::sync::Arc;

/// A callback with the number of answered questions and the number of all questions.
pub type Ticked<'s> = &'s (dyn Fn(usize, usize) + Sync);

/// Decides about all references of a folder without a forge.
pub async fn decide_folder(
    setup: &Setup,
    parsed: ParsedRepo,
    (now, traces): (Timestamp, bool),
    ticked: Ticked<'_>,
) -> (Arc<ParsedRepo>, Vec<Decision>, Observations) {
    let setup = Arc::new(setup.clone());
    let mut fleet = folder(&setup, parsed);
    fleet.traces = traces;
    let decided = decide_all(&setup, &mut fleet, now, ticked).await;
    let decided = decided.into_iter().next().unwrap_or_default();
    let parsed = Arc::clone(&fleet.repos[0].parsed);
    let decided = Arc::try_unwrap(decided).unwrap_or_else(|shared| shared.as_ref().clone());
    (parsed, decided, fleet.seen)
}

/// A fleet that consists of one folder.
pub(super) fn folder(setup: &Setup, parsed: ParsedRepo) -> Fleet {
    let lookups = lookups(setup, &parsed, None);
    let operator = Arc::clone(&setup.operator);
    let mut fleet = Fleet::new(operator, None, Remembered::default());
    let name = RepoName::parse("folder").unwrap_or_else(|_| unreachable!("it is a valid name"));
    fleet.list([FleetRepo::folder(name, parsed, lookups)]);
    fleet
}

/// Decides about all references of a fleet whose repositories have been read.
pub(super) async fn decide_all(
    setup: &Arc<Setup>,
    fleet: &mut Fleet,
    now: Timestamp,
    ticked: Ticked<'_>,
) -> Vec<Arc<Vec<Decision>>> {
    fleet.seen.resume = stops(setup);
    let mut asked = Questions::new(setup, now);
    loop {
        let needs = match decisions(fleet, now) {
            Ok(decided) => {
                let all = decided.iter().flat_map(|decided| decided.iter());
                remember_stops(setup, &fleet.seen, all);
                return decided;
            }
            Err(needs) => needs,
        };
        fleet.asked(&needs);
        for need in needs {
            if let Need::Registry(question) = need {
                asked.ask(question);
            }
        }
        if let Some((question, observation)) = asked.next().await {
            fleet.learn(&question, observation, now);
            while let Some((question, observation)) = asked.arrived() {
                fleet.learn(&question, observation, now);
            }
        }
        let (done, total) = fleet.progress();
        ticked(done, total);
    }
}

/// The decisions that follow from the versions of a repository's own images; no registry is contacted.
pub fn decide_inner(parsed: &ParsedRepo, now: Timestamp) -> Vec<Decision> {
    let (seen, proposed) = (Observations::default(), Proposed::new());
    let decided = parsed.references.iter().filter_map(|(path, located)| {
        let ask = Ask {
            repo: parsed.name.as_ref(),
            path,
            located,
            policy: &parsed.policy,
            lookup: Ok(None),
            seen: &seen,
            now,
            proposed: &proposed,
            inner: Some(parsed.images.truth(path, located)?),
            traces: false,
            candidates: 0,
        };
        decide(&ask).ok()
    });
    decided.collect()
}
