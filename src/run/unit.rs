//! Reads a single file with the files that its references can depend on: those beside it that give values, and those that
//! it names. Links are not followed, nothing is executed.

use super::folder::{Folder, in_repository, read_folder};
use crate::fleet::TreeFile;
use crate::repo::RepoPath;
use crate::source::{Format, MAX_FILE};
use std::collections::VecDeque;
use std::path::Path;

/// The most files that are read with a file.
const MOST: usize = 32;
/// The most entries of the file's folder that are read.
const MOST_ENTRIES: usize = 1_000;
/// The most words of a file that can be names of others.
const MOST_WORDS: usize = 10_000;

/// Reads a folder, or a single file with what belongs to it; the second part is the single file's path.
pub fn read_unit(path: &Path) -> std::io::Result<(Folder, Option<RepoPath>)> {
    let mut folder = read_folder(path)?;
    let single = Some(path).filter(|path| path.is_file());
    let Some((_, main)) = single.and_then(in_repository) else {
        return Ok((folder, None));
    };
    let mut waiting = VecDeque::new();
    if let Some(file) = folder.tree.files.get(&main) {
        waiting.extend(named(&main, &file.contents));
    }
    waiting.extend(beside(&folder.root, &main));
    let mut room = MOST;
    while let Some(name) = waiting.pop_front().filter(|_| room > 0) {
        if folder.tree.files.contains_key(&name) {
            continue;
        }
        if let Some(contents) = regular_file(&folder.root, &name) {
            room -= 1;
            waiting.extend(named(&name, &contents));
            let file = TreeFile {
                executable: false,
                contents,
            };
            folder.tree.files.insert(name, file);
        }
    }
    Ok((folder, Some(main)))
}

/// The files in the folder of a file that can give it values.
fn beside(root: &Path, main: &RepoPath) -> Vec<RepoPath> {
    let folder = main.as_str().rsplit_once('/').map(|(folder, _)| folder);
    let place = root.join(folder.unwrap_or("."));
    let entries = std::fs::read_dir(place).into_iter().flatten().flatten();
    let names = entries.take(MOST_ENTRIES).filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        RepoPath::parse(&match folder {
            Some(folder) => format!("{folder}/{name}"),
            None => name,
        })
        .ok()
    });
    let gives_values = |path: &RepoPath| {
        Format::of(path.as_str()).is_some_and(|format| {
            let is_values = matches!(
                format,
                Format::DotEnv | Format::HelmValues | Format::HelmChart
            );
            format.describes_builds() || is_values
        })
    };
    let mut names: Vec<RepoPath> = names.filter(gives_values).collect();
    names.sort();
    names
}

/// The files that the words of a text can name, relative to its folder or to the root.
fn named(path: &RepoPath, contents: &[u8]) -> Vec<RepoPath> {
    let text = String::from_utf8_lossy(contents);
    let folder = path.as_str().rsplit_once('/').map(|(folder, _)| folder);
    let ends = |c: char| c.is_whitespace() || "\"'`,;=:()[]{}".contains(c);
    let words = text.split(ends).filter(|word| word.contains('.'));
    let words = words.take(MOST_WORDS).map(|word| {
        let word = word.trim_start_matches("./");
        word.trim_start_matches('/').to_owned()
    });
    let candidates = words.flat_map(|word| {
        let relative = folder.map(|folder| format!("{folder}/{word}"));
        relative.into_iter().chain([word])
    });
    let known = candidates.filter(|name| Format::of(name).is_some());
    known
        .filter_map(|name| RepoPath::parse(&name).ok())
        .collect()
}

/// The contents of a regular file that no link leads to and that is not too large.
fn regular_file(root: &Path, name: &RepoPath) -> Option<Vec<u8>> {
    let mut place = root.to_owned();
    for part in name.as_str().split('/') {
        place.push(part);
        if place.symlink_metadata().ok()?.is_symlink() {
            return None;
        }
    }
    let metadata = place.metadata().ok()?;
    let is_read = metadata.is_file() && metadata.len() <= MAX_FILE as u64;
    is_read.then(|| std::fs::read(&place).ok()).flatten()
}
