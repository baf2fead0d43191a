//! Distinguishes second versions from build counters by their list (`docs/tag-schemes.md`, "Second versions").
//!
//! `3.1.4-20` may be build 20 of 3.1.4, or 3.1.4 with Node 20. A counter starts at 0 or 1 and starts again, or
//! continues and never repeats; a second version is one of several that repeat after other versions. After a version of
//! one number, as in PostgreSQL's `16-3.4`, it is never certain: it may also be the missing number of the version.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use super::order::Number;
use super::reader::Reader;
use super::reading::{Reading, Word};

/// The meaning of a bare number after the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Second {
    /// It counts builds.
    Counter,
    /// It is a version of something else, and part of the variant.
    Version,
    /// The list is too short to decide: it must never fall, and a change of it counts like that of a version.
    Unknown,
}

/// A number with this many digits is a build's; no second version is so high.
const BUILD_DIGITS: usize = 3;

/// The observations about one position.
#[derive(Debug, Default)]
struct Seen {
    /// The version that each value was first seen after.
    values: HashMap<u64, u64>,
    /// One value that each version was first seen with.
    versions: HashMap<u64, u64>,
    /// Versions with several values.
    several: HashSet<u64>,
    repeats: bool,
    starts: bool,
    long: bool,
}

impl Seen {
    fn add<'t>(&mut self, version: u64, value: impl Iterator<Item = Number<'t>> + Clone) {
        let is_start = |number: Number<'_>| number.value().is_some_and(|value| value <= 1);
        self.starts |= value.clone().all(is_start);
        let mut numbers = value.clone();
        let first = numbers.next();
        self.long |= numbers.next().is_none() && first.is_some_and(|n| n.digits() >= BUILD_DIGITS);
        let value = hash_of(value);
        self.repeats |= *self.values.entry(value).or_insert(version) != version;
        if *self.versions.entry(version).or_insert(value) != value {
            self.several.insert(version);
        }
    }

    fn answer(&self, numbers: usize) -> Second {
        let matrix = self.repeats && self.values.len() >= 2;
        if self.starts || self.long {
            Second::Counter
        } else if matrix && numbers >= 2 {
            Second::Version
        } else if !self.repeats && self.several.len() >= 2 {
            Second::Counter
        } else {
            Second::Unknown
        }
    }
}

/// The meaning of each bare number of the current tag, from the tags that differ from it in numbers only.
pub(super) fn of<'t>(
    current: &Reading<'_>,
    reader: &Reader,
    tags: impl Iterator<Item = &'t str>,
) -> Vec<Second> {
    let places = current.bare_count();
    if places == 0 {
        return Vec::new();
    }
    let mut seen: Vec<Seen> = (0..places).map(|_| Seen::default()).collect();
    let mut add = |reading: &Reading<'_>| {
        let version = hash_of(reading.version.iter().map(|(number, _)| *number));
        for (place, seen) in (1..=places).zip(&mut seen) {
            if reading.bare(place).next().is_some() {
                seen.add(version, reading.bare(place));
            }
        }
    };
    add(current);
    let mut reading = Reading::default();
    for tag in tags {
        if reader.read(tag, &mut reading)
            && reading.bare_count() > 0
            && reading.prefix == current.prefix
            && reading.precision == current.precision
            && reading.is_calendar() == current.is_calendar()
            && same_words(&reading.words, &current.words)
        {
            add(&reading);
        }
    }
    let numbers = current.version.len();
    seen.iter().map(|seen| seen.answer(numbers)).collect()
}

fn same_words(left: &[Word<'_>], right: &[Word<'_>]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(l, r)| l.text == r.text)
}

fn hash_of<'t>(numbers: impl Iterator<Item = Number<'t>>) -> u64 {
    let mut hasher = DefaultHasher::new();
    for number in numbers {
        number.hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::hash::HashPlaces;
    use crate::scheme::rules::Scheme;

    #[test]
    fn the_list_tells_what_a_bare_number_is() {
        use Second::{Counter, Unknown, Version};
        let check = |current: &str, tags: &[&str], expect: &[Second]| {
            let reader = Reader::new(Scheme::Auto, HashPlaces::default(), None, None, false);
            let mut reading = Reading::default();
            assert!(reader.read(current, &mut reading), "{current}");
            let found = of(&reading, &reader, tags.iter().copied());
            assert_eq!(found, expect, "{current} {tags:?}");
        };
        check("3.1.4-20", &["3.1.5-20", "3.1.5-22"], &[Version]);
        check(
            "3.1.4-20-slim",
            &["3.1.5-20-slim", "3.1.5-18-slim"],
            &[Version],
        );
        check(
            "3.1.4-slim-20",
            &["3.1.5-slim-20", "3.1.4-slim-18"],
            &[Version],
        );
        check("3.1.4-20", &["3.1.5-20"], &[Unknown]);
        check("3.1.4-20-slim", &["3.1.5-20", "3.1.5-22"], &[Unknown]);
        check("3.1.4-20", &["v3.1.5-20", "v3.1.5-18"], &[Version]);
        check("3.1.4-20", &["3.1-20", "3.1-18", "2024.1.1-20"], &[Unknown]);
        check("3.1.4-20", &["3.1.5-20", "3.1.5-18", "3.1.5-1"], &[Counter]);
        check("3.1.4-2", &["3.1.5-0"], &[Counter]);
        check("8.6-990", &["8.6-1010"], &[Counter]);
        check("8.6-990", &["8.7-990", "8.7-1010"], &[Counter]);
        check("8.6-90", &["8.6-91", "8.7-92", "8.7-93"], &[Counter]);
        check("1.8-3.11", &["1.9-3.11", "1.9-3.12"], &[Version]);
        check("1.8-1.1", &["1.9-1.1", "1.9-1.2"], &[Counter]);
        check("16-3.4", &["17-3.4", "17-3.5"], &[Unknown]);
        check(
            "21.0.2_13_1.9.8_2.13.12",
            &["17.0.2_8_1.9.8_2.13.13", "17.0.2_8_1.9.9_2.13.13"],
            &[Version, Unknown],
        );
        // None of these is a bare number: Java's build, a date, letters, commits since, a time.
        for current in [
            "17.0.9_9",
            "1.2-20240115",
            "1.2-20240115.2",
            "1.2-r20",
            "1.2-5-gabc1234",
            "1.2-1475.1700000000",
            "1.2-debian-12",
        ] {
            check(current, &[], &[]);
        }
    }
}
