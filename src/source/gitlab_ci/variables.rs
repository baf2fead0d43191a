//! Variables of a definition: `$V`, `${V}` and `%V%`, and inputs of components: `$[[ inputs.x ]]`.
//!
//! The runner knows no operators: `${V:-x}` stays as it is written. Variables of the project, the group or a schedule
//! win over all of these and cannot be seen, which is reported.

use super::super::located::WhyNot;
use super::super::mapped::Mapped;
use super::super::value::Expanded;
use super::super::yaml::{Node, Yaml};
use super::elsewhere::{follow, is_elsewhere};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// The longest value, in bytes.
const MAX_VALUE: usize = 512;
/// How many variables are expanded for one text: each can be made of several others.
const MAX_STEPS: usize = 1_000;
/// How deep variables are defined by other variables.
const MAX_DEPTH: usize = 16;

/// A variable's value, without what is in it expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variable {
    raw: Mapped,
    fixed: Option<WhyNot>,
    why: Option<WhyNot>,
    /// Its line and place; `None` for a value that nothing outside can change, such as an element of a matrix.
    told: Option<(usize, usize)>,
}

impl Variable {
    /// The value of a node: a text, or a map with `value`. One that `!reference` takes from a place that is not known
    /// is unknown.
    pub(super) fn read(files: &[Yaml<'_>], node: Node<'_>, is_told: bool) -> Option<Self> {
        let Some(mut node) = follow(files, node) else {
            return Some(Self::unknown());
        };
        if node.is_map() {
            match follow(files, node.get("value")?) {
                Some(value) => node = value,
                None => return Some(Self::unknown()),
            }
        }
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

    /// One that has a value, which is not known.
    pub(super) fn unknown() -> Self {
        Self {
            raw: Mapped::computed(""),
            fixed: None,
            why: Some(WhyNot::UnresolvedArg),
            told: None,
        }
    }

    /// A value of an input, with the inputs of the file that gives it filled in.
    fn filled(self, outer: &Inputs) -> Self {
        if !self.raw.text().contains("$[[") {
            return self;
        }
        let mut filled = Self {
            raw: Mapped::default(),
            ..self.clone()
        };
        let mut at = 0;
        while at < self.raw.len() {
            match token(self.raw.text(), at) {
                Some((Token::Input(name), end)) => {
                    let Some(Some(value)) = outer.get(name) else {
                        return Self::unknown();
                    };
                    filled.raw.append(&value.raw);
                    filled.fixed = filled.fixed.or(value.fixed);
                    filled.why = filled.why.or(value.why);
                    filled.told = filled.told.or(value.told);
                    at = end;
                }
                Some((Token::Expression, _)) => return Self::unknown(),
                _ => {
                    filled.raw.push_from(&self.raw, at);
                    at += 1;
                }
            }
        }
        match filled.raw.len() > MAX_VALUE {
            true => Self::unknown(),
            false => filled,
        }
    }

    /// The same value where the variables and inputs in it cannot be seen.
    pub(super) fn out_of_scope(&self) -> Self {
        match self.raw.text().contains(['$', '%']) {
            true => Self::unknown(),
            false => self.clone(),
        }
    }
}

/// The variables of a job, or of the whole definition.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Variables {
    named: BTreeMap<String, Variable>,
    /// The value of all others, if they have one.
    others: Option<Variable>,
    /// Whether `!reference` gives all of them: such a text is not merged with the variables of other jobs.
    is_reference: bool,
}

impl Variables {
    /// The variables in a map.
    pub(super) fn read(files: &[Yaml<'_>], node: Option<Node<'_>>) -> Self {
        let Some(node) = node else {
            return Self::default();
        };
        let is_reference = is_elsewhere(node);
        let Some(map) = follow(files, node) else {
            return Self {
                others: Some(Variable::unknown()),
                is_reference,
                ..Self::default()
            };
        };
        let named = map.entries().into_iter().filter_map(|(name, value)| {
            let value = Variable::read(files, value, true)?;
            Some((name.text()?.value().to_owned(), value))
        });
        Self {
            named: named.collect(),
            others: None,
            is_reference,
        }
    }

    pub(super) fn insert(&mut self, name: &str, value: Variable) {
        self.named.insert(name.to_owned(), value);
    }

    /// Adds weaker ones.
    pub(super) fn add(&mut self, weaker: &Self) {
        if self.others.is_some() {
            return;
        }
        for (name, value) in &weaker.named {
            if !self.named.contains_key(name) {
                self.insert(name, value.clone());
            }
        }
        self.others.clone_from(&weaker.others);
    }

    /// Only some of them.
    pub(super) fn only(&self, names: &[String]) -> Self {
        let named = names.iter().filter_map(|name| {
            let value = self.get(name)?;
            Some((name.clone(), value.clone()))
        });
        Self {
            named: named.collect(),
            ..Self::default()
        }
    }

    /// The same where the variables in their values cannot be seen.
    pub(super) fn out_of_scope(&self) -> Self {
        let named = self.named.iter();
        Self {
            named: named
                .map(|(name, value)| (name.clone(), value.out_of_scope()))
                .collect(),
            others: self.others.clone(),
            is_reference: false,
        }
    }

    pub(super) fn is_reference(&self) -> bool {
        self.is_reference
    }

    pub(super) fn is_empty(&self) -> bool {
        self.named.is_empty() && self.others.is_none()
    }

    fn get(&self, name: &str) -> Option<&Variable> {
        self.named.get(name).or(self.others.as_ref())
    }
}

/// The values of inputs, by name; `None` for one without a value.
pub(super) type Inputs = BTreeMap<String, Option<Variable>>;

/// The defaults of the inputs that a component declares in its first document.
fn inputs(yaml: &Yaml<'_>) -> Inputs {
    let spec = yaml.roots().next().and_then(|root| root.get("spec"));
    let inputs = spec.and_then(|spec| spec.get("inputs"));
    let entries = inputs.map(Node::entries).unwrap_or_default().into_iter();
    let named = entries.filter_map(|(name, value)| {
        let default = value.get("default");
        let default = default.and_then(|it| Variable::read(&[], it, true));
        Some((name.text()?.value().to_owned(), default))
    });
    named.collect()
}

/// The inputs of a file that is included with some of them: the others have their defaults.
pub(super) fn with_defaults(yaml: &Yaml<'_>, given: &Inputs) -> Inputs {
    let mut all = inputs(yaml);
    all.extend(given.clone());
    all
}

/// The inputs that an include gives what it includes. `outer` are those of the file with the include.
pub(super) fn given_inputs(include: Node<'_>, outer: &Inputs) -> Inputs {
    let inputs = include.get("inputs");
    let entries = inputs.map(Node::entries).unwrap_or_default().into_iter();
    let named = entries.filter_map(|(name, value)| {
        let given = Variable::read(&[], value, false).unwrap_or_else(Variable::unknown);
        Some((name.text()?.value().to_owned(), Some(given.filled(outer))))
    });
    named.collect()
}

/// What a text can use, the strongest first.
pub(super) struct Scope<'a> {
    pub(super) args: &'a BTreeMap<String, String>,
    /// The weakest: what GitLab sets for every job.
    pub(super) predefined: &'a BTreeMap<String, String>,
    pub(super) layers: Vec<&'a Variables>,
    pub(super) inputs: &'a Inputs,
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
            None => match self.predefined.get(name) {
                Some(value) => Expanded::given(value),
                None => Expanded::unresolved([]),
            },
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
