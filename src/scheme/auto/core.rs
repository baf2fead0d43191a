//! Finds the version in a tag (`docs/tag-schemes.md`, `auto` 2 and 4).

use super::super::calendar::{Stamp, is_date, is_written_date, is_year, stamp};
use super::super::hash::{HashMarks, is_hash};
use super::super::level::Level;
use super::super::order::Number;
use super::super::reading::{Calendar, Reading, Style};
use super::super::words::{cpu_end, is_separator, is_system, takes_number};

/// The position of the version in a tag: `v1.2.3` from `start`, its numbers from `digits` to `end`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Core {
    /// The end of an operating system that precedes another version: `alpine-3.19` in `alpine-3.19-v4.6.4`. It is part
    /// of the variant.
    system: usize,
    pub(super) start: usize,
    digits: usize,
    pub(super) end: usize,
    style: Style,
}

/// Finds the version after a leading operating system, or else the first number run that begins a segment, or else the
/// first number run.
pub(super) fn find(tag: &str, hashes: HashMarks) -> Option<Core> {
    if let Some(core) = behind_system(tag, hashes) {
        return Some(core);
    }
    let (begun, first_run) = scan(tag, 0, hashes);
    begun.or_else(|| {
        first_run.map(|start| Core {
            system: 0,
            start,
            digits: start,
            end: run_end(tag, start),
            style: Style::Plain,
        })
    })
}

/// The version after `alpine-3.19-`, `ubuntu-18.04-` or `al2.`: directly after it, or further on a date or a dotted
/// number that belongs to no other word. If there is none, the operating system's number is the version.
fn behind_system(tag: &str, hashes: HashMarks) -> Option<Core> {
    let system = system_end(tag, hashes)?;
    let direct = system + 1;
    let mut at = direct;
    loop {
        let core = scan(tag, at, hashes).0?;
        let written = &tag[core.digits..core.end];
        let is_version = core.start == direct
            || core.style != Style::Plain
            || stamp(written).is_some()
            || written.contains(['.', '-']);
        let before = tag[..core.start.saturating_sub(1)].rsplit(is_cut).next();
        if is_version && (core.start == direct || !before.is_some_and(takes_number)) {
            return Some(Core { system, ..core });
        }
        // A core may end inside its segment, as in `11é`.
        at = segment_end(tag.as_bytes(), core.end) + 1;
    }
}

fn is_cut(c: char) -> bool {
    u8::try_from(c).is_ok_and(is_separator)
}

/// The end of a leading operating system with its number, if anything follows.
fn system_end(tag: &str, hashes: HashMarks) -> Option<usize> {
    let bytes = tag.as_bytes();
    let name = bytes.iter().position(|b| !b.is_ascii_alphabetic())?;
    if name == 0 || !is_system(&tag[..name]) {
        return None;
    }
    let mut end = None;
    let mut at = name + usize::from(matches!(bytes.get(name), Some(b'-' | b'_')));
    loop {
        let stop = digits_end(bytes, at);
        let whole = stop == segment_end(bytes, at) && stop > at;
        if !whole || stamp(&tag[at..stop]).is_some() || is_hash_segment(tag, at, stop, hashes) {
            break;
        }
        end = Some(stop);
        if bytes.get(stop) != Some(&b'.') {
            break;
        }
        at = stop + 1;
    }
    end.filter(|end| end + 1 < bytes.len())
}

/// The first version that begins a segment at `at` or later, and the first number run there.
fn scan(tag: &str, from: usize, hashes: HashMarks) -> (Option<Core>, Option<usize>) {
    let bytes = tag.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut first_run = None;
    let mut at = from;
    // Every round begins at a segment, cut at any separator.
    while at < bytes.len() {
        if let Some(end) = cpu_end(tag, at) {
            at = end + 1;
            continue;
        }
        let end = segment_end(bytes, at);
        if !is_hash_segment(tag, at, end, hashes) {
            // A number after a dot begins a segment only if a letter precedes the dot.
            let begins = at == from
                || match bytes[at - 1] {
                    b'-' | b'_' => true,
                    b'.' => at > 1 && bytes[at - 2].is_ascii_alphabetic(),
                    _ => false,
                };
            if begins {
                let style = match bytes[at] {
                    b'v' if is_digit(at + 1) => Style::Lower,
                    b'V' if is_digit(at + 1) => Style::Upper,
                    _ => Style::Plain,
                };
                let digits = at + usize::from(style != Style::Plain);
                if is_digit(digits) {
                    let core = Core {
                        system: 0,
                        start: at,
                        digits,
                        end: run_end(tag, digits),
                        style,
                    };
                    return (Some(core), first_run);
                }
            }
            if first_run.is_none() {
                first_run = (at..end).find(|at| is_digit(*at));
            }
        }
        at = end + 1;
    }
    (None, first_run)
}

