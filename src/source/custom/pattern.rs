//! Patterns for lines of text.

use regex::{Regex, RegexBuilder};

/// The largest compiled pattern, in bytes.
const SIZE: usize = 256 << 10;
/// The longest pattern, in bytes.
const LONGEST: usize = 1_000;
/// The groups that a pattern can have.
const GROUPS: [&str; 5] = ["image", "repository", "registry", "tag", "digest"];

/// A regular expression whose groups are a reference or the parts of one.
#[derive(Debug, Clone)]
pub struct SourcePattern {
    pub(super) regex: Regex,
}

/// Why a text is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParsePatternError(String);

impl SourcePattern {
    /// Reads a pattern. Whether it names an image is for the caller to check.
    pub fn parse(text: &str) -> Result<Self, ParsePatternError> {
        if text.len() > LONGEST {
            return Err(ParsePatternError(format!(
                "the pattern is longer than {LONGEST} characters"
            )));
        }
        let built = RegexBuilder::new(text)
            .size_limit(SIZE)
            .dfa_size_limit(SIZE)
            .nest_limit(50)
            .build();
        let regex = built.map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            let what = last.trim_start_matches("error: ");
            ParsePatternError(format!("invalid regular expression: {what}"))
        })?;
        let named = regex.capture_names().flatten();
        for name in named {
            if !GROUPS.contains(&name) {
                return Err(ParsePatternError(format!(
                    "unknown group `{name}`: expected one of {}",
                    GROUPS.join(", ")
                )));
            }
        }
        Ok(Self { regex })
    }

    /// Whether it has a group.
    pub fn has(&self, group: &str) -> bool {
        let mut names = self.regex.capture_names().flatten();
        names.any(|name| name == group)
    }
}
