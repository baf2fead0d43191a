//! Reading the repositories: their files, their own settings, and what is there of ours.

use super::existing::There;
use super::family::head_since;
use super::observe::{Judge, REPO_CONFIG, Snapshot, snapshot};
use super::own::{OwnError, own_config};
use super::register::Registered;
use super::report::{ProblemReport, RepositoryReport};
use super::shared::{AT_ONCE, Candidate, Case, Shared};
use super::work::Work;
use crate::config::RepoConfig;
use crate::forge::{Forge, ForgeError, Repository};
use crate::git::EntryKind;
use crate::store::Kind;
use futures::StreamExt as _;
use std::sync::Arc;

/// Reads the repositories, several at once. Each gets its place also if it could not be read.
pub(super) async fn read_all(shared: &Shared, registered: Vec<Registered>) -> Vec<Case> {
    let total = registered.len();
    let tasks = registered.into_iter().map(|(forge, repo)| {
        let shared = shared.clone();
        async move {
            let kept = (shared.clone(), Arc::clone(&forge), repo.clone());
            let task = tokio::spawn(async move { read(&shared, forge, repo).await });
            task.await.unwrap_or_else(|error| {
                let (shared, forge, repo) = kept;
                let problem = ProblemReport::bug(&error);
                nothing(&shared, forge, repo, Err(problem))
            })
        }
    });
    let tasks: Vec<_> = tasks.collect();
    let mut tasks = futures::stream::iter(tasks).buffer_unordered(AT_ONCE);
    let mut cases = Vec::new();
    while let Some(case) = tasks.next().await {
        cases.push(case);
        let progress = &shared.options.progress;
        progress.tick("reading", cases.len(), total);
    }
    cases
}

/// A repository in which nothing is done: what went wrong, or why it is skipped.
fn nothing(
    shared: &Shared,
    forge: Arc<dyn Forge>,
    repo: Repository,
    why: Result<&str, ProblemReport>,
) -> Case {
    let name = Some(repo.name.clone());
    let mut work = Work::new(&shared.setup, name, RepoConfig::default(), [], Vec::new());
    // What it publishes follows from its path also while it cannot be read.
    work.registry = repo.registry.clone();
    work.unread = why.is_err();
    let there = There::of_unread(&shared.setup, forge.as_ref(), &repo);
    let (skipped, problems) = match why {
        Ok(why) => (Some(why.to_owned()), Vec::new()),
        Err(problem) => (None, vec![problem]),
    };
    let report = RepositoryReport {
        repo: repo.name.to_string(),
        skipped,
        problems,
        ..RepositoryReport::default()
    };
    Case {
        candidate: Candidate {
            forge,
            repo,
            base: None,
            head_since: None,
            report,
        },
        work,
        there,
        acted: None,
    }
}

