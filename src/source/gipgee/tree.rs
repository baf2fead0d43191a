//! A YAML document as a tree of the values that gipgee reads.
//!
//! A value that an edit could not change on its own is *odd*: an alias or an anchor, a merge, a key that is there
//! twice, a text with escapes or over several lines. Nothing inside an odd value is read.

use super::super::yaml::{self, Value, documents};
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
    /// The first document of a text that begins at byte `base` of the file; an error if it is not YAML.
    pub(super) fn parse(text: &str, base: usize) -> Result<Self, Odd> {
        match documents(text).next() {
            None => Ok(Self::Nothing),
            Some(Ok(node)) => Ok(Self::of(node, base)),
            Some(Err(error)) => Err(Odd {
                line: error.line,
                what: format!("invalid YAML: {}", error.what),
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

    fn of(node: yaml::Node, base: usize) -> Self {
        let line = node.line;
        let odd = |what: &str| {
            let what = what.to_owned();
            Self::Odd(Odd { line, what })
        };
        match node.value {
            Value::Alias => odd("aliases are not supported here"),
            _ if node.is_marked => odd("anchors and tags are not supported here"),
            Value::Escaped(_) => {
                odd("strings with escapes or over several lines are not supported here")
            }
            Value::Text(text) if !text.is_quoted && is_null(&text.value) => Self::Nothing,
            Value::Text(text) => Self::Text(Text {
                at: base + text.range.start,
                value: text.value,
                line,
            }),
            Value::List(items) => {
                Self::List(items.into_iter().map(|it| Self::of(it, base)).collect())
            }
            Value::Map(entries) => Self::map(line, entries, base),
        }
    }

    fn map(line: usize, all: Vec<(yaml::Node, yaml::Node)>, base: usize) -> Self {
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        let mut trouble = None;
        for (key, value) in all {
            let odd = |line, what: String| Some(Odd { line, what });
            match Self::of(key, base) {
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
                    entries.push((key, Self::of(value, base)));
                }
                Self::Odd(found) => trouble = trouble.or(Some(found)),
                _ => trouble = trouble.or(odd(line, "a key is not a string".to_owned())),
            }
        }
        trouble.map_or(Self::Map(entries), Self::Odd)
    }
}

fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}
