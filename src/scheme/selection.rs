//! The result for a list of tags: which tag is next, which follow if it is rejected, and how much work that was.

use jiff::civil::Date;

use super::context::Context;
use super::distribution::Distribution;
use super::ended::is_leap;
use super::hint::Hint;
use super::level::Level;
use super::newest::{Entry, Span};
use super::open::Open;
use super::reader::Reader;
use super::reading::Reading;
use super::rules::Rules;
use super::second::Second;
use super::verdict::TagVerdict;

/// A tag that is newer and allowed by everything except, perhaps, `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate<'s> {
    /// The tag.
    pub tag: &'s str,
    /// How wide the change to it is.
    pub level: Level,
}

/// The result for a list of tags: the next tag, and a verdict for every tag.
#[derive(Debug, Clone)]
pub struct Selection {
    /// All tags, concatenated.
    pub(super) text: String,
    /// The verdicts that need no comparison.
    pub(super) others: Vec<(Span, TagVerdict)>,
    /// Newer tags, best first, each once.
    pub(super) newer: Vec<Entry>,
    pub(super) current: Option<String>,
    pub(super) reader: Reader,
    pub(super) rules: Rules,
    pub(super) distribution: Option<Distribution>,
    pub(super) today: Date,
    /// The meaning of each bare number of the current tag.
    pub(super) seconds: Vec<Second>,
    /// The newer tags that are still candidates.
    pub(super) open: Open,
    pub(super) hints: Vec<Hint>,
    pub(super) work: Work,
}

/// The work done for a selection: it is bounded by the number of tags, whatever they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// How many tags were read.
    pub readings: u64,
    /// How many pairs of tags were compared to sort them.
    pub comparisons: u64,
    /// How many candidates were examined to find the next one.
    pub looks: u64,
}

impl Selection {
    /// The next tag under the policy.
    pub fn best(&self) -> Option<&str> {
        self.pick(self.rules.max).map(|entry| self.tag(entry.span))
    }

    /// The best tag whose change is no wider than `level`, as if that were the policy's `max`.
    pub fn best_within(&self, level: Level) -> Option<Candidate<'_>> {
        self.pick(level.min(self.rules.max))
            .map(|entry| self.candidate(entry))
    }

    /// All tags that could be chosen if the better ones did not exist, best first.
    pub fn candidates(&self) -> impl Iterator<Item = Candidate<'_>> {
        let max = self.rules.max;
        let shut = self.open.shuts_prereleases(max);
        self.newer
            .iter()
            .filter(move |entry| is_open(entry) && entry.newer.level <= max)
            .filter(move |entry| entry.newer.stable || !shut)
            .map(|entry| self.candidate(entry))
    }

    /// Rejects a candidate for a reason that its name does not show: [`TagVerdict::TooYoung`],
    /// [`TagVerdict::MissingPlatform`], [`TagVerdict::SameContent`]. Another one is chosen, or none.
    pub fn reject(&mut self, tag: &str, verdict: TagVerdict) {
        // Nearly always it is the one that was chosen.
        let chosen = Level::ALL.iter().find_map(|level| {
            let place = self.open.best(*level)?;
            let entry = self.newer.get(place)?;
            (self.tag(entry.span) == tag).then_some(place)
        });
        let text = &self.text;
        let place = chosen.or_else(|| {
            let is_it = |entry: &Entry| text.get(entry.span.0..entry.span.1) == Some(tag);
            self.newer.iter().position(is_it)
        });
        if let Some(place) = place
            && let Some(entry) = self.newer.get_mut(place)
        {
            entry.rejected = Some(verdict);
            self.work.looks += self.open.close(place, &self.newer);
        }
    }

    /// Rejects the candidates of a level between two of them, both included, except those that `keep` names; none if
    /// the two are not candidates.
    pub fn reject_between(
        &mut self,
        (first, last): (&str, &str),
        level: Level,
        verdict: TagVerdict,
        keep: &dyn Fn(&str) -> bool,
    ) {
        let max = level.min(self.rules.max);
        let (Some(first), Some(last)) = (self.place(first), self.place(last)) else {
            return;
        };
        for place in first..=last {
            let Some(entry) = self.newer.get_mut(place) else {
                return;
            };
            let tag = self.text.get(entry.span.0..entry.span.1);
            if is_open(entry) && entry.newer.level <= max && !tag.is_some_and(keep) {
                entry.rejected = Some(verdict);
                self.work.looks += self.open.close(place, &self.newer);
            }
        }
    }

    /// Whether a newer tag comes before another in the order of preference.
    pub fn is_before(&self, tag: &str, other: &str) -> bool {
        match (self.place(tag), self.place(other)) {
            (Some(tag), Some(other)) => tag < other,
            _ => false,
        }
    }

    fn place(&self, tag: &str) -> Option<usize> {
        let text = &self.text;
        let is_it = |entry: &Entry| text.get(entry.span.0..entry.span.1) == Some(tag);
        self.newer.iter().position(is_it)
    }

    /// The first numbers on both sides of a leap to a tag: 5 and 20 if nothing between them exists. `None` if the
    /// change of the first number is not a leap.
    pub fn leap(&self, tag: &str) -> Option<(u64, u64)> {
        let context = self.context();
        let judge = context.judge.as_ref()?;
        let mut reading = Reading::default();
        let mut first = |tag| {
            let read = self.reader.read(tag, &mut reading) && !reading.is_calendar();
            let number = read.then(|| reading.version.first().map(|(number, _)| *number))??;
            number.value()
        };
        let to = first(tag)?;
        let compared = |verdict: &TagVerdict| {
            matches!(verdict, TagVerdict::OlderOrEqual | TagVerdict::Prerelease)
        };
        let others = self.others.iter().filter(|(_, verdict)| compared(verdict));
        let spans = others
            .map(|(span, _)| *span)
            .chain(self.newer.iter().map(|entry| entry.span));
        let current = judge
            .current
            .version
            .first()
            .and_then(|(number, _)| number.value());
        let below = spans
            .filter_map(|span| first(self.tag(span)))
            .chain(current)
            .filter(|number| *number < to)
            .max()?;
        is_leap(below, to).then_some((below, to))
    }

    /// The work done so far.
    pub fn work(&self) -> Work {
        self.work
    }

    /// Remarks for the user about the list or the policy.
    pub fn hints(&self) -> &[Hint] {
        &self.hints
    }

    pub(super) fn context(&self) -> Context<'_> {
        Context::new(
            &self.reader,
            self.current.as_deref(),
            &self.seconds,
            &self.rules,
            self.distribution,
            self.today,
        )
    }

    /// The best candidate; one with another style of `v` only if there is none with the current style.
    pub(super) fn pick(&self, max: Level) -> Option<&Entry> {
        self.newer.get(self.open.best(max)?)
    }

    fn candidate(&self, entry: &Entry) -> Candidate<'_> {
        Candidate {
            tag: self.tag(entry.span),
            level: entry.newer.level,
        }
    }

    pub(super) fn tag(&self, span: Span) -> &str {
        self.text.get(span.0..span.1).unwrap_or_default()
    }
}

/// Whether nothing but the width of the change speaks against a newer tag.
pub(super) fn is_open(entry: &Entry) -> bool {
    entry.policy.is_none() && entry.rejected.is_none()
}
