//! A whole assembly line in one process: repositories, a registry and CI, to look at and to test against.
//!
//! The repositories are real bare git repositories, the registry speaks HTTP, and imagebot's own part is exactly the
//! pass that `imagebot run` makes. Only CI is simulated: it takes a Dockerfile whose parent is there for a good one,
//! and builds an image from the parent's layers and one of its own.

mod ci;
mod fleet;
mod layout;
mod publish;
mod registry;
mod story;

pub use ci::{BuiltImage, DemoCi};
pub use fleet::{AssemblyLine, Bench, Turn};
pub use layout::{DemoRepository, Made, below, chain, diamond, monorepo};
pub use publish::{PublishError, Publisher};
pub use registry::DemoRegistry;
pub use story::{Story, tell};
