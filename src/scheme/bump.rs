//! The next version of an image whose base changed.
//!
//! A version is numbers with dots between, perhaps with a `v` before and a suffix after them. Its form stays: the `v`,
//! the width of numbers with leading zeros, and how many numbers there are, unless the number that rises does not exist
//! yet (`1.2`, patch: `1.2.1`). The numbers after the one that rises become zero. A suffix stays (`1.2.3-slim`:
//! `1.2.4-slim`), unless it marks a prerelease: then its own number rises, whatever the level, because the user decides
//! which release it leads to (`2.0.0-rc.1`: `2.0.0-rc.2`).

use super::level::Level;
use super::words::{B, Meaning, meaning};
use crate::coded::coded;

coded! {
    /// How far an image's own version rises when its base changed.
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum Bump {
        /// The third number.
        Patch = "patch";
        /// The second number.
        Minor = "minor";
        /// The first number.
        Major = "major";
        /// As far as the widest of the changes that cause it; builds and digests count as patch.
        Same = "same";
    }
}

/// Why there is no next version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BumpError {
    /// It is not a version.
    #[error("{0:?} is not a version: expected numbers separated by dots, such as 1.2.3")]
    NoVersion(String),
    /// It is a prerelease without a number that could rise.
    #[error("{0:?} is a prerelease without its own number, such as 1.2.3-rc.1")]
    NoNumber(String),
}

impl Bump {
    /// The level that rises, given the widest of the changes that cause it.
    pub fn level(self, widest: Level) -> Level {
        match self {
            Self::Patch => Level::Patch,
            Self::Minor => Level::Minor,
            Self::Major => Level::Major,
            Self::Same => widest.max(Level::Patch),
        }
    }
}

/// The most characters of a version; more than a tag has could never be published.
const MOST: usize = 128;

/// A version in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Form<'t> {
    /// `v`, `V` or nothing.
    pub(super) mark: &'t str,
    /// Numbers with dots between them.
    pub(super) core: &'t str,
    /// What follows them.
    pub(super) suffix: &'t str,
}

impl<'t> Form<'t> {
    /// Splits a version into its parts; `None` if the text is not a version.
    pub(super) fn of(text: &'t str) -> Option<Self> {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"._+~-".contains(&b);
        if text.len() > MOST || !text.bytes().all(fits) {
            return None;
        }
        let unmarked = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let mut end = 0;
        loop {
            let digits = digits_at(unmarked, end + usize::from(end > 0));
            let is_part = end == 0 || unmarked.as_bytes().get(end) == Some(&b'.');
            if digits == 0 || !is_part {
                break;
            }
            end += digits + usize::from(end > 0);
        }
        let (core, suffix) = unmarked.split_at(end);
        (!core.is_empty()).then_some(Self {
            mark: &text[..text.len() - unmarked.len()],
            core,
            suffix,
        })
    }

    /// Whether the suffix marks a prerelease; `dev` and the like only with a number, as in tags.
    pub(super) fn is_prerelease(&self) -> bool {
        let text = self.before_plus();
        let words = text.split(|c: char| !c.is_ascii_alphabetic());
        let base = text.as_ptr() as usize;
        words.filter(|word| !word.is_empty()).any(|word| {
            let behind = &text[word.as_ptr() as usize - base + word.len()..];
            let numbered = behind.trim_start_matches(['.', '-', '_', '~']);
            let has_number = numbered.starts_with(|c: char| c.is_ascii_digit());
            match meaning(word) {
                Some(Meaning::Stage { numbered, .. }) => !numbered || has_number,
                Some(Meaning::Counter { kind, .. }) => kind == B,
                _ => false,
            }
        })
    }

    /// The suffix without build metadata, which does not matter.
    fn before_plus(&self) -> &'t str {
        self.suffix.split('+').next().unwrap_or_default()
    }
}

fn digits_at(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    rest.iter().take_while(|b| b.is_ascii_digit()).count()
}

/// Whether a text is a version that can be read and raised.
pub fn is_version(text: &str) -> bool {
    Form::of(text).is_some()
}

