//! Turns the text of a file into its image references, and an update back into a byte-exact edit.
//!
//! A format is one file under `source/`. It reads text into [`Located`] references that know the position of their
//! every byte in the file; everything else (planning an edit, splicing, checking the result) is shared. No format
//! decides what is updated, and none touches the disk.
//!
//! To add a format:
//! 1. write `source/<format>.rs` with one `read(text, base, args)` that returns [`Located`] and what it skipped;
//! 2. add a variant to [`Format`], its name and its file names to `source/format.rs`;
//! 3. add its cases to `tests/core/<format>.rs`, an edit that changes nothing else as a property, and its line to `docs/sources.md`.

mod argo;
mod azure;
mod bake;
mod bitbucket;
mod circleci;
mod compare;
mod compose;
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
mod inline;
mod interpolate;
mod k8s;
mod kustomize;
mod lines;
mod located;
mod manifest;
mod mapped;
mod passed;
mod paths;
mod placeholder;
mod quadlet;
mod reading;
mod refusal;
mod roles;
mod scan;
mod solve;
mod sources;
mod splice;
mod stages;
mod tekton;
mod text;
mod twice;
mod value;
mod vendored;
mod version;
mod woodpecker;
mod workflow;
#[cfg_attr(
    not(test),
    expect(
        dead_code,
        reason = "the YAML formats that come next use the rest of it"
    )
)]
mod yaml;

pub use compare::{differs_only_by, differs_only_in};
pub use edit::{Edited, FromDigest, Update, edit, edit_sources};
pub use format::Format;
pub use found::{DescribedBuild, Remark, Told};
pub use gipgee::{GipgeeImage, GipgeeRelease, gipgee_images};
pub use located::{Comment, KnownReference, Located, RefId, ReferenceKind, Resolution, WhyNot};
pub use passed::{Passed, PassedOver};
pub use reading::{Reading, read_sources};
pub use refusal::Refusal;
pub use roles::Role;
pub use scan::{MAX_FILE, Scan, Unreadable, scan};
pub use sources::{SourceFile, Sources};
pub use splice::{Splice, SpliceError, splice};
pub use stages::Stages;
pub use twice::left_behind;
pub use vendored::{image_line, is_generated, vendored_folder};
pub use version::{
    LocatedVersion, ParsePlaceError, Place, VersionFile, VersionFileError, Versioned,
};
pub use yaml::yaml_nodes;
