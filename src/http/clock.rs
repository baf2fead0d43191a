//! The clock and the sleeper in one, so that a test controls both.

use jiff::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The time, and the way to wait for it.
///
/// Waits and expiries count from the clock's own start with a monotonic clock; the wall clock only serves to read an
/// HTTP date if the server sent no `Date` of its own.
#[derive(Clone, Debug)]
pub struct Clock(Kind);

#[derive(Clone, Debug)]
enum Kind {
    System { start: Instant },
    Manual(Arc<Mutex<Manual>>),
}

#[derive(Debug)]
struct Manual {
    start: Timestamp,
    elapsed: Duration,
    slept: Vec<Duration>,
}

impl Clock {
    /// The system's clock; waiting really waits.
    pub fn system() -> Self {
        Self(Kind::System {
            start: Instant::now(),
        })
    }

    /// A clock for tests that moves only when a task waits or the test advances it. Waiting moves it and
    /// returns at once.
    pub fn manual(start: Timestamp) -> Self {
        Self(Kind::Manual(Arc::new(Mutex::new(Manual {
            start,
            elapsed: Duration::ZERO,
            slept: Vec::new(),
        }))))
    }

    /// The wall clock's time.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Kind::System { .. } => Timestamp::now(),
            Kind::Manual(manual) => {
                let manual = manual.lock().unwrap_or_else(PoisonError::into_inner);
                manual
                    .start
                    .checked_add(manual.elapsed)
                    .unwrap_or(Timestamp::MAX)
            }
        }
    }

    /// The time since the clock was made; it never goes back.
    pub fn elapsed(&self) -> Duration {
        match &self.0 {
            Kind::System { start } => start.elapsed(),
            Kind::Manual(manual) => {
                manual
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .elapsed
            }
        }
    }

    /// Waits until [`Clock::elapsed`] has reached `moment`.
    pub async fn sleep_until(&self, moment: Duration) {
        match &self.0 {
            Kind::System { start } => {
                let wait = moment.saturating_sub(start.elapsed());
                if !wait.is_zero() {
                    tokio::time::sleep(wait).await;
                }
            }
            Kind::Manual(manual) => {
                {
                    let mut manual = manual.lock().unwrap_or_else(PoisonError::into_inner);
                    let wait = moment.saturating_sub(manual.elapsed);
                    if !wait.is_zero() {
                        manual.slept.push(wait);
                        manual.elapsed = moment;
                    }
                }
                tokio::task::yield_now().await;
            }
        }
    }

    /// Waits for a time.
    pub async fn sleep(&self, time: Duration) {
        self.sleep_until(self.elapsed().saturating_add(time)).await;
    }

    /// Moves a manual clock on; a system clock is not touched.
    pub fn advance(&self, time: Duration) {
        if let Kind::Manual(manual) = &self.0 {
            manual
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .elapsed += time;
        }
    }

    /// The waits that were requested of a manual clock, in order; empty for a system clock.
    pub fn slept(&self) -> Vec<Duration> {
        match &self.0 {
            Kind::System { .. } => Vec::new(),
            Kind::Manual(manual) => manual
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .slept
                .clone(),
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}
