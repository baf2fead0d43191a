//! One pass: what the plan needs is asked for, what it says is done.
//!
//! Usually everything is known within seconds, and there is one plan. A registry or a git server that is slow, or asks for
//! patience, makes those repositories wait that need it, and their families; the others are planned and done before
//! (B4). A repository's, an image's or a host's failure never stops another's.

use super::ages::date;
use super::decide::{remember_stops, scope_of};
use super::edges::Edges;
use super::finish::{Job, finish, matched};
use super::options::Options;
use super::read::Depth;
use super::remembered::{remember_family, remember_opening, remembered};
use super::report::{ProblemReport, Report, RepositoryReport, capped};
use super::setup::Setup;
use super::shared::{AT_ONCE, Shared};
use crate::fleet::{Family, Fleet, Need, Plan, plan, ready};
use crate::store::StoredKind;
use futures::StreamExt as _;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long what is not known is waited for, until those are acted upon that do not need it.
const PATIENCE: Duration = Duration::from_secs(4);

/// The most findings about the family that are shown.
const MOST_FINDINGS: usize = 100;

/// Makes one pass.
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

/// What a look at the registered repositories begins with; `None` if there is no forge.
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
    let scope = scope_of(options.only.as_ref(), &remembered);
    let limits = (!options.force).then_some(setup.config.limits);
    let mut fleet = Fleet::new(Arc::clone(&setup.operator), limits, remembered);
    fleet.traces = options.traces;
    fleet.seen.resume = setup
        .store
        .all_kept(StoredKind::Resume)
        .into_iter()
        .collect();
    Some((fleet, Edges::new(shared, scope, depth)))
}

struct Pass {
    edges: Edges,
    /// The indices of the rules that matched something.
    used: BTreeSet<usize>,
    /// Whether merge requests were open before anything was done.
    proposed_before: bool,
}

impl Pass {
    /// Plans and acts until all repositories are done.
    async fn run(&mut self, fleet: &mut Fleet, report: &mut Report) {
        let now = self.edges.shared.options.now;
        let mut moment = Instant::now() + PATIENCE;
        loop {
            let needs = match plan(fleet, &self.edges.scope, now) {
                Ok(plan) => return self.act(fleet, plan, report).await,
                Err(needs) => needs,
            };
            if self.edges.ask(fleet, needs, report).await {
                continue;
            }
            let reading = self.edges.is_reading();
            if self.edges.wait(fleet, Some(moment)).await {
                // Whatever is read brings more: patience is for when nothing arrives any more.
                if reading {
                    moment = Instant::now() + PATIENCE;
                }
                continue;
            }
            if Instant::now() < moment {
                // Everything that was needed could be said at once.
                continue;
            }
            moment = Instant::now() + PATIENCE;
            if !self.edges.widen() {
                self.edges.scope = self.edges.scope.clone().impatient();
                self.act_apart(fleet, report).await;
            }
        }
    }

    /// Plans and acts in the repositories that do not need what is still waited for.
    async fn act_apart(&mut self, fleet: &mut Fleet, report: &mut Report) {
        let now = self.edges.shared.options.now;
        let apart = ready(fleet, &self.edges.scope);
        let scope = self.edges.scope.within(apart);
        if scope.is_done(fleet) {
            return;
        }
        self.edges.count_unread(fleet);
        loop {
            let needs = match plan(fleet, &scope, now) {
                Ok(plan) => return self.act(fleet, plan, report).await,
                Err(needs) => needs,
            };
            if needs.is_empty() {
                // A merge request that is there now made something be decided again: with the others.
                return;
            }
            let waits = |need: &Need| matches!(need, Need::Pipelines(_) | Need::Fresh(..));
            let forges: Vec<Need> = needs.iter().filter(|need| waits(need)).cloned().collect();
            self.edges.ask(fleet, needs, report).await;
            while forges.iter().any(|need| self.edges.is_flying(need)) {
                self.edges.wait(fleet, None).await;
            }
        }
    }

    /// Does what was planned, several repositories at once.
    async fn act(&mut self, fleet: &mut Fleet, plan: Plan, report: &mut Report) {
        let shared = self.edges.shared.clone();
        let mut open = fleet.repos.iter().flat_map(|repo| &repo.existing.open);
        self.proposed_before |= open.any(|mr| {
            let changes = mr.changes();
            changes.is_some_and(|changes| !changes.references.is_empty())
        });
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
                    existing: repo.existing.clone(),
                    id,
                    plan,
                    report,
                });
            }
            fleet.learn_acted(index, acted);
        }
        report.repositories.extend(act_all(&shared, jobs).await);
    }
}

/// Carries out all plans, several at once.
async fn act_all(shared: &Shared, jobs: Vec<Job>) -> Vec<RepositoryReport> {
    let total = jobs.len();
    let tasks = jobs.into_iter().map(|job| {
        let shared = shared.clone();
        let name = job.report.repo.clone();
        async move {
            // A task of its own: a panic in one repository is reported there and stops nothing else (F51).
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

/// The operator's rules that matched nothing in a whole pass.
fn unused_rules(setup: &Setup, used: &BTreeSet<usize>) -> Vec<String> {
    let rules = setup.config.rules.iter().enumerate();
    rules
        .filter(|(index, rule)| rule.is_selective() && !used.contains(index))
        .map(|(_, rule)| rule.from.to_string())
        .collect()
}

/// What is wrong in what repositories say of the family, a line each.
pub(super) fn findings(family: &Family) -> Vec<String> {
    capped(family.findings(), MOST_FINDINGS)
}
