//! Globs on the paths of a repository.

use crate::repo::Glob;

/// A glob on paths in a repository; one that leads out of the repository can never match and is an error.
pub(super) fn path_glob(text: &str) -> Result<Glob, String> {
    let leads_out = text.starts_with('/') || text.split('/').any(|part| part == "..");
    if leads_out {
        return Err("it can never match: paths begin at the root of the repository".to_owned());
    }
    Glob::parse(text).map_err(|error| error.to_string())
}
