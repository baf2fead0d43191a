//! Freshness reports, for JSON and for rendering.

use crate::family::freshness::{Code, Freshness, Row, overall};
use serde::Serialize;

/// The report of a published image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FreshnessReport {
    /// The image's name.
    pub image: String,
    /// The tag that was checked.
    pub tag: Option<String>,
    /// The digest that was checked.
    pub digest: Option<String>,
    /// The result: `fresh`, `stale` or `unknown`.
    pub answer: &'static str,
    /// The results for each platform and parent.
    pub platforms: Vec<PlatformReport>,
    /// Whether a part of the check failed.
    #[serde(skip)]
    pub failed: bool,
}

/// The result for one platform and parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlatformReport {
    /// The platform; `None` if no platform of the image could be read.
    pub platform: Option<String>,
    /// The result: `fresh`, `stale` or `unknown`.
    pub answer: &'static str,
    /// The reason, as a stable code.
    pub code: &'static str,
    /// The kind of evidence.
    pub rung: Option<&'static str>,
    /// The parent, as written by its child.
    pub parent: Option<String>,
    /// The role of the parent in the build: `base` or `stage`.
    pub role: Option<&'static str>,
    /// The evidence in detail.
    pub evidence: String,
}

impl FreshnessReport {
    /// A report without a result yet.
    pub(super) fn new(image: String) -> Self {
        Self {
            image,
            tag: None,
            digest: None,
            answer: Freshness::Unknown.code(),
            platforms: Vec::new(),
            failed: false,
        }
    }

    /// A report of an image whose check panicked.
    pub(super) fn bug(image: String, error: &tokio::task::JoinError) -> Self {
        tracing::error!(%image, %error, "internal error in imagebot; please report it");
        Self {
            failed: true,
            ..Self::new(image)
        }
    }

    pub(super) fn say(&mut self, rows: Vec<Row>) {
        let failed = |row: &Row| matches!(row.answer.code, Code::LookupFailed | Code::NotPublished);
        self.answer = overall(&rows).code();
        self.failed |= rows.iter().any(failed);
        self.platforms = rows.into_iter().map(PlatformReport::from).collect();
    }
}

impl From<Row> for PlatformReport {
    fn from(row: Row) -> Self {
        let answer = row.answer;
        Self {
            platform: row.platform.map(|platform| platform.to_string()),
            answer: answer.freshness().code(),
            code: answer.code.code(),
            rung: answer.rung.map(|rung| rung.code()),
            role: row.parent.as_ref().map(|(role, _)| role.code()),
            parent: row.parent.map(|(_, reference)| reference.to_string()),
            evidence: answer.evidence,
        }
    }
}
