//! Reads a local folder. Git is not run, links are not followed, nothing is executed (T53).

use crate::config::{MAX_INCLUDED, included_names, version_paths, wants_vendored};
use crate::family::is_info;
use crate::fleet::{REPO_CONFIG, TOO_LARGE, Tree, TreeFile};
use crate::git::{Tracked, tracked_files};
use crate::repo::{Glob, RepoPath};
use crate::source::{Format, MAX_FILE, vendored_folder};
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// The files found in a folder.
#[derive(Debug, Default)]
pub struct Folder {
    /// The folder; for a single file, its parent.
    pub root: PathBuf,
    /// Its files, and those that were not read.
    pub tree: Tree,
    /// The version files named in `imagebot.toml`.
    named: BTreeSet<RepoPath>,
    /// The patterns of `include`, which add files under other names.
    included: Vec<Glob>,
    /// How many files the patterns have added.
    added: usize,
    /// Whether copies of other projects are read.
    vendored: bool,
}

/// What a path refers to.
enum Place {
    File(PathBuf),
    Link,
    Other,
    Nothing,
}

/// How many entries are visited at most to count the files that `.gitignore` excludes.
const MAX_COUNTED: usize = 100_000;

/// Reads a folder, or a single file of any name. In the work tree of a git repository, all tracked files are read even
/// if an ignore file matches them, because they also are when the repository is registered. Of the other files, those
/// that no `.gitignore` matches are read. `.git` is excluded.
pub fn read_folder(path: &Path) -> std::io::Result<Folder> {
    let metadata = std::fs::metadata(path)?;
    let mut folder = Folder::default();
    if !metadata.is_file() && !metadata.is_dir() {
        return Err(std::io::Error::other(
            "it is neither a folder nor a regular file",
        ));
    }
    if metadata.is_file() {
        let (root, name) = in_repository(path).ok_or_else(|| {
            std::io::Error::other("the file name is not UTF-8 or contains control characters")
        })?;
        folder.root = root;
        folder.read(name, path);
    } else {
        folder.root = path.to_owned();
        folder.read_config()?;
        for entry in walk(path, true) {
            match entry {
                Ok(entry) => folder.visit(path, &entry),
                Err(error) => folder.skip_error(path, &error),
            }
        }
        match tracked_files(path) {
            Tracked::Files(tracked) => folder.read_tracked(&tracked),
            Tracked::NoRepository => folder.count_ignored(path),
            Tracked::Unknown => folder.skip(
                ".git",
                "cannot read its git index; tracked files that .gitignore names may be missing",
            ),
        }
        folder.tree.skipped.sort();
    }
    if metadata.is_file() && folder.tree.settings().is_none() {
        folder.read_config()?;
    }
    if metadata.is_dir() {
        let included = std::mem::take(&mut folder.included);
        folder.tree.forget_other_files(&BTreeSet::new(), &included);
        folder.included = included;
    }
    folder.read_versions();
    let built = folder.tree.unread_dockerfiles().into_iter();
    let vendored = folder.vendored;
    for name in built.filter(|name| vendored || vendored_folder(name.as_str()).is_none()) {
        if let Place::File(place) = folder.kind_of(&name) {
            folder.read(name, &place);
        }
    }
    Ok(folder)
}

/// The root and the path of a single file, as in its repository: `.github/workflows/ci.yml` is a workflow because of its
/// folders. A file whose format does not depend on its folders is in the root.
pub fn in_repository(path: &Path) -> Option<(PathBuf, RepoPath)> {
    let name = path.file_name()?.to_str()?;
    let by_name = Format::of(name).filter(|_| !Format::is_by_content(name));
    let mut root = path.parent()?;
    let mut inside = name.to_owned();
    // No format depends on more folders than these.
    for _ in 0..2 {
        let (Some(folder), None) = (root.file_name().and_then(|it| it.to_str()), by_name) else {
            break;
        };
        inside = format!("{folder}/{inside}");
        root = root.parent()?;
        if Format::of(&inside).is_some() && !Format::is_by_content(&inside) {
            return Some((shown(root), RepoPath::parse(&inside).ok()?));
        }
    }
    Some((shown(path.parent()?), RepoPath::parse(name).ok()?))
}

/// A folder that can be opened: `.` instead of an empty path.
fn shown(folder: &Path) -> PathBuf {
    match folder.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => folder.to_owned(),
    }
}

/// Walks a folder; `.ignore` files belong to other tools and are not applied.
fn walk(path: &Path, gitignore: bool) -> ignore::Walk {
    ignore::WalkBuilder::new(path)
        .hidden(false)
        .parents(false)
        .ignore(false)
        .git_ignore(gitignore)
        .git_global(false)
        .git_exclude(false)
        .require_git(false)
        .follow_links(false)
        .filter_entry(|entry| !entry.file_name().eq_ignore_ascii_case(".git"))
        .build()
}

impl Folder {
    /// Reads the folder's `imagebot.toml`.
    fn read_config(&mut self) -> std::io::Result<()> {
        let place = self.root.join(REPO_CONFIG);
        let name = RepoPath::parse(REPO_CONFIG).map_err(std::io::Error::other)?;
        match place.symlink_metadata() {
            Ok(metadata) if metadata.is_file() => self.read(name, &place),
            Ok(_) => self.skip(name, "no-regular-file"),
            Err(_) => {}
        }
        let included = self.tree.settings_text().map(included_names);
        self.included = included.unwrap_or_default();
        self.vendored = self.tree.settings_text().is_some_and(wants_vendored);
        Ok(())
    }

