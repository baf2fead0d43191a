//! Reading a folder of this machine: no git is started, no link is followed, nothing is executed (T53).

use super::observe::REPO_CONFIG;
use crate::git::EntryKind;
use crate::repo::RepoPath;
use crate::source::{Format, MAX_FILE};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What was found in a folder.
#[derive(Debug, Default)]
pub struct Folder {
    /// The folder; where a single file was named, the one that it is in.
    pub root: PathBuf,
    /// The files that hold references, in the order of their paths.
    pub files: Vec<(RepoPath, EntryKind, Vec<u8>)>,
    /// The text of `imagebot.toml`.
    pub config: Option<String>,
    /// Files that were not read, and why.
    pub skipped: Vec<(RepoPath, String)>,
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
        for entry in walk.flatten() {
            let Some(kind) = entry.file_type().filter(|kind| !kind.is_dir()) else {
                continue;
            };
            let relative = entry.path().strip_prefix(path).ok().and_then(Path::to_str);
            let Some(name) = relative.and_then(|name| RepoPath::parse(name).ok()) else {
                continue;
            };
            if name.as_str() != REPO_CONFIG && Format::of(name.as_str()).is_none() {
                continue;
            }
            if kind.is_symlink() {
                folder.skipped.push((name, "symlink".to_owned()));
            } else if kind.is_file() {
                folder.read(name, entry.path());
            } else {
                folder.skipped.push((name, "no-regular-file".to_owned()));
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
            Ok(_) => folder.skipped.push((name, "no-regular-file".to_owned())),
            Err(_) => {}
        }
    }
    Ok(folder)
}

impl Folder {
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
                match String::from_utf8(contents) {
                    Ok(text) => self.config = Some(text),
                    Err(error) => {
                        let why = format!("no UTF-8 text: {}", error.utf8_error());
                        self.skipped.push((name, why));
                    }
                }
            }
            Ok(Some((executable, contents))) => {
                let kind = if executable {
                    EntryKind::Executable
                } else {
                    EntryKind::File
                };
                self.files.push((name, kind, contents));
            }
            Ok(None) => self.skipped.push((name, "too-large".to_owned())),
            Err(error) => self.skipped.push((name, format!("unreadable: {error}"))),
        }
    }
}
