//! The family in a pass: who stands on whom, what goes on there, and who waits for it.

mod activity;
mod hold;
mod members;

pub(super) use activity::{head_since, requests_now};
pub(super) use hold::hold_all;
pub use members::{Kinship, kinship, odd};
pub(super) use members::{member, published_before, sources};
