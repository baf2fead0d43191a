//! What goes on in a repository: its open merge requests, its pipeline, the age of its head.

use super::super::setup::Setup;
use super::super::shared::{Case, Shared};
use crate::family::hold::{Ci, Facts, Open};
use crate::forge::{Forge, Pipeline, Repository};
use crate::plan::{Proposal, Reconciled, Status, block_of};
use crate::repo::{CommitId, MergeRequest};
use crate::store::Kind;
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
    pub(super) async fn of(shared: &Shared, case: &Case) -> Self {
        let candidate = &case.candidate;
        let (forge, repo) = (candidate.forge.as_ref(), &candidate.repo);
        if shared.is_stopped(forge.name()) {
            return Self::default();
        }
        let mut activity = Self::default();
        if let Some((_, head)) = &candidate.base {
            activity.ci = ci(forge, repo, head).await;
        }
        for mr in case.there.open.iter().filter(|mr| !mr.draft) {
            if let Some(head) = &mr.head
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
    case: &Case,
    activity: Activity,
    proposals: &[Proposal],
    results: &[Reconciled],
) -> Facts {
    let setup = &shared.setup;
    let candidate = &case.candidate;
    let (forge, repo) = (candidate.forge.as_ref(), &candidate.repo);
    let mut open = Vec::new();
    let mut opening = Vec::new();
    for result in results {
        let proposal = result.proposal.map(|index| &proposals[index]);
        let mut there = case.there.open.iter();
        let there = there.find(|mr| Some(mr.number) == result.number);
        let holds = matches!(
            result.status,
            Status::Open
                | Status::Update
                | Status::Unchanged
                | Status::Foreign
                | Status::Kept
                | Status::Refused
                | Status::Moved
        );
        match (there, proposal) {
            (Some(mr), _) if holds && !mr.draft => {
                let failed = activity.failed.contains(&mr.number);
                open.push(of_request(setup, forge, repo, mr, failed));
            }
            (None, Some(proposal)) if result.status == Status::Open => {
                let now = shared.options.now;
                opening.push(about_to_open(setup, forge, repo, proposal, now));
            }
            _ => {}
        }
    }
    forget_others(setup, forge, repo, &opening);
    open.extend(opening.into_iter().map(|(_, open)| open));
    let head = candidate.base.as_ref();
    let ci_since = head.map(|(_, head)| {
        let what = format!("{head} {:?}", activity.ci);
        since(shared, Kind::Ci, forge, repo, &what, None)
    });
    Facts {
        open,
        ci: activity.ci,
        ci_since,
        head_since: candidate.head_since,
    }
}

fn of_request(
    setup: &Setup,
    forge: &dyn Forge,
    repo: &Repository,
    mr: &MergeRequest,
    failed: bool,
) -> Open {
    let state = block_of(&mr.description).map(|block| block.state);
    let key = format!("{} {} {}", forge.name(), repo.id, mr.number);
    let kept = || setup.store.kept(Kind::Opened, &key);
    Open {
        number: Some(mr.number),
        major: state.as_ref().is_some_and(|state| state.major),
        failed,
        since: mr.created.or_else(|| seconds(&kept()?)),
        paths: state
            .map(|state| state.changes.paths().into_iter().cloned().collect())
            .unwrap_or_default(),
    }
}

/// One that is about to be opened is waited for from when that was seen first: a limit may hold it back for long.
fn about_to_open(
    setup: &Setup,
    forge: &dyn Forge,
    repo: &Repository,
    proposal: &Proposal,
    now: Timestamp,
) -> (String, Open) {
    let changes = proposal.changes.lines().join("\n");
    let key = format!("{} {} {}", forge.name(), repo.id, changes);
    let since = setup.store.kept(Kind::Opening, &key);
    let since = since.and_then(|since| seconds(&since)).unwrap_or_else(|| {
        setup
            .store
            .keep(Kind::Opening, &key, &now.as_second().to_string());
        now
    });
    let open = Open {
        number: None,
        major: proposal.texts.state.major,
        failed: false,
        since: Some(since),
        paths: proposal.changes.paths().into_iter().cloned().collect(),
    };
    (key, open)
}

/// Forgets what is no longer about to be opened.
fn forget_others(setup: &Setup, forge: &dyn Forge, repo: &Repository, opening: &[(String, Open)]) {
    let prefix = format!("{} {} ", forge.name(), repo.id);
    for key in setup.store.all_kept(Kind::Opening).into_keys() {
        if key.starts_with(&prefix) && !opening.iter().any(|(known, _)| *known == key) {
            setup.store.forget(Kind::Opening, &key);
        }
    }
}

/// What CI says of a commit. Where it cannot be seen nobody waits for it.
async fn ci(forge: &dyn Forge, repo: &Repository, commit: &CommitId) -> Ci {
    match forge.pipeline(repo, commit).await {
        Ok(Pipeline::None) => Ci::None,
        Ok(Pipeline::Running) => Ci::Running,
        Ok(Pipeline::Success) => Ci::Passed,
        Ok(Pipeline::Failed) => Ci::Failed,
        Err(error) => {
            tracing::warn!(repo = %repo.name, %error, "its pipelines cannot be seen: nobody waits for them");
            Ci::Unseen
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
    since(shared, Kind::Head, forge, repo, head.as_str(), made)
}

/// Since when something of a repository is as it is: `first` if nothing is remembered, now if it was something else.
fn since(
    shared: &Shared,
    kind: Kind,
    forge: &dyn Forge,
    repo: &Repository,
    what: &str,
    first: Option<Timestamp>,
) -> Timestamp {
    let (store, now) = (&shared.setup.store, shared.options.now);
    let key = format!("{} {}", forge.name(), repo.id);
    let kept = store.kept(kind, &key);
    let kept = kept.as_deref().and_then(|kept| kept.rsplit_once(' '));
    let known = match kept {
        Some((known, since)) if known == what => seconds(since),
        Some(_) => None,
        None => first,
    };
    let since = known.filter(|since| *since <= now).unwrap_or(now);
    if kept.map(|(known, _)| known) != Some(what) {
        store.keep(kind, &key, &format!("{what} {}", since.as_second()));
    }
    since
}

fn seconds(text: &str) -> Option<Timestamp> {
    Timestamp::from_second(text.parse().ok()?).ok()
}
