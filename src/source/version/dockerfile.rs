//! An `ARG`'s default or a `LABEL`'s value in a Dockerfile.

use super::error::VersionFileError;
use crate::source::dockerfile::assignments;
use std::ops::Range;

pub(super) fn find(
    text: &str,
    instruction: &str,
    name: &str,
) -> Result<Vec<Range<usize>>, VersionFileError> {
    let found = assignments(text, instruction);
    let named = found.into_iter().filter(|found| found.name == name);
    named
        .map(|found| {
            let not_plain = || VersionFileError::NotPlain {
                line: found.line,
                what: "the value is computed, escaped or not written in one piece",
            };
            found.place.clone().ok_or_else(not_plain)
        })
        .collect()
}
