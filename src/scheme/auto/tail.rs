//! Classifies what follows the version, segment by segment (`docs/tag-schemes.md`, `auto` 3).

use super::super::calendar::{Stamp, is_written_date, stamp, time};
use super::super::hash::{HashMarks, is_hash};
use super::super::level::Level;
use super::super::order::{Mark, Number};
use super::super::reading::Reading;
use super::super::words::{
    B, Meaning, PLAIN, Place, SECURITY, UBUNTU_REVISION, cpu_end, is_separator, meaning,
};
use super::core::{dashed_date_end, digits_end, is_hash_segment, segment_end};

/// Reads the tail of a tag from `at` on.
pub(super) fn read<'t>(tag: &'t str, at: usize, hashes: HashMarks, out: &mut Reading<'t>) {
    let dated = out.is_calendar();
    let mut tail = Tail {
        tag,
        hashes,
        at,
        words: out.words.len(),
        // `.2` in `20240115.2` continues a date, so it is not a second version.
        dotted: dated.then_some(Dotted {
            first: 0,
            plain: false,
            dated: true,
            build: false,
        }),
        out,
    };
    if dated {
        tail.time();
    }
    while let Some(segment) = tail.next_segment(tail.at) {
        tail.classify(segment);
    }
    tail.close_dotted();
}

/// A piece of the tail: the separator is at `from`, the text from `start` to `end`.
#[derive(Debug, Clone, Copy)]
struct Segment<'t> {
    separator: Option<u8>,
    from: usize,
    start: usize,
    end: usize,
    text: &'t str,
}

/// Counters that a dot joins.
struct Dotted {
    first: usize,
    /// Not after letters or after a date that is the version: two of them may be a second version.
    plain: bool,
    dated: bool,
    /// Joined to the version by `_`: Java's build, unless dots follow.
    build: bool,
}

struct Tail<'t, 'o> {
    tag: &'t str,
    hashes: HashMarks,
    at: usize,
    /// How many words of the variant precede the version.
    words: usize,
    dotted: Option<Dotted>,
    out: &'o mut Reading<'t>,
}

