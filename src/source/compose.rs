//! Compose files: the images of services, and what services build.
//!
//! Source: the Compose specification. A file is read together with its override file, the files that it includes or
//! extends, and `.env`. The image of a service with a `build` is built here; what its build gives to a Dockerfile wins
//! over the defaults there.

mod build;
mod environment;
mod project;
mod service;

use super::found::Found;
use super::sources::{FileText, Reach};
use project::Project;

/// Whether a file's name, in lower case, is that of a compose file.
pub(super) fn is_name(file: &str) -> bool {
    let stem = file.strip_suffix(".yml").or(file.strip_suffix(".yaml"));
    stem.is_some_and(|stem| stem.starts_with("compose") || stem.starts_with("docker-compose"))
}

/// The references of a compose file and of what it includes.
pub(crate) fn read(file: &FileText<'_>, reach: &mut Reach<'_>) -> Found {
    let mut project = Project::new(reach);
    project.read_main(file);
    project.finish()
}
