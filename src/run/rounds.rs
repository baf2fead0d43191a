//! Asking and deciding: what a decision needs and nobody knows is asked for, once for the whole fleet, and the decision
//! is made again when the answer is there.
//!
//! Answers are taken as they come, so a host that is slow delays the references that need it and no others.

use super::deadline::Deadlines;
use super::lookup::{Answer, ask_in_time};
use super::repo::Asker;
use super::setup::Setup;
use crate::plan::{
    Ask, Decision, Failure, FailureKind, Lookup, Observations, Proposed, Question, decide,
};
use crate::repo::RepoPath;
use crate::source::Located;
use crate::store::StoredKind;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use tokio::time::Instant;

/// A reference: the repository's index, and the reference's in it.
type Place = (usize, usize);

/// Told how many of how many questions are answered.
pub type Ticked<'s> = &'s (dyn Fn(usize, usize) + Sync);

/// The decisions of a fleet in the making.
pub(super) struct Rounds<'s> {
    setup: &'s Setup,
    proposed: &'s [Proposed],
    now: Timestamp,
    traces: bool,
    ticked: Ticked<'s>,
    pub(super) deadlines: &'s Deadlines,
    lookups: Vec<Vec<Result<Option<Lookup>, Failure>>>,
    decided: Vec<Vec<Option<Decision>>>,
    /// How many references of each repository are not decided.
    left: Vec<usize>,
    waiting: HashMap<Question, Vec<Place>>,
    flying: FuturesUnordered<BoxFuture<'s, (Question, Answer)>>,
    /// Answers that came while something else was done.
    arrived: Vec<(Question, Answer)>,
    asked: usize,
    /// What was answered so far.
    pub(super) seen: Observations,
}

