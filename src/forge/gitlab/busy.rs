//! Kinds of requests that GitLab refuses for a while because it got too many of them.
//!
//! GitLab limits single endpoints (notes, issues, pipelines, users, …) in the application itself, and then answers 429
//! without saying when to come back; only its general limits name a time, and the HTTP client waits for those. The
//! window is a minute: requests of that kind wait for that long, twice at most, and then fail for the rest of the pass.
//! Other requests continue.

use crate::forge::error::ForgeError;
use crate::http::{Clock, HttpRequest, HttpResponse};
use reqwest::StatusCode;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The window that GitLab counts in.
const WINDOW: Duration = Duration::from_secs(60);

/// How often a kind is waited for.
const WAITS: u32 = 2;

/// What was refused, by method and path.
#[derive(Default)]
pub(super) struct Busy(Mutex<BTreeMap<String, Refused>>);

#[derive(Clone, Copy)]
enum Refused {
    /// Refused so many times: not before this moment of the clock.
    Until(Duration, u32),
    /// Refused again after the waits: not in this pass.
    ForNow,
}

impl Busy {
    /// Forgets everything: a new pass begins.
    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    /// Waits until requests of this kind are accepted again.
    pub(super) async fn wait(
        &self,
        request: &HttpRequest,
        clock: &Clock,
    ) -> Result<(), ForgeError> {
        let refused = self.lock().get(&kind(request)).copied();
        match refused {
            None => {}
            Some(Refused::Until(time, _)) => clock.sleep_until(time).await,
            Some(Refused::ForNow) => {
                return Err(ForgeError::Busy(format!(
                    "{}: rate-limited by GitLab; will retry next run",
                    kind(request)
                )));
            }
        }
        Ok(())
    }

    /// Whether the request was answered; otherwise it has to be sent again, after [`Busy::wait`].
    pub(super) fn is_answered(
        &self,
        request: &HttpRequest,
        response: &HttpResponse,
        clock: &Clock,
    ) -> bool {
        let mut all = self.lock();
        if response.status != StatusCode::TOO_MANY_REQUESTS {
            all.remove(&kind(request));
            return true;
        }
        let refused = match all.get(&kind(request)) {
            // Another one of the kind, sent before the wait started.
            Some(Refused::Until(time, times)) if *time > clock.elapsed() => {
                Refused::Until(*time, *times)
            }
            Some(Refused::Until(_, times)) if *times < WAITS => {
                Refused::Until(clock.elapsed() + WINDOW, times + 1)
            }
            Some(_) => Refused::ForNow,
            None => Refused::Until(clock.elapsed() + WINDOW, 1),
        };
        all.insert(kind(request), refused);
        false
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Refused>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What GitLab counts together: the method, and the path without ids.
fn kind(request: &HttpRequest) -> String {
    let part = |part: &str| match part.parse::<u64>() {
        Ok(_) => "*".to_owned(),
        Err(_) => part.to_owned(),
    };
    let parts: Vec<String> = request.url.path().split('/').map(part).collect();
    format!("{} {}", request.method, parts.join("/"))
}
