//! The cache folder and the store in it.

use super::error::SetupError;
use crate::store::Store;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// How much a command depends on the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// It writes to forges: without its memory, every waiting time and limit would start again.
    Needed,
    /// It only reads: without the cache it is just slower.
    Helpful,
}

/// How many bytes must be writable for the cache folder to be usable.
const ROOM: usize = 64 << 10;

/// A usable cache folder with its store.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) folder: PathBuf,
    pub(super) store: Store,
    /// The temporary folder, if the cache is in one.
    pub(super) own: Option<TempDir>,
}

/// Opens the cache. If it is not usable but only helpful, a temporary folder replaces it, with a warning.
pub(super) fn open(folder: PathBuf, cache: Cache) -> Result<Opened, SetupError> {
    let opened = writable(&folder)
        .map_err(|error| SetupError::Cache {
            folder: folder.display().to_string(),
            error,
        })
        .and_then(|()| Ok(Store::open(&folder)?));
    match opened {
        Ok(store) => Ok(Opened {
            folder,
            store,
            own: None,
        }),
        Err(error) if cache == Cache::Helpful => {
            tracing::warn!(%error, "continuing without the cache; everything is fetched again");
            let own = tempfile::Builder::new().prefix("imagebot-").tempdir();
            let own = own.map_err(|error| SetupError::Cache {
                folder: std::env::temp_dir().display().to_string(),
                error,
            })?;
            let store = Store::open(own.path())?;
            Ok(Opened {
                folder: own.path().to_owned(),
                store,
                own: Some(own),
            })
        }
        Err(error) => Err(error),
    }
}

/// Checks that a folder is writable; creates it if it does not exist.
fn writable(folder: &Path) -> std::io::Result<()> {
    use std::io::Write as _;
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(&vec![1; ROOM])?;
    file.sync_data()
}
