//! YAML documents as trees in which every text knows its position in the file.
//!
//! All YAML is read by this one reader. It knows what an alias and a merge key mean; what a repeated key or a tag means
//! is decided by its callers.
//!
//! An alias is resolved by index and never copied, so that a tree is never larger than its text. Reading through
//! aliases is limited instead (`MAX_ALIASED`, `MAX_DEPTH` in `tree.rs`): whatever the file, a walk ends, and a recursive one
//! does not overflow the stack. `Yaml::trouble` says when a limit was reached.

mod build;
mod node;
mod nodes;
mod notes;
mod scalar;
mod schema;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use node::Node;
pub use nodes::yaml_nodes;
pub(crate) use scalar::Scalar;
pub(crate) use tree::Yaml;
