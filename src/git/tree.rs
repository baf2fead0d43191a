//! The entries of a tree.

use super::error::GitError;
use crate::repo::{ObjectId, RepoPath};

/// A file in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeEntry {
    /// Its path.
    pub path: RepoPath,
    /// What it is.
    pub kind: TreeEntryKind,
    /// The object's id.
    pub id: ObjectId,
}

/// What an entry of a tree is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TreeEntryKind {
    /// A file.
    File,
    /// A file that may be executed.
    Executable,
    /// A symbolic link; it is never followed (T11).
    Symlink,
    /// A submodule; it is never fetched (T15).
    Submodule,
}

impl TreeEntryKind {
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

/// The most entries of one tree that are read. A repository with more is reported, instead of being read in part.
const MAX_ENTRIES: usize = 2_000_000;

/// The most unreadable paths of one tree that are named.
const MAX_NAMED: usize = 20;

/// The entries of a tree.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TreeListing {
    /// The files, links and submodules.
    pub entries: Vec<TreeEntry>,
    /// The first 20 paths that are not read, in printable form: those that are not UTF-8 or contain control characters
    /// (B13).
    pub unreadable: Vec<String>,
    /// The number of all such paths.
    pub unreadable_in_all: usize,
}

/// Reads the output of `ls-tree -r -z --full-tree`.
pub(super) fn parse(output: &[u8]) -> Result<TreeListing, GitError> {
    let mut tree = TreeListing::default();
    for line in output.split(|b| *b == 0).filter(|line| !line.is_empty()) {
        if tree.entries.len() >= MAX_ENTRIES {
            return Err(GitError::Failed {
                action: "ls-tree",
                detail: format!("more than {MAX_ENTRIES} files"),
            });
        }
        match entry(line) {
            Some(entry) => tree.entries.push(entry),
            None => {
                tree.unreadable_in_all += 1;
                if tree.unreadable.len() < MAX_NAMED {
                    let path = line.splitn(2, |b| *b == b'\t').nth(1).unwrap_or(line);
                    let shown: String = path.escape_ascii().to_string().chars().take(200).collect();
                    tree.unreadable.push(shown);
                }
            }
        }
    }
    Ok(tree)
}

fn entry(line: &[u8]) -> Option<TreeEntry> {
    let text = std::str::from_utf8(line).ok()?;
    let (meta, path) = text.split_once('\t')?;
    let mut meta = meta.split(' ');
    let (mode, _type, id) = (meta.next()?, meta.next()?, meta.next()?);
    Some(TreeEntry {
        path: RepoPath::parse(path).ok()?,
        kind: TreeEntryKind::of_mode(mode)?,
        id: ObjectId::parse(id).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b13_a_path_that_is_not_text_is_counted_and_the_first_are_named() {
        let blob = "100644 blob 0123456789012345678901234567890123456789\t";
        let mut output = format!("{blob}Dockerfile\0").into_bytes();
        output.extend_from_slice(blob.as_bytes());
        output.extend_from_slice(b"caf\xe9/Dockerfile\0");
        for number in 0..30 {
            output.extend_from_slice(format!("{blob}a\u{1}{number}\0").as_bytes());
        }
        let tree = parse(&output).expect("a tree");
        assert_eq!(tree.entries.len(), 1);
        assert_eq!(tree.unreadable[0], "caf\\xe9/Dockerfile");
        assert_eq!(
            (tree.unreadable.len(), tree.unreadable_in_all),
            (MAX_NAMED, 31)
        );
    }
}
