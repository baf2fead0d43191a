//! Holds back references while something is changing in their ancestors.
//!
//! [`family::hold`](crate::family::hold) decides when something waits. This module collects the facts that it needs, in
//! this order:
//!
//! 1. Which references would be proposed now? CI is queried only for their ancestors, so a settled fleet costs no
//!    request.
//! 2. The repositories, from the roots of the family down, generation by generation. A merge request that is about to
//!    be opened holds the children just like an open one, but a change that is held itself is not about to be opened.
//!    So a repository's own references are judged before it is determined what is coming from it.
//!
//! A cycle has no root. Its references are left alone beforehand ([`place`](super::place::place)), so that no update runs around it.
//!
//! # Races
//!
//! The forge may change between the answer and the write. That is not prevented here: a plan is made from one set of
//! facts, the branch and the merge request are checked again when they are written, and the next pass corrects the
//! rest. In the worst case an image is rebuilt twice, which the hold only tries to avoid.

use super::family::Family;
use super::known::Fleet;
use super::need::Need;
use super::record::{Access, FleetRepo};
use super::repo_plan::{Proposals, proposals, reconciled};
use crate::family::Edge;
use crate::family::hold::{Blocker, FleetActivity, HoldVerdict, OpenRequest, RepoActivity};
use crate::plan::{ChangeSet, Decision, OwnRequest, Planned, Proposed, Reason, Reconciled};
use crate::repo::RepoPath;
use crate::source::RefId;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

/// The decisions of some repositories, with the changes on hold removed.
pub(super) struct Held<'f> {
    fleet: &'f Fleet,
    family: Arc<Family>,
    now: Timestamp,
    /// The decisions by repository.
    decisions: BTreeMap<usize, Arc<Vec<Decision>>>,
    /// What the open merge requests of each repository propose.
    proposed: BTreeMap<usize, Proposed>,
    /// The proposals of each repository, cached until its decisions change.
    plans: BTreeMap<usize, Arc<Proposals>>,
    /// The activity in each ancestor.
    pub(super) activity: BTreeMap<usize, RepoActivity>,
    /// The keys of the merge requests that are about to be opened, by repository, to be remembered.
    pub(super) opening: BTreeMap<usize, BTreeSet<String>>,
}

impl<'f> Held<'f> {
    /// Judges the decisions of these repositories. With `everywhere`, the activity of all repositories is determined.
    pub(super) fn new(
        fleet: &'f Fleet,
        family: Arc<Family>,
        decisions: BTreeMap<usize, Arc<Vec<Decision>>>,
        everywhere: bool,
        now: Timestamp,
    ) -> Result<Self, BTreeSet<Need>> {
        let proposed = decisions
            .iter()
            .filter(|(_, all)| all.iter().any(|decision| !decision.wanted.is_empty()))
            .map(|(repo, _)| (*repo, fleet.repos[*repo].existing.proposed()));
        let mut held = Self {
            fleet,
            family,
            now,
            proposed: proposed.collect(),
            decisions,
            plans: BTreeMap::new(),
            activity: BTreeMap::new(),
            opening: BTreeMap::new(),
        };
        let above = match everywhere {
            true => (0..fleet.repos.len()).collect(),
            false => held.above(),
        };
        let not_known = |repo: &&usize| {
            let it = &fleet.repos[**repo];
            it.current_pipelines(now).is_none() && !it.is_skipped
        };
        let needs: BTreeSet<Need> = above
            .iter()
            .filter(not_known)
            .map(|repo| Need::Pipelines(*repo))
            .collect();
        if !needs.is_empty() {
            return Err(needs);
        }
        if !above.is_empty() {
            held.judge(&above);
        }
        Ok(held)
    }

