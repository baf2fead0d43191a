//! Reads HCL.

use super::tree::{Data, Key, Kind, Piece, literal};
use crate::source::lines::Lines;
use crate::source::passed::Passed;
use crate::source::sources::FileText;
use hcl_edit::Span as _;
use hcl_edit::expr::{Expression as Hcl, ObjectKey, TraversalOperator};
use hcl_edit::structure::{Body, Structure};
use hcl_edit::template::Element;
use std::ops::Range;
use std::rc::Rc;

/// The most `=` and `:` in a file that is read: the parser compares each key of a map with all before it.
const MAX_ASSIGNMENTS: usize = 20_000;

/// A parsed file, and what reads its expressions.
pub(crate) fn parse<'a>(file: &'a FileText<'_>) -> Result<(Body, Reader<'a>), Passed> {
    let assigns = |byte: &u8| matches!(byte, b'=' | b':');
    if file.text.bytes().filter(assigns).count() > MAX_ASSIGNMENTS {
        let what = format!("the file is not read: more than {MAX_ASSIGNMENTS} assignments");
        return Err(Passed { line: 1, what });
    }
    let body = hcl_edit::parser::parse_body(&file.text).map_err(|error| Passed {
        line: error.location().line(),
        what: format!("the file is not HCL: {}", error.message()),
    })?;
    let reader = Reader {
        text: &file.text,
        base: file.base,
        lines: Lines::new(&file.text),
    };
    Ok((body, reader))
}

/// Reads the expressions of a file.
pub(crate) struct Reader<'a> {
    text: &'a str,
    base: usize,
    lines: Lines<'a>,
}

impl Reader<'_> {
    /// The attributes and blocks of a body as one map. A block is at its type, then at each of its labels.
    pub(crate) fn body(&self, body: &Body) -> Data {
        let entries = body.iter().map(|structure| match structure {
            Structure::Attribute(attribute) => {
                let (line, place) = self.place(attribute.span());
                let name = attribute.key.to_string();
                (Key { name, line, place }, self.data(&attribute.value))
            }
            Structure::Block(block) => {
                let (line, place) = self.place(block.span());
                let key = |name: &str| Key {
                    name: name.to_owned(),
                    line,
                    place,
                };
                let mut data = self.body(&block.body);
                for label in block.labels.iter().rev() {
                    data = map(line, vec![(key(label.as_str()), data)]);
                }
                (key(block.ident.as_str()), data)
            }
        });
        map(1, entries.collect())
    }

    /// The line and the place of a part of the file.
    pub(crate) fn place(&self, span: Option<Range<usize>>) -> (usize, usize) {
        let start = span.unwrap_or_default().start;
        (self.lines.of(start), self.base + start)
    }

    /// The value of an expression.
    pub(crate) fn data(&self, hcl: &Hcl) -> Data {
        let span = hcl.span().unwrap_or_default();
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let is_quoted = raw.len() > 1 && raw.starts_with('"') && raw.ends_with('"');
        let inner = match is_quoted {
            true => span.start + 1..span.end - 1,
            false => span.clone(),
        };
        let line = self.lines.of(span.start);
        Data {
            line,
            at: self.base + inner.start..self.base + inner.end,
            written: match hcl {
                Hcl::Array(_) | Hcl::Object(_) => String::new(),
                _ => self.text.get(inner).unwrap_or_default().to_owned(),
            },
            notes: self.lines.notes_above(line),
            kind: self.kind(hcl),
        }
    }

    fn kind(&self, hcl: &Hcl) -> Kind {
        match hcl {
            Hcl::Null(_) => Kind::Null,
            Hcl::Number(_) => Kind::Number,
            Hcl::String(text) => {
                let span = text.span().unwrap_or_default();
                let inner = span.start + 1..span.end.saturating_sub(1);
                Kind::Template(vec![self.quoted(inner, text.value())])
            }
            Hcl::StringTemplate(template) => {
                let pieces = template.iter().map(|element| match element {
                    Element::Literal(text) => {
                        self.quoted(text.span().unwrap_or_default(), text.value())
                    }
                    other => self.piece(other),
                });
                Kind::Template(pieces.collect())
            }
            Hcl::HeredocTemplate(heredoc) => Kind::Template(self.heredoc(heredoc)),
            Hcl::Parenthesis(inner) => self.kind(inner.inner()),
            Hcl::Array(array) => Kind::List(array.iter().map(|it| self.data(it)).collect()),
            Hcl::Object(object) => {
                let entries = object.iter().filter_map(|(key, value)| {
                    let span = match key {
                        ObjectKey::Ident(ident) => ident.span(),
                        ObjectKey::Expression(expression) => expression.span(),
                    };
                    let name = match key {
                        ObjectKey::Ident(ident) => ident.to_string(),
                        ObjectKey::Expression(key) => key.as_str()?.to_owned(),
                    };
                    let (line, place) = self.place(span);
                    let key = Key { name, line, place };
                    Some((key, self.data(value.expr())))
                });
                Kind::Map(entries.collect())
            }
            other => path(other).map_or(Kind::Other, Kind::Variable),
        }
    }

    /// A literal in quotes: its bytes are its value, unless there is a backslash.
    fn quoted(&self, span: Range<usize>, value: &str) -> Piece {
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let mapped = literal(raw, self.base + span.start, 0, false);
        match mapped.text() == value {
            true => Piece::Text(mapped),
            false => Piece::Escaped(value.to_owned()),
        }
    }

    fn piece(&self, element: &Element) -> Piece {
        match element {
            Element::Literal(text) => Piece::Escaped(text.value().clone()),
            Element::Interpolation(interpolation) => {
                path(&interpolation.expr).map_or(Piece::Other, Piece::Variable)
            }
            Element::Directive(_) => Piece::Other,
        }
    }

    fn heredoc(&self, heredoc: &hcl_edit::template::HeredocTemplate) -> Vec<Piece> {
        let indent = heredoc.indent().unwrap_or(0);
        let mut starts_line = true;
        let pieces = heredoc.template.iter().map(|element| match element {
            Element::Literal(text) => {
                let span = text.span().unwrap_or_default();
                let raw = self.text.get(span.clone()).unwrap_or_default();
                let piece = literal(raw, self.base + span.start, indent, starts_line);
                starts_line = raw.ends_with('\n');
                Piece::Text(piece)
            }
            other => {
                starts_line = false;
                self.piece(other)
            }
        });
        pieces.collect()
    }
}

fn map(line: usize, entries: Vec<(Key, Data)>) -> Data {
    Data {
        line,
        at: 0..0,
        written: String::new(),
        notes: Rc::default(),
        kind: Kind::Map(entries),
    }
}

/// `a`, `a.b`, `a["b"]`; `None` for anything else.
fn path(hcl: &Hcl) -> Option<Vec<String>> {
    match hcl {
        Hcl::Variable(name) => Some(vec![name.to_string()]),
        Hcl::Parenthesis(inner) => path(inner.inner()),
        Hcl::Traversal(traversal) => {
            let mut all = path(&traversal.expr)?;
            for operator in &traversal.operators {
                all.push(match operator.value() {
                    TraversalOperator::GetAttr(name) => name.to_string(),
                    TraversalOperator::Index(index) => index.as_str()?.to_owned(),
                    _ => return None,
                });
            }
            Some(all)
        }
        _ => None,
    }
}
