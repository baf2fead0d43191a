//! Searches for newer tags.

use super::age::{is_plausible, too_young};
use super::builder::DecisionBuilder;
use super::change::Version;
use super::decision::{Class, Wanted};
use super::digest::{Needs, Pin, TagTarget, look_at};
use super::observe::{Answers, Contents, Missing};
use super::reason::Reason;
use super::text::short_hash;
use crate::image::{Digest, Platform, Reference, Tag};
use crate::policy::{Effective, Settings};
use crate::repo::RepoName;
use crate::scheme::{Level, Selection, TagVerdict};

/// The parameters of a search.
pub(super) struct Search<'a> {
    pub(super) repo: Option<&'a RepoName>,
    pub(super) line: usize,
    pub(super) effective: &'a Effective,
    /// Whether a digest will be written.
    pub(super) writes: bool,
    /// How many tags are tried at most in one pass.
    pub(super) candidates: usize,
}

impl Search<'_> {
    /// The key under which a search is remembered: the reference, its current tag, the maximum level, and everything
    /// that affects which tags are usable.
    fn key(&self, view: &Answers<'_>, reference: &Reference, tag: &Tag, level: Level) -> String {
        let s = &self.effective.settings;
        let repo = self.repo.map(RepoName::as_str).unwrap_or_default();
        let policy = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            s.allow.value,
            s.ignore.value,
            s.scheme.value.name,
            s.min_age.value,
            s.platforms.value,
            (s.prerelease.value, s.variant.value, s.codename.value),
            (s.max.value, s.separate_major.value),
            reference.digest,
            view.lookup,
        );
        let hash = short_hash(&[&policy]);
        format!(
            "{repo} {}:{} {tag} {} {hash}",
            view.path,
            self.line,
            level.code()
        )
    }
}

