//! Errors that prevent a pass from starting.

use crate::config::SecretError;
use crate::forge::ForgeError;
use crate::git::GitError;
use crate::registry::RegistryError;
use crate::store::StoreError;

/// Why a pass cannot start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A secret is unavailable.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The store could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cache folder cannot be written to.
    #[error(
        "the cache folder {folder} is not writable: {error}; set `cache` in the configuration to another folder"
    )]
    Cache {
        /// The cache folder.
        folder: String,
        /// The error from the file system.
        error: std::io::Error,
    },
    /// Git is not usable.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The registry clients could not be created.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The client of a forge could not be created.
    #[error(transparent)]
    Forge(#[from] ForgeError),
}
