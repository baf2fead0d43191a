//! Hooks where tests stop a pass.

use std::sync::Arc;

/// A hook that is called after each step that changed something outside the process.
#[derive(Clone, Default)]
pub struct Checkpoint(Option<Arc<dyn Fn(&'static str) + Send + Sync>>);

impl Checkpoint {
    /// Calls `reached` after each such step.
    pub fn new(reached: impl Fn(&'static str) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(reached)))
    }

    pub(super) fn reached(&self, step: &'static str) {
        if let Some(call) = &self.0 {
            call(step);
        }
    }
}
