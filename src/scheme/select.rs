//! Chooses among the tags of a list, and explains the verdict on every tag.
//!
//! One pass reads, compares and forgets; only newer tags are kept and sorted, once. Explanations are computed only when
//! they are requested.

use std::cmp::Reverse;

use jiff::civil::Date;

use super::context::Context;
use super::distribution::Distribution;
use super::ended::{Endings, is_leap};
use super::error::SchemeError;
use super::explain;
use super::hash::HashPlaces;
use super::hint::{Hint, Hints};
use super::judge::Newer;
use super::level::Level;
use super::newest::{Entry, Newest, Span};
use super::open::Open;
use super::reader::Reader;
use super::reading::Reading;
use super::rules::{CodenameMode, Rules, Scheme};
use super::second::{self, Second};
use super::siblings::Siblings;
use super::verdict::TagVerdict;
use crate::image::ImageName;

/// A tag that is newer and allowed by everything except, perhaps, `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate<'s> {
    /// The tag.
    pub tag: &'s str,
    /// How wide the change to it is.
    pub level: Level,
}

/// One tag of the list with its verdict.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'s> {
    /// The tag.
    pub tag: &'s str,
    /// The verdict.
    pub verdict: TagVerdict,
    selection: &'s Selection,
}

impl Judged<'_> {
    /// How the tag was read and why it has its verdict, in one line.
    pub fn why(&self) -> String {
        let selection = self.selection;
        explain::why(
            &selection.context(),
            &selection.rules,
            self.tag,
            self.verdict,
        )
    }
}

/// The result for a list of tags: the next tag, and a verdict for every tag.
#[derive(Debug, Clone)]
pub struct Selection {
    /// All tags, concatenated.
    text: String,
    /// The verdicts that need no comparison.
    others: Vec<(Span, TagVerdict)>,
    /// Newer tags, best first, each once.
    newer: Vec<Entry>,
    current: Option<String>,
    reader: Reader,
    rules: Rules,
    distribution: Option<Distribution>,
    today: Date,
    /// The meaning of each bare number of the current tag.
    seconds: Vec<Second>,
    /// The newer tags that are still candidates.
    open: Open,
    hints: Vec<Hint>,
    work: Work,
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

/// Chooses the tag that follows `current` among `tags`, whose order has no meaning.
///
/// The result is an error only if the rules do not fit the current tag. `today` decides which releases of a
/// distribution are out.
pub fn select(
    image: &ImageName,
    current: Option<&str>,
    tags: &[impl AsRef<str>],
    rules: &Rules,
    today: Date,
) -> Result<Selection, SchemeError> {
    let distribution = Distribution::of(image);
    let hashes = match rules.scheme {
        Scheme::Auto | Scheme::Floating => HashPlaces::of(tags.iter().map(AsRef::as_ref)),
        Scheme::Semver | Scheme::Regex(_) => HashPlaces::default(),
    };
    let follow = rules.codename == CodenameMode::Follow;
    let reader = Reader::new(rules.scheme.clone(), hashes, distribution, current, follow);
    let mut work = Work::default();
    let seconds = seconds(&reader, current, tags, rules, &mut work);
    let mut selection = Selection {
        text: String::new(),
        others: Vec::new(),
        newer: Vec::new(),
        current: current.map(str::to_owned),
        reader,
        rules: rules.clone(),
        distribution,
        today,
        seconds,
        open: Open::default(),
        hints: Vec::new(),
        work,
    };
    let context = selection.context();
    let judge = context.judge.as_ref();
    if let (Scheme::Regex(_), Some(current), None) = (&rules.scheme, current, judge) {
        return Err(SchemeError::DoesNotMatchCurrent {
            current: current.to_owned(),
        });
    }
    let mut hints = Hints::default();
    let mut others = Vec::with_capacity(tags.len());
    let mut found = Newest::default();
    let mut endings = Endings::default();
    let mut siblings = Siblings::default();
    let own_member = judge.map(|judge| siblings.add(&judge.current));
    let mut text = String::with_capacity(tags.iter().map(|tag| tag.as_ref().len()).sum());
    let mut reading = Reading::default();
    let mut row = Vec::new();
    let own = current.unwrap_or_default();
    for tag in tags.iter().map(AsRef::as_ref) {
        let span = Span(text.len(), text.len() + tag.len());
        text.push_str(tag);
        work.readings += 1;
        let read = context.reader.read(tag, &mut reading);
        if read {
            hints.saw(&reading);
        }
        let verdict = match (read, judge) {
            _ if Some(tag) == current => TagVerdict::Current,
            (false, _) if matches!(rules.scheme, Scheme::Regex(_)) => TagVerdict::Unmatched,
            (false, _) => TagVerdict::NotAVersion,
            (true, None) => TagVerdict::NotCompared,
            (true, Some(judge)) => {
                let judged = judge.judge(&reading, &mut row);
                let member = match judged {
                    Err(TagVerdict::OtherPrefix | TagVerdict::OtherVariant) => 0,
                    _ => siblings.add(&reading),
                };
                match judged {
                    Ok(newer) => {
                        let entry = Entry {
                            span,
                            newer,
                            policy: policy(rules, tag, &reading, newer),
                            rejected: None,
                            member,
                        };
                        found.push(tag, entry, judge.unlikeness(&reading), &row);
                        continue;
                    }
                    Err(verdict) => {
                        if verdict == TagVerdict::OtherVariant {
                            hints.saw_other_variant(judge, tag, &reading);
                        }
                        if verdict != TagVerdict::OlderOrEqual {
                            endings.saw(judge, tag, &reading);
                        }
                        verdict
                    }
                }
            }
        };
        others.push((span, verdict));
    }
    let mut newer = found.into_sorted(own, &mut work.comparisons);
    // Only now it is known which tags are stable: a short name is as stable as the names that begin with it.
    let family = siblings.finish();
    let is_stable = own_member.is_some_and(|member| family.is_stable(member));
    for entry in &mut newer {
        entry.newer.stable = family.is_stable(entry.member);
    }
    let finishes = newer.iter().any(|e| e.newer.same_numbers && !e.newer.held);
    let free = !family.has_stable && (family.never_releases || !finishes);
    newer.retain(|entry| {
        let kind = &entry.newer;
        let next = !is_stable && kind.same_numbers;
        let waits = !(kind.stable || rules.prerelease || next || free);
        if waits || kind.held {
            others.push((entry.span, TagVerdict::Prerelease));
        }
        !(waits || kind.held)
    });
    let mut hints = hints.finish(own, judge, rules, newer.is_empty());
    let varied = hints.iter().any(|hint| hint.code == "variant-ended");
    if newer.is_empty() && !varied {
        hints.extend(endings.finish(own));
    }
    drop(context);
    let gated = !is_stable && !rules.prerelease;
    selection.open = Open::new(&newer, gated);
    selection.text = text;
    selection.others = others;
    selection.newer = newer;
    selection.hints = hints;
    selection.work = work;
    Ok(selection)
}

/// The meaning of the bare numbers of the current tag; most tags have none, and cost nothing.
fn seconds(
    reader: &Reader,
    current: Option<&str>,
    tags: &[impl AsRef<str>],
    rules: &Rules,
    work: &mut Work,
) -> Vec<Second> {
    let mut reading = Reading::default();
    let wanted = matches!(rules.scheme, Scheme::Auto)
        && current.is_some_and(|tag| reader.read(tag, &mut reading) && reading.bare_count() > 0);
    if !wanted {
        return Vec::new();
    }
    work.readings += tags.len() as u64;
    second::of(&reading, reader, tags.iter().map(AsRef::as_ref))
}

/// The verdict of the policy on a newer tag, except for the width of the change.
fn policy(rules: &Rules, tag: &str, reading: &Reading<'_>, newer: Newer) -> Option<TagVerdict> {
    if newer.not_lts {
        Some(TagVerdict::NotLts)
    } else if rules.ignore.iter().any(|ignore| ignore.fits(tag, reading)) {
        Some(TagVerdict::Ignored)
    } else if rules
        .allow
        .as_ref()
        .is_some_and(|allow| !allow.fits(tag, reading))
    {
        Some(TagVerdict::NotAllowed)
    } else {
        None
    }
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

    /// The verdict for every tag once: candidates best first, then older versions newest first, then the rest,
    /// independent of the order of the list.
    pub fn verdicts(&self) -> impl Iterator<Item = Judged<'_>> {
        let chosen = self.pick(self.rules.max).map(|entry| entry.span.0);
        let shut = self.open.shuts_prereleases(self.rules.max);
        let mut judged: Vec<_> = self
            .newer
            .iter()
            .map(|entry| (entry.span, self.verdict(entry, chosen, shut)))
            .collect();
        judged.extend(self.sorted_others());
        judged.into_iter().map(|(span, verdict)| Judged {
            tag: self.tag(span),
            verdict,
            selection: self,
        })
    }

