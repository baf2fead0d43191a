//! The lines of a text, and the comments in them.

use super::located::Comment;
use std::cell::RefCell;
use std::rc::Rc;

/// The most comment lines above a value that are read.
const MOST_LINES: usize = 1_000;
/// The most of them that are kept: one more than a reference may have.
const MOST: usize = 21;

/// The lines of a text.
#[derive(Debug)]
pub(crate) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    /// The comments above the line that was last of interest: many values can be on one line.
    last: RefCell<(usize, Rc<[Comment]>)>,
}

impl<'t> Lines<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        let after_ends = text.match_indices('\n').map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(after_ends).collect();
        Self {
            text,
            starts,
            last: RefCell::new((0, Rc::default())),
        }
    }

    /// The line of a byte, counted from 1.
    pub(crate) fn of(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte)
    }

    /// The first byte of a line, counted from 1, and its text with its end.
    pub(crate) fn at(&self, line: usize) -> Option<(usize, &'t str)> {
        let start = *self.starts.get(line.checked_sub(1)?)?;
        let end = self.starts.get(line).copied();
        let text = self.text.get(start..end.unwrap_or(self.text.len()))?;
        Some((start, text))
    }

    /// The `imagebot:` comments right above a line, in their order.
    pub(crate) fn notes_above(&self, line: usize) -> Rc<[Comment]> {
        let mut last = self.last.borrow_mut();
        if last.0 != line {
            *last = (line, self.find_notes(line));
        }
        last.1.clone()
    }

    fn find_notes(&self, line: usize) -> Rc<[Comment]> {
        let comments = (1..line).rev().take(MOST_LINES).map_while(|line| {
            let (_, text) = self.at(line)?;
            Some((line, comment(text)?))
        });
        let notes = comments.filter_map(|(line, text)| {
            let text = text.strip_prefix("imagebot:")?.trim().to_owned();
            Some(Comment::new(line, text))
        });
        let mut notes: Vec<Comment> = notes.take(MOST).collect();
        notes.reverse();
        notes.into()
    }
}

/// The text of a line that is a comment and nothing else: `#`, `//`, `--`, `;` or `<!-- -->`.
pub(crate) fn comment(line: &str) -> Option<&str> {
    let line = line.trim();
    if let Some(text) = line.strip_prefix("<!--") {
        return text.strip_suffix("-->").map(str::trim);
    }
    let mut leads = ["#", "//", "--", ";"].into_iter();
    leads
        .find_map(|lead| line.strip_prefix(lead))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_of_all_kinds_are_read_above_a_line() {
        let text = "# imagebot: no\n\n# imagebot: a\r\n  // other\n--imagebot: b\n; imagebot: c\n<!-- imagebot: d -->\nx\n";
        let lines = Lines::new(text);
        let notes = lines.notes_above(8);
        let notes: Vec<String> = notes
            .iter()
            .map(|it| format!("{} {}", it.line, it.text))
            .collect();
        assert_eq!(notes, ["3 a", "5 b", "6 c", "7 d"]);
        assert_eq!(lines.notes_above(2).len(), 1);
        assert!(lines.notes_above(1).is_empty());
        assert_eq!(comment("<!-- imagebot: d"), None);
        assert_eq!(comment("a # b"), None);
    }
}
