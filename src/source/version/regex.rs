//! The one group of a regular expression.

use super::error::VersionFileError;
use ::regex::{Regex, RegexBuilder};
use std::ops::Range;

/// The largest compiled pattern, in bytes: one from a repository must not exhaust the memory (T13).
const MOST: usize = 256 << 10;
/// The longest pattern, in bytes.
const LONGEST: usize = 2_000;
/// How deep groups may nest.
const NESTING: u32 = 50;

/// Reads a pattern: a regular expression with exactly one group. `^` and `$` are the ends of lines.
pub(super) fn compile(pattern: &str) -> Result<Regex, String> {
    if pattern.len() > LONGEST {
        return Err(format!("the pattern is longer than {LONGEST} characters"));
    }
    let regex = RegexBuilder::new(pattern)
        .nest_limit(NESTING)
        .multi_line(true)
        .crlf(true)
        .size_limit(MOST)
        .dfa_size_limit(MOST)
        .build()
        .map_err(|error| error.to_string())?;
    match regex.captures_len() {
        2 => Ok(regex),
        groups => Err(format!(
            "the pattern has {} groups; exactly one must capture the version; write the others as (?:…)",
            groups.saturating_sub(1)
        )),
    }
}

pub(super) fn find(text: &str, pattern: &str) -> Result<Vec<Range<usize>>, VersionFileError> {
    let regex = compile(pattern).map_err(|what| VersionFileError::Malformed {
        line: None,
        format: "a pattern",
        what,
    })?;
    let groups = regex.captures_iter(text).filter_map(|found| found.get(1));
    Ok(groups.take(16).map(|group| group.range()).collect())
}
