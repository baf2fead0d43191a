//! The family of all images across repositories: which repository builds each image, and which images it is built on.
//!
//! 1. Each repository becomes a [`Member`] with its identity, its declared images and its references. [`Graph::new`]
//!    decides which repository publishes each image (the strongest claim wins) and adds an edge from every parent to
//!    every child.
//! 2. Generations, cycles, ancestors and descendants are derived from the graph.
//! 3. [`hold`] decides whether a child may be proposed now, or which change it has to wait for.
//! 4. [`freshness`] decides whether a published image is built on its parent's current content.
//!
//! Data from registries and forges is passed in as values; the callers decide what to do about the results.

mod built;
mod claim;
mod contexts;
mod finding;
pub mod freshness;
mod gipgee;
mod graph;
mod graph_algorithms;
pub mod hold;
mod member;
mod publishes;
mod spec;

pub use built::built;
pub use claim::Strength;
pub use contexts::{NO_REGISTRY, REGISTRY_ARG, contexts, is_info, shown};
pub use finding::{Finding, What, round};
pub use gipgee::{GIPGEE_BASE_ARG, gipgee, gipgee_files, is_gipgee, knows_gipgee};
pub use graph::{Edge, Graph, Node};
pub use graph_algorithms::Adjacency;
pub use member::{Depends, Member, On, Stand, repo_of};
pub use publishes::{ParsePublishesError, Publishes};
pub use spec::ImageSpec;