    /// Remarks for the user about the list or the policy.
    pub fn hints(&self) -> &[Hint] {
        &self.hints
    }

    fn sorted_others(&self) -> Vec<(Span, TagVerdict)> {
        let context = self.context();
        let mut reading = Reading::default();
        let mut sorted: Vec<_> = self
            .others
            .iter()
            .map(|(span, verdict)| {
                let tag = self.tag(*span);
                let mut row = Vec::new();
                let compared = matches!(
                    verdict,
                    TagVerdict::Current | TagVerdict::OlderOrEqual | TagVerdict::Prerelease
                );
                if let Some(judge) = context.judge.as_ref().filter(|_| compared)
                    && context.reader.read(tag, &mut reading)
                {
                    judge.row(&reading, &mut row);
                }
                let marks: Vec<_> = row.iter().map(|token| token.mark).collect();
                (!compared, Reverse(marks), *verdict, tag, *span)
            })
            .collect();
        sorted.sort_unstable_by(|left, right| {
            (left.0, &left.1, left.2, left.3).cmp(&(right.0, &right.1, right.2, right.3))
        });
        sorted.dedup_by(|left, right| left.3 == right.3);
        sorted
            .into_iter()
            .map(|(.., verdict, _, span)| (span, verdict))
            .collect()
    }

    fn context(&self) -> Context<'_> {
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
    fn pick(&self, max: Level) -> Option<&Entry> {
        self.newer.get(self.open.best(max)?)
    }

    fn verdict(&self, entry: &Entry, chosen: Option<usize>, shut: bool) -> TagVerdict {
        if shut && !entry.newer.stable {
            return TagVerdict::Prerelease;
        }
        let above = (entry.newer.level > self.rules.max).then_some(TagVerdict::AboveAllowedLevel);
        entry
            .policy
            .or(above)
            .or(entry.rejected)
            .unwrap_or(match chosen == Some(entry.span.0) {
                true => TagVerdict::Chosen,
                false => TagVerdict::NewerButLower,
            })
    }

    fn candidate(&self, entry: &Entry) -> Candidate<'_> {
        Candidate {
            tag: self.tag(entry.span),
            level: entry.newer.level,
        }
    }

    fn tag(&self, span: Span) -> &str {
        self.text.get(span.0..span.1).unwrap_or_default()
    }
}

/// Whether nothing but the width of the change speaks against a newer tag.
pub(super) fn is_open(entry: &Entry) -> bool {
    entry.policy.is_none() && entry.rejected.is_none()
}
