//! Paths in a configuration file.

use std::path::{Path, PathBuf};

/// A path: relative to the file's folder, or below the home folder where it begins with `~/`.
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
