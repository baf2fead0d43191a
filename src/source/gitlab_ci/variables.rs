//! Variables of a definition: `$V`, `${V}` and `%V%`, and inputs of components: `$[[ inputs.x ]]`.
//!
//! The runner knows no operators: `${V:-x}` stays as it is written. Variables of the project, the group or a schedule
//! win over all of these and cannot be seen, which is reported.

use super::super::located::WhyNot;
use super::super::mapped::Mapped;
use super::super::value::Expanded;
use super::super::yaml::{Node, Yaml};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// The longest value, in bytes.
const MAX_VALUE: usize = 512;
/// How many variables are expanded for one text: each can be made of several others.
const MAX_STEPS: usize = 1_000;
/// How deep variables are defined by other variables.
const MAX_DEPTH: usize = 16;

/// A variable's value, without what is in it expanded.
#[derive(Clone)]
pub(super) struct Variable {
    raw: Mapped,
    fixed: Option<WhyNot>,
    why: Option<WhyNot>,
    /// Its line and place; `None` for an element of a matrix, which nothing outside can change.
    told: Option<(usize, usize)>,
}

pub(super) type Variables = BTreeMap<String, Variable>;

impl Variable {
    /// The value of a node: a text, or a map with `value`.
    pub(super) fn read(node: Node<'_>, is_told: bool) -> Option<Self> {
        let node = if node.is_map() {
            node.get("value")?
        } else {
            node
        };
        let scalar = node.text()?;
        let place = scalar.plain_place();
        Some(Self {
            raw: match &place {
                Some(place) => Mapped::of_file(scalar.value(), place.start),
                None => Mapped::computed(scalar.value()),
            },
            fixed: place.is_none().then_some(WhyNot::NotPlain),
            why: (!scalar.prints_as_written()).then_some(WhyNot::UnquotedNumber),
            told: is_told.then(|| (scalar.line(), scalar.span().start)),
        })
    }
}

/// The variables in a map.
pub(super) fn variables(node: Option<Node<'_>>) -> Variables {
    let entries = node.map(Node::entries).unwrap_or_default().into_iter();
    let named = entries.filter_map(|(name, value)| {
        Some((
            name.text()?.value().to_owned(),
            Variable::read(value, true)?,
        ))
    });
    named.collect()
}

/// The defaults of the inputs that a component declares in its first document.
pub(super) fn inputs(yaml: &Yaml<'_>) -> BTreeMap<String, Option<Variable>> {
    let spec = yaml.roots().next().and_then(|root| root.get("spec"));
    let inputs = spec.and_then(|spec| spec.get("inputs"));
    let entries = inputs.map(Node::entries).unwrap_or_default().into_iter();
    let named = entries.filter_map(|(name, value)| {
        let default = value.get("default").and_then(|it| Variable::read(it, true));
        Some((name.text()?.value().to_owned(), default))
    });
    named.collect()
}

/// What a text can use, the strongest first.
pub(super) struct Scope<'a> {
    pub(super) args: &'a BTreeMap<String, String>,
    pub(super) layers: Vec<&'a Variables>,
    pub(super) inputs: &'a BTreeMap<String, Option<Variable>>,
    /// The values that something outside can change, by line and place, with their names.
    pub(super) outside: RefCell<BTreeSet<(usize, usize, String)>>,
    /// How many variables were expanded for the present text.
    pub(super) steps: Cell<usize>,
}

