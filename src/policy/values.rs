//! The types of settings, and how each value is written in a configuration file.

use crate::coded::{Coded, coded};
use crate::image::Platform;
use crate::scheme::{Allow, Ignore, Level, Scheme};
use std::fmt;
use std::sync::Arc;

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
            86_400 => f.write_str("24h"),
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

coded! {
    /// What happens to references in definitions of CI.
    pub enum CiMode {
        /// They are shown with what is newer, and never changed (T18).
        Report = "report";
        /// They are updated like all others.
        Propose = "propose";
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

/// Labels of a merge request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LabelNames(pub Vec<String>);

/// Names of users on the forge, without `@`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserNames(pub Vec<String>);

impl std::ops::Deref for LabelNames {
    type Target = Vec<String>;
    fn deref(&self) -> &Vec<String> {
        &self.0
    }
}

impl std::ops::Deref for UserNames {
    type Target = Vec<String>;
    fn deref(&self) -> &Vec<String> {
        &self.0
    }
}

/// A value as a configuration file has it: what `config show` prints can be pasted into the file.
pub(crate) trait ToToml {
    /// The value in TOML.
    fn to_toml(&self) -> String;
}

fn list<T>(values: &[T], text: impl Fn(&T) -> String) -> String {
    let texts: Vec<String> = values.iter().map(|value| text(value).to_toml()).collect();
    format!("[{}]", texts.join(", "))
}

impl<T: Coded> ToToml for T {
    fn to_toml(&self) -> String {
        self.to_string().to_toml()
    }
}

impl ToToml for bool {
    fn to_toml(&self) -> String {
        self.to_string()
    }
}

impl ToToml for u32 {
    fn to_toml(&self) -> String {
        self.to_string()
    }
}

impl ToToml for String {
    fn to_toml(&self) -> String {
        format!("{self:?}")
    }
}

impl ToToml for Age {
    fn to_toml(&self) -> String {
        self.to_string().to_toml()
    }
}

impl ToToml for NamedScheme {
    fn to_toml(&self) -> String {
        self.name.to_string().to_toml()
    }
}

impl ToToml for LabelNames {
    fn to_toml(&self) -> String {
        list(self, String::clone)
    }
}

impl ToToml for UserNames {
    fn to_toml(&self) -> String {
        list(self, String::clone)
    }
}

impl ToToml for Vec<Platform> {
    fn to_toml(&self) -> String {
        list(self, ToString::to_string)
    }
}

impl ToToml for Vec<Ignore> {
    fn to_toml(&self) -> String {
        list(self, ToString::to_string)
    }
}

impl ToToml for Option<Allow> {
    fn to_toml(&self) -> String {
        let text = self.as_ref().map(ToString::to_string);
        text.unwrap_or_default().to_toml()
    }
}

/// `automerge`: without a level nothing is merged.
impl ToToml for Option<Level> {
    fn to_toml(&self) -> String {
        self.map_or("never", Level::code).to_owned().to_toml()
    }
}

/// `hold_for`: without a time there is no limit.
impl ToToml for Option<Age> {
    fn to_toml(&self) -> String {
        let text = self.map(|age| age.to_string());
        text.unwrap_or_else(|| "never".to_owned()).to_toml()
    }
}

/// `squash`: unless it is set, the forge decides.
impl ToToml for Option<bool> {
    fn to_toml(&self) -> String {
        let unset = || "the repository's own setting".to_owned().to_toml();
        self.map_or_else(unset, |squash| squash.to_toml())
    }
}

impl ToToml for Option<String> {
    fn to_toml(&self) -> String {
        self.clone().unwrap_or_default().to_toml()
    }
}
