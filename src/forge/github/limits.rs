//! GitHub's rate limits: what an answer says of them, and how long to wait.
//!
//! The primary limit counts points in an hour and tells when it starts anew; the secondary ones guard the servers and
//! may say nothing but no (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>).

use crate::http::{Response, retry_after};
use jiff::Timestamp;
use std::time::Duration;

/// The least wait where a secondary limit names none; GitHub asks for a minute, then for exponentially more.
const LEAST: Duration = Duration::from_secs(60);

/// How long an answer asks to wait before the same request is sent again; `None`: it is no refusal by a limit.
/// `times` counts the refusals of this request before.
pub(super) fn wait(response: &Response, times: u32, now: Timestamp) -> Option<Duration> {
    let status = response.status.as_u16();
    let limited = match status {
        429 => true,
        403 => {
            response.header("retry-after").is_some()
                || response.header("x-ratelimit-remaining") == Some("0")
                || speaks_of_limits(&response.body)
        }
        // GraphQL refuses with 200.
        200 => contains(&response.body, b"\"RATE_LIMITED\"") && refused(&response.body),
        _ => false,
    };
    if !limited {
        return None;
    }
    let exponential = LEAST.saturating_mul(1 << times.min(16));
    retry_after(&response.headers, now)
        .or_else(|| until_reset(response, now))
        .or(Some(exponential))
}

/// How long the hour's points are used up, if they are.
pub(super) fn until_reset(response: &Response, now: Timestamp) -> Option<Duration> {
    if response.header("x-ratelimit-remaining") != Some("0") {
        return None;
    }
    let reset: i64 = response.header("x-ratelimit-reset")?.parse().ok()?;
    // The reset counts by the server's clock, as its `Date` does.
    let now = server_time(response).unwrap_or(now).as_second();
    let seconds = u64::try_from(reset.saturating_sub(now)).unwrap_or(0);
    Some(Duration::from_secs(seconds.saturating_add(1)))
}

/// The server's time.
pub(super) fn server_time(response: &Response) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(response.header("date")?).ok()?;
    Timestamp::try_from(date).ok()
}

fn speaks_of_limits(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    text.contains("rate limit") || text.contains("abuse detection")
}

/// Whether a GraphQL answer is nothing but errors, one of which has the type.
fn refused(body: &[u8]) -> bool {
    let Ok(answer) = serde_json::from_slice::<serde_json::Value>(body) else {
        return false;
    };
    let errors = answer.get("errors").and_then(|errors| errors.as_array());
    errors.is_some_and(|errors| {
        errors
            .iter()
            .any(|error| error.get("type").and_then(|t| t.as_str()) == Some("RATE_LIMITED"))
    })
}

fn contains(body: &[u8], word: &[u8]) -> bool {
    // The refusal is short; a page of heads is not searched.
    body.len() < 64 * 1024 && body.windows(word.len()).any(|part| part == word)
}
