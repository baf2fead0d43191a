//! How a pass is made.

use super::checkpoint::Checkpoint;
use crate::repo::{RepoGlobs, RepoName};
use jiff::Timestamp;
use std::sync::Arc;

/// How a pass is made.
#[derive(Clone)]
pub struct Options {
    /// Whether nothing is to be written.
    pub dry_run: bool,
    /// Whether merge requests are opened beyond the limits of the configuration. They are counted all the same.
    pub force: bool,
    /// The repositories that are looked at; all registered ones if there is no list.
    pub only: Option<RepoGlobs>,
    /// Now.
    pub now: Timestamp,
    /// Told how far the pass is.
    pub progress: Arc<dyn Progress>,
    /// Called behind every step that changed something outside: tests stop the pass there.
    pub checkpoint: Checkpoint,
    /// Whether the report keeps the decisions with their traces: for one repository, not for a fleet.
    pub traces: bool,
}

impl Options {
    /// For a look at everything that writes nothing.
    pub fn to_look(now: Timestamp) -> Self {
        Self {
            dry_run: true,
            force: false,
            only: None,
            now,
            progress: Arc::new(()),
            checkpoint: Checkpoint::default(),
            traces: false,
        }
    }

    /// Whether a repository is looked at.
    pub fn concerns(&self, repo: &RepoName) -> bool {
        let only = self.only.as_ref();
        only.is_none_or(|globs| globs.select(repo))
    }
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
