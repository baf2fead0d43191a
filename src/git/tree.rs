//! The entries of a tree.

use super::error::GitError;
use crate::repo::{CommitId, RepoPath};

/// A file in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path.
    pub path: RepoPath,
    /// What it is.
    pub kind: EntryKind,
    /// The object's id.
    pub id: CommitId,
}

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A file that may be executed.
    Executable,
    /// A symbolic link; it is never followed (T11).
    Symlink,
    /// A submodule; it is never fetched (T15).
    Submodule,
}

impl EntryKind {
    /// The mode as git writes it.
    pub fn mode(self) -> &'static str {
        match self {
            Self::File => "100644",
            Self::Executable => "100755",
            Self::Symlink => "120000",
            Self::Submodule => "160000",
        }
    }

    pub(super) fn of_mode(mode: &str) -> Option<Self> {
        Some(match mode {
            "100644" | "100664" => Self::File,
            "100755" => Self::Executable,
            "120000" => Self::Symlink,
            "160000" => Self::Submodule,
            _ => return None,
        })
    }
}

/// The most entries of one tree that are read; a repository with more is reported, not half-read.
const MAX_ENTRIES: usize = 2_000_000;

/// Reads what `ls-tree -r -z --full-tree` printed. Paths that are no paths (not UTF-8, with control characters)
/// are left out.
pub(super) fn parse(output: &[u8]) -> Result<Vec<Entry>, GitError> {
    let mut entries = Vec::new();
    for line in output.split(|b| *b == 0).filter(|line| !line.is_empty()) {
        if entries.len() >= MAX_ENTRIES {
            return Err(GitError::Failed {
                action: "ls-tree",
                detail: format!("more than {MAX_ENTRIES} files"),
            });
        }
        entries.extend(entry(line));
    }
    Ok(entries)
}

fn entry(line: &[u8]) -> Option<Entry> {
    let text = std::str::from_utf8(line).ok()?;
    let (meta, path) = text.split_once('\t')?;
    let mut meta = meta.split(' ');
    let (mode, _type, id) = (meta.next()?, meta.next()?, meta.next()?);
    Some(Entry {
        path: RepoPath::parse(path).ok()?,
        kind: EntryKind::of_mode(mode)?,
        id: CommitId::parse(id).ok()?,
    })
}
