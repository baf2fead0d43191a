//! The settings that a rule can change, each with the line that set it.

use crate::coded::coded;
use crate::image::Platform;
use crate::scheme::{Allow, CodenameMode, Ignore, Level, Rules, Scheme, VariantMode};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SettingOrigin {
    /// The file as it was named; `built in` for defaults.
    pub file: Arc<str>,
    /// The line, counted from 1; 0 where there is none.
    pub line: usize,
}

impl SettingOrigin {
    /// The defaults that imagebot brings along.
    pub fn built_in() -> Self {
        Self {
            file: Arc::from("built in"),
            line: 0,
        }
    }
}

impl fmt::Display for SettingOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.file),
            line => write!(f, "{}:{line}", self.file),
        }
    }
}

/// A value and the line that set it.
#[derive(Debug, Clone)]
pub struct Set<T> {
    /// The value.
    pub value: T,
    /// Where it was set.
    pub from: SettingOrigin,
}

coded! {
    /// What happens to digests.
    pub enum DigestMode {
        /// Where a digest stands it follows its tag; none is added.
        Refresh = "refresh";
        /// Every reference gets a digest.
        Pin = "pin";
        /// A digest changes only together with a new tag.
        WithTag = "with-tag";
        /// References with a digest are left alone.
        Off = "off";
    }
}

/// How long a tag or digest must have been there before it is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Age {
    /// In seconds.
    pub seconds: i64,
}

/// Why a text is no age.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration; write it as \"3 days\", \"36h\" or \"1 week\"")]
pub struct ParseAgeError(String);

impl Age {
    /// No time at all.
    pub const NONE: Self = Self { seconds: 0 };

    /// Reads a time such as `3 days`, `36h` or `1 week`; a day has 24 hours. Months and years have no fixed length.
    pub fn parse(text: &str) -> Result<Self, ParseAgeError> {
        let error = || ParseAgeError(text.to_owned());
        let span: jiff::Span = text.trim().parse().map_err(|_| error())?;
        let days = jiff::SpanRelativeTo::days_are_24_hours();
        let seconds = span
            .total((jiff::Unit::Second, days))
            .map_err(|_| error())?;
        if !(0.0..=3_153_600_000.0).contains(&seconds) {
            return Err(error());
        }
        Ok(Self {
            seconds: seconds as i64,
        })
    }
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.seconds {
            s if s % 86_400 == 0 => write!(f, "{} days", s / 86_400),
            s if s % 3_600 == 0 => write!(f, "{}h", s / 3_600),
            s if s % 60 == 0 => write!(f, "{}min", s / 60),
            s => write!(f, "{s}s"),
        }
    }
}

coded! {
    /// What tells how old a tag or digest is.
    pub enum Trust {
        /// When imagebot saw it first, or proposed it.
        Seen = "seen";
        /// Also what the image itself says of when it was made.
        Created = "created";
    }
}

coded! {
    /// Whether a reference to an image of a registered repository waits for what goes on above it.
    pub enum Hold {
        /// Until everything above it is at rest, or `hold_for` has passed.
        Family = "family";
        /// It does not wait.
        Off = "off";
    }
}

/// A scheme and the name that the configuration calls it by.
#[derive(Debug, Clone)]
pub struct NamedScheme {
    /// `auto`, `semver`, `floating`, or the name of a `[[scheme]]`.
    pub name: Arc<str>,
    /// The scheme.
    pub scheme: Scheme,
}

