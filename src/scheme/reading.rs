//! The parts of a tag, whatever the scheme.

use std::fmt;

use super::distribution::Release;
use super::level::Level;
use super::order::{Mark, Number, Token};
use super::second::Second;
use super::words::{B, BUILD, PLAIN, SECURITY};

/// Whether a `v` precedes the version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Style {
    /// `1.2.3`.
    #[default]
    Plain,
    /// `v1.2.3`.
    Lower,
    /// `V1.2.3`.
    Upper,
}

impl Style {
    /// The mark as it is written.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Lower => "v",
            Self::Upper => "V",
        }
    }
}

/// Whether a version is a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Calendar {
    /// Not a date.
    #[default]
    Plain,
    /// A year and something, or a month: it has rolling names as plain versions have.
    Year,
    /// A full date: a missing counter is always the lowest.
    Day,
}

/// A word of the variant with its separator: `-alpine3.18`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'t> {
    pub(super) text: &'t str,
    /// A CPU name: its numbers never change.
    pub(super) cpu: bool,
    /// A word with a number that is in no list.
    pub(super) unknown: bool,
}

/// The kinds of counters in [`Reading::arrangement`].
const COUNTER: u64 = 2;

/// A build counter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counter<'t> {
    pub(super) kind: &'static str,
    pub(super) number: Number<'t>,
    /// [`Level::Build`], or [`Level::Minor`] for a dotted number: it may be a second version.
    pub(super) level: Level,
    /// The number contains a date or a Unix time, so it is not a version.
    pub(super) dated: bool,
    /// The dotted number that it is part of, from 1, if that has no letters, date, time or hash: it may be a second
    /// version (`docs/tag-schemes.md`, "Second versions").
    pub(super) bare: u8,
}

/// A tag's parts under a scheme.
///
/// [`std::fmt::Display`] gives one readable line: `version 1.2.3 · prerelease rc 2 · variant alpine3.18 · build r4`.
#[derive(Debug, Clone, Default)]
pub struct Reading<'t> {
    pub(super) style: Style,
    /// The text before the version in pieces; a hash is an empty piece.
    pub(super) prefix: Vec<&'t str>,
    pub(super) codename: Option<&'static Release>,
    /// The version as it is written.
    pub(super) core: &'t str,
    /// The ordered numbers, each with the level of a change that begins there.
    pub(super) version: Vec<(Number<'t>, Level)>,
    /// The numbers that ranges compare, if they are not the version from left to right (`regex`).
    pub(super) ranged: Option<Vec<Number<'t>>>,
    /// Must be equal for two tags to be comparable: how many numbers, or which groups matched.
    pub(super) precision: usize,
    pub(super) calendar: Calendar,
    /// The number of digits of a date in one number.
    pub(super) date_digits: usize,
    /// The prerelease; empty means stable.
    pub(super) stages: Vec<Mark<'t>>,
    pub(super) words: Vec<Word<'t>>,
    pub(super) counters: Vec<Counter<'t>>,
    /// Whether the tail contains a commit hash.
    pub(super) hash: bool,
    /// The order of variant words and counters, two bits each.
    pub(super) arrangement: u64,
    /// A sum over the separators outside prefix and hashes.
    pub(super) separators: u64,
}

impl<'t> Reading<'t> {
    /// Empties the reading but keeps its memory: all tags of a list are read into the same one.
    pub(super) fn clear(&mut self) {
        let mut empty = Self {
            prefix: std::mem::take(&mut self.prefix),
            version: std::mem::take(&mut self.version),
            stages: std::mem::take(&mut self.stages),
            words: std::mem::take(&mut self.words),
            counters: std::mem::take(&mut self.counters),
            ..Self::default()
        };
        empty.prefix.clear();
        empty.version.clear();
        empty.stages.clear();
        empty.words.clear();
        empty.counters.clear();
        *self = empty;
    }

    pub(super) fn is_stable(&self) -> bool {
        self.stages.is_empty()
    }

    pub(super) fn is_calendar(&self) -> bool {
        self.calendar != Calendar::Plain
    }

    /// Whether the tag is the rolling name of its builds (`docs/tag-schemes.md`, `auto` 5).
    pub(super) fn is_rolling(&self) -> bool {
        self.counters.is_empty() && self.calendar != Calendar::Day
    }

    /// Whether a counter is one that a beta may have.
    pub(super) fn may_be_beta(&self) -> bool {
        self.counters
            .iter()
            .any(|counter| matches!(counter.kind, B | BUILD))
    }

    pub(super) fn push_word(&mut self, text: &'t str, cpu: bool, unknown: bool) {
        self.words.push(Word { text, cpu, unknown });
        self.arrangement = self.arrangement << 2 | 1;
    }

    pub(super) fn push_counter(&mut self, kind: &'static str, number: Number<'t>) {
        self.counters.push(Counter {
            kind,
            number,
            level: Level::Build,
            dated: false,
            bare: 0,
        });
        self.arrangement = self.arrangement << 2 | COUNTER;
    }

    /// The numbers of the version.
    pub(super) fn numbers(&self) -> impl Iterator<Item = Number<'t>> + Clone + '_ {
        self.version.iter().map(|(number, _)| *number)
    }

    /// How many bare numbers follow the version.
    pub(super) fn bare_count(&self) -> u8 {
        self.counters.iter().map(|c| c.bare).max().unwrap_or(0)
    }

    /// The parts of the bare number at a position, from 1; empty if there is none.
    pub(super) fn bare(&self, place: u8) -> impl Iterator<Item = Number<'t>> + Clone + '_ {
        let counters = self.counters.iter();
        counters
            .filter(move |counter| counter.bare == place)
            .map(|counter| counter.number)
    }

