//! Forges: who lists repositories and keeps merge requests.
//!
//! [`Forge`] is the one trait at the edges, because there are several real ones; who implements it is the shell's
//! knowledge. A forge moves no content: that is git's business, the same for all of them.
//!
//! To add a forge:
//! 1. write `forge/<name>.rs` with a type that implements [`Forge`]; its errors are [`ForgeError`]'s;
//! 2. run the conformance suite of `tests/forge.rs` against it;
//! 3. name it in `config/forge.rs` and `run/forges.rs`, and in `docs/forges.md`.
//!
//! What is shared by all of them, and what none of them decides: whether a merge request should be there, whose a
//! branch is, and what its texts say is `plan`'s; a forge only tells what is and does what it is told.

mod error;
mod github;
mod gitlab;
mod local;
mod mark;
mod scope;
mod server;
mod traits;
mod wire;

pub use crate::repo::MergeRequestAttributes;
pub use error::ForgeError;
pub use github::{GitHub, GitHubSettings, GitHubToken};
pub use gitlab::{GitLab, GitLabSettings};
pub use local::{CiState, Local};
pub use server::ServerSettings;
pub use traits::{
    Finding, Forge, ForgeRegistry, Known, LeftOut, Level, Listing, MergeRequestEdit, Merging,
    NewMergeRequest, Pipeline, RegistryLogin, Repository,
};
