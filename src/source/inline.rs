//! A Dockerfile inside another file.
//!
//! Its text is not a run of the file's bytes: each line is indented, and variables may have been expanded in it. It is
//! read as a text of its own, and every place that comes out of that is translated.

use super::dockerfile;
use super::found::{Found, Given};
use super::located::{Located, Resolution};
use super::mapped::{Mapped, Origin};
use std::ops::Range;

/// Where the text is while it is read: after all files, so that the values of build arguments keep their places.
const BASE: usize = 1 << 31;

/// The references of a Dockerfile whose text is `body`. `line` is its first line, and `at` is where it is written, for
/// references whose own bytes are in another file.
pub(crate) fn read(body: &Mapped, line: usize, at: &Range<usize>, given: &Given) -> Found {
    let mut found = dockerfile::read(body.text(), BASE, given);
    for located in &mut found.references {
        translate(located, body);
        located.line += line - 1;
        for note in &mut located.notes {
            note.line += line - 1;
        }
        if !at.contains(&located.written_at.start) {
            located.written_at = at.clone();
        }
    }
    for around in &mut found.around {
        around.line += line - 1;
    }
    found.passed = found.passed.below(line - 1);
    // The stages are counted by lines of a file of their own.
    found.stages = super::stages::Stages::default();
    found
}

fn translate(located: &mut Located, body: &Mapped) {
    let start = place(located.written_at.start, body);
    let end = slot(located.written_at.end, body);
    located.written_at = match (start, end) {
        (Some(start), Some(end)) if start <= end => start..end,
        // A variable of another file is at its end.
        (Some(start), _) => start..start + 1,
        (None, _) => 0..0,
    };
    match &mut located.found {
        Resolution::Known(known) => {
            known.value = mapped(&known.value, body);
            known.slot = known.slot.and_then(|at| slot(at, body));
            for (value, at) in &mut known.also {
                *value = mapped(value, body);
                *at = at.and_then(|at| slot(at, body));
            }
        }
        Resolution::Unknown { touches, .. } => {
            let all = touches.iter().flat_map(|range| match range.start < BASE {
                true => vec![range.clone()],
                false => body.places(range.start - BASE..(range.end - BASE).min(body.len())),
            });
            *touches = all.collect();
        }
    }
}

fn place(at: usize, body: &Mapped) -> Option<usize> {
    match at.checked_sub(BASE) {
        Some(inside) => body.place_of(inside),
        None => Some(at),
    }
}

/// The place after a byte.
fn slot(at: usize, body: &Mapped) -> Option<usize> {
    match at.checked_sub(BASE) {
        Some(inside) => body.place_behind(inside),
        None => Some(at),
    }
}

fn mapped(value: &Mapped, body: &Mapped) -> Mapped {
    let mut translated = Mapped::default();
    for piece in value.pieces(0..value.len()) {
        match piece.origin {
            Origin::File(places) if places.start >= BASE => {
                translated.append(&body.slice(places.start - BASE..places.end - BASE));
            }
            _ => translated.append(&value.slice(piece.range)),
        }
    }
    translated
}
