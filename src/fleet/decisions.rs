//! The decisions of a fleet, and other results that are derived from its facts and cached.
//!
//! [`decide`] returns one question at a time. A question that many references share is sent once, and its answer causes
//! only the references that waited for it to be decided again.
//!
//! The cache must never change a result: [`plan`](super::plan()) gives the same answer with an empty one. So everything
//! that a fact can affect is dropped when that fact changes, rather than patched.

use super::known::Fleet;
use super::need::Need;
use super::place::place;
use super::record::Access;
use super::repo_plan::{Ground, Proposals};
use crate::family::Graph;
use crate::plan::{Ask, Decision, Question, decide};
use crate::policy::Age;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// A reference: the index of its repository, and its index in it.
type Place = (usize, usize);

/// The cached results.
#[derive(Debug, Default)]
pub(super) struct Memo {
    repos: HashMap<usize, RepoMemo>,
    /// The references that wait for an answer, by question.
    waiting: HashMap<Question, Vec<Place>>,
    /// The references to decide, for the first time or again.
    due: Vec<Place>,
    /// The questions that still have to be sent.
    unasked: BTreeSet<Question>,
    /// The questions that were sent and have no answer yet.
    in_flight: HashSet<Question>,
    /// The number of questions so far, and of those with an answer.
    asked: usize,
    answered: usize,
    proposals: HashMap<usize, (Ground, Arc<Proposals>)>,
    /// Whether deciding has started in all repositories in scope: then only an answer leads to further decisions.
    is_begun: bool,
    /// The UTC day of the last pass: date tags are judged by it.
    today: Option<Date>,
}

#[derive(Debug)]
struct RepoMemo {
    slots: Vec<Option<Decision>>,
    left: usize,
    /// All decisions, once complete.
    decisions: Option<Arc<Vec<Decision>>>,
    /// The questions about images to propose and to replace that have no answer yet.
    facts: BTreeSet<Question>,
    /// The decisions with their positions in the family, until the family changes.
    placed: Option<Arc<Vec<Decision>>>,
}

impl Memo {
    pub(super) fn proposals(&self, repo: usize, ground: &Ground) -> Option<Arc<Proposals>> {
        let (known, proposals) = self.proposals.get(&repo)?;
        (known == ground).then(|| Arc::clone(proposals))
    }

    pub(super) fn keep_proposals(&mut self, repo: usize, ground: Ground, made: Arc<Proposals>) {
        self.proposals.insert(repo, (ground, made));
    }

    /// Handles an answer: the references that waited for it are due again.
    pub(super) fn answered(&mut self, question: &Question) {
        self.answered += 1;
        self.unasked.remove(question);
        self.in_flight.remove(question);
        self.due
            .extend(self.waiting.remove(question).into_iter().flatten());
    }

