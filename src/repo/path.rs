//! A file's path in a repository.

use std::fmt;

/// A relative path with `/` between its parts, safe to look up in a git tree.
///
/// No part is empty, `.`, `..` or `.git` in any case, and there is no control character.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RepoPath(String);

/// Why a text is not a path in a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePathError {
    /// The path is empty, absolute, or leaves the repository.
    #[error(
        "{0:?} is not a path in a repository: it must be relative, without empty parts, `.`, `..` and `.git`"
    )]
    Part(String),
    /// The path contains a control character.
    #[error("a path must not contain control characters: {0:?}")]
    Control(String),
    /// The path is longer than 4096 bytes.
    #[error("a path has at most 4096 bytes")]
    TooLong,
}

impl RepoPath {
    /// Reads a path.
    pub fn parse(text: &str) -> Result<Self, ParsePathError> {
        if text.len() > 4096 {
            return Err(ParsePathError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(ParsePathError::Control(text.to_owned()));
        }
        let bad = |part: &str| matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git");
        if text.split('/').any(bad) {
            return Err(ParsePathError::Part(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }

    /// The path's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RepoPath({:?})", self.0)
    }
}

impl TryFrom<String> for RepoPath {
    type Error = ParsePathError;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<RepoPath> for String {
    fn from(path: RepoPath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stays_inside_the_repository() {
        for good in [
            "Dockerfile",
            "a/b/Dockerfile.dev",
            "-x",
            "a b",
            "größe/Dockerfile",
            ".github/x",
        ] {
            assert!(RepoPath::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "../x",
            "a/../x",
            "a//b",
            "./a",
            "a/",
            ".git/config",
            "a/.GIT/x",
            "a\nb",
            "a\0b",
        ] {
            assert!(RepoPath::parse(bad).is_err(), "{bad:?}");
        }
    }
}
