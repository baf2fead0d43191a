//! The executable as people use it: scrubbed environment, snapshots of what it prints, exit codes.
//!
//! These files are also the catalogue of its messages.
#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says why"
)]

#[path = "support/canary.rs"]
mod canary;
#[allow(dead_code, reason = "shared with other suites, which use the rest")]
#[path = "support/docker_registry.rs"]
mod docker_registry;
#[allow(dead_code, reason = "shared with other suites, which use the rest")]
#[path = "support/fake_registry.rs"]
mod fake_registry;
#[path = "support/installed.rs"]
mod installed;

#[path = "commands/bot.rs"]
mod bot;
#[allow(dead_code, reason = "only the suite of the whole bot cuts it")]
#[path = "support/cable.rs"]
mod cable;
#[path = "commands/config.rs"]
mod config;
#[path = "commands/echo.rs"]
mod echo;
#[path = "support/fake_gitlab.rs"]
mod fake_gitlab;
#[path = "support/forge_server.rs"]
mod forge_server;
#[path = "commands/freshness.rs"]
mod freshness;
#[path = "commands/gipgee.rs"]
mod gipgee;
#[path = "commands/help.rs"]
mod help;
#[path = "commands/hostile.rs"]
mod hostile;
#[path = "commands/offline.rs"]
mod offline;
#[path = "commands/packaging.rs"]
mod packaging;
#[path = "commands/place.rs"]
mod place;
#[path = "commands/registries.rs"]
mod registries;
#[path = "commands/servers.rs"]
mod servers;
#[path = "commands/terminal.rs"]
mod terminal;
#[path = "commands/tutorial.rs"]
mod tutorial;
#[path = "commands/versions.rs"]
mod versions;
