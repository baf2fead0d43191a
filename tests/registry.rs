//! The registry client against registries: one that holds state and can lie, and Debian's `docker-registry`.
//!
//! Test names begin with the rows of the threat and fault tables that they stand for.

#[path = "support/bench.rs"]
mod bench;
#[allow(dead_code, reason = "shared with other suites, which use the rest")]
#[path = "support/docker_registry.rs"]
mod docker_registry;
#[allow(dead_code, reason = "shared with other suites, which use the rest")]
#[path = "support/fake_registry.rs"]
mod fake_registry;
#[path = "support/installed.rs"]
mod installed;

#[path = "registry/auth.rs"]
mod auth;
#[path = "registry/faults.rs"]
mod faults;
#[path = "registry/foreign.rs"]
mod foreign;
#[path = "registry/hosts.rs"]
mod hosts;
#[path = "registry/logins.rs"]
mod logins;
#[path = "registry/manifests.rs"]
mod manifests;
#[path = "registry/paging.rs"]
mod paging;
#[path = "registry/provenance.rs"]
mod provenance;
#[path = "registry/real.rs"]
mod real;
