//! A cache of selections: the same tags, read by the same rules, starting from the same tag.
//!
//! A decision is repeated for every answer, and a fleet has many references to the same image. Parsing a list of
//! 100,000 tags is the most expensive step, so it is done once for all of them.

use super::observe::Lookup;
use crate::image::{ImageName, Tag};
use crate::scheme::{Rules, SchemeError, Selection, select};
use jiff::civil::Date;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many tags the cached selections may have in total, at some 50 bytes each.
const MOST_TAGS: usize = 200_000;

/// The cached selections of a fleet.
#[derive(Debug, Default)]
pub struct Selections(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Each with the number of its tags.
    all: HashMap<(Lookup, Tag, String), (usize, Arc<Selection>)>,
    made: usize,
}

impl Selections {
    /// The selection from an image's tags, starting from one of them; made if it is not cached.
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
        if let Some((_, known)) = self.kept().all.get(&key) {
            return Ok(known.as_ref().clone());
        }
        let texts: Vec<&str> = tags.iter().map(Tag::as_str).collect();
        let made = select(&lookup.image, Some(current.as_str()), &texts, rules, today)?;
        let mut kept = self.kept();
        kept.made += 1;
        let in_cache: usize = kept.all.values().map(|(tags, _)| tags).sum();
        if in_cache + tags.len() > MOST_TAGS {
            kept.all.clear();
        }
        if tags.len() <= MOST_TAGS {
            let entry = (tags.len(), Arc::new(made.clone()));
            kept.all.insert(key, entry);
        }
        Ok(made)
    }

    /// How many selections were made instead of taken from the cache.
    pub fn made(&self) -> usize {
        self.kept().made
    }

    /// Drops the selections of an image whose tags have changed.
    pub(super) fn forget(&self, image: &ImageName) {
        self.kept()
            .all
            .retain(|(lookup, ..), _| lookup.image != *image);
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
