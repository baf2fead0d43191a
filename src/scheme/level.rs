//! How wide a change is.

use crate::coded::{Coded as _, coded};

coded! {
    /// How wide a change from one tag to another is, narrowest first.
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Level {
        /// The same tag with a new digest.
        Digest = "digest";
        /// Only a build counter rises.
        Build = "build";
        /// The third or a later number rises, or only the prerelease.
        Patch = "patch";
        /// The second number rises, a date, or a number that may be a second version.
        Minor = "minor";
        /// The first number rises, or the codename changes.
        Major = "major";
    }
}

/// A text is not the name of a level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid level {0:?}: expected `digest`, `build`, `patch`, `minor` or `major`")]
pub struct ParseLevelError(String);

impl std::str::FromStr for Level {
    type Err = ParseLevelError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::of_code(text).ok_or_else(|| ParseLevelError(text.to_owned()))
    }
}
