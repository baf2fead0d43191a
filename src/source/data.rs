//! The values of a data file as one tree, whatever its format: maps, lists and texts with the place of every byte.

pub(super) mod env;
pub(super) mod hcl;
pub(super) mod json;
pub(super) mod toml;
mod tree;
pub(super) mod yaml;

pub(crate) use tree::{Data, Key, Kind, Piece, expression};
