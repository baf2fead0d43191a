//! The vocabulary of git hosting: a repository's name, a path in it, a branch, a commit, a merge request.
//!
//! Values only. How git is driven belongs to `git`, how a server is contacted to `forge`.

mod branch;
mod ci_status;
mod commit;
mod glob;
mod merge_request;
mod name;
mod path;

pub use branch::{Branch, ParseBranchError};
pub use ci_status::CiStatus;
pub use commit::{CommitId, ObjectId, ParseCommitError, ParseObjectIdError};
pub use glob::{Glob, ParseGlobError, RepoGlobs};
pub use merge_request::{
    MergeRequest, MergeRequestEdit, MergeRequestMetadata, MergeRequestState, NewMergeRequest,
};
pub use name::{ParseRepoNameError, RepoName};
pub use path::{ParsePathError, RepoPath};
