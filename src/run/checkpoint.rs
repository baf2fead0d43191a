//! A place to stop a pass at, for tests.

use std::sync::Arc;

/// A place behind a step that changed something outside.
#[derive(Clone, Default)]
pub struct Checkpoint(Option<Arc<dyn Fn(&'static str) + Send + Sync>>);

impl Checkpoint {
    /// Calls `reached` behind every step.
    pub fn new(reached: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(reached)))
    }

    pub(super) fn reached(&self, step: &'static str) {
        if let Some(call) = &self.0 {
            call(step);
        }
    }
}
