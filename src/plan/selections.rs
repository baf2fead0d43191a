//! A cache of selections: the same tags, read by the same rules, starting from the same tag.
//!
//! A decision is repeated for every answer, and a fleet has many references to the same image. Parsing a list of
//! 100,000 tags is the most expensive step, so it is done once for all of them.

use super::observe::Lookup;
use crate::image::{ImageName, Tag};
use crate::scheme::{Rules, SchemeError, Selection, select};
use jiff::civil::Date;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many tags the cached selections may have in total, at some 50 bytes each.
const MOST_TAGS: usize = 200_000;

/// The cached selections of a fleet.
#[derive(Debug, Default)]
pub struct Selections(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    all: HashMap<(Lookup, Tag, String), Arc<Selection>>,
    tags: usize,
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

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
