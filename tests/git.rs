//! Git against real bare repositories on this machine.
//!
//! Test names begin with the rows of the threat and fault tables that they stand for.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that panics tells where"
)]

#[path = "git/bench.rs"]
mod bench;
#[path = "support/git_repos.rs"]
mod git_repos;

#[path = "git/copies.rs"]
mod copies;
#[path = "git/histories.rs"]
mod histories;
#[path = "git/hostile.rs"]
mod hostile;
#[path = "git/pushing.rs"]
mod pushing;
#[path = "git/reading.rs"]
mod reading;
#[path = "git/writing.rs"]
mod writing;
