//! Forges: one suite for what all of them must do, and what is particular to each.
//!
//! A further forge implements [`conformance::Server`] and names the suite with `conformance!`.
#![allow(
    clippy::unwrap_used,
    missing_docs,
    reason = "a test that panics tells where"
)]

#[path = "forge/conformance.rs"]
#[macro_use]
mod conformance;
#[allow(dead_code, reason = "only the suite of the whole bot cuts it")]
#[path = "support/cable.rs"]
mod cable;
#[allow(dead_code, reason = "shared with other suites, which use the rest")]
#[path = "support/fake_github.rs"]
mod fake_github;
#[path = "support/fake_gitlab.rs"]
mod fake_gitlab;
#[path = "support/forge_server.rs"]
mod forge_server;
#[path = "support/git_repos.rs"]
mod git_repos;
#[path = "forge/github.rs"]
mod github;
#[path = "forge/gitlab.rs"]
mod gitlab;
#[path = "forge/local.rs"]
mod local;