    /// Reads the tracked files that the walk left out because of an ignore file. Paths through links are not followed.
    fn read_tracked(&mut self, tracked: &BTreeSet<String>) {
        let seen: BTreeSet<String> = self.names().map(str::to_owned).collect();
        let unseen = tracked.iter().filter(|path| !seen.contains(*path));
        for path in unseen
            .filter(|path| self.is_wanted(path))
            .collect::<Vec<_>>()
        {
            let Ok(name) = RepoPath::parse(path) else {
                continue;
            };
            match self.kind_of(&name) {
                Place::File(place) => self.read(name, &place),
                Place::Link => self.skip(name, "symlink"),
                Place::Other => self.skip(name, "no-regular-file"),
                // It was deleted from the work tree.
                Place::Nothing => {}
            }
        }
    }

    /// Reports how many ignored files could contain references, as one entry.
    fn count_ignored(&mut self, root: &Path) {
        let seen: BTreeSet<String> = self.names().map(str::to_owned).collect();
        let mut looked = 0;
        let entries = walk(root, false).flatten().take(MAX_COUNTED);
        let ignored = entries.inspect(|_| looked += 1).filter(|entry| {
            let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
            let is_file = entry.file_type().is_some_and(|kind| !kind.is_dir());
            let name = relative.to_str().filter(|_| is_file);
            // Any YAML or JSON could hold some.
            name.is_some_and(|name| {
                !seen.contains(name)
                    && self.is_wanted(name)
                    && !Format::is_by_content(name)
                    && (self.vendored || vendored_folder(name).is_none())
            })
        });
        let count = ignored.count();
        let at_least = if looked == MAX_COUNTED {
            "at least "
        } else {
            ""
        };
        match count {
            0 => {}
            1 => self.skip(
                ".gitignore",
                format!("excludes {at_least}1 file that could hold references"),
            ),
            _ => self.skip(
                ".gitignore",
                format!("excludes {at_least}{count} files that could hold references"),
            ),
        }
    }

    /// The names of all files seen.
    fn names(&self) -> impl Iterator<Item = &str> {
        let files = self.tree.files.keys().map(RepoPath::as_str);
        let skipped = self.tree.skipped.iter().map(|(name, _)| name.as_str());
        files.chain(skipped)
    }

    /// Whether a file of this name may contain references.
    fn is_wanted(&self, name: &str) -> bool {
        Format::of(name).is_some()
            || RepoPath::parse(name).is_ok_and(|name| is_info(&name))
            || self.is_included(name)
    }

    fn is_included(&self, name: &str) -> bool {
        Format::may_include(name) && self.included.iter().any(|glob| glob.matches(name))
    }

    /// What a path below the root refers to; paths through links are not followed.
    fn kind_of(&self, name: &RepoPath) -> Place {
        let mut path = self.root.clone();
        let mut parts = name.as_str().split('/').peekable();
        while let Some(part) = parts.next() {
            path.push(part);
            let Ok(metadata) = path.symlink_metadata() else {
                return Place::Nothing;
            };
            let is_last = parts.peek().is_none();
            match metadata.file_type() {
                kind if kind.is_symlink() => return Place::Link,
                kind if kind.is_dir() && !is_last => {}
                kind if kind.is_file() && is_last => return Place::File(path),
                _ => return Place::Other,
            }
        }
        Place::Nothing
    }

    /// Reads the version files named in `imagebot.toml` that are not also files with references. Paths through links
    /// are not followed.
    fn read_versions(&mut self) {
        let named = self.tree.settings_text().map(version_paths);
        self.named.clone_from(&named.clone().unwrap_or_default());
        for name in named.unwrap_or_default() {
            if self.tree.files.contains_key(&name) || is_info(&name) {
                continue;
            }
            match self.kind_of(&name) {
                Place::File(place) => self.read(name, &place),
                Place::Link => self.skip(name, "symlink"),
                Place::Other => self.skip(name, "no-regular-file"),
                Place::Nothing => {}
            }
        }
    }

    /// Reads an entry of the walk, if a file of its name may contain references.
    fn visit(&mut self, root: &Path, entry: &ignore::DirEntry) {
        let Some(kind) = entry.file_type().filter(|kind| !kind.is_dir()) else {
            return;
        };
        let relative = entry.path().strip_prefix(root).unwrap_or(entry.path());
        let shown = relative.to_string_lossy().into_owned();
        let name = relative
            .to_str()
            .and_then(|name| RepoPath::parse(name).ok());
        // The configuration has been read already.
        if shown == REPO_CONFIG || !self.is_wanted(&shown) {
            return;
        }
        if let Some(folder) = vendored_folder(&shown)
            && !self.vendored
        {
            // Any YAML or JSON could hold references.
            if !Format::is_by_content(&shown) {
                *self.tree.vendored.entry(folder.to_owned()).or_default() += 1;
            }
            return;
        }
        if Format::of(&shown).is_none() && self.is_included(&shown) {
            self.added += 1;
            if self.added > MAX_INCLUDED {
                let why = format!("`include` and `[[source]]` add {MAX_INCLUDED} files at most");
                return self.skip(shown, why);
            }
        }
        let Some(name) = name else {
            let why = "its name is not UTF-8 or contains control characters";
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

    /// Reports a folder that cannot be listed, because it may contain references.
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
        self.tree.skipped.push((name.to_string(), why.into()));
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
            Ok(Some((executable, contents))) => {
                let file = TreeFile {
                    executable,
                    contents,
                };
                self.tree.files.insert(name, file);
            }
            Ok(None) => self.skip(name, TOO_LARGE),
            Err(error) => self.skip(name, format!("unreadable: {error}")),
        }
    }
}