async fn read(shared: &Shared, forge: Arc<dyn Forge>, repo: Repository) -> Case {
    let setup = &shared.setup;
    let Some((branch, head)) = repo.head.clone() else {
        return nothing(shared, forge, repo, Ok("the repository is empty"));
    };
    if shared.is_stopped(forge.name()) {
        let problem = ProblemReport::from(&ForgeError::stopped());
        return nothing(shared, forge, repo, Err(problem));
    }
    let snapshot = match snapshot(setup, &shared.git, &repo, &head).await {
        Ok(snapshot) => snapshot,
        Err(error) => {
            let error = ForgeError::from(error);
            shared.stop_if_of_forge(forge.name(), &repo.id, &error);
            return nothing(shared, forge, repo, Err(ProblemReport::from(&error)));
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
    let config = own_config(&format!("{}:", repo.name), contents, skipped, &setup.config);
    let told = match &config {
        Ok(_) => notice(shared, forge.as_ref(), &repo, None).await,
        Err(error) => notice(shared, forge.as_ref(), &repo, Some(&what(error))).await,
    };
    let config = match config {
        Ok(config) => config,
        Err(error) => {
            let problem = ProblemReport {
                since: None,
                code: "bad-config".to_owned(),
                message: what(&error),
                help: Some(format!(
                    "fix {REPO_CONFIG}; imagebot skips this repository until then"
                )),
            };
            let mut case = nothing(shared, forge, repo, Err(problem));
            case.candidate.report.problems.extend(told.err());
            return case;
        }
    };
    if !config.enabled {
        return nothing(
            shared,
            forge,
            repo,
            Ok("enabled = false in its imagebot.toml"),
        );
    }
    let head_since = head_since(shared, forge.as_ref(), &repo, &head, snapshot.committed);
    let unreadable = unreadable(&snapshot);
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
    let skipped = skipped.chain(unreadable);
    let name = Some(repo.name.clone());
    let mut work = Work::new(setup, name, config, files, skipped.collect());
    work.registry = repo.registry.clone();
    let judge = Judge {
        setup,
        git: &shared.git,
        repo: &repo,
        head: &head,
        args: &work.config.args,
        files: &work.contents(),
    };
    let there = match There::known(setup, forge.as_ref(), &repo, &judge).await {
        Ok(there) => there,
        Err(problem) => return nothing(shared, forge, repo, Err(problem)),
    };
    let report = RepositoryReport {
        repo: repo.name.to_string(),
        head: Some(head.to_string()),
        problems: told.err().into_iter().collect(),
        ..RepositoryReport::default()
    };
    Case {
        candidate: Candidate {
            forge,
            repo,
            base: Some((branch, head)),
            head_since: Some(head_since),
            report,
        },
        work,
        there,
        acted: None,
    }
}

/// The files whose names cannot be read, as far as they are named.
fn unreadable(snapshot: &Snapshot) -> Vec<(String, String)> {
    let why = || "unreadable-name".to_owned();
    let named = snapshot.unreadable.iter();
    let mut unreadable: Vec<_> = named.map(|path| (path.clone(), why())).collect();
    let more = snapshot.unreadable_in_all - snapshot.unreadable.len();
    if more > 0 {
        unreadable.push((format!("{more} more files"), why()));
    }
    unreadable
}

fn what(error: &OwnError) -> String {
    match error {
        OwnError::Unread { .. } => error.to_string(),
        OwnError::Wrong(problems) => problems.lines().join("\n"),
    }
}

/// Tells a repository on itself that its settings cannot be read, once, or takes that back. What the store knows to be
/// said or unsaid already is not asked for again; without it the forge is asked.
async fn notice(
    shared: &Shared,
    forge: &dyn Forge,
    repo: &Repository,
    problem: Option<&str>,
) -> Result<(), ProblemReport> {
    let setup = &shared.setup;
    let concerns = shared.options.concerns(&repo.name) && !shared.options.dry_run;
    if !concerns || !setup.config.merge_requests.notices {
        return Ok(());
    }
    let key = format!("{} {}", forge.name(), repo.id);
    let text = problem.map(text_of);
    let said = setup.store.kept(Kind::Noticed, &key);
    if said.as_deref() == Some(text.as_deref().unwrap_or_default()) {
        return Ok(());
    }
    if text.is_some() {
        let verified = forge.verify_head(repo).await;
        verified.map_err(|error| ProblemReport::from(&error))?;
    }
    match forge.notice(repo, text.as_deref()).await {
        // Another pass says it.
        Err(ForgeError::Busy(_)) => return Ok(()),
        noticed => noticed.map_err(|error| ProblemReport::from(&error))?,
    }
    if text.is_some() {
        shared.options.checkpoint.reached("noticed");
    }
    setup
        .store
        .keep(Kind::Noticed, &key, &text.unwrap_or_default());
    Ok(())
}

/// What a repository is told: the problems as code, so that nothing in them commands or mentions (T33).
fn text_of(problem: &str) -> String {
    let lines: Vec<String> = problem
        .lines()
        .map(crate::plan::code)
        .filter(|line| !line.is_empty())
        .collect();
    format!(
        "imagebot does nothing in this repository until its `{REPO_CONFIG}` is valid:\n\n- {}\n\nimagebot closes this \
         issue once the file can be read.",
        lines.join("\n- ")
    )
}
