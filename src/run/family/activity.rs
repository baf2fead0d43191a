//! What goes on in a repository: its open merge requests, its pipeline, the age of its head.

use super::super::repo::{RepoState, store_key};
use super::super::shared::Shared;
use crate::family::hold::{Ci, Facts, Open};
use crate::forge::{Forge, Pipeline, Repository};
use crate::plan::{ChangeSet, Proposal, Reconciled, Request, Since, listed, requests};
use crate::repo::{CommitId, RepoName};
use crate::store::{Store, StoredKind};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What the forge says of a repository.
#[derive(Debug, Clone)]
pub(super) struct Activity {
    /// What CI says of the default branch's head.
    ci: Ci,
    /// The open merge requests whose pipeline failed.
    failed: BTreeSet<u64>,
}

impl Default for Activity {
    fn default() -> Self {
        Self {
            ci: Ci::Unseen,
            failed: BTreeSet::new(),
        }
    }
}

impl Activity {
    pub(super) async fn of(shared: &Shared, case: &RepoState) -> Self {
        let (forge, repo) = (case.forge.as_ref(), &case.listed);
        if case.report.skipped.is_some() {
            return Self::default();
        }
        let mut activity = Self {
            ci: Ci::Unknown,
            ..Self::default()
        };
        if shared.is_stopped(forge.name()) {
            return activity;
        }
        // Where git or the settings cannot be read, the forge may know all the same.
        if let Some((_, head)) = &repo.head {
            activity.ci = ci(forge, repo, head).await;
        }
        for mr in case.there.open.iter().filter(|mr| !mr.draft) {
            // A folder tells the head with its branches.
            let branch = case.there.branches.get(&mr.source);
            let head = mr.head.as_ref().or(branch.map(|ours| &ours.head));
            if let Some(head) = head
                && ci(forge, repo, head).await == Ci::Failed
            {
                activity.failed.insert(mr.number);
            }
        }
        activity
    }
}

/// What goes on in a repository; `results` is what would be done there now.
pub(super) fn facts(
    shared: &Shared,
    case: &RepoState,
    activity: Activity,
    proposals: &[Proposal],
    results: &[Reconciled],
) -> Facts {
    let (forge, repo) = (case.forge.as_ref(), &case.listed);
    let open = match &case.acted {
        Some(open) => open.clone(),
        None if case.parsed.unread => {
            let mut remembered = Remembered::new(shared, forge, repo);
            let label = &shared.setup.config.merge_requests.stop_label;
            listed(&case.there.open, label, &activity.failed, &mut remembered)
        }
        None => {
            let (there, failed) = (&case.there.open, &activity.failed);
            requests_now(shared, case, there, failed, proposals, results)
        }
    };
    let key = store_key(forge, repo);
    let ci_since = match (activity.ci, &repo.head) {
        (Ci::Unknown, _) => Some(unknown_since(shared, &key)),
        (ci, Some((_, head))) => {
            shared.setup.store.forget(StoredKind::Ci, &unknown(&key));
            let what = format!("{head} {ci:?}");
            Some(since(shared, StoredKind::Ci, forge, repo, &what, None))
        }
        (_, None) => None,
    };
    Facts {
        open,
        ci: activity.ci,
        ci_since,
        head_since: case.head_since,
    }
}

/// What is known of a repository that is not listed for now: that it may be busy.
pub(super) fn facts_of_unlisted(shared: &Shared, name: &RepoName) -> Facts {
    Facts {
        open: Vec::new(),
        ci: Ci::Unknown,
        ci_since: Some(unknown_since(shared, name.as_str())),
        head_since: None,
    }
}

/// The merge requests of a repository that its children may have to wait for, given what is to be done there.
pub(in crate::run) fn requests_now(
    shared: &Shared,
    case: &RepoState,
    there: &[Request],
    failed: &BTreeSet<u64>,
    proposals: &[Proposal],
    results: &[Reconciled],
) -> Vec<Open> {
    let mut remembered = Remembered::new(shared, case.forge.as_ref(), &case.listed);
    let open = requests(proposals, results, there, failed, &mut remembered);
    if remembered.starts_clocks {
        remembered.forget_others();
    }
    open
}

fn unknown(key: &str) -> String {
    format!("{key} unknown")
}

/// Since when it cannot be found out what goes on in a repository.
fn unknown_since(shared: &Shared, key: &str) -> Timestamp {
    let (store, now) = (&shared.setup.store, shared.options.now);
    let key = unknown(key);
    let kept = store.time(StoredKind::Ci, &key, now.as_second());
    if kept.is_none() && !shared.options.dry_run {
        store.keep(StoredKind::Ci, &key, &now.as_second().to_string());
    }
    let kept = kept.and_then(|at| Timestamp::from_second(at).ok());
    kept.unwrap_or(now)
}

