//! What is said about each tag of a list: exactly one verdict, the first that applies.

/// What is said about one tag, in the order in which the first that applies is taken.
///
/// The codes are public (`docs/tag-schemes.md`, "Verdicts"): they never change their meaning.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The tag is the one in use.
    Current,
    /// The tag holds no version.
    NotAVersion,
    /// The scheme's pattern does not match the tag.
    Unmatched,
    /// The tag is a version, but there is none to compare it with.
    NotCompared,
    /// Another text stands before the version.
    OtherPrefix,
    /// The rest of the tag differs.
    OtherVariant,
    /// The tag belongs to another codename.
    OtherCodename,
    /// The version has more or fewer numbers.
    OtherPrecision,
    /// One version is a date, the other is none.
    OtherCalendar,
    /// A number is of another kind: a date, a year or a build number where the current tag has a small one.
    FarOff,
    /// The version is not newer.
    OlderOrEqual,
    /// A prerelease that is not wanted here.
    Prerelease,
    /// An interim release beside a long-term one.
    NotLts,
    /// The policy's `ignore` names the tag.
    Ignored,
    /// The policy's `allow` leaves the tag out.
    NotAllowed,
    /// The change is wider than the policy's `max`.
    AboveAllowedLevel,
    /// The tag has not been seen for long enough.
    TooYoung,
    /// The tag lacks a platform that is needed.
    MissingPlatform,
    /// The tag is a newer name for the digest in use.
    SameContent,
    /// The tag is the next one.
    Chosen,
    /// A candidate, but not the best.
    NewerButLower,
}

impl Verdict {
    /// All verdicts, in the order in which the first that applies is taken.
    pub const ALL: [Self; 21] = [
        Self::Current,
        Self::NotAVersion,
        Self::Unmatched,
        Self::NotCompared,
        Self::OtherPrefix,
        Self::OtherVariant,
        Self::OtherCodename,
        Self::OtherPrecision,
        Self::OtherCalendar,
        Self::FarOff,
        Self::OlderOrEqual,
        Self::Prerelease,
        Self::NotLts,
        Self::Ignored,
        Self::NotAllowed,
        Self::AboveAllowedLevel,
        Self::TooYoung,
        Self::MissingPlatform,
        Self::SameContent,
        Self::Chosen,
        Self::NewerButLower,
    ];

    /// The stable code: kebab-case.
    pub fn code(self) -> &'static str {
        self.entry().0
    }

    /// What the verdict means, in one line.
    pub fn describe(self) -> &'static str {
        self.entry().1
    }

    fn entry(self) -> (&'static str, &'static str) {
        match self {
            Self::Current => ("current", "the tag in use"),
            Self::NotAVersion => ("not-a-version", "not a version"),
            Self::Unmatched => ("unmatched", "it does not match the scheme's pattern"),
            Self::NotCompared => (
                "not-compared",
                "a version, but the current tag is not one or the scheme is `floating`",
            ),
            Self::OtherPrefix => ("other-prefix", "the text before the version differs"),
            Self::OtherVariant => ("other-variant", "the rest of the tag differs"),
            Self::OtherCodename => ("other-codename", "it belongs to another codename"),
            Self::OtherPrecision => ("other-precision", "the version has more or fewer numbers"),
            Self::OtherCalendar => (
                "other-calendar",
                "one of the two versions is a date, the other is not",
            ),
            Self::FarOff => (
                "far-off",
                "a number is far from the current tag's; it is probably a date, a year or a build number",
            ),
            Self::OlderOrEqual => ("older-or-equal", "not newer than the current tag"),
            Self::Prerelease => (
                "prerelease",
                "a prerelease or not released yet, and the policy allows only releases",
            ),
            Self::NotLts => (
                "not-lts",
                "an interim release; a long-term release is updated only to the next long-term release",
            ),
            Self::Ignored => ("ignored", "excluded by the policy's `ignore`"),
            Self::NotAllowed => ("not-allowed", "not accepted by the policy's `allow`"),
            Self::AboveAllowedLevel => (
                "above-allowed-level",
                "the change is larger than the policy's `max`",
            ),
            Self::TooYoung => ("too-young", "younger than `min_age`"),
            Self::MissingPlatform => ("missing-platform", "a required platform is missing"),
            Self::SameContent => ("same-content", "a newer name for the pinned digest"),
            Self::Chosen => ("chosen", "the next tag"),
            Self::NewerButLower => ("newer-but-lower", "newer, but not the newest"),
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.code())
    }
}
