//! GitHub's rate limits: what an answer says about them, and how long to wait.
//!
//! The primary limit counts points in an hour and says when it resets; the secondary ones protect the servers and
//! may only refuse (<https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>).

use crate::forge::wire::server_time;
use crate::http::{HttpResponse, retry_after};
use jiff::Timestamp;
use serde_json::Value;
use std::time::Duration;

/// The shortest wait if a secondary limit names none; GitHub asks for a minute, then for exponentially more.
const LEAST: Duration = Duration::from_secs(60);

/// How long an answer asks to wait before the same request is sent again; `None`: no limit refused it.
/// `times` counts the refusals of this request before.
pub(super) fn wait(response: &HttpResponse, times: u32, now: Timestamp) -> Option<Duration> {
    let status = response.status.as_u16();
    let limited = match status {
        429 => true,
        403 => {
            response.header("retry-after").is_some()
                || response.header("x-ratelimit-remaining") == Some("0")
                || speaks_of_limits(&response.body)
        }
        // GraphQL refuses with 200.
        200 => refused(&response.body),
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

/// How long until the points are reset, if they are used up.
pub(super) fn until_reset(response: &HttpResponse, now: Timestamp) -> Option<Duration> {
    if response.header("x-ratelimit-remaining") != Some("0") {
        return None;
    }
    let reset: i64 = response.header("x-ratelimit-reset")?.parse().ok()?;
    // The reset is a time of the server's clock, as `Date` is.
    let now = server_time(response).unwrap_or(now).as_second();
    let seconds = u64::try_from(reset.saturating_sub(now)).unwrap_or(0);
    Some(Duration::from_secs(seconds.saturating_add(1)))
}

fn speaks_of_limits(body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body).to_ascii_lowercase();
    text.contains("rate limit") || text.contains("abuse detection")
}

/// The most bytes of a refusal: a page of heads is not searched.
const REFUSAL: usize = 64 * 1024;

/// Whether a GraphQL answer is a refusal by a limit: an error says so by its type or code, or, where there is no data,
/// in its words.
fn refused(body: &[u8]) -> bool {
    if body.len() > REFUSAL || !body.windows(8).any(|part| part == b"\"errors\"") {
        return false;
    }
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        return false;
    };
    let nothing = match answer.get("data") {
        Some(Value::Object(fields)) => fields.values().all(Value::is_null),
        _ => true,
    };
    let is_limit = |error: &Value| {
        let text = |key: &str| error.pointer(key).and_then(Value::as_str);
        let names = ["/type", "/code", "/extensions/code"].into_iter();
        let named = names.filter_map(text).any(|name| {
            ["rate_limit", "rate_limited", "graphql_rate_limit"]
                .iter()
                .any(|limit| name.eq_ignore_ascii_case(limit))
        });
        let said = text("/message").unwrap_or_default();
        named || (nothing && speaks_of_limits(said.as_bytes()))
    };
    let errors = answer.get("errors").and_then(Value::as_array);
    errors.is_some_and(|errors| errors.iter().any(is_limit))
}
