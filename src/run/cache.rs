//! The cache folder and the store in it.

use super::error::SetupError;
use crate::store::Store;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// What a command needs the cache for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// It writes to forges: without its memory it would begin every cooldown and limit anew.
    Needed,
    /// It only reads: without the cache it is slower.
    Helpful,
}

/// How much has to fit into the cache folder for it to be usable, in bytes.
const ROOM: usize = 64 << 10;

/// A cache folder that can be used, and its store.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) folder: PathBuf,
    pub(super) store: Store,
    /// The folder, where it is one for this process alone.
    pub(super) own: Option<TempDir>,
}

/// Opens the cache. Where it cannot be used and is only helpful, a folder of this process takes its place, with a
/// warning.
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

/// Whether something can be written into a folder, which is made if it is not there.
fn writable(folder: &Path) -> std::io::Result<()> {
    use std::io::Write as _;
    std::fs::create_dir_all(folder)?;
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(&vec![1; ROOM])?;
    file.sync_data()
}
