//! Finding the bare repositories below a folder.

use crate::forge::error::ForgeError;
use crate::repo::{RepoGlobs, RepoName};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::{Path, PathBuf};

/// How deep repositories may lie in the folder.
const MAX_DEPTH: usize = 8;

/// What a walk through the folder found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) repositories: BTreeMap<RepoName, PathBuf>,
    pub(super) failed: Vec<(String, ForgeError)>,
}

/// The folders that hold a bare repository, links not followed, and what could not be read.
pub(super) fn folders(root: &Path, repos: &RepoGlobs) -> Result<Found, ForgeError> {
    let unreadable = |folder: &Path, error: std::io::Error| {
        ForgeError::Unreachable(format!(
            "the folder {} cannot be read: {error}",
            folder.display()
        ))
    };
    if is_bare(root) {
        return Err(ForgeError::Refused(format!(
            "{} is itself a repository; set `path` to its parent folder and name the repository in `repos`",
            root.display()
        )));
    }
    let mut found = Found::default();
    let mut waiting = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = waiting.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if depth == 0 => return Err(unreadable(&folder, error)),
            Err(error) => {
                let name = shown(root, &folder);
                found.failed.push((name, unreadable(&folder, error)));
                continue;
            }
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            if is_bare(&path) {
                add(root, repos, path, &mut found);
            } else if depth < MAX_DEPTH {
                waiting.push((path, depth + 1));
            }
        }
    }
    found.failed.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found)
}

/// Adds a repository under its name: its path below the root, without `.git` at the end.
fn add(root: &Path, repos: &RepoGlobs, path: PathBuf, found: &mut Found) {
    // The `.git` of a work tree isn't a repository of this folder.
    if path.file_name().is_some_and(|name| name == ".git") {
        return;
    }
    let shown = shown(root, &path);
    let name = path
        .strip_prefix(root)
        .ok()
        .and_then(Path::to_str)
        .map(|name| name.strip_suffix(".git").unwrap_or(name))
        .and_then(|name| RepoName::parse(name).ok());
    let Some(name) = name else {
        let why = ForgeError::Refused(format!("{shown:?} is not a valid repository name"));
        found.failed.push((shown, why));
        return;
    };
    if !repos.select(&name) {
        return;
    }
    match found.repositories.entry(name) {
        Entry::Vacant(entry) => {
            entry.insert(path);
        }
        Entry::Occupied(entry) => {
            let why = format!(
                "{} and {} have the same name",
                entry.get().display(),
                path.display()
            );
            // It can't be known which of the two is meant, so neither is used.
            let (name, _) = entry.remove_entry();
            found
                .failed
                .push((name.to_string(), ForgeError::Refused(why)));
        }
    }
}

fn shown(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.display().to_string()
}

fn is_bare(path: &Path) -> bool {
    path.join("HEAD").is_file() && path.join("objects").is_dir()
}
