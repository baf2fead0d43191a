//! One pass over the registered repositories.

use super::act::{Acted, problem};
use super::checkpoint::Checkpoint;
use super::decide::decide_all;
use super::observe::{OurBranch, REPO_CONFIG, branches, snapshot};
use super::own::{OwnError, own_config};
use super::report::{DecisionReport, ProblemReport, ProposalReport, Report, RepositoryReport};
use super::setup::Setup;
use super::work::Work;
use crate::config::RepoConfig;
use crate::forge::{Forge, Known, Repository};
use crate::git::{EntryKind, Git};
use crate::plan::{Certainty, Decision, Existing, Observations, propose, reconcile};
use crate::repo::{Branch, CommitId, RepoGlobs};
use futures::StreamExt as _;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many repositories are worked on at once.
const AT_ONCE: usize = 8;

/// How a pass is made.
#[derive(Clone)]
pub struct Options {
    /// Whether nothing is to be written.
    pub dry_run: bool,
    /// The repositories that are looked at; all registered ones if there is no list.
    pub only: Option<RepoGlobs>,
    /// Today.
    pub today: Date,
    /// Told how far the pass is.
    pub progress: Arc<dyn Progress>,
    /// Called behind every step that changed something outside: tests stop the pass there.
    pub checkpoint: Checkpoint,
    /// Whether the report keeps the decisions with their traces: for one repository, not for a fleet.
    pub traces: bool,
}

