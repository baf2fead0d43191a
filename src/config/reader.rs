//! Reads a file as TOML, and collects all problems. What its tables hold is read by [`Table`].

use super::bounds::Bounds;
use super::keys::Key;
use super::mask::masked;
use super::problem::{Problem, Problems};
use super::table::Table;
use std::cell::{Cell, RefCell};
use std::ops::Range;
use std::sync::Arc;
use toml::de::DeTable;

/// A file that is being read, and its problems so far.
pub(super) struct Reader {
    pub(super) file: Arc<str>,
    text: Arc<str>,
    /// Where each line begins, except the first.
    pub(super) lines: Vec<usize>,
    problems: RefCell<Vec<Problem>>,
    /// The number of problems besides the collected ones.
    more: Cell<usize>,
    bounds: Bounds,
    /// The keys of the whole file.
    pub(super) keys: &'static [Key],
    /// The number of list entries that were read.
    entries: Cell<usize>,
}

impl Reader {
    /// Reads a file with `read`, which gets the root table and returns a value if it can.
    pub(super) fn read<T>(
        file: &str,
        text: &str,
        keys: &'static [Key],
        bounds: Bounds,
        read: impl FnOnce(Table<'_>) -> Option<T>,
    ) -> Result<T, Problems> {
        let too_long = text.len() > bounds.bytes;
        let read_text = if too_long { "" } else { text };
        let newlines = read_text.match_indices('\n').map(|(at, _)| at + 1);
        let reader = Self {
            file: file.into(),
            lines: newlines.collect(),
            text: read_text.into(),
            problems: RefCell::default(),
            more: Cell::new(0),
            bounds,
            keys,
            entries: Cell::new(0),
        };
        if too_long {
            let (length, most) = (text.len(), bounds.bytes);
            let message = format!("the file has {length} bytes; the limit is {most}");
            reader.problem(0..0, message, None);
        }
        let text = Arc::clone(&reader.text);
        let (root, errors) = DeTable::parse_recoverable(&text);
        let mut broken = Vec::new();
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            broken.push(span.clone());
            reader.problem(span, error.message().to_owned(), None);
        }
        let syntax = reader.problems.borrow().len();
        let value = read(Table::root(&reader, root.get_ref()));
        let mut list = reader.problems.into_inner();
        let others = list.split_off(syntax);
        let others = others.into_iter();
        list.extend(others.filter(|problem| problem.is_independent(&text, &broken)));
        list.sort_by_key(|problem| (problem.span.start, problem.span.end));
        list.dedup();
        match value {
            Some(value) if list.is_empty() => Ok(value),
            _ => {
                let (text, hidden) = masked(&text, root.get_ref(), keys);
                let more = reader.more.get();
                Err(Problems::new(reader.file, text, list, more, &hidden))
            }
        }
    }

    pub(super) fn problem(&self, span: Range<usize>, message: String, help: Option<String>) {
        if self.is_full() {
            self.more.set(self.more.get() + 1);
            return;
        }
        self.problems.borrow_mut().push(Problem {
            span,
            message,
            help,
        });
    }

    /// Whether no more problems are collected.
    pub(super) fn is_full(&self) -> bool {
        self.problems.borrow().len() >= Problems::MOST
    }

    /// Counts list entries by their weights; returns how many of them may still be read.
    pub(super) fn count(
        &self,
        name: &str,
        span: Range<usize>,
        weights: impl Iterator<Item = usize>,
    ) -> usize {
        let most = self.bounds.entries;
        let before = self.entries.get();
        let mut sum = before;
        let mut read = 0;
        for weight in weights {
            sum = sum.saturating_add(weight);
            read += usize::from(sum <= most);
        }
        self.entries.set(sum);
        if before <= most && sum > most {
            let message = format!(
                "the lists of this file have more than {most} entries; `{name}` is read up to there"
            );
            let help = format!(
                "use fewer, wider patterns; a regular expression counts as {} entries",
                Bounds::REGEX
            );
            self.problem(span, message, Some(help));
        }
        read
    }
}