    /// The repositories whose activity matters: the ancestors of references with a wanted change.
    fn above(&self) -> BTreeSet<usize> {
        let graph = &self.family.graph;
        let mut above = BTreeSet::new();
        let mut seen: BTreeSet<usize> = BTreeSet::new();
        for (repo, proposed) in &self.proposed {
            let decisions = self.decisions[repo].iter();
            for decision in decisions.filter(|decision| decision.may_have_to_wait(proposed)) {
                for child in graph.children_at(*repo, &decision.id()) {
                    if seen.insert(*child) {
                        let nodes = graph.ancestors(*child);
                        above.extend(nodes.iter().filter_map(|node| graph.nodes()[*node].repo));
                    }
                }
            }
        }
        above
    }

    fn judge(&mut self, above: &BTreeSet<usize>) {
        let family = Arc::clone(&self.family);
        let nodes = family.graph.nodes();
        let dead = self.not_followed();
        let lives = |edge: &Edge| {
            let of_repo = nodes[edge.child].repo.and_then(|repo| dead.get(&repo));
            let reference = edge.reference.as_ref();
            of_repo
                .zip(reference)
                .is_none_or(|(dead, reference)| !dead.contains(reference))
        };
        let mut generations: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
        for node in nodes {
            let of_generation = generations.entry(node.generation).or_default();
            of_generation.extend(node.repo);
        }
        // Parents have a lower generation than their children, so the activity of every ancestor is known when a
        // reference is judged. A repository may have images in several generations. It is visited in each of them: its
        // references are judged in the generation of their lowest image, and its activity is updated as more of them
        // are judged.
        for (generation, repos) in generations {
            for repo in &repos {
                let Some(proposed) = self.proposed.get(repo) else {
                    continue;
                };
                let mut all = self.decisions[repo].iter();
                if !all.any(|decision| decision.may_have_to_wait(proposed)) {
                    continue;
                }
                let mut decisions = self.decisions[repo].as_ref().clone();
                let scene = FleetActivity {
                    graph: &family.graph,
                    members: &family.members,
                    activity: &self.activity,
                    lives: &lives,
                    now: self.now,
                };
                let judge = ReferenceJudge {
                    held: self,
                    scene,
                    repo: *repo,
                    generation,
                };
                let mut changed = false;
                for decision in &mut decisions {
                    changed |= judge.judge(decision, proposed);
                }
                // A held change is no longer proposed, so the cached proposals are outdated.
                if changed {
                    self.decisions.insert(*repo, Arc::new(decisions));
                    self.plans.remove(repo);
                }
            }
            for repo in repos.intersection(above) {
                let activity = self.activity_of(*repo);
                self.activity.insert(*repo, activity);
            }
        }
    }

    /// The references of each repository that are not followed: no update arrives through them, so there is nothing to
    /// wait for.
    fn not_followed(&self) -> BTreeMap<usize, HashSet<RefId>> {
        let of = |decisions: &Arc<Vec<Decision>>| {
            let dead = decisions.iter().filter(|decision| !decision.is_followed());
            dead.map(Decision::id).collect()
        };
        let all = self.decisions.iter();
        all.map(|(repo, decisions)| (*repo, of(decisions)))
            .collect()
    }

    /// The proposals of a repository after the changes on hold have been removed so far.
    pub(super) fn plan_of(&mut self, repo: usize) -> Arc<Proposals> {
        if let Some(known) = self.plans.get(&repo) {
            return Arc::clone(known);
        }
        let decisions = self.decisions.get(&repo).cloned().unwrap_or_default();
        let made = proposals(self.fleet, repo, &decisions);
        self.decisions.insert(repo, Arc::clone(&made.decisions));
        self.plans.insert(repo, Arc::clone(&made));
        made
    }

    /// The decisions of each repository, with the changes on hold removed.
    pub(super) fn into_decisions(self) -> BTreeMap<usize, Arc<Vec<Decision>>> {
        self.decisions
    }

