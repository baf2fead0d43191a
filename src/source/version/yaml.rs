//! A key of a YAML document.

use super::error::{VersionFileError, line_of};
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::ops::Range;

/// What is being read.
enum Frame {
    /// A mapping and the key whose value comes next; `None`: a key comes next. A key that is no text has no name.
    Map(Option<Option<String>>),
    /// A list, or a key that is no text.
    Other,
}

pub(super) fn find(text: &str, key: &[String]) -> Result<Vec<Range<usize>>, VersionFileError> {
    let mut parser = Parser::new_from_str(text);
    let mut frames: Vec<Frame> = Vec::new();
    let mut found = Vec::new();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| VersionFileError::Malformed {
            line: Some(error.marker().line()),
            format: "YAML",
            what: error.info().to_owned(),
        })?;
        match event {
            Event::MappingEnd | Event::SequenceEnd => {
                frames.pop();
                value_ended(&mut frames);
            }
            Event::Scalar(value, style, ..) => {
                if let Some(Frame::Map(name @ None)) = frames.last_mut() {
                    *name = Some(Some(value.into_owned()));
                    continue;
                }
                if is_at(&frames, key) {
                    found.push(scalar(text, &value, style, span)?);
                }
                value_ended(&mut frames);
            }
            Event::Alias(_) | Event::MappingStart(..) | Event::SequenceStart(..) => {
                let is_key = matches!(frames.last(), Some(Frame::Map(None)));
                if !is_key && is_at(&frames, key) {
                    return Err(VersionFileError::NotPlain {
                        line: span.start.line(),
                        what: "the value is not a plain string",
                    });
                }
                if let (true, Some(Frame::Map(name))) = (is_key, frames.last_mut()) {
                    *name = Some(None);
                }
                match event {
                    Event::MappingStart(..) if !is_key => frames.push(Frame::Map(None)),
                    Event::MappingStart(..) | Event::SequenceStart(..) if is_key => {
                        skip(&mut parser)?;
                    }
                    Event::SequenceStart(..) => frames.push(Frame::Other),
                    _ if !is_key => value_ended(&mut frames),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Passes over a key that is a collection.
fn skip<T: saphyr_parser::Input>(parser: &mut Parser<'_, T>) -> Result<(), VersionFileError> {
    let mut depth = 1;
    while depth > 0 {
        match parser.next_event() {
            Some(Ok((Event::MappingStart(..) | Event::SequenceStart(..), _))) => depth += 1,
            Some(Ok((Event::MappingEnd | Event::SequenceEnd, _))) => depth -= 1,
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                return Err(VersionFileError::Malformed {
                    line: Some(error.marker().line()),
                    format: "YAML",
                    what: error.info().to_owned(),
                });
            }
            None => return Ok(()),
        }
    }
    Ok(())
}

fn value_ended(frames: &mut [Frame]) {
    if let Some(Frame::Map(name)) = frames.last_mut() {
        *name = None;
    }
}

/// Whether the value that comes next is the key's.
fn is_at(frames: &[Frame], key: &[String]) -> bool {
    frames.len() == key.len()
        && frames
            .iter()
            .zip(key)
            .all(|(frame, wanted)| matches!(frame, Frame::Map(Some(Some(name))) if name == wanted))
}

/// Where the text of a scalar stands, quotes aside. The parser counts characters.
fn scalar(
    text: &str,
    value: &str,
    style: ScalarStyle,
    span: Span,
) -> Result<Range<usize>, VersionFileError> {
    let byte = |index: usize| {
        text.char_indices()
            .nth(index)
            .map_or(text.len(), |(at, _)| at)
    };
    let (mut start, end) = (byte(span.start.index()), byte(span.end.index()));
    // An anchor or a tag may stand before it.
    while let Some(rest) = text[start..].strip_prefix(['&', '!']) {
        let word = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let behind = rest[word..].trim_start();
        start = text.len() - behind.len();
    }
    let first = start + usize::from(style != ScalarStyle::Plain);
    let inner = first..(first + value.len()).min(end.max(first));
    let is_plain = matches!(
        style,
        ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted
    );
    match is_plain && text.get(inner.clone()) == Some(value) {
        true => Ok(inner),
        false => Err(VersionFileError::NotPlain {
            line: line_of(text, start),
            what: "the value is written with escapes or over several lines",
        }),
    }
}
