//! The answer to a freshness check, with its reason code and evidence.

use crate::image::{Platform, Reference};
use crate::source::Role;

/// Whether an image is built on its parent's current content. Of several answers, the greatest counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Freshness {
    /// Built on the current content.
    Fresh,
    /// Neither is proven.
    Unknown,
    /// Built on older content.
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

/// A kind of evidence, the strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Rung {
    /// The digest pinned at the commit that the image is built from.
    GitPin,
    /// BuildKit's provenance.
    Provenance,
    /// The annotations or labels that name the base image.
    Annotation,
    /// The first layers.
    Layers,
    /// The first steps of the history, and the configuration inherited from the parent.
    History,
}

impl Rung {
    /// Every kind of evidence, the strongest first.
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

/// The reason for an answer: a stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// It was built on the parent's current digest.
    SameDigest,
    /// It was built on another digest with the same content.
    SameContent,
    /// Its first layers are the parent's layers.
    LayersMatch,
    /// The parent has no layers, and the image's first steps are the parent's steps.
    StepsMatch,
    /// It is not built on any image.
    NoParent,
    /// It was built on a digest with different content.
    OtherContent,
    /// It was built on another digest, which no longer exists.
    OtherDigest,
    /// It has the layers of an older content of the parent.
    OlderLayers,
    /// It has the parent's steps from another build.
    OlderSteps,
    /// The layers are the parent's current ones, but the parent's configuration has changed.
    MetadataChanged,
    /// It was built from a commit that names a different parent.
    ParentChanged,
    /// There is no evidence of which content its files come from.
    NoTrace,
    /// It has none of the parent's layers.
    NoSharedLayers,
    /// It has only some of the parent's layers.
    LayersDiffer,
    /// The parent has no layers to compare.
    NoLayers,
    /// Its parent is not known.
    ParentUnknown,
    /// The reference to the parent cannot be parsed or resolved.
    ParentNotReadable,
    /// The parent does not exist for this platform.
    ParentLacksPlatform,
    /// The parent's registry is not configured.
    RegistryNotConfigured,
    /// Nothing is published under this name.
    NotPublished,
    /// The parent no longer exists.
    ParentVanished,
    /// A request to a registry failed.
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

    /// The code as text, as in reports.
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

    /// The freshness that follows from the code.
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

    /// A one-line explanation.
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

/// The answer for an image on one platform, compared with one parent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The reason for the answer.
    pub code: Code,
    /// The kind of evidence; `None` if none was found.
    pub rung: Option<Rung>,
    /// The evidence in detail: digests, layers or steps.
    pub evidence: String,
}

impl Answer {
    /// An answer that is backed by evidence.
    pub fn new(code: Code, rung: Rung, evidence: String) -> Self {
        Self {
            code,
            rung: Some(rung),
            evidence,
        }
    }

    /// An answer without evidence.
    pub fn bare(code: Code, evidence: String) -> Self {
        Self {
            code,
            rung: None,
            evidence,
        }
    }

    /// Whether the image is fresh, stale or unknown.
    pub fn freshness(&self) -> Freshness {
        self.code.freshness()
    }
}

/// An answer with the platform and parent that it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The platform; `None` if no platform of the image could be read.
    pub platform: Option<Platform>,
    /// The parent and its role in the build; `None` if the image has none or it is not known.
    pub parent: Option<(Role, Reference)>,
    /// The answer for them.
    pub answer: Answer,
}

/// The answer for the whole image: stale if any row is stale, else unknown if any row is unknown.
pub fn overall(rows: &[Row]) -> Freshness {
    rows.iter()
        .map(|row| row.answer.freshness())
        .max()
        .unwrap_or(Freshness::Unknown)
}
