//! The whole bot against real registries and real bare repositories.
//!
//! Test names begin with the rows of the threat and fault tables, or the invariants, that they stand for. Behind every
//! test, everything that was written is searched for credentials (T8).
#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says why"
)]

#[path = "support/buildah.rs"]
mod buildah;
#[path = "support/cable.rs"]
mod cable;
#[path = "support/canary.rs"]
mod canary;
#[allow(dead_code, reason = "shared with other suites, which use the rest")]
#[path = "support/docker_registry.rs"]
mod docker_registry;
#[allow(dead_code, reason = "shared with other suites, which use the rest")]
#[path = "support/fake_github.rs"]
mod fake_github;
#[path = "support/fake_gitlab.rs"]
mod fake_gitlab;
#[allow(dead_code, reason = "shared with other suites, which use the rest")]
#[path = "support/fake_registry.rs"]
mod fake_registry;
#[path = "support/forge_server.rs"]
mod forge_server;
#[path = "support/git_repos.rs"]
mod git_repos;
#[path = "support/images.rs"]
mod images;
#[path = "support/installed.rs"]
mod installed;

#[macro_use]
#[path = "e2e/forge.rs"]
mod forge;
#[path = "e2e/bare.rs"]
mod bare;
#[path = "e2e/cascade.rs"]
mod cascade;
#[path = "e2e/crash.rs"]
mod crash;
#[path = "e2e/cut.rs"]
mod cut;
#[path = "e2e/family.rs"]
mod family;
#[path = "e2e/faults.rs"]
mod faults;
#[path = "e2e/fleet.rs"]
mod fleet;
#[path = "e2e/forges.rs"]
mod forges;
#[path = "e2e/freshness.rs"]
mod freshness;
#[path = "e2e/gipgee.rs"]
mod gipgee;
#[path = "e2e/hostile.rs"]
mod hostile;
#[path = "e2e/isolation.rs"]
mod isolation;
#[path = "e2e/life.rs"]
mod life;
#[path = "e2e/people.rs"]
mod people;
#[path = "e2e/quiet.rs"]
mod quiet;
#[path = "e2e/reports.rs"]
mod reports;
#[path = "e2e/robust.rs"]
mod robust;
#[path = "e2e/servers.rs"]
mod servers;
#[path = "e2e/simulation.rs"]
mod simulation;
#[path = "e2e/sources.rs"]
mod sources;
#[path = "e2e/tokens.rs"]
mod tokens;
#[path = "e2e/updates.rs"]
mod updates;
#[path = "e2e/versions.rs"]
mod versions;
#[path = "e2e/world.rs"]
mod world;
