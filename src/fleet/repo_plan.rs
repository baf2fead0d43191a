//! The plan for one repository: its proposals, compared with what exists.

use super::known::Fleet;
use super::record::{Acted, FleetRepo};
use crate::family::hold::OpenRequest;
use crate::plan::{
    Certainty, Decision, FamilyPosition, Proposal, Reason, ReconcileTerms, Reconciled, Target,
    Wanted, propose, reconcile,
};
use crate::repo::Branch;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The plan for one repository.
#[derive(Debug, Clone)]
pub struct RepoPlan {
    /// The index of the repository in the fleet.
    pub repo: usize,
    /// The decisions about its references, ordered by file and line.
    pub decisions: Arc<Vec<Decision>>,
    /// The merge requests that should exist.
    pub proposals: Vec<Arc<Proposal>>,
    /// Its branches, each with the steps to take.
    pub branches: Vec<Reconciled>,
    /// The merge requests that its children have to wait for after the plan is executed.
    pub holds: Vec<OpenRequest>,
    /// The message of a panic during planning, which is a bug in imagebot: then nothing is done in the repository.
    pub bug: Option<String>,
}

impl RepoPlan {
    /// What the fleet records after the plan was executed.
    pub fn acted(&self, repo: &FleetRepo) -> Acted {
        let opened = self.branches.iter().filter(|branch| branch.opens()).count();
        let closed = self
            .branches
            .iter()
            .filter(|branch| branch.closes())
            .count();
        Acted {
            holds: self.holds.clone(),
            open: (repo.existing.count() + opened).saturating_sub(closed),
            opened,
        }
    }

    /// The branches that must be fetched from the forge first, because the plan would write something that is based on
    /// remembered state.
    pub(super) fn not_fresh(&self, repo: &FleetRepo, now: Timestamp) -> BTreeSet<Branch> {
        let existing = &repo.existing;
        let is_fresh = |branch: &Branch| existing.learned >= now && existing.fresh.contains(branch);
        let acts = |branch: &&Reconciled| !branch.steps.is_empty() && !is_fresh(&branch.branch);
        if !self.branches.iter().any(|branch| acts(&branch)) {
            return BTreeSet::new();
        }
        // If one has to be fetched, all are: it takes the same request.
        self.branches
            .iter()
            .map(|branch| branch.branch.clone())
            .collect()
    }
}

/// The input of a repository's proposals: they are made again only if it changes.
#[derive(Debug, PartialEq)]
pub(super) struct Ground(Vec<Basis>);

type Basis = (Reason, String, Vec<Wanted>, FamilyPosition, usize);

impl Ground {
    fn of(decisions: &[Decision]) -> Self {
        let of = |decision: &Decision| {
            let (wanted, family) = (decision.wanted.clone(), decision.family.clone());
            let detail = decision.detail.clone();
            (
                decision.reason,
                detail,
                wanted,
                family,
                decision.steps.len(),
            )
        };
        Self(decisions.iter().map(of).collect())
    }
}

/// The proposals of a repository, and its decisions with the findings of making them.
#[derive(Debug, Clone, Default)]
pub(super) struct Proposals {
    pub(super) decisions: Arc<Vec<Decision>>,
    pub(super) all: Vec<Arc<Proposal>>,
    pub(super) bug: Option<String>,
}

/// Makes the proposals for these decisions, or returns the cached ones.
pub(super) fn proposals(
    fleet: &Fleet,
    repo: usize,
    decisions: &Arc<Vec<Decision>>,
) -> Arc<Proposals> {
    let it = &fleet.repos[repo];
    let nothing = || Proposals {
        decisions: Arc::clone(decisions),
        ..Proposals::default()
    };
    let (Some((branch, _)), Some(id)) = (&it.base, &it.id) else {
        return Arc::new(nothing());
    };
    if decisions.iter().all(|decision| decision.wanted.is_empty()) {
        return Arc::new(nothing());
    }
    let ground = Ground::of(decisions);
    if let Some(known) = fleet.memo().proposals(repo, &ground) {
        return known;
    }
    let operator = &fleet.operator;
    let target = Target {
        repo_id: &id.id,
        repo: it.name.as_str(),
        branch,
        noun: it.noun,
        templates: &operator.templates,
        commit_prefix: &operator.commit_prefix,
        rebase_label: &operator.rebase_label,
        stop_label: &operator.stop_label,
        together: false,
    };
    let parsed = &it.parsed;
    let made = catch_unwind(AssertUnwindSafe(|| {
        let mut decisions = decisions.as_ref().clone();
        let (args, images) = (&parsed.settings.args, &parsed.images);
        let (all, _) = propose(
            &target,
            &parsed.sources,
            &parsed.reading,
            args,
            images,
            &mut decisions,
            &fleet.seen,
        );
        (decisions, all)
    }));
    let made = match made {
        Ok((decisions, all)) => Proposals {
            decisions: Arc::new(decisions),
            all: all.into_iter().map(Arc::new).collect(),
            bug: None,
        },
        // A bug that one repository triggers must not affect the others (F51).
        Err(panic) => Proposals {
            bug: Some(message_of(panic.as_ref())),
            ..nothing()
        },
    };
    let made = Arc::new(made);
    fleet.memo().keep_proposals(repo, ground, Arc::clone(&made));
    made
}

/// Why nothing is planned in a repository.
pub(super) enum NotPlanned {
    /// It, or what exists in it, could not be read.
    Unknown,
    /// A bug of imagebot, with its message.
    Bug(String),
}

/// Compares the proposals of a repository with what exists.
pub(super) fn reconciled(
    fleet: &Fleet,
    repo: usize,
    proposals: &Proposals,
) -> Result<Vec<Reconciled>, NotPlanned> {
    let it = &fleet.repos[repo];
    if let Some(bug) = &proposals.bug {
        return Err(NotPlanned::Bug(bug.clone()));
    }
    let Some((branch, _)) = it.base.as_ref().filter(|_| !it.existing.unavailable) else {
        return Err(NotPlanned::Unknown);
    };
    if proposals.all.is_empty() && it.existing.is_empty() {
        return Ok(Vec::new());
    }
    // One repository's bug is not another's problem (F51).
    let made = catch_unwind(AssertUnwindSafe(|| {
        let certainty = Certainty::new(&proposals.decisions, it.parsed.not_judged());
        let terms = ReconcileTerms {
            default_branch: branch,
            certainty: &certainty,
            rebase_label: &fleet.operator.rebase_label,
            stop_label: &fleet.operator.stop_label,
        };
        reconcile(&proposals.all, &it.existing.by_branch(), &terms)
    }));
    made.map_err(|panic| NotPlanned::Bug(message_of(panic.as_ref())))
}

fn message_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without a message".to_owned())
}
