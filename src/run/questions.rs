//! The questions to registries in progress.
//!
//! Each is a separate task, so that its time limit and its host's queue keep running while the pass does something
//! else. Answers are taken in the order of arrival: a slow host only delays the references that need it.

use super::deadline::Deadlines;
use super::lookup::ask_in_time;
use super::setup::Setup;
use crate::plan::{Observation, Question};
use jiff::Timestamp;
use std::sync::Arc;
use tokio::task::JoinSet;

/// The questions in progress.
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

    /// Starts to answer a question.
    pub(super) fn ask(&mut self, question: Question) {
        let (setup, deadlines) = (Arc::clone(&self.setup), Arc::clone(&self.deadlines));
        let now = self.now;
        self.tasks
            .spawn(async move { ask_in_time(&setup, question, now, &deadlines).await });
    }

    /// The next answer; `None` if no question is in progress.
    pub(super) async fn next(&mut self) -> Option<(Question, Observation)> {
        match self.tasks.join_next().await? {
            Ok(answer) => Some(answer),
            // A bug in imagebot, which is passed on to the caller of the pass.
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
