//! Where a repository is, and which protocol may reach it.

use super::error::GitError;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// A repository that can be fetched from and pushed to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Remote {
    url: String,
    protocol: &'static str,
    directory: Option<PathBuf>,
}

impl Remote {
    /// A bare repository in a folder of this machine.
    ///
    /// It must belong to the user who runs imagebot or to one of `owners` (user ids): git runs its hooks and reads
    /// its settings.
    pub fn local(path: &Path, owners: &[u32]) -> Result<Self, GitError> {
        let unreadable = |error: std::io::Error| {
            GitError::io(format!("the repository {}", path.display()), error)
        };
        let path = path.canonicalize().map_err(unreadable)?;
        let owner = path.metadata().map_err(unreadable)?.uid();
        if owner != current_user() && !owners.contains(&owner) {
            return Err(GitError::ForeignOwner {
                path: path.display().to_string(),
                owner,
            });
        }
        let url = url::Url::from_file_path(&path).map_err(|()| GitError::Unreadable {
            remote: path.display().to_string(),
            detail: "the path cannot be written as a file:// URL".to_owned(),
        })?;
        Ok(Self {
            url: url.into(),
            protocol: "file",
            directory: Some(path),
        })
    }

    /// The URL, without credentials.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The one protocol that git may use for it.
    pub(super) fn protocol(&self) -> &'static str {
        self.protocol
    }

    /// The folder, for a local repository.
    pub fn directory(&self) -> Option<&Path> {
        self.directory.as_deref()
    }
}

/// The id of the user who runs this process.
fn current_user() -> u32 {
    // The owner of /proc/self is the effective user; elsewhere a file of our own tells.
    if let Ok(metadata) = std::fs::metadata("/proc/self") {
        return metadata.uid();
    }
    tempfile::tempfile()
        .and_then(|file| file.metadata())
        .map_or(u32::MAX, |metadata| metadata.uid())
}
