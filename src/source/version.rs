//! The version of an image in a file of its repository: where it is, and how exactly its bytes are replaced.
//!
//! A [`VersionFile`] is a path and a [`Place`] in it. Each kind of place is one file under `source/version/`, which
//! finds the value in a text, with a real parser if there is one. Everything else is shared: the checks that there is
//! exactly one value, that it is a version, and that an edit changes its bytes and no others.
//!
//! To add a kind: a file with `find(text, …) -> Result<Vec<Range<usize>>, VersionFileError>`, a variant of [`Place`],
//! its word in `place.rs`, its cases in `version/file.rs`, and its line in `docs/versions.md`.

mod dockerfile;
mod edn;
mod error;
mod file;
mod json;
mod key;
mod place;
mod regex;
mod text;
mod toml;
mod yaml;

pub use error::VersionFileError;
pub use file::{LocatedVersion, VersionFile, Versioned};
pub use place::{ParsePlaceError, Place};
