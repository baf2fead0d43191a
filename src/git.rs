//! The one place that builds a git command.
//!
//! Repositories are read into bare, shallow, partial caches and never checked out: no work tree, no index but a private
//! one, no submodule, no filter, no hook of the cached repository, no symlink followed. Every command gets a scrubbed
//! environment and a generated global configuration; settings of the user, the system and the repository have no
//! effect. Full ref names and `--end-of-options` precede every value from outside.
//!
//! A repository is read with two requests: commits and trees of the wanted refs at depth one, then the wanted blobs.
//! It is written with one push that has a lease for every branch.

mod cache;
mod command;
mod error;
mod index;
mod local;
mod lock;
mod object;
mod read;
mod remote;
mod scratch;
mod tree;
mod write;

pub use cache::Cached;
pub use command::{Git, Identity, MIN_VERSION};
pub use error::GitError;
pub use index::{Tracked, tracked_files};
pub use local::Ref;
pub use read::{BranchCommit, TreeChange};
pub use remote::{Credential, Remote};
pub use tree::{TreeEntry, TreeEntryKind, TreeListing};
pub use write::{FileChange, NewCommit, Push, Pushed};
