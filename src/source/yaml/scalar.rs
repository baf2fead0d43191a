//! A text in a document: its value, its bytes in the file, its type.

use super::schema::{ScalarType, Style, prints_as_written, types};
use super::tree::Yaml;
use crate::source::mapped::Mapped;
use std::ops::Range;

/// The longest text of a reference, in bytes: its name has at most 255, its tag 128, its digest fewer.
const LONGEST: usize = 512;

/// A text in a document.
#[derive(Clone, Copy)]
pub(crate) struct Scalar<'a> {
    pub(super) yaml: &'a Yaml<'a>,
    pub(super) value: &'a str,
    pub(super) style: Style,
    /// Its bytes in the text, with quotes, without the indicator of a block.
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) line: usize,
    pub(super) tag: Option<&'a str>,
}

impl<'a> Scalar<'a> {
    /// Its text, escapes and folds resolved. A missing value has an empty one.
    pub(crate) fn value(self) -> &'a str {
        self.value
    }

    /// The line that it begins in, counted from 1; of an alias, the line of the text that it refers to. A block begins
    /// where its `|` or `>` is.
    pub(crate) fn line(self) -> usize {
        self.line
    }

    /// Its bytes in the file, quotes included.
    pub(crate) fn span(self) -> Range<usize> {
        self.yaml.base + self.start as usize..self.yaml.base + self.end as usize
    }

    pub(crate) fn is_quoted(self) -> bool {
        matches!(self.style, Style::SingleQuoted | Style::DoubleQuoted)
    }

    /// Whether it is a `|` or `>` block.
    pub(crate) fn is_block(self) -> bool {
        self.style.is_block()
    }

    /// Whether it is in a file, and not in another one.
    pub(crate) fn is_of(self, yaml: &Yaml<'_>) -> bool {
        self.yaml.base == yaml.base && self.yaml.text == yaml.text
    }

    /// Whether it is missing, or is written `null` or `~`.
    pub(crate) fn is_null(self) -> bool {
        match (self.tag, self.style) {
            (None, Style::Plain) => matches!(self.value, "" | "~" | "null" | "Null" | "NULL"),
            (tag, _) => tag == Some("!!null"),
        }
    }

    /// Whether it is short enough for a reference. Aliases can refer to a longer one many times, so it is not read.
    pub(crate) fn is_short(self) -> bool {
        self.value.len() <= LONGEST
    }

    /// Its place in the file, without quotes, if it is on one line and its bytes are its value: only such a text can be
    /// edited. A missing value has no place.
    pub(crate) fn plain_place(self) -> Option<Range<usize>> {
        let quote = match self.style {
            Style::Plain => 0,
            Style::SingleQuoted | Style::DoubleQuoted => 1,
            Style::Literal | Style::Folded => return None,
        };
        let range = self.start as usize + quote..(self.end as usize).checked_sub(quote)?;
        let is_missing = quote == 0 && range.is_empty();
        let is_value = self.yaml.text.get(range.clone()) == Some(self.value);
        let is_line = !self
            .value
            .contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
        (is_value && is_line && !is_missing)
            .then(|| self.yaml.base + range.start..self.yaml.base + range.end)
    }

    /// Its value with the place of every byte: of a text with a [`Self::plain_place`], and of a `|` block, in which
    /// the indentation is left out of the value.
    pub(crate) fn mapped(self) -> Option<Mapped> {
        if let Some(place) = self.plain_place() {
            return Some(Mapped::of_file(self.value, place.start));
        }
        match self.style {
            Style::Literal => self.mapped_block(),
            _ => None,
        }
    }

    /// A `|` block. The parser's range begins at the first text, after its indentation.
    fn mapped_block(self) -> Option<Mapped> {
        let text = self.yaml.text;
        let blank = self.value.chars().take_while(|c| *c == '\n').count();
        let first = self.yaml.lines.line(self.start as usize) as usize;
        let indent = self.start as usize - self.yaml.lines.start(first)?;
        let mut mapped = Mapped::default();
        for (number, value) in (first.checked_sub(blank)?..).zip(self.value.split_inclusive('\n')) {
            let start = self.yaml.lines.start(number)?;
            let written = self.yaml.lines.text(text, number)?;
            let content = value.trim_end_matches('\n');
            if !content.is_empty() {
                let rest = written.get(indent..)?.strip_prefix(content)?;
                let is_whole = rest.trim_end_matches(['\r', '\n']).is_empty();
                is_whole.then_some(())?;
                mapped.push_file(content, self.yaml.base + start + indent);
            }
            if value.len() > content.len() {
                mapped.push_file("\n", self.yaml.base + start + written.find('\n')?);
            }
        }
        Some(mapped)
    }

    /// Its types in YAML 1.1 and 1.2.
    pub(crate) fn types(self) -> (ScalarType, ScalarType) {
        match (self.tag, self.style) {
            (None, Style::Plain) => types(self.value),
            (None | Some("!" | "!!str"), _) => (ScalarType::Text, ScalarType::Text),
            (Some("!!null"), _) => (ScalarType::Null, ScalarType::Null),
            (Some("!!bool"), _) => (ScalarType::Bool, ScalarType::Bool),
            (Some("!!int"), _) => (ScalarType::Int, ScalarType::Int),
            (Some("!!float"), _) => (ScalarType::Float, ScalarType::Float),
            (Some("!!timestamp"), _) => (ScalarType::Timestamp, ScalarType::Timestamp),
            (Some(_), _) => (ScalarType::Text, ScalarType::Text),
        }
    }

    /// Whether programs that read it as a number print it as it is written: `1.10` is printed as `1.1`, and
    /// `20240101` as `2.0240101e+07`.
    pub(crate) fn prints_as_written(self) -> bool {
        self.is_text() || prints_as_written(self.value)
    }

    /// Whether it is a text in both versions of YAML.
    pub(crate) fn is_text(self) -> bool {
        self.types() == (ScalarType::Text, ScalarType::Text)
    }
}
