//! Deciding about everything at once.

use super::deadline::Deadlines;
use super::lookup::labels;
use super::repo::Asker;
use super::rounds::{Rounds, Ticked, remember_stops};
use super::setup::Setup;
use crate::fleet::ParsedRepo;
use crate::plan::{Ask, Decision, Observations, Proposed, decide};
use jiff::Timestamp;

/// Decides about all references of these repositories, and gives the decisions of each. `proposed` has what open merge
/// requests propose, for each of them.
pub async fn decide_all(
    setup: &Setup,
    askers: &[Asker<'_>],
    proposed: &[Proposed],
    (now, traces): (Timestamp, bool),
    ticked: Ticked<'_>,
) -> (Vec<Vec<Decision>>, Observations) {
    let deadlines = Deadlines::new(setup);
    let mut rounds = Rounds::new(setup, askers, proposed, (now, traces), ticked, &deadlines);
    rounds.begin(askers);
    rounds.until(askers, None).await;
    let decided: Vec<Vec<Decision>> = (0..askers.len()).map(|repo| rounds.take(repo)).collect();
    let mut seen = rounds.into_seen();
    remember_stops(setup, &seen, decided.iter().flatten());
    labels(setup, decided.iter().flatten(), &mut seen, &deadlines).await;
    (decided, seen)
}

/// Decides what follows from the versions that a repository's images have in it: nobody is asked.
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
