//! The state that the repositories of a pass share.

use super::options::Options;
use super::setup::Setup;
use crate::forge::ForgeError;
use crate::git::Git;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How many repositories are processed at once.
pub(super) const AT_ONCE: usize = 8;

/// The state that every repository of a pass shares.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) setup: Arc<Setup>,
    pub(super) git: Git,
    pub(super) options: Options,
    /// By forge name: whether the forge has failed, so that nothing more is written to it (F27).
    pub(super) stopped: Arc<BTreeMap<String, AtomicBool>>,
    /// By forge name: the repositories with consecutive errors that may be the forge's.
    pub(super) failing: Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>,
}

/// After errors in this many consecutive repositories, the forge counts as failed.
const FAILING: usize = 3;

impl Shared {
    /// The shared state of a pass; `None` without any forge.
    pub(super) fn new(setup: &Arc<Setup>, options: &Options) -> Option<Self> {
        let forges = setup.forges.iter().map(|forge| forge.name().to_owned());
        Some(Self {
            setup: Arc::clone(setup),
            git: setup.git.clone()?,
            options: options.clone(),
            stopped: Arc::new(forges.map(|name| (name, AtomicBool::new(false))).collect()),
            failing: Arc::default(),
        })
    }

    /// Records an error in a repository; after an error of the forge itself, no more requests are made to it.
    pub(super) fn stop_if_of_forge(&self, forge: &str, repo: &str, error: &ForgeError) {
        let mut of_forge = error.is_of_forge();
        if error.may_be_of_forge() {
            let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
            let repos = failing.entry(forge.to_owned()).or_default();
            repos.insert(repo.to_owned());
            of_forge = repos.len() >= FAILING;
        }
        if of_forge && let Some(stopped) = self.stopped.get(forge) {
            stopped.store(true, Ordering::Relaxed);
        }
    }

    /// Records a successful request to a forge.
    pub(super) fn answered(&self, forge: &str) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        failing.remove(forge);
    }

    /// Whether a forge has failed in this pass.
    pub(super) fn is_stopped(&self, forge: &str) -> bool {
        let stopped = self.stopped.get(forge);
        stopped.is_some_and(|stopped| stopped.load(Ordering::Relaxed))
    }
}
