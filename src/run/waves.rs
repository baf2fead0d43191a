//! The second half of a pass: who is decided about is acted upon, without waiting for who is not (B4).
//!
//! Usually everything is decided within seconds, and there is one wave. A registry that is slow, or asks for patience,
//! makes those repositories wait that need it, and their families; the others are done before.

use super::deadline::Deadlines;
use super::family::{hold_all, requests_now, sources};
use super::limits::{Room, hold_back};
use super::lookup::labels;
use super::pass::{Prepared, act_all, clear_others, draw, plan_all};
use super::planned::matched;
use super::read::Reading;
use super::repo::{Asker, RepoState};
use super::report::Report;
use super::rounds::{Rounds, remember_stops};
use super::shared::Shared;
use crate::fleet::Family;
use crate::plan::{Decision, Observations, Proposed};
use crate::repo::RepoName;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a wave waits for answers that are not there.
const PATIENCE: Duration = Duration::from_secs(4);

/// The repositories of a pass on their way.
pub(super) struct Waves {
    shared: Shared,
    family: Family,
    cases: Vec<RepoState>,
    proposed: Vec<Proposed>,
    room: Room,
    done: BTreeSet<usize>,
    /// Those that are not listed now although they are, or were, registered.
    unlisted: BTreeSet<RepoName>,
    /// Those that are still being read.
    rest: Option<Reading>,
    /// What was answered so far.
    seen: Observations,
    /// The indices of the rules that matched something.
    used: BTreeSet<usize>,
    saw_something_new: bool,
}

/// What is known at the end of all waves.
pub(super) struct Ended {
    pub(super) family: Family,
    /// The indices of the rules that matched something.
    pub(super) used: BTreeSet<usize>,
    /// Whether a tag or digest was seen for the first time.
    pub(super) saw_something_new: bool,
}

impl Waves {
    pub(super) fn new(prepared: Prepared) -> Self {
        let Prepared {
            shared,
            is_partial,
            family,
            cases,
            proposed,
            unlisted,
            rest,
            ..
        } = prepared;
        Self {
            room: Room::new(&shared, &cases, rest.as_ref(), is_partial),
            shared,
            family,
            cases,
            proposed,
            done: BTreeSet::new(),
            unlisted,
            rest,
            seen: Observations::default(),
            used: BTreeSet::new(),
            saw_something_new: false,
        }
    }

    /// Decides and acts until all repositories are done, but for those that are related to one that is still being read.
    pub(super) async fn run(&mut self, report: &mut Report) {
        let setup = Arc::clone(&self.shared.setup);
        let options = self.shared.options.clone();
        let deadlines = Deadlines::new(&setup);
        let proposed = std::mem::take(&mut self.proposed);
        let ticked = |done, total| options.progress.tick("registries", done, total);
        let first = askers(&self.cases);
        let times = (options.now, options.traces);
        let mut rounds = Rounds::new(&setup, &first, &proposed, times, &ticked, &deadlines);
        rounds.seen = Observations {
            resume: std::mem::take(&mut rounds.seen.resume),
            ..std::mem::take(&mut self.seen)
        };
        rounds.begin(&first);
        drop(first);
        let unread = self.rest.iter().flat_map(Reading::left).count();
        loop {
            let moment = Instant::now() + PATIENCE;
            rounds.until(&askers(&self.cases), Some(moment)).await;
            let all = rounds.is_done();
            let complete = rounds.complete();
            self.collect(&mut rounds, &complete).await;
            let wave = match all && unread == 0 {
                true => (0..self.cases.len()).collect(),
                false => self.family.apart(&complete, self.cases.len() + unread),
            };
            let wave: BTreeSet<usize> = wave.difference(&self.done).copied().collect();
            if !wave.is_empty() {
                let seen = Arc::new(std::mem::take(&mut rounds.seen));
                rounds.during(self.act(&seen, &wave, report)).await;
                // Every task that had it has ended.
                rounds.seen = Arc::into_inner(seen).unwrap_or_default();
            }
            if all {
                break;
            }
        }
        self.saw_something_new |= !rounds.seen.first_seen.is_empty();
        self.seen = rounds.into_seen();
    }

