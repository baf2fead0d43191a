//! The verdict on each tag of a list: exactly one, the first that applies.

use crate::coded::coded;

coded! {
    /// The verdict on one tag. If several apply, the first in this order counts.
    ///
    /// The codes are public (`docs/tag-schemes.md`, "Verdicts"): they never change their meaning.
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum TagVerdict {
        /// The tag is the one in use.
        Current = "current", "the tag in use";
        /// The tag does not contain a version.
        NotAVersion = "not-a-version", "not a version";
        /// The scheme's pattern does not match the tag.
        Unmatched = "unmatched", "it does not match the scheme's pattern";
        /// The tag is a version, but the current tag is none, so there is nothing to compare it with.
        NotCompared = "not-compared", "a version, but the current tag is not one or the scheme is `floating`";
        /// The text before the version differs.
        OtherPrefix = "other-prefix", "the text before the version differs";
        /// The rest of the tag differs.
        OtherVariant = "other-variant", "the rest of the tag differs";
        /// The tag belongs to another codename.
        OtherCodename = "other-codename", "it belongs to another codename";
        /// The version has more or fewer numbers.
        OtherPrecision = "other-precision", "the version has more or fewer numbers";
        /// One version is a date, the other is not.
        OtherCalendar = "other-calendar", "one of the two versions is a date, the other is not";
        /// A number is of another kind: a date, a year or a build number where the current tag has a small one.
        FarOff = "far-off", "a number is far from the current tag's; it is probably a date, a year or a build number";
        /// The version is not newer.
        OlderOrEqual = "older-or-equal", "not newer than the current tag";
        /// A prerelease that is not wanted.
        Prerelease = "prerelease", "a prerelease or not released yet, and the policy allows only releases";
        /// An interim release beside a long-term one.
        NotLts = "not-lts", "an interim release; a long-term release is updated only to the next long-term release";
        /// The policy's `ignore` names the tag.
        Ignored = "ignored", "excluded by the policy's `ignore`";
        /// The policy's `allow` leaves the tag out.
        NotAllowed = "not-allowed", "not accepted by the policy's `allow`";
        /// The change is wider than the policy's `max`.
        AboveAllowedLevel = "above-allowed-level", "the change is larger than the policy's `max`";
        /// The tag has not existed for long enough.
        TooYoung = "too-young", "younger than `min_age`";
        /// The tag lacks a required platform.
        MissingPlatform = "missing-platform", "a required platform is missing";
        /// The tag is a newer name for the digest in use.
        SameContent = "same-content", "a newer name for the pinned digest";
        /// The tag is the next one.
        Chosen = "chosen", "the next tag";
        /// A candidate, but not the best one.
        NewerButLower = "newer-but-lower", "newer, but not the newest";
    }
}
