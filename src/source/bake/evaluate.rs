//! Evaluates expressions, with the place of every byte of the result.

use super::super::located::WhyNot;
use super::super::mapped::Mapped;
use super::super::value::Expanded;
use super::expression::{Expression, Kind, Piece};
use super::file::BakeFile;
use std::collections::{BTreeMap, BTreeSet};

/// The longest value that is evaluated, in bytes: repeated `A = "${A}${A}"` must end.
const MAX_VALUE: usize = 64 * 1024;
/// How deep variables are defined by other variables.
const MAX_DEPTH: usize = 16;

/// What expressions can use.
pub(super) struct Scope<'a> {
    pub(super) file: &'a BakeFile,
    pub(super) args: &'a BTreeMap<String, String>,
    /// The present combination of a matrix.
    pub(super) matrix: BTreeMap<String, &'a Expression>,
}

/// A value, and the variables of the file that it depends on.
pub(super) struct Value {
    pub(super) expanded: Expanded,
    /// By name; the environment can set each of them.
    pub(super) variables: BTreeSet<String>,
}

impl<'a> Scope<'a> {
    /// The text of an expression; `None` if it is null or no text.
    pub(super) fn text(&self, of: &'a Expression) -> Option<Value> {
        let mut variables = BTreeSet::new();
        let expanded = self.expand(of, &mut variables, 0)?;
        Some(Value {
            expanded,
            variables,
        })
    }

    /// The text of an expression, if it is known.
    pub(super) fn known(&self, of: &'a Expression) -> Option<String> {
        let value = self.text(of)?.expanded;
        (!value.is_opaque()).then(|| value.value.text().to_owned())
    }

    fn expand(
        &self,
        of: &'a Expression,
        used: &mut BTreeSet<String>,
        depth: usize,
    ) -> Option<Expanded> {
        match &of.kind {
            Kind::Template(pieces) => {
                let mut whole = self.template(pieces, used, depth);
                if pieces.len() > 1 && matches!(pieces.last(), Some(Piece::Variable(_))) {
                    // Text is added behind the variable, not to its value.
                    whole.slot = Some(of.at.end);
                }
                Some(whole)
            }
            Kind::Number => {
                let value = Mapped::of_file(&of.written, of.at.start);
                let mut expanded = Expanded::literal(&value);
                expanded.is_number = true;
                if !prints_as_written(&of.written) {
                    expanded.why = Some(WhyNot::UnquotedNumber);
                }
                Some(expanded)
            }
            Kind::Variable(path) => self.variable(path, used, depth),
            Kind::Other => Some(expression()),
            Kind::List(_) | Kind::Map(_) | Kind::Null => None,
        }
    }

    fn template(&self, pieces: &'a [Piece], used: &mut BTreeSet<String>, depth: usize) -> Expanded {
        let mut whole = Expanded::default();
        for piece in pieces {
            let part = match piece {
                Piece::Text(text) => Expanded::literal(text),
                Piece::Escaped(text) => Expanded {
                    value: Mapped::computed(text),
                    fixed: Some(WhyNot::NotPlain),
                    ..Expanded::default()
                },
                Piece::Variable(path) => {
                    let value = self.variable(path, used, depth);
                    value.unwrap_or_else(|| Expanded::unresolved([]))
                }
                Piece::Other => expression(),
            };
            whole.append(&part);
            if whole.value.len() > MAX_VALUE {
                return Expanded::malformed();
            }
        }
        whole
    }

    fn variable(
        &self,
        path: &[String],
        used: &mut BTreeSet<String>,
        depth: usize,
    ) -> Option<Expanded> {
        let (name, attributes) = path.split_first()?;
        if depth >= MAX_DEPTH {
            return Some(Expanded::malformed());
        }
        if let Some(value) = self.matrix.get(name) {
            return self.attribute(value, attributes, used, depth);
        }
        if let Some(given) = self.args.get(name).filter(|_| attributes.is_empty()) {
            return Some(Expanded::given(given));
        }
        if let Some(variable) = self.file.variables.get(name) {
            used.insert(name.clone());
            let default = variable.attributes.get("default");
            return match default {
                Some(default) => self.attribute(default, attributes, used, depth),
                None => Some(Expanded::unresolved([])),
            };
        }
        match self.file.globals.get(name) {
            Some(value) => self.attribute(value, attributes, used, depth),
            None => Some(Expanded::unresolved([])),
        }
    }

    fn attribute(
        &self,
        of: &'a Expression,
        attributes: &[String],
        used: &mut BTreeSet<String>,
        depth: usize,
    ) -> Option<Expanded> {
        let mut value = of;
        for name in attributes {
            let Kind::Map(entries) = &value.kind else {
                return Some(expression());
            };
            let entry = entries.iter().rev().find(|(key, _)| key.name == *name);
            let Some((_, inner)) = entry else {
                return Some(Expanded::unresolved([]));
            };
            value = inner;
        }
        self.expand(value, used, depth + 1)
    }
}

/// A value that is not evaluated.
fn expression() -> Expanded {
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
