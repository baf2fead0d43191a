//! The family in a pass: who stands on whom, what goes on there, and who waits for it.

mod activity;
mod hold;
mod members;

pub(super) use activity::{head_since, requests_now};
pub(super) use hold::hold_all;
pub(super) use members::{family, findings, published_before, remember_family, sources};
