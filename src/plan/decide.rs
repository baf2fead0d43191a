//! Judging one reference.

use super::decision::{Class, Decision, Wanted};
use super::digest::{Needs, Pin, Tip, kind_of, look_at};
use super::observe::{Failure, Gap, Lookup, Observations, Question, View};
use super::reason::Reason;
use crate::image::{Digest, Reference, Tag};
use crate::policy::{DigestMode, Effective, Policy, Subject};
use crate::repo::{RepoName, RepoPath};
use crate::scheme::{self, Level, Scheme, Selection, Verdict};
use crate::source::{Located, WhyNot};
use jiff::civil::Date;

/// A reference to be judged, and everything that is known about it.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The repository; none for a plain folder.
    pub repo: Option<&'a RepoName>,
    /// The file.
    pub path: &'a RepoPath,
    /// The reference.
    pub located: &'a Located,
    /// The rules that hold for the repository.
    pub policy: &'a Policy,
    /// Where its image is looked up; none if its registry is not one that may be contacted, a failure if its login
    /// cannot be had.
    pub lookup: Result<Option<&'a Lookup>, Failure>,
    /// The answers so far.
    pub seen: &'a Observations,
    /// Today.
    pub today: Date,
}

/// Judges a reference, or says what must be known first. The questions of one call are asked at once; with their
/// answers the call is made again.
pub fn decide(ask: &Ask<'_>) -> Result<Decision, Question> {
    let mut case = Case {
        decision: Decision {
            path: ask.path.clone(),
            located: ask.located.clone(),
            reason: Reason::UpToDate,
            detail: String::new(),
            help: None,
            wanted: Vec::new(),
            lookup: ask.lookup.as_ref().ok().copied().flatten().cloned(),
            effective: None,
            selection: None,
            steps: Vec::new(),
        },
    };
    match case.judge(ask) {
        Ok(()) => {}
        Err(Gap::Ask(question)) => return Err(question),
        Err(Gap::Failed(failure)) => case.failed(failure),
    }
    if !case.decision.wanted.is_empty() {
        // Whatever went wrong with one of two changes, the other one stands.
        case.decision.reason = case.reason_of_wanted();
    }
    Ok(case.decision)
}

struct Case {
    decision: Decision,
}

impl Case {
    fn settle(&mut self, reason: Reason, detail: impl Into<String>) {
        self.decision.reason = reason;
        self.decision.detail = detail.into();
    }

    fn step(&mut self, step: impl Into<String>) {
        self.decision.steps.push(step.into());
    }

    fn failed(&mut self, failure: Failure) {
        let reason = if failure.quota {
            Reason::RegistryQuota
        } else {
            Reason::LookupFailed
        };
        self.step(format!("{}: {}", failure.code, failure.message));
        self.settle(reason, failure.message);
        self.decision.help = failure.help;
    }

    fn reason_of_wanted(&self) -> Reason {
        let has_tag = |wanted: &Wanted| wanted.level > Level::Digest;
        match self.decision.wanted.first() {
            Some(_) if self.decision.wanted.iter().any(has_tag) => Reason::NewTag,
            Some(wanted) if wanted.class == Class::Pin => Reason::FirstPin,
            _ => Reason::NewDigest,
        }
    }

    fn judge(&mut self, ask: &Ask<'_>) -> Result<(), Gap> {
        let Some(reference) = ask.located.reference() else {
            let why = ask.located.why_not().unwrap_or(WhyNot::InvalidReference);
            self.settle(
                Reason::NotEditable,
                format!("{}: {}", why.code(), why.describe()),
            );
            return Ok(());
        };
        let subject = Subject {
            repo: ask.repo,
            path: ask.path,
            image: &reference.name,
            tag: reference.tag.as_ref().map(Tag::as_str),
            kind: ask.located.kind,
        };
        let effective = match ask
            .policy
            .effective(&subject, &ask.located.notes, ask.located.line)
        {
            Ok(effective) => effective,
            Err(error) => {
                self.settle(Reason::BadNote, error.to_string());
                return Ok(());
            }
        };
        self.decision.effective = Some(effective.clone());
        self.with_settings(ask, reference, &effective)
    }

