//! Who builds what, and who stands on what: the family of all images, across repositories. Pure values.
//!
//! 1. Every repository says what it is known for and what it names ([`Member`]). [`Graph::new`] decides who publishes
//!    each image, the strongest claim first, and draws an edge from every parent to every child.
//! 2. Generations, cycles, ancestors and descendants are read off the graph.
//! 3. [`hold`] answers whether a child may be proposed now, or whose end it has to wait for.
//! 4. [`freshness`] answers whether a published image is built on its parent's current content.
//!
//! What a registry or forge says comes in as values; what is done about it is decided above.

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

pub use claim::Strength;
pub use contexts::{NO_REGISTRY, REGISTRY_ARG, contexts, is_info, shown};
pub use finding::{Finding, What, round};
pub use gipgee::{GIPGEE_BASE_ARG, gipgee, gipgee_files, is_gipgee, knows_gipgee};
pub use graph::{Edge, Graph, Node};
pub use graph_algorithms::Adjacency;
pub use member::{Depends, Member, On, Stand, repo_of};
pub use publishes::{ParsePublishesError, Publishes};
pub use spec::ImageSpec;
