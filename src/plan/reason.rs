//! Outcomes and reasons, with their stable codes.

use serde::{Serialize, Serializer};

/// What was decided about a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is to be changed.
    Update,
    /// It is as it should be.
    Keep,
    /// It waits for something.
    Hold,
    /// Nobody looks at it.
    Skip,
    /// It could not be judged; that is never shown as up to date.
    Unknown,
}

impl Outcome {
    /// The outcome's name.
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

/// Declares every reason once: its name, its outcome, its code and one line for people.
macro_rules! reasons {
    ($($name:ident = $outcome:ident, $code:literal, $text:literal;)*) => {
        /// Why a reference was decided as it was.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $(#[doc = $text] $name,)* }

        impl Reason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// What was decided.
            pub fn outcome(self) -> Outcome {
                match self { $(Self::$name => Outcome::$outcome,)* }
            }

            /// The reason's stable code.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// One line for people.
            pub fn describe(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

reasons! {
    NewTag = Update, "new-tag", "The registry has a newer tag.";
    NewDigest = Update, "new-digest", "The tag points at another digest than the pinned one.";
    FirstPin = Update, "first-pin", "The policy asks for a digest, and there is none yet.";
    HoldExpired = Update, "hold-expired", "It waited for what goes on above it as long as hold_for allows, and goes on now.";
    InnerNew = Update, "inner-new", "Its image is built in this repository and has a newer version there.";
    InnerFollows = Update, "inner-follows", "Its image is built in this repository and gets a new version in the same merge request.";
    UpToDate = Keep, "up-to-date", "There is nothing newer.";
    NothingAllowed = Keep, "nothing-allowed", "There are newer tags, but the policy allows none of them.";
    VariantEnded = Keep, "variant-ended", "There is nothing newer with these words, but with higher numbers in them there is.";
    LineEnded = Keep, "line-ended", "Nothing newer is written like the tag, but the image goes on in tags of another shape.";
    NoNewTags = Keep, "no-new-tags", "There is nothing newer, and there has been nothing for two years.";
    SameContent = Keep, "same-content", "What is newer has the same content as what is pinned.";
    MissingPlatform = Keep, "missing-platform", "What is newer lacks a platform that is needed.";
    NotThereYet = Keep, "not-there-yet", "A newer tag is listed, but its manifest is not there yet.";
    FloatingTag = Keep, "floating-tag", "The tag is no version and no digest is pinned: there is nothing to follow.";
    NoTag = Keep, "no-tag", "There is neither a tag nor a digest to follow.";
    DigestOnly = Keep, "digest-only", "There is a digest without a tag: nothing says what it is to follow.";
    InnerCurrent = Keep, "inner-current", "Its image is built in this repository, and this is its version there.";
    InnerAhead = Keep, "inner-ahead", "Its image is built in this repository and has an older version there; nothing is moved back.";
    InnerFloating = Keep, "inner-floating", "Its image is built in this repository, and its tag does not say which version it is.";
    TooYoung = Hold, "too-young", "What is newer has not been there for min_age yet.";
    Held = Hold, "held", "Something is coming above it in the family: it waits, so that it is rebuilt once.";
    Blocked = Hold, "blocked", "The pipeline of the repository that publishes the image failed.";
    RegistryQuota = Hold, "registry-quota", "The registry's quota of requests is used up; the next pass asks again.";
    OverBudget = Hold, "over-budget", "Its repository's budget of look-ups is used up in this pass; a later pass goes on from there.";
    Disabled = Skip, "disabled", "The policy says that it is not to be looked at.";
    NotEditable = Skip, "not-editable", "Its text cannot be edited where it stands.";
    RegistryNotConfigured = Skip, "registry-not-configured", "Its registry is not one that the operator listed, and is never contacted.";
    FamilyCycle = Skip, "family-cycle", "The image stands on what is built here: following it would never end.";
    OwnImage = Skip, "own-image", "The repository publishes the image itself, and does not say which of its images stand on which.";
    DigestOff = Skip, "digest-off", "It has a digest, and the policy says that digests are left alone.";
    InnerCycle = Skip, "inner-cycle", "Its image and the one that it is in stand on each other.";
    LookupFailed = Unknown, "lookup-failed", "The registry could not be asked.";
    TagVanished = Unknown, "tag-vanished", "The registry no longer has the tag.";
    BadNote = Unknown, "bad-note", "The comment above it cannot be read.";
    SchemeMismatch = Unknown, "scheme-mismatch", "The configured scheme does not fit the tag.";
    VersionFile = Unknown, "version-file", "The version of its image would have to rise with it, and cannot be read or raised.";
    InnerUnknown = Unknown, "inner-unknown", "Its image is built in this repository, and its version there cannot be read.";
    Ambiguous = Unknown, "ambiguous", "The variables that make its tag can give the new one in more than one way.";
    EditRefused = Unknown, "edit-refused", "The file cannot be edited so that exactly this changes.";
}

impl Reason {
    /// Whether something failed, rather than was decided: exit code 1.
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
