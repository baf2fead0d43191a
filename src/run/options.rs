//! The options of a pass.

use super::checkpoint::Checkpoint;
use crate::repo::{RepoGlobs, RepoName};
use jiff::Timestamp;
use std::sync::Arc;

/// The options of a pass.
#[derive(Clone)]
pub struct Options {
    /// Whether writes are skipped.
    pub dry_run: bool,
    /// Whether merge requests are opened beyond the configured limits. They still count.
    pub force: bool,
    /// The repositories to process; `None` for all registered ones.
    pub only: Option<RepoGlobs>,
    /// The time of the pass.
    pub now: Timestamp,
    /// Receives the progress.
    pub progress: Arc<dyn Progress>,
    /// Called after each step that changed something outside the process: tests stop the pass there.
    pub checkpoint: Checkpoint,
    /// Whether the report keeps the decisions with their traces: too much memory for a fleet, needed for one
    /// repository.
    pub traces: bool,
}

impl Options {
    /// Options for a read-only view of everything.
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

    /// Whether a repository is processed.
    pub fn concerns(&self, repo: &RepoName) -> bool {
        let only = self.only.as_ref();
        only.is_none_or(|globs| globs.select(repo))
    }
}

/// Receives the progress of a pass.
pub trait Progress: Send + Sync {
    /// `done` of `total` steps of a phase are done.
    fn tick(&self, phase: &'static str, done: usize, total: usize);
}

/// Ignores the progress.
impl Progress for () {
    fn tick(&self, _: &'static str, _: usize, _: usize) {}
}
