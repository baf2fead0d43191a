//! Splits a file into instructions: joins continuations, and sets comments and heredocs aside.
//!
//! The rules are those of BuildKit's parser (`frontend/dockerfile/parser`), with one difference: a line that BuildKit
//! would refuse hides only itself.

use super::words;
use crate::source::located::Comment;
use crate::source::mapped::Mapped;
use crate::source::passed::{Passed, PassedOver};
use std::cell::OnceCell;
use std::collections::HashMap;

/// One instruction: its lines joined, each byte with its position in the file.
pub(super) struct Instruction {
    /// The first line, counted from 1.
    pub(super) line: usize,
    /// The text from the keyword on.
    pub(super) text: Mapped,
    /// The `# imagebot:` comments right above.
    pub(super) notes: Vec<Comment>,
}

/// A line of the file without its end, and its position.
#[derive(Clone, Copy)]
struct Physical<'a> {
    text: &'a str,
    start: usize,
}

impl<'a> Physical<'a> {
    /// The text that a heredoc's terminator is compared with.
    fn end_of(&self, strip_tabs: bool) -> &'a str {
        if strip_tabs {
            self.text.trim_start_matches('\t')
        } else {
            self.text
        }
    }
}

/// Reads all instructions of `text`, which begins at byte `base` of the file.
pub(super) fn read(
    text: &str,
    base: usize,
    escape: u8,
    passed: &mut PassedOver,
) -> Vec<Instruction> {
    let physical = physical_lines(text, base);
    let mut instructions = Vec::new();
    let mut notes = Vec::new();
    let last_lines = OnceCell::new();
    let mut next = 0;
    while let Some(first) = physical.get(next) {
        let line = next + 1;
        next += 1;
        let trimmed = first.text.trim_start();
        if let Some(comment) = trimmed.strip_prefix('#') {
            notes.extend(
                comment
                    .trim()
                    .strip_prefix("imagebot:")
                    .map(|note| Comment::new(line, note.trim().to_owned())),
            );
            continue;
        }
        let notes = std::mem::take(&mut notes);
        let mut joined = Mapped::default();
        let mut ended = push_line(
            &mut joined,
            trimmed,
            first.start + first.text.len() - trimmed.len(),
            escape,
        );
        if joined.is_empty() && ended {
            continue;
        }
        while let (false, Some(more)) = (ended, physical.get(next)) {
            next += 1;
            let trimmed = more.text.trim_start();
            if !trimmed.is_empty() && !trimmed.starts_with('#') {
                ended = push_line(&mut joined, more.text, more.start, escape);
            }
        }
        for terminator in words::heredocs(joined.text(), escape) {
            let last = last_lines.get_or_init(|| last_lines_of(&physical));
            let ends = |body: &Physical| body.end_of(terminator.strip_tabs) == terminator.name;
            // A terminator that is not in the rest of the file is not searched for: such searches would repeat again
            // and again.
            let end = match last.get(&(terminator.strip_tabs, terminator.name.as_str())) {
                Some(last) if *last >= next => physical[next..].iter().position(ends),
                _ => None,
            };
            match end {
                Some(end) => next += end + 1,
                None => passed.push(Passed {
                    line,
                    what: format!("the heredoc {:?} has no end", terminator.name),
                }),
            }
        }
        instructions.push(Instruction {
            line,
            text: joined,
            notes,
        });
    }
    instructions
}

fn physical_lines(text: &str, base: usize) -> Vec<Physical<'_>> {
    let mut start = base;
    text.split_inclusive('\n')
        .map(|line| {
            let physical = Physical {
                text: line.trim_end_matches(['\r', '\n']),
                start,
            };
            start += line.len();
            physical
        })
        .collect()
}

/// The last line that could end a heredoc, by whether tabs are stripped and the heredoc's name.
fn last_lines_of<'a>(physical: &[Physical<'a>]) -> HashMap<(bool, &'a str), usize> {
    let mut last = HashMap::new();
    for (index, line) in physical.iter().enumerate() {
        for strip_tabs in [false, true] {
            last.insert((strip_tabs, line.end_of(strip_tabs)), index);
        }
    }
    last
}

/// Adds a line without its continuation character; returns whether the instruction ends with it.
fn push_line(joined: &mut Mapped, text: &str, start: usize, escape: u8) -> bool {
    let content = text.trim_end_matches([' ', '\t']);
    let continued = content.as_bytes().split_last().and_then(|(last, before)| {
        // An escaped escape character does not continue the line.
        (*last == escape && before.last() != Some(&escape)).then_some(before.len())
    });
    match continued {
        Some(len) => joined.push_file(&text[..len], start),
        None => joined.push_file(text, start),
    }
    continued.is_none()
}
