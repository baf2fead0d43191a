//! What a `[[source]]` says.

use super::data_path::DataPath;
use super::pattern::SourcePattern;
use crate::image::ImageName;
use crate::repo::Glob;
use crate::source::format::Format;

/// The most references that one `[[source]]` finds in one file.
pub(crate) const MOST: usize = 1_000;

/// The most bytes that all `[[source]]` of a repository read, a file once for each that names it.
pub(crate) const MOST_BYTES: usize = 64 << 20;

/// A `[[source]]`.
#[derive(Debug, Clone)]
pub struct SourceTable {
    /// Its files.
    pub files: Vec<Glob>,
    /// What is read in them.
    pub reads: SourceReads,
    /// The line of its header in its file, counted from 1.
    pub line: usize,
    /// Whether the operator's configuration has it: only that may name definitions of CI.
    pub is_operators: bool,
}

/// What a `[[source]]` reads.
#[derive(Debug, Clone)]
pub enum SourceReads {
    /// Only `# imagebot:` comments, which are read in every file.
    Annotations,
    /// Values of a data file.
    Data(DataFormat, DataFields),
    /// Lines of a text.
    Lines(SourcePattern, Option<ImageName>),
}

/// The format of a data file.
#[expect(missing_docs, reason = "they are named after the formats")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataFormat {
    Yaml,
    Json,
    Toml,
    Hcl,
    Env,
}

impl DataFormat {
    /// All formats with their names in a configuration.
    pub const ALL: [(&str, Self); 5] = [
        ("yaml", Self::Yaml),
        ("json", Self::Json),
        ("toml", Self::Toml),
        ("hcl", Self::Hcl),
        ("env", Self::Env),
    ];
}

/// Where the parts of a reference are.
#[derive(Debug, Clone)]
pub enum DataFields {
    /// A whole reference.
    Whole(DataPath),
    /// In several fields.
    Parts {
        /// What gives the name.
        name: DataName,
        /// The registry, if it has a field of its own.
        registry: Option<DataPath>,
        /// The tag.
        tag: Option<DataPath>,
        /// The digest.
        digest: Option<DataPath>,
    },
}

/// What gives the name of a reference in several fields.
#[derive(Debug, Clone)]
pub enum DataName {
    /// The configuration.
    Given(ImageName),
    /// A field.
    At(DataPath),
}

impl SourceTable {
    /// Whether it names a file.
    pub fn covers(&self, path: &str) -> bool {
        let may_be = self.is_operators || Format::may_include(path);
        may_be && self.files.iter().any(|glob| glob.matches(path))
    }
}
