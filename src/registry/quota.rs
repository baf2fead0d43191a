//! Docker Hub's pull quota.

use super::{Login, RegistryError};
use crate::http::{Clock, HttpResponse};
use crate::image::RegistryHost;
use reqwest::header::HeaderMap;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// The window if an answer does not name it: six hours.
const WINDOW: Duration = Duration::from_secs(21_600);

/// Until when the quota of each login, and of this address, is used up. Times count from the clock's start.
#[derive(Default)]
pub(super) struct Quota(Mutex<HashMap<Option<String>, Duration>>);

impl Quota {
    /// Refuses a `GET` of a manifest that Docker Hub would refuse.
    pub(super) fn check(
        &self,
        host: &RegistryHost,
        login: Option<&Login>,
        clock: &Clock,
    ) -> Result<(), RegistryError> {
        let key = login.map(|login| login.id.clone());
        let until = self.lock().get(&key).copied().unwrap_or_default();
        let left = until.saturating_sub(clock.elapsed());
        if left.is_zero() {
            return Ok(());
        }
        Err(RegistryError::QuotaExhausted {
            host: host.clone(),
            left,
            anonymous: login.is_none(),
        })
    }

    /// Notes what an answer of Docker Hub says about the quota. After a refusal nothing is left, whatever the header
    /// says.
    pub(super) fn note(&self, login: Option<&Login>, clock: &Clock, response: &HttpResponse) {
        let refused = is_quota_refusal(&response.headers, &response.body);
        let (remaining, window) = match response.header("ratelimit-remaining").and_then(parse) {
            Some(said) => said,
            None if refused => (0, WINDOW),
            None => return,
        };
        let key = login.map(|login| login.id.clone());
        if remaining == 0 || refused {
            self.lock().insert(key, clock.elapsed() + window);
        } else {
            self.lock().remove(&key);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Option<String>, Duration>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a 429 is about the pull quota, for which waiting a minute does not help. Docker Hub's other limit, against
/// abuse, says only `Too Many Requests`.
pub(super) fn is_quota_refusal(_: &HeaderMap, body: &[u8]) -> bool {
    String::from_utf8_lossy(body)
        .to_ascii_lowercase()
        .contains("pull rate limit")
}

/// `0;w=21600`: the remaining number, and the window.
fn parse(text: &str) -> Option<(u64, Duration)> {
    let mut parts = text.split(';').map(str::trim);
    let remaining = parts.next()?.parse().ok()?;
    let window = parts
        .find_map(|part| part.strip_prefix("w=")?.parse().ok())
        .map_or(WINDOW, Duration::from_secs);
    Some((remaining, window.min(4 * WINDOW)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f25_reads_the_quota() {
        assert_eq!(parse("0;w=21600"), Some((0, WINDOW)));
        assert_eq!(parse("76; w=60"), Some((76, Duration::from_secs(60))));
        assert_eq!(parse("5"), Some((5, WINDOW)));
        assert_eq!(parse("many"), None);
        let refusal = |text: &str| is_quota_refusal(&HeaderMap::new(), text.as_bytes());
        assert!(refusal(
            "toomanyrequests: You have reached your pull rate limit. You may …"
        ));
        assert!(refusal(
            "You have reached your unauthenticated pull rate limit."
        ));
        assert!(!refusal("Too Many Requests"));
    }
}
