//! How much is written in an hour.
//!
//! Besides its points, GitHub allows some 500 requests an hour that create content, and 80 in a minute; clients that
//! send more may be banned. A first pass over hundreds of repositories, or a new template for every text, gets there.
//! What doesn't fit is put off.

use super::failure::Failure;
use crate::forge::error::ForgeError;
use http::Method;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many requests that create content are sent in an hour: below GitHub's 500, since others may use the login too.
const MOST: usize = 450;
const HOUR: Duration = Duration::from_secs(3_600);

/// When content was created, within the last hour.
#[derive(Default)]
pub(super) struct Hour(Mutex<VecDeque<Duration>>);

impl Hour {
    /// Counts a request, or refuses it if there were too many; `now` counts from the clock's start.
    pub(super) fn take(&self, method: &Method, path: &str, now: Duration) -> Result<(), Failure> {
        if !makes_content(method, path) {
            return Ok(());
        }
        let mut sent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while sent.front().is_some_and(|then| *then + HOUR <= now) {
            sent.pop_front();
        }
        if sent.len() >= MOST {
            let text = format!(
                "imagebot has sent {MOST} changes to GitHub within an hour, close to its limit; a later pass continues"
            );
            return Err(Failure::new(ForgeError::Busy(text)));
        }
        sent.push_back(now);
        Ok(())
    }
}

/// Whether a request creates or changes what people read. Merging isn't counted.
fn makes_content(method: &Method, path: &str) -> bool {
    let of_talk = ["/pulls", "/issues"].iter().any(|part| path.contains(part));
    of_talk && matches!(*method, Method::POST | Method::PATCH)
}
