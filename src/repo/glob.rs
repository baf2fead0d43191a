//! Globs on names and paths.

use super::name::RepoName;
use globset::{GlobBuilder, GlobMatcher};

/// A glob as configuration writes it: `*` stays within one part of a path, `**` crosses parts.
#[derive(Debug, Clone)]
pub struct Glob(GlobMatcher);

/// Why a text is no glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseGlobError(String);

impl Glob {
    /// Reads a glob.
    pub fn parse(glob: &str) -> Result<Self, ParseGlobError> {
        if glob.is_empty() {
            return Err(ParseGlobError("an empty glob never matches".to_owned()));
        }
        let built = GlobBuilder::new(glob).literal_separator(true).build();
        built
            .map(|glob| Self(glob.compile_matcher()))
            .map_err(|error| ParseGlobError(error.kind().to_string()))
    }

    /// Whether the glob fits the whole text.
    pub fn matches(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The glob as written.
    pub fn as_str(&self) -> &str {
        self.0.glob().glob()
    }
}

/// A list of globs on repositories; one that begins with `!` excludes, and the last that matches decides.
#[derive(Debug, Clone, Default)]
pub struct RepoGlobs(Vec<(bool, Glob)>);

impl RepoGlobs {
    /// Reads a list of globs; the error names the index of the bad one.
    pub fn parse<T: AsRef<str>>(globs: &[T]) -> Result<Self, (usize, ParseGlobError)> {
        let parse = |(index, glob): (usize, &T)| {
            let glob = glob.as_ref();
            let (includes, text) = glob
                .strip_prefix('!')
                .map_or((true, glob), |text| (false, text));
            Glob::parse(text)
                .map(|glob| (includes, glob))
                .map_err(|error| (index, error))
        };
        globs
            .iter()
            .enumerate()
            .map(parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The patterns that include, as written.
    pub fn positive(&self) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(|(includes, _)| *includes)
            .map(|(_, glob)| glob.as_str())
    }

    /// The last pattern that includes a repository, whatever excludes it behind.
    pub fn included_by(&self, name: &RepoName) -> Option<&str> {
        let mut fitting = self.0.iter().rev().filter(|(includes, _)| *includes);
        fitting
            .find(|(_, glob)| glob.matches(name.as_str()))
            .map(|(_, glob)| glob.as_str())
    }

    /// Whether the list selects a repository.
    pub fn select(&self, name: &RepoName) -> bool {
        self.0
            .iter()
            .rev()
            .find(|(_, glob)| glob.matches(name.as_str()))
            .is_some_and(|(includes, _)| *includes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_match_decides() {
        let globs =
            RepoGlobs::parse(&["platform/**", "apps/*", "!apps/legacy-*", "apps/legacy-ok"]);
        let select = |name: &str| match (&globs, RepoName::parse(name)) {
            (Ok(globs), Ok(name)) => globs.select(&name),
            _ => panic!("both are well-formed"),
        };
        for name in ["platform/a", "platform/a/b", "apps/web", "apps/legacy-ok"] {
            assert!(select(name), "{name}");
        }
        for name in ["platform", "apps/a/b", "apps/legacy-x", "other"] {
            assert!(!select(name), "{name}");
        }
        assert_eq!(
            RepoGlobs::parse(&["a", "!{b"])
                .map_err(|(index, _)| index)
                .err(),
            Some(1)
        );
    }
}
