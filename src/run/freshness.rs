//! Whether published images are built on their parents' current content: gathers what `family::freshness` judges.
//!
//! Manifests and configurations only, no layer is read. What a digest stands for is kept for ever, so that a second
//! run asks for nothing but the digests of tags. An image that cannot be looked at is unknown and stops no other.

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

/// How many images are looked at once; each host has its own, lower limit.
const AT_ONCE: usize = 32;

/// Looks at images; the reports are in the order of the subjects.
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
            // A task of its own: a panic over one image is reported there and stops nothing else (F51).
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
