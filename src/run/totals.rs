//! The counts of a report.

use super::report::{DecisionReport, ProposalReport, Report};
use serde::Serialize;
use std::collections::BTreeMap;

/// What a pass did, in numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// The repositories that were processed.
    pub repositories: usize,
    /// Those of them in which something failed.
    pub failed_repositories: usize,
    /// The image references in them.
    pub references: usize,
    /// References that are as new as the policy allows.
    pub current: usize,
    /// The references by outcome; what is current counts as `keep`.
    pub outcomes: BTreeMap<&'static str, usize>,
    /// The merge requests by status.
    pub merge_requests: BTreeMap<&'static str, usize>,
    /// The merge requests that a limit holds back, by the setting.
    pub held_back: BTreeMap<String, usize>,
}

impl Report {
    /// Counts what the report holds.
    pub fn totals(&self) -> Totals {
        let failed = self.repositories.iter().filter(|repo| repo.failed());
        let mut totals = Totals {
            repositories: self.repositories.len(),
            failed_repositories: failed.count(),
            ..Totals::default()
        };
        let repositories = || self.repositories.iter();
        repositories()
            .flat_map(|repo| &repo.decisions)
            .for_each(|decision| totals.decision(decision));
        repositories()
            .flat_map(|repo| &repo.proposals)
            .for_each(|proposal| totals.proposal(proposal));
        totals
    }
}

impl Totals {
    /// The counts of some references alone.
    pub fn of_references<'d>(decisions: impl IntoIterator<Item = &'d DecisionReport>) -> Self {
        let mut totals = Self::default();
        for decision in decisions {
            totals.decision(decision);
        }
        totals
    }

    fn decision(&mut self, decision: &DecisionReport) {
        self.references += 1;
        *self.outcomes.entry(decision.outcome).or_default() += 1;
        // A reference that cannot be compared, or whose update lacks a platform, is kept but is not current.
        if matches!(decision.reason, "up-to-date" | "same-content") {
            self.current += 1;
        }
    }

    fn proposal(&mut self, proposal: &ProposalReport) {
        *self.merge_requests.entry(proposal.status).or_default() += 1;
        if proposal.status == "limited" {
            *self.held_back.entry(proposal.detail.clone()).or_default() += 1;
        }
    }

    /// The number of references with an outcome.
    pub fn outcome(&self, outcome: &str) -> usize {
        self.outcomes.get(outcome).copied().unwrap_or(0)
    }

    /// The number of merge requests with one of these statuses.
    pub fn merge_requests(&self, statuses: &[&str]) -> usize {
        let count = |status: &&str| self.merge_requests.get(status).copied().unwrap_or(0);
        statuses.iter().map(count).sum()
    }
}