impl Scope<'_> {
    /// A text with its variables expanded.
    pub(super) fn expand(&self, text: &Mapped) -> Expanded {
        self.steps.set(0);
        let expanded = self.text(text, &mut Vec::new());
        match expanded.value.len() > MAX_VALUE {
            true => Expanded::malformed(),
            false => expanded,
        }
    }

    fn text(&self, text: &Mapped, inside: &mut Vec<String>) -> Expanded {
        let mut out = Expanded::default();
        let mut at = 0;
        while at < text.len() && out.value.len() <= MAX_VALUE {
            let Some((token, end)) = token(text.text(), at) else {
                out.value.push_from(text, at);
                at += 1;
                out.slot = text.place_behind(at);
                continue;
            };
            let part = match token {
                Token::Dollar => Expanded::literal(&text.slice(at..at + 1)),
                Token::Variable(name) => self.variable(name, inside),
                Token::Input(name) => self.input(name, inside),
                Token::Expression => Expanded {
                    why: Some(WhyNot::Expression),
                    ..Expanded::default()
                },
            };
            let is_whole = at == 0 && end == text.len();
            let slot = part.slot;
            out.append(&part);
            at = end;
            // A text that is one variable is added to where that variable has its value.
            out.slot = if is_whole {
                slot
            } else {
                text.place_behind(at)
            };
        }
        out
    }

    fn variable(&self, name: &str, inside: &mut Vec<String>) -> Expanded {
        if let Some(given) = self.args.get(name) {
            return Expanded::given(given);
        }
        let found = self.layers.iter().find_map(|layer| layer.get(name));
        match found {
            Some(variable) => self.value(name, variable, inside),
            None => Expanded::unresolved([]),
        }
    }

    fn input(&self, name: &str, inside: &mut Vec<String>) -> Expanded {
        match self.inputs.get(name) {
            Some(Some(default)) => self.value(name, default, inside),
            _ => Expanded::unresolved([]),
        }
    }

    fn value(&self, name: &str, variable: &Variable, inside: &mut Vec<String>) -> Expanded {
        self.steps.set(self.steps.get() + 1);
        if self.steps.get() > MAX_STEPS {
            return Expanded::malformed();
        }
        if inside.len() >= MAX_DEPTH || inside.iter().any(|other| other == name) {
            return Expanded::unresolved([]);
        }
        inside.push(name.to_owned());
        let mut value = self.text(&variable.raw, inside);
        inside.pop();
        value.fixed = value.fixed.or(variable.fixed);
        value.why = value.why.or(variable.why);
        if let Some((line, place)) = variable.told.filter(|_| !value.is_opaque()) {
            self.outside
                .borrow_mut()
                .insert((line, place, name.to_owned()));
        }
        value
    }
}

enum Token<'a> {
    /// `$$`.
    Dollar,
    Variable(&'a str),
    Input(&'a str),
    /// An input with a function.
    Expression,
}

/// The variable that begins at a byte, and where it ends.
fn token(text: &str, at: usize) -> Option<(Token<'_>, usize)> {
    let rest = text.get(at..)?;
    if let Some(inner) = rest.strip_prefix("$[[") {
        let length = inner.find("]]")?;
        let end = at + 3 + length + 2;
        let name = inner[..length].trim().strip_prefix("inputs.");
        return Some(match name.filter(|name| is_input(name)) {
            Some(name) => (Token::Input(name), end),
            None => (Token::Expression, end),
        });
    }
    if rest.starts_with("$$") {
        return Some((Token::Dollar, at + 2));
    }
    let (inner, lead, closing) = if let Some(inner) = rest.strip_prefix("${") {
        (inner, 2, "}")
    } else if let Some(inner) = rest.strip_prefix('$') {
        (inner, 1, "")
    } else if let Some(inner) = rest.strip_prefix('%') {
        (inner, 1, "%")
    } else {
        return None;
    };
    let length = name_length(inner);
    let name = &inner[..length];
    let is_closed = inner[length..].starts_with(closing);
    (length > 0 && is_closed).then(|| (Token::Variable(name), at + lead + length + closing.len()))
}

/// The length of the variable's name that a text begins with.
fn name_length(text: &str) -> usize {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.find(|c| !is_inside(c)).unwrap_or(text.len())
}

fn is_input(name: &str) -> bool {
    let is_inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    !name.is_empty() && name.chars().all(is_inside)
}
