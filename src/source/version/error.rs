//! Why a version file gives no version.

use crate::scheme::BumpError;
use crate::source::scan::Unreadable;

/// Why a version cannot be read from a file, or written to it. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionFileError {
    /// There is no such file.
    #[error("there is no such file")]
    Missing,
    /// It is a link, a submodule, or something else that is not read.
    #[error("it is not read: {0}")]
    NotRead(String),
    /// It is too large, or no text.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// It is not what its name or the configuration says.
    #[error("{} cannot be read as {format}: {what}", at(.line))]
    Malformed {
        /// The line, where the parser tells it.
        line: Option<usize>,
        /// The format.
        format: &'static str,
        /// What the parser says.
        what: String,
    },
    /// There is no such key, argument, label, or no match.
    #[error("there is no {0} in it")]
    Absent(String),
    /// There are several, and nothing says which is meant.
    #[error("there is more than one {what} in it: lines {}", listed(.lines))]
    Several {
        /// What there are several of.
        what: String,
        /// Where they are.
        lines: Vec<usize>,
    },
    /// What stands there is no version.
    #[error("line {line}: {text:?} is no version: numbers with dots between, such as 1.2.3")]
    NoVersion {
        /// The line.
        line: usize,
        /// What stands there.
        text: String,
    },
    /// It is computed, escaped or not written as one piece.
    #[error("line {line}: {what}")]
    NotPlain {
        /// The line.
        line: usize,
        /// What stands there instead.
        what: &'static str,
    },
    /// The version has no next one.
    #[error("{0}")]
    Bump(#[from] BumpError),
    /// Another version stands there than was read.
    #[error("{expected:?} no longer stands in it")]
    Changed {
        /// What was read before.
        expected: String,
    },
    /// An edit would also change something else.
    #[error("an edit of it would also change something else: {0}")]
    MovesMore(&'static str),
}

impl VersionFileError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Missing => "make the file, or mend the path of `version_file`",
            Self::NotRead(_) => "make it a regular file",
            Self::Unreadable(_) => "a version file is a text of at most a mebibyte",
            Self::Malformed { .. } => "mend the file, or say with `kind` what it is",
            Self::Absent(_) => "add it, or say with `key` or `pattern` where the version stands",
            Self::Several { .. } => {
                "leave one of them, or say with `key` or `pattern` which one is meant"
            }
            Self::NoVersion { .. } | Self::NotPlain { .. } => {
                "write the version there, such as 1.2.3, plainly and in one piece"
            }
            Self::Bump(_) => "write the next version by hand",
            Self::Changed { .. } => "the next pass reads it again",
            Self::MovesMore(_) => "give the version an ARG or a line of its own",
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

/// The line of a place, counted from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}