    fn with_settings(
        &mut self,
        ask: &Ask<'_>,
        reference: &Reference,
        effective: &Effective,
    ) -> Result<(), Gap> {
        let settings = &effective.settings;
        if !settings.enabled.value {
            let why = settings
                .reason
                .value
                .clone()
                .unwrap_or_else(|| format!("by {}", settings.enabled.from));
            self.settle(Reason::Disabled, why);
            return Ok(());
        }
        if let Some(why) = ask.located.why_not() {
            self.settle(
                Reason::NotEditable,
                format!("{}: {}", why.code(), why.describe()),
            );
            return Ok(());
        }
        if settings.digest.value == DigestMode::Off && reference.digest.is_some() {
            self.settle(
                Reason::DigestOff,
                format!("digest = \"off\" by {}", settings.digest.from),
            );
            return Ok(());
        }
        let pins = settings.digest.value == DigestMode::Pin && self.may_pin(ask, effective);
        let latest = || Tag::parse("latest").ok();
        let followed = match (&reference.tag, &reference.digest) {
            (Some(tag), _) => Some(tag.clone()),
            (None, None) if pins => latest(),
            (None, None) => {
                self.settle(Reason::NoTag, "neither tag nor digest is written");
                return Ok(());
            }
            (None, Some(_)) => {
                self.settle(
                    Reason::DigestOnly,
                    "write the tag beside the digest, and it is followed",
                );
                return Ok(());
            }
        };
        let Some(lookup) = ask.lookup.clone().map_err(Gap::Failed)? else {
            let host = reference.name.host();
            self.settle(
                Reason::RegistryNotConfigured,
                format!("{host} is not listed"),
            );
            self.decision.help = Some(format!("[[registry]]\nhost = \"{host}\""));
            return Ok(());
        };
        let Some(followed) = followed else {
            return Ok(());
        };
        let view = View {
            lookup,
            seen: ask.seen,
        };
        if reference.tag.is_none() {
            return self.pin(&view, reference, &followed, effective);
        }
        self.with_tag(ask, &view, reference, &followed, effective, pins)
    }

    fn may_pin(&mut self, ask: &Ask<'_>, effective: &Effective) -> bool {
        use crate::source::Found;
        let from_arg = matches!(&ask.located.found, Found::Known(known) if known.tag_from_arg);
        let allowed = !from_arg || effective.settings.pin_args.value;
        if !allowed {
            self.step("no digest is added behind a tag that an ARG makes (pin_args = false)");
        }
        allowed
    }

    fn with_tag(
        &mut self,
        ask: &Ask<'_>,
        view: &View<'_>,
        reference: &Reference,
        tag: &Tag,
        effective: &Effective,
        pins: bool,
    ) -> Result<(), Gap> {
        let settings = &effective.settings;
        let rules = settings.rules();
        let mode = settings.digest.value;
        let writes = reference.digest.is_some() || pins;
        let reading = match &rules.scheme {
            Scheme::Floating => None,
            scheme => scheme::read(tag.as_str(), scheme).map(|reading| reading.to_string()),
        };
        match &reading {
            Some(reading) => self.step(format!(
                "{tag} reads as {reading} (scheme {})",
                settings.scheme.value.name
            )),
            None => self.step(format!(
                "{tag} is no version (scheme {}): only its digest can be followed",
                settings.scheme.value.name
            )),
        }
        let is_regex = matches!(rules.scheme, Scheme::Regex(_));
        let mut vanished = false;
        if reading.is_some() || is_regex {
            let tags = view.tags()?;
            self.step(format!("{} has {} tags", view.lookup.image, tags.len()));
            vanished = !tags.contains(tag);
            let texts: Vec<&str> = tags.iter().map(Tag::as_str).collect();
            let selection = scheme::select(
                &view.lookup.image,
                Some(tag.as_str()),
                &texts,
                &rules,
                ask.today,
            );
            let mut selection = match selection {
                Ok(selection) => selection,
                Err(error) => {
                    self.settle(Reason::SchemeMismatch, error.to_string());
                    self.decision.help = Some(format!(
                        "scheme = \"{}\" by {}",
                        settings.scheme.value.name, settings.scheme.from
                    ));
                    return Ok(());
                }
            };
            let result = self.new_tags(view, reference, tag, effective, writes, &mut selection);
            self.why_not_newer(&selection);
            self.decision.selection = Some(selection);
            result?;
        }
        let changed = self
            .decision
            .wanted
            .iter()
            .any(|wanted| wanted.class == Class::Update);
        let follows = matches!(mode, DigestMode::Refresh | DigestMode::Pin);
        match &reference.digest {
            Some(digest) if !changed && follows => {
                self.refresh(view, tag, digest, vanished, &settings.platforms.value)?
            }
            None if !changed && pins => self.pin(view, reference, tag, effective)?,
            None if reading.is_none() && self.decision.wanted.is_empty() && !is_regex => {
                self.settle(
                    Reason::FloatingTag,
                    format!("{tag} is no version, and no digest is pinned"),
                );
            }
            _ => {}
        }
        if vanished {
            self.step(format!("{tag} is not among the registry's tags"));
            if self.decision.wanted.is_empty()
                && self.decision.reason.outcome() == super::reason::Outcome::Keep
            {
                self.settle(
                    Reason::TagVanished,
                    format!("{tag} is not among the registry's tags, and nothing newer is"),
                );
            }
        }
        Ok(())
    }

