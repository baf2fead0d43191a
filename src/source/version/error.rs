//! Why a version file has no usable version.

use crate::scheme::BumpError;
use crate::source::scan::Unreadable;

/// Why a version cannot be read from a file, or written to it. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionFileError {
    /// There is no such file.
    #[error("the file does not exist")]
    Missing,
    /// It is a link, a submodule, or something else that is not read.
    #[error("it was not read: {0}")]
    NotRead(String),
    /// It is too large, or not text.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Its format is not the one that its name or the configuration says.
    #[error("{} cannot be read as {format}: {what}", at(.line))]
    Malformed {
        /// The line, if the parser reports it.
        line: Option<usize>,
        /// The format.
        format: &'static str,
        /// The parser's message.
        what: String,
    },
    /// There is no such key, argument or label, or no match.
    #[error("it has no {0}")]
    Absent(String),
    /// There are several values, and nothing shows which is meant.
    #[error("it has more than one {what}: lines {}", listed(.lines))]
    Several {
        /// What there are several of.
        what: String,
        /// Where they are.
        lines: Vec<usize>,
    },
    /// The value is not a version.
    #[error(
        "line {line}: {text:?} is not a version: expected numbers separated by dots, such as 1.2.3"
    )]
    NoVersion {
        /// The line.
        line: usize,
        /// The value.
        text: String,
    },
    /// It is computed, escaped or not written in one piece.
    #[error("line {line}: {what}")]
    NotPlain {
        /// The line.
        line: usize,
        /// What is there instead.
        what: &'static str,
    },
    /// There is no next version.
    #[error("{0}")]
    Bump(#[from] BumpError),
    /// The file contains another version than before.
    #[error("it no longer contains {expected:?}")]
    Changed {
        /// The version before.
        expected: String,
    },
    /// An edit would also change something else.
    #[error("an edit would also change something else: {0}")]
    MovesMore(&'static str),
}

impl VersionFileError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Missing => "create the file, or correct the path of `version_file`",
            Self::NotRead(_) => "replace it with a regular file",
            Self::Unreadable(_) => "a version file must be text of at most 1 MiB",
            Self::Malformed { .. } => "fix the file, or set `kind` to its format",
            Self::Absent(_) => "add it, or set `key` or `pattern` to where the version is",
            Self::Several { .. } => "keep one of them, or choose one with `key` or `pattern`",
            Self::NoVersion { .. } | Self::NotPlain { .. } => {
                "write the version there as plain text, such as 1.2.3"
            }
            Self::Bump(_) => "write the next version by hand",
            Self::Changed { .. } => "the next pass reads it again",
            Self::MovesMore(_) => "give the version its own ARG or line",
        }
    }
}

fn at(line: &Option<usize>) -> String {
    line.map_or_else(|| "it".to_owned(), |line| format!("line {line}: it"))
}

fn listed(lines: &[usize]) -> String {
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    lines.join(", ")
}

/// The line of a position, counted from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}
