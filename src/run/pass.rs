//! One pass over the registered repositories: register, observe, decide, plan, act, report.

use super::ages::date;
use super::decide::decide_all;
use super::family::{family, findings, remember_family, sources};
use super::finish::finish;
use super::gather::{Gathered, gather};
use super::options::Options;
use super::planned::{Planned, plan};
use super::read::Reading;
use super::repo::RepoState;
use super::report::{ProblemReport, Report, RepositoryReport};
use super::setup::Setup;
use super::shared::{AT_ONCE, Shared};
use super::waves::{Ended, Waves};
use crate::fleet::Family;
use crate::plan::{Observations, Proposed};
use crate::repo::RepoName;
use futures::StreamExt as _;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Makes one pass.
pub async fn pass(setup: &Arc<Setup>, options: &Options) -> Report {
    let setup = &setup.for_pass();
    let mut report = Report::new(options.dry_run);
    let Some(prepared) = prepare(setup, options, false, &mut report).await else {
        return report;
    };
    let proposed_before = prepared.proposed_before();
    let mut waves = Waves::new(prepared);
    loop {
        waves.run(&mut report).await;
        if !waves.wait_for_more().await {
            break;
        }
    }
    let Ended {
        family,
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
    report.warnings.extend(findings(&family));
    remember_family(setup, &family);
    date(setup, options, &mut report);
    report.repositories.sort_by(|a, b| a.repo.cmp(&b.repo));
    report.left_out.sort();
    report
}

/// The repositories of a pass, read, before anything is asked of registries.
pub(super) struct Prepared {
    pub(super) shared: Shared,
    /// Whether only some of the registered repositories were asked for.
    pub(super) is_partial: bool,
    pub(super) family: Family,
    /// The repositories, in the order in which the family knows them.
    pub(super) cases: Vec<RepoState>,
    /// What open merge requests propose, for each of them.
    pub(super) proposed: Vec<Proposed>,
    /// Those that are not listed now although they are, or were, registered.
    pub(super) unlisted: BTreeSet<RepoName>,
    /// Those that are still being read.
    pub(super) rest: Option<Reading>,
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
    pub(super) family: Family,
    /// The repositories, in the order in which the family knows them.
    pub(super) cases: Vec<RepoState>,
}

/// Reads all repositories, and prepares what concerns those that are looked at, and those above them. The others are
/// read for what they say of the family. `wait`: for all of them, also for those that take long.
async fn prepare(
    setup: &Arc<Setup>,
    options: &Options,
    wait: bool,
    report: &mut Report,
) -> Option<Prepared> {
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
    let mut gathered = gather(&shared, options, report).await;
    if wait {
        gathered = gathered.whole().await;
    }
    let Gathered {
        mut cases,
        unlisted,
        is_partial,
        rest,
    } = gathered;
    let mut family = draw(setup, &cases, rest.as_ref(), &unlisted);
    // What failed for those that are not looked at is not told.
    family.is_whole = only.is_none()
        && rest.is_none()
        && report.problems.is_empty()
        && report.repositories.is_empty()
        && cases.iter().all(|case| case.report.problems.is_empty());
    clear_others(&mut cases, &family, options);
    let proposed: Vec<_> = cases.iter().map(|case| case.there.proposed()).collect();
    Some(Prepared {
        shared,
        is_partial,
        family,
        cases,
        proposed,
        unlisted,
        rest,
        new_store,
    })
}

/// Draws the family of the repositories that were read. Those that are still being read come next, and then those that
/// are not listed.
pub(super) fn draw(
    setup: &Setup,
    cases: &[RepoState],
    rest: Option<&Reading>,
    unlisted: &BTreeSet<RepoName>,
) -> Family {
    let read = cases.iter().map(|case| (&case.listed, &case.parsed));
    let left = rest.into_iter().flat_map(Reading::left);
    let left = left.map(|(_, repo)| repo.name.clone());
    let mut family = family(setup, read, left.chain(unlisted.iter().cloned()));
    let known = sources(setup, &Observations::default());
    family.add_labelled(&setup.operator, &known);
    family
}

/// Reads all repositories and decides everything.
pub(super) async fn observe(
    setup: &Arc<Setup>,
    options: &Options,
    report: &mut Report,
) -> Option<Observed> {
    let Prepared {
        shared,
        mut family,
        mut cases,
        proposed,
        ..
    } = prepare(setup, options, true, report).await?;
    let progress = Arc::clone(&options.progress);
    let ticked = move |done, total| progress.tick("registries", done, total);
    let askers: Vec<_> = cases.iter().map(RepoState::asker).collect();
    let times = (options.now, options.traces);
    let (decided, seen) = decide_all(setup, &askers, &proposed, times, &ticked).await;
    for (case, decisions) in cases.iter_mut().zip(decided) {
        case.decisions = decisions;
    }
    family.add_labelled(&setup.operator, &sources(setup, &seen));
    remember_family(setup, &family);
    Some(Observed {
        shared,
        seen,
        family,
        cases,
    })
}

/// Leaves nothing to be decided in the repositories that are neither looked at nor above one that is.
pub(super) fn clear_others(cases: &mut [RepoState], family: &Family, options: &Options) {
    let concerned = concerned(family, options);
    for (repo, case) in cases.iter_mut().enumerate() {
        if !concerned.contains(&repo) {
            case.parsed.references.clear();
        }
    }
}

/// The repositories that are looked at, and all above them.
fn concerned(family: &Family, options: &Options) -> BTreeSet<usize> {
    let members = family.members.iter().enumerate();
    let looked_at = members.filter(|(_, member)| options.concerns(&member.name));
    let looked_at: BTreeSet<usize> = looked_at.map(|(repo, _)| repo).collect();
    match options.only {
        None => looked_at,
        Some(_) => family.with_ancestors(&looked_at),
    }
}

/// Plans all repositories, several at once.
pub(super) async fn plan_all(
    shared: &Shared,
    seen: Arc<Observations>,
    cases: Vec<RepoState>,
) -> Vec<Planned> {
    let tasks = cases.into_iter().map(|case| {
        let (shared, seen) = (shared.clone(), Arc::clone(&seen));
        let name = case.report.repo.clone();
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
