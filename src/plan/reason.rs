//! Outcomes and reasons with their stable codes.

use serde::{Serialize, Serializer};

/// The outcome of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// An update is proposed.
    Update,
    /// It stays as it is.
    Keep,
    /// The update is held back.
    Hold,
    /// The policy or the file excludes it.
    Skip,
    /// It could not be judged; never shown as up to date.
    Unknown,
}

impl Outcome {
    /// The name in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Update => "update",
            Self::Keep => "keep",
            Self::Hold => "hold",
            Self::Skip => "skip",
            Self::Unknown => "unknown",
        }
    }
}

/// Declares every reason once: its name, its outcome, its code and a one-line description.
macro_rules! reasons {
    ($($name:ident = $outcome:ident, $code:literal, $text:literal;)*) => {
        /// Why a reference was decided as it was.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $(#[doc = $text] $name,)* }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The outcome that follows from the reason.
            pub fn outcome(self) -> Outcome {
                match self { $(Self::$name => Outcome::$outcome,)* }
            }

            /// The reason's stable code.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// A one-line explanation.
            pub fn describe(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

reasons! {
    NewTag = Update, "new-tag", "The registry has a newer tag.";
    NewDigest = Update, "new-digest", "The tag points to a different digest than the pinned one.";
    FirstPin = Update, "first-pin", "The policy requires a digest, and the reference has none yet.";
    HoldExpired = Update, "hold-expired", "Stopped waiting for upstream activity after `hold_for`.";
    InnerNew = Update, "inner-new", "The image is built in this repository and has a newer version there.";
    InnerFollows = Update, "inner-follows", "The image is built in this repository and gets a new version in the same merge request.";
    UpToDate = Keep, "up-to-date", "No newer tag exists.";
    NothingAllowed = Keep, "nothing-allowed", "Newer tags exist, but the policy does not allow them.";
    VariantEnded = Keep, "variant-ended", "No newer tag exists for this variant, but one exists for a newer variant (e.g. `alpine3.20`).";
    LineEnded = Keep, "line-ended", "No newer tag has this format, but newer tags exist in another format.";
    NoNewTags = Keep, "no-new-tags", "No newer tag has appeared for two years; the image may be unmaintained.";
    SameContent = Keep, "same-content", "The newer tag has the same content as the pinned one.";
    MissingPlatform = Keep, "missing-platform", "The newer tag does not support a required platform.";
    NotThereYet = Keep, "not-there-yet", "A newer tag is listed, but its manifest does not exist yet.";
    FloatingTag = Keep, "floating-tag", "The tag is not a version and no digest is pinned, so there is nothing to follow.";
    NoTag = Keep, "no-tag", "The reference has neither a tag nor a digest, so there is nothing to follow.";
    DigestOnly = Keep, "digest-only", "The reference has a digest but no tag, so there is nothing to follow.";
    InnerCurrent = Keep, "inner-current", "The image is built in this repository, and the reference has its current version.";
    InnerAhead = Keep, "inner-ahead", "The image is built in this repository and has an older version there; references are never moved back.";
    InnerFloating = Keep, "inner-floating", "The image is built in this repository, and the tag does not show which version it is.";
    TooYoung = Hold, "too-young", "The newer tag or digest is younger than `min_age`.";
    Held = Hold, "held", "Waiting for an upstream image that is about to change, so that this image is rebuilt only once.";
    Blocked = Hold, "blocked", "The pipeline of the repository that publishes the image failed.";
    RegistryQuota = Hold, "registry-quota", "The registry's request quota is used up; the next pass tries again.";
    OverBudget = Hold, "over-budget", "The repository's look-up budget for this pass is used up; a later pass continues.";
    CiDefinition = Keep, "ci-definition", "It is in a definition of CI, which is only changed if the operator's rules say `ci = \"propose\"`.";
    Disabled = Skip, "disabled", "Disabled by the policy.";
    NotEditable = Skip, "not-editable", "The reference cannot be edited in its file.";
    RegistryNotConfigured = Skip, "registry-not-configured", "The registry is not in the operator's list, so it is not contacted.";
    FamilyCycle = Skip, "family-cycle", "The image depends on an image of this repository; following it would never end.";
    OwnImage = Skip, "own-image", "Published by this same repository; add `[[image]]` entries to declare the dependency.";
    DigestOff = Skip, "digest-off", "The reference has a digest, and the policy leaves digests unchanged.";
    InnerCycle = Skip, "inner-cycle", "This image and the referenced image depend on each other.";
    LookupFailed = Unknown, "lookup-failed", "The registry could not be reached or refused the request.";
    TagVanished = Unknown, "tag-vanished", "The registry no longer has the tag.";
    BadNote = Unknown, "bad-note", "The `# imagebot:` comment above this line is invalid.";
    SchemeMismatch = Unknown, "scheme-mismatch", "The configured scheme does not match the tag.";
    VersionFile = Unknown, "version-file", "The version of this image must be bumped too, but cannot be read or bumped.";
    InnerUnknown = Unknown, "inner-unknown", "The image is built in this repository, and its version there cannot be read.";
    Ambiguous = Unknown, "ambiguous", "The variables in the tag can produce the new tag in more than one way.";
    EditRefused = Unknown, "edit-refused", "The file cannot be edited without changing something else.";
}

impl Reason {
    /// Whether a step failed, rather than the policy deciding: exit code 1.
    pub fn is_failure(self) -> bool {
        matches!(
            self,
            Self::LookupFailed
                | Self::BadNote
                | Self::SchemeMismatch
                | Self::VersionFile
                | Self::InnerUnknown
        )
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.code())
    }
}
