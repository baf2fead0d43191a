//! Paths into data: `spec.image`, `services.*.image`, `**.image`, `[kind=Cluster].spec.imageName`.

use crate::source::data::{Data, Kind};

/// The longest path, in bytes.
const LONGEST: usize = 500;
/// The most `**` in a path: each multiplies the number of values that are visited.
const MOST_DEEP: usize = 2;
/// The most values that one search visits.
const MOST_VISITS: usize = 1_000_000;

/// A path into data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataPath {
    written: String,
    steps: Vec<Step>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    /// The value of a key, or the item with this number.
    Key(String),
    /// Each value of a map, each item of a list.
    Each,
    /// The value itself and everything in it, at any depth.
    Deep,
    /// The map itself, if the text at a key of it is this one.
    Where(String, String),
}

/// Why a text is not a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{written}\" is not a path: {what}; write for example \"spec.image\", \"services.*.image\" or \"[kind=Cluster].spec.image\""
)]
pub struct ParseDataPathError {
    written: String,
    what: &'static str,
}

/// A value that a path leads to, and what its wildcards were.
pub(super) struct Hit<'d> {
    pub(super) data: &'d Data,
    pub(super) bound: Vec<Bound<'d>>,
}

/// What a wildcard was: a document, a key, an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Bound<'d> {
    Document(usize),
    Key(&'d str),
    Item(usize),
}

impl DataPath {
    /// Reads a path.
    pub fn parse(written: &str) -> Result<Self, ParseDataPathError> {
        let error = |what| ParseDataPathError {
            written: written.chars().take(100).collect(),
            what,
        };
        if written.len() > LONGEST {
            return Err(error("it is too long"));
        }
        let steps = steps(written).map_err(error)?;
        if steps.iter().filter(|step| **step == Step::Deep).count() > MOST_DEEP {
            return Err(error("`**` may occur twice at most"));
        }
        Ok(Self {
            written: written.to_owned(),
            steps,
        })
    }

    /// The path as it is written.
    pub(super) fn as_str(&self) -> &str {
        &self.written
    }

    /// The number of its wildcards.
    pub(super) fn wildcards(&self) -> usize {
        let is_wildcard = |step: &&Step| matches!(step, Step::Each | Step::Deep);
        self.steps.iter().filter(is_wildcard).count()
    }

    /// The values that it leads to, in the order of the file; `None` if there is too much to search.
    pub(super) fn find<'d>(&self, documents: &'d [Data]) -> Option<Vec<Hit<'d>>> {
        let mut search = Search {
            bound: Vec::new(),
            hits: Vec::new(),
            visits: 0,
        };
        for (number, document) in documents.iter().enumerate() {
            search.bound.push(Bound::Document(number));
            search.follow(document, &self.steps);
            search.bound.pop();
        }
        (search.visits <= MOST_VISITS).then_some(search.hits)
    }
}

struct Search<'d> {
    bound: Vec<Bound<'d>>,
    hits: Vec<Hit<'d>>,
    visits: usize,
}

impl<'d> Search<'d> {
    fn follow(&mut self, data: &'d Data, steps: &[Step]) {
        self.visits += 1;
        if self.visits > MOST_VISITS {
            return;
        }
        let Some((step, rest)) = steps.split_first() else {
            let bound = self.bound.clone();
            return self.hits.push(Hit { data, bound });
        };
        match step {
            Step::Key(name) => match &data.kind {
                Kind::Map(entries) => {
                    for (_, value) in entries.iter().filter(|(key, _)| key.name == *name) {
                        self.follow(value, rest);
                    }
                }
                Kind::List(items) => {
                    let number = name.parse::<usize>().ok();
                    if let Some(item) = number.and_then(|number| items.get(number)) {
                        self.follow(item, rest);
                    }
                }
                _ => {}
            },
            Step::Each => self.each(data, rest),
            Step::Deep => {
                self.follow(data, rest);
                self.each(data, steps);
            }
            Step::Where(name, text) => {
                let value = data.get(name);
                if value.is_some_and(|value| value.written == *text) {
                    self.follow(data, rest);
                }
            }
        }
    }

    fn each(&mut self, data: &'d Data, steps: &[Step]) {
        let mut into = |bound, value| {
            self.bound.push(bound);
            self.follow(value, steps);
            self.bound.pop();
        };
        match &data.kind {
            Kind::Map(entries) => {
                for (key, value) in entries {
                    into(Bound::Key(&key.name), value);
                }
            }
            Kind::List(items) => {
                for (number, item) in items.iter().enumerate() {
                    into(Bound::Item(number), item);
                }
            }
            _ => {}
        }
    }
}

fn steps(written: &str) -> Result<Vec<Step>, &'static str> {
    let mut steps = Vec::new();
    let mut rest = written;
    loop {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (key, behind) = quoted.split_once('"').ok_or("a quote is not closed")?;
            steps.push(Step::Key(key.to_owned()));
            rest = behind;
        } else {
            let end = rest.find(['.', '[', '"']).unwrap_or(rest.len());
            match &rest[..end] {
                "" if rest.starts_with('[') => {}
                "" => return Err("a part of it is empty"),
                "*" => steps.push(Step::Each),
                "**" => steps.push(Step::Deep),
                key if key.contains(['*', ']', '=']) => {
                    return Err(
                        "`*` and `**` are parts of their own, and `key=text` is in brackets",
                    );
                }
                key => steps.push(Step::Key(key.to_owned())),
            }
            rest = &rest[end..];
        }
        while let Some(inner) = rest.strip_prefix('[') {
            let (inner, behind) = inner.split_once(']').ok_or("a bracket is not closed")?;
            let (key, text) = inner
                .split_once('=')
                .ok_or("in brackets it has no `key=text`")?;
            if key.is_empty() {
                return Err("in brackets it has no `key=text`");
            }
            let text = text.trim_matches('"');
            steps.push(Step::Where(key.to_owned(), text.to_owned()));
            rest = behind;
        }
        match rest.strip_prefix('.') {
            Some(behind) => rest = behind,
            None if rest.is_empty() => return Ok(steps),
            None => return Err("a `.` is missing between two parts"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_or_refused_with_the_reason() {
        let key = |text: &str| Step::Key(text.to_owned());
        let filter = Step::Where("kind".to_owned(), "Cluster".to_owned());
        for (text, expect) in [
            ("a.b", vec![key("a"), key("b")]),
            (
                "a.*.0.**.b",
                vec![key("a"), Step::Each, key("0"), Step::Deep, key("b")],
            ),
            ("[kind=Cluster].a", vec![filter.clone(), key("a")]),
            (
                "a.*[kind=\"Cluster\"].b",
                vec![key("a"), Step::Each, filter, key("b")],
            ),
            ("\"a.b\".c", vec![key("a.b"), key("c")]),
        ] {
            assert_eq!(
                DataPath::parse(text).map(|path| path.steps),
                Ok(expect),
                "{text}"
            );
        }
        for text in [
            "",
            "a..b",
            ".a",
            "a.",
            "a.b*",
            "[x].a",
            "[a=b",
            "\"a",
            "a\"b\"",
            "[a=b]c",
            "**.a.**.b.**",
        ] {
            assert!(DataPath::parse(text).is_err(), "{text}");
        }
    }
}
