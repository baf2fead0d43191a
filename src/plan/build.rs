//! Whether an image needs a build, and why.

use super::decision::Decision;
use super::reason::{Outcome, Reason};
use crate::image::ImageName;
use serde::Serialize;

/// Whether an image needs a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuildNeed {
    /// Everything that is asked says no.
    No,
    /// Something could not be found out; that is never shown as no.
    Unknown,
    /// Something says so.
    Yes,
}

/// One answer to the question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuildReason {
    /// What it says.
    pub need: BuildNeed,
    /// Its stable code.
    pub code: &'static str,
    /// The particulars, for people.
    pub detail: String,
}

impl BuildNeed {
    /// The word.
    pub fn code(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::Yes => "yes",
        }
    }

    /// What all answers say together.
    pub fn of(whys: &[BuildReason]) -> Self {
        let needs = whys.iter().map(|why| why.need);
        needs.max().unwrap_or(Self::Unknown)
    }
}

impl BuildReason {
    /// An answer.
    pub fn new(need: BuildNeed, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { need, code, detail }
    }

    /// Whether the version is in every registry that the image is published to. `names` has for each whether it is
    /// there, or why that is not known.
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

    /// Whether what a reference pins is no longer what its tag points at. A reference without a digest says nothing.
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