/// Searches for newer tags: the best minor and the best major update if majors are separate, else the best one.
pub(super) fn new_tags(
    building: &mut DecisionBuilder,
    view: &Answers<'_>,
    reference: &Reference,
    tag: &Tag,
    search: &Search<'_>,
    selection: &mut Selection,
) -> Result<(), Missing> {
    let settings = &search.effective.settings;
    let separate = settings.separate_major.value;
    let bounds: &[(Level, Class)] = if separate {
        &[(Level::Minor, Class::Update), (Level::Major, Class::Major)]
    } else {
        &[(Level::Major, Class::Update)]
    };
    let mut pin = None;
    let mut platforms = None;
    for (bound, class) in bounds {
        let key = search.key(view, reference, tag, *bound);
        let before = view.seen.resume.get(&key).cloned();
        let before = before.as_deref().and_then(|range| range.split_once(' '));
        if let Some((first, last)) = before {
            building.step(format!(
                "an earlier pass tried the tags from {first} to {last}"
            ));
            // A version that is already proposed stays eligible, so that its merge request is not given up.
            let is_proposed = |tag: &str| {
                let mut proposed = view.proposed.iter();
                proposed.any(|(path, image, version)| {
                    let to = version.tag.as_ref().map(Tag::as_str);
                    path == view.path && *image == reference.name && to == Some(tag)
                })
            };
            let range = (first, last);
            selection.reject_between(range, *bound, TagVerdict::NewerButLower, &is_proposed);
        }
        let mut tried: Vec<String> = Vec::new();
        loop {
            let Some(candidate) = selection.best_within(*bound) else {
                if before.is_some() && tried.is_empty() && building.decision.wanted.is_empty() {
                    // Tags that were skipped in earlier passes are tried again from the beginning.
                    let detail =
                        "every newer tag was tried in earlier passes; the next pass starts again";
                    building.decision.missing = Some((Reason::OverBudget, detail.to_owned()));
                    building.settle(Reason::OverBudget, detail);
                }
                building.decision.stops.push((key, None));
                break;
            };
            let (level, text) = (candidate.level, candidate.tag.to_owned());
            if tried.len() >= search.candidates {
                let detail = format!(
                    "{} newer tags were tried and none is usable; the next pass continues below {}",
                    tried.len(),
                    tried.last().unwrap_or(&text)
                );
                building.decision.missing = Some((Reason::OverBudget, detail.clone()));
                building.settle(Reason::OverBudget, detail);
                // All tags from the first to the last one were tried, in this pass or earlier.
                let first = tried.first().cloned().unwrap_or_default();
                let first = match before {
                    Some((newest, _)) if selection.is_before(newest, &first) => newest.to_owned(),
                    _ => first,
                };
                let range = tried.pop().map(|last| format!("{first} {last}"));
                building.decision.stops.push((key, range));
                break;
            }
            tried.push(text.clone());
            if *class == Class::Major && level < Level::Major {
                building.decision.stops.push((key, None));
                break;
            }
            let Ok(candidate) = Tag::parse(&text) else {
                selection.reject(&text, TagVerdict::NewerButLower);
                continue;
            };
            let kind = match (&pin, &reference.digest) {
                (Some(kind), _) => kind,
                (None, Some(digest)) => pin.insert(building.pin_kind(view, tag, digest)?),
                (None, None) => pin.insert(Pin::None),
            };
            let platforms = match &platforms {
                Some(platforms) => platforms,
                None => platforms.insert(platforms_of(building, view, reference, tag, settings)?),
            };
            let needs = Needs {
                pinned: reference.digest.as_ref(),
                pin: kind,
                write: search.writes,
                platforms,
            };
            match look_at(view, &candidate, &needs)? {
                TagTarget::Fits { write, target } => {
                    let to = Version {
                        tag: Some(candidate.clone()),
                        digest: write.clone(),
                    };
                    let image = &reference.name;
                    let young =
                        too_young(building, view, image, settings, &candidate, &target, to)?;
                    if let Some(why) = young {
                        building.step(why.clone());
                        building.decision.missing = Some((Reason::TooYoung, why.clone()));
                        building.settle(Reason::TooYoung, why);
                        selection.reject(&text, TagVerdict::TooYoung);
                        continue;
                    }
                    building.step(format!(
                        "{candidate} is chosen ({level}): {}",
                        target.short()
                    ));
                    if level == Level::Major
                        && let Some((below, to)) = selection.leap(&text)
                    {
                        let latest = latest(view, tag, &target);
                        building.decision.remarks.push(format!(
                            "{}: {to} follows {below}, and no version exists between them{latest}",
                            reference.name.written()
                        ));
                    }
                    let wanted = Wanted {
                        class: *class,
                        level,
                        to_tag: Some(candidate),
                        to_digest: write,
                        target: Some(target),
                    };
                    building.decision.wanted.push(wanted);
                    break;
                }
                TagTarget::NotThere => {
                    building.step(format!(
                        "{candidate} is listed, but its manifest does not exist"
                    ));
                    let detail =
                        format!("{candidate} is listed, but its manifest does not exist yet");
                    building.decision.missing = Some((Reason::NotThereYet, detail.clone()));
                    building.settle(Reason::NotThereYet, detail);
                    selection.reject(&text, TagVerdict::NewerButLower);
                }
                TagTarget::Missing(platforms) => {
                    let names: Vec<&str> =
                        platforms.iter().map(|platform| platform.as_str()).collect();
                    building.step(format!("{candidate} lacks {}", names.join(", ")));
                    building.settle(
                        Reason::MissingPlatform,
                        format!("{candidate} lacks {}", names.join(", ")),
                    );
                    selection.reject(&text, TagVerdict::MissingPlatform);
                }
                TagTarget::Same => {
                    building.step(format!(
                        "{candidate} has the same content as the pinned digest"
                    ));
                    building.settle(
                        Reason::SameContent,
                        format!("{candidate} has the same content as the pinned digest"),
                    );
                    selection.reject(&text, TagVerdict::SameContent);
                }
            }
        }
    }
    Ok(())
}