/// The next version at a level.
pub fn bumped(version: &str, level: Level) -> Result<String, BumpError> {
    let no_version = || BumpError::NoVersion(version.to_owned());
    let form = Form::of(version).ok_or_else(no_version)?;
    if form.is_prerelease() {
        return next_prerelease(form).ok_or_else(|| BumpError::NoNumber(version.to_owned()));
    }
    let raised = match level {
        Level::Major => 0,
        Level::Minor => 1,
        Level::Patch | Level::Build | Level::Digest => 2,
    };
    let mut parts: Vec<String> = form.core.split('.').map(str::to_owned).collect();
    while parts.len() <= raised {
        parts.push("0".to_owned());
    }
    for (index, part) in parts.iter_mut().enumerate().skip(raised) {
        let next = if index == raised {
            plus_one(part).ok_or_else(no_version)?
        } else {
            "0".to_owned()
        };
        *part = format!("{next:0>width$}", width = width(part));
    }
    Ok(format!("{}{}{}", form.mark, parts.join("."), form.suffix))
}

/// A number with a leading zero keeps its width.
fn width(part: &str) -> usize {
    if part.starts_with('0') { part.len() } else { 1 }
}

fn plus_one(digits: &str) -> Option<String> {
    Some(digits.parse::<u64>().ok()?.checked_add(1)?.to_string())
}

/// Raises the last number of the suffix.
fn next_prerelease(form: Form<'_>) -> Option<String> {
    let (before, metadata) = form.suffix.split_at(form.before_plus().len());
    let last = before.rfind(|c: char| c.is_ascii_digit())?;
    let first = before[..last].rfind(|c: char| !c.is_ascii_digit());
    let first = first.map_or(0, |at| at + 1);
    let digits = &before[first..=last];
    let next = format!("{:0>width$}", plus_one(digits)?, width = width(digits));
    Some(format!(
        "{}{}{}{next}{}{metadata}",
        form.mark,
        form.core,
        &before[..first],
        &before[last + 1..]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_stays_and_one_number_rises() {
        for (version, patch, minor, major) in [
            ("1.2.3", "1.2.4", "1.3.0", "2.0.0"),
            ("v1.2.3", "v1.2.4", "v1.3.0", "v2.0.0"),
            ("0.9.9", "0.9.10", "0.10.0", "1.0.0"),
            ("1.2", "1.2.1", "1.3", "2.0"),
            ("7", "7.0.1", "7.1", "8"),
            ("1.2.3.4", "1.2.4.0", "1.3.0.0", "2.0.0.0"),
            ("1.2.3-slim", "1.2.4-slim", "1.3.0-slim", "2.0.0-slim"),
            ("1.2.3-r4", "1.2.4-r4", "1.3.0-r4", "2.0.0-r4"),
            ("1.2.3-dev", "1.2.4-dev", "1.3.0-dev", "2.0.0-dev"),
            ("1.2.3+7", "1.2.4+7", "1.3.0+7", "2.0.0+7"),
            ("2024.09.09", "2024.09.10", "2024.10.00", "2025.00.00"),
            ("2.0.0-rc.1", "2.0.0-rc.2", "2.0.0-rc.2", "2.0.0-rc.2"),
            (
                "2.0.0rc9+b7",
                "2.0.0rc10+b7",
                "2.0.0rc10+b7",
                "2.0.0rc10+b7",
            ),
            (
                "1.0.0-alpha.1.x",
                "1.0.0-alpha.2.x",
                "1.0.0-alpha.2.x",
                "1.0.0-alpha.2.x",
            ),
        ] {
            let levels = [Level::Patch, Level::Minor, Level::Major];
            let next = levels.map(|level| bumped(version, level).unwrap_or_default());
            assert_eq!(next, [patch, minor, major], "{version}");
            assert_eq!(bumped(version, Level::Digest).as_deref(), Ok(patch));
        }
    }

    #[test]
    fn what_has_no_next_one_says_why() {
        for (version, why) in [
            ("", "not a version"),
            ("latest", "not a version"),
            ("v", "not a version"),
            ("1.2.3 ", "not a version"),
            ("1.2.3\"", "not a version"),
            ("$V", "not a version"),
            ("99999999999999999999.1", ""),
            ("1.2.99999999999999999999", "not a version"),
            ("1.2.3-SNAPSHOT", "without its own number"),
        ] {
            let error = bumped(version, Level::Patch).err().map(|e| e.to_string());
            let error = error.unwrap_or_default();
            assert!(
                error.contains(why) && error.is_empty() == why.is_empty(),
                "{version:?}: {error}"
            );
        }
    }

    #[test]
    fn same_is_the_widest_of_the_changes() {
        for (widest, level) in [
            (Level::Digest, Level::Patch),
            (Level::Build, Level::Patch),
            (Level::Minor, Level::Minor),
            (Level::Major, Level::Major),
        ] {
            assert_eq!(Bump::Same.level(widest), level);
            assert_eq!(Bump::Minor.level(widest), Level::Minor);
        }
    }
}