/// Told how far a pass is.
pub trait Progress: Send + Sync {
    /// `done` of `total` steps of a phase are done.
    fn tick(&self, phase: &'static str, done: usize, total: usize);
}

/// Nobody is told.
impl Progress for () {
    fn tick(&self, _: &'static str, _: usize, _: usize) {}
}

/// A repository between two phases.
struct Candidate {
    forge: Arc<dyn Forge>,
    repo: Repository,
    base: Option<(Branch, CommitId)>,
    report: RepositoryReport,
    branches: BTreeMap<Branch, OurBranch>,
}

/// Makes one pass.
pub async fn pass(setup: &Arc<Setup>, options: &Options) -> Report {
    setup.registries.new_run();
    let mut report = Report {
        version: 1,
        dry_run: options.dry_run,
        repositories: Vec::new(),
        problems: Vec::new(),
        unused_rules: Vec::new(),
    };
    let Some(git) = setup.git.clone() else {
        report.problems.push(ProblemReport {
            code: "no-forge".to_owned(),
            message: "the configuration lists no [[forge]], so there are no repositories"
                .to_owned(),
            help: Some("[[forge]]\nkind = \"local\"\npath = \"/srv/git\"".to_owned()),
        });
        return report;
    };
    let registered = register(setup, options, &mut report).await;
    let (mut candidates, mut works) = observe(setup, &git, registered, options).await;
    let progress = Arc::clone(&options.progress);
    let seen = decide_all(
        setup,
        &mut works,
        options.today,
        options.traces,
        &move |done, total| progress.tick("registries", done, total),
    )
    .await;
    report.unused_rules = unused_rules(setup, &works, options);
    let seen = Arc::new(seen);
    let mut done = 0;
    let total = candidates.len();
    let tasks = candidates.drain(..).zip(works).map(|(candidate, work)| {
        let (setup, git, seen, options) = (
            Arc::clone(setup),
            git.clone(),
            Arc::clone(&seen),
            options.clone(),
        );
        let name = candidate.report.repo.clone();
        async move {
            // A task of its own: a panic in one repository is reported there and stops nothing else.
            let task = tokio::spawn(finish(setup, git, seen, options, candidate, work));
            task.await.unwrap_or_else(|error| RepositoryReport {
                repo: name,
                problems: vec![ProblemReport::new(
                    "bug",
                    format!("this is a bug in imagebot: {error}"),
                )],
                ..RepositoryReport::default()
            })
        }
    });
    let mut finished = futures::stream::iter(tasks.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
    while let Some(repository) = finished.next().await {
        done += 1;
        options.progress.tick("repositories", done, total);
        report.repositories.push(repository);
    }
    report.repositories.sort_by(|a, b| a.repo.cmp(&b.repo));
    report
}

/// Asks the forges for their repositories.
async fn register(
    setup: &Setup,
    options: &Options,
    report: &mut Report,
) -> Vec<(Arc<dyn Forge>, Repository)> {
    let mut registered = Vec::new();
    for forge in &setup.forges {
        match forge.discover(&Known::new()).await {
            Ok(listing) => {
                registered.extend(
                    listing
                        .repositories
                        .into_iter()
                        .map(|repo| (Arc::clone(forge), repo)),
                );
                let wanted = |name: &str| {
                    options.only.as_ref().is_none_or(|globs| {
                        crate::repo::RepoName::parse(name).is_ok_and(|name| globs.select(&name))
                    })
                };
                let failed = listing.failed.into_iter().filter(|(name, _)| wanted(name));
                report
                    .repositories
                    .extend(failed.map(|(name, error)| RepositoryReport {
                        repo: name,
                        problems: vec![problem(&error)],
                        ..RepositoryReport::default()
                    }));
            }
            Err(error) => report.problems.push(problem(&error)),
        }
    }
    registered.retain(|(_, repo)| {
        options
            .only
            .as_ref()
            .is_none_or(|globs| globs.select(&repo.name))
    });
    registered
}

/// Reads the repositories, several at once. Each gets its place also if it could not be read.
async fn observe(
    setup: &Arc<Setup>,
    git: &Git,
    registered: Vec<(Arc<dyn Forge>, Repository)>,
    options: &Options,
) -> (Vec<Candidate>, Vec<Work>) {
    let total = registered.len();
    let tasks = registered.into_iter().map(|(forge, repo)| {
        let (setup, git) = (Arc::clone(setup), git.clone());
        async move {
            let kept = (Arc::clone(&forge), repo.clone());
            let task = tokio::spawn(async move { read(&setup, &git, forge, repo).await });
            task.await.map_err(|error| (kept, error))
        }
    });
    let (mut candidates, mut works) = (Vec::new(), Vec::new());
    let mut tasks = futures::stream::iter(tasks.collect::<Vec<_>>()).buffer_unordered(AT_ONCE);
    while let Some(result) = tasks.next().await {
        options
            .progress
            .tick("reading", candidates.len() + 1, total);
        let (candidate, work) = match result {
            Ok(read) => read,
            Err(((forge, repo), error)) => {
                let problem =
                    ProblemReport::new("bug", format!("this is a bug in imagebot: {error}"));
                nothing(setup, forge, repo, Some(problem), None)
            }
        };
        candidates.push(candidate);
        works.push(work);
    }
    (candidates, works)
}

fn nothing(
    setup: &Setup,
    forge: Arc<dyn Forge>,
    repo: Repository,
    problem: Option<ProblemReport>,
    skipped: Option<&str>,
) -> (Candidate, Work) {
    let report = RepositoryReport {
        repo: repo.name.to_string(),
        skipped: skipped.map(str::to_owned),
        problems: problem.into_iter().collect(),
        ..RepositoryReport::default()
    };
    let work = Work::new(
        setup,
        Some(repo.name.clone()),
        RepoConfig::default(),
        [],
        Vec::new(),
    );
    (
        Candidate {
            forge,
            repo,
            base: None,
            report,
            branches: BTreeMap::new(),
        },
        work,
    )
}

async fn read(
    setup: &Setup,
    git: &Git,
    forge: Arc<dyn Forge>,
    repo: Repository,
) -> (Candidate, Work) {
    let Some((branch, head)) = repo.head.clone() else {
        return nothing(setup, forge, repo, None, Some("the repository is empty"));
    };
    let snapshot = match snapshot(setup, git, &repo, &head).await {
        Ok(snapshot) => snapshot,
        Err(error) => {
            return nothing(
                setup,
                forge,
                repo,
                Some(ProblemReport::new(error.code(), &error)),
                None,
            );
        }
    };
    let contents = snapshot
        .files
        .iter()
        .find(|file| file.path.as_str() == REPO_CONFIG)
        .map(|file| file.contents.as_slice());
    let skipped = snapshot
        .skipped
        .iter()
        .map(|(path, why)| (path.as_str(), why.as_str()));
    let config = match own_config(&format!("{}:", repo.name), contents, skipped, &setup.config) {
        Ok(config) => config,
        Err(error) => {
            let message = match &error {
                OwnError::Unread { .. } => error.to_string(),
                OwnError::Wrong(problems) => problems.lines().join("\n"),
            };
            let problem = ProblemReport {
                code: "bad-config".to_owned(),
                message,
                help: Some(format!(
                    "mend {REPO_CONFIG}; until then nothing is done here"
                )),
            };
            return nothing(setup, forge, repo, Some(problem), None);
        }
    };
    if !config.enabled {
        return nothing(
            setup,
            forge,
            repo,
            None,
            Some("its imagebot.toml says enabled = false"),
        );
    }
    let branches = match branches(setup, git, &repo, &head, &config.args, &snapshot).await {
        Ok(branches) => branches,
        Err(error) => {
            return nothing(
                setup,
                forge,
                repo,
                Some(ProblemReport::new(error.code(), &error)),
                None,
            );
        }
    };
    let files = snapshot.files.into_iter().map(|file| {
        let kind = if file.executable {
            EntryKind::Executable
        } else {
            EntryKind::File
        };
        (file.path, kind, file.contents)
    });
    let skipped = snapshot.skipped.into_iter();
    let skipped = skipped.map(|(path, why)| (path.to_string(), why));
    let work = Work::new(
        setup,
        Some(repo.name.clone()),
        config,
        files,
        skipped.collect(),
    );
    let report = RepositoryReport {
        repo: repo.name.to_string(),
        head: Some(head.to_string()),
        ..RepositoryReport::default()
    };
    (
        Candidate {
            forge,
            repo,
            base: Some((branch, head)),
            report,
            branches,
        },
        work,
    )
}

/// Proposes, compares with what is there, and acts.
async fn finish(
    setup: Arc<Setup>,
    git: Git,
    seen: Arc<Observations>,
    options: Options,
    candidate: Candidate,
    mut work: Work,
) -> RepositoryReport {
    let Candidate {
        forge,
        repo,
        base,
        mut report,
        branches,
    } = candidate;
    report.unread = work.unread();
    let Some((branch, head)) = base else {
        return report;
    };
    let (proposals, _) = propose(
        &repo.id,
        &branch,
        &work.files,
        &work.config.args,
        &mut work.decisions,
        &seen,
    );
    report.decisions = work.decisions.iter().map(DecisionReport::from).collect();
    report.unused_rules = unused_own_rules(&setup, &work);
    if options.traces {
        let line = |decision: &Decision| work.line(&decision.path, decision.located.line);
        report.traces = work
            .decisions
            .iter()
            .map(|decision| (decision.clone(), line(decision)))
            .collect();
    }
    if proposals.is_empty() && branches.is_empty() {
        return report;
    }
    let names = proposals
        .iter()
        .map(|proposal| &proposal.branch)
        .chain(branches.keys())
        .cloned()
        .collect();
    let merge_requests = match forge.merge_requests(&repo, &names).await {
        Ok(merge_requests) => merge_requests,
        Err(error) => {
            report.problems.push(problem(&error));
            return report;
        }
    };
    let mut existing: BTreeMap<Branch, Existing> = BTreeMap::new();
    for (branch, ours) in branches {
        let there = existing.entry(branch).or_default();
        there.head = Some((ours.head, ours.ownership));
        there.fits = ours.fits;
    }
    for merge_request in merge_requests {
        existing
            .entry(merge_request.source.clone())
            .or_default()
            .merge_requests
            .push(merge_request);
    }
    let mut results = reconcile(
        &proposals,
        &existing,
        &branch,
        &Certainty {
            whole: work.is_certain(),
            not_judged: work.not_judged(),
        },
    );
    if !options.dry_run {
        let acted = Acted {
            setup: &setup,
            git: &git,
            forge: forge.as_ref(),
            repo: &repo,
            base: (&branch, &head),
            checkpoint: &options.checkpoint,
        };
        report
            .problems
            .extend(acted.act(&work, &proposals, &mut results).await);
    }
    report.proposals = results
        .iter()
        .map(|result| ProposalReport::new(result, &proposals))
        .collect();
    report
}

/// The operator's rules that matched nothing in a whole pass.
fn unused_rules(setup: &Setup, works: &[Work], options: &Options) -> Vec<String> {
    if options.only.is_some() {
        return Vec::new();
    }
    let used = matched(works);
    let rules = setup.config.rules.iter().enumerate();
    rules
        .filter(|(index, rule)| rule.is_selective() && !used.contains(index))
        .map(|(_, rule)| rule.from.to_string())
        .collect()
}

fn unused_own_rules(setup: &Setup, work: &Work) -> Vec<String> {
    let used = matched(std::slice::from_ref(work));
    let first = setup.config.rules.len();
    let own = work.config.rules.iter().enumerate();
    own.filter(|(index, _)| !used.contains(&(first + index)))
        .map(|(_, rule)| rule.from.to_string())
        .collect()
}

fn matched(works: &[Work]) -> BTreeSet<usize> {
    let decisions = works.iter().flat_map(|work| &work.decisions);
    decisions
        .filter_map(|decision| decision.effective.as_ref())
        .flat_map(|e| e.matched.iter().copied())
        .collect()
}
