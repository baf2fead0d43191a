//! Lines that have ended: nothing newer is written like the current tag, but the list continues in another shape
//! (`docs/tag-schemes.md`, "A line that has ended"). This is only a remark; the user decides.

use super::hint::Hint;
use super::judge::{Judge, is_far_off, same_kinds};
use super::offer::scheme_line;
use super::order::Number;
use super::reading::{Calendar, Reading, Word};
use super::words::needs_number;

/// The one respect in which a tag's shape differs from the current one's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Respect {
    Precision,
    Calendar,
    WordMore,
    WordLess,
    Counter,
}

/// The best tag of another shape so far.
#[derive(Debug, Default)]
pub(super) struct Endings<'t>(Option<Best<'t>>);

#[derive(Debug)]
struct Best<'t> {
    tag: &'t str,
    numbers: Vec<Number<'t>>,
    respect: Respect,
}

impl<'t> Endings<'t> {
    /// Notes a tag that cannot be compared with the current one.
    pub(super) fn saw(&mut self, judge: &Judge<'_>, tag: &'t str, reading: &Reading<'t>) {
        let current = &judge.current;
        if !is_ahead(current, reading) || !reading.is_stable() || judge.is_held(reading) {
            return;
        }
        let Some(respect) = only_difference(current, reading) else {
            return;
        };
        let numbers = || reading.numbers();
        let better = self.0.as_ref().is_none_or(|best| {
            let order = numbers().cmp(best.numbers.iter().copied());
            let shorter = (best.tag.len(), best.tag).cmp(&(tag.len(), tag));
            order.then(shorter).is_gt()
        });
        if better {
            self.0 = Some(Best {
                tag,
                numbers: numbers().collect(),
                respect,
            });
        }
    }

    /// The remark, if nothing newer of the current shape is left.
    pub(super) fn finish(self, current: &str) -> Option<Hint> {
        let best = self.0?;
        let how = match best.respect {
            Respect::Precision => "with another count of numbers",
            Respect::Calendar => "with dates in one of the two formats",
            Respect::WordMore => "with one more word",
            Respect::WordLess => "with one word less",
            Respect::Counter => "with another word before the build number",
        };
        let fix = match scheme_line(current, best.tag) {
            Some(line) => format!("{line} takes it"),
            None => "write it by hand to switch".to_owned(),
        };
        Some(Hint {
            code: "line-ended",
            text: format!(
                "no newer tag has the format of {current:?}, but newer tags exist {how}: {:?}; {fix}",
                best.tag
            ),
        })
    }
}

/// Whether a tag's first number, or its date, is higher.
fn is_ahead(current: &Reading<'_>, tag: &Reading<'_>) -> bool {
    if current.prefix != tag.prefix || current.codename.is_some() || tag.codename.is_some() {
        return false;
    }
    match (current.is_calendar(), tag.is_calendar()) {
        (true, true) => month(tag) > month(current),
        // A single date beside plain versions is a snapshot.
        (false, true) => tag.version.len() > 1,
        (true, false) => tag.numbers().next() > current.numbers().next(),
        (false, false) => {
            let first = |reading: &Reading<'_>| reading.numbers().next()?.value();
            // Beside 1.2.3 the tags 1 to 57 of a pipeline are a different count, not a different shape.
            let goes_on = match (first(current), first(tag)) {
                (Some(from), Some(to)) => to > from && !is_leap(from, to),
                _ => false,
            };
            goes_on && !is_far_off(current, tag)
        }
    }
}

/// A leap skips at least this many first numbers; it also at least doubles the number.
const LEAP: u64 = 5;

/// Whether a first number leaps over others: 5 and 20.
pub(super) fn is_leap(below: u64, to: u64) -> bool {
    to.saturating_sub(below) >= LEAP && to >= below.saturating_mul(2)
}

/// The year and the second number of a date, in one run of digits or several.
fn month(reading: &Reading<'_>) -> (Option<u64>, Option<u64>) {
    let value = |at: usize| {
        reading
            .version
            .get(at)
            .and_then(|(number, _)| number.value())
    };
    let part = |from: usize, to: usize| reading.core.get(from..to)?.parse().ok();
    match reading.version.len() {
        1 if reading.calendar != Calendar::Plain => (part(0, 4), part(4, 6)),
        _ => (value(0), value(1)),
    }
}

/// The difference between two shapes, if there is only one.
fn only_difference(current: &Reading<'_>, tag: &Reading<'_>) -> Option<Respect> {
    if tag.hash != current.hash {
        return None;
    }
    let words = match word_difference(&current.words, &tag.words) {
        Words::Same => None,
        Words::More => Some(Respect::WordMore),
        Words::Less => Some(Respect::WordLess),
        Words::Other => return None,
    };
    let is_date = |reading: &Reading<'_>| reading.date_digits;
    let precision = tag.precision != current.precision
        || tag.is_calendar() && current.is_calendar() && is_date(tag) != is_date(current);
    let calendar = tag.is_calendar() != current.is_calendar();
    let kinds = !same_kinds(current, tag);
    let mut found = [
        words,
        precision.then_some(Respect::Precision),
        calendar.then_some(Respect::Calendar),
        kinds.then_some(Respect::Counter),
    ]
    .into_iter()
    .flatten();
    found.next().filter(|_| found.next().is_none())
}

enum Words {
    Same,
    More,
    Less,
    Other,
}

/// Whether two variants differ only by one additional word. Words such as `test` and `edge` do not name a line.
fn word_difference(from: &[Word<'_>], to: &[Word<'_>]) -> Words {
    let same = |(left, right): (&Word<'_>, &Word<'_>)| left.text == right.text;
    let (short, long) = if from.len() < to.len() {
        (from, to)
    } else {
        (to, from)
    };
    if long.len() > short.len() + 1 {
        return Words::Other;
    }
    let front = short
        .iter()
        .zip(long)
        .take_while(|pair| same(*pair))
        .count();
    if front == long.len() {
        return Words::Same;
    }
    let rest = (short.get(front..), long.get(front + 1..));
    let (Some(short_rest), Some(long_rest)) = rest else {
        return Words::Other;
    };
    let inserted =
        short_rest.len() == long_rest.len() && short_rest.iter().zip(long_rest).all(same);
    let is_line = long.get(front).is_some_and(|word| !needs_number(word.text));
    match inserted && is_line {
        true if long.len() == to.len() => Words::More,
        true => Words::Less,
        false => Words::Other,
    }
}
