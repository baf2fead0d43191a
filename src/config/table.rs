//! A table of a file: its values by key and type. A wrong value is reported and counts as missing.

use super::bounds::weight;
use super::keys::{Key, LATER, example};
use super::nearest::{LONGEST_NAME, distance, of_unknown_key, shortened};
use super::reader::Reader;
use crate::policy::{Set, SettingOrigin};
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A table of the file.
#[derive(Clone, Copy)]
pub(super) struct Table<'t> {
    reader: &'t Reader,
    table: &'t DeTable<'t>,
    pub(super) span: (usize, usize),
}

/// A value and its range in the file.
#[derive(Debug, Clone)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

impl<'t> Table<'t> {
    /// The table that is the whole file.
    pub(super) fn root(reader: &'t Reader, table: &'t DeTable<'t>) -> Self {
        Self {
            reader,
            table,
            span: (0, 0),
        }
    }

    /// Reports unknown keys. Called once for each table.
    pub(super) fn only(&self, lists: &[&[Key]]) {
        for (key, _) in self.table.iter() {
            let name = key.get_ref().as_ref();
            let known = || lists.iter().copied().flatten().map(|key| key.name);
            if known().any(|known| known == name) {
                continue;
            }
            let span = key.span();
            if self.reader.is_full() {
                self.reader.problem(span, String::new(), None);
                continue;
            }
            let shown = shortened(name);
            if LATER.contains(&name) {
                let message = format!("`{name}` is not supported by this version yet");
                self.reader.problem(
                    span,
                    message,
                    Some("remove the key; it would have no effect".to_owned()),
                );
                continue;
            }
            let known: Vec<&str> = known().collect();
            let is_table = self.is_table(name);
            let help = of_unknown_key(name, is_table, &known, self.reader.keys);
            self.reader
                .problem(span, format!("unknown key `{shown}`"), Some(help));
        }
    }

