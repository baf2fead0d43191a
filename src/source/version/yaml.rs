//! A key of a YAML document.

use super::super::yaml::{Node, Value, documents};
use super::error::VersionFileError;
use std::ops::Range;

/// The positions of the texts at a key, in all documents of a file.
pub(super) fn find(text: &str, key: &[String]) -> Result<Vec<Range<usize>>, VersionFileError> {
    let mut found = Vec::new();
    for document in documents(text) {
        let document = document.map_err(|error| VersionFileError::Malformed {
            line: Some(error.line),
            format: "YAML",
            what: error.what,
        })?;
        below(&document, key, &mut found)?;
    }
    Ok(found)
}

fn below(
    node: &Node,
    key: &[String],
    found: &mut Vec<Range<usize>>,
) -> Result<(), VersionFileError> {
    let not_plain = |what| VersionFileError::NotPlain {
        line: node.line,
        what,
    };
    let Some((first, rest)) = key.split_first() else {
        return match &node.value {
            Value::Text(text) => {
                found.push(text.range.clone());
                Ok(())
            }
            Value::Escaped(_) => Err(not_plain(
                "the value is written with escapes or over several lines",
            )),
            _ => Err(not_plain("the value is not a plain string")),
        };
    };
    let Value::Map(entries) = &node.value else {
        return Ok(());
    };
    for (name, value) in entries {
        let name = match &name.value {
            Value::Text(text) => &text.value,
            Value::Escaped(text) => text,
            _ => continue,
        };
        if name == first {
            below(value, rest, found)?;
        }
    }
    Ok(())
}
