//! Where the parts of a reference are, to show them.

use super::located::{Located, Resolution};
use super::sources::Sources;
use crate::repo::RepoPath;
use std::ops::Range;

impl Sources {
    /// The bytes of the files that a reference is made of, file by file in the order of the reference. A part that is
    /// not known as such is marked as it is written.
    pub fn marks(&self, located: &Located) -> Vec<(&RepoPath, Range<usize>)> {
        let places = match &located.found {
            Resolution::Known(known) => known.value.places(0..known.value.len()),
            Resolution::Unknown { .. } => Vec::new(),
        };
        let places = match places.is_empty() {
            true => vec![located.written_at.clone()],
            false => places,
        };
        let marks = places.into_iter().filter(|place| !place.is_empty());
        marks
            .map(|place| {
                let index = self.index_at(place.start);
                let base = self.base(index);
                let length = self.file(index).contents.len();
                let local = place.start - base..(place.end - base).min(length);
                (&self.file(index).path, local)
            })
            .collect()
    }
}