    /// Records that these questions were sent.
    pub(super) fn asked<'q>(&mut self, questions: impl Iterator<Item = &'q Question>) {
        for question in questions {
            self.unasked.remove(question);
            self.in_flight.insert(question.clone());
        }
    }

    /// The number of answered questions, and of all questions.
    pub(super) fn progress(&self) -> (usize, usize) {
        (self.answered, self.asked)
    }

    /// Marks all positions as outdated because the family has changed. The decisions themselves stay valid: they don't
    /// depend on other repositories.
    pub(super) fn family_changed(&mut self) {
        self.repos.values_mut().for_each(|repo| repo.placed = None);
    }

    /// Drops everything about a repository whose merge requests have changed: what they propose affects the decisions.
    pub(super) fn forget(&mut self, repo: usize) {
        self.is_begun = false;
        self.proposals.remove(&repo);
        if self.repos.remove(&repo).is_none() {
            return;
        }
        for places in self.waiting.values_mut() {
            places.retain(|(of, _)| *of != repo);
        }
        self.due.retain(|(of, _)| *of != repo);
    }

    /// Records that deciding has started in all repositories in scope.
    pub(super) fn all_begun(&mut self) {
        self.is_begun = true;
    }

    /// Starts a pass: time-dependent decisions are dropped.
    pub(super) fn begin_pass(&mut self, now: Timestamp) {
        let today = Some(now.to_zoned(TimeZone::UTC).date());
        let is_another_day = std::mem::replace(&mut self.today, today) != today;
        // A pass may run every few minutes, so decisions are kept unless time can change them: through `min_age`,
        // through the date of a new day, or because they are incomplete anyway.
        let depends = |decision: &Decision| {
            let settings = decision.effective.as_ref().map(|it| &it.settings);
            settings.is_some_and(|settings| settings.min_age.value > Age::NONE)
        };
        let timed = self.repos.iter().filter(|(_, of_repo)| {
            let decisions = of_repo.decisions.iter().flat_map(|all| all.iter());
            is_another_day || of_repo.left > 0 || decisions.into_iter().any(depends)
        });
        let timed: Vec<usize> = timed.map(|(repo, _)| *repo).collect();
        timed.into_iter().for_each(|repo| self.forget(repo));
    }

    /// The decisions of a repository, without taking the family into account.
    pub(super) fn decisions(&self, repo: usize) -> Arc<Vec<Decision>> {
        let of_repo = self.repos.get(&repo);
        let decisions = of_repo.and_then(|of_repo| of_repo.decisions.clone());
        decisions.unwrap_or_default()
    }

    /// Decides about the references that are due.
    fn judge_due(&mut self, fleet: &Fleet, now: Timestamp) {
        let mut proposed = HashMap::new();
        for (repo, reference) in std::mem::take(&mut self.due) {
            let it = &fleet.repos[repo];
            let parsed = &it.parsed;
            let (path, located) = &parsed.references[reference];
            let lookup = it.lookups.as_ref().map(|all| &all[reference]);
            let ask = Ask {
                repo: it.parsed.name.as_ref(),
                path,
                located,
                policy: &parsed.policy,
                lookup: match lookup {
                    Some(lookup) => lookup.as_ref().map(Option::as_ref).map_err(Clone::clone),
                    None => Ok(None),
                },
                seen: &fleet.seen,
                now,
                proposed: proposed
                    .entry(repo)
                    .or_insert_with(|| it.existing.proposed()),
                inner: parsed.images.truth(path, located),
                traces: fleet.traces,
                candidates: fleet.operator.candidates,
            };
            match decide(&ask) {
                Ok(decision) => {
                    // The repository may have been forgotten in the meantime; its decision is then outdated.
                    if let Some(of_repo) = self.repos.get_mut(&repo) {
                        of_repo.take(fleet, reference, decision);
                        for question in of_repo.facts.clone() {
                            self.want(question);
                        }
                    }
                }
                Err(question) => {
                    let waiting = self.waiting.entry(question.clone()).or_default();
                    waiting.push((repo, reference));
                    // Only the first reference that waits for a question sends it.
                    if waiting.len() == 1 {
                        self.want(question);
                    }
                }
            }
        }
    }

    fn want(&mut self, question: Question) {
        if !self.in_flight.contains(&question) && self.unasked.insert(question) {
            self.asked += 1;
        }
    }
}

/// The further needs while questions are in progress. Nothing can be complete until they are answered, so only the
/// references affected by the newest answers are decided, instead of going through the whole fleet on every answer.
pub(super) fn still_waiting(fleet: &Fleet, now: Timestamp) -> Option<BTreeSet<Need>> {
    let mut memo = fleet.memo();
    if memo.in_flight.is_empty() || !memo.is_begun {
        return None;
    }
    memo.judge_due(fleet, now);
    let unasked = memo.unasked.iter().cloned();
    Some(unasked.map(Need::Registry).collect())
}

