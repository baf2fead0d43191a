//! Where in a file a version is.

use super::error::VersionFileError;
use super::key::KeyPath;
use super::{dockerfile, edn, json, regex, text, toml, yaml};
use crate::source::format::{Format, is_ci};
use std::fmt;
use std::ops::Range;

/// Where in a file a version is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Its only line.
    Text,
    /// A key of the EDN map that the file holds.
    Edn(KeyPath),
    /// A key of a TOML document.
    Toml(KeyPath),
    /// A key of a YAML document.
    Yaml(KeyPath),
    /// A key of a JSON document.
    Json(KeyPath),
    /// The default of an `ARG` of a Dockerfile.
    Arg(String),
    /// The value of a `LABEL` of a Dockerfile.
    Label(String),
    /// The one group of a regular expression that matches once.
    Regex(String),
}

/// Why a version's place is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePlaceError {
    /// There is no such kind.
    #[error("invalid kind of version file {0:?}: expected one of {kinds}", kinds = Place::KINDS.join(", "))]
    Kind(String),
    /// The key is invalid.
    #[error(
        "{0:?} is not a key: expected names separated by dots, with quotes around a name that contains a dot"
    )]
    Key(String),
    /// The kind needs a key or a pattern.
    #[error("kind = \"{0}\" needs {1}")]
    Needs(&'static str, &'static str),
    /// The kind has no key and no pattern.
    #[error("kind = \"{0}\" does not take {1}")]
    Takes(&'static str, &'static str),
    /// The pattern is invalid, or does not have exactly one group.
    #[error("{0}")]
    Pattern(String),
    /// A definition of CI is never edited (T18).
    #[error("CI definitions are never edited")]
    Ci,
}

/// The label with an image's version.
const VERSION_LABEL: &str = "org.opencontainers.image.version";

impl Place {
    /// The names of the kinds.
    pub const KINDS: [&'static str; 8] = [
        "text", "edn", "toml", "yaml", "json", "arg", "label", "regex",
    ];

    /// Reads a place from the configuration. What it leaves out depends on the file's name: `info.edn` has `:version`,
    /// `Cargo.toml` has `package.version`, `pyproject.toml` has `project.version`, other documents have `version`, a
    /// Dockerfile has `ARG VERSION`, and any other file contains nothing but the version.
    pub fn parse(
        path: &str,
        kind: Option<&str>,
        key: Option<&str>,
        pattern: Option<&str>,
    ) -> Result<Self, ParsePlaceError> {
        if is_ci_of_forge(path) {
            return Err(ParsePlaceError::Ci);
        }
        let kind = match (kind, pattern) {
            (Some(kind), _) => kind,
            (None, Some(_)) => "regex",
            (None, None) => guessed(path),
        };
        let known = Self::KINDS.iter().find(|known| **known == kind);
        let kind = *known.ok_or_else(|| ParsePlaceError::Kind(kind.to_owned()))?;
        if kind != "regex" && pattern.is_some() {
            return Err(ParsePlaceError::Takes(kind, "pattern"));
        }
        if matches!(kind, "text" | "regex") && key.is_some() {
            return Err(ParsePlaceError::Takes(kind, "key"));
        }
        let keyed = || {
            let key = key.unwrap_or_else(|| usual_key(path));
            let bad = || ParsePlaceError::Key(key.to_owned());
            KeyPath::parse(key.strip_prefix(':').unwrap_or(key)).ok_or_else(bad)
        };
        let named = |usual: &str| {
            let name = key.unwrap_or(usual);
            let fits =
                !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control());
            let bad = || ParsePlaceError::Key(name.to_owned());
            fits.then(|| name.to_owned()).ok_or_else(bad)
        };
        Ok(match kind {
            "edn" => Self::Edn(keyed()?),
            "toml" => Self::Toml(keyed()?),
            "yaml" => Self::Yaml(keyed()?),
            "json" => Self::Json(keyed()?),
            "arg" => Self::Arg(named("VERSION")?),
            "label" => Self::Label(named(VERSION_LABEL)?),
            "regex" => {
                let pattern = pattern.ok_or(ParsePlaceError::Needs("regex", "a `pattern`"))?;
                regex::compile(pattern).map_err(ParsePlaceError::Pattern)?;
                Self::Regex(pattern.to_owned())
            }
            _ => Self::Text,
        })
    }

    /// The kind's name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Edn(_) => "edn",
            Self::Toml(_) => "toml",
            Self::Yaml(_) => "yaml",
            Self::Json(_) => "json",
            Self::Arg(_) => "arg",
            Self::Label(_) => "label",
            Self::Regex(_) => "regex",
        }
    }

    /// A description of the place, for messages.
    pub(super) fn what(&self) -> String {
        match self {
            Self::Text => "line".to_owned(),
            Self::Edn(key) => format!("key :{key}"),
            Self::Toml(key) | Self::Yaml(key) | Self::Json(key) => format!("key {key}"),
            Self::Arg(name) => format!("ARG {name} with a default"),
            Self::Label(name) => format!("LABEL {name}"),
            Self::Regex(pattern) => format!("match of {pattern:?}"),
        }
    }

    /// All positions of the value in a text.
    pub(super) fn find(&self, text: &str) -> Result<Vec<Range<usize>>, VersionFileError> {
        match self {
            Self::Text => Ok(text::find(text)),
            Self::Edn(key) => edn::find(text, key.names()),
            Self::Toml(key) => toml::find(text, key.names()),
            Self::Yaml(key) => yaml::find(text, key.names()),
            Self::Json(key) => json::find(text, key.names()),
            Self::Arg(name) => dockerfile::find(text, "arg", name),
            Self::Label(name) => dockerfile::find(text, "label", name),
            Self::Regex(pattern) => regex::find(text, pattern),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind();
        match self {
            Self::Text => f.write_str(kind),
            Self::Edn(key) | Self::Toml(key) | Self::Yaml(key) | Self::Json(key) => {
                write!(f, "{kind}:{key}")
            }
            Self::Arg(name) | Self::Label(name) | Self::Regex(name) => write!(f, "{kind}:{name}"),
        }
    }
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn guessed(path: &str) -> &'static str {
    let ending = name_of(path)
        .rsplit_once('.')
        .map(|(_, ending)| ending.to_ascii_lowercase());
    match ending.as_deref() {
        Some("edn") => "edn",
        Some("toml") => "toml",
        Some("yaml" | "yml") => "yaml",
        Some("json") => "json",
        _ if Format::of(path).is_some() => "arg",
        _ => "text",
    }
}

fn usual_key(path: &str) -> &'static str {
    match name_of(path) {
        "Cargo.toml" => "package.version",
        "pyproject.toml" => "project.version",
        _ => "version",
    }
}

/// Whether the forges read CI from a path. Other YAML may be included by CI, but there only a version is changed.
fn is_ci_of_forge(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    is_ci(&path) && (path.starts_with('.') || name_of(&path) == ".gitlab-ci.yml")
}
