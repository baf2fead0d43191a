//! What is to be done in the fleet: the only way in which anything is decided.
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
//! It is pure: the same facts give the same plan, and a fact that is missing is named and never guessed. In which order
//! answers arrive, or how often it is called meanwhile, changes nothing.

use super::decisions::{complete, decide_in, decisions_of, still_waiting};
use super::family::Family;
use super::hold::Held;
use super::known::Fleet;
use super::limits::hold_back;
use super::need::Need;
use super::record::Access;
use super::repo_plan::{RepoPlan, reconciled};
use super::scope::Scope;
use crate::family::hold::RepoActivity;
use crate::image::ImageName;
use crate::plan::Decision;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What is to be done.
#[derive(Debug)]
pub struct Plan {
    /// The repositories that are looked at, by name.
    pub repos: Vec<RepoPlan>,
    /// The merge requests that are about to be opened, by repository, as they are remembered: since when that is so is
    /// what their children's `hold_for` counts from.
    pub opening: BTreeMap<usize, BTreeSet<String>>,
}

/// How the fleet stands: what a graph of it shows.
#[derive(Debug)]
pub struct FleetSurvey {
    /// Who publishes what, and who is built on what.
    pub family: Arc<Family>,
    /// The decisions of each repository.
    pub decisions: BTreeMap<usize, Arc<Vec<Decision>>>,
    /// What goes on in each.
    pub activity: BTreeMap<usize, RepoActivity>,
}

/// Plans what is to be done in the repositories of a scope, or names what must be known first, but for what is being
/// asked already.
pub fn plan(fleet: &Fleet, scope: &Scope, now: Timestamp) -> Result<Plan, BTreeSet<Need>> {
    let mut held = held(fleet, scope, false, now)?;
    let mut needs = BTreeSet::new();
    let mut repos = Vec::new();
    for repo in scope.looked_at(fleet) {
        let it = &fleet.repos[repo];
        if it.access != Access::Read {
            continue;
        }
        let proposals = held.plan_of(repo);
        let mut plan = RepoPlan {
            repo,
            decisions: Arc::clone(&proposals.decisions),
            proposals: proposals.all.clone(),
            branches: reconciled(fleet, repo, &proposals),
            holds: Vec::new(),
            bug: proposals.bug.clone(),
        };
        // What is written must follow from what is there now, never from a memory.
        let not_fresh = plan.not_fresh(it);
        if !not_fresh.is_empty() {
            needs.insert(Need::Fresh(repo, not_fresh));
            continue;
        }
        plan.holds = held.requests(repo, &plan.branches, &BTreeSet::new());
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

/// Finds out how the repositories of a scope stand, with what goes on in each.
pub fn survey(fleet: &Fleet, scope: &Scope, now: Timestamp) -> Result<FleetSurvey, BTreeSet<Need>> {
    let mut held = held(fleet, scope, true, now)?;
    let activity = std::mem::take(&mut held.activity);
    Ok(FleetSurvey {
        family: fleet.family(),
        decisions: held.into_decisions(),
        activity,
    })
}

/// Whether the repositories of a scope are listed and read, or what is missing.
pub fn listed(fleet: &Fleet, scope: &Scope) -> Result<(), BTreeSet<Need>> {
    let missing = scope.missing(fleet);
    match missing.is_empty() {
        true => Ok(()),
        false => Err(missing),
    }
}

/// The decisions about all references of the fleet, each as if its repository were alone.
pub fn decisions(fleet: &Fleet, now: Timestamp) -> Result<Vec<Arc<Vec<Decision>>>, BTreeSet<Need>> {
    let all: BTreeSet<usize> = (0..fleet.repos.len()).collect();
    let needs = decide_in(fleet, &all, now);
    if !needs.is_empty() || complete(fleet, &all) != all {
        return Err(needs);
    }
    let memo = fleet.memo();
    Ok(all.into_iter().map(|repo| memo.decisions(repo)).collect())
}

/// The repositories of a scope that can be planned now, because everything is known of them and of all that they are
/// related to. A registry or a git server that is slow keeps only those that need it, and their families (B4).
pub fn ready(fleet: &Fleet, scope: &Scope) -> BTreeSet<usize> {
    let family = fleet.family();
    let concerned = scope.concerned(fleet, &family);
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
            let concerned = scope.concerned(fleet, &fleet.family());
            missing.extend(decide_in(fleet, &concerned, now));
        }
        return Err(missing);
    }
    if scope.is_whole()
        && let Some(needs) = still_waiting(fleet, now)
    {
        return Err(needs);
    }
    let family = fleet.family();
    let concerned = scope.concerned(fleet, &family);
    let needs = decide_in(fleet, &concerned, now);
    if !needs.is_empty() || complete(fleet, &concerned) != concerned {
        return Err(needs);
    }
    // Labels may have told of images since.
    let family = fleet.family();
    let is_whole = fleet.is_whole();
    let publishers = &fleet.remembered.publishers;
    // An image is still of the family while its repository cannot be read.
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
