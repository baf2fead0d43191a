//! Lock files of a local repository's refs: one that a killed git left would block the ref for ever (B7).

use super::remote::Remote;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// After this time no process can still hold a lock: git holds one for as long as it writes a few bytes.
const STALE: Duration = Duration::from_secs(3600);

/// The lock file that git could not create because it exists.
pub(super) fn in_the_way(remote: &Remote, stderr: &str) -> Option<PathBuf> {
    let directory = remote.directory()?;
    let (_, rest) = stderr.split_once("Unable to create '")?;
    let (path, why) = rest.split_once('\'')?;
    // A path may be relative to the repository's top.
    let path = directory.join(path);
    let is_lock = path
        .extension()
        .is_some_and(|extension| extension == "lock");
    let inside = path
        .canonicalize()
        .is_ok_and(|path| path.starts_with(directory));
    (why.contains("File exists") && is_lock && inside).then_some(path)
}

/// Removes a lock that is older than an hour; returns whether it did.
pub(super) fn remove_if_stale(lock: &Path) -> bool {
    let Ok(found) = lock.symlink_metadata() else {
        return false;
    };
    let age = found.modified().ok();
    let age = age.and_then(|made| SystemTime::now().duration_since(made).ok());
    if age.is_none_or(|age| age < STALE) {
        return false;
    }
    let removed = remove_only(lock, &found);
    match &removed {
        Ok(true) => tracing::warn!(lock = %lock.display(), "a lock older than an hour was removed"),
        Ok(false) => {}
        Err(error) => {
            tracing::warn!(lock = %lock.display(), %error, "a stale lock cannot be removed")
        }
    }
    matches!(removed, Ok(true))
}

/// Removes exactly the file that was judged. Another process may have replaced it in the meantime, so the file is first
/// renamed, then compared, and restored if it is another one. Git ignores names that end in `.lock`.
fn remove_only(lock: &Path, judged: &Metadata) -> std::io::Result<bool> {
    let aside = lock.with_extension(format!("stale-{}.lock", std::process::id()));
    std::fs::rename(lock, &aside)?;
    let found = aside.symlink_metadata()?;
    let same = (found.ino(), found.mtime()) == (judged.ino(), judged.mtime());
    if !same {
        // Not with a rename, which would replace an even newer lock.
        std::fs::hard_link(&aside, lock)?;
    }
    std::fs::remove_file(&aside)?;
    Ok(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_another_process_made_meanwhile_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let lock = folder.path().join("main.lock");
        std::fs::write(&lock, "old").expect("written");
        let old = SystemTime::now() - 2 * STALE;
        let file = std::fs::File::options().write(true).open(&lock);
        let file = file.expect("opened");
        file.set_modified(old).expect("set");
        let judged = lock.symlink_metadata().expect("there");
        std::fs::remove_file(&lock).expect("removed by its owner");
        std::fs::write(&lock, "new").expect("made by another process");
        assert!(matches!(remove_only(&lock, &judged), Ok(false)));
        assert_eq!(std::fs::read(&lock).ok().as_deref(), Some(&b"new"[..]));
        assert!(!remove_if_stale(&lock));

        let file = std::fs::File::options().write(true).open(&lock);
        file.expect("opened").set_modified(old).expect("set");
        assert!(remove_if_stale(&lock));
        let left = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 0, "nothing is left behind");
    }
}
