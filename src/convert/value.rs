//! The values of an old file, with their lines: JSON with everything that Renovate accepts in it, and YAML.

use super::converted::Wrong;
use crate::source::{Yaml, YamlNode};
use jsonc_parser::ast::Value as Json;
use jsonc_parser::common::Ranged as _;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Value {
    /// The line that it begins in, counted from 1.
    pub(super) line: usize,
    pub(super) kind: Kind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    /// A number as it is written.
    Number(String),
    Text(String),
    List(Vec<Value>),
    /// The entries in the order of the file, each key once.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// Reads JSON with comments, trailing commas, single quotes and the other freedoms of JSON5.
    pub(super) fn json(text: &str) -> Result<Self, Wrong> {
        let lines = Lines::new(text);
        let options = ParseOptions {
            allow_missing_commas: false,
            ..ParseOptions::default()
        };
        let parsed = parse_to_ast(text, &CollectOptions::default(), &options);
        let parsed = parsed.map_err(|error| {
            let line = lines.of(error.range().start);
            (line, format!("the file is not JSON: {}", error.kind()))
        })?;
        match parsed.value {
            Some(value) => Ok(of_json(&value, &lines)),
            None => Err((
                1,
                "the file is empty; it has to be a JSON object".to_owned(),
            )),
        }
    }

    /// Reads the first YAML document.
    pub(super) fn yaml(text: &str) -> Result<Self, Wrong> {
        let yaml = Yaml::read(text, 0);
        let Some(document) = yaml.documents().next() else {
            return Err((1, "the file is empty; it has to be a YAML map".to_owned()));
        };
        let node = document.map_err(|lost| (lost.line, format!("invalid YAML: {}", lost.what)))?;
        let value = of_yaml(node);
        match yaml.limit() {
            Some(lost) => Err((lost.line, lost.what.to_string())),
            None => Ok(value),
        }
    }

    /// The entries of a map.
    pub(super) fn map(&self) -> Option<&[(String, Self)]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a key, `null` aside.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let mut entries = self.map()?.iter();
        let (_, value) = entries.find(|(known, _)| known == key)?;
        (value.kind != Kind::Null).then_some(value)
    }

    /// The items of a list; a value that is not a list is its only item.
    pub(super) fn items(&self) -> &[Self] {
        match &self.kind {
            Kind::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text of a key.
    pub(super) fn text_at(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// A text, or a number or truth value as it is written.
    pub(super) fn scalar(&self) -> Option<String> {
        match &self.kind {
            Kind::Text(text) | Kind::Number(text) => Some(text.clone()),
            Kind::Bool(value) => Some(value.to_string()),
            Kind::Null | Kind::List(_) | Kind::Map(_) => None,
        }
    }

    pub(super) fn bool(&self) -> Option<bool> {
        match self.kind {
            Kind::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// A whole number.
    pub(super) fn number(&self) -> Option<u32> {
        match &self.kind {
            Kind::Number(number) => number.parse().ok(),
            _ => None,
        }
    }

    /// A text or a list of texts; `None` if anything else is there.
    pub(super) fn texts(&self) -> Option<Vec<&str>> {
        self.items().iter().map(Self::text).collect()
    }
}

/// Where each line begins.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    fn of(&self, at: usize) -> usize {
        self.0.partition_point(|end| *end < at) + 1
    }
}

/// The parser limits the depth.
fn of_json(value: &Json<'_>, lines: &Lines) -> Value {
    let kind = match value {
        Json::NullKeyword(_) => Kind::Null,
        Json::BooleanLit(it) => Kind::Bool(it.value),
        Json::NumberLit(it) => Kind::Number(it.value.to_string()),
        Json::StringLit(it) => Kind::Text(it.value.to_string()),
        Json::Array(it) => Kind::List(it.elements.iter().map(|it| of_json(it, lines)).collect()),
        Json::Object(object) => {
            let entries = object.properties.iter().map(|entry| {
                let name = entry.name.as_str().to_owned();
                let mut value = of_json(&entry.value, lines);
                value.line = lines.of(entry.range().start);
                (name, value)
            });
            Kind::Map(once(entries))
        }
    };
    let line = lines.of(value.range().start);
    Value { line, kind }
}

/// The reader of YAML limits the depth, and how much aliases repeat.
fn of_yaml(node: YamlNode<'_>) -> Value {
    let kind = if node.is_null() {
        Kind::Null
    } else if let Some(text) = node.text() {
        of_scalar(text.value(), text.is_quoted() || text.is_block())
    } else if node.is_map() {
        let entries = node.entries().into_iter().filter_map(|(key, value)| {
            let name = key.text()?.value().to_owned();
            let mut read = of_yaml(value);
            read.line = key.line();
            Some((name, read))
        });
        Kind::Map(once(entries))
    } else {
        Kind::List(node.items().map(of_yaml).collect())
    };
    let line = node.line();
    Value { line, kind }
}

fn of_scalar(text: &str, is_string: bool) -> Kind {
    match text {
        _ if is_string => Kind::Text(text.to_owned()),
        "true" => Kind::Bool(true),
        "false" => Kind::Bool(false),
        _ if text.parse::<f64>().is_ok() => Kind::Number(text.to_owned()),
        _ => Kind::Text(text.to_owned()),
    }
}

/// Each key once, with its last value, as JavaScript reads it.
fn once(entries: impl Iterator<Item = (String, Value)>) -> Vec<(String, Value)> {
    let entries: Vec<_> = entries.collect();
    let mut last = std::collections::BTreeMap::new();
    for (index, (name, _)) in entries.iter().enumerate() {
        last.insert(name.clone(), index);
    }
    let is_last = |(index, (name, _)): &(usize, (String, Value))| last.get(name) == Some(index);
    let entries = entries.into_iter().enumerate().filter(is_last);
    entries.map(|(_, entry)| entry).collect()
}
