//! The policy for a scheme (`docs/tag-schemes.md`, "What the policy adds").

use regex::Regex;

use super::error::SchemeError;
use super::level::Level;
use super::pattern;
use super::range::Range;
use super::reading::Reading;
use super::regex::RegexScheme;
use crate::coded::coded;
use crate::image::Tag;

/// The policy for the tags of one reference; all parts are validated.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How tags are read.
    pub scheme: Scheme,
    /// The widest change that is proposed.
    pub max: Level,
    /// Whether a stable tag may go to a prerelease.
    pub prerelease: bool,
    /// Whether the numbers of the variant may rise.
    pub variant: VariantMode,
    /// Whether a distribution's codename may change.
    pub codename: CodenameMode,
    /// The tags that may be chosen.
    pub allow: Option<Allow>,
    /// The tags that are never chosen.
    pub ignore: Vec<Ignore>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            scheme: Scheme::Auto,
            max: Level::Major,
            prerelease: false,
            variant: VariantMode::Keep,
            codename: CodenameMode::Hold,
            allow: None,
            ignore: Vec::new(),
        }
    }
}

/// The ways to split a tag into parts.
#[derive(Debug, Clone, Default)]
pub enum Scheme {
    /// Reads the usual forms of tags.
    #[default]
    Auto,
    /// Strict SemVer 2 with an optional `v`.
    Semver,
    /// Never compares tags: only the digest is updated.
    Floating,
    /// The operator's own pattern.
    Regex(RegexScheme),
}

/// How a scheme behaves, as far as the search for a newer tag depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SchemeTraits {
    /// Whether tags are compared; otherwise only the digest of the tag is followed.
    pub compares: bool,
    /// Whether every tag has to match, the current one too: one that does not is a mistake in the rule, not another kind
    /// of tag.
    pub must_match: bool,
    /// Whether a newer tag has to be written in the current one's style: with or without `v`, with as many digits.
    pub keeps_style: bool,
    /// Whether hashes are recognized by what the list of tags shows.
    pub finds_hashes: bool,
    /// Whether codenames, second versions and implausible jumps are recognized by what is known of images.
    pub guesses: bool,
    /// Whether a word after the version is a prerelease, whatever the word is.
    pub words_are_prereleases: bool,
}

impl Scheme {
    /// How the scheme behaves. Everything that depends on the scheme goes through this, so that the compiler points
    /// out what a new scheme has to answer.
    pub fn traits(&self) -> SchemeTraits {
        let none = SchemeTraits {
            compares: true,
            must_match: false,
            keeps_style: true,
            finds_hashes: false,
            guesses: false,
            words_are_prereleases: false,
        };
        match self {
            Self::Auto => SchemeTraits {
                finds_hashes: true,
                guesses: true,
                ..none
            },
            Self::Semver => SchemeTraits {
                words_are_prereleases: true,
                ..none
            },
            Self::Floating => SchemeTraits {
                compares: false,
                finds_hashes: true,
                ..none
            },
            Self::Regex(_) => SchemeTraits {
                must_match: true,
                keeps_style: false,
                ..none
            },
        }
    }
}

coded! {
    /// Whether the numbers of a variant may rise.
    #[derive(Default, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum VariantMode {
        /// The variant must stay the same, word for word.
        #[default]
        Keep = "keep";
        /// The words must stay the same, their numbers may rise.
        Follow = "follow";
    }
}

coded! {
    /// Whether a distribution's codename may change.
    #[derive(Default, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum CodenameMode {
        /// The codename stays.
        #[default]
        Hold = "hold";
        /// The newest released codename is proposed.
        Follow = "follow";
    }
}

/// The tags that may be chosen.
#[derive(Debug, Clone)]
pub struct Allow(Filter);

/// Tags that are never chosen.
#[derive(Debug, Clone)]
pub struct Ignore(Filter);

#[derive(Debug, Clone)]
enum Filter {
    Exact(String),
    Search(Regex),
    SearchNot(Regex),
    Range(String, Range),
}

impl Allow {
    /// Reads `/regex/`, `!/regex/` or a range.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        if let Some(regex) = text.strip_prefix('!').and_then(|text| slashed(text, 2)) {
            return Ok(Self(Filter::SearchNot(regex?)));
        }
        if let Some(regex) = slashed(text, 1) {
            return Ok(Self(Filter::Search(regex?)));
        }
        Ok(Self(Filter::Range(text.to_owned(), Range::parse(text)?)))
    }

    pub(super) fn fits(&self, tag: &str, reading: &Reading<'_>) -> bool {
        self.0.fits(tag, reading)
    }

    /// The range as it is written, if this is one.
    pub(super) fn range(&self) -> Option<&str> {
        self.0.range()
    }
}

impl Ignore {
    /// Reads an exact tag, `/regex/` or a range, which begins with one of its signs or ends with `*`.
    pub fn parse(text: &str) -> Result<Self, SchemeError> {
        if let Some(regex) = slashed(text, 1) {
            return Ok(Self(Filter::Search(regex?)));
        }
        let signs = ['<', '>', '=', '!', ' ', '^', '~'];
        let is_range = text.starts_with(signs) || text.contains("||") || text.ends_with('*');
        if is_range || text.is_empty() {
            return Ok(Self(Filter::Range(text.to_owned(), Range::parse(text)?)));
        }
        if Tag::parse(text).is_err() {
            return Err(SchemeError::BadRange {
                text: text.to_owned(),
                reason: "nor is it a tag or a `/regex/`".to_owned(),
            });
        }
        Ok(Self(Filter::Exact(text.to_owned())))
    }

    pub(super) fn fits(&self, tag: &str, reading: &Reading<'_>) -> bool {
        self.0.fits(tag, reading)
    }

    /// The range as it is written, if this is one.
    pub(super) fn range(&self) -> Option<&str> {
        self.0.range()
    }
}

impl Filter {
    fn fits(&self, tag: &str, reading: &Reading<'_>) -> bool {
        match self {
            Self::Exact(exact) => exact == tag,
            Self::Search(regex) => regex.is_match(tag),
            Self::SearchNot(regex) => !regex.is_match(tag),
            // A codename alone has no number that could be compared.
            Self::Range(_, range) => {
                reading.range_numbers().next().is_some() && range.contains(reading.range_numbers())
            }
        }
    }

    fn range(&self) -> Option<&str> {
        match self {
            Self::Range(text, _) => Some(text),
            _ => None,
        }
    }
}

/// The pattern in `/…/`, which begins `offset` bytes into the text that contains it.
fn slashed(text: &str, offset: usize) -> Option<Result<Regex, SchemeError>> {
    let inner = text.strip_prefix('/')?.strip_suffix('/')?;
    if inner.is_empty() {
        return Some(Err(SchemeError::BadPattern {
            message: "it is empty, so it would match every tag".to_owned(),
            span: None,
        }));
    }
    Some(pattern::compile(inner).map_err(|error| error.shifted(offset)))
}

/// As it is written.
impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(text) | Self::Range(text, _) => f.write_str(text),
            Self::Search(regex) => write!(f, "/{regex}/"),
            Self::SearchNot(regex) => write!(f, "!/{regex}/"),
        }
    }
}

/// As it is written.
impl std::fmt::Display for Allow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// As it is written.
impl std::fmt::Display for Ignore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
