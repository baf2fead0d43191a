//! Compares the tags of a list with the current one, by their readings alone.

use std::cmp::Ordering;

use jiff::civil::Date;

use super::distribution::{Distribution, is_fedora_out, is_lts_number, is_number_out};
use super::level::Level;
use super::order::{Token, difference};
use super::reading::{Reading, Word, numbers_in};
use super::rules::{CodenameMode, Rules, VariantMode};
use super::second::Second;
use super::verdict::TagVerdict;
use super::words::{is_windows_build, names_windows};

/// The current tag and what makes others comparable with it.
#[derive(Debug)]
pub(super) struct Judge<'c> {
    pub(super) current: Reading<'c>,
    row: Vec<Token<'c>>,
    /// What each bare number of the current tag is.
    seconds: &'c [Second],
    rolling: bool,
    pub(super) follow: bool,
    codename: CodenameMode,
    prerelease: bool,
    distribution: Option<Distribution>,
    /// The image starts only on a Windows host of the same build.
    windows: bool,
    /// The style of `v` must stay the same.
    sticky: bool,
    auto: bool,
    today: Date,
}

/// A newer tag, before the policy is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Newer {
    pub(super) level: Level,
    pub(super) stable: bool,
    /// The current style of `v`, or a scheme without styles.
    pub(super) own_style: bool,
    /// An interim release beside a long-term one.
    pub(super) not_lts: bool,
    /// Its numbers are those of the current tag.
    pub(super) same_numbers: bool,
    /// Not out yet, or perhaps a beta: never a candidate, whatever else is in the list.
    pub(super) held: bool,
}

impl<'c> Judge<'c> {
    pub(super) fn new(
        current: Reading<'c>,
        seconds: &'c [Second],
        rules: &Rules,
        distribution: Option<Distribution>,
        today: Date,
    ) -> Self {
        let follow = rules.variant == VariantMode::Follow;
        let rolling = current.is_rolling();
        let mut row = Vec::new();
        current.row(rolling, follow, seconds, &mut row);
        let windows = distribution == Some(Distribution::Windows)
            || current.words.iter().any(|word| names_windows(word.text))
            || current.prefix.iter().any(|piece| names_windows(piece));
        Self {
            current,
            row,
            seconds,
            windows,
            rolling,
            follow,
            codename: rules.codename,
            prerelease: rules.prerelease,
            distribution,
            sticky: rules.scheme.traits().keeps_style,
            auto: rules.scheme.traits().guesses,
            today,
        }
    }

