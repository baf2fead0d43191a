//! Chooses among the tags of a list, and says of every one why.
//!
//! One pass reads, compares and forgets; only newer tags are kept and sorted, once. What a person may
//! want to read about a tag is worked out when it is asked for.

use std::cmp::Reverse;

use jiff::civil::Date;

use super::context::Context;
use super::distribution::Distribution;
use super::error::SchemeError;
use super::explain;
use super::hash::HashPlaces;
use super::hint::{Hint, Hints};
use super::judge::{Judge, Newer};
use super::level::Level;
use super::newest::{Entry, Newest, Span};
use super::reader::Reader;
use super::reading::Reading;
use super::rules::{CodenameMode, Rules, Scheme};
use super::verdict::Verdict;
use crate::image::ImageName;

/// A tag that is newer and allowed by everything but, perhaps, `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate<'s> {
    /// The tag.
    pub tag: &'s str,
    /// How wide the change to it is.
    pub level: Level,
}

/// One tag of the list and what is said about it.
#[derive(Debug, Clone, Copy)]
pub struct Judged<'s> {
    /// The tag.
    pub tag: &'s str,
    /// What is said about it.
    pub verdict: Verdict,
    selection: &'s Selection,
}

impl Judged<'_> {
    /// How the tag was read and why the verdict is what it is, in one line for people.
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

/// The answer to a list of tags: the next tag, and a verdict for every one.
#[derive(Debug, Clone)]
pub struct Selection {
    /// All tags, one behind the other.
    text: String,
    /// What was decided by reading alone.
    others: Vec<(Span, Verdict)>,
    /// Newer tags, best first, each once.
    newer: Vec<Entry>,
    current: Option<String>,
    reader: Reader,
    rules: Rules,
    distribution: Option<Distribution>,
    today: Date,
    /// Prereleases are candidates only where no stable tag is.
    gated: bool,
    hints: Vec<Hint>,
}

/// Chooses the tag that follows `current` among `tags`, whose order means nothing.
///
/// The result is an error only if the rules do not fit the current tag. `today` decides which releases
/// of a distribution are out.
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
    let mut selection = Selection {
        text: String::with_capacity(tags.iter().map(|tag| tag.as_ref().len()).sum()),
        others: Vec::new(),
        newer: Vec::new(),
        current: current.map(str::to_owned),
        reader,
        rules: rules.clone(),
        distribution,
        today,
        gated: false,
        hints: Vec::new(),
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
    let mut text = String::with_capacity(selection.text.capacity());
    let mut reading = Reading::default();
    let mut row = Vec::new();
    for tag in tags.iter().map(AsRef::as_ref) {
        let span = Span(text.len(), text.len() + tag.len());
        text.push_str(tag);
        let verdict = if Some(tag) == current {
            if context.reader.read(tag, &mut reading) {
                hints.saw(&reading);
            }
            Verdict::Current
        } else if !context.reader.read(tag, &mut reading) {
            match rules.scheme {
                Scheme::Regex(_) => Verdict::Unmatched,
                _ => Verdict::NotAVersion,
            }
        } else {
            hints.saw(&reading);
            let Some(judge) = judge else {
                others.push((span, Verdict::NotCompared));
                continue;
            };
            match judge.judge(&reading, &mut row) {
                Ok(newer) => {
                    let policy = policy(rules, tag, &reading, newer);
                    let entry = Entry {
                        span,
                        newer,
                        policy,
                        rejected: None,
                    };
                    found.push(tag, entry, judge.unlikeness(&reading), &row);
                    continue;
                }
                Err(verdict) => {
                    if verdict == Verdict::OtherVariant {
                        hints.saw_other_variant(judge, tag, &reading);
                    }
                    verdict
                }
            }
        };
        others.push((span, verdict));
    }
    let own = selection.current.as_deref().unwrap_or_default();
    let newer = found.into_sorted(own);
    let hints = hints.finish(own, judge, rules, newer.is_empty());
    let gated = judge.is_some_and(Judge::gates_prereleases);
    drop(context);
    selection.text = text;
    selection.others = others;
    selection.newer = newer;
    selection.gated = gated;
    selection.hints = hints;
    Ok(selection)
}

/// What the policy says against a newer tag, the width of the change apart.
fn policy(rules: &Rules, tag: &str, reading: &Reading<'_>, newer: Newer) -> Option<Verdict> {
    if newer.not_lts {
        Some(Verdict::NotLts)
    } else if rules.ignore.iter().any(|ignore| ignore.fits(tag, reading)) {
        Some(Verdict::Ignored)
    } else if rules
        .allow
        .as_ref()
        .is_some_and(|allow| !allow.fits(tag, reading))
    {
        Some(Verdict::NotAllowed)
    } else {
        None
    }
}

