//! One gate for each origin, shared by all tasks that send requests there.

use super::{Clock, HttpError, Limits, Origin};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The gates of a pass. Clones share them; to a host, two clients with the same gates are one.
#[derive(Clone, Default)]
pub struct Gates {
    /// The pace and the waits of each host, shared by all passes.
    paces: Arc<Mutex<HashMap<Origin, Arc<Pace>>>>,
    /// The state of each host in one pass.
    verdicts: Arc<Mutex<HashMap<Origin, Arc<Mutex<Verdict>>>>>,
}

impl Gates {
    /// Gates for hosts with default limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an origin's limits, before the first request to it.
    pub fn limit(&self, origin: Origin, limits: Limits) {
        let mut paces = lock(&self.paces);
        if paces.get(&origin).is_none_or(|pace| pace.limits != limits) {
            paces.insert(origin, Arc::new(Pace::new(limits)));
        }
    }

    /// Gates for another pass: it tries again the hosts that were down or given up, and keeps to the pace that all
    /// passes of the process share.
    #[must_use]
    pub fn for_pass(&self) -> Self {
        Self {
            paces: Arc::clone(&self.paces),
            verdicts: Arc::default(),
        }
    }

    pub(super) fn of(&self, origin: &Origin) -> Gate {
        let mut paces = lock(&self.paces);
        let pace = paces
            .entry(origin.clone())
            .or_insert_with(|| Arc::new(Pace::new(Limits::default())));
        let mut verdicts = lock(&self.verdicts);
        Gate {
            origin: origin.clone(),
            pace: Arc::clone(pace),
            verdict: Arc::clone(verdicts.entry(origin.clone()).or_default()),
        }
    }
}

impl std::fmt::Debug for Gates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gates")
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The gate of one origin in one pass.
pub(super) struct Gate {
    origin: Origin,
    pace: Arc<Pace>,
    verdict: Arc<Mutex<Verdict>>,
}

/// When the next request may start. Times count from the clock's start.
struct Pace {
    limits: Limits,
    spacing: Duration,
    permits: Arc<Semaphore>,
    times: Mutex<Times>,
}

#[derive(Default)]
struct Times {
    /// No request starts before this time.
    closed_until: Duration,
    /// The next request starts no sooner, because of the rate.
    next_start: Duration,
}

/// The state of an origin in a pass.
#[derive(Default)]
struct Verdict {
    /// The server asked for a longer wait than the policy allows.
    given_up: Option<Duration>,
    failures: u32,
    down: Option<String>,
}

impl Pace {
    fn new(limits: Limits) -> Self {
        Self {
            spacing: limits.rate.map_or(Duration::ZERO, |rate| rate.spacing()),
            permits: Arc::new(Semaphore::new(limits.concurrency.max(1))),
            times: Mutex::default(),
            limits,
        }
    }
}

impl Gate {
    /// Waits for its turn. The permit is held while the request runs, but not while it waits for a retry.
    pub(super) async fn enter(&self, clock: &Clock) -> Result<OwnedSemaphorePermit, HttpError> {
        let permit = Arc::clone(&self.pace.permits)
            .acquire_owned()
            .await
            .map_err(|_| self.down("the gate is closed"))?;
        loop {
            let start = {
                let verdict = lock(&self.verdict);
                if let Some(cause) = &verdict.down {
                    return Err(self.down(cause));
                }
                if let Some(time) = verdict.given_up {
                    return Err(HttpError::RateLimited {
                        origin: self.origin.clone(),
                        retry_after: Some(time),
                    });
                }
                let mut times = lock(&self.pace.times);
                let now = clock.elapsed();
                let start = times.closed_until.max(times.next_start);
                if start <= now {
                    times.next_start = now + self.pace.spacing;
                    return Ok(permit);
                }
                start
            };
            clock.sleep_until(start).await;
        }
    }

    /// Closes the gate for all tasks until a moment.
    pub(super) fn close_until(&self, moment: Duration) {
        let mut times = lock(&self.pace.times);
        times.closed_until = times.closed_until.max(moment);
    }

    /// Gives the host up, because it asked to wait for `time`.
    pub(super) fn give_up(&self, time: Duration) {
        lock(&self.verdict).given_up = Some(time);
    }

    /// Notes that the host answered.
    pub(super) fn answered(&self) {
        lock(&self.verdict).failures = 0;
    }

    /// Notes a failed connection; `true` if the host now counts as down.
    pub(super) fn failed(&self, cause: &HttpError, most: u32) -> bool {
        let mut state = lock(&self.verdict);
        state.failures += 1;
        if state.failures >= most.max(1) && state.down.is_none() {
            state.down = Some(cause.to_string());
        }
        state.down.is_some()
    }

    fn down(&self, cause: &str) -> HttpError {
        HttpError::HostDown {
            origin: self.origin.clone(),
            cause: cause.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Rate;

    #[tokio::test]
    async fn keeps_the_rate_and_shares_a_wait() {
        let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
        let gates = Gates::new();
        let origin = Origin::parse("https://a.example").expect("an origin");
        gates.limit(
            origin.clone(),
            Limits {
                concurrency: 2,
                rate: Rate::parse("10/s").ok(),
            },
        );
        let gate = gates.of(&origin);
        for _ in 0..3 {
            assert!(gate.enter(&clock).await.is_ok());
        }
        assert_eq!(clock.slept(), vec![Duration::from_millis(100); 2]);
        gate.close_until(clock.elapsed() + Duration::from_secs(5));
        assert!(gates.of(&origin).enter(&clock).await.is_ok());
        assert_eq!(clock.elapsed(), Duration::from_millis(5200));
        gate.give_up(Duration::from_secs(3600));
        assert!(matches!(
            gate.enter(&clock).await,
            Err(HttpError::RateLimited { .. })
        ));
        // Another pass tries it again, keeps to its pace, and changes nothing for the running pass.
        let other = gates.for_pass();
        let wait = clock.elapsed() + Duration::from_secs(7);
        gate.close_until(wait);
        assert!(other.of(&origin).enter(&clock).await.is_ok());
        assert_eq!(clock.elapsed(), wait);
        assert!(matches!(
            gates.of(&origin).enter(&clock).await,
            Err(HttpError::RateLimited { .. })
        ));
    }

    #[tokio::test]
    async fn no_more_than_the_limit_at_once() {
        let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
        let limits = Limits {
            concurrency: 1,
            rate: None,
        };
        let origin = Origin::parse("https://a.example").expect("an origin");
        let gates = Gates::new();
        gates.limit(origin.clone(), limits);
        let gate = gates.of(&origin);
        let first = gate.enter(&clock).await;
        assert!(futures::FutureExt::now_or_never(gate.enter(&clock)).is_none());
        drop(first);
        assert!(futures::FutureExt::now_or_never(gate.enter(&clock)).is_some());
    }
}