    /// The names of the keys that are there.
    pub(super) fn names(&self) -> impl Iterator<Item = &'t str> {
        self.table.iter().map(|(key, _)| key.get_ref().as_ref())
    }

    /// The range of a key's value; the table's own range if the key is missing.
    pub(super) fn span_of(&self, name: &str) -> Range<usize> {
        self.value(name)
            .map_or(self.span.0..self.span.1, |value| value.span())
    }

    /// Reports a problem.
    pub(super) fn problem(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        self.reader.problem(span, message.into(), help);
    }

    /// Where a value is set, for `config show`.
    pub(super) fn origin(&self, at: usize) -> SettingOrigin {
        SettingOrigin {
            file: Arc::clone(&self.reader.file),
            line: self.reader.lines.partition_point(|start| *start <= at) + 1,
        }
    }

    /// A value with the line that set it.
    pub(super) fn set<T>(&self, at: At<T>) -> Set<T> {
        Set {
            from: self.origin(at.span.start),
            value: at.value,
        }
    }

    pub(super) fn value(&self, name: &str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.table
            .iter()
            .find(|(key, _)| key.get_ref().as_ref() == name)
            .map(|(_, value)| value)
    }

    fn typed<T>(
        &self,
        name: &str,
        expected: &str,
        read: impl Fn(&'t DeValue<'t>) -> Option<T>,
    ) -> Option<At<T>> {
        let found = self.value(name)?;
        match read(found.get_ref()) {
            Some(value) => Some(At {
                value,
                span: found.span(),
            }),
            None => {
                let message = format!(
                    "`{name}` must be {expected}, not {}",
                    found.get_ref().type_str()
                );
                self.problem(found.span(), message, None);
                None
            }
        }
    }

    pub(super) fn bool(&self, name: &str) -> Option<At<bool>> {
        self.typed(name, "true or false", DeValue::as_bool)
    }

    pub(super) fn text(&self, name: &str) -> Option<At<String>> {
        self.typed(name, "a string in quotes", |value| {
            value.as_str().map(str::to_owned)
        })
    }

    /// A required text.
    pub(super) fn needed(&self, name: &str, table: &str) -> Option<At<String>> {
        if self.value(name).is_none() {
            self.problem(
                self.span.0..self.span.1,
                format!("{table} needs `{name}`"),
                None,
            );
        }
        self.text(name)
    }

    /// A text that `read` parses; its error is reported at the text.
    pub(super) fn parsed<T, E: ToString>(
        &self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<At<T>> {
        let text = self.text(name)?;
        let weight = weight(self.value(name)?.get_ref());
        if weight > 1
            && self
                .reader
                .count(name, text.span.clone(), [weight].into_iter())
                == 0
        {
            return None;
        }
        match parse(&text.value) {
            Ok(value) => Some(At {
                value,
                span: text.span,
            }),
            Err(error) => {
                self.problem(text.span, error.to_string(), None);
                None
            }
        }
    }

    /// One of some words, with the value of each.
    pub(super) fn one_of<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Option<At<T>> {
        let text = self.text(name)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
            return Some(At {
                value: *value,
                span: text.span,
            });
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let nearest = names
            .iter()
            .filter(|_| text.value.len() <= LONGEST_NAME)
            .map(|word| (distance(&text.value, word), *word))
            .min()
            .filter(|(d, _)| *d <= 2);
        let help = nearest.map(|(_, word)| format!("did you mean \"{word}\"?"));
        self.problem(
            text.span,
            format!("`{name}` must be one of {}", names.join(", ")),
            help,
        );
        None
    }

    pub(super) fn number(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<u32>,
    ) -> Option<At<u32>> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let written = self.typed(name, &expected, DeValue::as_integer)?;
        let number = u32::from_str_radix(
            &written.value.as_str().replace('_', ""),
            written.value.radix(),
        );
        match number.ok().filter(|number| range.contains(number)) {
            Some(value) => Some(At {
                value,
                span: written.span,
            }),
            None => {
                let found = shortened(written.value.as_str());
                let message = format!("`{name}` must be {expected}, not {found}");
                self.problem(written.span, message, None);
                None
            }
        }
    }

    fn items(
        &self,
        name: &str,
        expected: &str,
    ) -> Option<(&'t Spanned<DeValue<'t>>, Vec<&'t Spanned<DeValue<'t>>>)> {
        let found = self.value(name)?;
        match found.get_ref().as_array() {
            Some(array) => {
                let weights = array.iter().map(|item| weight(item.get_ref()));
                let most = self.reader.count(name, found.span(), weights);
                Some((found, array.iter().take(most).collect()))
            }
            None => {
                self.problem(found.span(), format!("`{name}` must be {expected}"), None);
                None
            }
        }
    }

    pub(super) fn texts(&self, name: &str) -> Option<At<Vec<At<String>>>> {
        let expected = "a list of strings in quotes";
        let (found, items) = self.items(name, expected)?;
        let mut texts = Vec::new();
        for item in items {
            match item.get_ref().as_str() {
                Some(text) => texts.push(At {
                    value: text.to_owned(),
                    span: item.span(),
                }),
                None => self.problem(item.span(), format!("`{name}` must be {expected}"), None),
            }
        }
        Some(At {
            value: texts,
            span: found.span(),
        })
    }

    /// A list of texts that `read` parses; each error is reported at its text.
    pub(super) fn parsed_list<T, E: ToString>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<At<Vec<T>>> {
        let texts = self.texts(name)?;
        let mut values = Vec::new();
        for text in texts.value {
            match parse(&text.value) {
                Ok(value) => values.push(value),
                Err(error) => self.problem(text.span, error.to_string(), None),
            }
        }
        Some(At {
            value: values,
            span: texts.span,
        })
    }

    pub(super) fn numbers(&self, name: &str) -> Option<Vec<u32>> {
        let expected = "a list of whole numbers";
        let (_, items) = self.items(name, expected)?;
        let mut numbers = Vec::new();
        for item in items {
            match item
                .get_ref()
                .as_integer()
                .and_then(|n| u32::from_str_radix(n.as_str(), n.radix()).ok())
            {
                Some(number) => numbers.push(number),
                None => self.problem(item.span(), format!("`{name}` must be {expected}"), None),
            }
        }
        Some(numbers)
    }

    pub(super) fn is_table(&self, name: &str) -> bool {
        let found = self.value(name);
        found.is_some_and(|value| value.get_ref().as_table().is_some())
    }

    pub(super) fn table(&self, name: &str) -> Option<Table<'t>> {
        let found = self.value(name)?;
        match found.get_ref().as_table() {
            Some(table) => Some(Table {
                table,
                ..self.at(found)
            }),
            None => {
                let kind = found.get_ref().type_str();
                let secret = match (name, kind) {
                    ("password" | "token" | "key", "string") => {
                        "; secrets are never written in plain text"
                    }
                    _ => "",
                };
                let message = format!("`{name}` must be a table, not {kind}{secret}");
                self.problem(found.span(), message, Some(example(name)));
                None
            }
        }
    }

    pub(super) fn tables(&self, name: &str) -> Vec<Table<'t>> {
        let expected = format!("written as [[{name}]]");
        let Some((_, items)) = self.items(name, &expected) else {
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items {
            match item.get_ref().as_table() {
                Some(table) => tables.push(Table {
                    table,
                    ..self.at(item)
                }),
                None => self.problem(item.span(), format!("`{name}` must be {expected}"), None),
            }
        }
        tables
    }

    /// All entries of a table with user-defined keys.
    pub(super) fn entries(&self) -> Vec<(String, At<String>)> {
        let mut entries = Vec::new();
        let span = self.span.0..self.span.1;
        let weights = std::iter::repeat_n(1, self.table.len());
        let most = self.reader.count("args", span, weights);
        for (key, value) in self.table.iter().take(most) {
            match value.get_ref().as_str() {
                Some(text) => {
                    entries.push((
                        key.get_ref().to_string(),
                        At {
                            value: text.to_owned(),
                            span: value.span(),
                        },
                    ));
                }
                None => self.problem(
                    value.span(),
                    format!("`{}` must be a string in quotes", key.get_ref()),
                    None,
                ),
            }
        }
        entries
    }

    fn at(&self, value: &Spanned<DeValue<'_>>) -> Table<'t> {
        Table {
            reader: self.reader,
            table: self.table,
            span: (value.span().start, value.span().end),
        }
    }
}
