//! Lock files of a local repository's refs: one that a killed git left behind is in the way for ever (B7).

use super::remote::Remote;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How old a lock is before nobody can hold it any more. Git holds one for as long as it writes a few bytes.
const STALE: Duration = Duration::from_secs(3600);

/// The lock file of the remote that git could not create because it is there.
pub(super) fn in_the_way(remote: &Remote, stderr: &str) -> Option<PathBuf> {
    let directory = remote.directory()?;
    let (_, rest) = stderr.split_once("Unable to create '")?;
    let (path, why) = rest.split_once('\'')?;
    // A path may be written from the repository's top.
    let path = directory.join(path);
    let is_lock = path
        .extension()
        .is_some_and(|extension| extension == "lock");
    let inside = path
        .canonicalize()
        .is_ok_and(|path| path.starts_with(directory));
    (why.contains("File exists") && is_lock && inside).then_some(path)
}

/// Removes a lock that is older than an hour; whether it did.
pub(super) fn remove_if_stale(lock: &Path) -> bool {
    let age = lock
        .symlink_metadata()
        .and_then(|found| found.modified())
        .ok()
        .and_then(|made| SystemTime::now().duration_since(made).ok());
    if age.is_none_or(|age| age < STALE) {
        return false;
    }
    let removed = std::fs::remove_file(lock);
    match &removed {
        Ok(()) => tracing::warn!(lock = %lock.display(), "a lock older than an hour was removed"),
        Err(error) => {
            tracing::warn!(lock = %lock.display(), %error, "a stale lock cannot be removed")
        }
    }
    removed.is_ok()
}
