//! Reads a list of tags once, and makes the [`Selection`] from it: every tag is read and compared with the current one,
//! and only newer tags are kept and sorted, once.

use jiff::civil::Date;

use super::distribution::Distribution;
use super::ended::Endings;
use super::error::SchemeError;
use super::hash::HashPlaces;
use super::hint::Hints;
use super::judge::Newer;
use super::newest::{Entry, Newest, Span};
use super::open::Open;
use super::reader::Reader;
use super::reading::Reading;
use super::rules::{CodenameMode, Rules};
use super::second::{self, Second};
use super::selection::{Selection, Work};
use super::siblings::Siblings;
use super::verdict::TagVerdict;
use crate::image::ImageName;

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
    let traits = rules.scheme.traits();
    let hashes = match traits.finds_hashes {
        true => HashPlaces::of(tags.iter().map(AsRef::as_ref)),
        false => HashPlaces::default(),
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
    if let (true, Some(current), None) = (traits.must_match, current, judge) {
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
            (false, _) if traits.must_match => TagVerdict::Unmatched,
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
    let wanted = rules.scheme.traits().guesses
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