    /// The row by which a comparable tag is ordered.
    pub(super) fn row<'t>(&self, tag: &Reading<'t>, row: &mut Vec<Token<'t>>) {
        row.clear();
        tag.row(self.rolling, self.follow, self.seconds, row);
    }

    /// How a comparable tag compares to the current one; `row` is the tag's.
    pub(super) fn order(&self, row: &[Token<'_>]) -> (Ordering, Level) {
        difference(&self.row, row)
    }

    /// Judges a tag; `row` becomes its row if it is comparable.
    pub(super) fn judge<'t>(
        &self,
        tag: &Reading<'t>,
        row: &mut Vec<Token<'t>>,
    ) -> Result<Newer, TagVerdict> {
        self.comparable(tag)?;
        self.row(tag, row);
        let (order, level) = self.order(row);
        if order != Ordering::Greater {
            return Err(TagVerdict::OlderOrEqual);
        }
        let Some(level) = self.widened(tag, level) else {
            return Err(TagVerdict::OlderOrEqual);
        };
        let current = &self.current;
        Ok(Newer {
            level,
            stable: tag.is_stable(),
            own_style: !self.sticky || tag.style == current.style,
            not_lts: self.is_beside_lts(tag),
            same_numbers: tag.codename == current.codename && current.numbers().eq(tag.numbers()),
            held: self.is_held(tag),
        })
    }

    /// Whether a tag is not out yet, or perhaps a beta.
    pub(super) fn is_held(&self, tag: &Reading<'_>) -> bool {
        let may_be_beta = self.current.counters.is_empty() && tag.may_be_beta();
        may_be_beta && !self.prerelease || self.is_unreleased(tag)
    }

    /// The level of a change if more than the first difference counts; `None` if a second version falls.
    fn widened(&self, tag: &Reading<'_>, mut level: Level) -> Option<Level> {
        let current = &self.current;
        for (place, second) in (1..).zip(self.seconds) {
            let (from, to) = (current.bare(place), tag.bare(place));
            if *second == Second::Counter || to.clone().next().is_none() {
                continue;
            }
            if to.clone().lt(from.clone()) {
                return None;
            }
            let shared = from.clone().zip(to.clone());
            let differs = shared.clone().position(|(from, to)| from != to);
            let longer = (from.count() != to.count()).then(|| shared.count());
            level = level.max(match differs.or(longer) {
                None => continue,
                Some(0) => Level::Major,
                Some(1) => Level::Minor,
                Some(_) => Level::Patch,
            });
        }
        Some(match self.windows && self.is_other_host(tag) {
            true => Level::Major,
            false => level,
        })
    }

    /// Whether a Windows image starts on hosts of another build: `10.0.<build>`, `ltsc2022`.
    fn is_other_host(&self, tag: &Reading<'_>) -> bool {
        let build = |reading: &Reading<'_>| {
            let value = |at: usize| reading.numbers().nth(at);
            let is_windows = value(0)?.value() == Some(10) && value(1)?.value() == Some(0);
            value(2).filter(|_| is_windows).map(|number| number.value())
        };
        let words = self.current.words.iter().zip(&tag.words);
        build(&self.current) != build(tag)
            || words.into_iter().any(|(from, to)| {
                let builds = |text| numbers_in(text).take(3);
                is_windows_build(from.text) && !builds(from.text).eq(builds(to.text))
            })
    }

    /// Whether two tags can be compared at all, or the first reason why not.
    pub(super) fn comparable(&self, tag: &Reading<'_>) -> Result<(), TagVerdict> {
        let current = &self.current;
        if tag.prefix != current.prefix {
            return Err(TagVerdict::OtherPrefix);
        }
        if self.variant_difference(tag).is_some() {
            return Err(TagVerdict::OtherVariant);
        }
        if tag.codename != current.codename
            && (self.codename == CodenameMode::Hold || tag.codename.is_none())
        {
            return Err(TagVerdict::OtherCodename);
        }
        let other_date =
            tag.is_calendar() && current.is_calendar() && tag.date_digits != current.date_digits;
        if tag.precision != current.precision || other_date {
            return Err(TagVerdict::OtherPrecision);
        }
        if tag.is_calendar() != current.is_calendar() {
            return Err(TagVerdict::OtherCalendar);
        }
        if self.auto && !current.is_calendar() && is_far_off(current, tag) {
            return Err(TagVerdict::FarOff);
        }
        Ok(())
    }

    /// The difference between the variants of two tags.
    pub(super) fn variant_difference(&self, tag: &Reading<'_>) -> Option<VariantDifference> {
        let current = &self.current;
        let same = match self.follow {
            false => {
                tag.words.len() == current.words.len()
                    && tag
                        .words
                        .iter()
                        .zip(&current.words)
                        .all(|(left, right)| left.text == right.text)
            }
            true => rises(&current.words, &tag.words),
        };
        if !same {
            return Some(VariantDifference::Words);
        }
        if !self.same_seconds(tag) {
            return Some(VariantDifference::Second);
        }
        if !same_kinds(current, tag) {
            return Some(VariantDifference::Kinds);
        }
        // A release never moves to a commit build; a commit build may move to a release.
        (tag.hash && !current.hash).then_some(VariantDifference::Hash)
    }

    /// Whether the second versions are those of the current tag, or may follow them.
    fn same_seconds(&self, tag: &Reading<'_>) -> bool {
        let places = (1..).zip(self.seconds);
        let mut versions = places.filter(|(_, second)| **second == Second::Version);
        versions.all(|(place, _)| {
            let (from, to) = (self.current.bare(place), tag.bare(place));
            match self.follow {
                true => from.clone().count() == to.clone().count() && from.le(to),
                false => from.eq(to),
            }
        })
    }

    /// Whether a tag's second versions are higher and its variant does not differ otherwise.
    pub(super) fn second_rises(&self, tag: &Reading<'_>) -> bool {
        let mut places = (1..).zip(self.seconds);
        self.variant_difference(tag) == Some(VariantDifference::Second)
            && places.all(|(place, _)| {
                let (from, to) = (self.current.bare(place), tag.bare(place));
                from.clone().count() == to.clone().count() && from.le(to)
            })
    }

    /// A codename or an Ubuntu number before its release.
    fn is_unreleased(&self, tag: &Reading<'_>) -> bool {
        match (tag.codename, self.distribution) {
            (Some(release), _) => {
                Some(release) != self.current.codename && !release.is_out(self.today)
            }
            (None, Some(Distribution::Ubuntu)) if is_numbered(tag) => {
                let (year, month) = year_and_month(tag);
                !is_number_out(year, month, self.today)
            }
            (None, Some(Distribution::Fedora)) if tag.prefix.is_empty() => {
                let number = year_and_month(tag).0;
                !tag.is_calendar() && !is_fedora_out(number, self.today)
            }
            _ => false,
        }
    }

    /// Whether Ubuntu's current release is a long-term one and the tag's is not.
    fn is_beside_lts(&self, tag: &Reading<'_>) -> bool {
        if self.distribution != Some(Distribution::Ubuntu) {
            return false;
        }
        let is_lts = |reading: &Reading<'_>| match reading.codename {
            Some(release) => release.is_lts(),
            None => {
                let (year, month) = year_and_month(reading);
                is_numbered(reading) && is_lts_number(year, month)
            }
        };
        is_lts(&self.current) && !is_lts(tag)
    }

    /// How well a tag that compares equal to another fits the current one; the lowest fits best.
    pub(super) fn unlikeness(&self, tag: &Reading<'_>) -> Unlikeness {
        let current = &self.current;
        Unlikeness {
            style: tag.style != current.style,
            arrangement: tag.arrangement != current.arrangement,
            separators: tag.separators != current.separators,
        }
    }
}

