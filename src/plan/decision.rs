//! A decision about one reference.

use super::change::{Proposed, Version};
use super::observe::{Lookup, Pointer};
use super::reason::{Outcome, Reason};
use crate::family::hold::HoldTerms;
use crate::image::{Digest, Reference, Tag};
use crate::policy::{Effective, Hold};
use crate::repo::RepoPath;
use crate::scheme::{Level, Selection};
use crate::source::{Located, RefId};
use jiff::SignedDuration;
use serde::Serialize;

/// The kind of update; with the group, it decides which merge request a change belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Any other update.
    Update,
    /// First digests: one merge request per repository.
    Pin,
    /// A major update, if majors get their own merge request.
    Major,
}

impl Class {
    /// The name in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Pin => "pin",
            Self::Major => "major",
        }
    }
}

/// A change to propose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The kind of update.
    pub class: Class,
    /// The size of the version change.
    pub level: Level,
    /// The new tag.
    pub to_tag: Option<Tag>,
    /// The new digest.
    pub to_digest: Option<Digest>,
    /// What the tag points at, even if no digest is written: its labels are shown in the merge request.
    pub target: Option<Digest>,
}

/// The position of a reference in the family, and what it waits for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FamilyPosition {
    /// The name of the repository that publishes the image; `None` for an external image or one of this repository.
    pub parent: Option<String>,
    /// The changes that are held back.
    pub waiting: Vec<Wanted>,
    /// The name of the repository that it waits for.
    pub waits_for: Option<String>,
}

/// A decision about one reference, with its trace.
#[derive(Debug, Clone)]
pub struct Decision {
    /// The file that contains the reference.
    pub path: RepoPath,
    /// The reference as parsed from the file.
    pub located: Located,
    /// Why it was decided this way; also determines the outcome.
    pub reason: Reason,
    /// The details, human-readable.
    pub detail: String,
    /// The configuration that would fix it, if known.
    pub help: Option<String>,
    /// A look-up that failed although another change is proposed, e.g. for the major version next to a minor one. The
    /// reference is then not fully judged, and no merge request is closed because of it.
    pub missing: Option<(Reason, String)>,
    /// The changes to propose: none, one, or a minor and a major one.
    pub wanted: Vec<Wanted>,
    /// The image of the same repository that it follows, by its index among the repository's images.
    pub inner: Option<usize>,
    /// The image and login that it was looked up with.
    pub lookup: Option<Lookup>,
    /// The settings, with the rules that they come from.
    pub effective: Option<Effective>,
    /// The verdicts on all tags, if traces were requested.
    pub selection: Option<Selection>,
    /// Its position in the family.
    pub family: FamilyPosition,
    /// Where the search for a newer tag ran out of budget, by search key; `None` if the search was completed.
    pub stops: Vec<(String, Option<String>)>,
    /// Remarks for the reviewer of the changes.
    pub remarks: Vec<String>,
    /// The facts found on the way, in order.
    pub steps: Vec<String>,
}

impl Decision {
    /// What names the image in use now; `None` if there is neither a digest nor a tag.
    pub fn replaced(&self) -> Option<Pointer> {
        let reference = self.reference()?;
        let digest = reference.digest.clone().map(Pointer::Digest);
        digest.or_else(|| reference.tag.clone().map(Pointer::Tag))
    }

    /// The id of its reference.
    pub fn id(&self) -> RefId {
        self.located.id(&self.path)
    }

    /// The outcome, which follows from the reason.
    pub fn outcome(&self) -> Outcome {
        self.reason.outcome()
    }

    /// Whether all facts about it are known. Otherwise no merge request may be closed because of it.
    pub fn is_certain(&self) -> bool {
        self.missing.is_none() && !matches!(self.outcome(), Outcome::Unknown | Outcome::Hold)
    }

    /// Whether a part of it failed: exit code 1.
    pub fn failed(&self) -> bool {
        let missing = self.missing.as_ref().map(|(reason, _)| *reason);
        [Some(self.reason), missing]
            .into_iter()
            .flatten()
            .any(Reason::is_failure)
    }

    /// The parsed reference, if it could be resolved.
    pub fn reference(&self) -> Option<&Reference> {
        self.located.reference()
    }

    /// Whether updates of the image can ever be proposed for this reference.
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

    /// The policy's conditions for waiting; `None` if it never waits.
    pub fn hold_terms(&self) -> Option<HoldTerms> {
        let settings = &self.effective.as_ref()?.settings;
        let duration = SignedDuration::from_secs;
        (settings.hold.value == Hold::Family).then(|| HoldTerms {
            hold_for: settings.hold_for.value.map(|age| duration(age.seconds)),
            majors: settings.hold_majors.value,
            settle: duration(settings.settle.value.seconds),
        })
    }

    /// Whether a change is wanted that no open merge request proposes yet, or that might be merged automatically: only
    /// then the activity in its ancestors matters.
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

    /// Decides to leave the reference alone.
    pub(crate) fn leave(&mut self, reason: Reason, detail: String) {
        self.reason = reason;
        self.detail = detail;
        self.wanted.clear();
        self.missing = None;
    }

    /// Holds back its changes, except those that an open merge request already proposes: nothing is taken out of that.
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
