//! A repository's full path on its forge.

use std::fmt;

/// The full path of a repository on its forge, `platform/base`, as globs match it and reports show it.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoName(String);

/// Why a text is not a repository name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a repository path; write it as group/name")]
pub struct ParseRepoNameError(String);

impl RepoName {
    /// Reads a repository's path: parts without control characters, none of them empty, `.` or `..`.
    pub fn parse(text: &str) -> Result<Self, ParseRepoNameError> {
        let bad = |part: &str| matches!(part, "" | "." | "..") || part.starts_with('-');
        if text.len() > 500 || text.chars().any(char::is_control) || text.split('/').any(bad) {
            return Err(ParseRepoNameError(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RepoName({})", self.0)
    }
}

impl TryFrom<String> for RepoName {
    type Error = ParseRepoNameError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<RepoName> for String {
    fn from(name: RepoName) -> Self {
        name.0
    }
}
