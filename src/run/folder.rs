//! Reading a folder of this machine: no git is started, no link is followed, nothing is executed (T53).

use super::observe::REPO_CONFIG;
use crate::config::version_paths;
use crate::family::is_info;
use crate::git::EntryKind;
use crate::repo::RepoPath;
use crate::source::{Format, MAX_FILE};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What was found in a folder.
#[derive(Debug, Default)]
pub struct Folder {
    /// The folder; where a single file was named, the one that it is in.
    pub root: PathBuf,
    /// The files that hold references, in the order of their paths.
    pub files: Vec<(RepoPath, EntryKind, Vec<u8>)>,
    /// The version files among the others.
    pub versions: Vec<(RepoPath, EntryKind, Vec<u8>)>,
    /// The contents of `imagebot.toml`.
    pub config: Option<Vec<u8>>,
    /// Files and folders that were not read, and why.
    pub skipped: Vec<(String, String)>,
    /// The version files that `imagebot.toml` names.
    named: BTreeSet<RepoPath>,
}

/// Reads a folder, or a single file whatever its name. What `.gitignore` files name is left out, `.git` too.
pub fn read_folder(path: &Path) -> std::io::Result<Folder> {
    let metadata = std::fs::metadata(path)?;
    let mut folder = Folder::default();
    if !metadata.is_file() && !metadata.is_dir() {
        return Err(std::io::Error::other(
            "it is neither a folder nor a regular file",
        ));
    }
    if metadata.is_file() {
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        folder.root = parent.map_or_else(|| PathBuf::from("."), Path::to_owned);
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| RepoPath::parse(name).ok());
        let name = name.ok_or_else(|| {
            std::io::Error::other("the file's name is no text, or holds control characters")
        })?;
        folder.read(name, path);
    } else {
        folder.root = path.to_owned();
        let walk = ignore::WalkBuilder::new(path)
            .hidden(false)
            .parents(false)
            .git_global(false)
            .git_exclude(false)
            .require_git(false)
            .follow_links(false)
            .filter_entry(|entry| !entry.file_name().eq_ignore_ascii_case(".git"))
            .build();
        for entry in walk {
            match entry {
                Ok(entry) => folder.visit(path, &entry),
                Err(error) => folder.skip_error(path, &error),
            }
        }
        folder.files.sort_by(|a, b| a.0.cmp(&b.0));
        folder.skipped.sort();
    }
    if folder.config.is_none() && metadata.is_file() {
        let beside = folder.root.join(REPO_CONFIG);
        let name = RepoPath::parse(REPO_CONFIG).map_err(std::io::Error::other)?;
        match beside.symlink_metadata() {
            Ok(metadata) if metadata.is_file() => folder.read(name, &beside),
            Ok(_) => folder.skip(name, "no-regular-file"),
            Err(_) => {}
        }
    }
    folder.read_versions();
    Ok(folder)
}

impl Folder {
    /// Reads the version files that `imagebot.toml` names, those that are no files with references. No folder on the way
    /// is a link.
    fn read_versions(&mut self) {
        let text = self.config.as_deref().map(std::str::from_utf8);
        let named = text.and_then(Result::ok).map(version_paths);
        self.named.clone_from(&named.clone().unwrap_or_default());
        for name in named.unwrap_or_default() {
            if self.files.iter().any(|(known, ..)| *known == name) || is_info(&name) {
                continue;
            }
            let parts = name.as_str().split('/');
            let mut path = self.root.clone();
            let kind = parts.map(|part| {
                path.push(part);
                path.symlink_metadata()
                    .ok()
                    .map(|metadata| metadata.file_type())
            });
            let kinds: Vec<_> = kind.collect();
            let (last, folders) = match kinds.split_last() {
                Some((Some(last), folders)) => (last, folders),
                _ => continue,
            };
            if last.is_symlink() || !folders.iter().all(|kind| kind.is_some_and(|k| k.is_dir())) {
                self.skip(name, "symlink");
            } else if last.is_file() {
                self.read(name, &path);
            } else {
                self.skip(name, "no-regular-file");
            }
        }
    }

    /// Reads an entry of the walk, if its name says that it holds references.
    fn visit(&mut self, root: &Path, entry: &ignore::DirEntry) {
        let Some(kind) = entry.file_type().filter(|kind| !kind.is_dir()) else {
            return;
        };
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let shown = relative.to_string_lossy().into_owned();
        let name = relative
            .to_str()
            .and_then(|name| RepoPath::parse(name).ok());
        let is_wanted = shown == REPO_CONFIG
            || Format::of(&shown).is_some()
            || name.as_ref().is_some_and(is_info);
        if !is_wanted {
            return;
        }
        let Some(name) = name else {
            let why = "its name is no text, or holds control characters";
            return self.skip(shown, why);
        };
        if kind.is_symlink() {
            self.skip(shown, "symlink");
        } else if kind.is_file() {
            self.read(name, entry.path());
        } else {
            self.skip(shown, "no-regular-file");
        }
    }

    /// A folder that cannot be listed may hold references that nobody sees.
    fn skip_error(&mut self, root: &Path, error: &ignore::Error) {
        let mut inner = error;
        let mut place = None;
        while let ignore::Error::WithPath { err, path } = inner {
            place = Some(path.strip_prefix(root).unwrap_or(path));
            inner = err;
        }
        let place = place.unwrap_or(root).to_string_lossy().into_owned();
        self.skip(place, format!("unreadable: {inner}"));
    }

    fn skip(&mut self, name: impl ToString, why: impl Into<String>) {
        self.skipped.push((name.to_string(), why.into()));
    }

    fn read(&mut self, name: RepoPath, path: &Path) {
        let read = || {
            let metadata = std::fs::metadata(path)?;
            if metadata.len() > MAX_FILE as u64 {
                return Ok(None);
            }
            Ok::<_, std::io::Error>(Some((
                metadata.permissions().mode() & 0o111 != 0,
                std::fs::read(path)?,
            )))
        };
        match read() {
            Ok(Some((_, contents))) if name.as_str() == REPO_CONFIG => {
                self.config = Some(contents);
            }
            Ok(Some((executable, contents))) => {
                let kind = if executable {
                    EntryKind::Executable
                } else {
                    EntryKind::File
                };
                let is_version = is_info(&name) || self.named.contains(&name);
                match is_version {
                    true => self.versions.push((name, kind, contents)),
                    false => self.files.push((name, kind, contents)),
                }
            }
            Ok(None) => self.skip(name, "too-large"),
            Err(error) => self.skip(name, format!("unreadable: {error}")),
        }
    }
}