/// Declares the settings once: with a value each, and as what one rule changes.
macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr;)*) => {
        /// The settings of one reference, every key with the line that set it.
        #[derive(Debug, Clone)]
        pub struct Settings {
            $($(#[$doc])* pub $name: Set<$type>,)*
            /// Why a key was set, by its name, where the rule that set it says so.
            pub reasons: BTreeMap<&'static str, String>,
        }

        /// What one rule changes; a key that is `None` stays as it was.
        #[derive(Debug, Clone, Default)]
        pub struct Changes { $($(#[$doc])* pub $name: Option<Set<$type>>,)* }

        impl Default for Settings {
            fn default() -> Self {
                Self {
                    $($name: Set { value: $default, from: SettingOrigin::built_in() },)*
                    reasons: BTreeMap::new(),
                }
            }
        }

        impl Settings {
            /// Applies a rule's changes.
            pub fn apply(&mut self, changes: &Changes) {
                let reason = changes.reason.as_ref().and_then(|set| set.value.as_ref());
                $(if let Some(set) = &changes.$name {
                    self.$name = set.clone();
                    // A reason travels with the keys of its own rule and with no other.
                    match reason {
                        Some(reason) => drop(self.reasons.insert(stringify!($name), reason.clone())),
                        None => drop(self.reasons.remove(stringify!($name))),
                    }
                })*
            }
        }

        impl Changes {
            /// Whether nothing is changed.
            pub fn is_empty(&self) -> bool {
                $(self.$name.is_none())&&*
            }

            /// These changes, and over them those of `other`.
            #[must_use]
            pub fn with(mut self, other: Self) -> Self {
                $(if other.$name.is_some() { self.$name = other.$name; })*
                self
            }

            /// The same changes, set at another place.
            #[must_use]
            pub fn at(mut self, from: &SettingOrigin) -> Self {
                $(if let Some(set) = &mut self.$name { set.from = from.clone(); })*
                self
            }
        }
    };
}

settings! {
    /// Whether the reference is looked at.
    enabled: bool = true;
    /// How its tags are read as versions.
    scheme: NamedScheme = NamedScheme { name: Arc::from("auto"), scheme: Scheme::Auto };
    /// The widest change that is proposed.
    max: Level = Level::Major;
    /// Whether a major change is a merge request of its own.
    separate_major: bool = true;
    /// Whether prereleases are candidates.
    prerelease: bool = false;
    /// Whether a number in the variant may rise.
    variant: VariantMode = VariantMode::Keep;
    /// Whether a distribution's codename may change.
    codename: CodenameMode = CodenameMode::Hold;
    /// What happens to digests.
    digest: DigestMode = DigestMode::Refresh;
    /// With `digest = "pin"`: whether a digest is also added behind a tag that an `ARG` makes.
    pin_args: bool = false;
    /// The platforms that must exist in what is chosen; empty: those of the current digest.
    platforms: Vec<Platform> = Vec::new();
    /// The tags that may be chosen.
    allow: Option<Allow> = None;
    /// The tags that are never chosen.
    ignore: Vec<Ignore> = Vec::new();
    /// References with one group share a merge request; empty: the image's name.
    group: String = String::new();
    /// The labels of the merge request.
    labels: Vec<String> = vec!["imagebot".to_owned()];
    /// User names of those whom the merge request is assigned to.
    assignees: Vec<String> = Vec::new();
    /// User names of those who are asked for a review.
    reviewers: Vec<String> = Vec::new();
    /// The title of the merge request's milestone; empty: none.
    milestone: String = String::new();
    /// Whether the merge request is opened as a draft.
    draft: bool = false;
    /// Whether its commits are squashed when it is merged; `None`: as the repository has it.
    squash: Option<bool> = None;
    /// Whether its branch is removed when it is merged.
    remove_source_branch: bool = true;
    /// How long a tag or digest must have been there before it is proposed.
    min_age: Age = Age::NONE;
    /// What tells how long.
    min_age_trust: Trust = Trust::Seen;
    /// The widest change that is merged without a person; `None`: never.
    automerge: Option<Level> = None;
    /// The most open merge requests of a repository.
    max_open: u32 = 5;
    /// Whether it waits for what goes on above it.
    hold: Hold = Hold::Family;
    /// The longest that something holds; `None`: as long as it takes.
    hold_for: Option<Age> = Some(Age { seconds: 86_400 });
    /// Whether an open major change of a parent holds too.
    hold_majors: bool = false;
    /// How long a parent's new commit is waited for to get its pipeline.
    settle: Age = Age { seconds: 600 };
    /// Why the rule exists, shown wherever it decides something.
    reason: Option<String> = None;
}

impl Settings {
    /// What the tag scheme needs to know of them.
    pub fn rules(&self) -> Rules {
        Rules {
            scheme: self.scheme.value.scheme.clone(),
            max: self.max.value,
            prerelease: self.prerelease.value,
            variant: self.variant.value,
            codename: self.codename.value,
            allow: self.allow.value.clone(),
            ignore: self.ignore.value.clone(),
        }
    }
}
