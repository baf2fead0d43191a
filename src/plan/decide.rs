//! Decides about one reference.

use super::builder::DecisionBuilder;
use super::change::Proposed;
use super::decision::{Class, Decision, FamilyPosition};
use super::follow::{pin, refresh};
use super::images::Truth;
use super::inner::{by_truth, inner_digest};
use super::newer::{Search, how_long_nothing_came, new_tags, why_not_newer};
use super::observe::{Answers, Failure, Lookup, Missing, Observations, Question};
use super::reason::{Outcome, Reason};
use crate::family::{NO_REGISTRY, REGISTRY_ARG};
use crate::image::{Reference, Tag};
use crate::policy::{CiMode, DigestMode, Effective, Policy, RuleSubject};
use crate::repo::{RepoName, RepoPath};
use crate::scheme;
use crate::source::{Located, ReferenceKind, Resolution, WhyNot};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A reference to decide about, with everything known about it.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The repository; `None` for a plain folder.
    pub repo: Option<&'a RepoName>,
    /// The file that contains it.
    pub path: &'a RepoPath,
    /// The reference, as located in the file.
    pub located: &'a Located,
    /// The rules that apply to the repository.
    pub policy: &'a Policy,
    /// The image and login to look it up with; `None` if its registry is not configured, a failure if its login is
    /// unavailable.
    pub lookup: Result<Option<&'a Lookup>, Failure>,
    /// The image of the same repository that it names, and what is known about that image's version.
    pub inner: Option<(usize, Truth)>,
    /// The answers so far.
    pub seen: &'a Observations,
    /// The time of the decision; date-based policies use its UTC day.
    pub now: Timestamp,
    /// What the open merge requests of the repository propose.
    pub proposed: &'a Proposed,
    /// Whether the decision keeps the verdicts on all tags: too much memory for a fleet, needed for one repository.
    pub traces: bool,
    /// How many newer tags are tried at most until one is usable.
    pub candidates: usize,
}

/// Decides about a reference, or returns the question to answer first. The caller asks it and calls again with the
/// answer.
pub fn decide(ask: &Ask<'_>) -> Result<Decision, Question> {
    let mut case = DecisionBuilder {
        decision: Decision {
            path: ask.path.clone(),
            located: ask.located.clone(),
            reason: Reason::UpToDate,
            detail: String::new(),
            help: None,
            missing: None,
            wanted: Vec::new(),
            inner: None,
            lookup: ask.lookup.as_ref().ok().copied().flatten().cloned(),
            effective: None,
            selection: None,
            family: FamilyPosition::default(),
            stops: Vec::new(),
            remarks: Vec::new(),
            steps: Vec::new(),
        },
    };
    for told in &ask.located.told {
        case.step(format!("{}: {}", told.remark.describe(), told.what));
    }
    match case.judge(ask) {
        Ok(()) => {}
        Err(Missing::Ask(question)) => return Err(question),
        Err(Missing::Failed(failure)) => case.failed(failure),
    }
    case.leave_ci_alone(ask);
    if !case.decision.wanted.is_empty() {
        // If one of two changes failed, the other one is still proposed.
        case.decision.reason = case.reason_of_wanted();
    }
    Ok(case.decision)
}

