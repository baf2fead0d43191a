//! One pass over the registered repositories: register, observe, decide, plan, act, report.

use super::ages::date;
use super::cold::learn;
use super::decide::decide_all;
use super::existing::remember_ended;
use super::family::{Kinship, kinship, odd, sources};
use super::finish::finish;
use super::options::Options;
use super::planned::{Planned, plan};
use super::read::read_all;
use super::register::{Roll, register};
use super::report::{ProblemReport, Report, RepositoryReport};
use super::setup::Setup;
use super::shared::{AT_ONCE, Case, Shared};
use super::waves::{Ended, Waves};
use crate::forge::Repository;
use crate::plan::{Observations, Proposed};
use futures::StreamExt as _;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Makes one pass.
pub async fn pass(setup: &Arc<Setup>, options: &Options) -> Report {
    let setup = &setup.for_pass();
    let mut report = Report::new(options.dry_run);
    let Some(prepared) = prepare(setup, options, &mut report).await else {
        return report;
    };
    let proposed_before = prepared.proposed_before();
    let mut waves = Waves::new(prepared);
    waves.run(&mut report).await;
    let Ended {
        kinship,
        used,
        saw_something_new,
    } = waves.end();
    report.unused_rules = unused_rules(setup, &used, options);
    if proposed_before && saw_something_new {
        let folder = setup.cache.display();
        report.warnings.push(format!(
            "the cache in {folder} was lost although merge requests are open, so every min_age restarts; is the folder \
             persistent?"
        ));
    }
    report.warnings.extend(odd(&kinship));
    kinship.remember(setup);
    date(setup, options, &mut report);
    report.repositories.sort_by(|a, b| a.repo.cmp(&b.repo));
    report.left_out.sort();
    report
}

/// The repositories of a pass, read, before anything is asked of registries.
pub(super) struct Prepared {
    pub(super) shared: Shared,
    pub(super) kinship: Kinship,
    /// The repositories, in the order in which the family knows them.
    pub(super) cases: Vec<Case>,
    /// What open merge requests propose, for each of them.
    pub(super) proposed: Vec<Proposed>,
    new_store: bool,
}

impl Prepared {
    /// Whether the store is new although merge requests are open.
    fn proposed_before(&self) -> bool {
        self.new_store && self.proposed.iter().any(|all| !all.is_empty())
    }
}

/// Everything that was seen and decided, before anybody waits for anybody.
pub(super) struct Observed {
    pub(super) shared: Shared,
    pub(super) seen: Observations,
    pub(super) kinship: Kinship,
    /// The repositories, in the order in which the family knows them.
    pub(super) cases: Vec<Case>,
}

/// Reads all repositories, and prepares what concerns those that are looked at, and those above them. The others are
/// read for what they say of the family.
async fn prepare(setup: &Arc<Setup>, options: &Options, report: &mut Report) -> Option<Prepared> {
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
    let new_store = setup.store.has_seen_nothing();
    let only = options.only.as_ref();
    let Roll {
        repositories: registered,
        unlisted,
    } = register(setup, only, !options.dry_run, report).await;
    remember_ended(setup, &registered).await;
    learn(setup, options, &registered).await;
    let mut cases = read_all(&shared, registered).await;
    // The same order in every pass.
    cases.sort_by(|a, b| a.candidate.repo.name.cmp(&b.candidate.repo.name));
    let of_cases = cases.iter().map(|case| (&case.candidate.repo, &case.work));
    let mut kinship = kinship(setup, of_cases, unlisted);
    // What failed for those that are not looked at is not told.
    kinship.is_whole = only.is_none()
        && report.problems.is_empty()
        && report.repositories.is_empty()
        && cases
            .iter()
            .all(|case| case.candidate.report.problems.is_empty());
    let known = sources(setup, &Observations::default());
    kinship.hear(setup, &repositories(&cases), &known);
    let concerned = concerned(&kinship, options);
    for (repo, case) in cases.iter_mut().enumerate() {
        if !concerned.contains(&repo) {
            case.work.references.clear();
        }
    }
    let proposed: Vec<_> = cases.iter().map(|case| case.there.proposed()).collect();
    Some(Prepared {
        shared,
        kinship,
        cases,
        proposed,
        new_store,
    })
}

/// Reads all repositories and decides everything.
pub(super) async fn observe(
    setup: &Arc<Setup>,
    options: &Options,
    report: &mut Report,
) -> Option<Observed> {
    let Prepared {
        shared,
        mut kinship,
        cases,
        proposed,
        ..
    } = prepare(setup, options, report).await?;
    let (mut works, mut rest) = (Vec::new(), Vec::new());
    for case in cases {
        works.push(case.work);
        rest.push((case.candidate, case.there));
    }
    let progress = Arc::clone(&options.progress);
    let ticked = move |done, total| progress.tick("registries", done, total);
    let decided = decide_all(
        setup,
        &mut works,
        &proposed,
        options.now,
        options.traces,
        &ticked,
    );
    let seen = decided.await;
    let with = rest.into_iter().zip(works);
    let cases = with.map(|((candidate, there), work)| Case {
        candidate,
        work,
        there,
        acted: None,
    });
    let cases: Vec<Case> = cases.collect();
    kinship.hear(setup, &repositories(&cases), &sources(setup, &seen));
    kinship.remember(setup);
    Some(Observed {
        shared,
        seen,
        kinship,
        cases,
    })
}

pub(super) fn repositories(cases: &[Case]) -> Vec<&Repository> {
    cases.iter().map(|case| &case.candidate.repo).collect()
}

/// The repositories that are looked at, and all above them.
fn concerned(kinship: &Kinship, options: &Options) -> BTreeSet<usize> {
    let members = kinship.members.iter().enumerate();
    let looked_at = members.filter(|(_, member)| options.concerns(&member.name));
    let looked_at: BTreeSet<usize> = looked_at.map(|(repo, _)| repo).collect();
    if options.only.is_none() {
        return looked_at;
    }
    let graph = &kinship.graph;
    let nodes = looked_at.iter().flat_map(|repo| graph.nodes_of(*repo));
    let above = nodes.flat_map(|node| graph.ancestors(*node));
    let above = above.filter_map(|node| graph.nodes()[node].repo);
    above.chain(looked_at.iter().copied()).collect()
}

/// Plans all repositories, several at once.
pub(super) async fn plan_all(
    shared: &Shared,
    seen: Arc<Observations>,
    cases: Vec<Case>,
) -> Vec<Planned> {
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
pub(super) async fn act_all(shared: &Shared, planned: Vec<Planned>) -> Vec<RepositoryReport> {
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
fn unused_rules(setup: &Setup, used: &BTreeSet<usize>, options: &Options) -> Vec<String> {
    if options.only.is_some() {
        return Vec::new();
    }
    let rules = setup.config.rules.iter().enumerate();
    rules
        .filter(|(index, rule)| rule.is_selective() && !used.contains(index))
        .map(|(_, rule)| rule.from.to_string())
        .collect()
}
