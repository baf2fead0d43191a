//! The parts of a file that were skipped.

/// The most entries that are kept for one file: a user would not read more of them.
const MOST: usize = 20;
/// The longest text of an entry.
const LONGEST: usize = 300;

/// A part that was skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passed {
    /// The line, counted from 1.
    pub line: usize,
    /// The reason.
    pub what: String,
}

/// Everything that was skipped in a file: the first entries, and the number of further ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PassedOver {
    kept: Vec<Passed>,
    more: usize,
}

impl PassedOver {
    pub(crate) fn push(&mut self, mut passed: Passed) {
        if self.kept.len() == MOST {
            self.more += 1;
            return;
        }
        if let Some((end, _)) = passed.what.char_indices().nth(LONGEST) {
            passed.what.truncate(end);
            passed.what.push('…');
        }
        self.kept.push(passed);
    }

    /// Counts entries that were left out elsewhere.
    pub(crate) fn skip(&mut self, more: usize) {
        self.more += more;
    }

    /// The same, with this many lines above it.
    pub(crate) fn below(mut self, lines: usize) -> Self {
        for passed in &mut self.kept {
            passed.line += lines;
        }
        self
    }

    /// The first entries.
    pub fn iter(&self) -> std::slice::Iter<'_, Passed> {
        self.kept.iter()
    }

    /// The number of further ones.
    pub fn more(&self) -> usize {
        self.more
    }

    /// Whether nothing was skipped.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_counted_and_capped() {
        let mut passed = PassedOver::default();
        for line in 0..50 {
            let what = "é".repeat(1_000);
            passed.push(Passed { line, what });
        }
        assert_eq!((passed.iter().count(), passed.more()), (MOST, 50 - MOST));
        assert!(passed.iter().all(|p| p.what.chars().count() == LONGEST + 1));
    }
}
