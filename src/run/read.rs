//! Reads the repositories: their files, their own settings, and imagebot's branches and merge requests.

use super::existing::{known, of_unread};
use super::load::{Loaded, NotLoaded, load, not_loaded};
use super::observe::Judge;
use super::options::Progress;
use super::own::OwnError;
use super::pipelines::head_since;
use super::register::{Registered, id_of, store_key};
use super::report::{ProblemReport, RepositoryReport};
use super::shared::{AT_ONCE, Shared};
use crate::fleet::{ExistingRequests, REPO_CONFIG, ReadRepo, RepoId};
use crate::forge::{Forge, ForgeError, Repository};
use crate::store::StoredKind;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};

/// How many repositories are read at once at most: more than [`AT_ONCE`] only while those make no progress.
const MOST_AT_ONCE: usize = 64;

/// How much is read of each repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// Only its files.
    Files,
    /// Also its branches and merge requests; errors in its settings are reported in an issue.
    Everything,
}

/// The result of reading a repository.
pub(super) struct Arrival {
    pub(super) id: RepoId,
    pub(super) read: ReadRepo,
    pub(super) report: RepositoryReport,
}

/// The repositories being read, several at once.
pub(super) struct Reading {
    progress: Arc<dyn Progress>,
    arrived: mpsc::UnboundedReceiver<Arrival>,
    sender: mpsc::UnboundedSender<Arrival>,
    /// Those whose results have not arrived.
    left: BTreeMap<RepoId, Registered>,
    total: usize,
    room: Arc<Semaphore>,
    at_once: usize,
    depth: Depth,
}

impl Reading {
    pub(super) fn new(shared: &Shared, depth: Depth) -> Self {
        let (sender, arrived) = mpsc::unbounded_channel();
        Self {
            progress: Arc::clone(&shared.options.progress),
            arrived,
            sender,
            left: BTreeMap::new(),
            total: 0,
            room: Arc::new(Semaphore::new(AT_ONCE)),
            at_once: AT_ONCE,
            depth,
        }
    }

    /// Starts to read a repository, unless it is being read already. Its result arrives even if reading fails.
    pub(super) fn start(&mut self, shared: &Shared, (forge, repo): &Registered) {
        let id = id_of(forge.as_ref(), repo);
        let registered = (Arc::clone(forge), repo.clone());
        if self.left.insert(id.clone(), registered.clone()).is_some() {
            return;
        }
        self.total += 1;
        let (shared, depth) = (shared.clone(), self.depth);
        let (room, sender) = (Arc::clone(&self.room), self.sender.clone());
        tokio::spawn(async move {
            let Ok(_permit) = room.acquire_owned().await else {
                return;
            };
            let (of, (forge, repo)) = (shared.clone(), registered.clone());
            let task = tokio::spawn(async move { read(&of, forge.as_ref(), &repo, depth).await });
            let (read, report) = task.await.unwrap_or_else(|error| {
                let (forge, repo) = &registered;
                nothing(
                    &shared,
                    forge.as_ref(),
                    repo,
                    Err(ProblemReport::bug(&error)),
                )
            });
            // The receiver is gone if the pass was cut short.
            let _ = sender.send(Arrival { id, read, report });
        });
    }

    /// The next result; `None` if no repository is being read.
    pub(super) async fn next(&mut self) -> Option<Arrival> {
        if self.left.is_empty() {
            return None;
        }
        let arrival = self.arrived.recv().await?;
        self.left.remove(&arrival.id);
        let done = self.total - self.left.len();
        self.progress.tick("reading", done, self.total);
        Some(arrival)
    }

    /// A result that has arrived already.
    pub(super) fn arrived(&mut self) -> Option<Arrival> {
        futures::FutureExt::now_or_never(self.next()).flatten()
    }

    /// Whether a repository is being read.
    pub(super) fn contains(&self, id: &RepoId) -> bool {
        self.left.contains_key(id)
    }

