//! Text that knows the position of its every byte in the file.

use std::ops::Range;

/// Text composed of pieces of a file, each byte with the position that it was copied from.
///
/// ```text
/// ARG V=21                   file:  A R G _ V = 2 1 ⏎ F R O M _ n o d e : …
/// FROM node:${V}-alpine      value: n o d e : 2 1 - a l p i n e
///                            at:   14 …    18 6 7 23 …
/// ```
///
/// A run of consecutive positions is one piece of the file, and the only thing that an edit may replace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mapped {
    bytes: Vec<u8>,
    at: Vec<u32>,
}

/// A byte that was computed from others (`${V#v}`) and is nowhere in the file.
const COMPUTED: u32 = u32::MAX;
/// A byte from the configuration's `[args]`, which is nowhere in the file.
const GIVEN: u32 = u32::MAX - 1;

/// One run of a [`Mapped`] text that was copied from one position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Its range in the mapped text.
    pub(crate) range: Range<usize>,
    /// Its origin.
    pub(crate) origin: Origin,
}

/// The origin of a piece.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// Copied from these bytes of the file.
    File(Range<usize>),
    /// Computed from other text.
    Computed,
    /// Given by the configuration.
    Given,
}

impl Mapped {
    /// The text of a file from `start` on.
    pub(crate) fn of_file(text: &str, start: usize) -> Self {
        let mut mapped = Self::default();
        mapped.push_file(text, start);
        mapped
    }

    /// A text that the configuration gives.
    pub(crate) fn given(text: &str) -> Self {
        Self {
            bytes: text.as_bytes().to_vec(),
            at: vec![GIVEN; text.len()],
        }
    }

    /// A text that was computed.
    pub(crate) fn computed(text: &str) -> Self {
        Self {
            bytes: text.as_bytes().to_vec(),
            at: vec![COMPUTED; text.len()],
        }
    }

    /// Adds text whose position in the file is `start`.
    pub(crate) fn push_file(&mut self, text: &str, start: usize) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.at.extend((start..start + text.len()).map(place));
    }

    /// Adds byte `index` of another mapped text.
    pub(crate) fn push_from(&mut self, other: &Self, index: usize) {
        if let (Some(byte), Some(at)) = (other.bytes.get(index), other.at.get(index)) {
            self.bytes.push(*byte);
            self.at.push(*at);
        }
    }

    /// Adds another mapped text.
    pub(crate) fn append(&mut self, other: &Self) {
        self.bytes.extend_from_slice(&other.bytes);
        self.at.extend_from_slice(&other.at);
    }

    /// A part of the text.
    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        Self {
            bytes: self.bytes[range.clone()].to_vec(),
            at: self.at[range].to_vec(),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The text. It is only ever cut at ASCII characters, so that it is valid UTF-8.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap_or_default()
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The position in the file right after the byte before `index`, if that byte is in the file.
    pub(crate) fn place_behind(&self, index: usize) -> Option<usize> {
        let at = *self.at.get(index.checked_sub(1)?)?;
        (at < GIVEN).then_some(at as usize + 1)
    }

    /// The position in the file of the byte at `index`, if it is in the file.
    pub(crate) fn place_of(&self, index: usize) -> Option<usize> {
        self.at
            .get(index)
            .filter(|at| **at < GIVEN)
            .map(|at| *at as usize)
    }

    /// The positions in the file that `range` was copied from.
    pub(crate) fn places(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let place = |piece: Piece| match piece.origin {
            Origin::File(place) => Some(place),
            Origin::Computed | Origin::Given => None,
        };
        self.pieces(range).into_iter().filter_map(place).collect()
    }

    /// The runs of `range` that were copied from one position each.
    pub(crate) fn pieces(&self, range: Range<usize>) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        for index in range {
            let origin = match self.at[index] {
                COMPUTED => Origin::Computed,
                GIVEN => Origin::Given,
                at => Origin::File(at as usize..at as usize + 1),
            };
            match (pieces.last_mut(), origin) {
                (
                    Some(Piece {
                        range,
                        origin: Origin::File(file),
                    }),
                    Origin::File(next),
                ) if file.end == next.start => {
                    range.end += 1;
                    file.end += 1;
                }
                (
                    Some(Piece {
                        range,
                        origin: before,
                    }),
                    next,
                ) if *before == next && !matches!(next, Origin::File(_)) => {
                    range.end += 1;
                }
                (_, origin) => pieces.push(Piece {
                    range: index..index + 1,
                    origin,
                }),
            }
        }
        pieces
    }
}

/// Files are capped far below this limit; a position beyond it would count as computed, which only refuses an edit.
fn place(at: usize) -> u32 {
    u32::try_from(at)
        .ok()
        .filter(|at| *at < GIVEN)
        .unwrap_or(COMPUTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_runs_of_consecutive_places() {
        let mut text = Mapped::of_file("node:", 14);
        text.push_file("21", 6);
        text.push_file("-alpine", 23);
        text.append(&Mapped::computed("x"));
        assert_eq!(text.text(), "node:21-alpinex");
        let origins: Vec<_> = text
            .pieces(4..15)
            .into_iter()
            .map(|p| (p.range, p.origin))
            .collect();
        assert_eq!(
            origins,
            [
                (4..5, Origin::File(18..19)),
                (5..7, Origin::File(6..8)),
                (7..14, Origin::File(23..30)),
                (14..15, Origin::Computed)
            ]
        );
        assert_eq!(text.place_behind(7), Some(8));
        assert_eq!(text.place_behind(15), None);
    }
}
