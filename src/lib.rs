//! imagebot keeps families of container images up to date.

pub mod image;
pub mod scheme;