    /// Reads more repositories at once, if those being read make no progress and others wait for their turn. So a slow
    /// or silent server only delays its own repositories.
    pub(super) fn widen(&mut self) -> bool {
        let can = self.at_once < MOST_AT_ONCE && self.left.len() > self.at_once;
        if can {
            self.room.add_permits(AT_ONCE);
            self.at_once += AT_ONCE;
        }
        can
    }

    /// The repositories whose results have not arrived.
    pub(super) fn left(&self) -> impl Iterator<Item = (&RepoId, &Registered)> {
        self.left.iter()
    }
}

/// The result for a repository that cannot be processed: an error, or the reason for skipping it.
fn nothing(
    shared: &Shared,
    forge: &dyn Forge,
    repo: &Repository,
    why: Result<&str, ProblemReport>,
) -> (ReadRepo, RepositoryReport) {
    let is_skipped = why.is_ok();
    let (skipped, problems) = match why {
        Ok(why) => (Some(why.to_owned()), Vec::new()),
        Err(problem) => (None, vec![problem]),
    };
    let read = ReadRepo {
        parsed: Arc::new(not_loaded(&shared.setup, repo, !is_skipped)),
        base: None,
        head_since: None,
        existing: of_unread(&shared.setup, forge, repo),
        is_skipped,
        has_problems: !problems.is_empty(),
    };
    let report = RepositoryReport {
        repo: repo.name.to_string(),
        skipped,
        problems,
        ..RepositoryReport::default()
    };
    (read, report)
}

async fn read(
    shared: &Shared,
    forge: &dyn Forge,
    repo: &Repository,
    depth: Depth,
) -> (ReadRepo, RepositoryReport) {
    let setup = &shared.setup;
    let everything = depth == Depth::Everything;
    if repo.head.is_some() && shared.is_stopped(forge.name()) {
        let problem = ProblemReport::from(&ForgeError::stopped());
        return nothing(shared, forge, repo, Err(problem));
    }
    let loaded = load(setup, &shared.git, repo).await;
    let noticed = match &loaded {
        _ if !everything => Ok(()),
        Err(NotLoaded::Git(_)) => Ok(()),
        Err(NotLoaded::Settings(error)) => notice(shared, forge, repo, Some(&what(error))).await,
        Err(NotLoaded::Skipped(_)) if repo.head.is_none() => Ok(()),
        Ok(_) | Err(NotLoaded::Skipped(_)) => notice(shared, forge, repo, None).await,
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
            let (read, mut report) = nothing(shared, forge, repo, Err(bad_settings(&error)));
            report.problems.extend(noticed.err());
            return (read, report);
        }
    };
    let Some((branch, head)) = repo.head.clone() else {
        return nothing(shared, forge, repo, Ok("the repository is empty"));
    };
    let head_since = everything.then(|| head_since(shared, forge, repo, &head, committed));
    let existing = match everything {
        true => {
            let judge = Judge {
                setup,
                git: &shared.git,
                repo,
                head: &head,
                args: &parsed.settings.args,
                files: &parsed.contents(),
            };
            match known(setup, forge, repo, &judge).await {
                Ok(existing) => existing,
                Err(problem) => return nothing(shared, forge, repo, Err(problem)),
            }
        }
        false => ExistingRequests::default(),
    };
    let report = RepositoryReport {
        repo: repo.name.to_string(),
        head: Some(head.to_string()),
        problems: noticed.err().into_iter().collect(),
        ..RepositoryReport::default()
    };
    let read = ReadRepo {
        parsed: Arc::new(parsed),
        base: Some((branch, head)),
        head_since,
        existing,
        is_skipped: false,
        has_problems: !report.problems.is_empty(),
    };
    (read, report)
}

/// The problem that a repository's own settings are invalid.
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

/// Opens an issue in a repository whose settings are invalid, once, or closes it again. No request is made if the store
/// shows that this was already done.
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
        // Another pass is doing it.
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

/// The text of the issue, with the problems as code, so that it contains no commands or mentions (T33).
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
