//! A whole family of images in one process: repositories, a registry and CI, to try imagebot and to test against.
//!
//! The repositories are real bare git repositories, the registry speaks HTTP, and imagebot's part is exactly the pass
//! of `imagebot run`. Only CI is simulated: its tests succeed if the parents in the Dockerfile exist, and an image is
//! built from its parent's layers and one of its own.

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
