//! imagebot keeps families of container images up to date.

pub mod http;
pub mod image;
pub mod registry;