impl Selection {
    /// The next tag under the policy.
    pub fn best(&self) -> Option<&str> {
        self.pick(self.rules.max).map(|entry| self.tag(entry.span))
    }

    /// The best tag whose change is no wider than `level`, as if the policy's `max` were lowered to it.
    pub fn best_within(&self, level: Level) -> Option<Candidate<'_>> {
        self.pick(level.min(self.rules.max))
            .map(|entry| self.candidate(entry))
    }

    /// All tags that could be chosen if nothing better were there, best first.
    pub fn candidates(&self) -> impl Iterator<Item = Candidate<'_>> {
        let gate = self.gate(self.rules.max);
        self.newer
            .iter()
            .filter(move |entry| is_open(entry, self.rules.max, gate))
            .map(|entry| self.candidate(entry))
    }

    /// Takes a candidate out for a reason that its name does not show: [`Verdict::TooYoung`],
    /// [`Verdict::MissingPlatform`], [`Verdict::SameContent`]. Another one is chosen, or none.
    pub fn reject(&mut self, tag: &str, verdict: Verdict) {
        let text = &self.text;
        let found = self
            .newer
            .iter_mut()
            .find(|entry| text.get(entry.span.0..entry.span.1) == Some(tag));
        if let Some(entry) = found {
            entry.rejected = Some(verdict);
        }
    }

    /// Takes out every candidate of a level down to and including this one, best first; none if it is not among them.
    pub fn reject_down_to(&mut self, tag: &str, level: Level, verdict: Verdict) {
        let max = level.min(self.rules.max);
        let gate = self.gate(max);
        let text = &self.text;
        let is_it = |entry: &Entry| text.get(entry.span.0..entry.span.1) == Some(tag);
        let Some(last) = self.newer.iter().position(is_it) else {
            return;
        };
        for entry in &mut self.newer[..=last] {
            if is_open(entry, max, gate) {
                entry.rejected = Some(verdict);
            }
        }
    }

    /// The verdict for every tag once: candidates best first, then older versions newest first, then
    /// the rest; the order of the list has no part in it.
    pub fn verdicts(&self) -> impl Iterator<Item = Judged<'_>> {
        let chosen = self.pick(self.rules.max).map(|entry| entry.span.0);
        let gate = self.gate(self.rules.max);
        let mut judged: Vec<_> = self
            .newer
            .iter()
            .map(|entry| (entry.span, self.verdict(entry, chosen, gate)))
            .collect();
        judged.extend(self.sorted_others());
        judged.into_iter().map(|(span, verdict)| Judged {
            tag: self.tag(span),
            verdict,
            selection: self,
        })
    }

    /// What a person should know about the list or the policy.
    pub fn hints(&self) -> &[Hint] {
        &self.hints
    }

    fn sorted_others(&self) -> Vec<(Span, Verdict)> {
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
                    Verdict::Current | Verdict::OlderOrEqual | Verdict::Prerelease
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
            &self.rules,
            self.distribution,
            self.today,
        )
    }

    /// The best open entry; one of another style of `v` only where the own style has none.
    fn pick(&self, max: Level) -> Option<&Entry> {
        let gate = self.gate(max);
        self.newer.iter().find(|entry| is_open(entry, max, gate))
    }

    /// Whether prereleases are shut out: there is a stable tag that the policy allows.
    fn gate(&self, max: Level) -> Gate {
        let has_stable = || {
            self.newer
                .iter()
                .any(|entry| entry.newer.stable && is_open(entry, max, Gate::Open))
        };
        if self.gated && has_stable() {
            Gate::Shut
        } else {
            Gate::Open
        }
    }

    fn verdict(&self, entry: &Entry, chosen: Option<usize>, gate: Gate) -> Verdict {
        if gate == Gate::Shut && !entry.newer.stable {
            return Verdict::Prerelease;
        }
        let above = (entry.newer.level > self.rules.max).then_some(Verdict::AboveAllowedLevel);
        entry
            .policy
            .or(above)
            .or(entry.rejected)
            .unwrap_or(match chosen == Some(entry.span.0) {
                true => Verdict::Chosen,
                false => Verdict::NewerButLower,
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

/// Whether prereleases are candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    Shut,
}

fn is_open(entry: &Entry, max: Level, gate: Gate) -> bool {
    entry.policy.is_none()
        && entry.rejected.is_none()
        && entry.newer.level <= max
        && (entry.newer.stable || gate == Gate::Open)
}
