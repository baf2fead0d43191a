//! Compares the tags of a list with the current one, by their readings alone.

use std::cmp::Ordering;

use jiff::civil::Date;

use super::distribution::{Distribution, is_lts_number, is_number_out};
use super::level::Level;
use super::order::{Token, difference};
use super::reading::{Reading, Word, numbers_in};
use super::rules::{CodenameMode, Rules, Scheme, VariantMode};
use super::verdict::Verdict;

/// The current tag and what makes others comparable with it.
#[derive(Debug)]
pub(super) struct Judge<'c> {
    pub(super) current: Reading<'c>,
    row: Vec<Token<'c>>,
    rolling: bool,
    pub(super) follow: bool,
    codename: CodenameMode,
    prerelease: bool,
    distribution: Option<Distribution>,
    /// The style of `v` is sticky.
    sticky: bool,
    auto: bool,
    today: Date,
}

/// A newer tag, before the policy has its say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Newer {
    pub(super) level: Level,
    pub(super) stable: bool,
    /// The current style of `v`, or a scheme without styles.
    pub(super) own_style: bool,
    /// An interim release beside a long-term one.
    pub(super) not_lts: bool,
}

impl<'c> Judge<'c> {
    pub(super) fn new(
        current: Reading<'c>,
        rules: &Rules,
        distribution: Option<Distribution>,
        today: Date,
    ) -> Self {
        let follow = rules.variant == VariantMode::Follow;
        let rolling = current.is_rolling();
        let mut row = Vec::new();
        current.row(rolling, follow, &mut row);
        Self {
            current,
            row,
            rolling,
            follow,
            codename: rules.codename,
            prerelease: rules.prerelease,
            distribution,
            sticky: !matches!(rules.scheme, Scheme::Regex(_)),
            auto: matches!(rules.scheme, Scheme::Auto),
            today,
        }
    }

    /// Whether prereleases are candidates only where no stable tag is.
    pub(super) fn gates_prereleases(&self) -> bool {
        !self.current.is_stable() && !self.prerelease
    }

    /// The row by which a comparable tag is ordered.
    pub(super) fn row<'t>(&self, tag: &Reading<'t>, row: &mut Vec<Token<'t>>) {
        row.clear();
        tag.row(self.rolling, self.follow, row);
    }

    /// How a comparable tag stands to the current one; `row` is the tag's.
    pub(super) fn order(&self, row: &[Token<'_>]) -> (Ordering, Level) {
        difference(&self.row, row)
    }

    /// Judges a tag; `row` becomes its row if it is comparable.
    pub(super) fn judge<'t>(
        &self,
        tag: &Reading<'t>,
        row: &mut Vec<Token<'t>>,
    ) -> Result<Newer, Verdict> {
        self.comparable(tag)?;
        self.row(tag, row);
        let (order, level) = self.order(row);
        if order != Ordering::Greater {
            return Err(Verdict::OlderOrEqual);
        }
        if self.waits(tag) {
            return Err(Verdict::Prerelease);
        }
        Ok(Newer {
            level,
            stable: tag.is_stable(),
            own_style: !self.sticky || tag.style == self.current.style,
            not_lts: self.is_beside_lts(tag),
        })
    }

    /// Whether two tags can be compared at all, or the first reason why not.
    pub(super) fn comparable(&self, tag: &Reading<'_>) -> Result<(), Verdict> {
        let current = &self.current;
        if tag.prefix != current.prefix {
            return Err(Verdict::OtherPrefix);
        }
        if self.variant_difference(tag).is_some() {
            return Err(Verdict::OtherVariant);
        }
        if tag.codename != current.codename
            && (self.codename == CodenameMode::Hold || tag.codename.is_none())
        {
            return Err(Verdict::OtherCodename);
        }
        if tag.precision != current.precision || self.is_other_magnitude(tag) {
            return Err(Verdict::OtherPrecision);
        }
        if tag.is_calendar() != current.is_calendar() {
            return Err(Verdict::OtherCalendar);
        }
        Ok(())
    }

    /// What sets the variants of two tags apart.
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
        let kinds = tag.counters.iter().zip(&current.counters);
        if kinds
            .into_iter()
            .any(|(left, right)| left.kind != right.kind)
        {
            return Some(VariantDifference::Kinds);
        }
        // A release never moves to a commit build; from a commit build the way to a release is open.
        (tag.hash && !current.hash).then_some(VariantDifference::Hash)
    }

    /// Numbers of another kind: dates of another length, and a huge number beside a small one.
    fn is_other_magnitude(&self, tag: &Reading<'_>) -> bool {
        let current = &self.current;
        if tag.is_calendar() && current.is_calendar() {
            return tag.date_digits != current.date_digits;
        }
        match (&current.version[..], &tag.version[..]) {
            ([(small, _)], [(huge, _)])
                if self.auto && !tag.is_calendar() && !current.is_calendar() =>
            {
                small.digits() < 5 && huge.digits() >= 7
            }
            _ => false,
        }
    }

    /// Whether a newer tag is one that a stable policy waits for.
    fn waits(&self, tag: &Reading<'_>) -> bool {
        let current = &self.current;
        let wants_stage = |tag: &Reading<'_>| {
            let numbers = tag.version.iter().map(|(number, _)| *number);
            let same_numbers = || {
                let own = current.version.iter().map(|(number, _)| *number);
                tag.codename == current.codename && own.eq(numbers)
            };
            tag.is_stable() || self.prerelease || !current.is_stable() && same_numbers()
        };
        let may_be_beta = current.counters.is_empty() && tag.may_be_beta() && !self.prerelease;
        !wants_stage(tag) || may_be_beta || self.is_unreleased(tag)
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

/// What decides between tags that compare equal, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unlikeness {
    style: bool,
    arrangement: bool,
    separators: bool,
}

/// What sets two variants apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum VariantDifference {
    Words,
    Kinds,
    Hash,
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

/// Whether two words are equal but for the values of their numbers.
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

/// How far the zero padding of a tag is from that of the current one: digits too many or too few.
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
