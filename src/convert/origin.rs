//! Places in the old file, and comments about them.

use std::fmt;

/// A key of the old file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// The path of the key, `packageRules[2].schedule`.
    key: String,
    /// The line, counted from 1; 0 if there is none.
    line: usize,
}

impl Origin {
    pub(super) fn new(key: &str, line: usize) -> Self {
        Self {
            key: printable(key),
            line,
        }
    }

    /// The line, for sorting.
    pub(super) fn line(&self) -> usize {
        self.line
    }

    /// A key in this one.
    pub(super) fn inner(&self, key: &str, line: usize) -> Self {
        let whole = match self.key.is_empty() {
            true => key.to_owned(),
            false => format!("{}.{key}", self.key),
        };
        Self::new(&whole, line)
    }

    /// An item of this list.
    pub(super) fn item(&self, index: usize, line: usize) -> Self {
        Self::new(&format!("{}[{index}]", self.key), line)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.key),
            line => write!(f, "{} (line {line})", self.key),
        }
    }
}

/// The longest text of a comment, in characters.
const LONGEST: usize = 300;

/// A text for a comment: one line, of limited length, without control characters, which TOML does not allow there.
pub(super) fn printable(text: &str) -> String {
    let plain = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(LONGEST);
    let plain: String = plain.collect();
    match text.chars().nth(LONGEST) {
        Some(_) => format!("{plain}…"),
        None => plain,
    }
}
