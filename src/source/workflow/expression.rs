//! Expressions in workflows: `${{ matrix.x }}` and `${{ inputs.x }}`. Functions and operators are not evaluated.

use super::super::located::WhyNot;
use super::super::mapped::Mapped;
use super::super::value::Expanded;
use super::super::yaml::Node;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// The most combinations of a matrix that are read.
pub(super) const MAX_COMBINATIONS: usize = 64;
/// The most combinations that `include` adds.
const MAX_INCLUDED: usize = 64;

/// The most combinations that `exclude` gives again.
const MAX_AGAIN: usize = 512;

/// One combination of a matrix: the value of each of its variables.
pub(super) type Combination<'a> = BTreeMap<&'a str, Node<'a>>;

/// The combinations of a job's matrix.
pub(super) struct Matrix<'a> {
    pub(super) combinations: Vec<Combination<'a>>,
    /// Its line, if it has more.
    pub(super) cut: Option<usize>,
}

/// The combinations of a job's matrix; a single one without variables if it has none.
///
/// What `exclude` says has to change with the elements that it names, or they are no longer excluded. So a combination
/// is there again with the values that an `exclude` has in common with it: they are further places of the same text.
pub(super) fn combinations<'a>(job: Node<'a>) -> Matrix<'a> {
    let none = || vec![Combination::new()];
    let Some(matrix) = job.at(&["strategy", "matrix"]) else {
        return Matrix {
            combinations: none(),
            cut: None,
        };
    };
    let mut all = none();
    let mut is_cut = false;
    for (name, values) in matrix.entries() {
        let Some(name) = name.text().map(|text| text.value()) else {
            continue;
        };
        if matches!(name, "include" | "exclude") {
            continue;
        }
        let values: Vec<Node<'a>> = values.items().collect();
        is_cut |= all.len() * values.len() > MAX_COMBINATIONS;
        let next = all.iter().flat_map(|known| {
            values.iter().map(|value| {
                let mut with = known.clone();
                with.insert(name, *value);
                with
            })
        });
        all = next.take(MAX_COMBINATIONS).collect();
    }
    all.retain(|combination| !combination.is_empty());
    let excluded: Vec<Combination<'a>> = matrix.list("exclude").map(entries).collect();
    all = without(all, &excluded).unwrap_or_else(|| {
        // An edit could miss one.
        is_cut = true;
        Vec::new()
    });
    let included: Vec<Combination<'a>> = matrix.list("include").map(entries).collect();
    let room = MAX_INCLUDED.min(included.len());
    is_cut |= room < included.len();
    all.extend(included.into_iter().take(room));
    Matrix {
        combinations: if all.is_empty() { none() } else { all },
        cut: is_cut.then(|| matrix.line()),
    }
}

fn entries(node: Node<'_>) -> Combination<'_> {
    let entries = node.entries().into_iter();
    let entries = entries.filter_map(|(name, value)| Some((name.text()?.value(), value)));
    entries.collect()
}

/// The combinations that are not excluded, and those with values of `exclude` in them; `None` if there are too many.
fn without<'a>(
    all: Vec<Combination<'a>>,
    excluded: &[Combination<'a>],
) -> Option<Vec<Combination<'a>>> {
    if excluded.len() > MAX_COMBINATIONS {
        return None;
    }
    let is_at = |one: &Combination<'a>, (name, value): (&&str, &Node<'a>)| {
        one.get(name).is_some_and(|known| is_same(*known, *value))
    };
    let is_excluded = |one: &Combination<'a>| {
        let mut excluded = excluded.iter();
        excluded.any(|names| !names.is_empty() && names.iter().all(|entry| is_at(one, entry)))
    };
    let left = all.into_iter().filter(|one| !is_excluded(one));
    let mut left: Vec<Combination<'a>> = left.collect();
    let mut again = Vec::new();
    for one in &left {
        for names in excluded {
            let common = names.iter().filter(|entry| is_at(one, *entry));
            let common: Combination<'a> = common.map(|(name, value)| (*name, *value)).collect();
            if again.len() == MAX_AGAIN {
                return None;
            }
            if !common.is_empty() {
                let mut with = one.clone();
                with.extend(common);
                again.push(with);
            }
        }
    }
    left.extend(again);
    Some(left)
}

/// Whether an element of a matrix is the one that `exclude` names: of a map, it can name a part.
fn is_same(element: Node<'_>, excluded: Node<'_>) -> bool {
    match (element.text(), excluded.text()) {
        (Some(one), Some(other)) => one.value() == other.value(),
        (None, None) if excluded.is_map() => {
            let mut entries = excluded.entries().into_iter();
            entries.all(|(name, value)| {
                let known = name.text().and_then(|name| element.get(name.value()));
                known.is_some_and(|known| is_same(known, value))
            })
        }
        (None, None) if excluded.is_list() && element.is_list() => {
            let (mut one, mut other) = (element.items(), excluded.items());
            loop {
                match (one.next(), other.next()) {
                    (Some(one), Some(other)) if is_same(one, other) => {}
                    (None, None) => return true,
                    _ => return false,
                }
            }
        }
        _ => false,
    }
}

/// The values that something outside can change, by line and place, with their names.
pub(super) type Outside = RefCell<BTreeSet<(usize, usize, String)>>;

/// What expressions can use.
#[derive(Default)]
pub(super) struct Scope<'a> {
    matrix: Combination<'a>,
    inputs: Vec<Node<'a>>,
    pub(super) outside: Outside,
}

impl<'a> Scope<'a> {
    /// The scopes of a job in a workflow with this root: another workflow or a user can start it, and each trigger has
    /// inputs of its own.
    pub(super) fn all(root: Node<'a>, matrix: &Combination<'a>) -> Vec<Self> {
        let on = root.get("on");
        let triggers = ["workflow_call", "workflow_dispatch"].into_iter();
        let inputs = triggers.filter_map(|name| on?.get(name)?.get("inputs"));
        let inputs: Vec<Node<'a>> = inputs.collect();
        let scopes = (0..inputs.len().max(1)).map(|first| {
            let mut inputs = inputs.clone();
            inputs.rotate_left(first);
            Self {
                matrix: matrix.clone(),
                inputs,
                outside: RefCell::default(),
            }
        });
        scopes.collect()
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
    if scalar.value().contains("${{") {
        return Some(Expanded {
            why: Some(WhyNot::Expression),
            ..Expanded::default()
        });
    }
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
