//! The words of a `FROM`, the name of its stage, and the stages that a name with unknown variables can mean.

use super::lines::Instruction;
use super::{template, words};
use std::collections::HashSet;
use std::ops::Range;

/// The names of all stages: a `COPY --from` may name a later one, which is an error, not an image.
pub(super) fn stage_names(instructions: &[Instruction], escape: u8) -> HashSet<String> {
    instructions
        .iter()
        .filter_map(|instruction| {
            let text = instruction.text.text();
            let (keyword, rest) = words::keyword(text);
            if !keyword.eq_ignore_ascii_case("from") {
                return None;
            }
            let (_, rest) = words::flags(&instruction.text, rest, escape);
            stage_of(
                &from_words(text, rest)
                    .iter()
                    .map(|word| &text[word.clone()])
                    .collect::<Vec<_>>(),
            )
        })
        .collect()
}

/// The words of a `FROM`. White space at the ends is not part of a word, and a template's placeholder is one word.
pub(super) fn from_words(text: &str, from: usize) -> Vec<Range<usize>> {
    let arguments = text[from..].trim();
    let start = text.len() - text[from..].trim_start().len();
    let end = start + arguments.len();
    let mut words = Vec::new();
    let mut at = start;
    while at < end {
        let rest = &text[at..end];
        let first = rest.chars().next().map_or(1, char::len_utf8);
        if rest.starts_with(words::is_blank) {
            at += first;
            continue;
        }
        let begin = at;
        while at < end {
            let rest = &text[at..end];
            if let Some(placeholder) = template::placeholder(rest) {
                at += placeholder;
            } else if rest.starts_with(words::is_blank) {
                break;
            } else {
                at += rest.chars().next().map_or(1, char::len_utf8);
            }
        }
        words.push(begin..at);
    }
    words
}

pub(super) fn stage_of(words: &[&str]) -> Option<String> {
    match words {
        [_, keyword, name, ..] if keyword.eq_ignore_ascii_case("as") => {
            Some(name.to_ascii_lowercase())
        }
        _ => None,
    }
}

/// The literal texts between the variables of a word, in lower case; empty if the word has only variables.
pub(super) fn pattern_of(written: &str) -> Option<Vec<String>> {
    let mut texts = vec![String::new()];
    let mut rest = written;
    while let Some(first) = rest.chars().next() {
        let taken = match rest.strip_prefix('$') {
            None => {
                texts.last_mut()?.push(first.to_ascii_lowercase());
                first.len_utf8()
            }
            Some(behind) => {
                texts.push(String::new());
                match behind.strip_prefix('{') {
                    Some(braced) => braced.find('}')? + 3,
                    None => {
                        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
                        1 + behind.find(|c| !is_name(c)).unwrap_or(behind.len())
                    }
                }
            }
        };
        rest = rest.get(taken..)?;
    }
    let has_text = texts.iter().any(|text| !text.is_empty());
    (texts.len() > 1 && has_text && !written.contains(['"', '\'', '\\', '/', ':'])).then_some(texts)
}

/// Whether a name has the texts of a pattern in order, with something of any length between them.
pub(super) fn fits(texts: &[String], name: &str) -> bool {
    let (Some((first, rest)), Some(last)) = (texts.split_first(), texts.last()) else {
        return false;
    };
    let Some(mut name) = name.strip_prefix(first.as_str()) else {
        return false;
    };
    let Some(between) = rest.split_last().map(|(_, between)| between) else {
        return name.is_empty();
    };
    for text in between {
        match name.find(text.as_str()) {
            Some(at) => name = &name[at + text.len()..],
            None => return false,
        }
    }
    name.ends_with(last.as_str())
}
