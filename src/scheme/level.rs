//! How wide a change is.

use std::fmt;

/// How wide a change from one tag to another is, narrowest first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// The same tag with a new digest.
    Digest,
    /// Only a build counter rises.
    Build,
    /// The third or a later number rises, or only the prerelease.
    Patch,
    /// The second number rises, a date, or a number that may be a second version.
    Minor,
    /// The first number rises, or the codename changes.
    Major,
}

/// A text names no level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid level {0:?}: expected `digest`, `build`, `patch`, `minor` or `major`")]
pub struct ParseLevelError(String);

impl Level {
    /// All levels, narrowest first.
    pub const ALL: [Self; 5] = [
        Self::Digest,
        Self::Build,
        Self::Patch,
        Self::Minor,
        Self::Major,
    ];

    /// The name in configuration and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::Build => "build",
            Self::Patch => "patch",
            Self::Minor => "minor",
            Self::Major => "major",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl std::str::FromStr for Level {
    type Err = ParseLevelError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|level| level.as_str() == text)
            .ok_or_else(|| ParseLevelError(text.to_owned()))
    }
}
