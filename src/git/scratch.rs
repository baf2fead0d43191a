//! The folder for temporary files of this run's git processes. It is inside the cache, so that the next run finds and
//! removes what a killed one left (B17).

use super::error::GitError;
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The file in each scratch folder that its process holds locked.
const IN_USE: &str = "in-use";

/// A scratch folder of this process. It is removed when the value is dropped.
#[derive(Debug)]
pub(super) struct Scratch {
    // Dropped in this order: the folder stays locked until it is removed.
    folder: TempDir,
    _in_use: Option<File>,
}

impl Scratch {
    /// Creates a folder, and removes those whose process has ended. If the cache is not writable, the folder is among
    /// the system's temporary ones.
    pub(super) fn new(cache: &Path) -> Result<Self, GitError> {
        let below_cache = Self::below(&cache.join("scratch"));
        below_cache.or_else(|error| {
            tracing::debug!(%error, "no scratch folder below the cache; using the temporary folder");
            let folder = tempfile::Builder::new().prefix("imagebot-git-").tempdir();
            let folder = folder.map_err(|error| GitError::io("a temporary folder", error))?;
            Ok(Self {
                folder,
                _in_use: None,
            })
        })
    }

    fn below(all: &Path) -> std::io::Result<Self> {
        std::fs::create_dir_all(all)?;
        // Held while a folder is created and locked, so that no other process removes it in between.
        let door = File::options()
            .create(true)
            .append(true)
            .open(all.join("lock"))?;
        door.lock()?;
        sweep(all);
        let folder = tempfile::Builder::new().prefix("git-").tempdir_in(all)?;
        let in_use = File::create(folder.path().join(IN_USE))?;
        in_use.lock()?;
        Ok(Self {
            folder,
            _in_use: Some(in_use),
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders that no process holds.
fn sweep(all: &Path) {
    let entries = std::fs::read_dir(all).into_iter().flatten().flatten();
    let folders: Vec<PathBuf> = entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .map(|entry| entry.path())
        .collect();
    for folder in folders {
        let held = File::open(folder.join(IN_USE))
            .is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)));
        if !held && let Err(error) = std::fs::remove_dir_all(&folder) {
            tracing::debug!(folder = %folder.display(), %error, "a scratch folder cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b17_what_a_killed_process_left_is_removed_and_what_is_in_use_is_not() {
        let cache = tempfile::tempdir().expect("a folder");
        let all = cache.path().join("scratch");
        let running = Scratch::new(cache.path()).expect("a scratch folder");
        for left in ["git-killed", "git-killed-early"] {
            std::fs::create_dir_all(all.join(left).join("blobs")).expect("a folder");
        }
        std::fs::write(all.join("git-killed").join(IN_USE), "").expect("a file");
        let next = Scratch::new(cache.path()).expect("a scratch folder");
        let folders = |entry: std::io::Result<std::fs::DirEntry>| {
            let path = entry.expect("an entry").path();
            path.is_dir().then_some(path)
        };
        let left = std::fs::read_dir(&all)
            .expect("the folder")
            .filter_map(folders);
        let left: std::collections::BTreeSet<PathBuf> = left.collect();
        let both = [running.path(), next.path()].map(Path::to_owned);
        assert_eq!(left, both.into());
        drop((running, next));
        assert_eq!(std::fs::read_dir(&all).expect("the folder").count(), 1);
    }

    #[test]
    fn without_a_cache_the_temporary_folder_serves() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let scratch = Scratch::new(file.path()).expect("a scratch folder");
        assert!(scratch.path().is_dir());
    }
}
