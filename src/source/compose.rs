//! Compose files: the images of services, and what services build.
//!
//! Source: the Compose specification. A file is read together with its override file, the files that it includes or
//! extends, and `.env`. The image of a service with a `build` is built here; what its build gives to a Dockerfile wins
//! over the defaults there.

mod build;
mod environment;
mod project;
mod service;

use super::found::{Build, Found};
use super::paths::file_at;
use super::sources::{FileText, Reach};
use project::Project;

/// Whether a file's name, in lower case, is that of a compose file.
pub(super) fn is_name(file: &str) -> bool {
    let stem = file.strip_suffix(".yml").or(file.strip_suffix(".yaml"));
    stem.is_some_and(|stem| stem.starts_with("compose") || stem.starts_with("docker-compose"))
}

/// The names that docker's tools read by themselves.
const DEFAULT: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
];

/// The builds that the compose files of a folder describe, as bake reads them: all default names, without override files.
/// Inline Dockerfiles are left out.
pub(crate) fn builds(folder: &str, reach: &mut Reach<'_>) -> Vec<Build> {
    let paths = DEFAULT.iter().filter_map(|name| file_at(folder, name));
    let files: Vec<FileText<'_>> = paths.filter_map(|path| reach.read_if_room(&path)).collect();
    if files.is_empty() {
        return Vec::new();
    }
    let mut project = Project::new(reach);
    project.read_together(&files, folder);
    let builds = project.finish().builds.into_iter();
    let has_file = |build: &Build| build.dockerfile.is_some() || build.context.is_none();
    builds.filter(has_file).collect()
}

/// The references of a compose file and of what it includes.
pub(crate) fn read(file: &FileText<'_>, reach: &mut Reach<'_>) -> Found {
    let mut project = Project::new(reach);
    project.read_main(file);
    project.finish()
}
