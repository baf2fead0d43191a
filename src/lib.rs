//! imagebot keeps families of container images up to date.

pub mod cli;
pub mod config;
pub mod demo;
pub mod forge;
pub mod git;
pub mod http;
pub mod image;
pub mod plan;
pub mod policy;
pub mod registry;
pub mod repo;
pub mod run;
pub mod scheme;
pub mod source;
pub mod store;
