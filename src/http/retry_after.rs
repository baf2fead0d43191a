//! The `Retry-After` header, in both its forms.

use jiff::Timestamp;
use reqwest::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use std::time::{Duration, SystemTime};

/// How long a server asks to wait (RFC 9110, section 10.2.3): seconds or an HTTP date.
///
/// A date counts from the answer's own `Date`, so that a wrong clock here has no effect, or else from `now`. A time in
/// the past means no wait; an unreadable header is `None`, as if it were missing.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = text(headers, RETRY_AFTER)?;
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than fit mean a very long wait, not garbage.
        return Some(Duration::from_secs(text.parse().unwrap_or(u64::MAX)));
    }
    let until = httpdate::parse_http_date(text).ok()?;
    let from = self::text(headers, DATE)
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .unwrap_or_else(|| SystemTime::from(now));
    Some(until.duration_since(from).unwrap_or(Duration::ZERO))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f24_reads_both_forms_and_ignores_garbage() {
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().expect("a time");
        let seconds = |s| Some(Duration::from_secs(s));
        for (value, date, expect) in [
            ("7", None, seconds(7)),
            (" 0 ", None, seconds(0)),
            ("99999999999999999999999", None, seconds(u64::MAX)),
            ("Sat, 21 Nov 2026 12:00:30 GMT", None, seconds(30)),
            ("Saturday, 21-Nov-26 12:00:30 GMT", None, seconds(30)),
            ("Sat Nov 21 12:00:30 2026", None, seconds(30)),
            ("Sat, 21 Nov 2026 11:00:00 GMT", None, seconds(0)),
            // The clock here is an hour off: the server's own date counts.
            (
                "Sat, 21 Nov 2026 13:00:05 GMT",
                Some("Sat, 21 Nov 2026 13:00:00 GMT"),
                seconds(5),
            ),
            ("-5", None, None),
            ("soon", None, None),
            ("1.5", None, None),
            ("", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, value.parse().expect("a header"));
            if let Some(date) = date {
                headers.insert(DATE, date.parse().expect("a header"));
            }
            assert_eq!(retry_after(&headers, now), expect, "{value:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
