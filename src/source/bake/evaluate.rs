//! Evaluates expressions, with the place of every byte of the result.

use super::super::data::{Data, Kind, Piece, expression};
use super::super::value::Expanded;
use super::file::{BakeFile, Block};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// The longest value that is evaluated, in bytes: repeated `A = "${A}${A}"` must end.
const MAX_VALUE: usize = 64 * 1024;
/// How many variables are evaluated for one text: each can be made of several others.
const MAX_STEPS: usize = 1_000;
/// How deep variables are defined by other variables.
const MAX_DEPTH: usize = 16;

/// What expressions can use.
pub(super) struct Scope<'a> {
    pub(super) file: &'a BakeFile,
    pub(super) args: &'a BTreeMap<String, String>,
    /// The present combination of a matrix.
    pub(super) matrix: BTreeMap<String, &'a Data>,
    /// How many variables were evaluated for the present text.
    pub(super) steps: Cell<usize>,
}

/// A value, and the variables of the file that it depends on.
pub(super) struct Value {
    pub(super) expanded: Expanded,
    /// By name; the environment can set each of them.
    pub(super) variables: BTreeSet<String>,
}

impl<'a> Scope<'a> {
    /// Whether there is a target, or a service of a compose file, of a name.
    pub(super) fn has_target(&self, name: &str) -> bool {
        self.file.targets.contains_key(name) || self.file.composed.contains_key(name)
    }

    /// The text of an expression; `None` if it is null or no text.
    pub(super) fn text(&self, of: &'a Data) -> Option<Value> {
        let mut variables = BTreeSet::new();
        self.steps.set(0);
        let expanded = self.expand(of, &mut variables, 0)?;
        Some(Value {
            expanded,
            variables,
        })
    }

    /// The text of an expression, if it is known.
    pub(super) fn known(&self, of: &'a Data) -> Option<String> {
        let value = self.text(of)?.expanded;
        (!value.is_opaque()).then(|| value.value.text().to_owned())
    }

    fn expand(&self, of: &'a Data, used: &mut BTreeSet<String>, depth: usize) -> Option<Expanded> {
        match &of.kind {
            Kind::Template(pieces) => {
                let mut whole = self.template(pieces, used, depth);
                if pieces.len() > 1 && matches!(pieces.last(), Some(Piece::Variable(_))) {
                    // Text is added after the variable, not to its value.
                    whole.slot = Some(of.at.end);
                }
                Some(whole)
            }
            Kind::Number => of.number(),
            Kind::Text(..) => of.string(),
            Kind::Variable(path) => self.variable(path, used, depth),
            Kind::Other => Some(expression()),
            Kind::List(_) | Kind::Map(_) | Kind::Null => None,
        }
    }

    fn template(&self, pieces: &'a [Piece], used: &mut BTreeSet<String>, depth: usize) -> Expanded {
        let mut whole = Expanded::default();
        for piece in pieces {
            let part = match piece {
                Piece::Variable(path) => {
                    let value = self.variable(path, used, depth);
                    value.unwrap_or_else(|| Expanded::unresolved([]))
                }
                piece => piece.literal().unwrap_or_else(expression),
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
        self.steps.set(self.steps.get() + 1);
        if depth >= MAX_DEPTH || self.steps.get() > MAX_STEPS {
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
            let default = self.default_of(name, variable);
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

    /// What gives a variable its value: an attribute of that name at the top of a file, else its default.
    pub(super) fn default_of(&self, name: &str, variable: &'a Block) -> Option<&'a Data> {
        let global = self.file.globals.get(name);
        global.or_else(|| variable.attributes.get("default"))
    }

    fn attribute(
        &self,
        of: &'a Data,
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
