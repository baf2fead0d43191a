//! The settings that a rule can change, each with the line that set it.

use crate::image::Platform;
use crate::scheme::{Allow, CodenameMode, Ignore, Level, Rules, Scheme, VariantMode};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The file as it was named; `built in` for defaults.
    pub file: Arc<str>,
    /// The line, counted from 1; 0 where there is none.
    pub line: usize,
}

impl Origin {
    /// The defaults that imagebot brings along.
    pub fn built_in() -> Self {
        Self {
            file: Arc::from("built in"),
            line: 0,
        }
    }
}

impl fmt::Display for Origin {
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
    pub from: Origin,
}

/// What happens to digests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DigestMode {
    /// Where a digest stands it follows its tag; none is added.
    Refresh,
    /// Every reference gets a digest.
    Pin,
    /// A digest changes only together with a new tag.
    WithTag,
    /// References with a digest are left alone.
    Off,
}

impl DigestMode {
    /// The modes and their names in configuration.
    pub const ALL: [(&str, Self); 4] = [
        ("refresh", Self::Refresh),
        ("pin", Self::Pin),
        ("with-tag", Self::WithTag),
        ("off", Self::Off),
    ];

    /// The mode's name.
    pub fn code(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, mode)| *mode == self)
            .map_or("", |(name, _)| name)
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
        pub struct Settings { $($(#[$doc])* pub $name: Set<$type>,)* }

        /// What one rule changes; a key that is `None` stays as it was.
        #[derive(Debug, Clone, Default)]
        pub struct Changes { $($(#[$doc])* pub $name: Option<Set<$type>>,)* }

        impl Default for Settings {
            fn default() -> Self {
                Self { $($name: Set { value: $default, from: Origin::built_in() },)* }
            }
        }

        impl Settings {
            /// Applies a rule's changes.
            pub fn apply(&mut self, changes: &Changes) {
                $(if let Some(set) = &changes.$name { self.$name = set.clone(); })*
            }
        }

        impl Changes {
            /// Whether nothing is changed.
            pub fn is_empty(&self) -> bool {
                $(self.$name.is_none())&&*
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
