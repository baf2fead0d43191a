//! A key of a TOML document.

use super::error::{VersionFileError, line_of};
use ::toml::de::{DeTable, DeValue};
use std::ops::Range;

pub(super) fn find(text: &str, key: &[String]) -> Result<Vec<Range<usize>>, VersionFileError> {
    let document = DeTable::parse(text).map_err(|error| VersionFileError::Malformed {
        line: error.span().map(|span| line_of(text, span.start)),
        format: "TOML",
        what: error.message().to_owned(),
    })?;
    let Some((last, parents)) = key.split_last() else {
        return Ok(Vec::new());
    };
    let mut table = document.get_ref();
    for name in parents {
        let below = table.iter().find(|(key, _)| key.get_ref() == name);
        match below.and_then(|(_, value)| value.get_ref().as_table()) {
            Some(below) => table = below,
            None => return Ok(Vec::new()),
        }
    }
    let Some((_, found)) = table.iter().find(|(key, _)| key.get_ref() == last) else {
        return Ok(Vec::new());
    };
    let span = found.span();
    let not_plain = |what| VersionFileError::NotPlain {
        line: line_of(text, span.start),
        what,
    };
    let DeValue::String(value) = found.get_ref() else {
        return Err(not_plain("the value is not a string in quotes"));
    };
    let written = text.get(span.clone()).unwrap_or_default();
    // One quote or three; the text between them is the value, unless something is escaped in it.
    for quotes in [3, 1] {
        let inner = span.start + quotes..span.end.saturating_sub(quotes);
        if written.len() >= 2 * quotes && text.get(inner.clone()) == Some(value.as_ref()) {
            return Ok(vec![inner]);
        }
    }
    Err(not_plain(
        "the value is written with escapes or over several lines",
    ))
}
