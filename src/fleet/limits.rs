//! Limits on open merge requests, and on those opened within an hour (T39). What a limit holds back is reported.

use super::known::Fleet;
use super::record::FleetRepo;
use super::repo_plan::RepoPlan;
use crate::plan::Planned;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// The limits on merge requests of the whole fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenLimits {
    /// The maximum number that is open at once.
    pub max_open: u32,
    /// The maximum number that is opened within an hour.
    pub max_new_per_hour: u32,
}

/// The current number of merge requests, compared with the limits. Even a pass over one repository counts those of the
/// whole fleet (D1).
struct Room {
    limits: Option<OpenLimits>,
    open: usize,
    /// The number opened within the last hour.
    new: usize,
    /// The number open in each planned repository, by index.
    of_repos: BTreeMap<usize, usize>,
}

/// Allows as many merge requests to be opened as the limits permit, the smallest updates first, and marks the others.
pub(super) fn hold_back(fleet: &Fleet, plans: &mut [RepoPlan], now: Timestamp) {
    let mut room = Room::new(fleet, plans, now);
    let mut wanted = Vec::new();
    for (index, plan) in plans.iter().enumerate() {
        for (branch, reconciled) in plan.branches.iter().enumerate() {
            let proposal = reconciled.proposal.as_ref().filter(|_| reconciled.opens());
            if let Some(proposal) = proposal {
                let name = &fleet.repos[plan.repo].name;
                let order = (proposal.level, name, &reconciled.branch);
                wanted.push((order, index, branch, proposal.max_open as usize));
            }
        }
    }
    wanted.sort();
    let wanted: Vec<(usize, usize, usize)> = wanted
        .into_iter()
        .map(|(_, index, branch, max_open)| (index, branch, max_open))
        .collect();
    for (index, branch, max_open) in wanted {
        if let Err(limit) = room.take(plans[index].repo, max_open) {
            let reconciled = &mut plans[index].branches[branch];
            reconciled.planned = Planned::Limited;
            reconciled.detail = format!("waiting for {limit}");
            reconciled.steps.clear();
        }
    }
}

impl Room {
    fn new(fleet: &Fleet, plans: &[RepoPlan], now: Timestamp) -> Self {
        let mut of_repos: BTreeMap<usize, usize> = fleet
            .repos
            .iter()
            .map(FleetRepo::open_requests)
            .enumerate()
            .collect();
        for plan in plans {
            // Merge requests that are about to be closed make room.
            let closing = plan.branches.iter().filter(|branch| branch.closes());
            let open = of_repos.entry(plan.repo).or_default();
            *open = open.saturating_sub(closing.count());
        }
        let acted = fleet.repos.iter().filter_map(|repo| repo.acted.as_ref());
        let opened: usize = acted.map(|acted| acted.opened).sum();
        Self {
            limits: fleet.limits,
            open: of_repos.values().sum::<usize>() + fleet.remembered.open_elsewhere,
            new: opened_lately(fleet, now) + opened,
            of_repos,
        }
    }

    /// Counts one more merge request, or returns the limit that prevents it.
    fn take(&mut self, repo: usize, max_open: usize) -> Result<(), String> {
        let of_repo = self.of_repos.entry(repo).or_default();
        if let Some(limits) = self.limits {
            let OpenLimits {
                max_open: of_all,
                max_new_per_hour,
            } = limits;
            if *of_repo >= max_open {
                return Err(format!("max_open = {max_open} of its repository"));
            }
            if self.open >= of_all as usize {
                return Err(format!("[limits] max_open = {of_all}"));
            }
            if self.new >= max_new_per_hour as usize {
                return Err(format!("[limits] max_new_per_hour = {max_new_per_hour}"));
            }
        }
        *of_repo += 1;
        self.open += 1;
        self.new += 1;
        Ok(())
    }
}

/// The number opened within the last hour, according to the forge or to the remembered times.
fn opened_lately(fleet: &Fleet, now: Timestamp) -> usize {
    let since = now - SignedDuration::from_hours(1);
    let remembered = fleet.remembered.opened.iter();
    let mut lately: BTreeSet<String> = remembered
        .filter(|(_, at)| **at > since)
        .map(|(key, _)| key.clone())
        .collect();
    for repo in &fleet.repos {
        let key = repo.key();
        let by_forge = repo.existing.opened().filter(|(_, at)| *at > since);
        lately.extend(by_forge.map(|(number, _)| format!("{key} {number}")));
    }
    lately.len()
}
