//! The version of an image in a file of its repository: where it stands, and how exactly its bytes are replaced.
//!
//! A [`VersionFile`] is a path and a [`Place`] in it. Each kind of place is one file under `source/version/`, which
//! finds where in a text the value stands, with a real parser where there is one; everything else is shared: that there
//! is exactly one, that it is a version, that an edit changes its bytes and no others.
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