    /// Looks for newer tags: one below major and a major one where those are apart, else the best.
    fn new_tags(
        &mut self,
        view: &View<'_>,
        reference: &Reference,
        tag: &Tag,
        effective: &Effective,
        writes: bool,
        selection: &mut Selection,
    ) -> Result<(), Gap> {
        let settings = &effective.settings;
        let separate = settings.separate_major.value;
        let bounds: &[(Level, Class)] = if separate {
            &[(Level::Minor, Class::Update), (Level::Major, Class::Major)]
        } else {
            &[(Level::Major, Class::Update)]
        };
        let mut pin = None;
        for (bound, class) in bounds {
            while let Some(candidate) = selection.best_within(*bound) {
                let (level, text) = (candidate.level, candidate.tag.to_owned());
                if *class == Class::Major && level < Level::Major {
                    break;
                }
                let Ok(candidate) = Tag::parse(&text) else {
                    selection.reject(&text, Verdict::NewerButLower);
                    continue;
                };
                let kind = match (&pin, &reference.digest) {
                    (Some(kind), _) => kind,
                    (None, Some(digest)) => pin.insert(self.pin_kind(view, tag, digest)?),
                    (None, None) => pin.insert(Pin::None),
                };
                let needs = Needs {
                    pinned: reference.digest.as_ref(),
                    pin: kind,
                    write: writes,
                    platforms: &settings.platforms.value,
                };
                match look_at(view, &candidate, &needs)? {
                    Tip::Fits { write, target } => {
                        self.step(format!(
                            "{candidate} is chosen ({level}): {}",
                            target.short()
                        ));
                        let wanted = Wanted {
                            class: *class,
                            level,
                            to_tag: Some(candidate),
                            to_digest: write,
                            target: Some(target),
                        };
                        self.decision.wanted.push(wanted);
                        break;
                    }
                    Tip::NotThere => {
                        self.step(format!(
                            "{candidate} is listed, but its manifest is not there"
                        ));
                        self.settle(
                            Reason::NotThereYet,
                            format!("{candidate} is listed, but its manifest is not there yet"),
                        );
                        selection.reject(&text, Verdict::NewerButLower);
                    }
                    Tip::Missing(platforms) => {
                        let names: Vec<&str> =
                            platforms.iter().map(|platform| platform.as_str()).collect();
                        self.step(format!("{candidate} lacks {}", names.join(", ")));
                        self.settle(
                            Reason::MissingPlatform,
                            format!("{candidate} lacks {}", names.join(", ")),
                        );
                        selection.reject(&text, Verdict::MissingPlatform);
                    }
                    Tip::Same => {
                        self.step(format!(
                            "{candidate} has the content that is pinned already"
                        ));
                        self.settle(
                            Reason::SameContent,
                            format!("{candidate} has the content that is pinned already"),
                        );
                        selection.reject(&text, Verdict::SameContent);
                    }
                }
            }
        }
        Ok(())
    }

