//! A file of the target branch.

use crate::repo::RepoPath;
use crate::source::Format;

/// A file as it is on the target branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path.
    pub path: RepoPath,
    /// Its format.
    pub format: Format,
    /// Its contents.
    pub contents: Vec<u8>,
}
