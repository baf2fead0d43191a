//! Plans what to do in the fleet. Nothing is decided anywhere else.
//!
//! ```text
//! loop {
//!     match plan(&fleet, &scope, now) {
//!         Err(needs) => the edges answer them, and the fleet learns,
//!         Ok(plan) => break,
//!     }
//! }
//! ```
//!
//! It is pure: the same facts give the same plan, and a missing fact is requested, never guessed. The order in which
//! answers arrive and the number of calls in between make no difference.

use super::decisions::{complete, decide_in, decisions_of, still_waiting};
use super::family::Family;
use super::hold::Held;
use super::known::Fleet;
use super::limits::hold_back;
use super::need::Need;
use super::record::Access;
use super::repo_plan::{NotPlanned, RepoPlan, reconciled};
use super::scope::Scope;
use crate::family::hold::RepoActivity;
use crate::image::ImageName;
use crate::plan::Decision;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What to do.
#[derive(Debug)]
pub struct Plan {
    /// The plans of the repositories in scope, ordered by name.
    pub repos: Vec<RepoPlan>,
    /// The merge requests that are about to be opened, by repository, to be remembered: the `hold_for` of their
    /// children counts from the first pass in which they were about to be opened.
    pub opening: BTreeMap<usize, BTreeSet<String>>,
}

/// The state of the fleet, as shown by the graph.
#[derive(Debug)]
pub struct FleetSurvey {
    /// The images, with the dependencies between them.
    pub family: Arc<Family>,
    /// The decisions of each repository.
    pub decisions: BTreeMap<usize, Arc<Vec<Decision>>>,
    /// The activity in each repository.
    pub activity: BTreeMap<usize, RepoActivity>,
}

/// Plans the repositories of a scope, or returns the facts that it needs. Questions to registries that were sent
/// already ([`Fleet::asked`]) are not among them: an empty set means that their answers have to come first.
pub fn plan(fleet: &Fleet, scope: &Scope, now: Timestamp) -> Result<Plan, BTreeSet<Need>> {
    let mut held = held(fleet, scope, false, now)?;
    let mut needs = BTreeSet::new();
    let mut repos = Vec::new();
    for repo in scope.remaining(fleet) {
        let it = &fleet.repos[repo];
        if it.access != Access::Read {
            continue;
        }
        let proposals = held.plan_of(repo);
        let planned = reconciled(fleet, repo, &proposals);
        let holds = held.coming(repo, planned.as_deref().ok(), &BTreeSet::new());
        let (branches, bug) = match planned {
            Ok(branches) => (branches, None),
            Err(NotPlanned::Bug(bug)) => (Vec::new(), Some(bug)),
            Err(NotPlanned::Unknown) => (Vec::new(), None),
        };
        let plan = RepoPlan {
            repo,
            decisions: Arc::clone(&proposals.decisions),
            proposals: proposals.all.clone(),
            branches,
            holds,
            bug,
        };
        // A write must be based on the forge's current state, never on a remembered one.
        let not_fresh = plan.not_fresh(it, now);
        if !not_fresh.is_empty() {
            needs.insert(Need::Fresh(repo, not_fresh));
            continue;
        }
        repos.push(plan);
    }
    if !needs.is_empty() {
        return Err(needs);
    }
    hold_back(fleet, &mut repos, now);
    Ok(Plan {
        repos,
        opening: held.opening,
    })
}

/// Collects the decisions and the activity of the repositories of a scope.
pub fn survey(fleet: &Fleet, scope: &Scope, now: Timestamp) -> Result<FleetSurvey, BTreeSet<Need>> {
    let mut held = held(fleet, scope, true, now)?;
    let activity = std::mem::take(&mut held.activity);
    Ok(FleetSurvey {
        family: fleet.family(),
        decisions: held.into_decisions(),
        activity,
    })
}

/// Whether the repositories of a scope are listed and read, or which facts are missing.
pub fn listed(fleet: &Fleet, scope: &Scope) -> Result<(), BTreeSet<Need>> {
    let missing = scope.missing(fleet);
    match missing.is_empty() {
        true => Ok(()),
        false => Err(missing),
    }
}

/// The decisions about all references of the fleet, without taking the family into account.
pub fn decisions(fleet: &Fleet, now: Timestamp) -> Result<Vec<Arc<Vec<Decision>>>, BTreeSet<Need>> {
    let all: BTreeSet<usize> = (0..fleet.repos.len()).collect();
    let needs = decide_in(fleet, &all, now);
    if !needs.is_empty() || complete(fleet, &all) != all {
        return Err(needs);
    }
    let memo = fleet.memo();
    Ok(all.into_iter().map(|repo| memo.decisions(repo)).collect())
}

/// The repositories of a scope that can be planned now, because their whole families are known. A slow registry or git
/// server delays only the repositories that need it and their families (B4).
pub fn ready(fleet: &Fleet, scope: &Scope) -> BTreeSet<usize> {
    let family = fleet.family();
    let concerned = scope.concerned(fleet);
    let mut known = complete(fleet, &concerned);
    let others = (0..fleet.repos.len()).filter(|repo| {
        let it = &fleet.repos[*repo];
        it.access == Access::Read && (it.acted.is_some() || !concerned.contains(repo))
    });
    known.extend(others);
    known.retain(|repo| fleet.repos[*repo].access == Access::Read);
    family.apart(&known, &|repo| fleet.repos[repo].access == Access::Unlisted)
}

fn held<'f>(
    fleet: &'f Fleet,
    scope: &Scope,
    everywhere: bool,
    now: Timestamp,
) -> Result<Held<'f>, BTreeSet<Need>> {
    let mut missing = scope.missing(fleet);
    if !missing.is_empty() {
        let is_tree = |need: &Need| matches!(need, Need::Tree(_));
        if scope.is_impatient() && missing.iter().all(is_tree) {
            let concerned = scope.concerned(fleet);
            missing.extend(decide_in(fleet, &concerned, now));
        }
        return Err(missing);
    }
    if scope.is_whole()
        && let Some(needs) = still_waiting(fleet, now)
    {
        return Err(needs);
    }
    let concerned = scope.concerned(fleet);
    let needs = decide_in(fleet, &concerned, now);
    if scope.is_whole() && !needs.iter().any(|need| matches!(need, Need::Lookups(_))) {
        fleet.memo().all_begun();
    }
    if !needs.is_empty() || complete(fleet, &concerned) != concerned {
        return Err(needs);
    }
    let family = fleet.family();
    let is_whole = fleet.is_whole();
    let publishers = &fleet.remembered.publishers;
    // If a repository cannot be read, its images still count as part of the family.
    let before = |image: &ImageName| match is_whole {
        true => None,
        false => publishers.get(&image.canonical()).cloned(),
    };
    let graph = &family.graph;
    let decisions = concerned
        .iter()
        .map(|repo| (*repo, decisions_of(fleet, graph, &before, *repo)));
    let decisions = decisions.collect();
    Held::new(fleet, Arc::clone(&family), decisions, everywhere, now)
}
