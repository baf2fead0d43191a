//! The files that a work tree's repository tracks, read from its index without starting git: the folder may come from
//! an untrusted source, and its configuration must not run anything (T53).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The largest index that is read.
const MAX_INDEX: u64 = 64 << 20;

/// The tracked regular files below a folder, by their paths from it.
#[derive(Debug, PartialEq, Eq)]
pub enum Tracked {
    /// The folder is in no repository.
    NoRepository,
    /// The index cannot be read: it is of a newer format, split, damaged or too large.
    Unknown,
    /// The files.
    Files(BTreeSet<String>),
}

/// Finds the repository that a folder is in, and reads which files it tracks.
pub fn tracked_files(folder: &Path) -> Tracked {
    let Ok(folder) = folder.canonicalize() else {
        return Tracked::NoRepository;
    };
    let Some((top, git)) = folder
        .ancestors()
        .find_map(|top| Some((top, git_folder(top)?)))
    else {
        return Tracked::NoRepository;
    };
    let Some(below) = folder.strip_prefix(top).ok().and_then(Path::to_str) else {
        return Tracked::Unknown;
    };
    let index = git.join("index");
    let data = match index.symlink_metadata() {
        // No file was ever added.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(Vec::new()),
        Ok(metadata) if metadata.is_file() && metadata.len() <= MAX_INDEX => {
            std::fs::read(index).ok()
        }
        _ => None,
    };
    let files = match data {
        Some(data) if data.is_empty() => Some(BTreeSet::new()),
        data => data.and_then(|data| files(&data)),
    };
    let Some(files) = files else {
        return Tracked::Unknown;
    };
    let inside = |path: String| match below {
        "" => Some(path),
        below => Some(path.strip_prefix(below)?.strip_prefix('/')?.to_owned()),
    };
    Tracked::Files(files.into_iter().filter_map(inside).collect())
}

/// The `.git` of a work tree; if it is a file, it names the folder (worktrees, submodules).
fn git_folder(top: &Path) -> Option<PathBuf> {
    let git = top.join(".git");
    let metadata = git.symlink_metadata().ok()?;
    if metadata.is_dir() {
        return git.join("HEAD").is_file().then_some(git);
    }
    if !metadata.is_file() || metadata.len() > 4_096 {
        return None;
    }
    let text = std::fs::read_to_string(&git).ok()?;
    let named = top.join(text.strip_prefix("gitdir:")?.trim());
    named.join("HEAD").is_file().then_some(named)
}

/// The paths of all regular files in an index, whatever its hash.
fn files(data: &[u8]) -> Option<BTreeSet<String>> {
    files_with(data, 20).or_else(|| files_with(data, 32))
}

/// As `gitformat-index` describes it, versions 2 to 4. Extensions after the entries are skipped, except that of a split
/// index, whose entries are elsewhere.
fn files_with(data: &[u8], hash: usize) -> Option<BTreeSet<String>> {
    let number = |at: usize| {
        let bytes: [u8; 4] = data.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    };
    if data.get(..4)? != b"DIRC" {
        return None;
    }
    let version = number(4)?;
    let count = number(8)?;
    if !(2..=4).contains(&version) || count > data.len() / 62 {
        return None;
    }
    let mut files = BTreeSet::new();
    let mut path: Vec<u8> = Vec::new();
    let mut at = 12;
    for _ in 0..count {
        let start = at;
        let mode = number(at + 24)?;
        at += 40 + hash;
        let extended = data.get(at)? & 0x40 != 0;
        at += if extended && version >= 3 { 4 } else { 2 };
        if version == 4 {
            let (strip, behind) = varint(data, at)?;
            at = behind;
            path.truncate(path.len().checked_sub(strip)?);
        } else {
            path.clear();
        }
        let end = at + data.get(at..)?.iter().position(|byte| *byte == 0)?;
        path.extend_from_slice(&data[at..end]);
        at = match version {
            4 => end + 1,
            // One to eight NULs pad the entry to a multiple of eight bytes.
            _ => start + (end - start) / 8 * 8 + 8,
        };
        if path.is_empty() {
            return None;
        }
        if mode >> 12 == 0b1000
            && let Ok(path) = std::str::from_utf8(&path)
        {
            files.insert(path.to_owned());
        }
    }
    // Extensions follow, up to the checksum.
    while at + hash < data.len() {
        if data.get(at..at + 4)? == b"link" {
            return None;
        }
        at = at.checked_add(8)?.checked_add(number(at + 4)?)?;
    }
    (at + hash == data.len()).then_some(files)
}

/// A number in git's variable-length encoding, and where it ends.
fn varint(data: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut byte = *data.get(at)?;
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        at += 1;
        byte = *data.get(at)?;
        value = value.checked_add(1)?.checked_mul(128)? + usize::from(byte & 0x7f);
        if value > 1 << 16 {
            return None;
        }
    }
    Some((value, at + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    fn git(folder: &Path, args: &[&str]) {
        let mut command = Command::new("git");
        command.current_dir(folder).args(args);
        command.env_clear().env("HOME", folder);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        let output = command.output().expect("git is there");
        assert!(output.status.success(), "{args:?}: {output:?}");
    }

    #[test]
    fn every_version_of_an_index_is_read_as_git_writes_it() {
        for format in ["sha1", "sha256"] {
            let folder = tempfile::tempdir().expect("a folder");
            let folder = folder.path();
            git(folder, &["init", "-q", "--object-format", format]);
            assert_eq!(tracked_files(folder), Tracked::Files(BTreeSet::new()));
            let names = [
                "a/Dockerfile",
                "a/b/deeper/Dockerfile",
                "a/b/x",
                "Dockerfile",
            ];
            for name in names {
                let path = folder.join(name);
                std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
                std::fs::write(path, name).expect("a file");
            }
            std::os::unix::fs::symlink("x", folder.join("a/link")).expect("a link");
            git(folder, &["add", "."]);
            let expect = |names: &[&str]| {
                Tracked::Files(names.iter().map(|name| (*name).to_owned()).collect())
            };
            for version in ["2", "3", "4"] {
                git(folder, &["update-index", "--index-version", version]);
                assert_eq!(tracked_files(folder), expect(&names), "{format} {version}");
                let below = tracked_files(&folder.join("a/b"));
                assert_eq!(
                    below,
                    expect(&["deeper/Dockerfile", "x"]),
                    "{format} {version}"
                );
            }
            git(folder, &["add", "--intent-to-add", "--force", "."]);
            let index = std::fs::read(folder.join(".git/index")).expect("an index");
            for cut in 0..index.len() {
                assert_eq!(files(&index[..cut]), None, "cut at {cut}");
            }
            git(folder, &["update-index", "--split-index"]);
            assert_eq!(tracked_files(folder), Tracked::Unknown);
        }
    }

    #[test]
    fn a_folder_outside_has_no_repository() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(tracked_files(folder.path()), Tracked::NoRepository);
        // A `.git` that names a missing folder is ignored.
        std::fs::write(folder.path().join(".git"), "gitdir: /nowhere\n").expect("a file");
        assert_eq!(tracked_files(folder.path()), Tracked::NoRepository);
    }
}
