//! The order that all schemes share.
//!
//! A scheme turns a tag into a row of [`Token`]s; rows compare from left to right, and the first pair that differs
//! determines both which tag is newer and how wide the change is. A row ends with a sentinel wherever one row may be
//! shorter than another, so that no comparison depends on lengths.

use std::cmp::Ordering;

use super::level::Level;

/// A number of any length, as its digits without leading zeros; nothing overflows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Number<'t>(&'t str);

impl<'t> Number<'t> {
    pub(super) const ZERO: Self = Self("");

    /// Takes a run of ASCII digits.
    pub(super) fn new(digits: &'t str) -> Self {
        Self(digits.trim_start_matches('0'))
    }

    /// How many digits the number has; none for zero.
    pub(super) fn digits(self) -> usize {
        self.0.len()
    }

    /// The digits without leading zeros.
    pub(super) fn as_str(self) -> &'t str {
        self.0
    }

    /// The value, if it fits.
    pub(super) fn value(self) -> Option<u64> {
        match self.0.len() {
            0 => Some(0),
            1..=18 => Some(self.0.bytes().fold(0, |sum, digit| {
                sum * 10 + u64::from(digit.wrapping_sub(b'0'))
            })),
            _ => None,
        }
    }
}

impl Ord for Number<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.0.len(), self.0).cmp(&(other.0.len(), other.0))
    }
}

impl PartialOrd for Number<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl std::fmt::Display for Number<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_empty() { "0" } else { self.0 })
    }
}

/// The kinds of tokens. The order of the variants is part of the order of tags: everything that belongs to a prerelease
/// is below [`Mark::Stable`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark<'t> {
    /// A prerelease text ends here: fewer parts are lower (SemVer 2, 11.4.4).
    End,
    /// A numeric part of a prerelease text: below any word (SemVer 2, 11.4.3).
    Part(Number<'t>),
    /// A word of a prerelease text.
    Word(&'t str),
    /// A stage of `auto` by its rank, and its number.
    Stage(u8, Option<Number<'t>>),
    /// No prerelease, or the end of one.
    Stable,
    /// A codename, by its position among the releases.
    Codename(u16),
    /// A number of the version or of the variant.
    Number(Number<'t>),
    /// A build counter by the rank of its position, or the end of the counters.
    Counter(u8, Option<Number<'t>>),
}

/// One place of a row, with the width of a change that begins there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    pub(super) mark: Mark<'t>,
    pub(super) level: Level,
    /// Whether this is a counter with a date: a change of it is a build, whatever preceded it.
    pub(super) dated: bool,
}

impl<'t> Token<'t> {
    pub(super) fn new(mark: Mark<'t>, level: Level) -> Self {
        Self {
            mark,
            level,
            dated: false,
        }
    }
}

/// How `right` compares to `left`, and the width of the change; equal rows are [`Level::Digest`].
pub(super) fn difference(left: &[Token<'_>], right: &[Token<'_>]) -> (Ordering, Level) {
    let differs = left
        .iter()
        .zip(right)
        .find(|(left, right)| left.mark != right.mark);
    match differs {
        Some((left, right)) => {
            let level = match right.dated {
                true => Level::Build,
                false => left.level.max(right.level),
            };
            (right.mark.cmp(&left.mark), level)
        }
        None => match right.len().cmp(&left.len()) {
            Ordering::Equal => (Ordering::Equal, Level::Digest),
            order => (order, Level::Build),
        },
    }
}

/// The front of a row as small numbers, so that a sort rarely has to read the row itself.
///
/// Different fronts compare like the rows they come from; equal fronts decide nothing.
pub(super) type Front = [u32; 8];

/// The front of a row.
pub(super) fn front(row: &[Token<'_>]) -> Front {
    let mut front = Front::default();
    let mut slots = front.iter_mut();
    for token in row {
        let (class, number) = match token.mark {
            Mark::Number(number) => (None, Some(number)),
            Mark::Codename(place) => (Some(u32::from(place)), None),
            // The kind of prerelease; its number is left to the row.
            Mark::End => (Some(0), None),
            Mark::Part(_) => (Some(1), None),
            Mark::Word(_) => (Some(2), None),
            Mark::Stage(rank, _) => (Some(3 + u32::from(rank)), None),
            Mark::Stable => (Some(u32::MAX), None),
            Mark::Counter(rank, number) => {
                let counted = u32::from(number.is_some());
                (Some(2 * u32::from(rank) + counted), number)
            }
        };
        // A value that does not fit is above all that do, and nothing after it may count.
        let number = number.map(|number| {
            let value = number.value().and_then(|value| u32::try_from(value).ok());
            value.unwrap_or(u32::MAX)
        });
        for value in [class, number].into_iter().flatten() {
            let Some(slot) = slots.next() else {
                return front;
            };
            *slot = value;
        }
        if number == Some(u32::MAX) || token.mark < Mark::Stable {
            break;
        }
    }
    front
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fronts_that_differ_compare_like_their_rows() {
        let numbers = [
            "0",
            "1",
            "20240115",
            "4294967294",
            "4294967295",
            "4294967296",
            "99999999999",
        ];
        let mut marks: Vec<_> = numbers
            .map(|digits| Mark::Number(Number::new(digits)))
            .into();
        for rank in 0..3 {
            let counter = |digits| Mark::Counter(rank, Some(Number::new(digits)));
            marks.extend(numbers.map(counter));
            marks.extend([Mark::Counter(rank, None), Mark::Stage(rank, None)]);
        }
        let word = [
            Mark::End,
            Mark::Part(Number::ZERO),
            Mark::Word("a"),
            Mark::Stable,
        ];
        let (counts, others): (Vec<_>, Vec<_>) = marks
            .into_iter()
            .chain(word)
            .partition(|mark| matches!(mark, Mark::Counter(..)));
        let (numbers, stages): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|mark| matches!(mark, Mark::Number(_)));
        let token = |mark: &Mark<'static>| Token::new(*mark, Level::Build);
        let mut rows = Vec::new();
        for number in &numbers {
            for stage in &stages {
                rows.extend(counts.iter().map(|count| [number, stage, count].map(token)));
            }
        }
        for (left, right) in rows
            .iter()
            .zip(rows.iter().skip(7))
            .chain(rows.iter().zip(rows.iter().rev()))
        {
            let fronts = front(right).cmp(&front(left));
            let (order, _) = difference(left, right);
            assert!(
                fronts == Ordering::Equal || fronts == order,
                "{left:?} {right:?}"
            );
        }
    }
}
