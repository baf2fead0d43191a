//! Reads JSON. A string may have variables, `${NAME}`, as in the JSON form of HCL and in dev containers.

use super::tree::{Data, Key, Kind, Piece, literal};
use crate::source::lines::Lines;
use crate::source::located::Comment;
use crate::source::passed::Passed;
use crate::source::sources::FileText;
use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};
use std::rc::Rc;

/// What a text may have besides what the JSON standard allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// Nothing.
    Strict,
    /// Comments, and commas before a closing bracket.
    Comments,
}

/// The value of a file; `None` if it has none.
pub(crate) fn parse(file: &FileText<'_>, syntax: Syntax) -> Result<Option<Data>, Passed> {
    let has_comments = syntax == Syntax::Comments;
    let options = ParseOptions {
        allow_comments: has_comments,
        allow_loose_object_property_names: false,
        allow_trailing_commas: has_comments,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        ..ParseOptions::default()
    };
    let reader = Reader {
        text: &file.text,
        base: file.base,
        lines: Lines::new(&file.text),
        has_comments,
    };
    let parsed = parse_to_ast(&file.text, &CollectOptions::default(), &options);
    let parsed = parsed.map_err(|error| Passed {
        line: reader.lines.of(error.range().start),
        what: format!("the file is not JSON: {}", error.kind()),
    })?;
    Ok(parsed.value.as_ref().map(|value| reader.data(value)))
}

struct Reader<'a> {
    text: &'a str,
    base: usize,
    lines: Lines<'a>,
    has_comments: bool,
}

impl Reader<'_> {
    fn notes_above(&self, line: usize) -> Rc<[Comment]> {
        match self.has_comments {
            true => self.lines.notes_above(line),
            false => Rc::default(),
        }
    }

    fn data(&self, value: &Value<'_>) -> Data {
        let range = value.range();
        let quote = usize::from(matches!(value, Value::StringLit(_)));
        let inner = range.start + quote..range.end.saturating_sub(quote);
        let line = self.lines.of(range.start);
        Data {
            line,
            at: self.base + inner.start..self.base + inner.end,
            written: match value {
                Value::Array(_) | Value::Object(_) => String::new(),
                _ => self.text.get(inner.clone()).unwrap_or_default().to_owned(),
            },
            notes: self.notes_above(line),
            kind: match value {
                Value::NullKeyword(_) => Kind::Null,
                Value::BooleanLit(_) => Kind::Other,
                Value::NumberLit(_) => Kind::Number,
                Value::StringLit(text) => Kind::Template(self.template(inner.start, &text.value)),
                Value::Array(array) => {
                    let items = array.elements.iter().map(|it| self.data(it));
                    Kind::List(items.collect())
                }
                Value::Object(object) => {
                    let entries = object.properties.iter().map(|property| {
                        let key = Key {
                            name: property.name.as_str().to_owned(),
                            line: self.lines.of(property.range.start),
                            place: self.base + property.range.start,
                        };
                        (key, self.data(&property.value))
                    });
                    Kind::Map(entries.collect())
                }
            },
        }
    }

    /// The pieces of a string that begins at a byte.
    fn template(&self, start: usize, value: &str) -> Vec<Piece> {
        let raw = self
            .text
            .get(start..start + value.len())
            .unwrap_or_default();
        if raw != value {
            return vec![match value.contains("${") {
                true => Piece::Other,
                false => Piece::Escaped(value.to_owned()),
            }];
        }
        let mut pieces = Vec::new();
        let mut at = 0;
        while at < value.len() {
            let next = next_variable(&value[at..]);
            let end = next.map_or(value.len(), |next| at + next);
            if end > at {
                pieces.push(Piece::Text(literal(
                    &value[at..end],
                    self.base + start + at,
                    0,
                    false,
                )));
            }
            let Some(rest) = value[end..].strip_prefix("${") else {
                break;
            };
            let Some(length) = rest.find('}') else {
                pieces.push(Piece::Other);
                break;
            };
            let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
            let name = rest[..length].trim();
            pieces.push(match !name.is_empty() && name.chars().all(is_name) {
                true => Piece::Variable(name.split('.').map(str::to_owned).collect()),
                false => Piece::Other,
            });
            at = end + 2 + length + 1;
        }
        pieces
    }
}

/// Where the next `${` begins that is not `$${`.
fn next_variable(text: &str) -> Option<usize> {
    let mut found = text.match_indices("${").map(|(at, _)| at);
    found.find(|at| !text[..*at].ends_with('$'))
}
