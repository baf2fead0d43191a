//! Whether an image needs a build, and the reasons.

use super::decision::Decision;
use super::reason::{Outcome, Reason};
use crate::image::ImageName;
use serde::Serialize;

/// Whether an image needs a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuildNeed {
    /// All checks say no.
    No,
    /// A check could not be completed; this is never shown as no.
    Unknown,
    /// At least one check says yes.
    Yes,
}

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuildReason {
    /// Its answer.
    pub need: BuildNeed,
    /// The stable code of the check's result.
    pub code: &'static str,
    /// The details, human-readable.
    pub detail: String,
}

impl BuildNeed {
    /// The name in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::Yes => "yes",
        }
    }

    /// The combined answer: the greatest of all.
    pub fn of(whys: &[BuildReason]) -> Self {
        let needs = whys.iter().map(|why| why.need);
        needs.max().unwrap_or(Self::Unknown)
    }
}

impl BuildReason {
    /// The result of a check.
    pub fn new(need: BuildNeed, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { need, code, detail }
    }

    /// Whether the version exists in every registry that the image is published to. `names` holds the answer for each,
    /// or why it is not known.
    pub fn published(version: &str, names: &[(ImageName, Result<bool, String>)]) -> Vec<Self> {
        let answers = names.iter().map(|(name, there)| match there {
            Ok(true) => Self::new(
                BuildNeed::No,
                "published",
                format!("{name}:{version} exists"),
            ),
            Ok(false) => {
                let detail = format!("{name}:{version} does not exist");
                Self::new(BuildNeed::Yes, "not-published", detail)
            }
            Err(why) => Self::new(
                BuildNeed::Unknown,
                "registry-unknown",
                format!("{name}: {why}"),
            ),
        });
        answers.collect()
    }

    /// Whether a pinned digest differs from what its tag points at now; `None` without a digest.
    pub fn of_base(decision: &Decision) -> Option<Self> {
        let reference = decision.reference().filter(|r| r.digest.is_some())?;
        let place = format!("{}:{}", decision.path, decision.located.line);
        let name = match &reference.tag {
            Some(tag) => format!("{}:{tag}", reference.name),
            None => reference.name.to_string(),
        };
        match (decision.reason, decision.outcome()) {
            (Reason::NewDigest, _) => {
                let detail = format!("{place}: {name} now points to a different image");
                Some(Self::new(BuildNeed::Yes, "base-moved", detail))
            }
            (reason, Outcome::Unknown | Outcome::Hold) => {
                let detail = format!("{place}: {name}: {reason}: {}", decision.detail);
                Some(Self::new(BuildNeed::Unknown, "base-unknown", detail))
            }
            _ => None,
        }
    }
}
