//! Reads one file.

use super::dockerfile::{self, Read};
use super::format::Format;
use super::gipgee;
use super::located::Located;
use super::passed::PassedOver;
use super::stages::Stages;
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
}

impl Unreadable {
    /// The reason's stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLarge => "too-large",
            Self::NotText => "not-text",
        }
    }
}

pub(super) const BOM: &str = "\u{feff}";

/// Reads the references of a file. `args` are the build arguments that CI passes: they override defaults.
pub fn scan(
    format: Format,
    file: &[u8],
    args: &BTreeMap<String, String>,
) -> Result<Scan, Unreadable> {
    let Read {
        references,
        passed,
        stages,
        ..
    } = read(format, file, args)?;
    Ok(Scan {
        references,
        passed,
        stages,
    })
}

/// As [`scan`], with the texts that an edit must not change although they are not references.
pub(super) fn read(
    format: Format,
    file: &[u8],
    args: &BTreeMap<String, String>,
) -> Result<Read, Unreadable> {
    if file.len() > MAX_FILE {
        return Err(Unreadable::TooLarge);
    }
    if file.contains(&0) {
        return Err(Unreadable::NotText);
    }
    let text = readable(file);
    let (text, base) = match text.strip_prefix(BOM) {
        Some(rest) => (rest, BOM.len()),
        None => (text.as_ref(), 0),
    };
    Ok(match format {
        Format::Dockerfile => dockerfile::read(text, base, args),
        Format::Gipgee => gipgee::read(text, base),
    })
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
