//! The rounds of asking and deciding.

use super::lookup::{answer, labels};
use super::setup::Setup;
use super::work::Work;
use crate::plan::{Ask, Decision, Failure, Lookup, Observations, Proposed, Question, decide};
use crate::source::Located;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Decides everything, in rounds: what is not known yet is asked for once for the whole fleet, then decided again.
/// `proposed` has what open merge requests propose, for each of `works`.
pub async fn decide_all(
    setup: &Setup,
    works: &mut [Work],
    proposed: &[Proposed],
    now: Timestamp,
    traces: bool,
    ticked: &(dyn Fn(usize, usize) + Sync),
) -> Observations {
    let mut seen = Observations::default();
    let lookups: Vec<Vec<Result<Option<Lookup>, Failure>>> = works
        .iter()
        .map(|work| {
            work.references
                .iter()
                .map(|(_, located)| lookup(setup, work, located))
                .collect()
        })
        .collect();
    let mut decided: Vec<Vec<Option<Decision>>> = works
        .iter()
        .map(|work| work.references.iter().map(|_| None).collect())
        .collect();
    let mut asked = 0;
    loop {
        let mut questions: BTreeSet<Question> = BTreeSet::new();
        let all = works.iter().zip(&lookups).zip(&mut decided).zip(proposed);
        for (((work, lookups), decided), proposed) in all {
            for (((path, located), lookup), slot) in
                work.references.iter().zip(lookups).zip(decided)
            {
                if slot.is_some() {
                    continue;
                }
                let ask = Ask {
                    repo: work.repo.as_ref(),
                    path,
                    located,
                    policy: &work.policy,
                    lookup: lookup.as_ref().map(Option::as_ref).map_err(Clone::clone),
                    seen: &seen,
                    now,
                    proposed,
                    inner: work.images.truth(path, located),
                    traces,
                };
                match decide(&ask) {
                    Ok(decision) => *slot = Some(decision),
                    Err(question) => {
                        questions.insert(question);
                    }
                }
            }
        }
        questions.retain(|question| !seen.answers(question));
        if questions.is_empty() {
            break;
        }
        let total = asked + questions.len();
        answer(setup, questions, &mut seen, now, &|done| {
            ticked(asked + done, total)
        })
        .await;
        asked = total;
    }
    for (work, decided) in works.iter_mut().zip(decided) {
        work.decisions = decided.into_iter().flatten().collect();
    }
    labels(setup, works, &mut seen).await;
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
        };
        decide(&ask).ok()
    });
    work.decisions = decided.collect();
}

fn lookup(setup: &Setup, work: &Work, located: &Located) -> Result<Option<Lookup>, Failure> {
    let Some(reference) = located.reference() else {
        return Ok(None);
    };
    setup
        .lookup(&reference.name, work.repo.as_ref(), work.registry.as_ref())
        .map_err(|error| Failure {
            code: "secret",
            message: error.to_string(),
            help: None,
            quota: false,
        })
}
