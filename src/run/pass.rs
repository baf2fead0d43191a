//! One pass: fetches what the plan needs, and executes the plan.
//!
//! Usually all facts are known within seconds, and there is one plan. If a registry or a git server is slow or asks for
//! a delay, the repositories that need it wait, with their families. The others are planned and executed first (B4). A
//! failure of one repository, image or host never stops the others.

use super::ages::date;
use super::edges::{Edges, PATIENCE};
use super::finish::{Job, finish, matched};
use super::options::Options;
use super::read::Depth;
use super::remembered::{remember_family, remember_opening, remember_stops, remembered, stops};
use super::report::{ProblemReport, Report, RepositoryReport, capped};
use super::setup::Setup;
use super::shared::{AT_ONCE, Shared};
use crate::fleet::{Family, Fleet, Need, Plan, Scope, plan, ready};
use futures::StreamExt as _;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::time::Instant;

/// How many findings about the family are reported.
const MOST_FINDINGS: usize = 100;

/// Runs one pass.
pub async fn pass(setup: &Arc<Setup>, options: &Options) -> Report {
    let setup = &setup.for_pass();
    let mut report = Report::new(options.dry_run);
    let Some((mut fleet, edges)) = begin(setup, options, Depth::Everything, &mut report) else {
        return report;
    };
    let new_store = setup.store.has_seen_nothing();
    let mut pass = Pass {
        edges,
        used: BTreeSet::new(),
        proposed_before: false,
    };
    pass.run(&mut fleet, &mut report).await;
    if options.only.is_none() {
        report.unused_rules = unused_rules(setup, &pass.used);
    }
    // `min_age` counts from when a digest was first seen. A store without any of these times, while merge requests of
    // imagebot are open, has been lost; that only matters if a digest had to be recorded again.
    let saw_something_new = !fleet.seen.first_seen.is_empty();
    if new_store && pass.proposed_before && saw_something_new {
        let folder = setup.cache.display();
        report.warnings.push(format!(
            "the cache in {folder} was lost although merge requests are open, so every min_age restarts; is the folder \
             persistent?"
        ));
    }
    report.warnings.extend(findings(&fleet.family()));
    remember_family(setup, &fleet);
    date(setup, options, &mut report);
    report.repositories.sort_by(|a, b| a.repo.cmp(&b.repo));
    report.left_out.sort();
    report
}

/// The fleet and the edges at the start of a command; `None` if there is no forge.
pub(super) fn begin(
    setup: &Arc<Setup>,
    options: &Options,
    depth: Depth,
    report: &mut Report,
) -> Option<(Fleet, Edges)> {
    let Some(shared) = Shared::new(setup, options) else {
        report.problems.push(ProblemReport {
            since: None,
            code: "no-forge".to_owned(),
            message: "the configuration has no [[forge]], so no repositories are registered"
                .to_owned(),
            help: Some("[[forge]]\nkind = \"local\"\npath = \"/srv/git\"".to_owned()),
        });
        return None;
    };
    let remembered = remembered(setup, options.now);
    let scope = match &options.only {
        None => Scope::all(),
        Some(only) => Scope::only(only.clone(), &remembered),
    };
    let limits = (!options.force).then_some(setup.config.limits);
    let mut fleet = Fleet::new(Arc::clone(&setup.operator), limits, remembered);
    fleet.traces = options.traces;
    fleet.seen.resume = stops(setup);
    Some((fleet, Edges::new(shared, scope, depth)))
}

struct Pass {
    edges: Edges,
    /// The indices of the rules that matched a reference.
    used: BTreeSet<usize>,
    /// Whether merge requests were open before anything was done.
    proposed_before: bool,
}

impl Pass {
    /// Plans and executes until all repositories are done.
    async fn run(&mut self, fleet: &mut Fleet, report: &mut Report) {
        let now = self.edges.shared.options.now;
        // One plan for the whole fleet is better than several: limits go to the smallest updates first, and only a
        // complete family shows which images have to wait. So the pass waits for everything, and splits only if it
        // makes no progress.
        let mut moment = Instant::now() + PATIENCE;
        loop {
            let needs = match plan(fleet, &self.edges.scope, now) {
                Ok(plan) => return self.act(fleet, plan, report).await,
                Err(needs) => needs,
            };
            if self.edges.ask(fleet, needs, report).await {
                continue;
            }
            let reading = self.edges.reading();
            if self.edges.wait(fleet, Some(moment)).await {
                // Each repository that is read leads to new questions, so the wait starts again. Answers of registries
                // don't extend it: a large registry would delay all repositories that don't need it.
                if self.edges.reading() < reading {
                    moment = Instant::now() + PATIENCE;
                }
                self.edges.wait_for_forges(fleet, Some(moment)).await;
                continue;
            }
            if Instant::now() < moment {
                // The needs were answered without waiting, so there is nothing in progress to wait for.
                continue;
            }
            moment = Instant::now() + PATIENCE;
            // If reading is stuck, more repositories are read at once first: the stuck ones may all be on one slow
            // server.
            if !self.edges.widen() {
                self.edges.scope = self.edges.scope.clone().impatient();
                self.act_apart(fleet, report).await;
            }
        }
    }

