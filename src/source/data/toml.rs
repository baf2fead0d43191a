//! Reads TOML.

use super::tree::{Data, Key, Kind};
use crate::source::lines::Lines;
use crate::source::located::WhyNot;
use crate::source::mapped::Mapped;
use crate::source::passed::Passed;
use crate::source::sources::FileText;
use crate::source::value::Expanded;
use std::ops::Range;
use std::rc::Rc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The value of a file.
pub(crate) fn parse(file: &FileText<'_>) -> Result<Data, Passed> {
    let reader = Reader {
        text: &file.text,
        base: file.base,
        lines: Lines::new(&file.text),
    };
    match DeTable::parse(&file.text) {
        Ok(root) => Ok(reader.map(root.get_ref(), 0..0)),
        Err(error) => Err(Passed {
            line: reader.lines.of(error.span().unwrap_or_default().start),
            what: format!("the file is not TOML: {}", error.message()),
        }),
    }
}

struct Reader<'a> {
    text: &'a str,
    base: usize,
    lines: Lines<'a>,
}

impl Reader<'_> {
    fn map(&self, table: &DeTable<'_>, span: Range<usize>) -> Data {
        let entries = table.iter().map(|(key, value)| {
            let start = key.span().start;
            let key = Key {
                name: key.get_ref().to_string(),
                line: self.lines.of(start),
                place: self.base + start,
            };
            (key, self.data(value))
        });
        self.value(span, Kind::Map(entries.collect()))
    }

    fn data(&self, value: &Spanned<DeValue<'_>>) -> Data {
        let span = value.span();
        match value.get_ref() {
            DeValue::Table(table) => self.map(table, span),
            DeValue::Array(items) => {
                let items = items.iter().map(|item| self.data(item));
                self.value(span, Kind::List(items.collect()))
            }
            DeValue::String(text) => self.string(text, span),
            DeValue::Integer(_) | DeValue::Float(_) => self.value(span, Kind::Number),
            DeValue::Boolean(_) | DeValue::Datetime(_) => self.value(span, Kind::Other),
        }
    }

    fn string(&self, text: &str, span: Range<usize>) -> Data {
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let quote = match raw.starts_with("\"\"\"") || raw.starts_with("'''") {
            true => 3,
            false => 1,
        };
        let inner = span.start + quote..span.end.saturating_sub(quote);
        let is_plain = self.text.get(inner.clone()) == Some(text);
        let expanded = match is_plain {
            true => Expanded::literal(&Mapped::of_file(text, self.base + inner.start)),
            false => Expanded {
                value: Mapped::computed(text),
                fixed: Some(WhyNot::NotPlain),
                ..Expanded::default()
            },
        };
        let mut data = self.value(
            if is_plain { inner } else { span },
            Kind::Text(Box::new(expanded), true),
        );
        data.written = text.to_owned();
        data
    }

    fn value(&self, span: Range<usize>, kind: Kind) -> Data {
        let is_text = matches!(kind, Kind::Number | Kind::Other);
        let written = self.text.get(span.clone()).filter(|_| is_text);
        Data {
            line: self.lines.of(span.start),
            at: self.base + span.start..self.base + span.end,
            written: written.unwrap_or_default().to_owned(),
            notes: Rc::default(),
            kind,
        }
    }
}
