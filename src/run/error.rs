//! Why a pass cannot even begin.

use crate::config::SecretError;
use crate::forge::ForgeError;
use crate::git::GitError;
use crate::registry::RegistryError;
use crate::store::StoreError;

/// Why nothing can be done at all.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// A secret cannot be had.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The cache folder cannot be written to.
    #[error(
        "the cache folder {folder} is not writable: {error}; set `cache` in the configuration to another folder"
    )]
    Cache {
        /// The folder.
        folder: String,
        /// Why.
        error: std::io::Error,
    },
    /// Git cannot be used.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The registries cannot be prepared.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A forge cannot be prepared.
    #[error(transparent)]
    Forge(#[from] ForgeError),
}
