//! Chooses among the tags of a list, and says of every one why.
//!
//! One pass reads, compares and forgets; only newer tags are kept and sorted, once. What a person may
//! want to read about a tag is worked out when it is asked for.

use std::cmp::{Ordering, Reverse};

use jiff::civil::Date;

use super::distribution::Distribution;
use super::error::SchemeError;
use super::explain;
use super::hash::HashPlaces;
use super::hint::{Hint, Hints};
use super::judge::{Judge, Newer, Unlikeness, padding_distance};
use super::level::Level;
use super::order::{Front, Token, difference, front};
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

#[derive(Debug, Clone, Copy)]
struct Span(usize, usize);

#[derive(Debug, Clone, Copy)]
struct Entry {
    span: Span,
    newer: Newer,
    /// What the policy says against it.
    policy: Option<Verdict>,
    /// What the caller found out about it.
    rejected: Option<Verdict>,
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
    let own = current.unwrap_or_default();
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

/// The newer tags of a list while it is read, with all that their order depends on.
#[derive(Default)]
struct Newest<'t> {
    found: Vec<Found<'t>>,
    /// The rows of all of them, one behind the other.
    rows: Vec<Token<'t>>,
}

struct Found<'t> {
    tag: &'t str,
    row: Span,
    unlike: Unlikeness,
    entry: Entry,
}

/// What decides most comparisons, apart from what it stands for, so that a sort moves little.
struct Key {
    own_style: bool,
    front: Front,
    place: usize,
}

impl<'t> Newest<'t> {
    fn push(&mut self, tag: &'t str, entry: Entry, unlike: Unlikeness, row: &[Token<'t>]) {
        let start = self.rows.len();
        self.rows.extend_from_slice(row);
        self.found.push(Found {
            tag,
            row: Span(start, self.rows.len()),
            unlike,
            entry,
        });
    }

    fn row(&self, found: &Found<'t>) -> &[Token<'t>] {
        self.rows.get(found.row.0..found.row.1).unwrap_or_default()
    }

    /// Every tag once, best first: the own style, the newest, then what is most like the current tag.
    fn into_sorted(self, current: &str) -> Vec<Entry> {
        let mut keys: Vec<_> = self
            .found
            .iter()
            .enumerate()
            .map(|(place, found)| Key {
                own_style: found.entry.newer.own_style,
                front: front(self.row(found)),
                place,
            })
            .collect();
        keys.sort_unstable_by(|left, right| {
            let coarse = (right.own_style, right.front).cmp(&(left.own_style, left.front));
            coarse.then_with(
                || match (self.found.get(left.place), self.found.get(right.place)) {
                    (Some(left), Some(right)) => self.compare(left, right, current),
                    _ => Ordering::Equal,
                },
            )
        });
        let mut sorted: Vec<_> = keys
            .into_iter()
            .filter_map(|key| self.found.get(key.place))
            .collect();
        sorted.dedup_by(|left, right| left.tag == right.tag);
        sorted.into_iter().map(|found| found.entry).collect()
    }

    fn compare(&self, left: &Found<'t>, right: &Found<'t>, current: &str) -> Ordering {
        let (newer, _) = difference(self.row(left), self.row(right));
        newer
            .then_with(|| left.unlike.cmp(&right.unlike))
            .then_with(|| {
                let distance = |found: &Found<'_>| padding_distance(found.tag, current);
                distance(left).cmp(&distance(right))
            })
            .then_with(|| (left.tag.len(), left.tag).cmp(&(right.tag.len(), right.tag)))
    }
}

/// What it takes to read and compare tags of this list once more.
pub(super) struct Context<'s> {
    pub(super) reader: &'s Reader,
    pub(super) judge: Option<Judge<'s>>,
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
        let mut reading = Reading::default();
        let current = self
            .current
            .as_deref()
            .filter(|_| !matches!(self.rules.scheme, Scheme::Floating))
            .filter(|tag| self.reader.read(tag, &mut reading));
        Context {
            reader: &self.reader,
            judge: current
                .is_some()
                .then(|| Judge::new(reading, &self.rules, self.distribution, self.today)),
        }
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

/// How a tag stands to the current one, or nothing if the two cannot be compared.
pub(super) fn compare(
    image: &ImageName,
    current: &str,
    candidate: &str,
    rules: &Rules,
) -> Option<Ordering> {
    let distribution = Distribution::of(image);
    let follow = rules.codename == CodenameMode::Follow;
    let reader = Reader::new(
        rules.scheme.clone(),
        HashPlaces::default(),
        distribution,
        Some(current),
        follow,
    );
    let (mut left, mut right) = (Reading::default(), Reading::default());
    let readable = !matches!(rules.scheme, Scheme::Floating)
        && reader.read(current, &mut left)
        && reader.read(candidate, &mut right);
    // Whether a release is out has no part in the order, so any day will do.
    let judge = readable.then(|| Judge::new(left, rules, distribution, Date::MIN))?;
    judge.comparable(&right).ok()?;
    let mut row = Vec::new();
    judge.row(&right, &mut row);
    Some(judge.order(&row).0)
}
