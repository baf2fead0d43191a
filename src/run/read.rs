//! Reading the repositories: their files, their own settings, and what is there of ours.

use super::existing::There;
use super::family::head_since;
use super::load::{Loaded, NotLoaded, load, not_loaded};
use super::observe::Judge;
use super::options::Progress;
use super::own::OwnError;
use super::register::Registered;
use super::repo::{RepoState, store_key};
use super::report::{ProblemReport, RepositoryReport};
use super::shared::{AT_ONCE, Shared};
use crate::fleet::REPO_CONFIG;
use crate::forge::{Forge, ForgeError, Repository};
use crate::store::StoredKind;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};

/// The most repositories that are read at once: those beyond [`AT_ONCE`] only while the others do not get on.
const MOST_AT_ONCE: usize = 64;

/// Repositories that are being read, several at once.
pub(super) struct Reading {
    progress: Arc<dyn Progress>,
    arrived: mpsc::UnboundedReceiver<RepoState>,
    /// Those that have not arrived, by what the store knows them by.
    left: BTreeMap<String, Registered>,
    total: usize,
    room: Arc<Semaphore>,
    at_once: usize,
}

impl Reading {
    /// Begins to read these repositories. Each arrives also if it cannot be read.
    pub(super) fn start(shared: &Shared, registered: Vec<Registered>) -> Self {
        let (sender, arrived) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let mut left = BTreeMap::new();
        let total = registered.len();
        for (forge, repo) in registered {
            let key = store_key(forge.as_ref(), &repo);
            left.insert(key, (Arc::clone(&forge), repo.clone()));
            let (shared, room, sender) = (shared.clone(), Arc::clone(&room), sender.clone());
            tokio::spawn(async move {
                let Ok(_permit) = room.acquire_owned().await else {
                    return;
                };
                let kept = (shared.clone(), Arc::clone(&forge), repo.clone());
                let task = tokio::spawn(async move { read(&shared, forge, repo).await });
                let state = task.await.unwrap_or_else(|error| {
                    let (shared, forge, repo) = kept;
                    let problem = ProblemReport::bug(&error);
                    nothing(&shared, forge, repo, Err(problem))
                });
                // Nobody waits for it any more if the pass was cut short.
                let _ = sender.send(state);
            });
        }
        Self {
            progress: Arc::clone(&shared.options.progress),
            arrived,
            left,
            total,
            room,
            at_once: AT_ONCE,
        }
    }

    /// Those that arrive: all, or at least one, once nothing has arrived for the given time. A server that is slow, or
    /// silent, keeps only its own repositories.
    pub(super) async fn next(&mut self, patience: Duration) -> Vec<RepoState> {
        let mut cases = Vec::new();
        while !self.left.is_empty() {
            match tokio::time::timeout(patience, self.arrived.recv()).await {
                Ok(Some(state)) => {
                    self.left.remove(&state.key());
                    cases.push(state);
                    let done = self.total - self.left.len();
                    self.progress.tick("reading", done, self.total);
                }
                Ok(None) => break,
                Err(_) => {
                    // Whoever is behind the slow ones goes on beside them.
                    if self.at_once < MOST_AT_ONCE && self.left.len() > self.at_once {
                        self.room.add_permits(AT_ONCE);
                        self.at_once += AT_ONCE;
                    } else if !cases.is_empty() {
                        break;
                    }
                }
            }
        }
        cases
    }

    /// Whether all have arrived.
    pub(super) fn is_done(&self) -> bool {
        self.left.is_empty()
    }

    /// Those that have not arrived.
    pub(super) fn left(&self) -> impl Iterator<Item = &Registered> {
        self.left.values()
    }
}

/// Reads the repositories, and waits for all of them.
pub(super) async fn read_all(shared: &Shared, registered: Vec<Registered>) -> Vec<RepoState> {
    let mut reading = Reading::start(shared, registered);
    let mut all = Vec::new();
    while !reading.is_done() {
        let some = reading.next(Duration::from_secs(1)).await;
        if some.is_empty() {
            break;
        }
        all.extend(some);
    }
    all
}

/// A repository in which nothing is done: what went wrong, or why it is skipped.
fn nothing(
    shared: &Shared,
    forge: Arc<dyn Forge>,
    repo: Repository,
    why: Result<&str, ProblemReport>,
) -> RepoState {
    let parsed = not_loaded(&shared.setup, &repo, why.is_err());
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
    RepoState {
        forge,
        listed: repo,
        base: None,
        head_since: None,
        report,
        parsed,
        decisions: Vec::new(),
        there,
        acted: None,
    }
}

async fn read(shared: &Shared, forge: Arc<dyn Forge>, repo: Repository) -> RepoState {
    let setup = &shared.setup;
    if repo.head.is_some() && shared.is_stopped(forge.name()) {
        let problem = ProblemReport::from(&ForgeError::stopped());
        return nothing(shared, forge, repo, Err(problem));
    }
    let loaded = load(setup, &shared.git, &repo).await;
    let noticed = match &loaded {
        Err(NotLoaded::Git(_)) => Ok(()),
        Err(NotLoaded::Settings(error)) => {
            notice(shared, forge.as_ref(), &repo, Some(&what(error))).await
        }
        Err(NotLoaded::Skipped(_)) if repo.head.is_none() => Ok(()),
        Ok(_) | Err(NotLoaded::Skipped(_)) => notice(shared, forge.as_ref(), &repo, None).await,
    };
    let Loaded { parsed, committed } = match loaded {
        Ok(loaded) => loaded,
        Err(NotLoaded::Skipped(why)) => return nothing(shared, forge, repo, Ok(why)),
        Err(NotLoaded::Git(error)) => {
            let error = ForgeError::from(error);
            shared.stop_if_of_forge(forge.name(), &repo.id, &error);
            return nothing(shared, forge, repo, Err(ProblemReport::from(&error)));
        }
        Err(NotLoaded::Settings(error)) => {
            let problem = bad_settings(&error);
            let mut state = nothing(shared, forge, repo, Err(problem));
            state.report.problems.extend(noticed.err());
            return state;
        }
    };
    let Some((branch, head)) = repo.head.clone() else {
        return nothing(shared, forge, repo, Ok("the repository is empty"));
    };
    let head_since = head_since(shared, forge.as_ref(), &repo, &head, committed);
    let judge = Judge {
        setup,
        git: &shared.git,
        repo: &repo,
        head: &head,
        args: &parsed.settings.args,
        files: &parsed.contents(),
    };
    let there = match There::known(setup, forge.as_ref(), &repo, &judge).await {
        Ok(there) => there,
        Err(problem) => return nothing(shared, forge, repo, Err(problem)),
    };
    let report = RepositoryReport {
        repo: repo.name.to_string(),
        head: Some(head.to_string()),
        problems: noticed.err().into_iter().collect(),
        ..RepositoryReport::default()
    };
    RepoState {
        forge,
        listed: repo,
        base: Some((branch, head)),
        head_since: Some(head_since),
        report,
        parsed,
        decisions: Vec::new(),
        there,
        acted: None,
    }
}

/// That a repository's own settings cannot be read.
pub(super) fn bad_settings(error: &OwnError) -> ProblemReport {
    ProblemReport {
        since: None,
        code: "bad-config".to_owned(),
        message: what(error),
        help: Some(format!(
            "fix {REPO_CONFIG}; imagebot skips this repository until then"
        )),
    }
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
    let key = store_key(forge, repo);
    let text = problem.map(text_of);
    let said = setup.store.kept(StoredKind::Noticed, &key);
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
        .keep(StoredKind::Noticed, &key, &text.unwrap_or_default());
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
