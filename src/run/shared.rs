//! What the repositories of a pass share.

use super::options::Options;
use super::setup::Setup;
use crate::forge::ForgeError;
use crate::git::Git;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How many repositories are worked on at once.
pub(super) const AT_ONCE: usize = 8;

/// What every repository of a pass shares.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) setup: Arc<Setup>,
    pub(super) git: Git,
    pub(super) options: Options,
    /// By the forge's name: whether it has failed so that nothing more is written to it (F27).
    pub(super) stopped: Arc<BTreeMap<String, AtomicBool>>,
    /// By the forge's name: the repositories that have met an error in a row that may be the forge's.
    pub(super) failing: Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>,
}

/// So many repositories in a row meet an error that may be the forge's, and it is taken for the forge's.
const FAILING: usize = 3;

impl Shared {
    /// What a pass shares; `None` without any forge.
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

    /// Notes an error of a repository; after one that is the forge's, nothing more is asked of that.
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

    /// Notes that a forge did what it was asked to.
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