    /// Plans and executes the repositories that don't depend on a fact that is still missing.
    async fn act_apart(&mut self, fleet: &mut Fleet, report: &mut Report) {
        let now = self.edges.shared.options.now;
        let apart = ready(fleet, &self.edges.scope);
        let scope = self.edges.scope.within(apart);
        if scope.is_done(fleet) {
            return;
        }
        // The limits apply to the whole fleet, so open merge requests in unread repositories have to count.
        self.edges.count_unread(fleet);
        loop {
            let needs = match plan(fleet, &scope, now) {
                Ok(plan) => return self.act(fleet, plan, report).await,
                Err(needs) => needs,
            };
            if needs.is_empty() {
                // The current merge requests on the forge caused a reference to be decided again: it is executed with
                // the rest.
                return;
            }
            // A repository that arrived in the meantime may name others. Listing them changes all indices, so that is
            // left to the outer loop.
            let lists =
                |need: &Need| matches!(need, Need::Listing | Need::Repository(_) | Need::Tree(_));
            if needs.iter().any(lists) {
                return;
            }
            // Only requests to forges are awaited, as they were caused by this plan. Waiting for registries here would
            // delay the ready repositories again.
            let waits = |need: &Need| matches!(need, Need::Pipelines(_) | Need::Fresh(..));
            let forges: Vec<Need> = needs.iter().filter(|need| waits(need)).cloned().collect();
            self.edges.ask(fleet, needs, report).await;
            while forges.iter().any(|need| self.edges.is_in_flight(need)) {
                self.edges.wait(fleet, None).await;
            }
        }
    }

    /// Executes a plan, several repositories at once.
    async fn act(&mut self, fleet: &mut Fleet, plan: Plan, report: &mut Report) {
        let shared = self.edges.shared.clone();
        let mut open = fleet.repos.iter().flat_map(|repo| &repo.existing.open);
        self.proposed_before |= open.any(|mr| {
            let changes = mr.changes();
            changes.is_some_and(|changes| !changes.references.is_empty())
        });
        // Before anything is opened: if the pass is killed, the times that children's holds count from must not be lost.
        if !shared.options.dry_run {
            remember_opening(&shared.setup, fleet, &plan, shared.options.now);
        }
        let mut jobs = Vec::new();
        for plan in plan.repos {
            remember_stops(&shared.setup, &fleet.seen, plan.decisions.iter());
            self.used.extend(matched(&plan.decisions));
            let index = plan.repo;
            let repo = &fleet.repos[index];
            let acted = plan.acted(repo);
            let Some(id) = repo.id.clone() else {
                continue;
            };
            if let (Some(registered), Some(report)) = (
                self.edges.registered.get(&id),
                self.edges.reports.remove(&id),
            ) {
                jobs.push(Job {
                    registered: registered.clone(),
                    parsed: Arc::clone(&repo.parsed),
                    base: repo.base.clone(),
                    existing: repo.existing.value.clone(),
                    id,
                    plan,
                    report,
                });
            }
            // Recorded before the execution, so that the next plan does not include the repository again, whatever
            // happens.
            fleet.learn_acted(index, acted);
        }
        report.repositories.extend(act_all(&shared, jobs).await);
    }
}

/// Executes the plans of several repositories concurrently.
async fn act_all(shared: &Shared, jobs: Vec<Job>) -> Vec<RepositoryReport> {
    let total = jobs.len();
    let tasks = jobs.into_iter().map(|job| {
        let shared = shared.clone();
        let name = job.report.repo.clone();
        async move {
            // A separate task, so that a panic in one repository is reported there and stops nothing else (F51).
            let task = tokio::spawn(async move { finish(&shared, job).await });
            task.await
                .unwrap_or_else(|error| RepositoryReport::bug(name, &error))
        }
    });
    let tasks: Vec<_> = tasks.collect();
    let mut finished = futures::stream::iter(tasks).buffer_unordered(AT_ONCE);
    let mut reports = Vec::new();
    while let Some(repository) = finished.next().await {
        reports.push(repository);
        let progress = &shared.options.progress;
        progress.tick("repositories", reports.len(), total);
    }
    reports
}

/// The operator's rules that matched nothing in a complete pass.
fn unused_rules(setup: &Setup, used: &BTreeSet<usize>) -> Vec<String> {
    let rules = setup.config.rules.iter().enumerate();
    rules
        .filter(|(index, rule)| rule.is_selective() && !used.contains(index))
        .map(|(_, rule)| rule.from.to_string())
        .collect()
}

/// Problems in the declarations about the family, one line each.
pub(super) fn findings(family: &Family) -> Vec<String> {
    capped(family.findings(), MOST_FINDINGS)
}