/// Decides about all references of these repositories, as far as the facts allow.
pub(super) fn decide_in(fleet: &Fleet, repos: &BTreeSet<usize>, now: Timestamp) -> BTreeSet<Need> {
    let mut memo = fleet.memo();
    let mut needs = BTreeSet::new();
    for repo in repos {
        if memo.repos.contains_key(repo) {
            continue;
        }
        let it = &fleet.repos[*repo];
        if it.access == Access::Pending {
            continue;
        }
        let count = it.parsed.references.len();
        if it.lookups.is_none() && count > 0 {
            needs.insert(Need::Lookups(*repo));
            continue;
        }
        memo.repos.insert(*repo, RepoMemo::new(count));
        memo.due
            .extend((0..count).map(|reference| (*repo, reference)));
    }
    memo.judge_due(fleet, now);
    needs.extend(memo.unasked.iter().cloned().map(Need::Registry));
    needs
}

impl RepoMemo {
    fn new(references: usize) -> Self {
        Self {
            slots: (0..references).map(|_| None).collect(),
            left: references,
            decisions: (references == 0).then(Arc::default),
            facts: BTreeSet::new(),
            placed: None,
        }
    }

    /// Adds a decision. After the last one, the facts about the images to propose are requested: not before, because an
    /// image may still turn out to be unusable.
    fn take(&mut self, fleet: &Fleet, reference: usize, decision: Decision) {
        self.slots[reference] = Some(decision);
        self.left -= 1;
        if self.left == 0 {
            let slots = std::mem::take(&mut self.slots).into_iter();
            let decisions: Vec<Decision> = slots.flatten().collect();
            let facts = decisions.iter().flat_map(facts);
            self.facts = facts.filter(|it| !fleet.seen.answers(it)).collect();
            self.decisions = Some(Arc::new(decisions));
        }
    }

    /// Whether no more facts are needed for it.
    fn is_complete(&mut self, fleet: &Fleet) -> bool {
        self.facts.retain(|question| !fleet.seen.answers(question));
        self.decisions.is_some() && self.facts.is_empty()
    }
}

/// The questions about the images that a decision proposes, and about the one that they replace.
fn facts(decision: &Decision) -> Vec<Question> {
    let Some(lookup) = &decision.lookup else {
        return Vec::new();
    };
    let targets = decision.wanted.iter().filter_map(|it| it.target.clone());
    let targets = targets.map(|target| Question::Facts(lookup.clone(), target));
    let mut questions: Vec<Question> = targets.collect();
    if !questions.is_empty()
        && let Some(pointer) = decision.replaced()
    {
        questions.push(Question::Replaced(lookup.clone(), pointer));
    }
    questions
}

/// The repositories, of those given, about which all facts are known.
pub(super) fn complete(fleet: &Fleet, repos: &BTreeSet<usize>) -> BTreeSet<usize> {
    let mut memo = fleet.memo();
    let complete = repos.iter().copied().filter(|repo| {
        let of_repo = memo.repos.get_mut(repo);
        of_repo.is_some_and(|of_repo| of_repo.is_complete(fleet))
    });
    complete.collect()
}

/// The decisions of a repository, with their positions in the family.
pub(super) fn decisions_of(
    fleet: &Fleet,
    graph: &Graph,
    before: &dyn Fn(&crate::image::ImageName) -> Option<String>,
    repo: usize,
) -> Arc<Vec<Decision>> {
    let mut memo = fleet.memo();
    let Some(of_repo) = memo.repos.get_mut(&repo) else {
        return Arc::default();
    };
    if let Some(placed) = &of_repo.placed {
        return Arc::clone(placed);
    }
    let Some(decisions) = &of_repo.decisions else {
        return Arc::default();
    };
    let mut placed = Arc::clone(decisions);
    let operator = &fleet.operator;
    let concerns = |decision: &Decision| {
        let reference = decision.reference();
        let image = reference.map(|reference| operator.resolve(&reference.name));
        image.is_some_and(|image| graph.publisher(&image).is_some() || before(&image).is_some())
    };
    // Without an image of the family, nothing has to be copied.
    if placed.iter().any(concerns) {
        let names = |repo: usize| fleet.repos[repo].name.to_string();
        let decisions = Arc::make_mut(&mut placed);
        place(decisions, repo, graph, operator, &names, before);
    }
    of_repo.placed = Some(Arc::clone(&placed));
    placed
}
