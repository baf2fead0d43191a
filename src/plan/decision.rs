//! A decision about one reference.

use super::change::{Proposed, Version};
use super::observe::Lookup;
use super::reason::{Outcome, Reason};
use crate::family::hold::HoldTerms;
use crate::image::{Digest, Reference, Tag};
use crate::policy::{Effective, Hold};
use crate::repo::RepoPath;
use crate::scheme::{Level, Selection};
use crate::source::{Located, RefId};
use jiff::SignedDuration;
use serde::Serialize;

/// Which merge request a change belongs into, besides its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Anything that is none of the others.
    Update,
    /// First digests: one merge request per repository.
    Pin,
    /// A major change, where it is a merge request of its own.
    Major,
}

impl Class {
    /// The class's name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Pin => "pin",
            Self::Major => "major",
        }
    }
}

/// A change that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The class.
    pub class: Class,
    /// How wide the change is.
    pub level: Level,
    /// The tag it will have.
    pub to_tag: Option<Tag>,
    /// The digest it will have.
    pub to_digest: Option<Digest>,
    /// What the tag points at, also where no digest is written: for labels.
    pub target: Option<Digest>,
}

/// Where a reference stands in the family of images, and what it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FamilyPosition {
    /// The repository that publishes the image, as it is called; `None`: nobody registered does, or the same one.
    pub parent: Option<String>,
    /// The changes that wait.
    pub waiting: Vec<Wanted>,
    /// The repository that it waits for, as it is called.
    pub waits_for: Option<String>,
}

/// A decision about one reference, with its trace.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The file.
    pub path: RepoPath,
    /// The reference as it stands there.
    pub located: Located,
    /// Why it was decided as it was; the outcome is the reason's.
    pub reason: Reason,
    /// The particulars, for people.
    pub detail: String,
    /// What to configure, where that is known.
    pub help: Option<String>,
    /// What could not be found out although something is wanted: a major version's look-up that failed beside a minor
    /// one that did not. With it the reference is not wholly judged, and nothing is closed for it.
    pub missing: Option<(Reason, String)>,
    /// The changes that are wanted: none, one, or a minor one and a major one.
    pub wanted: Vec<Wanted>,
    /// The image of the same repository that it follows, by its index among them.
    pub inner: Option<usize>,
    /// The image and login it was looked up with.
    pub lookup: Option<Lookup>,
    /// The settings and the rules they come from.
    pub effective: Option<Effective>,
    /// The verdicts on all tags, where they were asked for.
    pub selection: Option<Selection>,
    /// Its position in the family.
    pub family: FamilyPosition,
    /// Where the search for a newer tag stopped for want of budget, by the key of the search; `None`: it came to its
    /// end.
    pub stops: Vec<(String, Option<String>)>,
    /// What a reviewer should know of the changes, for people.
    pub remarks: Vec<String>,
    /// What was found out on the way, in order.
    pub steps: Vec<String>,
}

impl Decision {
    /// Which reference it is about.
    pub fn id(&self) -> RefId {
        self.located.id(&self.path)
    }

    /// The outcome.
    pub fn outcome(&self) -> Outcome {
        self.reason.outcome()
    }

    /// Whether everything about it is known: only then may something be closed for it.
    pub fn is_certain(&self) -> bool {
        self.missing.is_none() && !matches!(self.outcome(), Outcome::Unknown | Outcome::Hold)
    }

    /// Whether something of it failed: exit code 1.
    pub fn failed(&self) -> bool {
        let missing = self.missing.as_ref().map(|(reason, _)| *reason);
        [Some(self.reason), missing]
            .into_iter()
            .flatten()
            .any(Reason::is_failure)
    }

    /// The reference, if it is known.
    pub fn reference(&self) -> Option<&Reference> {
        self.located.reference()
    }

    /// Whether news of the image can come to this reference at all.
    pub fn is_followed(&self) -> bool {
        let still = matches!(
            self.reason,
            Reason::FloatingTag
                | Reason::InnerFloating
                | Reason::NoTag
                | Reason::DigestOnly
                | Reason::BadNote
                | Reason::SchemeMismatch
                | Reason::Ambiguous
                | Reason::EditRefused
        );
        !still && self.outcome() != Outcome::Skip
    }

    /// How long, and for what, the policy lets it wait; `None`: it does not wait.
    pub fn hold_terms(&self) -> Option<HoldTerms> {
        let settings = &self.effective.as_ref()?.settings;
        let duration = SignedDuration::from_secs;
        (settings.hold.value == Hold::Family).then(|| HoldTerms {
            hold_for: settings.hold_for.value.map(|age| duration(age.seconds)),
            majors: settings.hold_majors.value,
            settle: duration(settings.settle.value.seconds),
        })
    }

    /// Whether something is wanted that no open merge request proposes yet, or that might be merged without a person:
    /// only then does it matter what goes on above.
    pub fn may_have_to_wait(&self, proposed: &Proposed) -> bool {
        let Some(reference) = self.reference().filter(|_| self.family.parent.is_some()) else {
            return false;
        };
        let is_new = |wanted: &Wanted| {
            let version = Version {
                tag: wanted.to_tag.clone(),
                digest: wanted.to_digest.clone(),
            };
            !proposed.contains(&(self.path.clone(), reference.name.clone(), version))
        };
        let settings = self.effective.as_ref().map(|e| &e.settings);
        let merges = settings.is_some_and(|settings| settings.automerge.value.is_some());
        let wants = !self.wanted.is_empty();
        wants && self.hold_terms().is_some() && (merges || self.wanted.iter().any(is_new))
    }

    /// Leaves the reference alone.
    pub(crate) fn leave(&mut self, reason: Reason, detail: String) {
        self.reason = reason;
        self.detail = detail;
        self.wanted.clear();
        self.missing = None;
    }

    /// Keeps back what is wanted, but for what an open merge request proposes already: nothing is taken out of it.
    pub(crate) fn wait(
        &mut self,
        reason: Reason,
        detail: String,
        whom: String,
        proposed: &Proposed,
    ) {
        self.reason = reason;
        self.detail = detail;
        self.family.waits_for = Some(whom);
        let waiting = std::mem::take(&mut self.wanted);
        self.wanted = self.still_proposed(&waiting, proposed);
        self.family.waiting = waiting;
    }

    fn still_proposed(&self, waiting: &[Wanted], proposed: &Proposed) -> Vec<Wanted> {
        let Some(reference) = self.reference() else {
            return Vec::new();
        };
        let here = proposed
            .iter()
            .filter(|(path, image, _)| *path == self.path && *image == reference.name);
        let kept = here.filter_map(|(_, _, version)| {
            let same = waiting
                .iter()
                .find(|wanted| wanted.to_tag == version.tag && wanted.to_digest == version.digest);
            let like = same.or(waiting.first())?;
            Some(Wanted {
                to_tag: version.tag.clone(),
                to_digest: version.digest.clone(),
                target: same.and_then(|wanted| wanted.target.clone()),
                ..like.clone()
            })
        });
        kept.collect()
    }
}