impl DecisionBuilder {
    fn judge(&mut self, ask: &Ask<'_>) -> Result<(), Missing> {
        let Some(reference) = ask.located.reference() else {
            // Without a name no rule can match, but the comment above the line still applies.
            match ask.policy.notes.at(&ask.located.notes, ask.path) {
                Err(error) => {
                    self.settle(Reason::BadNote, error.to_string());
                    return Ok(());
                }
                Ok(note) => {
                    if let Some(set) = note.changes.enabled.filter(|set| !set.value) {
                        self.settle(Reason::Disabled, format!("by {}", set.from));
                        return Ok(());
                    }
                }
            }
            let why = ask.located.why_not().unwrap_or(WhyNot::InvalidReference);
            if why == WhyNot::BadNote {
                self.settle(Reason::BadNote, why.describe());
                return Ok(());
            }
            self.settle(
                Reason::NotEditable,
                format!("{} [{}]", why.describe(), why.code()),
            );
            return Ok(());
        };
        let subject = RuleSubject {
            repo: ask.repo,
            path: ask.path,
            image: &reference.name,
            tag: reference.tag.as_ref().map(Tag::as_str),
            kind: ask.located.kind,
        };
        let effective = match ask.policy.effective(&subject, &ask.located.notes) {
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
    ) -> Result<(), Missing> {
        let settings = &effective.settings;
        // The cases go from the most general reason to the most specific one, and everything that the file and the
        // settings can answer comes before the first look-up: a reference that cannot change costs no request. A
        // disabled reference comes first, because its owner does not want to hear about any other problem.
        if !settings.enabled.value {
            let reason = settings.reasons.get("enabled").cloned();
            let why = reason.unwrap_or_else(|| format!("by {}", settings.enabled.from));
            self.settle(Reason::Disabled, why);
            return Ok(());
        }
        if let Some(why) = ask.located.why_not() {
            self.settle(
                Reason::NotEditable,
                format!("{} [{}]", why.describe(), why.code()),
            );
            return Ok(());
        }
        // With `digest = "off"` imagebot may not write digests, and a new tag next to the old digest would contradict
        // it.
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
                    "write a tag next to the digest to follow it",
                );
                return Ok(());
            }
        };
        // A tag of the repository's own image is decided by the version in the repository: that may not be published
        // yet, so the registry cannot know better. If the tag itself has to change, there is no digest for it yet.
        if let (Some((parent, truth)), Some(tag)) = (&ask.inner, &reference.tag)
            && !by_truth(self, *parent, truth, tag)
        {
            return Ok(());
        }
        let writes = reference.digest.is_some() || pins;
        // Without a digest to follow, the registry has nothing to add. A registry that is not configured does not
        // matter then.
        if ask.inner.is_some() && (!writes || !matches!(ask.lookup, Ok(Some(_)))) {
            return Ok(());
        }
        let Some(lookup) = ask.lookup.clone().map_err(Missing::Failed)? else {
            let host = reference.name.host();
            if host.as_str() == NO_REGISTRY {
                let why = "the registry it is pulled from is unknown";
                self.settle(Reason::RegistryNotConfigured, why);
                let help = format!("[args]\n{REGISTRY_ARG} = \"registry.example.com/acme\"");
                self.decision.help = Some(help);
                return Ok(());
            }
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
        let view = Answers {
            lookup,
            seen: ask.seen,
            path: ask.path,
            proposed: ask.proposed,
            now: ask.now,
        };
        if let (Some(_), Some(tag)) = (&ask.inner, &reference.tag) {
            return inner_digest(self, &view, reference, tag, effective, pins);
        }
        // A reference without a tag can only get its first digest.
        if reference.tag.is_none() {
            return pin(self, &view, reference, &followed, effective);
        }
        self.with_tag(ask, &view, reference, &followed, effective, pins)
    }

    /// In a definition of CI, what is newer is shown and not written, unless the operator allows it (T18).
    fn leave_ci_alone(&mut self, ask: &Ask<'_>) {
        let effective = self.decision.effective.as_ref();
        let is_allowed = effective.is_some_and(|it| it.settings.ci.value == CiMode::Propose);
        if !ask.located.in_ci || is_allowed || self.decision.wanted.is_empty() {
            return;
        }
        let to =
            self.decision
                .wanted
                .iter()
                .map(|wanted| match (&wanted.to_tag, &wanted.to_digest) {
                    (Some(tag), _) => tag.to_string(),
                    (None, Some(digest)) => digest.to_string(),
                    (None, None) => String::new(),
                });
        let to: Vec<String> = to.collect();
        self.decision.wanted.clear();
        let what = format!("not changed to {}", to.join(", "));
        self.settle(Reason::CiDefinition, what);
        let kind = ask.located.kind.code();
        self.decision.help = Some(format!(
            "in the operator's configuration:\n[[rule]]\nkinds = [\"{kind}\"]\nci = \"propose\""
        ));
    }

    fn may_pin(&mut self, ask: &Ask<'_>, effective: &Effective) -> bool {
        let from_arg = matches!(&ask.located.found, Resolution::Known(known) if known.tag_from_arg);
        let allowed = !from_arg || effective.settings.pin_args.value;
        if ask.located.kind == ReferenceKind::GipgeeBase {
            self.step(
                "no digest is added in gipgee.yml: gipgee's checks reject a tag with a digest",
            );
            return false;
        }
        if !allowed {
            self.step("no digest is added to a tag that comes from an ARG (pin_args = false)");
        }
        allowed
    }

    fn with_tag(
        &mut self,
        ask: &Ask<'_>,
        view: &Answers<'_>,
        reference: &Reference,
        tag: &Tag,
        effective: &Effective,
        pins: bool,
    ) -> Result<(), Missing> {
        let settings = &effective.settings;
        let rules = settings.rules();
        let mode = settings.digest.value;
        let writes = reference.digest.is_some() || pins;
        // Newer tags come before digests: a new tag brings its own digest, so refreshing the old tag's digest as well
        // would be a second change of the same text. A vanished tag comes last, because it only matters if nothing else
        // was decided.
        let reading = match rules.scheme.traits().compares {
            false => None,
            true => scheme::read(tag.as_str(), &rules.scheme).map(|reading| reading.to_string()),
        };
        match &reading {
            Some(reading) => self.step(format!(
                "{tag} is parsed as {reading} (scheme {})",
                settings.scheme.value.name
            )),
            None => self.step(format!(
                "{tag} is not a version (scheme {}): only its digest can be followed",
                settings.scheme.value.name
            )),
        }
        let must_match = rules.scheme.traits().must_match;
        let mut vanished = false;
        if reading.is_some() || must_match {
            let tags = view.tags()?;
            let noun = if tags.len() == 1 { "tag" } else { "tags" };
            self.step(format!("{} has {} {noun}", view.lookup.image, tags.len()));
            vanished = !tags.contains(tag);
            let today = ask.now.to_zoned(TimeZone::UTC).date();
            let kept = &view.seen.selections;
            let selection = kept.get(view.lookup, tag, tags, &rules, today);
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
            let search = Search {
                repo: ask.repo,
                line: ask.located.line,
                effective,
                writes,
                candidates: ask.candidates,
            };
            // The selection is kept before a failure is returned, so that a report shows which tags were considered.
            let result = new_tags(self, view, reference, tag, &search, &mut selection);
            why_not_newer(self, &selection);
            self.decision.selection = ask.traces.then_some(selection);
            result?;
        }
        let changed = self
            .decision
            // A major update alone does not replace a digest refresh: it is proposed in a merge request of its own, and
            // may stay open for long.
            .wanted
            .iter()
            .any(|wanted| wanted.class == Class::Update);
        let follows = matches!(mode, DigestMode::Refresh | DigestMode::Pin);
        match &reference.digest {
            Some(digest) if !changed && follows => {
                refresh(self, view, reference, digest, vanished, settings)?
            }
            None if !changed && pins => pin(self, view, reference, tag, effective)?,
            None if reading.is_none() && self.decision.wanted.is_empty() && !must_match => {
                self.settle(
                    Reason::FloatingTag,
                    format!("{tag} is not a version, and no digest is pinned; pin its digest to follow it (digest = \"pin\")"),
                );
            }
            _ => {}
        }
        if !vanished && (reading.is_some() || must_match) {
            how_long_nothing_came(self, view, tag)?;
        }
        if vanished {
            self.step(format!("{tag} is not among the registry's tags"));
            if self.decision.wanted.is_empty() && self.decision.reason.outcome() == Outcome::Keep {
                self.settle(
                    Reason::TagVanished,
                    format!("{tag} is not among the registry's tags, and none of them is newer"),
                );
            }
        }
        Ok(())
    }
}
