//! The decisions of a fleet in the making, and what else follows from facts and need not be worked out twice.
//!
//! [`decide`] names one question at a time. What is wanted by many references is asked once; with the answer, only the
//! references that waited for it are judged again.

use super::known::Fleet;
use super::need::Need;
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

/// A reference: the repository's index, and the reference's in it.
type Place = (usize, usize);

/// What was worked out from the facts so far.
#[derive(Debug, Default)]
pub(super) struct Memo {
    repos: HashMap<usize, RepoMemo>,
    /// The references that wait for an answer.
    waiting: HashMap<Question, Vec<Place>>,
    /// The references that are to be judged again, or for the first time.
    due: Vec<Place>,
    /// What has to be asked, and is not being asked yet.
    unasked: BTreeSet<Question>,
    /// What is being asked.
    flying: HashSet<Question>,
    /// How many questions came up, and how many have their answer.
    asked: usize,
    answered: usize,
    proposals: HashMap<usize, (Ground, Arc<Proposals>)>,
    /// The day of the last pass, UTC: tags that are dates are judged by it.
    today: Option<Date>,
}

#[derive(Debug)]
struct RepoMemo {
    slots: Vec<Option<Decision>>,
    left: usize,
    /// All decisions, once they are made.
    decisions: Option<Arc<Vec<Decision>>>,
    /// What the images that will be proposed say of themselves, as far as that is not known.
    labels: BTreeSet<Question>,
    /// Whether the decisions know their position in the family.
    is_placed: bool,
}

impl Memo {
    pub(super) fn proposals(&self, repo: usize, ground: &Ground) -> Option<Arc<Proposals>> {
        let (known, proposals) = self.proposals.get(&repo)?;
        (known == ground).then(|| Arc::clone(proposals))
    }

    pub(super) fn keep_proposals(&mut self, repo: usize, ground: Ground, made: Arc<Proposals>) {
        self.proposals.insert(repo, (ground, made));
    }

    /// A question has its answer: what waited for it is judged again.
    pub(super) fn answered(&mut self, question: &Question) {
        self.answered += 1;
        self.unasked.remove(question);
        self.flying.remove(question);
        self.due
            .extend(self.waiting.remove(question).into_iter().flatten());
    }

    /// These questions are being asked.
    pub(super) fn asked<'q>(&mut self, questions: impl Iterator<Item = &'q Question>) {
        for question in questions {
            self.unasked.remove(question);
            self.flying.insert(question.clone());
        }
    }

    /// How many questions came up, and how many have their answer.
    pub(super) fn progress(&self) -> (usize, usize) {
        (self.answered, self.asked)
    }

    /// The family has changed: positions in it are worked out again.
    pub(super) fn family_changed(&mut self) {
        self.repos
            .values_mut()
            .for_each(|repo| repo.is_placed = false);
    }

    /// A repository's merge requests changed: what depends on what they propose is decided again.
    pub(super) fn forget(&mut self, repo: usize) {
        self.repos.remove(&repo);
        self.proposals.remove(&repo);
        for places in self.waiting.values_mut() {
            places.retain(|(of, _)| *of != repo);
        }
        self.due.retain(|(of, _)| *of != repo);
    }

    /// A pass begins: what depends on the time is decided again.
    pub(super) fn begin_pass(&mut self, now: Timestamp) {
        let today = Some(now.to_zoned(TimeZone::UTC).date());
        let is_another_day = std::mem::replace(&mut self.today, today) != today;
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

    /// The decisions of a repository, as if it were alone.
    pub(super) fn decisions(&self, repo: usize) -> Arc<Vec<Decision>> {
        let of_repo = self.repos.get(&repo);
        let decisions = of_repo.and_then(|of_repo| of_repo.decisions.clone());
        decisions.unwrap_or_default()
    }

    /// Judges the references that are due.
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
                    if let Some(of_repo) = self.repos.get_mut(&repo) {
                        of_repo.take(fleet, reference, decision);
                        for question in of_repo.labels.clone() {
                            self.want(question);
                        }
                    }
                }
                Err(question) => {
                    let waiting = self.waiting.entry(question.clone()).or_default();
                    waiting.push((repo, reference));
                    if waiting.len() == 1 {
                        self.want(question);
                    }
                }
            }
        }
    }

    fn want(&mut self, question: Question) {
        if !self.flying.contains(&question) && self.unasked.insert(question) {
            self.asked += 1;
        }
    }
}

/// What is wanted besides, if something is still being asked: then nothing can be complete yet, and it is enough to
/// judge what the newest answers concern.
pub(super) fn still_waiting(fleet: &Fleet, now: Timestamp) -> Option<BTreeSet<Need>> {
    let mut memo = fleet.memo();
    if memo.flying.is_empty() {
        return None;
    }
    memo.judge_due(fleet, now);
    let unasked = memo.unasked.iter().cloned();
    Some(unasked.map(Need::Registry).collect())
}

/// Decides about all references of these repositories, as far as is known what that takes.
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
            labels: BTreeSet::new(),
            is_placed: false,
        }
    }

    /// Takes a decision. With the last one, what the images that will be proposed say of themselves is to be asked.
    fn take(&mut self, fleet: &Fleet, reference: usize, decision: Decision) {
        self.slots[reference] = Some(decision);
        self.left -= 1;
        if self.left == 0 {
            let slots = std::mem::take(&mut self.slots).into_iter();
            let decisions: Vec<Decision> = slots.flatten().collect();
            let labels = decisions.iter().flat_map(labels);
            self.labels = labels.filter(|it| !fleet.seen.answers(it)).collect();
            self.decisions = Some(Arc::new(decisions));
        }
    }

    /// Whether nothing has to be asked about it any more.
    fn is_complete(&mut self, fleet: &Fleet) -> bool {
        self.labels.retain(|question| !fleet.seen.answers(question));
        self.decisions.is_some() && self.labels.is_empty()
    }
}

/// What is asked of the images that a decision wants.
fn labels(decision: &Decision) -> impl Iterator<Item = Question> {
    let lookup = decision.lookup.clone();
    let targets = decision.wanted.iter().filter_map(|it| it.target.clone());
    let targets: Vec<_> = targets.collect();
    lookup.into_iter().flat_map(move |lookup| {
        let targets = targets.clone().into_iter();
        targets.map(move |target| Question::Labels(lookup.clone(), target))
    })
}

/// Those of some repositories about which everything is known.
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
    let is_placed = std::mem::replace(&mut of_repo.is_placed, true);
    let Some(decisions) = &mut of_repo.decisions else {
        return Arc::default();
    };
    if !is_placed {
        let names = |repo: usize| fleet.repos[repo].name.to_string();
        let decisions = Arc::make_mut(decisions);
        super::hold::place(decisions, repo, graph, &fleet.operator, &names, before);
    }
    Arc::clone(decisions)
}
