//! What is said of a published image.

use crate::image::{Platform, Reference};
use crate::source::Role;

/// Whether an image is built on its parent's current content. The greater one counts where several are said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Freshness {
    /// It is.
    Fresh,
    /// Nothing tells.
    Unknown,
    /// It is not.
    Stale,
}

impl Freshness {
    /// The name in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Unknown => "unknown",
            Self::Stale => "stale",
        }
    }
}

/// What an answer rests on, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rung {
    /// The digest that is pinned at the commit that the image is built from.
    GitPin,
    /// BuildKit's provenance.
    Provenance,
    /// The annotations or labels that name the base.
    Annotation,
    /// The first layers.
    Layers,
    /// The first steps of the history, and what the configuration inherits.
    History,
}

impl Rung {
    /// Every rung, from the top.
    pub const ALL: [Self; 5] = [
        Self::GitPin,
        Self::Provenance,
        Self::Annotation,
        Self::Layers,
        Self::History,
    ];

    /// The name in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::GitPin => "git-pin",
            Self::Provenance => "provenance",
            Self::Annotation => "annotation",
            Self::Layers => "layers",
            Self::History => "history",
        }
    }
}

/// Why an answer is what it is: a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// The digest that it was built on is the parent's current one.
    SameDigest,
    /// Another digest, but the same content.
    SameContent,
    /// The parent's layers are its first ones.
    LayersMatch,
    /// The parent has no layers, and its steps are its first ones.
    StepsMatch,
    /// It stands on no image.
    NoParent,
    /// The digest that it was built on has other content.
    OtherContent,
    /// The digest that it was built on is another, and gone.
    OtherDigest,
    /// It has the layers of an older content.
    OlderLayers,
    /// It has the parent's steps from another build.
    OlderSteps,
    /// The layers are the same, the parent's configuration is not.
    MetadataChanged,
    /// It was built from a commit that names another parent.
    ParentChanged,
    /// Nothing tells which content the files come from.
    NoTrace,
    /// None of the parent's layers is in it.
    NoSharedLayers,
    /// Only some of the parent's layers are in it.
    LayersDiffer,
    /// The parent has no layers to compare.
    NoLayers,
    /// Nothing says which image is its parent.
    ParentUnknown,
    /// The parent's reference cannot be read.
    ParentNotReadable,
    /// The parent is not there for this platform.
    ParentLacksPlatform,
    /// The parent's registry is not listed.
    RegistryNotConfigured,
    /// Nothing is published under this name.
    NotPublished,
    /// The parent is no longer there.
    ParentVanished,
    /// A registry could not be asked.
    LookupFailed,
}

impl Code {
    /// Every code.
    pub const ALL: [Self; 22] = [
        Self::SameDigest,
        Self::SameContent,
        Self::LayersMatch,
        Self::StepsMatch,
        Self::NoParent,
        Self::OtherContent,
        Self::OtherDigest,
        Self::OlderLayers,
        Self::OlderSteps,
        Self::MetadataChanged,
        Self::ParentChanged,
        Self::NoTrace,
        Self::NoSharedLayers,
        Self::LayersDiffer,
        Self::NoLayers,
        Self::ParentUnknown,
        Self::ParentNotReadable,
        Self::ParentLacksPlatform,
        Self::RegistryNotConfigured,
        Self::NotPublished,
        Self::ParentVanished,
        Self::LookupFailed,
    ];

