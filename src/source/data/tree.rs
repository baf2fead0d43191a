//! The tree.

use super::super::located::{Comment, Located, ReferenceKind, WhyNot};
use super::super::mapped::Mapped;
use super::super::value::Expanded;
use std::ops::Range;
use std::rc::Rc;

/// A value.
#[derive(Debug, Clone)]
pub(crate) struct Data {
    /// The line that it begins in, counted from 1.
    pub(crate) line: usize,
    /// Where it is, without quotes.
    pub(crate) at: Range<usize>,
    /// Its text in the file, without quotes; empty for maps and lists.
    pub(crate) written: String,
    /// The `# imagebot:` comments right above.
    pub(crate) notes: Rc<[Comment]>,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// A string with variables in it.
    Template(Vec<Piece>),
    /// A number as it is written.
    Number,
    /// A text that is not a string with variables, and whether it is a string.
    Text(Box<Expanded>, bool),
    /// A variable and the attributes that are taken of it: `item.python`.
    Variable(Vec<String>),
    List(Vec<Data>),
    /// Each key with its line and place.
    Map(Vec<(Key, Data)>),
    Null,
    /// Anything that is not evaluated.
    Other,
}

/// The key of a map.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) place: usize,
}

/// A piece of a string.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    /// Text with the place of every byte.
    Text(Mapped),
    /// Text whose bytes are not in the file as they are.
    Escaped(String),
    Variable(Vec<String>),
    /// Anything that is not evaluated.
    Other,
}

impl Data {
    /// The value of a key; the last one if there are several.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let entry = self
            .entries()
            .iter()
            .rev()
            .find(|(known, _)| known.name == key);
        entry.map(|(_, value)| value)
    }

    /// The keys and values of a map.
    pub(crate) fn entries(&self) -> &[(Key, Self)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Its text if it is a string; variables are not known.
    pub(crate) fn string(&self) -> Option<Expanded> {
        let pieces = match &self.kind {
            Kind::Template(pieces) => pieces,
            Kind::Text(text, true) => return Some((**text).clone()),
            _ => return None,
        };
        let mut whole = Expanded::default();
        for piece in pieces {
            whole.append(&piece.literal().unwrap_or_else(expression));
        }
        Some(whole)
    }

    /// Its text if it is of another type.
    pub(crate) fn number(&self) -> Option<Expanded> {
        match &self.kind {
            Kind::Number => {}
            Kind::Text(text, false) => return Some((**text).clone()),
            _ => return None,
        }
        let mut number = Expanded::literal(&Mapped::of_file(&self.written, self.at.start));
        number.is_number = true;
        if !prints_as_written(&self.written) {
            number.why = Some(WhyNot::UnquotedNumber);
        }
        Some(number)
    }

    /// The reference that it is, given its text.
    pub(crate) fn located(&self, text: Expanded, kind: ReferenceKind) -> Located {
        Located {
            ordinal: 0,
            line: self.line,
            kind,
            stage: None,
            platform: None,
            found: text.resolution(&self.at),
            written: self.written.clone(),
            written_at: self.at.clone(),
            notes: self.notes.to_vec(),
            told: Vec::new(),
            in_ci: false,
        }
    }
}

impl Piece {
    /// Its text, unless it is a variable or the like.
    pub(crate) fn literal(&self) -> Option<Expanded> {
        match self {
            Self::Text(text) => Some(Expanded::literal(text)),
            Self::Escaped(text) => Some(Expanded {
                value: Mapped::computed(text),
                fixed: Some(WhyNot::NotPlain),
                ..Expanded::default()
            }),
            Self::Variable(_) | Self::Other => None,
        }
    }
}

/// A value that is not evaluated.
pub(crate) fn expression() -> Expanded {
    Expanded {
        why: Some(WhyNot::Expression),
        ..Expanded::default()
    }
}

/// Whether a number is passed on as it is written: `3.20` is passed as `3.2`.
fn prints_as_written(number: &str) -> bool {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "1"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_shortest = !fraction.ends_with('0') && (whole == "0" || !whole.starts_with('0'));
    digits(whole) && digits(fraction) && is_shortest && whole.len() < 15
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
