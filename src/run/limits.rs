//! How many merge requests may be open, and how many may be opened in an hour (T39). What a limit holds back is told.

use super::existing::{There, remembered_open};
use super::planned::Planned;
use super::read::Reading;
use super::repo::RepoState;
use super::shared::Shared;
use crate::config::OpenLimits;
use crate::plan::Status;
use crate::store::StoredKind;
use std::collections::{BTreeMap, BTreeSet};

const HOUR: i64 = 3_600;
/// How long it is remembered when a merge request was opened, in seconds: 90 days.
const KEPT: i64 = 90 * 24 * HOUR;

/// One merge request that is to be opened: where it stands in the plans.
struct Wish {
    repo: usize,
    result: usize,
    max_open: usize,
}

/// Lets as many merge requests be opened as the limits allow, the narrowest changes first, and marks the others.
pub(super) fn hold_back(planned: &mut [Planned], room: &mut Room) {
    room.begin(planned);
    for wish in wishes(planned) {
        let Err(limit) = room.take(&wish) else {
            continue;
        };
        if let Some(plan) = &mut planned[wish.repo].plan {
            let result = &mut plan.results[wish.result];
            result.status = Status::Limited;
            result.detail = format!("waiting for {limit}");
            result.action = None;
        }
    }
}

/// How many merge requests there are in the whole fleet, against how many there may be. Also a pass that looks at one
/// repository counts those of all (D1).
pub(super) struct Room {
    limits: OpenLimits,
    /// Whether an operator overrides the limits.
    force: bool,
    /// How many are open.
    open: usize,
    /// How many were opened within the last hour.
    new: usize,
    /// How many of them are in each repository, by forge and id.
    counted: BTreeMap<(String, String), usize>,
    /// How many are open in each of the repositories that are planned now.
    of_repos: Vec<usize>,
}

impl Room {
    /// What is there before anything is done.
    pub(super) fn new(
        shared: &Shared,
        cases: &[RepoState],
        rest: Option<&Reading>,
        is_partial: bool,
    ) -> Self {
        let counted = cases.iter();
        let counted = counted.map(|case| (key_of(case), case.there.count()));
        let left = rest.into_iter().flat_map(Reading::left);
        let left = left.map(|(forge, repo)| {
            let there = There::of_unread(&shared.setup, forge.as_ref(), repo);
            ((forge.name().to_owned(), repo.id.clone()), there.count())
        });
        let counted: BTreeMap<_, _> = counted.chain(left).collect();
        let elsewhere = match is_partial {
            true => {
                let here = cases.iter().map(RepoState::key).collect();
                remembered_open(&shared.setup, &here)
            }
            false => 0,
        };
        Self {
            limits: shared.setup.config.limits,
            force: shared.options.force,
            open: counted.values().sum::<usize>() + elsewhere,
            counted,
            new: opened_lately(shared, cases),
            of_repos: Vec::new(),
        }
    }

    /// Those of some repositories are about to be opened and closed: what is closed makes room.
    fn begin(&mut self, planned: &[Planned]) {
        let plans = planned.iter().filter_map(|planned| planned.plan.as_ref());
        let keys: Vec<_> = plans.map(|plan| key_of(&plan.state)).collect();
        self.replace(&keys, planned.iter().map(open_of).collect());
    }

    /// These repositories have so many open now. What was counted of them is counted no longer: the forge may have been
    /// asked anew since.
    fn replace(&mut self, repos: &[(String, String)], open: Vec<usize>) {
        let before = repos.iter().filter_map(|key| self.counted.remove(key));
        let before: usize = before.sum();
        let staying: usize = open.iter().sum();
        self.open = (self.open + staying).saturating_sub(before);
        self.of_repos = open;
    }

