//! The core at its own boundary: values in, values out. One file per subject under `tests/core/`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that panics has failed, and says why"
)]

#[path = "core/dockerfiles.rs"]
mod dockerfiles;
#[path = "core/family.rs"]
mod family;
#[path = "core/fleet.rs"]
mod fleet;
#[path = "core/freshness.rs"]
mod freshness;
#[path = "core/gipgee.rs"]
mod gipgee;
#[path = "core/mutated_sources.rs"]
mod mutated_sources;
#[path = "core/names.rs"]
mod names;
#[path = "core/plan.rs"]
mod plan;
#[path = "core/scheme_properties.rs"]
mod scheme_properties;
#[path = "core/select.rs"]
mod select;
#[path = "core/simulation.rs"]
mod simulation;
#[path = "core/source.rs"]
mod source;
#[path = "core/source_properties.rs"]
mod source_properties;
#[path = "core/sources.rs"]
mod sources;
#[path = "core/versions.rs"]
mod versions;