/// The criteria between tags that compare equal, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unlikeness {
    style: bool,
    arrangement: bool,
    separators: bool,
}

/// The difference between two variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VariantDifference {
    Words,
    Second,
    Kinds,
    Hash,
}

/// Whether a version is another kind of number: it contains a date or a build number, or begins with a year.
pub(super) fn is_far_off(current: &Reading<'_>, tag: &Reading<'_>) -> bool {
    let digits = |reading: &Reading<'_>, at: usize| {
        let number = reading.version.get(at);
        number.map_or(0, |(number, _)| number.digits())
    };
    let numbers = current.version.len().min(tag.version.len());
    let first = digits(current, 0) <= 2 && digits(tag, 0) >= 4;
    first || (0..numbers).any(|at| digits(current, at) < 5 && digits(tag, at) >= 7)
}

/// Whether the counters of two tags have the same kinds, as far as both have counters.
pub(super) fn same_kinds(left: &Reading<'_>, right: &Reading<'_>) -> bool {
    let mut kinds = left.counters.iter().zip(&right.counters);
    kinds.all(|(left, right)| left.kind == right.kind)
}

/// Whether a variant has the same words as another and no lower number.
pub(super) fn rises(from: &[Word<'_>], to: &[Word<'_>]) -> bool {
    from.len() == to.len()
        && from.iter().zip(to).all(|(from, to)| {
            from.text == to.text
                || !from.cpu
                    && same_skeleton(from.text, to.text)
                    && numbers_in(from.text).le(numbers_in(to.text))
        })
}

/// Whether two words are equal except for the values of their numbers.
pub(super) fn same_skeleton(left: &str, right: &str) -> bool {
    let (mut left, mut right) = (left, right);
    let digit = |c: char| c.is_ascii_digit();
    loop {
        let ends = (
            left.find(digit).unwrap_or(left.len()),
            right.find(digit).unwrap_or(right.len()),
        );
        if left[..ends.0] != right[..ends.1] {
            return false;
        }
        let next = (
            left[ends.0..].trim_start_matches(digit),
            right[ends.1..].trim_start_matches(digit),
        );
        let had_number = (
            next.0.len() + ends.0 < left.len(),
            next.1.len() + ends.1 < right.len(),
        );
        if had_number.0 != had_number.1 {
            return false;
        }
        if !had_number.0 {
            return true;
        }
        (left, right) = next;
    }
}

/// How many digits the zero padding of a tag differs from that of the current one.
pub(super) fn padding_distance(tag: &str, current: &str) -> usize {
    digit_runs(tag)
        .zip(digit_runs(current))
        .map(|(left, right)| left.len().abs_diff(right.len()))
        .sum()
}

fn digit_runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter(|run| !run.is_empty())
}

/// Whether a tag is a year and a month, as Ubuntu numbers its releases.
fn is_numbered(tag: &Reading<'_>) -> bool {
    tag.codename.is_none() && tag.prefix.is_empty() && !tag.is_calendar() && tag.version.len() >= 2
}

fn year_and_month(tag: &Reading<'_>) -> (Option<u64>, Option<u64>) {
    let value = |place: usize| {
        tag.version
            .get(place)
            .and_then(|(number, _)| number.value())
    };
    (value(0), value(1))
}
