//! The questions that registries are being asked.
//!
//! Each is a task of its own, so its time runs and its host's turn passes whatever else a pass does meanwhile. Answers
//! are taken as they come: a host that is slow delays the references that need it, and no others.

use super::deadline::Deadlines;
use super::lookup::ask_in_time;
use super::setup::Setup;
use crate::plan::{Observation, Question};
use jiff::Timestamp;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Questions under way.
pub(super) struct Questions {
    setup: Arc<Setup>,
    deadlines: Arc<Deadlines>,
    now: Timestamp,
    tasks: JoinSet<(Question, Observation)>,
}

impl Questions {
    pub(super) fn new(setup: &Arc<Setup>, now: Timestamp) -> Self {
        Self {
            deadlines: Arc::new(Deadlines::new(setup)),
            setup: Arc::clone(setup),
            now,
            tasks: JoinSet::new(),
        }
    }

    /// Begins to ask.
    pub(super) fn ask(&mut self, question: Question) {
        let (setup, deadlines) = (Arc::clone(&self.setup), Arc::clone(&self.deadlines));
        let now = self.now;
        self.tasks
            .spawn(async move { ask_in_time(&setup, question, now, &deadlines).await });
    }

    /// The next answer; `None` if nothing is being asked.
    pub(super) async fn next(&mut self) -> Option<(Question, Observation)> {
        match self.tasks.join_next().await? {
            Ok(answer) => Some(answer),
            // A bug; whoever started the pass sees it as its own.
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => None,
            },
        }
    }

    /// An answer that has arrived already.
    pub(super) fn arrived(&mut self) -> Option<(Question, Observation)> {
        futures::FutureExt::now_or_never(self.next()).flatten()
    }
}
