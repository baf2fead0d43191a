//! A key of a YAML document.

use super::error::VersionFileError;
use crate::source::yaml::{Node, Yaml};
use std::ops::Range;

/// The positions of the texts at a key, in all documents of a file.
pub(super) fn find(text: &str, key: &[String]) -> Result<Vec<Range<usize>>, VersionFileError> {
    let mut found = Vec::new();
    for document in Yaml::read(text, 0).documents() {
        let document = document.map_err(|lost| VersionFileError::Malformed {
            line: Some(lost.line),
            format: "YAML",
            what: lost.what.clone(),
        })?;
        below(document, key, &mut found)?;
    }
    Ok(found)
}

fn below(
    node: Node<'_>,
    key: &[String],
    found: &mut Vec<Range<usize>>,
) -> Result<(), VersionFileError> {
    let not_plain = |what| VersionFileError::NotPlain {
        line: node.line(),
        what,
    };
    let Some((first, rest)) = key.split_first() else {
        // The text that an alias refers to may be another key's too.
        let text = node.text().filter(|_| !node.is_alias());
        let text = text.ok_or_else(|| not_plain("the value is not a plain string"))?;
        let place = text
            .plain_place()
            .ok_or_else(|| not_plain("the value is written with escapes or over several lines"))?;
        found.push(place);
        return Ok(());
    };
    if node.is_alias() {
        return Ok(());
    }
    for value in node.own(first) {
        below(value, rest, found)?;
    }
    Ok(())
}
