//! docker-bake files: what their targets give to Dockerfiles, and the images of their named contexts.
//!
//! Source: the Bake file reference of Docker's buildx. HCL and JSON are read into one tree of expressions. Functions,
//! conditions and loops are not evaluated: what they give is unknown.

mod evaluate;
mod file;
mod hcl;
mod json;
mod target;

use super::compose;
use super::found::Found;
use super::paths::folder_of;
use super::sources::{FileText, Reach};
use crate::repo::RepoPath;
use file::BakeFile;

/// The names that buildx reads by itself, in its order, after the compose files: what a later file sets wins.
const DEFAULT: [&str; 4] = [
    "docker-bake.json",
    "docker-bake.hcl",
    "docker-bake.override.json",
    "docker-bake.override.hcl",
];

/// Whether a file's name, in lower case, is that of a bake file.
pub(super) fn is_name(file: &str) -> bool {
    DEFAULT.contains(&file) || file == "bake.hcl" || file.ends_with(".bake.hcl")
}

/// What a bake file says. The files that buildx reads by themselves are read together, with the first one that is there.
pub(crate) fn read(file: &FileText<'_>, reach: &mut Reach<'_>) -> Found {
    let mut found = Found::default();
    let folder = folder_of(file.path).to_owned();
    let name = file.path.as_str().rsplit('/').next().unwrap_or_default();
    let mut whole = BakeFile::default();
    let mut read = |file: &FileText<'_>, found: &mut Found| match BakeFile::parse(file) {
        Ok(parsed) => whole.merge(parsed),
        Err(passed) => found.passed_elsewhere.push((file.base, passed)),
    };
    if DEFAULT.contains(&name) {
        let path = |name: &&str| {
            let slash = if folder.is_empty() { "" } else { "/" };
            RepoPath::parse(&format!("{folder}{slash}{name}")).ok()
        };
        let paths: Vec<RepoPath> = DEFAULT.iter().filter_map(path).collect();
        if paths.iter().find(|path| reach.has(path)) != Some(file.path) {
            return found;
        }
        let composed = compose::builds(&folder, reach).into_iter();
        let composed = composed.map(|build| (build.name.clone(), build));
        let composed = composed.collect();
        for path in paths {
            if let Some(file) = reach.read(&path) {
                read(&file, &mut found);
            }
        }
        whole.composed = composed;
    } else {
        read(file, &mut found);
    }
    target::read_all(&whole, &folder, reach.args, &mut found);
    found
}
