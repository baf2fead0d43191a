//! Expressions of a bake file, as far as they are evaluated.

use super::super::located::Comment;
use super::super::mapped::Mapped;
use std::ops::Range;

/// An expression.
#[derive(Debug, Clone)]
pub(super) struct Expression {
    /// The line that it begins in, counted from 1.
    pub(super) line: usize,
    /// Where it is, without quotes.
    pub(super) at: Range<usize>,
    /// Its text in the file, without quotes.
    pub(super) written: String,
    /// The `# imagebot:` comments right above.
    pub(super) notes: Vec<Comment>,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// A string with variables in it.
    Template(Vec<Piece>),
    /// A number as it is written.
    Number,
    /// A variable and the attributes that are taken of it: `item.python`.
    Variable(Vec<String>),
    List(Vec<Expression>),
    /// Each key with its line and place.
    Map(Vec<(Key, Expression)>),
    Null,
    /// Anything that is not evaluated.
    Other,
}

/// The key of a map.
#[derive(Debug, Clone)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) place: usize,
}

/// A piece of a string.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    /// Text with the place of every byte.
    Text(Mapped),
    /// Text whose bytes are not in the file as they are.
    Escaped(String),
    Variable(Vec<String>),
    /// Anything that is not evaluated.
    Other,
}

/// The lines of a text.
pub(super) struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    pub(super) fn new(text: &str) -> Self {
        let behind = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            starts: std::iter::once(0).chain(behind).collect(),
        }
    }

    /// The line of a byte, counted from 1.
    pub(super) fn of(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start <= byte)
    }

    /// The `# imagebot:` and `// imagebot:` comments right above a line.
    pub(super) fn notes_above(&self, text: &str, line: usize) -> Vec<Comment> {
        let text_of = |line: usize| {
            let start = *self.starts.get(line.checked_sub(1)?)?;
            let end = self.starts.get(line).copied().unwrap_or(text.len());
            text.get(start..end)
        };
        let comments = (1..line).rev().take(1_000).map_while(|line| {
            let text = text_of(line)?.trim();
            let comment = text.strip_prefix('#').or(text.strip_prefix("//"))?;
            Some((line, comment))
        });
        let mut notes: Vec<Comment> = comments
            .filter_map(|(line, comment)| {
                let text = comment.trim().strip_prefix("imagebot:")?.trim().to_owned();
                Some(Comment { line, text })
            })
            .collect();
        notes.reverse();
        notes
    }
}

/// A literal of a template: `$${` stands for `${` and `%%{` for `%{`. Each line loses `indent` spaces.
pub(super) fn literal(raw: &str, place: usize, indent: usize, starts_line: bool) -> Mapped {
    let mut mapped = Mapped::default();
    let bytes = raw.as_bytes();
    let mut at = 0;
    let mut skip = if starts_line { indent } else { 0 };
    while let Some(byte) = bytes.get(at) {
        if skip > 0 && matches!(byte, b' ' | b'\t') {
            skip -= 1;
            at += 1;
            continue;
        }
        skip = 0;
        let rest = &bytes[at..];
        if rest.starts_with(b"$${") || rest.starts_with(b"%%{") {
            at += 1;
        }
        let length = raw[at..].chars().next().map_or(1, char::len_utf8);
        mapped.push_file(&raw[at..at + length], place + at);
        if bytes[at] == b'\n' {
            skip = indent;
        }
        at += length;
    }
    mapped
}
