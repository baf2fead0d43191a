//! Globs on names and paths.

use super::name::RepoName;
use globset::GlobBuilder;
use regex::bytes::{Regex, RegexBuilder};

/// A glob as the configuration writes it: `*` stays within one part of a path, `**` crosses parts.
#[derive(Debug, Clone)]
pub struct Glob {
    written: String,
    regex: Regex,
}

/// Why a text is not a glob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseGlobError(String);

impl Glob {
    /// The longest glob, in bytes.
    pub const LONGEST: usize = 1_000;
    /// The deepest nesting of braces: `{a,{b,c}}` has two levels.
    pub const NESTING: usize = 8;
    /// The largest compiled glob, and the largest cache of its automaton, in bytes.
    const SIZE: usize = 256 << 10;

    /// Whether it names files rather than only selecting among those that are recognised: `images/base.build` adds a
    /// file, `images/**` does not.
    pub fn names_files(&self) -> bool {
        let last = self.written.rsplit('/').next().unwrap_or(&self.written);
        let letters = last.bytes().filter(u8::is_ascii_alphanumeric).count();
        letters >= 3
    }

    /// Reads a glob. Its length and nesting are checked first: globset's parser and the compiler of regular expressions
    /// under it recurse once per level (B1).
    pub fn parse(glob: &str) -> Result<Self, ParseGlobError> {
        let error = |what: String| Err(ParseGlobError(what));
        if glob.is_empty() {
            return error("an empty glob never matches".to_owned());
        }
        if glob.len() > Self::LONGEST {
            let (length, most) = (glob.len(), Self::LONGEST);
            return error(format!(
                "the glob has {length} characters; at most {most} are allowed"
            ));
        }
        if nesting(glob) > Self::NESTING {
            let most = Self::NESTING;
            return error(format!(
                "braces nest too deeply; at most {most} levels are allowed"
            ));
        }
        let built = GlobBuilder::new(glob).literal_separator(true).build();
        let built = built.map_err(|error| ParseGlobError(error.kind().to_string()))?;
        let regex = RegexBuilder::new(built.regex())
            .dot_matches_new_line(true)
            .unicode(false)
            .size_limit(Self::SIZE)
            .dfa_size_limit(Self::SIZE)
            .build()
            .map_err(|_| ParseGlobError("the glob is too complex".to_owned()))?;
        Ok(Self {
            written: glob.to_owned(),
            regex,
        })
    }

    /// Whether the glob matches the whole text.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text.as_bytes())
    }

    /// The glob as written.
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

/// The deepest nesting of braces. Escaped ones and those in classes count too: an upper bound is enough.
fn nesting(glob: &str) -> usize {
    let mut depth = 0_usize;
    let depths = glob.bytes().map(|byte| {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth
    });
    depths.max().unwrap_or(0)
}

/// A list of globs on repositories: a glob that begins with `!` excludes, and the last match decides.
#[derive(Debug, Clone, Default)]
pub struct RepoGlobs(Vec<(bool, Glob)>);

impl RepoGlobs {
    /// Reads a list of globs; the error names the index of the invalid one.
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

    /// The last pattern that includes a repository, even if a later one excludes it.
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
    fn b1_a_glob_is_limited_before_it_is_read() {
        let deep = |levels: usize| format!("{}{}", "{a,".repeat(levels), "}".repeat(levels));
        assert!(Glob::parse(&deep(Glob::NESTING)).is_ok());
        for (glob, expect) in [
            (deep(Glob::NESTING + 1), "braces nest too deeply"),
            (deep(200), "braces nest too deeply"),
            (deep(300), "at most 1000 are allowed"),
            (deep(20_000), "at most 1000 are allowed"),
            ("{".repeat(900), "braces nest too deeply"),
            ("a".repeat(Glob::LONGEST + 1), "at most 1000 are allowed"),
            ("{a".to_owned(), "unclosed alternate group"),
        ] {
            let error = Glob::parse(&glob).expect_err(&glob[..2]).to_string();
            assert!(error.contains(expect), "{error}");
        }
    }

    #[test]
    fn matching_is_globset_s() {
        for (glob, text, expect) in [
            ("**/x", "x", true),
            ("**/x", "a/b/x", true),
            ("a/*", "a/b", true),
            ("a/*", "a/b/c", false),
            ("a/**", "a/b/c", true),
            ("a?c", "a/c", false),
            ("a?c", "abc", true),
            ("{a,b}/x", "b/x", true),
            ("[!a]x", "bx", true),
            ("a/*\n", "a/\n", true),
            ("ä*", "äö", true),
            ("a.b", "aXb", false),
        ] {
            let globset = GlobBuilder::new(glob).literal_separator(true).build();
            let globset = globset.expect("a glob").compile_matcher();
            assert_eq!(globset.is_match(text), expect, "globset: {glob} {text}");
            let ours = Glob::parse(glob).expect("a glob");
            assert_eq!(ours.matches(text), expect, "{glob} {text}");
        }
    }

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