    /// The stable text.
    pub fn code(self) -> &'static str {
        match self {
            Self::SameDigest => "same-digest",
            Self::SameContent => "same-content",
            Self::LayersMatch => "layers-match",
            Self::StepsMatch => "steps-match",
            Self::NoParent => "no-parent",
            Self::OtherContent => "other-content",
            Self::OtherDigest => "other-digest",
            Self::OlderLayers => "older-layers",
            Self::OlderSteps => "older-steps",
            Self::MetadataChanged => "metadata-changed",
            Self::ParentChanged => "parent-changed",
            Self::NoTrace => "no-trace",
            Self::NoSharedLayers => "no-shared-layers",
            Self::LayersDiffer => "layers-differ",
            Self::NoLayers => "no-layers",
            Self::ParentUnknown => "parent-unknown",
            Self::ParentNotReadable => "parent-not-readable",
            Self::ParentLacksPlatform => "parent-lacks-platform",
            Self::RegistryNotConfigured => "registry-not-configured",
            Self::NotPublished => "not-published",
            Self::ParentVanished => "parent-vanished",
            Self::LookupFailed => "lookup-failed",
        }
    }

    /// What it says of the image.
    pub fn freshness(self) -> Freshness {
        match self {
            Self::SameDigest
            | Self::SameContent
            | Self::LayersMatch
            | Self::StepsMatch
            | Self::NoParent => Freshness::Fresh,
            Self::OtherContent
            | Self::OtherDigest
            | Self::OlderLayers
            | Self::OlderSteps
            | Self::MetadataChanged
            | Self::ParentChanged => Freshness::Stale,
            Self::NoTrace
            | Self::NoSharedLayers
            | Self::LayersDiffer
            | Self::NoLayers
            | Self::ParentUnknown
            | Self::ParentNotReadable
            | Self::ParentLacksPlatform
            | Self::RegistryNotConfigured
            | Self::NotPublished
            | Self::ParentVanished
            | Self::LookupFailed => Freshness::Unknown,
        }
    }

    /// One line for people.
    pub fn describe(self) -> &'static str {
        match self {
            Self::SameDigest => "It was built on the parent's current digest.",
            Self::SameContent => "It was built on another digest with the same content.",
            Self::LayersMatch => "It begins with the parent's layers.",
            Self::StepsMatch => {
                "The parent has no layers, and the image begins with its build steps."
            }
            Self::NoParent => "It is not built on another image.",
            Self::OtherContent => {
                "The digest that it was built on has different content from the parent's current one."
            }
            Self::OtherDigest => "It was built on a different digest, which no longer exists.",
            Self::OlderLayers => "It has the layers of an older version of its parent.",
            Self::OlderSteps => "It has its parent's build steps, but from an earlier build.",
            Self::MetadataChanged => {
                "The layers are the same, but the parent's configuration has changed."
            }
            Self::ParentChanged => "The commit that it was built from names a different parent.",
            Self::NoTrace => {
                "Files are copied from the parent, but neither a pin nor provenance shows which content they came from."
            }
            Self::NoSharedLayers => {
                "It has none of the parent's layers. It may be squashed, flattened or built on another image."
            }
            Self::LayersDiffer => {
                "It has some of the parent's layers, and the origin of the others is unknown."
            }
            Self::NoLayers => {
                "The parent has no layers, and the history does not show whether it is current."
            }
            Self::ParentUnknown => "No trusted source names its parent image.",
            Self::ParentNotReadable => {
                "The repository's reference to the parent cannot be resolved."
            }
            Self::ParentLacksPlatform => "The parent does not exist for this platform.",
            Self::RegistryNotConfigured => {
                "The registry is not in the operator's list, so it is not contacted."
            }
            Self::NotPublished => "Nothing is published under this name.",
            Self::ParentVanished => "The registry no longer has the parent.",
            Self::LookupFailed => "A registry could not be reached or refused the request.",
        }
    }
}

/// What is said of an image on one platform, seen from one parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What is said, and why.
    pub code: Code,
    /// What it rests on; nothing where nothing was found.
    pub rung: Option<Rung>,
    /// The particulars.
    pub evidence: String,
}

impl Answer {
    /// An answer that rests on evidence.
    pub fn new(code: Code, rung: Rung, evidence: String) -> Self {
        Self {
            code,
            rung: Some(rung),
            evidence,
        }
    }

    /// An answer that rests on nothing.
    pub fn bare(code: Code, evidence: String) -> Self {
        Self {
            code,
            rung: None,
            evidence,
        }
    }

    /// Whether the image is fresh.
    pub fn freshness(&self) -> Freshness {
        self.code.freshness()
    }
}

/// An answer and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The platform; `None` where nothing is known of any.
    pub platform: Option<Platform>,
    /// The parent and what it is for the build; `None` where there is none, or it is not known.
    pub parent: Option<(Role, Reference)>,
    /// The answer.
    pub answer: Answer,
}

/// What is said of the whole image: stale if it is so on any platform for any parent, else unknown if one is.
pub fn overall(rows: &[Row]) -> Freshness {
    rows.iter()
        .map(|row| row.answer.freshness())
        .max()
        .unwrap_or(Freshness::Unknown)
}
