//! What is told of published images, as values that are printed by people and machines alike.

use crate::family::freshness::{Code, Freshness, Row, overall};
use serde::Serialize;

/// A published image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FreshnessReport {
    /// Its name.
    pub image: String,
    /// The tag that was looked at.
    pub tag: Option<String>,
    /// Its digest.
    pub digest: Option<String>,
    /// What is said of it: `fresh`, `stale` or `unknown`.
    pub answer: &'static str,
    /// What is said on each platform, seen from each parent.
    pub platforms: Vec<PlatformReport>,
    /// Whether something of it could not be looked at.
    #[serde(skip)]
    pub failed: bool,
}

/// What is said on a platform, seen from a parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlatformReport {
    /// The platform; none where nothing is known of any.
    pub platform: Option<String>,
    /// What is said: `fresh`, `stale` or `unknown`.
    pub answer: &'static str,
    /// Why, as a stable code.
    pub code: &'static str,
    /// What it rests on.
    pub rung: Option<&'static str>,
    /// The parent as its child names it.
    pub parent: Option<String>,
    /// What the parent is for the build: `base` or `stage`.
    pub role: Option<&'static str>,
    /// The particulars.
    pub evidence: String,
}

impl FreshnessReport {
    /// A report of an image of which nothing is said yet.
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

    /// A report of an image over which imagebot stumbled.
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
