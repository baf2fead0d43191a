//! YAML documents as trees in which every text knows its position in the file.
//!
//! All YAML is read by this one reader. It does not interpret: what an anchor, an alias or a repeated key means is
//! decided by its callers.

use saphyr_parser::{Event, Input, Parser, ScalarStyle, Span};
use std::ops::Range;

/// The deepest nesting that is read; a gipgee.yml has six.
const MAX_DEPTH: usize = 64;

/// A value in a document, and what precedes it.
#[derive(Debug)]
pub(super) struct Node {
    /// The line that it begins in, counted from 1.
    pub(super) line: usize,
    /// Whether an anchor or a tag precedes it.
    pub(super) is_marked: bool,
    pub(super) value: Value,
}

#[derive(Debug)]
pub(super) enum Value {
    Text(Text),
    /// A text with escapes or over several lines: its bytes are not its value.
    Escaped(String),
    Map(Vec<(Node, Node)>),
    List(Vec<Node>),
    Alias,
}

/// A text whose bytes are in the file as they are.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) value: String,
    /// Its bytes, without quotes.
    pub(super) range: Range<usize>,
    pub(super) is_quoted: bool,
}

/// Why something is not YAML.
#[derive(Debug)]
pub(super) struct Malformed {
    pub(super) line: usize,
    pub(super) what: String,
}

/// The documents of a text, one after another; what follows an error is not read.
pub(super) fn documents(text: &str) -> impl Iterator<Item = Result<Node, Malformed>> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        places: Places::new(text),
        text,
    };
    let mut is_over = false;
    std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let document = reader.document().transpose()?;
        is_over = document.is_err();
        Some(document)
    })
}

struct Reader<'a, T: Input> {
    parser: Parser<'a, T>,
    places: Places,
    text: &'a str,
}

impl<'a, T: Input> Reader<'a, T> {
    fn document(&mut self) -> Result<Option<Node>, Malformed> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(None),
                (
                    Event::StreamStart
                    | Event::DocumentStart(_)
                    | Event::DocumentEnd
                    | Event::Nothing,
                    _,
                ) => {}
                (event, span) => return self.node(event, span, 0).map(Some),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Malformed> {
        match self.parser.next_event() {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => Err(Malformed {
                line: error.marker().line(),
                what: error.info().to_owned(),
            }),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Malformed> {
        let line = self.places.line(span, self.text);
        if depth > MAX_DEPTH {
            return Err(Malformed {
                line,
                what: "it is nested too deeply".to_owned(),
            });
        }
        let (is_marked, value) = match event {
            Event::Scalar(value, style, anchor, tag) => {
                let is_marked = anchor > 0 || tag.is_some();
                (is_marked, self.scalar(&value, style, is_marked, span))
            }
            Event::MappingStart(anchor, tag) => {
                let mut entries = Vec::new();
                while let Some(key) = self.item(depth)? {
                    let (event, span) = self.next()?;
                    entries.push((key, self.node(event, span, depth + 1)?));
                }
                (anchor > 0 || tag.is_some(), Value::Map(entries))
            }
            Event::SequenceStart(anchor, tag) => {
                let mut items = Vec::new();
                while let Some(item) = self.item(depth)? {
                    items.push(item);
                }
                (anchor > 0 || tag.is_some(), Value::List(items))
            }
            // Nothing else begins a value.
            _ => (false, Value::Alias),
        };
        Ok(Node {
            line,
            is_marked,
            value,
        })
    }

    /// The next key of a map or item of a list; `None` at its end.
    fn item(&mut self, depth: usize) -> Result<Option<Node>, Malformed> {
        match self.next()? {
            (Event::MappingEnd | Event::SequenceEnd | Event::StreamEnd, _) => Ok(None),
            (event, span) => self.node(event, span, depth + 1).map(Some),
        }
    }

    fn scalar(&self, value: &str, style: ScalarStyle, is_marked: bool, span: Span) -> Value {
        let quote = match style {
            ScalarStyle::Plain => "",
            ScalarStyle::SingleQuoted => "'",
            ScalarStyle::DoubleQuoted => "\"",
            ScalarStyle::Literal | ScalarStyle::Folded => return Value::Escaped(value.to_owned()),
        };
        let mut start = self.places.byte(span.start, self.text);
        let rest_at = |at: usize| self.text.get(at..).unwrap_or_default();
        // The span of a marked value may begin at its anchor or its tag.
        while is_marked && rest_at(start).starts_with(['&', '!']) {
            let rest = rest_at(start);
            let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
            start = self.text.len() - rest[word..].trim_start().len();
        }
        let after = rest_at(start).strip_prefix(quote);
        let behind = after.and_then(|after| after.strip_prefix(value));
        if !behind.is_some_and(|behind| behind.starts_with(quote)) {
            return Value::Escaped(value.to_owned());
        }
        let first = start + quote.len();
        Value::Text(Text {
            value: value.to_owned(),
            range: first..first + value.len(),
            is_quoted: !quote.is_empty(),
        })
    }
}

/// The positions of characters and lines. The parser counts characters.
struct Places {
    /// By character; empty if all characters are single bytes.
    bytes: Vec<usize>,
    lines: Vec<usize>,
}

impl Places {
    fn new(text: &str) -> Self {
        let behind_ends = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            bytes: match text.is_ascii() {
                true => Vec::new(),
                false => text.char_indices().map(|(at, _)| at).collect(),
            },
            lines: std::iter::once(0).chain(behind_ends).collect(),
        }
    }

    fn byte(&self, marker: saphyr_parser::Marker, text: &str) -> usize {
        let index = marker.index();
        match self.bytes.is_empty() {
            true => index.min(text.len()),
            false => self.bytes.get(index).copied().unwrap_or(text.len()),
        }
    }

    fn line(&self, span: Span, text: &str) -> usize {
        let byte = self.byte(span.start, text);
        self.lines.partition_point(|start| *start <= byte)
    }
}
