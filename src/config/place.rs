//! Paths in a configuration file.

use std::path::{Component, Path, PathBuf};

/// A path, relative to the file's folder, or to the home folder if it begins with `~/`.
pub(super) fn place(folder: &Path, text: &str) -> PathBuf {
    let home = || std::env::var_os("HOME").map(PathBuf::from);
    match text.strip_prefix('~').map(|rest| (rest, home())) {
        Some(("", Some(home))) => home,
        Some((rest, Some(home))) if rest.starts_with('/') => {
            home.join(rest.trim_start_matches('/'))
        }
        _ => folder.join(text),
    }
}

/// A path without `.` and the like, so that two spellings of it are equal.
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        let leads_back = matches!(plain.components().next_back(), Some(Component::Normal(_)));
        match part {
            Component::CurDir => {}
            Component::ParentDir if leads_back => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    plain
}
