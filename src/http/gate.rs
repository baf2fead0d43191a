//! One gate for each origin, shared by every task that asks there.

use super::{Clock, HttpError, Limits, Origin};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The gates of a run. Clones share them; two clients with the same gates count as one towards a host.
#[derive(Clone, Default)]
pub struct Gates(Arc<Mutex<HashMap<Origin, Arc<Gate>>>>);

impl Gates {
    /// Gates for hosts with default limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets an origin's limits, before it is asked for the first time.
    pub fn limit(&self, origin: Origin, limits: Limits) {
        let gate = Arc::new(Gate::new(origin.clone(), limits));
        self.lock().insert(origin, gate);
    }

    /// Forgets which hosts are down or given up: a new run begins.
    pub fn reset(&self) {
        for gate in self.lock().values() {
            *gate.lock() = State::default();
        }
    }

    pub(super) fn of(&self, origin: &Origin) -> Arc<Gate> {
        let mut gates = self.lock();
        let gate = gates
            .entry(origin.clone())
            .or_insert_with(|| Arc::new(Gate::new(origin.clone(), Limits::default())));
        Arc::clone(gate)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Origin, Arc<Gate>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Gates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gates")
    }
}

/// The gate of one origin. Times count from the clock's start.
pub(super) struct Gate {
    origin: Origin,
    spacing: Duration,
    permits: Arc<Semaphore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// No request starts before.
    closed_until: Duration,
    /// The next request starts no sooner, to keep the rate.
    next_start: Duration,
    /// The server asked for more patience than there is.
    given_up: Option<Duration>,
    failures: u32,
    down: Option<String>,
}

impl Gate {
    fn new(origin: Origin, limits: Limits) -> Self {
        Self {
            origin,
            spacing: limits.rate.map_or(Duration::ZERO, |rate| rate.spacing()),
            permits: Arc::new(Semaphore::new(limits.concurrency.max(1))),
            state: Mutex::default(),
        }
    }

    /// Waits for its turn. The permit is held while the request is under way, not while it waits to be repeated.
    pub(super) async fn enter(&self, clock: &Clock) -> Result<OwnedSemaphorePermit, HttpError> {
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|_| self.down("the gate is closed"))?;
        loop {
            let start = {
                let mut state = self.lock();
                if let Some(cause) = &state.down {
                    return Err(self.down(cause));
                }
                if let Some(time) = state.given_up {
                    return Err(HttpError::RateLimited {
                        origin: self.origin.clone(),
                        retry_after: Some(time),
                    });
                }
                let now = clock.elapsed();
                let start = state.closed_until.max(state.next_start);
                if start <= now {
                    state.next_start = now + self.spacing;
                    return Ok(permit);
                }
                start
            };
            clock.sleep_until(start).await;
        }
    }

    /// Closes the gate for everyone until a moment.
    pub(super) fn close_until(&self, moment: Duration) {
        let mut state = self.lock();
        state.closed_until = state.closed_until.max(moment);
    }

    /// Gives the host up: it asked to wait for `time`.
    pub(super) fn give_up(&self, time: Duration) {
        self.lock().given_up = Some(time);
    }

    /// Notes that the host answered.
    pub(super) fn answered(&self) {
        self.lock().failures = 0;
    }

    /// Notes a failed connection; `true` if the host now counts as down.
    pub(super) fn failed(&self, cause: &HttpError, most: u32) -> bool {
        let mut state = self.lock();
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

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
        gates.reset();
        assert!(gate.enter(&clock).await.is_ok());
    }

    #[tokio::test]
    async fn no_more_than_the_limit_at_once() {
        let clock = Clock::manual(jiff::Timestamp::UNIX_EPOCH);
        let limits = Limits {
            concurrency: 1,
            rate: None,
        };
        let gate = Gate::new(
            Origin::parse("https://a.example").expect("an origin"),
            limits,
        );
        let first = gate.enter(&clock).await;
        assert!(futures::FutureExt::now_or_never(gate.enter(&clock)).is_none());
        drop(first);
        assert!(futures::FutureExt::now_or_never(gate.enter(&clock)).is_some());
    }
}
