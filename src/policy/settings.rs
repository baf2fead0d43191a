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
    /// The file's name as it was given; `built in` for defaults.
    pub file: Arc<str>,
    /// The line, counted from 1; 0 if there is none.
    pub line: usize,
}

impl SettingOrigin {
    /// The built-in defaults.
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
    /// The line that set it.
    pub from: SettingOrigin,
}

coded! {
    /// What happens to digests.
    pub enum DigestMode {
        /// A digest follows its tag; none is added.
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

/// Why a text is not an age.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration; write it as \"3 days\", \"36h\" or \"1 week\"")]
pub struct ParseAgeError(String);

impl Age {
    /// No time.
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
    /// How the age of a tag or digest is measured.
    pub enum Trust {
        /// From when imagebot first saw or proposed it.
        Seen = "seen";
        /// Also from the creation time in the image itself.
        Created = "created";
    }
}

coded! {
    /// Whether a reference to an image of a registered repository waits for changes of that image's ancestors.
    pub enum Hold {
        /// Until all ancestors are settled, or `hold_for` has passed.
        Family = "family";
        /// It does not wait.
        Off = "off";
    }
}

/// A scheme and its name in the configuration.
#[derive(Debug, Clone)]
pub struct NamedScheme {
    /// `auto`, `semver`, `floating`, or the name of a `[[scheme]]`.
    pub name: Arc<str>,
    /// The scheme.
    pub scheme: Scheme,
}

/// Declares the settings once: with a value each, and as the changes of one rule.
macro_rules! settings {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $default:expr;)*) => {
        /// The settings of one reference, each key with the line that set it.
        #[derive(Debug, Clone)]
        pub struct Settings {
            $($(#[$doc])* pub $name: Set<$type>,)*
            /// The reasons of the rules that set a key, by the key's name.
            pub reasons: BTreeMap<&'static str, String>,
        }

        /// The changes of one rule; a key that is `None` stays unchanged.
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
                    // A reason belongs to the keys of its own rule only.
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

            /// These changes, overridden by those of `other`.
            #[must_use]
            pub fn with(mut self, other: Self) -> Self {
                $(if other.$name.is_some() { self.$name = other.$name; })*
                self
            }

            /// The same changes with another line.
            #[must_use]
            pub fn at(mut self, from: &SettingOrigin) -> Self {
                $(if let Some(set) = &mut self.$name { set.from = from.clone(); })*
                self
            }
        }
    };
}

settings! {
    /// Whether the reference is processed.
    enabled: bool = true;
    /// How its tags are read as versions.
    scheme: NamedScheme = NamedScheme { name: Arc::from("auto"), scheme: Scheme::Auto };
    /// The widest change that is proposed.
    max: Level = Level::Major;
    /// Whether a major change gets a merge request of its own.
    separate_major: bool = true;
    /// Whether prereleases are candidates.
    prerelease: bool = false;
    /// Whether a number in the variant may rise.
    variant: VariantMode = VariantMode::Keep;
    /// Whether a distribution's codename may change.
    codename: CodenameMode = CodenameMode::Hold;
    /// What happens to digests.
    digest: DigestMode = DigestMode::Refresh;
    /// With `digest = "pin"`: whether a digest is also added after a tag that comes from an `ARG`.
    pin_args: bool = false;
    /// The platforms that a chosen image must have; empty: those of the current digest.
    platforms: Vec<Platform> = Vec::new();
    /// The tags that may be chosen.
    allow: Option<Allow> = None;
    /// The tags that are never chosen.
    ignore: Vec<Ignore> = Vec::new();
    /// References with the same group share a merge request; empty: the image's name.
    group: String = String::new();
    /// The labels of the merge request.
    labels: Vec<String> = vec!["imagebot".to_owned()];
    /// User names of the merge request's assignees.
    assignees: Vec<String> = Vec::new();
    /// User names of the merge request's reviewers.
    reviewers: Vec<String> = Vec::new();
    /// The title of the merge request's milestone; empty: none.
    milestone: String = String::new();
    /// Whether the merge request is opened as a draft.
    draft: bool = false;
    /// Whether its commits are squashed when it is merged; `None`: the repository's setting decides.
    squash: Option<bool> = None;
    /// Whether its branch is removed when it is merged.
    remove_source_branch: bool = true;
    /// How long a tag or digest must have been there before it is proposed.
    min_age: Age = Age::NONE;
    /// How that time is measured.
    min_age_trust: Trust = Trust::Seen;
    /// The widest change that is merged automatically; `None`: none.
    automerge: Option<Level> = None;
    /// The most open merge requests of a repository.
    max_open: u32 = 5;
    /// Whether it waits for changes of its parent images.
    hold: Hold = Hold::Family;
    /// The longest that it waits; `None`: without limit.
    hold_for: Option<Age> = Some(Age { seconds: 86_400 });
    /// Whether it also waits for an open major change of a parent.
    hold_majors: bool = false;
    /// How long to wait for the pipeline of a parent's new commit to start.
    settle: Age = Age { seconds: 600 };
    /// Why the rule exists, shown wherever it decides.
    reason: Option<String> = None;
}

impl Settings {
    /// What the tag scheme needs to know about them.
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
