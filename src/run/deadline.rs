//! Time limits for hosts: for one look-up, and in total per pass (B4).
//!
//! A host that keeps answering may take as long as its rate limit requires. If a look-up waits while the host answers
//! no request at all, that look-up is given up. When the host's total time is over, its other answers are unknown until
//! the next pass.

use super::setup::Setup;
use crate::image::RegistryHost;
use crate::plan::{Failure, FailureKind};
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The time limits of the hosts that are contacted in a pass.
pub(super) struct Deadlines {
    lookup_time: Duration,
    host_time: Duration,
    hosts: Mutex<HashMap<RegistryHost, Times>>,
}

#[derive(Clone, Copy)]
struct Times {
    /// When the first request was made.
    first: Instant,
    /// When it last answered.
    answered: Instant,
}

impl Deadlines {
    /// The time limits in the configuration's budget.
    pub(super) fn new(setup: &Setup) -> Self {
        let budget = &setup.config.budget;
        Self {
            lookup_time: budget.lookup_time,
            host_time: budget.host_time,
            hosts: Mutex::default(),
        }
    }

    /// The result of a look-up, unless the host takes too long.
    pub(super) async fn within<T>(
        &self,
        host: &RegistryHost,
        look_up: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let began = Instant::now();
        self.times(host);
        tokio::pin!(look_up);
        loop {
            let Times { first, answered } = self.times(host);
            let by_host = first + self.host_time;
            let deadline = by_host.min(began.max(answered) + self.lookup_time);
            if Instant::now() >= deadline {
                return Err(too_slow(host, deadline == by_host, self));
            }
            tokio::select! {
                biased;
                answer = &mut look_up => {
                    self.answered(host);
                    return Ok(answer);
                }
                () = tokio::time::sleep_until(deadline) => {}
            }
        }
    }

    fn times(&self, host: &RegistryHost) -> Times {
        let now = Instant::now();
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Times {
            first: now,
            answered: now,
        };
        *hosts.entry(host.clone()).or_insert(fresh)
    }

    fn answered(&self, host: &RegistryHost) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(times) = hosts.get_mut(host) {
            times.answered = Instant::now();
        }
    }
}

fn too_slow(host: &RegistryHost, whole_pass: bool, deadlines: &Deadlines) -> Failure {
    let (key, time) = match whole_pass {
        true => ("host_time", deadlines.host_time),
        false => ("lookup_time", deadlines.lookup_time),
    };
    let seconds = time.as_secs();
    let message = match whole_pass {
        true => {
            format!("{host} has used its {seconds} s in this pass; the next pass tries again")
        }
        false => format!("{host} timed out after {seconds} s"),
    };
    Failure {
        code: "too-slow",
        message,
        help: Some(format!(
            "if the registry is healthy, give it more time:\n[budget]\n{key} = \"{} min\"",
            (2 * seconds).div_ceil(60)
        )),
        kind: FailureKind::Wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deadlines(lookup: u64, host: u64) -> Deadlines {
        Deadlines {
            lookup_time: Duration::from_secs(lookup),
            host_time: Duration::from_secs(host),
            hosts: Mutex::default(),
        }
    }

    fn host(name: &str) -> RegistryHost {
        RegistryHost::parse(name).expect("a host")
    }

    #[tokio::test(start_paused = true)]
    async fn b4_a_look_up_ends_in_time_and_a_host_that_answers_has_longer() {
        let deadlines = deadlines(120, 600);
        let began = Instant::now();
        let slow = host("slow.example");
        let never = deadlines.within(&slow, std::future::pending::<()>());
        assert_eq!(never.await.map_err(|failure| failure.code), Err("too-slow"));
        assert_eq!(began.elapsed().as_secs(), 120);

        // One queued look-up gets its turn late, while the host answers others.
        let busy = host("busy.example");
        let began = Instant::now();
        let others = async {
            for _ in 0..5 {
                let other = tokio::time::sleep(Duration::from_secs(100));
                deadlines.within(&busy, other).await.expect("in time");
            }
        };
        let late = deadlines.within(&busy, tokio::time::sleep(Duration::from_secs(450)));
        let (late, ()) = tokio::join!(late, others);
        assert!(late.is_ok());
        assert_eq!(began.elapsed().as_secs(), 500);
        let more = deadlines.within(&busy, std::future::pending::<()>());
        let failure = more.await.expect_err("its time is over");
        assert_eq!(began.elapsed().as_secs(), 600);
        assert!(
            failure.message.contains("in this pass"),
            "{}",
            failure.message
        );
        let at_once = deadlines.within(&busy, std::future::pending::<()>());
        assert!(at_once.await.is_err());
        assert_eq!(began.elapsed().as_secs(), 600);
    }
}
