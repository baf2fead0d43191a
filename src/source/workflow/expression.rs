//! Expressions in workflows: `${{ matrix.x }}` and `${{ inputs.x }}`. Functions and operators are not evaluated.

use super::super::located::WhyNot;
use super::super::mapped::Mapped;
use super::super::value::Expanded;
use super::super::yaml::Node;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// The most combinations of a matrix that are read.
const MAX_COMBINATIONS: usize = 64;

/// One combination of a matrix: the value of each of its variables.
pub(super) type Combination<'a> = BTreeMap<&'a str, Node<'a>>;

/// The combinations of a job's matrix; a single one without variables if it has none.
pub(super) fn combinations<'a>(job: Node<'a>) -> Vec<Combination<'a>> {
    let matrix = job
        .get("strategy")
        .and_then(|strategy| strategy.get("matrix"));
    let Some(matrix) = matrix else {
        return vec![Combination::new()];
    };
    let mut all = vec![Combination::new()];
    let mut more = Vec::new();
    for (name, values) in matrix.entries() {
        let Some(name) = name.text().map(|text| text.value()) else {
            continue;
        };
        match name {
            "include" => more = values.items().collect(),
            "exclude" => {}
            _ => {
                let values: Vec<Node<'a>> = values.items().collect();
                let next = all.iter().flat_map(|known| {
                    values.iter().map(|value| {
                        let mut with = known.clone();
                        with.insert(name, *value);
                        with
                    })
                });
                all = next.take(MAX_COMBINATIONS).collect();
            }
        }
    }
    all.retain(|combination| !combination.is_empty());
    for included in more {
        let entries = included.entries().into_iter();
        let entries = entries.filter_map(|(name, value)| Some((name.text()?.value(), value)));
        all.push(entries.collect());
    }
    all.truncate(MAX_COMBINATIONS);
    match all.is_empty() {
        true => vec![Combination::new()],
        false => all,
    }
}

/// The values that something outside can change, by line and place, with their names.
pub(super) type Outside = RefCell<BTreeSet<(usize, usize, String)>>;

/// What expressions can use.
pub(super) struct Scope<'a> {
    matrix: Combination<'a>,
    inputs: Vec<Node<'a>>,
    pub(super) outside: Outside,
}

impl<'a> Scope<'a> {
    /// The scope of a job in a workflow with this root.
    pub(super) fn new(root: Node<'a>, matrix: Combination<'a>) -> Self {
        let on = root.get("on");
        let triggers = ["workflow_call", "workflow_dispatch"].into_iter();
        let inputs = triggers.filter_map(|name| on?.get(name)?.get("inputs"));
        Self {
            matrix,
            inputs: inputs.collect(),
            outside: RefCell::default(),
        }
    }

    /// A text with its expressions evaluated.
    pub(super) fn expand(&self, text: &Mapped) -> Expanded {
        let mut out = Expanded::default();
        let mut at = 0;
        while at < text.len() {
            let rest = text.text().get(at..).unwrap_or_default();
            let Some(inner) = rest.strip_prefix("${{") else {
                let length = rest.chars().next().map_or(1, char::len_utf8);
                out.append(&Expanded::literal(&text.slice(at..at + length)));
                at += length;
                continue;
            };
            let Some(length) = inner.find("}}") else {
                return Expanded::malformed();
            };
            let end = at + 3 + length + 2;
            let part = self.evaluate(inner[..length].trim());
            let is_whole = at == 0 && end == text.len();
            let slot = part.slot;
            out.append(&part);
            out.slot = if is_whole {
                slot
            } else {
                text.place_behind(end)
            };
            at = end;
        }
        out
    }

    fn evaluate(&self, expression: &str) -> Expanded {
        let is_inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        if expression.is_empty() || !expression.chars().all(is_inside) {
            return Expanded {
                why: Some(WhyNot::Expression),
                ..Expanded::default()
            };
        }
        let mut path = expression.split('.');
        let found = match path.next() {
            Some("matrix") => {
                let first = path.next().and_then(|name| self.matrix.get(name).copied());
                path.try_fold(first, |node, name| Some(node?.get(name)))
                    .flatten()
            }
            Some("inputs") => {
                let name = path.next().unwrap_or_default();
                let mut inputs = self.inputs.iter();
                let default = inputs.find_map(|inputs| inputs.get(name)?.get("default"));
                if let Some(text) = default.and_then(Node::text) {
                    let told = (text.line(), text.span().start, name.to_owned());
                    self.outside.borrow_mut().insert(told);
                }
                default
            }
            _ => None,
        };
        found
            .and_then(value)
            .unwrap_or_else(|| Expanded::unresolved([]))
    }
}

/// The text of a value.
fn value(node: Node<'_>) -> Option<Expanded> {
    let scalar = node.text()?;
    let place = scalar.plain_place();
    let text = match &place {
        Some(place) => Mapped::of_file(scalar.value(), place.start),
        None => Mapped::computed(scalar.value()),
    };
    Some(Expanded {
        fixed: place.is_none().then_some(WhyNot::NotPlain),
        why: (!scalar.prints_as_written()).then_some(WhyNot::UnquotedNumber),
        ..Expanded::literal(&text)
    })
}
