//! `[[source]]` of a configuration: where in other files images are, by a path into data or by a pattern.
//!
//! What is found is a reference, or an error at its place in the file. A value that the file's own format reads as a
//! reference is left to the format. Definitions of CI are never read in this way for a repository (T18).

mod data_path;
mod matches;
mod pattern;
mod read;
mod table;

pub use data_path::{DataPath, ParseDataPathError};
pub use pattern::{ParsePatternError, SourcePattern};
pub(crate) use read::CustomReader;
pub(crate) use table::MOST_BYTES;
pub use table::{DataFields, DataFormat, DataName, SourceReads, SourceTable};
