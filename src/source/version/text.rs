//! A file that contains nothing but the version.

use std::ops::Range;

/// The lines that are neither empty nor comments, without surrounding blanks.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    let base = text.as_ptr() as usize;
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let start = line.as_ptr() as usize - base;
            start..start + line.len()
        })
        .collect()
}