    fn pin_kind(&mut self, view: &View<'_>, tag: &Tag, digest: &Digest) -> Result<Pin, Gap> {
        let kind = kind_of(view, tag, digest)?;
        match &kind {
            Pin::Platform(platform) => {
                self.step(format!("{} is the manifest for {platform}", digest.short()))
            }
            Pin::Vanished => self.step(format!(
                "pin-vanished: the registry no longer has {}",
                digest.short()
            )),
            Pin::Whole | Pin::None => {}
        }
        Ok(kind)
    }

    /// Without a newer tag: says whether the policy is why.
    fn why_not_newer(&mut self, selection: &Selection) {
        if !self.decision.wanted.is_empty() || self.decision.reason != Reason::UpToDate {
            return;
        }
        let barred = |verdict: Verdict| {
            matches!(
                verdict,
                Verdict::Ignored | Verdict::NotAllowed | Verdict::AboveAllowedLevel
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
            self.settle(Reason::NothingAllowed, detail);
        } else if let Some(hint) = selection
            .hints()
            .iter()
            .find(|hint| hint.code == "variant-ended")
        {
            self.settle(Reason::VariantEnded, hint.text.clone());
        }
    }

    /// Follows the tag with its digest.
    fn refresh(
        &mut self,
        view: &View<'_>,
        tag: &Tag,
        digest: &Digest,
        vanished: bool,
        platforms: &[crate::image::Platform],
    ) -> Result<(), Gap> {
        let pin = self.pin_kind(view, tag, digest)?;
        let needs = Needs {
            pinned: Some(digest),
            pin: &pin,
            write: true,
            platforms,
        };
        match look_at(view, tag, &needs)? {
            Tip::Fits { write, target } => {
                self.step(format!("{tag} points at {} now", target.short()));
                let wanted = Wanted {
                    class: Class::Update,
                    level: Level::Digest,
                    to_tag: Some(tag.clone()),
                    to_digest: write,
                    target: Some(target),
                };
                self.decision.wanted.push(wanted);
            }
            Tip::Same => {
                self.step(format!("{tag} still has the pinned content"));
                let tip = view.head(tag)?;
                if tip != Some(digest)
                    && self.decision.reason == Reason::UpToDate
                    && pin == Pin::Whole
                {
                    self.settle(
                        Reason::SameContent,
                        format!("{tag} points at another index with the same manifests"),
                    );
                }
            }
            Tip::Missing(missing) => {
                let names: Vec<&str> = missing.iter().map(|platform| platform.as_str()).collect();
                self.settle(
                    Reason::MissingPlatform,
                    format!("what {tag} points at now lacks {}", names.join(", ")),
                );
            }
            Tip::NotThere if vanished => {}
            Tip::NotThere => self.settle(
                Reason::TagVanished,
                format!("the registry no longer has {tag}"),
            ),
        }
        Ok(())
    }

    /// Adds the first digest.
    fn pin(
        &mut self,
        view: &View<'_>,
        reference: &Reference,
        tag: &Tag,
        effective: &Effective,
    ) -> Result<(), Gap> {
        let needs = Needs {
            pinned: None,
            pin: &Pin::None,
            write: true,
            platforms: &effective.settings.platforms.value,
        };
        match look_at(view, tag, &needs)? {
            Tip::Fits { write, target } => {
                self.step(format!("{tag} points at {}", target.short()));
                let wanted = Wanted {
                    class: Class::Pin,
                    level: Level::Digest,
                    to_tag: reference.tag.clone(),
                    to_digest: write,
                    target: Some(target),
                };
                self.decision.wanted.push(wanted);
            }
            Tip::Missing(missing) => {
                let names: Vec<&str> = missing.iter().map(|platform| platform.as_str()).collect();
                self.settle(
                    Reason::MissingPlatform,
                    format!("{tag} lacks {}", names.join(", ")),
                );
            }
            Tip::NotThere | Tip::Same => {
                self.settle(
                    Reason::TagVanished,
                    format!("the registry no longer has {tag}"),
                );
            }
        }
        Ok(())
    }
}
