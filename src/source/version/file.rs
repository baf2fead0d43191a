//! Reads and writes the version of a file of any kind.

use super::error::{VersionFileError, line_of};
use super::place::Place;
use crate::repo::RepoPath;
use crate::scheme::{Bump, Level, bumped, is_version};
use crate::source::compare::moves_something;
use crate::source::format::Format;
use crate::source::scan::{BOM, MAX_FILE, Unreadable, readable};
use crate::source::splice::{Splice, splice};
use std::collections::BTreeMap;
use std::ops::Range;

/// A file with an image's version, and its place in the file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VersionFile {
    /// The file.
    pub path: RepoPath,
    /// The place of the version.
    pub place: Place,
}

/// A version file, and how far its version rises when the image's base has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    /// The file.
    pub file: VersionFile,
    /// How far it rises.
    pub bump: Bump,
}

/// A version in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocatedVersion {
    /// Its range in the file, in bytes.
    pub range: Range<usize>,
    /// The version.
    pub text: String,
    /// The line, counted from 1.
    pub line: usize,
}

impl VersionFile {
    /// The version, if it can rise and nothing else changes with it. `args` are the build arguments that CI passes.
    pub fn raisable(
        &self,
        contents: &[u8],
        args: &BTreeMap<String, String>,
    ) -> Result<String, VersionFileError> {
        let now = self.read(contents)?;
        let next = bumped(&now.text, Level::Patch)?;
        let edited = self.edit(contents, &now.text, &next)?;
        if let Some(format) = Format::of(self.path.as_str())
            && moves_something(format, contents, &edited, &now.range, args)
        {
            return Err(VersionFileError::MovesMore(
                "an image reference that uses it",
            ));
        }
        Ok(now.text)
    }

    /// Finds the version: there must be exactly one value, and it must be a version.
    pub fn read(&self, contents: &[u8]) -> Result<LocatedVersion, VersionFileError> {
        if contents.len() > MAX_FILE {
            return Err(Unreadable::TooLarge.into());
        }
        if contents.contains(&0) {
            return Err(Unreadable::NotText.into());
        }
        let whole = readable(contents);
        let base = if whole.starts_with(BOM) { BOM.len() } else { 0 };
        let text = &whole[base..];
        let found = self.place.find(text)?;
        let place = match &found[..] {
            [place] => place.clone(),
            [] => return Err(VersionFileError::Absent(self.place.what())),
            several => {
                return Err(VersionFileError::Several {
                    what: self.place.what(),
                    lines: several.iter().map(|at| line_of(text, at.start)).collect(),
                });
            }
        };
        let line = line_of(text, place.start);
        let version = text.get(place.clone()).unwrap_or_default();
        if !is_version(version) {
            let text = version.chars().take(80).collect();
            return Err(VersionFileError::NoVersion { line, text });
        }
        Ok(LocatedVersion {
            range: base + place.start..base + place.end,
            text: version.to_owned(),
            line,
        })
    }

    /// Replaces the version `from` by `to`. The result is read again: it contains `to`, and no other byte changed.
    pub fn edit(&self, contents: &[u8], from: &str, to: &str) -> Result<Vec<u8>, VersionFileError> {
        let now = self.read(contents)?;
        let changed = || VersionFileError::Changed {
            expected: from.to_owned(),
        };
        if now.text != from {
            return Err(changed());
        }
        let replacement = Splice {
            start: now.range.start,
            expected: from.to_owned(),
            replacement: to.to_owned(),
        };
        let edited = splice(contents, &[replacement]).map_err(|_| changed())?;
        let after = self.read(&edited)?;
        if after.text != to || after.range.start != now.range.start {
            return Err(VersionFileError::MovesMore("the place where it is"));
        }
        Ok(edited)
    }
}

#[cfg(test)]
mod tests;
