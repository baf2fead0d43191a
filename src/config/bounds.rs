//! How much a configuration file may hold.

use toml::de::DeValue;

/// How much a file may hold. A file over a bound is one problem, and nothing more of it is read: reading costs time and
/// memory for each entry, and the author of an `imagebot.toml` is not trusted (B2).
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The longest file, in bytes.
    pub(super) bytes: usize,
    /// The most entries of all lists together: tables, texts and numbers. A regular expression counts as
    /// [`Self::REGEX`] entries.
    pub(super) entries: usize,
}

impl Bounds {
    /// The weight of a regular expression: compiling one takes that much longer than reading a text.
    pub(super) const REGEX: usize = 10;
    /// For the operator's file.
    pub(super) const OPERATOR: Self = Self {
        bytes: 16 << 20,
        entries: 200_000,
    };
    /// For a repository's file.
    pub(super) const REPOSITORY: Self = Self {
        bytes: 128 << 10,
        entries: 1_000,
    };
}

/// The weight of a value.
pub(super) fn weight(value: &DeValue<'_>) -> usize {
    match value.as_str() {
        Some(text) if text.starts_with('/') || text.starts_with("!/") => Bounds::REGEX,
        _ => 1,
    }
}