impl<'s> Rounds<'s> {
    /// Prepares the decisions of `works`; `proposed` has what open merge requests propose, for each of them.
    pub(super) fn new(
        setup: &'s Setup,
        works: &[Asker<'_>],
        proposed: &'s [Proposed],
        (now, traces): (Timestamp, bool),
        ticked: Ticked<'s>,
        deadlines: &'s Deadlines,
    ) -> Self {
        let lookups: Vec<Vec<_>> = works.iter().map(|asker| lookups(setup, *asker)).collect();
        let decided = lookups.iter().map(|all| all.iter().map(|_| None).collect());
        Self {
            setup,
            proposed,
            now,
            traces,
            ticked,
            deadlines,
            decided: decided.collect(),
            left: lookups.iter().map(Vec::len).collect(),
            lookups,
            waiting: HashMap::new(),
            flying: FuturesUnordered::new(),
            arrived: Vec::new(),
            asked: 0,
            seen: Observations {
                resume: setup
                    .store
                    .all_kept(StoredKind::Resume)
                    .into_iter()
                    .collect(),
                ..Observations::default()
            },
        }
    }

    /// Makes all decisions that can be made without asking, and asks for the others.
    pub(super) fn begin(&mut self, works: &[Asker<'_>]) {
        let places: Vec<Place> = self
            .lookups
            .iter()
            .enumerate()
            .flat_map(|(repo, all)| (0..all.len()).map(move |reference| (repo, reference)))
            .collect();
        self.decide(works, places);
    }

    /// The repositories whose references are all decided.
    pub(super) fn complete(&self) -> BTreeSet<usize> {
        let complete = self.left.iter().enumerate().filter(|(_, left)| **left == 0);
        complete.map(|(repo, _)| repo).collect()
    }

    /// Whether everything is decided.
    pub(super) fn is_done(&self) -> bool {
        self.flying.is_empty() && self.arrived.is_empty()
    }

    /// Does something else while the look-ups go on: one that nobody polls keeps its place at its host, and its time
    /// runs.
    pub(super) async fn during<T>(&mut self, other: impl Future<Output = T>) -> T {
        tokio::pin!(other);
        loop {
            tokio::select! {
                biased;
                done = &mut other => return done,
                Some(answer) = self.flying.next() => self.arrived.push(answer),
            }
        }
    }

    /// Takes answers and decides until everything is decided, or until a moment.
    pub(super) async fn until(&mut self, works: &[Asker<'_>], moment: Option<Instant>) {
        while !self.is_done() {
            let answer = match moment {
                _ if !self.arrived.is_empty() => self.arrived.pop(),
                None => self.flying.next().await,
                Some(moment) => match tokio::time::timeout_at(moment, self.flying.next()).await {
                    Ok(answer) => answer,
                    Err(_) => return,
                },
            };
            let mut places = Vec::new();
            let mut next = answer;
            while let Some((question, answer)) = next {
                answer.keep(&mut self.seen);
                places.extend(self.waiting.remove(&question).unwrap_or_default());
                // Those that are there already are taken along.
                next = match self.arrived.pop() {
                    Some(answer) => Some(answer),
                    None => futures::FutureExt::now_or_never(self.flying.next()).flatten(),
                };
            }
            self.decide(works, places);
            (self.ticked)(self.asked - self.flying.len(), self.asked);
        }
    }

    /// What was answered, at the end.
    pub(super) fn into_seen(self) -> Observations {
        self.seen
    }

    /// The decisions of a repository, once: they are complete.
    pub(super) fn take(&mut self, repo: usize) -> Vec<Decision> {
        std::mem::take(&mut self.decided[repo])
            .into_iter()
            .flatten()
            .collect()
    }

    fn decide(&mut self, works: &[Asker<'_>], places: Vec<Place>) {
        for (repo, reference) in places {
            let parsed = works[repo].parsed;
            let (path, located): &(RepoPath, Located) = &parsed.references[reference];
            let lookup = &self.lookups[repo][reference];
            let ask = Ask {
                repo: parsed.name.as_ref(),
                path,
                located,
                policy: &parsed.policy,
                lookup: lookup.as_ref().map(Option::as_ref).map_err(Clone::clone),
                seen: &self.seen,
                now: self.now,
                proposed: &self.proposed[repo],
                inner: parsed.images.truth(path, located),
                traces: self.traces,
                candidates: self.setup.operator.candidates,
            };
            match decide(&ask) {
                Ok(decision) => {
                    self.decided[repo][reference] = Some(decision);
                    self.left[repo] -= 1;
                }
                Err(question) => self.want(question, (repo, reference)),
            }
        }
    }

    fn want(&mut self, question: Question, place: Place) {
        let waiting = self.waiting.entry(question.clone()).or_default();
        waiting.push(place);
        if waiting.len() > 1 {
            return;
        }
        self.asked += 1;
        let (setup, now, deadlines) = (self.setup, self.now, self.deadlines);
        let asked = ask_in_time(setup, question, now, deadlines);
        self.flying.push(Box::pin(asked));
    }
}

/// Where each reference of a repository is looked up. Images beyond the repository's budget are not asked for in this
/// pass; the next one begins with them.
fn lookups(setup: &Setup, asker: Asker<'_>) -> Vec<Result<Option<Lookup>, Failure>> {
    let all = asker.parsed.references.iter();
    let mut all: Vec<_> = all
        .map(|(_, located)| lookup(setup, asker, located))
        .collect();
    let most = setup.config.budget.lookups;
    let named = all.iter().flatten().flatten();
    let names: BTreeSet<String> = named.map(|lookup| lookup.image.canonical()).collect();
    if names.len() <= most {
        return all;
    }
    let name = asker.parsed.name.as_ref();
    let key = name.map_or_else(String::new, ToString::to_string);
    let last = setup.store.kept(StoredKind::Turn, &key).unwrap_or_default();
    let behind = names.range::<str, _>((
        std::ops::Bound::Excluded(last.as_str()),
        std::ops::Bound::Unbounded,
    ));
    let turn: Vec<&String> = behind.chain(&names).take(most).collect();
    let this_pass: BTreeSet<&str> = turn.iter().map(|name| name.as_str()).collect();
    // A folder that somebody looks at is no pass.
    if let Some(last) = turn.last().filter(|_| name.is_some()) {
        setup.store.keep(StoredKind::Turn, &key, last);
    }
    let count = names.len();
    for slot in &mut all {
        let over = matches!(slot, Ok(Some(lookup)) if !this_pass.contains(lookup.image.canonical().as_str()));
        if over {
            *slot = Err(Failure {
                code: "over-budget",
                message: format!(
                    "the repository names {count} images, and at most {most} are looked up per pass; this one follows \
                     in a later pass"
                ),
                help: Some(format!("[budget]\nlookups = {count}")),
                kind: FailureKind::Budget,
            });
        }
    }
    all
}

fn lookup(setup: &Setup, asker: Asker<'_>, located: &Located) -> Result<Option<Lookup>, Failure> {
    let Some(reference) = located.reference() else {
        return Ok(None);
    };
    setup
        .lookup(&reference.name, asker.parsed.name.as_ref(), asker.registry)
        .map_err(|error| Failure {
            code: "secret",
            message: error.to_string(),
            help: None,
            kind: FailureKind::Wrong,
        })
}

/// Remembers where the search for a newer tag stopped for want of budget, and forgets where it did not.
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