/// What the store remembers of a repository's merge requests.
struct Remembered<'a> {
    store: &'a Store,
    repo: String,
    now: Timestamp,
    /// Whether what is seen now counts for later passes: not for a look that writes nothing.
    starts_clocks: bool,
    /// The keys of those that are about to be opened.
    opening: BTreeSet<String>,
}

impl Since for Remembered<'_> {
    fn opened(&mut self, number: u64) -> Option<Timestamp> {
        let key = format!("{} {number}", self.repo);
        let at = self
            .store
            .time(StoredKind::Opened, &key, self.now.as_second())?;
        Timestamp::from_second(at).ok()
    }

    fn opening(&mut self, changes: &ChangeSet) -> Option<Timestamp> {
        let key = format!("{} {}", self.repo, changes.lines().join("\n"));
        let since = self
            .store
            .time(StoredKind::Opening, &key, self.now.as_second());
        let since = since.and_then(|at| Timestamp::from_second(at).ok());
        let since = since.unwrap_or_else(|| {
            if self.starts_clocks {
                let now = self.now.as_second().to_string();
                self.store.keep(StoredKind::Opening, &key, &now);
            }
            self.now
        });
        self.opening.insert(key);
        Some(since)
    }
}

impl<'a> Remembered<'a> {
    fn new(shared: &'a Shared, forge: &dyn Forge, repo: &Repository) -> Self {
        Self {
            store: &shared.setup.store,
            repo: store_key(forge, repo),
            now: shared.options.now,
            starts_clocks: !shared.options.dry_run,
            opening: BTreeSet::new(),
        }
    }

    /// Forgets what is no longer about to be opened.
    fn forget_others(&self) {
        let prefix = format!("{} ", self.repo);
        for key in self.store.all_kept(StoredKind::Opening).into_keys() {
            if key.starts_with(&prefix) && !self.opening.contains(&key) {
                self.store.forget(StoredKind::Opening, &key);
            }
        }
    }
}

/// What CI says of a commit. Where pipelines cannot be seen nobody waits for them; where the forge fails nobody knows.
async fn ci(forge: &dyn Forge, repo: &Repository, commit: &CommitId) -> Ci {
    match forge.pipeline(repo, commit).await {
        Ok(Pipeline::None) => match forge.has_pipelines(repo).await {
            Ok(false) => Ci::Never,
            // The commit is waited for as if it were to get one.
            Ok(true) | Err(_) => Ci::None,
        },
        Ok(Pipeline::Running) => Ci::Running,
        Ok(Pipeline::Success) => Ci::Passed,
        Ok(Pipeline::Failed) => Ci::Failed,
        Err(error) if error.is_refusal() => {
            tracing::warn!(repo = %repo.name, %error, "its pipelines are not visible, so nothing waits for them");
            Ci::Unseen
        }
        Err(error) => {
            tracing::warn!(repo = %repo.name, %error, "its pipelines could not be fetched");
            Ci::Unknown
        }
    }
}

/// Since when the default branch has its head: what the commit says, but not before imagebot saw another head there. A
/// branch that is fast-forwarded gets a commit that is older than the push.
pub(in crate::run) fn head_since(
    shared: &Shared,
    forge: &dyn Forge,
    repo: &Repository,
    head: &CommitId,
    committed: Option<i64>,
) -> Timestamp {
    let made = committed.and_then(|at| Timestamp::from_second(at).ok());
    since(shared, StoredKind::Head, forge, repo, head.as_str(), made)
}

/// Since when something of a repository is as it is: `first` if nothing is remembered, now if it was something else.
fn since(
    shared: &Shared,
    kind: StoredKind,
    forge: &dyn Forge,
    repo: &Repository,
    what: &str,
    first: Option<Timestamp>,
) -> Timestamp {
    let (store, now) = (&shared.setup.store, shared.options.now);
    let key = store_key(forge, repo);
    let kept = store.kept(kind, &key);
    let kept = kept.as_deref().and_then(|kept| kept.rsplit_once(' '));
    let known = match kept {
        Some((known, since)) if known == what => seconds(since),
        Some(_) => None,
        None => first,
    };
    let since = known.filter(|since| *since <= now).unwrap_or(now);
    // Also a time that lay in the future: the clock ran ahead then (B9).
    let is_new = kept.map(|(known, _)| known) != Some(what) || known != Some(since);
    if is_new && !shared.options.dry_run {
        store.keep(kind, &key, &format!("{what} {}", since.as_second()));
    }
    since
}

fn seconds(text: &str) -> Option<Timestamp> {
    Timestamp::from_second(text.parse().ok()?).ok()
}
