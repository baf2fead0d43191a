//! How requests to a server are paced: changes are sent one after another, and a rate limit that is used up is waited
//! for.
//!
//! Clones of [`Writes`] and [`Budgets`] share what they know: the pace belongs to the token, so all passes of the
//! process keep to it together. What only one pass has learned, such as [`Refused`], is not shared.

use crate::forge::error::ForgeError;
use crate::http::Clock;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Sends changes one after another, with a pause between them.
#[derive(Debug, Clone)]
pub(crate) struct Writes {
    pause: Duration,
    clock: Clock,
    /// When the last change was answered; held while the next is under way.
    last: Arc<tokio::sync::Mutex<Option<Duration>>>,
}

impl Writes {
    pub(crate) fn new(pause: Duration, clock: Clock) -> Self {
        Self {
            pause,
            clock,
            last: Arc::default(),
        }
    }

    /// Waits for its turn, then sends one change.
    pub(crate) async fn send<T>(&self, change: impl Future<Output = T>) -> T {
        let mut last = self.last.lock().await;
        if let Some(last) = *last {
            self.clock.sleep_until(last + self.pause).await;
        }
        let answer = change.await;
        *last = Some(self.clock.elapsed());
        answer
    }
}

/// The budgets of requests that a server grants, and until when each is used up.
#[derive(Debug, Clone)]
pub(crate) struct Budgets {
    patience: Duration,
    clock: Clock,
    /// By the budget's name; the one without a name holds for every request. Times count from the clock's start.
    closed: Arc<Mutex<BTreeMap<String, Duration>>>,
}

impl Budgets {
    /// Budgets that are waited for if that takes no longer than `patience`.
    pub(crate) fn new(patience: Duration, clock: Clock) -> Self {
        Self {
            patience,
            clock,
            closed: Arc::default(),
        }
    }

    /// Waits until a budget is there again. An error is the time that it would take, beyond patience.
    pub(crate) async fn wait(&self, budget: &str) -> Result<(), Duration> {
        let until = {
            let closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
            closed.get(budget).max(closed.get("")).copied()
        };
        let Some(until) = until else { return Ok(()) };
        let wait = until.saturating_sub(self.clock.elapsed());
        if wait > self.patience {
            return Err(wait);
        }
        self.clock.sleep_until(until).await;
        Ok(())
    }

    /// Notes that a budget is used up for `wait` from now. An error is that time, where it is beyond patience.
    pub(crate) fn close(&self, budget: &str, wait: Duration) -> Result<(), Duration> {
        let until = self.clock.elapsed().saturating_add(wait);
        let mut closed = self.closed.lock().unwrap_or_else(PoisonError::into_inner);
        let known = closed.entry(budget.to_owned()).or_default();
        *known = until.max(*known);
        match wait > self.patience {
            true => Err(wait),
            false => Ok(()),
        }
    }
}

/// Whether the token was refused in this pass: then nothing more is asked with it (F27).
#[derive(Debug, Default)]
pub(crate) struct Refused(AtomicBool);

impl Refused {
    /// A pass begins: the token may have been replaced or allowed again since.
    pub(crate) fn forget(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    pub(crate) fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// An error where the token was refused before.
    pub(crate) fn check(&self, server: impl std::fmt::Display) -> Result<(), ForgeError> {
        match self.0.load(Ordering::Relaxed) {
            false => Ok(()),
            true => Err(ForgeError::Unauthorized(format!(
                "{server} refused the token; it is skipped for the rest of this pass"
            ))),
        }
    }
}

/// Waits before attempt number `attempt` + 1: 1 s, then twice as long each time, 16 s at most.
pub(crate) async fn back_off(clock: &Clock, attempt: u32) {
    let wait = Duration::from_secs(1 << attempt.saturating_sub(1).min(4));
    clock.sleep(wait).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn clock() -> Clock {
        Clock::manual(jiff::Timestamp::UNIX_EPOCH)
    }

    #[tokio::test]
    async fn changes_of_all_passes_come_one_after_another() {
        let clock = clock();
        let writes = Writes::new(Duration::from_secs(1), clock.clone());
        let others = writes.clone();
        let first = writes.send(tokio::task::yield_now());
        let second = others.send(async { clock.elapsed() });
        let (_, second) = tokio::join!(first, second);
        assert_eq!(second, Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_budget_is_waited_for_within_patience() {
        for (closed, wait, asked, expect) in [
            ("core", 30, "core", Ok(30)),
            ("core", 60, "core", Ok(60)),
            ("core", 61, "core", Err(61)),
            ("core", 61, "graphql", Ok(0)),
            ("", 30, "graphql", Ok(30)),
            ("", 61, "core", Err(61)),
        ] {
            let clock = clock();
            let budgets = Budgets::new(MINUTE, clock.clone());
            let noted = budgets.clone().close(closed, Duration::from_secs(wait));
            assert_eq!(noted.is_err(), wait > 60, "{closed} {wait}");
            let waited = budgets.wait(asked).await;
            let waited = waited.map(|()| clock.elapsed().as_secs());
            let waited = waited.map_err(|time| time.as_secs());
            assert_eq!(waited, expect, "{closed} {wait} {asked}");
        }
    }

    #[tokio::test]
    async fn a_shorter_wait_does_not_open_a_budget_sooner() {
        let clock = clock();
        let budgets = Budgets::new(MINUTE, clock.clone());
        for wait in [40, 5] {
            assert_eq!(budgets.close("core", Duration::from_secs(wait)), Ok(()));
        }
        assert_eq!(budgets.wait("core").await, Ok(()));
        assert_eq!(clock.elapsed(), Duration::from_secs(40));
    }
}
