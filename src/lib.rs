//! imagebot keeps families of container images up to date.

pub mod forge;
pub mod git;
pub mod image;
pub mod repo;
pub mod source;
