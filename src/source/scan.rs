//! Reads one file.

use super::format::Format;
use super::located::Located;
use super::passed::PassedOver;
use super::reading::{ReadSources, read_sources};
use super::sources::{MAX_UNIT_BYTES, MAX_UNIT_FILES, SourceFile, Sources};
use super::stages::Stages;
use crate::repo::RepoPath;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The largest file that is read, in bytes. A Dockerfile of one mebibyte is an accident or an attack (T13).
pub const MAX_FILE: usize = 1 << 20;

/// The contents of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scan {
    /// The references, in the order of the file.
    pub references: Vec<Located>,
    /// What could not be read and was skipped; the rest was read leniently.
    pub passed: PassedOver,
    /// The stages.
    pub stages: Stages,
}

/// Why a file is not read at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is larger than [`MAX_FILE`].
    #[error("the file is larger than {} KiB", MAX_FILE / 1024)]
    TooLarge,
    /// It contains NUL bytes: UTF-16, or not text at all.
    #[error("the file contains NUL bytes; it is UTF-16 or not text")]
    NotText,
    /// It depends on too many files.
    #[error(
        "the file depends on more than {MAX_UNIT_FILES} files or {} MiB",
        MAX_UNIT_BYTES >> 20
    )]
    UnitTooLarge,
}

impl Unreadable {
    /// The reason's stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::NotText => "not-text",
            Self::UnitTooLarge => "unit-too-large",
        }
    }
}

pub(super) const BOM: &str = "\u{feff}";

/// Reads the references of a single file. `args` are the build arguments that CI passes: they override defaults.
pub fn scan(
    format: Format,
    file: &[u8],
    args: &BTreeMap<String, String>,
) -> Result<Scan, Unreadable> {
    let mut reading = read_alone(format, file, args)?;
    Ok(Scan {
        references: reading.references.into_iter().map(|(_, it)| it).collect(),
        passed: reading.passed.pop().map(|(_, it)| it).unwrap_or_default(),
        stages: reading
            .stages
            .pop_first()
            .map(|(_, it)| it)
            .unwrap_or_default(),
    })
}

/// Reads a file on its own, without those that it depends on.
pub(super) fn read_alone(
    format: Format,
    file: &[u8],
    args: &BTreeMap<String, String>,
) -> Result<ReadSources, Unreadable> {
    let mut reading = read_sources(&alone(format, file), args);
    match reading.skipped.pop() {
        Some((_, why)) => Err(why),
        None => Ok(reading),
    }
}

/// A file without its path.
pub(super) fn alone(format: Format, file: &[u8]) -> Sources {
    Sources::new(RepoPath::parse("file").map(|path| SourceFile {
        path,
        format: Some(format),
        contents: file.to_vec(),
    }))
}

/// The file as text of the same length: bytes that are not UTF-8 become a character that no reference can contain, so
/// that every position stays the same and a comment in another encoding hides nothing.
pub(super) fn readable(file: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(file) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(file.len());
    for chunk in file.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n('\u{1a}', chunk.invalid().len()));
    }
    Cow::Owned(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(file: &[u8]) -> Vec<String> {
        let scan = scan(Format::Dockerfile, file, &BTreeMap::new()).unwrap_or_default();
        scan.references
            .iter()
            .map(|r| format!("{}:{}", r.line, r.written))
            .collect()
    }

    #[test]
    fn other_encodings_hide_nothing() {
        assert_eq!(
            images(b"# Gr\xf6\xdfe\nFROM alpine:3.19\n"),
            ["2:alpine:3.19"]
        );
        assert_eq!(
            scan(Format::Dockerfile, b"F\0R\0O\0M\0", &BTreeMap::new()),
            Err(Unreadable::NotText)
        );
        assert_eq!(
            scan(
                Format::Dockerfile,
                &vec![b' '; MAX_FILE + 1],
                &BTreeMap::new()
            ),
            Err(Unreadable::TooLarge)
        );
    }
}