impl<'t> Tail<'t, '_> {
    fn next_segment(&self, at: usize) -> Option<Segment<'t>> {
        let bytes = self.tag.as_bytes();
        let separator = bytes.get(at).copied().filter(|byte| is_separator(*byte));
        let start = at + usize::from(separator.is_some());
        let end = segment_end(bytes, start);
        (at < bytes.len()).then(|| Segment {
            separator,
            from: at,
            start,
            end,
            text: &self.tag[start..end],
        })
    }

    /// The next segment, if it is a number that a word may take: not a date and not a hash.
    fn next_number(&self, at: usize) -> Option<Segment<'t>> {
        self.next_segment(at).filter(|segment| {
            !segment.text.is_empty()
                && segment.text.bytes().all(|byte| byte.is_ascii_digit())
                && stamp(segment.text).is_none()
                && !is_hash_segment(self.tag, segment.start, segment.end, self.hashes)
        })
    }

    /// The first matching class wins.
    fn classify(&mut self, segment: Segment<'t>) {
        if !(self.date(segment) || self.number(segment) || self.worded(segment)) {
            if self.hash(segment) {
                return;
            }
            self.word(segment);
        }
        self.out.add_separators(&self.tag[segment.from..self.at]);
    }

    /// A date or a Unix time, followed by a time of day or not.
    fn date(&mut self, segment: Segment<'t>) -> bool {
        let bytes = self.tag.as_bytes();
        let Segment { start, .. } = segment;
        let end = digits_end(bytes, start);
        let runs = if let Some(stop) = self.separated_date_end(start) {
            self.close_dotted();
            (start, stop)
        } else if stamp(&self.tag[start..end]).is_some() {
            (start, end)
        } else {
            return false;
        };
        let timed = time(self.tag, runs.1)
            .filter(|_| runs.1 - runs.0 == 10 || stamp(&self.tag[start..end]) == Some(Stamp::Day));
        if timed.is_none() && bytes.get(runs.1).is_some_and(|byte| !is_separator(*byte)) {
            return false;
        }
        self.join(segment.separator, true);
        for run in self.tag[runs.0..runs.1].split(['-', '.']) {
            self.out.push_counter(PLAIN, Number::new(run));
        }
        self.at = runs.1;
        if timed.is_some() {
            self.time();
        }
        true
    }

    /// The end of `2024-01-15` or `2024.01.15`, but not of `2024-01`, which may also be two counters.
    fn separated_date_end(&self, at: usize) -> Option<usize> {
        if let Some(end) = dashed_date_end(self.tag, at) {
            return Some(end).filter(|end| end - at == 10);
        }
        let text = self.tag.get(at..at + 10)?;
        let mut parts = text.split('.');
        let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
        (is_written_date(year, month, Some(day))
            && digits_end(self.tag.as_bytes(), at + 8) == at + 10)
            .then_some(at + 10)
    }

    /// The time of day at the current position, always as hours, minutes and seconds.
    fn time(&mut self) {
        if let Some((end, parts)) = time(self.tag, self.at) {
            if parts[0].is_some() {
                for part in parts {
                    let number = part.map_or(Number::ZERO, Number::new);
                    self.out.push_counter(PLAIN, number);
                }
            }
            self.out.add_separators(&self.tag[self.at..end]);
            self.at = end;
        }
    }

    /// A bare number, or the two of Ubuntu's `0ubuntu8`.
    fn number(&mut self, segment: Segment<'t>) -> bool {
        let end = digits_end(self.tag.as_bytes(), segment.start);
        let (digits, rest) = segment.text.split_at(end - segment.start);
        if digits.is_empty() {
            return false;
        }
        if rest.is_empty() {
            if is_hash_segment(self.tag, segment.start, segment.end, self.hashes) {
                return false;
            }
            self.join(segment.separator, false);
            self.out.push_counter(PLAIN, Number::new(digits));
            self.at = segment.end;
            return true;
        }
        let revision = rest
            .get(..UBUNTU_REVISION.len())
            .filter(|word| word.eq_ignore_ascii_case(UBUNTU_REVISION))
            .and_then(|word| rest.get(word.len()..))
            .filter(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
        let Some(revision) = revision else {
            return false;
        };
        self.close_dotted();
        self.dotted = self.lettered();
        self.out.push_counter(PLAIN, Number::new(digits));
        self.out
            .push_counter(UBUNTU_REVISION, Number::new(revision));
        self.at = segment.end;
        true
    }

    /// A prerelease stage or a build counter with letters.
    fn worded(&mut self, segment: Segment<'t>) -> bool {
        let stem = segment.text.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = &segment.text[stem.len()..];
        match meaning(stem) {
            Some(Meaning::Stage {
                rank,
                numbered,
                place,
            }) => {
                if !place.fits(segment.separator) {
                    return place == Place::Attached && self.counter(segment, B, digits, None);
                }
                let next = digits
                    .is_empty()
                    .then(|| self.next_number(segment.end))
                    .flatten();
                let dated = stamp(digits).is_some();
                let number = next.map_or(digits, |next| next.text);
                let number = (!number.is_empty() && !dated).then(|| Number::new(number));
                if numbered && number.is_none() {
                    if !dated {
                        return false;
                    }
                    self.close_dotted();
                    let word = &self.tag[segment.from..segment.start + stem.len()];
                    self.out.push_word(word, false, false);
                } else {
                    self.close_dotted();
                    self.out.stages.push(Mark::Stage(rank, number));
                }
                self.at = next.map_or(segment.end, |next| next.end);
                self.dotted = self.lettered();
                if dated {
                    // A date is never the number of a stage word, but it counts.
                    self.out.push_counter(PLAIN, Number::new(digits));
                }
                true
            }
            Some(Meaning::Counter {
                kind,
                optional,
                next,
                place,
            }) => {
                if !place.fits(segment.separator) || kind == SECURITY && !digits.is_empty() {
                    return false;
                }
                let next = (next && digits.is_empty())
                    .then(|| self.next_number(segment.end))
                    .flatten();
                (optional || next.is_some() || !digits.is_empty())
                    && self.counter(segment, kind, digits, next)
            }
            _ => false,
        }
    }

    /// Writes a build counter with letters; without a number it counts as zero.
    fn counter(
        &mut self,
        segment: Segment<'t>,
        kind: &'static str,
        digits: &'t str,
        next: Option<Segment<'t>>,
    ) -> bool {
        if kind == B && digits.is_empty() {
            return false;
        }
        self.close_dotted();
        let number = next.map_or(digits, |next| next.text);
        self.out.push_counter(kind, Number::new(number));
        self.dotted = self.lettered();
        self.at = next.map_or(segment.end, |next| next.end);
        true
    }

    /// Skips a hash: it has no order, and its separator has no meaning.
    fn hash(&mut self, segment: Segment<'t>) -> bool {
        let hash = is_hash(segment.text, 40)
            || segment.text.len() <= 12
                && is_hash_segment(self.tag, segment.start, segment.end, self.hashes);
        if hash {
            self.close_dotted();
            self.out.unbare_last();
            self.out.hash = true;
            self.at = segment.end;
        }
        hash
    }

    /// A word of the variant, with the number that belongs to it.
    fn word(&mut self, segment: Segment<'t>) {
        self.close_dotted();
        let stem = segment.text.trim_end_matches(|c: char| c.is_ascii_digit());
        let digits = &segment.text[stem.len()..];
        let has_digit = || segment.text.bytes().any(|byte| byte.is_ascii_digit());
        let (end, cpu, unknown) = if let Some(end) = cpu_end(self.tag, segment.start) {
            (end, true, false)
        } else if meaning(stem) != Some(Meaning::Name) {
            (segment.end, false, has_digit())
        } else if stamp(digits).is_some() {
            // A date is a counter, even after the name of an operating system.
            let end = segment.start + stem.len();
            self.out
                .push_word(&self.tag[segment.from..end], false, false);
            self.join(None, true);
            self.out.push_counter(PLAIN, Number::new(digits));
            self.at = segment.end;
            return;
        } else {
            (self.name_end(segment, digits), false, false)
        };
        self.out
            .push_word(&self.tag[segment.from..end], cpu, unknown);
        self.at = end;
    }

    /// The end of a name with its number: the number is attached or the next segment, and may continue with dots.
    fn name_end(&self, segment: Segment<'t>, digits: &str) -> usize {
        let mut end = segment.end;
        if digits.is_empty() {
            match self.next_number(end) {
                Some(next) if self.separated_date_end(next.start).is_none() => end = next.end,
                _ => return end,
            }
        }
        while let Some(next) = self.next_number(end).filter(|s| s.separator == Some(b'.')) {
            end = next.end;
        }
        end
    }

    /// Text that a dot joins to a piece with letters is not a second version.
    fn lettered(&self) -> Option<Dotted> {
        Some(Dotted {
            first: self.out.counters.len(),
            plain: false,
            dated: false,
            build: false,
        })
    }

    /// Begins a group of counters, or continues the one that a dot joins this counter to.
    fn join(&mut self, separator: Option<u8>, dated: bool) {
        match &mut self.dotted {
            Some(dotted) if separator == Some(b'.') => dotted.dated |= dated,
            _ => {
                self.close_dotted();
                let out = &self.out;
                let first =
                    out.counters.is_empty() && out.words.len() == self.words && out.is_stable();
                self.dotted = Some(Dotted {
                    first: out.counters.len(),
                    plain: true,
                    dated,
                    build: separator == Some(b'_') && first,
                });
            }
        }
    }

    /// Ends a group: a dotted number without a date in it may be a second version.
    fn close_dotted(&mut self) {
        let place = self.out.bare_count().saturating_add(1);
        if let Some(dotted) = self.dotted.take()
            && let Some(group) = self.out.counters.get_mut(dotted.first..)
        {
            let level = match group.len() > 1 && dotted.plain {
                true => Level::Minor,
                false => Level::Build,
            };
            let bare = dotted.plain && !dotted.dated && !(dotted.build && group.len() == 1);
            for counter in group {
                counter.level = level;
                counter.dated = dotted.dated;
                counter.bare = if bare { place } else { 0 };
            }
        }
    }
}
