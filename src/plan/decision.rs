//! A decision about one reference.

use super::observe::Lookup;
use super::reason::{Outcome, Reason};
use crate::image::{Digest, Reference, Tag};
use crate::policy::Effective;
use crate::repo::RepoPath;
use crate::scheme::{Level, Selection};
use crate::source::{Located, RefId};
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

/// What is known of a decision's place in the family.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kin {
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
    /// Its place in the family.
    pub kin: Kin,
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
}
