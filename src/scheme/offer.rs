//! Suggests the `[[scheme]]` line with which the current tag can be followed by another one.
//!
//! A line is shown only if it works: the validator accepts it, and with it the second of the two tags follows the
//! first.

use std::cmp::Ordering;

use super::context;
use super::judge::same_skeleton;
use super::level::Level;
use super::reader::read;
use super::reading::{Reading, Style};
use super::regex::RegexScheme;
use super::rules::{Rules, Scheme};
use crate::image::ImageName;

/// One piece of a tag.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Piece<'t> {
    /// Literal text: a prefix, a word.
    Text(&'t str),
    /// The numbers of the version.
    Core(&'t str, Style),
    /// A counter: the text before its digits.
    Counter(&'t str),
}

/// The line with which `next` follows `current`, as the configuration writes it.
pub(super) fn scheme_line(current: &str, next: &str) -> Option<String> {
    let pattern = pattern(current, next)?;
    let image = ImageName::parse("registry.invalid/image").ok()?;
    let rules = Rules {
        scheme: Scheme::Regex(RegexScheme::parse(&pattern, &[]).ok()?),
        max: Level::Major,
        ..Rules::default()
    };
    let follows = context::compare(&image, current, next, &rules) == Some(Ordering::Greater);
    // The literal string of the line cannot contain a quote.
    (follows && !pattern.contains('\''))
        .then(|| format!("`[[scheme]]` with `pattern = '{pattern}'`"))
}

/// A pattern that reads both tags, with a group for each number that counts.
fn pattern(current: &str, next: &str) -> Option<String> {
    let (from, to) = (read(current, &Scheme::Auto)?, read(next, &Scheme::Auto)?);
    let (from, to) = (pieces(current, &from)?, pieces(next, &to)?);
    let mut groups = ["build", "revision"].into_iter();
    let mut counter = || groups.next().map(|name| format!(r"(?<{name}>\d+)"));
    let mut out = String::new();
    let (mut left, mut right) = (from.iter().peekable(), to.iter().peekable());
    loop {
        match (left.peek().copied(), right.peek().copied()) {
            (None, None) => return Some(out),
            (Some(Piece::Core(from, style)), Some(Piece::Core(to, other))) => {
                out.push_str(&core(from, to, *style, *other)?);
            }
            (Some(Piece::Counter(from)), Some(Piece::Counter(to))) => {
                match from == to {
                    true => out.push_str(&escape(from)),
                    false => out.push_str(&format!("(?:{}|{})", escape(from), escape(to))),
                }
                out.push_str(&counter()?);
            }
            (Some(Piece::Text(from)), Some(Piece::Text(to))) if from == to => {
                out.push_str(&escape(from));
            }
            (Some(Piece::Text(from)), Some(Piece::Text(to))) if same_skeleton(from, to) => {
                out.push_str(&word(from, to, &mut counter)?);
            }
            // A word that only one of them has.
            (_, Some(Piece::Text(word))) if to.len() > from.len() => {
                out.push_str(&format!("(?:{})?", escape(word)));
                right.next();
                continue;
            }
            (Some(Piece::Text(word)), _) if from.len() > to.len() => {
                out.push_str(&format!("(?:{})?", escape(word)));
                left.next();
                continue;
            }
            _ => return None,
        }
        left.next();
        right.next();
    }
}

/// The version: a group for each number that both have, the first three at most.
fn core(from: &str, to: &str, style: Style, other: Style) -> Option<String> {
    let mut out = match (style, other) {
        (Style::Plain, Style::Plain) => String::new(),
        (left, right) if left == right => left.mark().to_owned(),
        _ => "[vV]?".to_owned(),
    };
    let count = |text: &str| text.split('.').count();
    let (from_count, to_count) = (count(from), count(to));
    let shared = from_count.min(to_count);
    let digits = |text: &str| {
        text.split('.')
            .all(|run| run.bytes().all(|b| b.is_ascii_digit()))
    };
    if shared > 3 || !digits(from) || !digits(to) {
        return None;
    }
    let groups = ["major", "minor", "patch"].map(|name| format!(r"(?<{name}>\d+)"));
    out.push_str(&groups.get(..shared)?.join(r"\."));
    if from_count != to_count {
        out.push_str(r"(?:\.\d+)*");
    }
    Some(out)
}

/// A word of both whose number differs: its number counts, the other numbers of words stay fixed.
fn word(from: &str, to: &str, counter: &mut impl FnMut() -> Option<String>) -> Option<String> {
    let mut out = String::new();
    let digit = |c: char| c.is_ascii_digit();
    let (mut left, mut right, mut counted) = (from, to, false);
    while !left.is_empty() {
        let text = left.find(digit).unwrap_or(left.len());
        out.push_str(&escape(&left[..text]));
        (left, right) = (&left[text..], right.get(text..)?);
        let ends = [left, right].map(|rest| rest.find(|c| !digit(c)).unwrap_or(rest.len()));
        let runs = (&left[..ends[0]], &right[..ends[1]]);
        if runs.0 == runs.1 {
            out.push_str(runs.0);
        } else if counted {
            return None;
        } else {
            out.push_str(&counter()?);
            counted = true;
        }
        (left, right) = (&left[ends[0]..], &right[ends[1]..]);
    }
    Some(out)
}

/// The pieces of a tag from left to right; `None` if a piece cannot be located: a hash, a prerelease, a date's time.
fn pieces<'t>(tag: &'t str, reading: &Reading<'t>) -> Option<Vec<Piece<'t>>> {
    if reading.hash || !reading.is_stable() || reading.core.is_empty() {
        return None;
    }
    let place = |part: &str| {
        let start = (part.as_ptr() as usize).checked_sub(tag.as_ptr() as usize)?;
        (tag.get(start..start + part.len()) == Some(part)).then_some(start)
    };
    let mut known = vec![(place(reading.core)?, reading.core, true)];
    for word in &reading.words {
        known.push((place(word.text)?, word.text, true));
    }
    for counter in &reading.counters {
        let digits = counter.number.as_str();
        let mut start = place(digits)?;
        let zeros = tag.get(..start)?.bytes().rev().take_while(|b| *b == b'0');
        start -= zeros.count();
        known.push((start, tag.get(start..place(digits)? + digits.len())?, false));
    }
    known.sort_unstable_by_key(|(start, ..)| *start);
    let mut pieces = Vec::new();
    let mut at = 0;
    for (start, text, whole) in known {
        let between = tag.get(at..start)?;
        at = start + text.len();
        if !whole {
            pieces.push(Piece::Counter(between));
            continue;
        }
        if start == place(reading.core)? {
            let mark = reading.style.mark();
            let between = between.strip_suffix(mark)?;
            pieces.extend((!between.is_empty()).then_some(Piece::Text(between)));
            pieces.push(Piece::Core(text, reading.style));
        } else if between.is_empty() {
            pieces.push(Piece::Text(text));
        } else {
            return None;
        }
    }
    let rest = tag.get(at..)?;
    pieces.extend((!rest.is_empty()).then_some(Piece::Text(rest)));
    Some(pieces)
}

/// Of the characters of a tag, only the dot and the plus have a meaning in a pattern.
fn escape(text: &str) -> String {
    text.replace('.', r"\.").replace('+', r"\+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_both_tags_and_counts_what_counts() {
        for (current, next, expect) in [
            (
                "1.25",
                "2.0.1",
                Some(r"(?<major>\d+)\.(?<minor>\d+)(?:\.\d+)*"),
            ),
            (
                "0.118.5",
                "2024.1.0",
                Some(r"(?<major>\d+)\.(?<minor>\d+)\.(?<patch>\d+)"),
            ),
            (
                "1.2-slim-r4",
                "2.0-r10",
                Some(r"(?<major>\d+)\.(?<minor>\d+)(?:-slim)?-r(?<build>\d+)"),
            ),
            (
                "1.2-slim",
                "2.0-slim-bookworm",
                Some(r"(?<major>\d+)\.(?<minor>\d+)-slim(?:-bookworm)?"),
            ),
            (
                "1.2-r4",
                "2.0-ls7",
                Some(r"(?<major>\d+)\.(?<minor>\d+)(?:-r|-ls)(?<build>\d+)"),
            ),
            (
                "1.2-foo7-r3",
                "1.3-foo8-r1",
                Some(r"(?<major>\d+)\.(?<minor>\d+)-foo(?<build>\d+)-r(?<revision>\d+)"),
            ),
            (
                "v1.2",
                "2.0.0",
                Some(r"[vV]?(?<major>\d+)\.(?<minor>\d+)(?:\.\d+)*"),
            ),
            // Not newer, a counter too many, not a version: only lines that work are suggested.
            ("1.25", "1.25.1", None),
            ("2.0", "1.0.0", None),
            ("1.2-foo7-r3-9", "1.2-foo8-r3-9", None),
            ("latest", "2.0", None),
            ("1.2-gabc1234", "1.3.0", None),
        ] {
            let expect = expect.map(|p| format!("`[[scheme]]` with `pattern = '{p}'`"));
            assert_eq!(scheme_line(current, next), expect, "{current} {next}");
        }
    }
}
