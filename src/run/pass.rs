//! One pass over the registered repositories: register, observe, decide, plan, act, report.

use super::decide::decide_all;
use super::existing::{There, remember_ended};
use super::family::{hold_all, kinship, odd};
use super::finish::finish;
use super::limits::hold_back;
use super::options::Options;
use super::planned::{Planned, plan};
use super::read::read_all;
use super::register::register;
use super::report::{ProblemReport, Report, RepositoryReport};
use super::setup::Setup;
use super::shared::{AT_ONCE, Case, Shared};
use super::work::Work;
use crate::plan::Observations;
use futures::StreamExt as _;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Makes one pass.
pub async fn pass(setup: &Arc<Setup>, options: &Options) -> Report {
    setup.registries.new_run();
    let mut report = Report::new(options.dry_run);
    let Some(shared) = Shared::new(setup, options) else {
        report.problems.push(ProblemReport {
            code: "no-forge".to_owned(),
            message: "the configuration lists no [[forge]], so there are no repositories"
                .to_owned(),
            help: Some("[[forge]]\nkind = \"local\"\npath = \"/srv/git\"".to_owned()),
        });
        return report;
    };
    let new_store = setup.store.has_seen_nothing();
    let registered = register(setup, options.only.as_ref(), !options.dry_run, &mut report).await;
    remember_ended(setup, &registered).await;
    let cases = read_all(&shared, registered).await;
    let (mut candidates, mut works, mut there) = (Vec::new(), Vec::new(), Vec::new());
    for case in cases {
        candidates.push(case.candidate);
        works.push(case.work);
        there.push(case.there);
    }
    let proposed: Vec<_> = there.iter().map(There::proposed).collect();
    let progress = Arc::clone(&options.progress);
    let seen = decide_all(
        setup,
        &mut works,
        &proposed,
        options.now,
        options.traces,
        &move |done, total| progress.tick("registries", done, total),
    )
    .await;
    report.unused_rules = unused_rules(setup, &works, options);
    if new_store && !seen.first_seen.is_empty() && proposed.iter().any(|all| !all.is_empty()) {
        let folder = setup.cache.display();
        report.warnings.push(format!(
            "imagebot has proposed here before and remembers nothing: does the cache folder {folder} not last? Every \
             min_age begins anew"
        ));
    }
    let seen = Arc::new(seen);
    let cases = candidates.into_iter().zip(works).zip(there);
    let cases = cases.map(|((candidate, work), there)| Case {
        candidate,
        work,
        there,
    });
    let mut cases: Vec<Case> = cases.collect();
    let of_cases = cases.iter().map(|case| (&case.candidate.repo, &case.work));
    let kinship = kinship(setup, of_cases);
    report.warnings.extend(odd(&kinship));
    hold_all(&shared, &seen, &kinship, &mut cases).await;
    let mut planned = plan_all(&shared, seen, cases).await;
    hold_back(&shared, &mut planned);
    report.repositories.extend(act_all(&shared, planned).await);
    report.repositories.sort_by(|a, b| a.repo.cmp(&b.repo));
    report.left_out.sort();
    report
}

/// Plans all repositories, several at once.
async fn plan_all(shared: &Shared, seen: Arc<Observations>, cases: Vec<Case>) -> Vec<Planned> {
    let tasks = cases.into_iter().map(|case| {
        let (shared, seen) = (shared.clone(), Arc::clone(&seen));
        let name = case.candidate.report.repo.clone();
        async move {
            // A task of its own: a panic in one repository is reported there and stops nothing else (F51).
            let task = tokio::spawn(async move { plan(&shared, &seen, case).await });
            task.await
                .unwrap_or_else(|error| Planned::only(RepositoryReport::bug(name, &error)))
        }
    });
    let tasks: Vec<_> = tasks.collect();
    futures::stream::iter(tasks)
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// Does what is to be done in all repositories, several at once.
async fn act_all(shared: &Shared, planned: Vec<Planned>) -> Vec<RepositoryReport> {
    let total = planned.len();
    let tasks = planned.into_iter().map(|planned| {
        let shared = shared.clone();
        let name = planned.report.repo.clone();
        async move {
            let task = tokio::spawn(async move { finish(&shared, planned).await });
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
fn unused_rules(setup: &Setup, works: &[Work], options: &Options) -> Vec<String> {
    if options.only.is_some() {
        return Vec::new();
    }
    let used: BTreeSet<usize> = works.iter().flat_map(Work::matched).collect();
    let rules = setup.config.rules.iter().enumerate();
    rules
        .filter(|(index, rule)| rule.is_selective() && !used.contains(index))
        .map(|(_, rule)| rule.from.to_string())
        .collect()
}