    /// Waits for some of those that are still being read; `false`: there are none.
    pub(super) async fn wait_for_more(&mut self) -> bool {
        let Some(reading) = &mut self.rest else {
            return false;
        };
        let more = reading.next(PATIENCE).await;
        if reading.is_done() || more.is_empty() {
            self.rest = None;
        }
        let setup = &self.shared.setup;
        self.cases.extend(more);
        let whole = self.family.is_whole;
        self.family = draw(setup, &self.cases, self.rest.as_ref(), &self.unlisted);
        self.family.is_whole = whole;
        clear_others(&mut self.cases, &self.family, &self.shared.options);
        self.proposed = self
            .cases
            .iter()
            .map(|case| case.there.proposed())
            .collect();
        true
    }

    /// Takes the decisions of the repositories that are complete, and what images say of the family.
    async fn collect(&mut self, rounds: &mut Rounds<'_>, complete: &BTreeSet<usize>) {
        let setup = Arc::clone(&self.shared.setup);
        for repo in complete.difference(&self.done) {
            let decided = rounds.take(*repo);
            if decided.is_empty() {
                continue;
            }
            remember_stops(&setup, &rounds.seen, decided.iter());
            self.used.extend(matched(&decided));
            self.cases[*repo].decisions = decided;
        }
        let decisions = self.cases.iter().flat_map(|case| &case.decisions);
        let mut seen = std::mem::take(&mut rounds.seen);
        let deadlines = rounds.deadlines;
        rounds
            .during(labels(&setup, decisions, &mut seen, deadlines))
            .await;
        rounds.seen = seen;
        let known = sources(&setup, &rounds.seen);
        self.family.add_labelled(&setup.operator, &known);
    }

    /// Holds, plans and acts in some repositories.
    async fn act(&mut self, seen: &Arc<Observations>, wave: &BTreeSet<usize>, report: &mut Report) {
        let shared = &self.shared;
        // The others have no part in it: nothing connects them.
        let mut others: Vec<(usize, Vec<Decision>)> = Vec::new();
        for (repo, case) in self.cases.iter_mut().enumerate() {
            if !wave.contains(&repo) {
                others.push((repo, std::mem::take(&mut case.decisions)));
            }
        }
        hold_all(shared, seen, &self.family, &mut self.cases, false).await;
        for (repo, decisions) in others {
            self.cases[repo].decisions = decisions;
        }
        let mut now = Vec::new();
        let mut acting = Vec::new();
        for repo in wave {
            self.done.insert(*repo);
            if shared.options.concerns(&self.cases[*repo].listed.name) {
                now.push(self.cases[*repo].take(&shared.setup.operator));
                acting.push(*repo);
            }
        }
        let mut planned = plan_all(shared, Arc::clone(seen), now).await;
        for (repo, planned) in acting.into_iter().zip(&planned) {
            // A label that is read later may connect others with it: they wait for what is coming here.
            self.cases[repo].acted = planned.plan.as_ref().map(|plan| {
                let (there, none) = (&plan.state.there.open, BTreeSet::new());
                let (proposals, results) = (&plan.proposals, &plan.results);
                requests_now(shared, &plan.state, there, &none, proposals, results)
            });
        }
        hold_back(&mut planned, &mut self.room);
        report.repositories.extend(act_all(shared, planned).await);
    }

    pub(super) fn end(self) -> Ended {
        Ended {
            family: self.family,
            used: self.used,
            saw_something_new: self.saw_something_new,
        }
    }
}

fn askers(cases: &[RepoState]) -> Vec<Asker<'_>> {
    cases.iter().map(RepoState::asker).collect()
}
