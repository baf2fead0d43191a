//! Deciding about everything at once.

use super::deadline::Deadlines;
use super::lookup::labels;
use super::rounds::{Rounds, Ticked, remember_stops};
use super::setup::Setup;
use super::work::Work;
use crate::plan::{Ask, Decision, Observations, Proposed, decide};
use jiff::Timestamp;

/// Decides everything. `proposed` has what open merge requests propose, for each of `works`.
pub async fn decide_all(
    setup: &Setup,
    works: &mut [Work],
    proposed: &[Proposed],
    now: Timestamp,
    traces: bool,
    ticked: Ticked<'_>,
) -> Observations {
    let deadlines = Deadlines::new(setup);
    let all: Vec<&Work> = works.iter().collect();
    let mut rounds = Rounds::new(setup, &all, proposed, (now, traces), ticked, &deadlines);
    rounds.begin(&all);
    rounds.until(&all, None).await;
    let decided: Vec<Vec<Decision>> = (0..all.len()).map(|repo| rounds.take(repo)).collect();
    let mut seen = rounds.into_seen();
    for (work, decided) in works.iter_mut().zip(decided) {
        work.decisions = decided;
    }
    remember_stops(setup, &seen, works.iter().flat_map(|work| &work.decisions));
    labels(setup, &*works, &mut seen, &deadlines).await;
    seen
}

/// Decides what follows from the versions that a repository's images have in it: nobody is asked.
pub fn decide_inner(work: &mut Work, now: Timestamp) {
    let (seen, proposed) = (Observations::default(), Proposed::new());
    let decided = work.references.iter().filter_map(|(path, located)| {
        let ask = Ask {
            repo: work.repo.as_ref(),
            path,
            located,
            policy: &work.policy,
            lookup: Ok(None),
            seen: &seen,
            now,
            proposed: &proposed,
            inner: Some(work.images.truth(path, located)?),
            traces: false,
            candidates: 0,
        };
        decide(&ask).ok()
    });
    work.decisions = decided.collect();
}