    fn activity_of(&mut self, repo: usize) -> RepoActivity {
        let it = &self.fleet.repos[repo];
        let pipelines = it.current_pipelines(self.now).cloned().unwrap_or_default();
        // Once a repository is done, its plan is history: its children wait for what was written there. One that is
        // unlisted or skipped gets no merge requests from imagebot, so only its CI counts.
        let open = match (&it.acted, it.access) {
            (Some(acted), _) => acted.holds.clone(),
            (None, Access::Unlisted) => Vec::new(),
            (None, _) if it.is_skipped => Vec::new(),
            (None, _) => {
                let is_planned = it.base.is_some() && self.decisions.contains_key(&repo);
                let made = is_planned.then(|| self.plan_of(repo));
                let branches = made.and_then(|made| reconciled(self.fleet, repo, &made).ok());
                self.coming(repo, branches.as_deref(), &pipelines.failed)
            }
        };
        RepoActivity {
            open,
            ci: pipelines.head,
            ci_since: pipelines.since,
            head_since: it.head_since,
        }
    }

    /// The merge requests of a repository that its children may have to wait for: the open ones and those about to be
    /// opened, without drafts and those that a user stopped or declined. `failed` are the numbers of those whose
    /// pipeline failed. Without `branches` nothing can be planned there now, because the repository or its merge requests
    /// could not be read: then only its open merge requests are known to be coming, and they must not be forgotten.
    pub(super) fn coming(
        &mut self,
        repo: usize,
        branches: Option<&[Reconciled]>,
        failed: &BTreeSet<u64>,
    ) -> Vec<OpenRequest> {
        let fleet = self.fleet;
        let it = &fleet.repos[repo];
        let Some(branches) = branches else {
            return match it.is_skipped {
                true => Vec::new(),
                false => fleet.listed(it, failed),
            };
        };
        let mut opening = BTreeSet::new();
        let mut found = Vec::new();
        for branch in branches {
            // Stopped, declined and retargeted ones may stay open for long or never be merged, and closing ones are
            // gone soon. A branch with foreign commits still holds: someone works on it and is going to merge it.
            let holds = matches!(
                branch.planned,
                Planned::Open
                    | Planned::Update
                    | Planned::Unchanged
                    | Planned::Foreign
                    | Planned::Kept
            );
            let mut open = it.existing.open.iter();
            let open = open.find(|mr| Some(mr.number) == branch.number);
            match (open, &branch.proposal) {
                (Some(mr), proposal) if holds && !mr.draft => {
                    let changes = mr.changes().map(paths);
                    // Changes that are about to be added to it are coming as well.
                    let more = proposal.as_ref().map(|proposal| paths(&proposal.changes));
                    let more = more.into_iter().flatten();
                    let paths = changes.map(|changes| changes.into_iter().chain(more).collect());
                    found.push(OpenRequest {
                        number: Some(mr.number),
                        major: is_major(mr),
                        // A branch that is about to be written gets a new pipeline, so the old failure does not count.
                        failed: failed.contains(&mr.number) && !branch.writes(),
                        since: fleet.opened(it, mr),
                        paths: paths.unwrap_or_default(),
                    });
                }
                (None, Some(proposal)) if branch.planned == Planned::Open => {
                    let key = opening_key(it, &proposal.changes);
                    let known = fleet.remembered.opening.get(&key).copied();
                    opening.insert(key);
                    found.push(OpenRequest {
                        number: None,
                        major: proposal.texts.state.major,
                        failed: false,
                        since: Some(known.unwrap_or(self.now)),
                        paths: paths(&proposal.changes),
                    });
                }
                _ => {}
            }
        }
        self.opening.insert(repo, opening);
        found
    }
}

/// The store's key for a merge request that is about to be opened, which a limit may delay for long: the time of
/// waiting must not start again in every pass.
fn opening_key(repo: &FleetRepo, changes: &ChangeSet) -> String {
    format!("{} {}", repo.key(), changes.lines().join("\n"))
}

fn is_major(mr: &OwnRequest) -> bool {
    mr.state().is_some_and(|state| state.major)
}

fn paths(changes: &ChangeSet) -> BTreeSet<RepoPath> {
    changes.paths().into_iter().cloned().collect()
}

