//! The CI status of a repository, and since when it has been so.

use super::register::{Registered, store_key};
use super::shared::Shared;
use crate::fleet::{FleetRepo, Pipelines};
use crate::forge::{Forge, Repository};
use crate::repo::{CiStatus, CommitId, RepoName};
use crate::store::StoredKind;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// The commits whose CI status is needed.
pub(super) struct Heads {
    /// The open merge requests that are not drafts, each with its head.
    requests: Vec<(u64, CommitId)>,
}

impl Heads {
    pub(super) fn of(repo: &FleetRepo) -> Self {
        let existing = &repo.existing;
        let open = existing.open.iter().filter(|mr| !mr.draft);
        let heads = open.filter_map(|mr| {
            // A local forge reports the head with its branches, not with its merge requests.
            let branch = existing.branches.get(&mr.source);
            let head = mr.head.as_ref().or(branch.map(|ours| &ours.head))?;
            Some((mr.number, head.clone()))
        });
        Self {
            requests: heads.collect(),
        }
    }
}

/// Fetches the CI status of a repository. The forge may know it even if git or the settings cannot be read.
pub(super) async fn pipelines(
    shared: &Shared,
    (forge, repo): &Registered,
    heads: &Heads,
) -> Pipelines {
    let mut head_status = CiStatus::Unknown;
    let mut failed = BTreeSet::new();
    let forge = forge.as_ref();
    if !shared.is_stopped(forge.name()) {
        if let Some((_, head)) = &repo.head {
            head_status = ci(forge, repo, head).await;
        }
        for (number, head) in &heads.requests {
            if ci(forge, repo, head).await == CiStatus::Failed {
                failed.insert(*number);
            }
        }
    }
    let key = store_key(forge, repo);
    let since = match (head_status, &repo.head) {
        (CiStatus::Unknown, _) => Some(unknown_since(shared, &key)),
        (status, Some((_, head))) => {
            for known_by in [key.as_str(), repo.name.as_str()] {
                shared
                    .setup
                    .store
                    .forget(StoredKind::Ci, &unknown(known_by));
            }
            let what = format!("{head} {status:?}");
            Some(since(shared, StoredKind::Ci, forge, repo, &what, None))
        }
        (_, None) => None,
    };
    Pipelines {
        head: head_status,
        since,
        failed,
    }
}

/// The status of a repository that is not listed at present: unknown, so it may be building.
pub(super) fn of_unlisted(shared: &Shared, name: &RepoName) -> Pipelines {
    Pipelines {
        head: CiStatus::Unknown,
        since: Some(unknown_since(shared, name.as_str())),
        failed: BTreeSet::new(),
    }
}

fn unknown(key: &str) -> String {
    format!("{key} unknown")
}

/// Since when the status of a repository has been unknown.
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

/// The CI status of a commit. If pipelines are not visible, nothing waits for them; if the forge fails, it is unknown.
async fn ci(forge: &dyn Forge, repo: &Repository, commit: &CommitId) -> CiStatus {
    forge.ci(repo, commit).await.unwrap_or_else(|error| {
        if error.is_refusal() {
            tracing::warn!(repo = %repo.name, %error, "its pipelines are not visible, so nothing waits for them");
            return CiStatus::Unseen;
        }
        tracing::warn!(repo = %repo.name, %error, "its pipelines could not be fetched");
        CiStatus::Unknown
    })
}

/// Since when the default branch has had its head: the committer date, but not before imagebot last saw another head. A
/// fast-forwarded branch gets a commit that is older than the push.
pub(super) fn head_since(
    shared: &Shared,
    forge: &dyn Forge,
    repo: &Repository,
    head: &CommitId,
    committed: Option<i64>,
) -> Timestamp {
    let made = committed.and_then(|at| Timestamp::from_second(at).ok());
    since(shared, StoredKind::Head, forge, repo, head.as_str(), made)
}

/// Since when a value has been unchanged: `first` if nothing is remembered, now if it was different.
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
    // Times in the future are also replaced: the clock was ahead when they were recorded (B9).
    let is_new = kept.map(|(known, _)| known) != Some(what) || known != Some(since);
    if is_new && !shared.options.dry_run {
        store.keep(kind, &key, &format!("{what} {}", since.as_second()));
    }
    since
}

fn seconds(text: &str) -> Option<Timestamp> {
    Timestamp::from_second(text.parse().ok()?).ok()
}
