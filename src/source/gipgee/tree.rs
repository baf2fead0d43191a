//! A YAML document as a tree in which every text knows where in the file it stands.
//!
//! What an edit could not change alone is *odd*: an alias or what one may stand for, a merge, a key that is there twice,
//! a text with escapes or over several lines. Nothing reads on below it.

use saphyr_parser::{Event, Input, Parser, ScalarStyle, Span};
use std::collections::HashSet;

/// A value of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Text(Text),
    Map(Vec<(Text, Node)>),
    List(Vec<Node>),
    /// No value, or `null`.
    Nothing,
    Odd(Odd),
}

/// A text whose bytes stand in the file as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) value: String,
    /// Its first byte, quotes aside.
    pub(super) at: usize,
    /// The line, counted from 1.
    pub(super) line: usize,
}

/// What is not read, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Odd {
    pub(super) line: usize,
    pub(super) what: String,
}

/// The deepest nesting that is read; a gipgee.yml has six.
const MAX_DEPTH: usize = 64;

impl Node {
    /// The first document of a text that begins at byte `base` of the file; an error where it is no YAML.
    pub(super) fn parse(text: &str, base: usize) -> Result<Self, Odd> {
        let mut reader = Reader {
            parser: Parser::new_from_str(text),
            places: Places::new(text),
            text,
            base,
        };
        loop {
            match reader.next()? {
                (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
                (Event::StreamEnd | Event::DocumentEnd, _) => return Ok(Self::Nothing),
                (event, span) => return reader.node(event, span, 0),
            }
        }
    }

    /// The value of a key, if it is a map that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        let entry = entries.iter().find(|(name, _)| name.value == key);
        entry.map(|(_, value)| value)
    }
}

struct Reader<'a, T: Input> {
    parser: Parser<'a, T>,
    places: Places,
    text: &'a str,
    base: usize,
}

impl<'a, T: Input> Reader<'a, T> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Odd> {
        match self.parser.next_event() {
            Some(Ok(found)) => Ok(found),
            Some(Err(error)) => Err(Odd {
                line: error.marker().line(),
                what: format!("invalid YAML: {}", error.info()),
            }),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Odd> {
        let line = self.line(span);
        let odd = |what: &str| Odd {
            line,
            what: what.to_owned(),
        };
        if depth > MAX_DEPTH {
            return Err(odd("it is nested too deep"));
        }
        let may_be_elsewhere = odd("anchors and tags are not supported here");
        Ok(match event {
            Event::Scalar(_, _, 1.., _) | Event::Scalar(_, _, _, Some(_)) => {
                Node::Odd(may_be_elsewhere)
            }
            Event::Scalar(value, style, ..) => self.scalar(&value, style, span),
            Event::MappingStart(anchor, tag) => {
                let map = self.map(line, depth)?;
                match anchor > 0 || tag.is_some() {
                    true => Node::Odd(may_be_elsewhere),
                    false => map,
                }
            }
            Event::SequenceStart(anchor, tag) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd | Event::StreamEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                match anchor > 0 || tag.is_some() {
                    true => Node::Odd(may_be_elsewhere),
                    false => Node::List(items),
                }
            }
            Event::Alias(_) => Node::Odd(odd("aliases are not supported here")),
            _ => Node::Nothing,
        })
    }

    fn map(&mut self, line: usize, depth: usize) -> Result<Node, Odd> {
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        let mut trouble = None;
        loop {
            let key = match self.next()? {
                (Event::MappingEnd | Event::StreamEnd, _) => break,
                (event, span) => self.node(event, span, depth + 1)?,
            };
            let (event, span) = self.next()?;
            let value = self.node(event, span, depth + 1)?;
            let odd = |line, what: String| Some(Odd { line, what });
            match key {
                Node::Text(key) if key.value == "<<" => {
                    trouble = trouble.or(odd(
                        key.line,
                        "merge keys are not supported here".to_owned(),
                    ));
                }
                Node::Text(key) => {
                    if !seen.insert(key.value.clone()) {
                        let shown: String = key.value.chars().take(40).collect();
                        trouble = trouble.or(odd(key.line, format!("duplicate key {shown:?}")));
                    }
                    entries.push((key, value));
                }
                Node::Odd(found) => trouble = trouble.or(Some(found)),
                _ => trouble = trouble.or(odd(line, "a key is not a string".to_owned())),
            }
        }
        Ok(trouble.map_or(Node::Map(entries), Node::Odd))
    }

    fn scalar(&self, value: &str, style: ScalarStyle, span: Span) -> Node {
        let is_plain = style == ScalarStyle::Plain;
        if is_plain && matches!(value, "" | "~" | "null" | "Null" | "NULL") {
            return Node::Nothing;
        }
        let start = self.places.byte(span.start.index(), self.text);
        let first = start + usize::from(!is_plain);
        let quote = match style {
            ScalarStyle::Plain => "",
            ScalarStyle::SingleQuoted => "'",
            ScalarStyle::DoubleQuoted => "\"",
            ScalarStyle::Literal | ScalarStyle::Folded => "\n",
        };
        let (before, after) = (
            self.text.get(start..first),
            self.text.get(first..).unwrap_or_default(),
        );
        let behind = after.strip_prefix(value);
        match behind {
            Some(behind) if before == Some(quote) && behind.starts_with(quote) => {
                Node::Text(Text {
                    value: value.to_owned(),
                    at: self.base + first,
                    line: self.line(span),
                })
            }
            _ => Node::Odd(Odd {
                line: self.line(span),
                what: "strings with escapes or over several lines are not supported here"
                    .to_owned(),
            }),
        }
    }

    fn line(&self, span: Span) -> usize {
        let byte = self.places.byte(span.start.index(), self.text);
        self.places.lines.partition_point(|start| *start <= byte)
    }
}

/// Where characters and lines begin. The parser counts characters.
struct Places {
    /// By character; empty where every one is a byte.
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

    fn byte(&self, index: usize, text: &str) -> usize {
        match self.bytes.is_empty() {
            true => index.min(text.len()),
            false => self.bytes.get(index).copied().unwrap_or(text.len()),
        }
    }
}
