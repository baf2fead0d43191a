//! Sorts the newer tags of a list: the one sort that a selection makes.

use std::cell::OnceCell;
use std::cmp::Ordering;

use super::judge::{Newer, Unlikeness, padding_distance};
use super::order::{Front, Token, difference, front};
use super::verdict::TagVerdict;

/// The range of a tag in the text of all tags.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span(pub(super) usize, pub(super) usize);

/// A newer tag and what speaks against it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) span: Span,
    pub(super) newer: Newer,
    /// The verdict of the policy against it.
    pub(super) policy: Option<TagVerdict>,
    /// The verdict of the caller against it.
    pub(super) rejected: Option<TagVerdict>,
    /// Its number among the tags of its family.
    pub(super) member: usize,
}

/// The newer tags of a list while it is read, with everything that their order depends on.
#[derive(Default)]
pub(super) struct Newest<'t> {
    found: Vec<Found<'t>>,
    /// The rows of all of them, concatenated.
    rows: Vec<Token<'t>>,
}

struct Found<'t> {
    tag: &'t str,
    row: Span,
    unlike: Unlikeness,
    /// The difference of its zero padding to the current tag's, once it was needed.
    padding: OnceCell<usize>,
    entry: Entry,
}

/// The part of a key that decides most comparisons, kept apart so that a sort moves little.
struct Key {
    own_style: bool,
    front: Front,
    place: usize,
}

impl<'t> Newest<'t> {
    /// Keeps a newer tag and its row.
    pub(super) fn push(
        &mut self,
        tag: &'t str,
        entry: Entry,
        unlike: Unlikeness,
        row: &[Token<'t>],
    ) {
        let start = self.rows.len();
        self.rows.extend_from_slice(row);
        self.found.push(Found {
            tag,
            row: Span(start, self.rows.len()),
            unlike,
            padding: OnceCell::new(),
            entry,
        });
    }

    fn row(&self, found: &Found<'t>) -> &[Token<'t>] {
        self.rows.get(found.row.0..found.row.1).unwrap_or_default()
    }

    /// Every tag once, best first: its own style of `v` first, then the newest, then the most similar to the current
    /// tag. Counts its comparisons.
    pub(super) fn into_sorted(self, current: &str, comparisons: &mut u64) -> Vec<Entry> {
        let mut keys: Vec<_> = self
            .found
            .iter()
            .enumerate()
            .map(|(place, found)| Key {
                own_style: found.entry.newer.own_style,
                front: front(self.row(found)),
                place,
            })
            .collect();
        keys.sort_unstable_by(|left, right| {
            *comparisons += 1;
            let coarse = (right.own_style, right.front).cmp(&(left.own_style, left.front));
            coarse.then_with(
                || match (self.found.get(left.place), self.found.get(right.place)) {
                    (Some(left), Some(right)) => self.compare(left, right, current),
                    _ => Ordering::Equal,
                },
            )
        });
        let mut sorted: Vec<_> = keys
            .into_iter()
            .filter_map(|key| self.found.get(key.place))
            .collect();
        sorted.dedup_by(|left, right| left.tag == right.tag);
        sorted.into_iter().map(|found| found.entry).collect()
    }

    fn compare(&self, left: &Found<'t>, right: &Found<'t>, current: &str) -> Ordering {
        let (newer, _) = difference(self.row(left), self.row(right));
        newer
            .then_with(|| left.unlike.cmp(&right.unlike))
            .then_with(|| {
                let padding = |found: &Found<'t>| {
                    let distance = || padding_distance(found.tag, current);
                    *found.padding.get_or_init(distance)
                };
                padding(left).cmp(&padding(right))
            })
            .then_with(|| (left.tag.len(), left.tag).cmp(&(right.tag.len(), right.tag)))
    }
}
