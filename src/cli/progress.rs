//! A line on the terminal that shows how far a pass is; none if stderr is not a terminal.

use super::output::{Amount, amount};
use super::terminal::is_watched;
use crate::run::Progress;
use indicatif::{ProgressBar, ProgressStyle};
use std::sync::Arc;

struct Bar(ProgressBar);

/// A progress line for the terminal, or one that does nothing.
pub(super) fn progress() -> Arc<dyn Progress> {
    if !is_watched() || amount() == Amount::Quiet {
        return Arc::new(());
    }
    let bar = ProgressBar::new(0);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {pos}/{len}") {
        bar.set_style(style);
    }
    Arc::new(Bar(bar))
}

impl Progress for Bar {
    fn tick(&self, phase: &'static str, done: usize, total: usize) {
        self.0.set_message(phase);
        self.0.set_length(total as u64);
        self.0.set_position(done as u64);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
