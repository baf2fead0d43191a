//! Turns the text of a file into its image references, and an update back into a byte-exact edit.
//!
//! The files of a repository are one text, laid end to end ([`Sources`]): a place identifies a byte of any of them. A
//! format is one file under `source/`. It reads a file into [`Located`] references that know the place of their every
//! byte; everything else (planning an edit, splicing, checking the result) is shared. A reader reaches other files
//! through `Reach`, which records the dependency: files that depend on each other are edited and read back together.
//! What a file says about the builds of a Dockerfile is given to that Dockerfile's reader. No format decides what is
//! updated, and none touches the disk.
//!
//! To add a format:
//! 1. write `source/<format>.rs` with a `read(file, reach)` that returns what it `Found`, and a function that recognizes
//!    its files by their names;
//! 2. add a variant to [`Format`], and answer there what the compiler asks;
//! 3. add its kinds to [`ReferenceKind`], its cases to `fixtures/sources/<format>/`, which tests read, edit and change at
//!    random, and its row to `docs/sources.md`. `tests/architecture.rs` holds this.

mod annotation;
mod argo;
mod azure;
mod bake;
mod bitbucket;
mod circleci;
mod comment;
mod compare;
mod compose;
mod custom;
mod data;
mod devcontainer;
mod dockerfile;
mod dotenv;
mod edit;
mod fields;
mod format;
mod found;
mod gipgee;
mod gitlab_ci;
mod helm;
mod home_assistant;
mod inline;
mod interpolate;
mod k8s;
mod kustomize;
mod lines;
mod located;
mod manifest;
mod mapped;
mod marks;
mod parts;
mod passed;
mod paths;
mod placeholder;
mod quadlet;
mod read_back;
mod reading;
mod refusal;
mod roles;
mod scan;
mod solve;
mod sources;
mod splice;
mod stages;
mod taken;
mod tekton;
mod text;
mod twice;
mod unread;
mod value;
mod vendored;
mod version;
mod woodpecker;
mod workflow;
mod yaml;

pub use comment::comment_words;
pub use compare::{differs_only_by, differs_only_in};
pub use custom::{
    DataFields, DataFormat, DataName, DataPath, ParseDataPathError, ParsePatternError,
    SourcePattern, SourceReads, SourceTable,
};
pub use edit::{Edited, FromDigest, Update, edit, edit_sources};
pub use format::Format;
pub use found::{DescribedBuild, Remark, Told};
pub use gipgee::{GipgeeImage, GipgeeRelease, gipgee_images};
pub use located::{Comment, KnownReference, Located, RefId, ReferenceKind, Resolution, WhyNot};
pub use passed::{Passed, PassedOver};
pub use reading::{ReadSources, read_sources};
pub use refusal::Refusal;
pub use roles::Role;
pub use scan::{MAX_FILE, Scan, Unreadable, scan};
pub use sources::{SourceFile, Sources};
pub use splice::{Splice, SpliceError, splice};
pub use stages::Stages;
pub use twice::left_behind;
pub use unread::{has_image_line, not_read};
pub use vendored::{is_generated, vendored_folder};
pub use version::{
    LocatedVersion, ParsePlaceError, Place, VersionFile, VersionFileError, Versioned,
};
pub use yaml::yaml_nodes;
pub(crate) use yaml::{Node as YamlNode, Yaml};
