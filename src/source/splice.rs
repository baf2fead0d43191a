//! The one function that changes bytes.

use std::ops::Range;

/// A replacement of some bytes of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Splice {
    /// Its range in the file, in bytes; empty for an insertion.
    pub start: usize,
    /// The present text; nothing is changed if it differs.
    pub expected: String,
    /// The new text.
    pub replacement: String,
}

impl Splice {
    /// The range that is replaced.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.expected.len()
    }
}

/// Why nothing was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpliceError {
    /// The text at the range is another one.
    #[error("the text to replace has changed")]
    Unexpected,
    /// Two replacements overlap.
    #[error("two replacements touch the same bytes")]
    Overlap,
}

/// Makes all replacements at once, or none.
pub fn splice(file: &[u8], splices: &[Splice]) -> Result<Vec<u8>, SpliceError> {
    let mut sorted: Vec<&Splice> = splices.iter().collect();
    sorted.sort();
    sorted.dedup();
    let mut out = Vec::with_capacity(file.len() + 128);
    let mut at = 0;
    for (index, splice) in sorted.iter().enumerate() {
        let range = splice.range();
        let same_insertion =
            index > 0 && range.is_empty() && sorted[index - 1].start == range.start;
        if range.start < at || same_insertion {
            return Err(SpliceError::Overlap);
        }
        if file.get(range.clone()) != Some(splice.expected.as_bytes()) {
            return Err(SpliceError::Unexpected);
        }
        out.extend_from_slice(&file[at..range.start]);
        out.extend_from_slice(splice.replacement.as_bytes());
        at = range.end;
    }
    out.extend_from_slice(&file[at..]);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, splices: &[(usize, &str, &str)], expect: Result<&str, SpliceError>) {
        let splices: Vec<_> = splices
            .iter()
            .map(|(start, expected, replacement)| Splice {
                start: *start,
                expected: (*expected).to_owned(),
                replacement: (*replacement).to_owned(),
            })
            .collect();
        assert_eq!(
            splice(file.as_bytes(), &splices),
            expect.map(|text| text.as_bytes().to_vec())
        );
    }

    #[test]
    fn all_or_nothing() {
        check(
            "FROM a:1 b:2",
            &[(11, "2", "33"), (7, "1", "4")],
            Ok("FROM a:4 b:33"),
        );
        check("abc", &[(1, "", "-")], Ok("a-bc"));
        check("abc", &[(1, "b", "x"), (1, "b", "x")], Ok("axc"));
        check(
            "abc",
            &[(1, "x", "y"), (0, "a", "b")],
            Err(SpliceError::Unexpected),
        );
        check(
            "abc",
            &[(0, "ab", "y"), (1, "b", "z")],
            Err(SpliceError::Overlap),
        );
        check(
            "abc",
            &[(1, "", "y"), (1, "", "z")],
            Err(SpliceError::Overlap),
        );
        check("abc", &[(9, "", "y")], Err(SpliceError::Unexpected));
    }
}
