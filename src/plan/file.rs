//! A file on the target branch.

use crate::repo::RepoPath;
use crate::source::Format;

/// A file on the target branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its path from the repository's root.
    pub path: RepoPath,
    /// The format that it is parsed as.
    pub format: Format,
    /// Its contents on the target branch.
    pub contents: Vec<u8>,
}
