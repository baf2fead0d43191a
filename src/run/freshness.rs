//! Whether published images are built on their parents' current content: collects the input for `family::freshness`.
//!
//! Only manifests and configurations are read, no layers. The content of a digest is cached forever, so a second run
//! only requests the digests of tags. If an image cannot be checked, it is unknown, and the others are checked.

mod commit;
mod contents;
mod heads;
mod look;
mod newest;
mod parents;
mod publishers;
mod report;
mod subject;

pub use newest::InUse;
pub(super) use newest::{in_use, newest};
pub(super) use publishers::built;
pub use publishers::{Publishers, publishers};
pub use report::{FreshnessReport, PlatformReport};
pub use subject::{Built, Subject};

use super::setup::Setup;
use futures::StreamExt as _;
use heads::Heads;
use jiff::Timestamp;
use std::sync::Arc;

/// How many images are checked at once; each host has its own, lower limit.
const AT_ONCE: usize = 32;

/// Checks images; the reports have the order of the subjects.
pub async fn freshness(
    setup: &Arc<Setup>,
    subjects: Vec<Subject>,
    now: Timestamp,
    ticked: &(dyn Fn(usize, usize) + Sync),
) -> Vec<FreshnessReport> {
    let total = subjects.len();
    let heads = Arc::new(Heads::default());
    let tasks = subjects.into_iter().enumerate().map(|(place, subject)| {
        let (setup, heads) = (Arc::clone(setup), Arc::clone(&heads));
        async move {
            let name = subject.image.to_string();
            // A separate task, so that a panic about one image is reported there and stops nothing else (F51).
            let task = tokio::spawn(async move { look::look(&setup, &heads, &subject, now).await });
            let report = task
                .await
                .unwrap_or_else(|error| FreshnessReport::bug(name, &error));
            (place, report)
        }
    });
    let tasks: Vec<_> = tasks.collect();
    let mut tasks = futures::stream::iter(tasks).buffer_unordered(AT_ONCE);
    let mut reports = Vec::new();
    while let Some(report) = tasks.next().await {
        reports.push(report);
        ticked(reports.len(), total);
    }
    reports.sort_by_key(|(place, _)| *place);
    reports.into_iter().map(|(_, report)| report).collect()
}
