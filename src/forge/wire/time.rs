//! The server's clock, which may differ from ours.

use crate::http::HttpResponse;
use jiff::Timestamp;

/// The server's time when it answered.
pub(crate) fn server_time(response: &HttpResponse) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(response.header("date")?).ok()?;
    Timestamp::try_from(date).ok()
}
