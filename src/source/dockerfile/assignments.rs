//! What `ARG` and `LABEL` instructions set.

use super::{directives, lines, words};
use crate::source::mapped::{Mapped, Origin};
use crate::source::passed::PassedOver;
use std::ops::Range;

/// A name with its value.
#[derive(Debug)]
pub(crate) struct Assignment {
    /// The first line of its instruction, counted from 1.
    pub(crate) line: usize,
    pub(crate) name: String,
    /// The position of the value without quotes; `None` if it is computed, escaped or not in one piece.
    pub(crate) place: Option<Range<usize>>,
}

/// The values of all `ARG` or all `LABEL` instructions of a Dockerfile, in all stages.
pub(crate) fn assignments(text: &str, instruction: &str) -> Vec<Assignment> {
    let escape = directives::read(text, 0).escape;
    let instructions = lines::read(text, 0, escape, &mut PassedOver::default());
    let mut found = Vec::new();
    for line in &instructions {
        let text = line.text.text();
        let (keyword, rest) = words::keyword(text);
        if !keyword.eq_ignore_ascii_case(instruction) {
            continue;
        }
        let split = words::split(text, rest, escape);
        let has_equals = |word: &Range<usize>| text[word.clone()].contains('=');
        if let ([name, _, ..], true) = (&split[..], instruction == "label")
            && !has_equals(name)
        {
            // `LABEL name value`: everything after the name is the value.
            let value = line.text.slice(split[1].start..text.trim_end().len());
            found.push(assignment(line.line, &text[name.clone()], &value));
            continue;
        }
        for word in split.into_iter().filter(has_equals) {
            let Some((name, value)) = text[word.clone()].split_once('=') else {
                continue;
            };
            let value = line.text.slice(word.end - value.len()..word.end);
            found.push(assignment(line.line, name, &value));
        }
    }
    found
}

fn assignment(line: usize, name: &str, value: &Mapped) -> Assignment {
    Assignment {
        line,
        name: unquoted(name).to_owned(),
        place: place_of(value),
    }
}

fn place_of(value: &Mapped) -> Option<Range<usize>> {
    let text = value.text();
    let inner = unquoted(text);
    if inner.contains(['$', '\\', '`', '"', '\'']) {
        return None;
    }
    let quote = (text.len() - inner.len()) / 2;
    match &value.pieces(quote..text.len() - quote)[..] {
        [piece] => match &piece.origin {
            Origin::File(place) => Some(place.clone()),
            _ => None,
        },
        _ => None,
    }
}

fn unquoted(text: &str) -> &str {
    let within = |quote| text.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(text)
}