    /// Takes the place for one more, or names the limit that stands in its way.
    fn take(&mut self, wish: &Wish) -> Result<(), String> {
        let OpenLimits {
            max_open,
            max_new_per_hour,
        } = self.limits;
        let limit = if self.of_repos[wish.repo] >= wish.max_open {
            Some(format!("max_open = {} of its repository", wish.max_open))
        } else if self.open >= max_open as usize {
            Some(format!("[limits] max_open = {max_open}"))
        } else if self.new >= max_new_per_hour as usize {
            Some(format!("[limits] max_new_per_hour = {max_new_per_hour}"))
        } else {
            None
        };
        if let Some(limit) = limit.filter(|_| !self.force) {
            return Err(limit);
        }
        self.of_repos[wish.repo] += 1;
        self.open += 1;
        self.new += 1;
        Ok(())
    }
}

fn key_of(state: &RepoState) -> (String, String) {
    (state.forge.name().to_owned(), state.listed.id.clone())
}

/// What is to be opened, in the order of levels and then of names.
fn wishes(planned: &[Planned]) -> Vec<Wish> {
    let mut wishes = Vec::new();
    for (repo, planned) in planned.iter().enumerate() {
        let Some(plan) = &planned.plan else {
            continue;
        };
        for (result, reconciled) in plan.results.iter().enumerate() {
            let opens = reconciled.action.as_ref().and_then(|action| action.open);
            let Some(proposal) = opens.map(|index| &plan.proposals[index]) else {
                continue;
            };
            let order = (
                proposal.level,
                planned.report.repo.clone(),
                reconciled.branch.clone(),
            );
            let max_open = proposal.max_open as usize;
            let wish = Wish {
                repo,
                result,
                max_open,
            };
            wishes.push((order, wish));
        }
    }
    wishes.sort_by(|(a, _), (b, _)| a.cmp(b));
    wishes.into_iter().map(|(_, wish)| wish).collect()
}

/// Those that stay open; what is about to be closed makes room.
fn open_of(planned: &Planned) -> usize {
    let plans = planned.plan.iter();
    plans
        .map(|plan| {
            let closing = plan
                .results
                .iter()
                .filter_map(|result| result.action.as_ref()?.close)
                .count();
            plan.state.there.open.len().saturating_sub(closing)
        })
        .sum()
}

/// How many were opened within the last hour, by the forge's clock or by the store's memory.
fn opened_lately(shared: &Shared, cases: &[RepoState]) -> usize {
    let store = &shared.setup.store;
    let since = shared.options.now.as_second() - HOUR;
    let mut lately: BTreeSet<String> = BTreeSet::new();
    for key in store.all_kept(StoredKind::Opened).into_keys() {
        match store.time(StoredKind::Opened, &key, shared.options.now.as_second()) {
            Some(at) if at > since => drop(lately.insert(key)),
            // Whoever is held by it asks for its age.
            Some(at) if at > since - KEPT => {}
            _ => store.forget(StoredKind::Opened, &key),
        }
    }
    for case in cases {
        let repo = case.key();
        for (number, created) in case.there.opened() {
            if created.as_second() > since {
                lately.insert(format!("{repo} {number}"));
            }
        }
    }
    lately.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_listed_is_what_is_replaced_by_the_fresh_count() {
        let key = |id: &str| ("forge".to_owned(), id.to_owned());
        let mut room = Room {
            limits: OpenLimits {
                max_open: 5,
                max_new_per_hour: 5,
            },
            force: false,
            open: 5,
            new: 0,
            counted: BTreeMap::from([(key("a"), 2), (key("b"), 3)]),
            of_repos: Vec::new(),
        };
        // One was closed on the forge since the listing, which had two.
        room.replace(&[key("a")], vec![1]);
        assert_eq!(room.open, 4);
        // One more was opened by hand.
        room.replace(&[key("b")], vec![4]);
        assert_eq!(room.open, 5);
        // A repository that failed is counted as it was listed.
        room.replace(&[], vec![0]);
        assert_eq!(room.open, 5);
    }
}