impl Core {
    /// Writes the text before the version.
    pub(super) fn prefix<'t>(&self, tag: &'t str, hashes: HashMarks, out: &mut Reading<'t>) {
        let mut kept = match self.system {
            0 => 0,
            system => {
                out.push_word(&tag[..system], false, false);
                out.add_separators(&tag[system..system + 1]);
                system + 1
            }
        };
        let mut at = kept;
        // A hash has no order and need not agree: it is an empty piece.
        while at < self.start {
            let end = segment_end(tag.as_bytes(), at).min(self.start);
            if is_hash_segment(tag, at, end, hashes) {
                out.prefix.extend([&tag[kept..at], ""]);
                kept = end;
            }
            at = end + 1;
        }
        if kept < self.start {
            out.prefix.push(&tag[kept..self.start]);
        }
    }

    /// Writes the numbers, the kind of calendar they belong to, and the levels.
    pub(super) fn version<'t>(&self, tag: &'t str, out: &mut Reading<'t>) {
        let core = &tag[self.digits..self.end];
        out.style = self.style;
        out.core = core;
        out.add_separators(core);
        let mut levels = [Level::Major, Level::Minor].into_iter();
        for run in core.split(['.', '-']) {
            let level = levels.next().unwrap_or(Level::Patch);
            out.version.push((Number::new(run), level));
        }
        out.precision = out.version.len();
        if let [(number, level)] = &mut out.version[..] {
            out.calendar = match stamp(core) {
                Some(Stamp::Day) => Calendar::Day,
                Some(Stamp::Month) => Calendar::Year,
                Some(Stamp::Unix) | None => Calendar::Plain,
            };
            if out.calendar != Calendar::Plain {
                out.date_digits = core.len();
            }
            if out.calendar != Calendar::Plain || number.digits() >= 9 {
                *level = Level::Minor;
            }
            return;
        }
        let value = |place: usize| {
            out.version
                .get(place)
                .and_then(|(number, _)| number.value())
        };
        let highest = if out.version.len() <= 3 { 53 } else { 12 };
        let dated = matches!((value(0), value(1)), (Some(year), Some(second)) if is_year(year) && second <= highest);
        let mut written = core.split(['.', '-']);
        let full = out.version.len() == 3
            && matches!(
                (written.next(), written.next(), written.next()),
                (Some(year), Some(month), day) if is_written_date(year, month, day)
            );
        out.calendar = match (dated, full) {
            (true, true) => Calendar::Day,
            (true, false) => Calendar::Year,
            (false, _) => Calendar::Plain,
        };
    }
}

/// The end of the segment that begins at `at`.
pub(super) fn segment_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .position(|byte| is_separator(*byte))
        .unwrap_or(rest.len())
}

/// The end of the digits that begin at `at`.
pub(super) fn digits_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    at + rest
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(rest.len())
}

/// Whether a segment is a hash, by its letters or by its position; a date never is.
pub(super) fn is_hash_segment(tag: &str, at: usize, end: usize, hashes: HashMarks) -> bool {
    let segment = &tag[at..end];
    if is_hash(segment, 64) {
        return true;
    }
    (7..=12).contains(&segment.len())
        && segment.bytes().all(|byte| byte.is_ascii_digit())
        && stamp(segment).is_none()
        && hashes.is_hash(at)
}

/// The end of the version whose first digit is at `at`.
fn run_end(tag: &str, at: usize) -> usize {
    let bytes = tag.as_bytes();
    let first = digits_end(bytes, at);
    // `.2` in `20240115.2` counts: the date is the version.
    if is_date(&tag[at..first]) {
        return first;
    }
    if let Some(end) = dashed_date_end(tag, at) {
        return end;
    }
    let mut end = first;
    while bytes.get(end) == Some(&b'.') {
        let next = digits_end(bytes, end + 1);
        let segment = &tag[end + 1..segment_end(bytes, end + 1)];
        // `0.3.1a2b3c4` ends with a hash, `3.7.0b12345` with a beta.
        if next == end + 1 || is_hash(segment, 40) && !is_numbered_letter(segment) {
            break;
        }
        end = next;
    }
    end
}

/// `0b12345`: digits, one letter, digits.
fn is_numbered_letter(segment: &str) -> bool {
    let digit = |c: char| c.is_ascii_digit();
    let behind = segment.trim_start_matches(digit);
    behind.trim_end_matches(digit).len() == 1
}

/// The end of `2024-01-15` or `2024-01`, with both separators dashes.
pub(super) fn dashed_date_end(tag: &str, at: usize) -> Option<usize> {
    let bytes = tag.as_bytes();
    if bytes.get(at + 4) != Some(&b'-') {
        return None;
    }
    let part = |at: usize, digits: usize| {
        let end = digits_end(bytes, at);
        let segment = &tag[at..segment_end(bytes, at)];
        (end - at == digits && !is_hash(segment, 40)).then(|| &tag[at..end])
    };
    let year = part(at, 4)?;
    let month = part(at + 5, 2)?;
    if !is_written_date(year, month, None) {
        return None;
    }
    let day = (bytes.get(at + 7) == Some(&b'-'))
        .then(|| part(at + 8, 2))
        .flatten()
        .filter(|day| is_written_date(year, month, Some(day)));
    Some(at + if day.is_some() { 10 } else { 7 })
}