    /// Withdraws the last counters as a bare number: commits since a version, `1.2.3-5-gabc1234`.
    pub(super) fn unbare_last(&mut self) {
        let is_last = self.arrangement & 3 == COUNTER;
        if !is_last {
            return;
        }
        if let Some(last) = self
            .counters
            .last()
            .map(|c| c.bare)
            .filter(|bare| *bare > 0)
        {
            for counter in self.counters.iter_mut().filter(|c| c.bare == last) {
                counter.bare = 0;
            }
        }
    }

    pub(super) fn add_separators(&mut self, text: &str) {
        for byte in text.bytes().filter(|byte| !byte.is_ascii_alphanumeric()) {
            self.separators = self
                .separators
                .wrapping_mul(31)
                .wrapping_add(u64::from(byte));
        }
    }

    /// Appends the row by which the tag is ordered. `rolling` means that the current tag is the rolling name of its
    /// builds, `follow` that the variant's numbers count.
    pub(super) fn row(
        &self,
        rolling: bool,
        follow: bool,
        seconds: &[Second],
        row: &mut Vec<Token<'t>>,
    ) {
        if let Some(release) = self.codename {
            row.push(Token::new(Mark::Codename(release.place), Level::Major));
        }
        let numbers = self.version.iter();
        row.extend(numbers.map(|(number, level)| Token::new(Mark::Number(*number), *level)));
        let stages = self.stages.iter();
        row.extend(stages.map(|mark| Token::new(*mark, Level::Patch)));
        if self.stages.last() != Some(&Mark::End) {
            row.push(Token::new(Mark::Stable, Level::Patch));
        }
        if follow {
            let words = self.words.iter().filter(|word| !word.cpu);
            let numbers = words.flat_map(|word| numbers_in(word.text));
            row.extend(numbers.map(|number| Token::new(Mark::Number(number), Level::Minor)));
        }
        let is_second = |counter: &&Counter<'_>| {
            let place = usize::from(counter.bare).checked_sub(1);
            place.and_then(|at| seconds.get(at)) == Some(&Second::Version)
        };
        // Second versions belong to the variant: they come before all counters.
        let versions = self.counters.iter().filter(is_second);
        row.extend(versions.map(|counter| Token::new(Mark::Number(counter.number), Level::Patch)));
        // The position of the missing counter among the others, and the counters that are always above it.
        let (missing, counted) = if rolling { (1, 0) } else { (0, 1) };
        for counter in self.counters.iter().filter(|counter| !is_second(counter)) {
            let rank = if counter.kind == SECURITY { 2 } else { counted };
            let mark = Mark::Counter(rank, Some(counter.number));
            let dated = counter.dated;
            row.push(Token {
                dated,
                ..Token::new(mark, counter.level)
            });
        }
        row.push(Token::new(Mark::Counter(missing, None), Level::Build));
    }

    /// The numbers that a range compares.
    pub(super) fn range_numbers(&self) -> impl Iterator<Item = Number<'t>> + Clone {
        let own = self.ranged.as_deref().unwrap_or_default().iter().copied();
        let version = self.version.iter().map(|(number, _)| *number);
        own.chain(version.filter(|_| self.ranged.is_none()))
    }
}

/// The number runs of a text.
pub(super) fn numbers_in(text: &str) -> impl Iterator<Item = Number<'_>> + Clone {
    text.split(|c: char| !c.is_ascii_digit())
        .filter(|run| !run.is_empty())
        .map(Number::new)
}

/// The words of a variant as they are written.
pub(super) fn variant_text(words: &[Word<'_>]) -> String {
    let text: String = words.iter().map(|word| word.text).collect();
    text.strip_prefix(['-', '_', '.', '+'])
        .map_or(text.clone(), str::to_owned)
}

const STAGE_NAMES: [&str; 7] = [
    "dev",
    "nightly",
    "alpha",
    "beta",
    "milestone",
    "preview",
    "rc",
];

impl fmt::Display for Reading<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let prefix: Vec<_> = self
            .prefix
            .iter()
            .map(|piece| if piece.is_empty() { "…" } else { piece })
            .collect();
        if !prefix.is_empty() {
            parts.push(format!("prefix {}", prefix.concat()));
        }
        if let Some(release) = self.codename {
            parts.push(format!("codename {}", release.codename));
        }
        if !self.core.is_empty() {
            let what = match self.calendar {
                Calendar::Plain => "version",
                Calendar::Year | Calendar::Day => "calendar version",
            };
            parts.push(format!("{what} {}", self.core));
        }
        let stages: Vec<_> = self
            .stages
            .iter()
            .filter_map(|mark| match mark {
                Mark::Stage(rank, number) => {
                    let name = STAGE_NAMES.get(usize::from(*rank)).copied().unwrap_or("?");
                    Some(number.map_or(name.to_owned(), |number| format!("{name} {number}")))
                }
                Mark::Word(word) => Some((*word).to_owned()),
                Mark::Part(number) => Some(number.to_string()),
                _ => None,
            })
            .collect();
        if !stages.is_empty() {
            parts.push(format!("prerelease {}", stages.join(" ")));
        }
        if !self.words.is_empty() {
            parts.push(format!("variant {}", variant_text(&self.words)));
        }
        let counters = self.counters.iter();
        let counters: Vec<_> = counters
            .map(|counter| match counter.kind {
                PLAIN => counter.number.to_string(),
                SECURITY => format!("security {}", counter.number),
                kind => format!("{kind}{}", counter.number),
            })
            .collect();
        if !counters.is_empty() {
            parts.push(format!("build {}", counters.join(" ")));
        }
        if self.hash {
            parts.push("commit hash".to_owned());
        }
        f.write_str(&parts.join(" · "))
    }
}