/// The platforms that a newer tag must have. For a pinned digest, its kind decides; otherwise the current tag's index,
/// which is read once and cached by its digest.
fn platforms_of(
    building: &mut DecisionBuilder,
    view: &Answers<'_>,
    reference: &Reference,
    tag: &Tag,
    settings: &Settings,
) -> Result<Vec<Platform>, Missing> {
    let asked = asked_platforms(building, settings);
    if !asked.is_empty() || reference.digest.is_some() {
        return Ok(asked);
    }
    let Some(digest) = view.head(tag)? else {
        return Ok(Vec::new());
    };
    let platforms = view.manifest(digest)?.map(Contents::platforms);
    let platforms: Vec<Platform> = platforms.into_iter().flatten().collect();
    if !platforms.is_empty() {
        let names: Vec<&str> = platforms.iter().map(Platform::as_str).collect();
        building.step(format!("{tag} exists for {}", names.join(", ")));
    }
    Ok(platforms)
}

/// The platforms that the policy requires, else the literal value of `FROM --platform=`.
pub(super) fn asked_platforms(building: &DecisionBuilder, settings: &Settings) -> Vec<Platform> {
    match &settings.platforms.value[..] {
        [] => {
            let flag = building.decision.located.platform.as_deref();
            flag.and_then(|text| Platform::parse(text).ok())
                .into_iter()
                .collect()
        }
        platforms => platforms.to_vec(),
    }
}

/// If there is no newer tag: reports whether the policy is the reason.
pub(super) fn why_not_newer(building: &mut DecisionBuilder, selection: &Selection) {
    if !building.decision.wanted.is_empty() || building.decision.reason != Reason::UpToDate {
        return;
    }
    let barred = |verdict: TagVerdict| {
        matches!(
            verdict,
            TagVerdict::Ignored | TagVerdict::NotAllowed | TagVerdict::AboveAllowedLevel
        )
    };
    let newest = selection.verdicts().find(|judged| barred(judged.verdict));
    if let Some(judged) = newest {
        let detail = format!(
            "{}: {} ({})",
            judged.tag,
            judged.verdict.code(),
            judged.why()
        );
        building.settle(Reason::NothingAllowed, detail);
        return;
    }
    let mut hints = selection.hints().iter();
    if let Some(hint) = hints.clone().find(|hint| hint.code == "variant-ended") {
        building.settle(Reason::VariantEnded, hint.text.clone());
    } else if let Some(hint) = hints.find(|hint| hint.code == "line-ended") {
        building.settle(Reason::LineEnded, hint.text.clone());
    }
}

/// If there is no newer tag: reports whether there has been none for years, as far as known without a request.
pub(super) fn how_long_nothing_came(
    building: &mut DecisionBuilder,
    view: &Answers<'_>,
    tag: &Tag,
) -> Result<(), Missing> {
    if !building.decision.wanted.is_empty() || building.decision.reason != Reason::UpToDate {
        return Ok(());
    }
    let key = (view.lookup.clone(), tag.clone());
    let Some(Ok(Some(digest))) = view.seen.heads.get(&key) else {
        return Ok(());
    };
    let mut since = view.first_seen(tag, digest)?;
    let made = view.seen.created.get(&(key.0, digest.clone()));
    if let Some(made) = made.copied().flatten().filter(|made| is_plausible(*made)) {
        since = since.min(made);
    }
    let days = view.now.as_second().saturating_sub(since.as_second()) / DAY;
    if days >= LONG {
        building.settle(
            Reason::NoNewTags,
            format!("{tag} has been the newest tag for {days} days; the image may be unmaintained"),
        );
    }
    Ok(())
}

const DAY: i64 = 86_400;
/// After this many days without a newer tag, the image may be unmaintained.
const LONG: i64 = 2 * 365;

/// How `latest` compares with the current tag, if its digest is known anyway.
fn latest(view: &Answers<'_>, current: &Tag, target: &Digest) -> String {
    let head = |tag: &Tag| {
        let key = (view.lookup.clone(), tag.clone());
        view.seen.heads.get(&key)?.as_ref().ok()?.clone()
    };
    let Some(latest) = Tag::parse("latest").ok().and_then(|tag| head(&tag)) else {
        return String::new();
    };
    if latest == *target {
        return "; `latest` is the same image".to_owned();
    }
    match head(current) == Some(latest) {
        true => "; `latest` is still the current image".to_owned(),
        false => "; `latest` is a different image".to_owned(),
    }
}
