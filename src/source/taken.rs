//! The places that references have already.

use super::located::{Located, Resolution};
use std::ops::Range;

/// Places in their order, those that meet as one.
#[derive(Debug, Default)]
pub(crate) struct Taken(Vec<Range<usize>>);

impl Taken {
    pub(crate) fn new<'a>(references: impl Iterator<Item = &'a Located>) -> Self {
        let mut all: Vec<Range<usize>> = Vec::new();
        for located in references {
            all.push(located.written_at.clone());
            match &located.found {
                Resolution::Known(known) => {
                    all.extend(known.value.places(0..known.value.len()));
                    for (value, _) in &known.also {
                        all.extend(value.places(0..value.len()));
                    }
                }
                Resolution::Unknown { touches, .. } => all.extend(touches.iter().cloned()),
            }
        }
        all.retain(|place| !place.is_empty());
        all.sort_by_key(|place| (place.start, place.end));
        let mut merged: Vec<Range<usize>> = Vec::with_capacity(all.len());
        for place in all {
            match merged.last_mut() {
                Some(last) if place.start < last.end => last.end = last.end.max(place.end),
                _ => merged.push(place),
            }
        }
        Self(merged)
    }

    /// Whether a place has a byte of a reference.
    pub(crate) fn meets(&self, place: &Range<usize>) -> bool {
        let first = self.0.partition_point(|taken| taken.end <= place.start);
        self.0
            .get(first)
            .is_some_and(|taken| taken.start < place.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_meet_if_they_have_a_byte_in_common() {
        let taken = Taken(vec![2..5, 8..9]);
        let met: Vec<usize> = (0..10).filter(|at| taken.meets(&(*at..at + 1))).collect();
        assert_eq!(met, [2, 3, 4, 8]);
        assert!(taken.meets(&(0..3)) && !taken.meets(&(5..8)) && !taken.meets(&(0..2)));
    }
}
