//! Forges: who lists repositories and keeps merge requests.
//!
//! [`Forge`] is the one trait at the edges, because there are several real ones; who implements it is the shell's
//! knowledge. A forge moves no content: that is git's business, the same for all of them.
//!
//! To add a forge:
//! 1. write `forge/<name>.rs` with a type that implements [`Forge`]; a server lists through `discover` and asks through
//!    `wire`; its errors are [`ForgeError`]'s;
//! 2. run the conformance suite of `tests/forge.rs` against it;
//! 3. name it in `config/forge.rs` and `run/forges.rs`, and in `docs/forges.md`.
//!
//! No forge decides whether a merge request should exist, whose a branch is, or what its texts say: that is `plan`'s
//! business. A forge reports what exists and does what it is asked to.
//!
//! `discover` lists repositories for every server, and `wire` holds what the clients of servers do alike. GitLab and
//! GitHub have the same modules, each with what only that server needs.

mod discover;
mod doctor;
mod error;
mod github;
mod gitlab;
mod local;
mod mark;
mod scope;
mod server;
mod traits;
mod wire;

pub use doctor::{DoctorFinding, DoctorLevel};
pub use error::ForgeError;
pub use github::{GitHub, GitHubSettings, GitHubToken};
pub use gitlab::{GitLab, GitLabSettings};
pub use local::Local;
pub use server::ServerSettings;
pub use traits::{
    Forge, ForgeRegistry, KnownIds, LeftOut, Listing, Merging, RegistryLogin, Repository,
};
