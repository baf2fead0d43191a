//! Reads the JSON form of HCL: blocks are maps, and strings may have variables.

use super::super::passed::Passed;
use super::super::sources::FileText;
use super::expression::{Expression, Key, Kind, Lines, Piece, literal};
use super::file::{BakeFile, Block};
use jsonc_parser::ast::Value;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

/// A parsed file.
pub(super) fn parse(file: &FileText<'_>) -> Result<BakeFile, Passed> {
    let strict = ParseOptions {
        allow_comments: false,
        allow_loose_object_property_names: false,
        allow_trailing_commas: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        ..ParseOptions::default()
    };
    let reader = Reader {
        text: &file.text,
        base: file.base,
        lines: Lines::new(&file.text),
    };
    let parsed = parse_to_ast(&file.text, &CollectOptions::default(), &strict);
    let parsed = parsed.map_err(|error| Passed {
        line: reader.lines.of(error.range().start),
        what: format!("the file is not JSON: {}", error.kind()),
    })?;
    let mut bake = BakeFile::default();
    if let Some(root) = parsed.value.as_ref().map(|value| reader.expression(value)) {
        reader.file(root, &mut bake);
    }
    Ok(bake)
}

struct Reader<'a> {
    text: &'a str,
    base: usize,
    lines: Lines,
}

impl Reader<'_> {
    fn file(&self, root: Expression, bake: &mut BakeFile) {
        let Kind::Map(entries) = root.kind else {
            return;
        };
        for (key, value) in entries {
            match value.kind {
                Kind::Map(blocks) if matches!(&*key.name, "variable" | "target" | "group") => {
                    for (label, block) in blocks {
                        let Kind::Map(attributes) = block.kind else {
                            continue;
                        };
                        let attributes = attributes.into_iter();
                        let attributes = attributes.map(|(key, value)| (key.name, value));
                        let block = Block {
                            line: label.line,
                            place: label.place,
                            attributes: attributes.collect(),
                        };
                        bake.add(&key.name, label.name, block);
                    }
                }
                _ => {
                    bake.globals.insert(key.name, value);
                }
            }
        }
    }

    fn expression(&self, value: &Value<'_>) -> Expression {
        let range = value.range();
        let quote = usize::from(matches!(value, Value::StringLit(_)));
        let inner = range.start + quote..range.end.saturating_sub(quote);
        let line = self.lines.of(range.start);
        Expression {
            line,
            at: self.base + inner.start..self.base + inner.end,
            written: self.text.get(inner.clone()).unwrap_or_default().to_owned(),
            notes: Vec::new(),
            kind: match value {
                Value::NullKeyword(_) => Kind::Null,
                Value::BooleanLit(_) => Kind::Other,
                Value::NumberLit(_) => Kind::Number,
                Value::StringLit(text) => Kind::Template(self.template(inner.start, &text.value)),
                Value::Array(array) => {
                    let items = array.elements.iter().map(|it| self.expression(it));
                    Kind::List(items.collect())
                }
                Value::Object(object) => {
                    let entries = object.properties.iter().map(|property| {
                        let key = Key {
                            name: property.name.as_str().to_owned(),
                            line: self.lines.of(property.range.start),
                            place: self.base + property.range.start,
                        };
                        (key, self.expression(&property.value))
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
