//! Reads YAML. An alias is read as what it refers to, at the place of that.

use super::tree::{Data, Key, Kind};
use crate::source::located::WhyNot;
use crate::source::mapped::Mapped;
use crate::source::passed::Passed;
use crate::source::sources::FileText;
use crate::source::value::Expanded;
use crate::source::yaml::{Node, Scalar, Yaml};
use std::rc::Rc;

/// The longest key and the longest text that are read: a longer one is not an image, and is not copied for each alias.
const LONGEST: usize = 512;

/// The documents of a file, and what was not read.
pub(crate) fn parse(file: &FileText<'_>) -> (Vec<Data>, Vec<Passed>) {
    let yaml = Yaml::read(&file.text, file.base);
    let documents = yaml.roots().map(data).collect();
    let lost = yaml.trouble().into_iter().map(|lost| Passed {
        line: lost.line,
        what: format!("invalid YAML: {}", lost.what),
    });
    (documents, lost.collect())
}

fn data(node: Node<'_>) -> Data {
    if let Some(scalar) = node.text() {
        return text(scalar);
    }
    let kind = match node.is_map() {
        true => {
            let entries = node.entries().into_iter().filter_map(|(name, value)| {
                let name = name.text().filter(|name| name.value().len() <= LONGEST)?;
                let key = Key {
                    name: name.value().to_owned(),
                    line: name.line(),
                    place: name.span().start,
                };
                Some((key, data(value)))
            });
            Kind::Map(entries.collect())
        }
        false => Kind::List(node.items().map(data).collect()),
    };
    Data {
        line: node.line(),
        at: 0..0,
        written: String::new(),
        notes: Rc::default(),
        kind,
    }
}

fn text(scalar: Scalar<'_>) -> Data {
    if scalar.value().len() > LONGEST {
        return Data {
            line: scalar.line(),
            at: scalar.span(),
            written: String::new(),
            notes: Rc::default(),
            kind: Kind::Other,
        };
    }
    let place = scalar.plain_place();
    let expanded = match &place {
        Some(place) => Expanded::literal(&Mapped::of_file(scalar.value(), place.start)),
        None => Expanded {
            value: Mapped::computed(scalar.value()),
            fixed: Some(WhyNot::NotPlain),
            ..Expanded::default()
        },
    };
    let kind = match scalar.is_null() || scalar.value().is_empty() {
        true => Kind::Null,
        false => Kind::Text(
            Box::new(Expanded {
                is_number: !scalar.is_text(),
                why: (!scalar.prints_as_written()).then_some(WhyNot::UnquotedNumber),
                ..expanded
            }),
            scalar.is_text(),
        ),
    };
    Data {
        line: scalar.line(),
        at: place.unwrap_or_else(|| scalar.span()),
        written: scalar.value().to_owned(),
        notes: Rc::default(),
        kind,
    }
}
