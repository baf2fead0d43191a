//! `# imagebot:` comments that no format has found above a reference.
//!
//! One above a variable belongs to the reference that the variable feeds, if that is only one. All others are reported: a comment that has no effect must not look as if it had one.

use crate::source::found::{Remark, Told};
use crate::source::lines::{Lines, comment};
use crate::source::located::{Comment, Located, Resolution};
use crate::source::sources::Sources;
use regex::bytes::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::LazyLock;

/// The most comments of a file that are reported.
const MOST: usize = 100;

/// What a file with such comments contains, also if they are misspelt.
static LEAD: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)imagebot(?:[ \t]*:|[ \t]+[a-z]+=)").ok());

fn is_likely(contents: &[u8]) -> bool {
    LEAD.as_ref().is_none_or(|lead| lead.is_match(contents))
}

/// The lines of each file with comments that references have.
type Used = BTreeMap<usize, BTreeSet<usize>>;

fn used(sources: &Sources, references: &[Vec<Located>]) -> Used {
    let mut used = Used::new();
    for (of, references) in references.iter().enumerate() {
        for note in references.iter().flat_map(|located| &located.notes) {
            let file = note.file.as_ref();
            let file = file.and_then(|path| sources.index(path)).unwrap_or(of);
            used.entry(file).or_default().insert(note.line);
        }
    }
    used
}

/// Gives comments above variables to the references that these feed, and returns remarks about all others, by file.
pub(super) fn settle(
    sources: &Sources,
    read: &BTreeSet<usize>,
    references: &mut [Vec<Located>],
) -> Vec<(usize, Told)> {
    let files = read.iter().copied();
    let likely = files.filter(|index| is_likely(&sources.file(*index).contents));
    let likely: Vec<usize> = likely.collect();
    if likely.is_empty() {
        return Vec::new();
    }
    let before = used(sources, references);
    let parts = Parts::new(references);
    for index in &likely {
        give(sources, *index, before.get(index), &parts, references);
    }
    let used = used(sources, references);
    let told = likely.into_iter().flat_map(|index| {
        let told = idle(sources, index, used.get(&index));
        told.into_iter().map(move |told| (index, told))
    });
    told.collect()
}

/// Where the parts of references are: the place, and the reference by its file and its position there.
struct Parts(Vec<(usize, (usize, usize))>);

impl Parts {
    fn new(references: &[Vec<Located>]) -> Self {
        let mut parts = Vec::new();
        for (file, references) in references.iter().enumerate() {
            for (at, located) in references.iter().enumerate() {
                let places = match &located.found {
                    Resolution::Known(known) => known.value.places(0..known.value.len()),
                    Resolution::Unknown { touches, .. } => touches.clone(),
                };
                parts.extend(places.iter().map(|place| (place.start, (file, at))));
            }
        }
        parts.sort_unstable();
        Self(parts)
    }

    /// The references with a part at a place.
    fn at(&self, place: &Range<usize>) -> impl Iterator<Item = (usize, usize)> {
        let first = self.0.partition_point(|(start, _)| *start < place.start);
        let here = self.0.iter().skip(first);
        here.take_while(|(start, _)| *start < place.end)
            .map(|(_, reference)| *reference)
    }
}

/// Gives the comments of a file that no reference has to the only reference with a part on the line below them.
fn give(
    sources: &Sources,
    index: usize,
    used: Option<&BTreeSet<usize>>,
    parts: &Parts,
    references: &mut [Vec<Located>],
) {
    let Ok(text) = sources.text(index) else {
        return;
    };
    let lines = Lines::new(&text.text);
    let mut number = 1;
    while let Some((start, line)) = lines.at(number) {
        let place = text.base + start..text.base + start + line.len();
        number += 1;
        if comment(line).is_some() {
            continue;
        }
        let notes = lines.notes_above(number - 1);
        let is_used = |note: &Comment| used.is_some_and(|used| used.contains(&note.line));
        if notes.is_empty() || notes.iter().any(is_used) {
            continue;
        }
        let fed: BTreeSet<(usize, usize)> = parts.at(&place).collect();
        let written = fed
            .iter()
            .map(|(file, at)| &references[*file][*at].written_at);
        let written: BTreeSet<usize> = written.map(|place| place.start).collect();
        if written.len() > 1 {
            continue;
        }
        let file = Some(sources.file(index).path.clone());
        for (of, at) in fed {
            let notes = notes.iter().map(|note| Comment {
                file: file.clone(),
                ..note.clone()
            });
            references[of][at].notes.extend(notes);
        }
    }
}

/// A remark for each comment of a file that no reference has.
fn idle(sources: &Sources, index: usize, used: Option<&BTreeSet<usize>>) -> Vec<Told> {
    let Ok(text) = sources.text(index) else {
        return Vec::new();
    };
    let lines = text.text.lines().enumerate();
    let idle = lines.filter(|(at, _)| used.is_none_or(|used| !used.contains(&(at + 1))));
    let told = idle.filter_map(|(at, line)| {
        let what = said(line)?.chars().take(MOST).collect();
        let (line, remark) = (at + 1, Remark::CommentIdle);
        Some(Told { line, remark, what })
    });
    told.take(MOST).collect()
}

/// The comment of imagebot in a line: alone, or after a value.
fn said(line: &str) -> Option<&str> {
    let text = match comment(line) {
        Some(text) => text,
        None => {
            let (before, text) = line.rsplit_once('#')?;
            text.trim().strip_prefix("imagebot:")?;
            before.ends_with([' ', '\t']).then_some(text.trim())?
        }
    };
    let starts = LEAD.as_ref()?.find(text.as_bytes())?.start() == 0;
    starts.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::said;

    #[test]
    fn comments_of_imagebot() {
        for (line, expect) in [
            ("  # imagebot: ignore", Some("imagebot: ignore")),
            ("# Imagebot : max=minor", Some("Imagebot : max=minor")),
            ("// imagebot image=nginx", Some("imagebot image=nginx")),
            ("tag: 1.2 # imagebot: ignore", Some("imagebot: ignore")),
            ("tag: 1.2#imagebot: ignore", None),
            ("# imagebot opens merge requests", None),
            ("# see imagebot: the manual", None),
            ("# imagebot.toml: settings", None),
        ] {
            assert_eq!(said(line), expect, "{line}");
        }
    }
}