impl Fleet {
    /// The open merge requests of a repository in which nothing could be planned.
    fn listed(&self, repo: &FleetRepo, failed: &BTreeSet<u64>) -> Vec<OpenRequest> {
        let stop = &self.operator.stop_label;
        let is_stopped = |mr: &OwnRequest| mr.labels.iter().any(|label| label == stop);
        let open = repo.existing.open.iter();
        let open = open.filter(|mr| !mr.draft && !is_stopped(mr));
        let open = open.map(|mr| OpenRequest {
            number: Some(mr.number),
            major: is_major(mr),
            failed: failed.contains(&mr.number),
            since: self.opened(repo, mr),
            paths: mr.changes().map(paths).unwrap_or_default(),
        });
        open.collect()
    }

    /// When a merge request was created, according to the forge or to imagebot's memory.
    fn opened(&self, repo: &FleetRepo, mr: &OwnRequest) -> Option<Timestamp> {
        let key = || format!("{} {}", repo.key(), mr.number);
        let remembered = || self.remembered.opened.get(&key()).copied();
        mr.created.or_else(remembered)
    }
}

/// Judges the references of one repository in one generation.
struct ReferenceJudge<'a> {
    held: &'a Held<'a>,
    scene: FleetActivity<'a>,
    repo: usize,
    generation: u32,
}

impl ReferenceJudge<'_> {
    /// Judges one reference; returns whether the decision was changed.
    fn judge(&self, decision: &mut Decision, proposed: &Proposed) -> bool {
        // CI may have been queried because of another repository. The decision must not depend on that, or a pass over
        // a part of the fleet would decide differently from a pass over all of it (invariant 13).
        if !decision.may_have_to_wait(proposed) {
            return false;
        }
        let operator = &self.held.fleet.operator;
        let image = decision.reference().map(|r| operator.resolve(&r.name));
        let parent = image.and_then(|image| self.scene.graph.node_of(&image));
        let (Some(terms), Some(parent)) = (decision.hold_terms(), parent) else {
            return false;
        };
        let nodes = self.scene.graph.nodes();
        let children = self.scene.graph.children_at(self.repo, &decision.id());
        // It waits for the ancestors of all images that are built from it, so it is judged with the lowest of them.
        let lowest = children.iter().map(|child| nodes[*child].generation).max();
        if lowest != Some(self.generation) {
            return false;
        }
        let is_proven = nodes[parent].repo.is_some_and(|repo| {
            let head = self.held.fleet.repos[repo].base.as_ref();
            head.is_some_and(|(_, head)| self.revision(decision) == Some(head.as_str()))
        });
        // One edit changes all images that are built from the reference, so one that has to wait holds it for all.
        let mut expired: BTreeSet<Blocker> = BTreeSet::new();
        for child in children {
            let (reason, blocker) = match self.scene.judge(*child, parent, is_proven, &terms) {
                HoldVerdict::Free(old) => {
                    expired.extend(old);
                    continue;
                }
                HoldVerdict::Held(blocker) => (Reason::Held, blocker),
                HoldVerdict::Blocked(blocker) => (Reason::Blocked, blocker),
            };
            let detail = format!("waits for {}", self.describe(&blocker));
            let whom = self.held.fleet.repos[blocker.repo].name.to_string();
            decision.wait(reason, detail, whom, proposed);
            return true;
        }
        if expired.is_empty() {
            let text = "released: all its ancestors are settled";
            decision.steps.push(text.to_owned());
            return true;
        }
        let all: Vec<String> = expired.iter().map(|b| self.describe(b)).collect();
        decision.reason = Reason::HoldExpired;
        decision.detail = format!("it waited long enough for {}", all.join(", "));
        true
    }

    fn describe(&self, blocker: &Blocker) -> String {
        let repo = &self.held.fleet.repos[blocker.repo];
        format!("{}: {}", repo.name, blocker.what.describe(repo.noun))
    }

    /// The commit in the labels of the image to be proposed: if that is the parent's head, the parent's running
    /// pipeline cannot produce anything newer.
    fn revision(&self, decision: &Decision) -> Option<&str> {
        let lookup = decision.lookup.clone()?;
        let target = decision.wanted.first()?.target.clone()?;
        let facts = self.held.fleet.seen.facts.get(&(lookup, target))?;
        facts.label("revision")
    }
}
