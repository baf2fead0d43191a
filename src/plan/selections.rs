//! Selections that were made already: the same tags, read by the same rules, from the same tag on.
//!
//! A decision is made again with every answer, and a fleet has many references to the same image. Reading a list of
//! 100,000 tags takes longer than all else, so it is done once for all of them.

use super::observe::Lookup;
use crate::image::{ImageName, Tag};
use crate::scheme::{Rules, SchemeError, Selection, select};
use jiff::civil::Date;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many tags all selections that are kept may have together, some 50 bytes each.
const MOST_TAGS: usize = 200_000;

/// The selections of a fleet.
#[derive(Debug, Default)]
pub struct Selections(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    all: HashMap<(Lookup, Tag, String), Arc<Selection>>,
    tags: usize,
    made: usize,
}

impl Selections {
    /// The selection among an image's tags, seen from one of them; it is made if it is not kept.
    pub(super) fn get(
        &self,
        lookup: &Lookup,
        current: &Tag,
        tags: &[Tag],
        rules: &Rules,
        today: Date,
    ) -> Result<Selection, SchemeError> {
        let key = (
            lookup.clone(),
            current.clone(),
            format!("{today} {rules:?}"),
        );
        if let Some(known) = self.kept().all.get(&key) {
            return Ok(known.as_ref().clone());
        }
        let texts: Vec<&str> = tags.iter().map(Tag::as_str).collect();
        let made = select(&lookup.image, Some(current.as_str()), &texts, rules, today)?;
        let mut kept = self.kept();
        kept.made += 1;
        if kept.tags + tags.len() > MOST_TAGS {
            kept.all.clear();
            kept.tags = 0;
        }
        if tags.len() <= MOST_TAGS {
            kept.tags += tags.len();
            kept.all.insert(key, Arc::new(made.clone()));
        }
        Ok(made)
    }

    /// How many were made, rather than taken from those that are kept.
    pub fn made(&self) -> usize {
        self.kept().made
    }

    /// An image's tags are no longer what they were.
    pub(super) fn forget(&self, image: &ImageName) {
        self.kept()
            .all
            .retain(|(lookup, ..), _| lookup.image != *image);
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
