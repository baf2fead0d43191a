//! How much a configuration file may hold.

use toml::de::DeValue;

/// How much a file may hold. What is over a bound is one problem, and nothing more is read of it: reading costs time
/// and memory for each entry, and the operator does not know who wrote an `imagebot.toml` (B2).
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// The longest file, in bytes.
    pub(super) bytes: usize,
    /// The most entries of all lists together: tables, texts and numbers. A regular expression counts as
    /// [`Self::REGEX`] of them.
    pub(super) entries: usize,
}

impl Bounds {
    /// What a regular expression counts as: compiling one takes that much longer than reading a text.
    pub(super) const REGEX: usize = 10;
    /// Of the operator's file.
    pub(super) const OPERATOR: Self = Self {
        bytes: 16 << 20,
        entries: 200_000,
    };
    /// Of a repository's file.
    pub(super) const REPOSITORY: Self = Self {
        bytes: 128 << 10,
        entries: 1_000,
    };
}

/// What a value counts as.
pub(super) fn weight(value: &DeValue<'_>) -> usize {
    match value.as_str() {
        Some(text) if text.starts_with('/') || text.starts_with("!/") => Bounds::REGEX,
        _ => 1,
    }
}
