//! A YAML document as a tree of the values that gipgee reads.
//!
//! A value that an edit could not change on its own is *odd*: an alias or an anchor, a merge, a key that is there
//! twice, a text with escapes or over several lines. Nothing inside an odd value is read.

use crate::source::yaml::{self, Yaml};
use std::collections::HashSet;

/// A value of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    Text(Text),
    Map(Vec<(Text, Node)>),
    List(Vec<Node>),
    /// No value, or `null`.
    Nothing,
    Odd(Odd),
}

/// A text whose bytes are in the file as they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) value: String,
    /// Its first byte, without quotes.
    pub(super) at: usize,
    /// The line, counted from 1.
    pub(super) line: usize,
}

/// A value that is not read, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Odd {
    pub(super) line: usize,
    pub(super) what: String,
}

impl Node {
    /// The first document; an error if it is not YAML.
    pub(super) fn first(yaml: &Yaml<'_>) -> Result<Self, Odd> {
        match yaml.documents().next() {
            None => Ok(Self::Nothing),
            Some(Ok(node)) => Ok(Self::of(node)),
            Some(Err(lost)) => Err(Odd {
                line: lost.line,
                what: format!("invalid YAML: {}", lost.what),
            }),
        }
    }

    /// The value of a key, if it is a map that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(entries) = self else {
            return None;
        };
        let entry = entries.iter().find(|(name, _)| name.value == key);
        entry.map(|(_, value)| value)
    }

    fn of(node: yaml::Node<'_>) -> Self {
        let line = node.line();
        let odd = |what: &str| {
            let what = what.to_owned();
            Self::Odd(Odd { line, what })
        };
        if node.is_alias() {
            return odd("aliases are not supported here");
        }
        if node.is_anchored() || node.tag().is_some() {
            return odd("anchors and tags are not supported here");
        }
        let Some(text) = node.text() else {
            return match node.is_map() {
                true => Self::map(line, node),
                false => Self::List(node.items().map(Self::of).collect()),
            };
        };
        if text.is_null() {
            return Self::Nothing;
        }
        match text.plain_place() {
            Some(place) => Self::Text(Text {
                at: place.start,
                value: text.value().to_owned(),
                line,
            }),
            None => odd("strings with escapes or over several lines are not supported here"),
        }
    }

    fn map(line: usize, map: yaml::Node<'_>) -> Self {
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        let mut trouble = None;
        for (key, value) in map.own_entries() {
            let odd = |line, what: String| Some(Odd { line, what });
            match Self::of(key) {
                Self::Text(key) if key.value == "<<" => {
                    trouble = trouble.or(odd(
                        key.line,
                        "merge keys are not supported here".to_owned(),
                    ));
                }
                Self::Text(key) => {
                    if !seen.insert(key.value.clone()) {
                        let shown: String = key.value.chars().take(40).collect();
                        trouble = trouble.or(odd(key.line, format!("duplicate key {shown:?}")));
                    }
                    entries.push((key, Self::of(value)));
                }
                Self::Odd(found) => trouble = trouble.or(Some(found)),
                _ => trouble = trouble.or(odd(line, "a key is not a string".to_owned())),
            }
        }
        trouble.map_or(Self::Map(entries), Self::Odd)
    }
}
