//! The settings that a rule can change, each with the line that set it.
//!
//! To add one, add its row to [`settings_table`]: the files' keys, their schema and `config show` follow from it. A new type
//! also needs [`ToToml`](super::values::ToToml) and, in `config`, `SettingType`.

use super::values::{
    Age, CiMode, DigestMode, Hold, LabelNames, NamedScheme, ToToml as _, Trust, UserNames,
};
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

/// The one table of settings, a row each: key, type, default, and one line about it. It is given to another macro.
macro_rules! settings_table {
    ($then:ident) => {
        $then! {
            enabled: bool = true,
                "Whether the references are updated.";
            scheme: NamedScheme = NamedScheme { name: Arc::from("auto"), scheme: Scheme::Auto },
                "How tags are parsed as versions: auto, semver, floating, or the name of a `[[scheme]]`.";
            max: Level = Level::Major,
                "The largest change that is proposed.";
            separate_major: bool = true,
                "Whether a major change is a merge request of its own.";
            prerelease: bool = false,
                "Whether prereleases may be chosen.";
            variant: VariantMode = VariantMode::Keep,
                "Whether a number in the variant may rise, alpine3.18 to alpine3.20.";
            codename: CodenameMode = CodenameMode::Hold,
                "Whether a distribution's codename may change.";
            digest: DigestMode = DigestMode::Refresh,
                "refresh: an existing digest follows its tag; pin: every reference gets one; with-tag: only together with a new tag; off: references with a digest are not updated.";
            pin_args: bool = false,
                "With digest = \"pin\": also pin tags that come from an ARG; CI must not override that ARG.";
            platforms: Vec<Platform> = Vec::new(),
                "Platforms the new tag must support; empty: those of the current digest.";
            allow: Option<Allow> = None,
                "The tags that may be chosen: \"/regex/\", \"!/regex/\" or a range such as \">=3.11 <4 || 5\".";
            ignore: Vec<Ignore> = Vec::new(),
                "Tags that are never chosen: exact, \"/regex/\" or a range.";
            group: String = String::new(),
                "References with one group share a merge request; empty: the image's name.";
            labels: LabelNames = LabelNames(vec!["imagebot".to_owned()]),
                "The labels of the merge request; a label that a user removes is not added again.";
            assignees: UserNames = UserNames::default(),
                "User names of the assignees.";
            reviewers: UserNames = UserNames::default(),
                "User names of the reviewers.";
            milestone: String = String::new(),
                "The title of the merge request's milestone; empty: none.";
            draft: bool = false,
                "Whether the merge request is opened as a draft.";
            squash: Option<bool> = None,
                "Whether its commits are squashed when it is merged.";
            remove_source_branch: bool = true,
                "Whether its branch is removed when it is merged.";
            min_age: Age = Age::NONE,
                "How long a tag or digest must have existed before it is proposed: \"3 days\", \"36h\".";
            min_age_trust: Trust = Trust::Seen,
                "Where the age comes from: seen, when imagebot first saw or proposed it; created, also the date in the image.";
            automerge: Option<Level> = None,
                "The largest change that is merged automatically after its pipeline succeeded; needs min_age.";
            max_open: u32 = 5,
                "Maximum number of open merge requests per repository.";
            hold: Hold = Hold::Family,
                "Whether references to images of registered repositories wait until all their ancestors are settled.";
            hold_for: Option<Age> = Some(Age { seconds: 86_400 }),
                "The longest time to wait: \"24h\", or \"never\" to wait without a limit.";
            hold_majors: bool = false,
                "Whether to wait for an open major change of a parent too.";
            settle: Age = Age { seconds: 600 },
                "How long to wait for the pipeline of a parent's new commit to appear.";
            ci: CiMode = CiMode::Report,
                "What happens to references in definitions of CI: report or propose. Only the operator can set it.";
            reason: Option<String> = None,
                "Why the rule exists, shown wherever it decides something.";
        }
    };
}

pub(crate) use settings_table;

/// Declares the settings with a value each, and as the changes of one rule.
macro_rules! settings {
    ($($name:ident: $type:ty = $default:expr, $about:literal;)*) => {
        /// The settings of one reference, each key with the line that set it.
        #[derive(Debug, Clone)]
        pub struct Settings {
            $(#[doc = $about] pub $name: Set<$type>,)*
            /// The reasons of the rules that set a key, by the key's name.
            pub reasons: BTreeMap<&'static str, String>,
        }

        /// The changes of one rule; a key that is `None` stays unchanged.
        #[derive(Debug, Clone, Default)]
        pub struct Changes { $(#[doc = $about] pub $name: Option<Set<$type>>,)* }

        impl Default for Settings {
            fn default() -> Self {
                Self {
                    $($name: Set { value: $default, from: SettingOrigin::built_in() },)*
                    reasons: BTreeMap::new(),
                }
            }
        }

        impl Settings {
            /// Every setting: its key, its value in TOML, and the line that set it.
            pub fn rows(&self) -> Vec<(&'static str, String, &SettingOrigin)> {
                vec![$((stringify!($name), self.$name.value.to_toml(), &self.$name.from),)*]
            }

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

settings_table!(settings);

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
