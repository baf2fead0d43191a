//! The facts that a plan still needs.

use crate::plan::Question;
use crate::repo::{Branch, RepoName};
use std::collections::BTreeSet;

/// A fact that the plan requires. The caller queries a forge, a registry or the store, adds the result to the
/// [`Fleet`](super::Fleet), and calls [`plan`](super::plan()) again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The list of registered repositories.
    Listing,
    /// A repository that is not listed yet, because it or one of its descendants is in scope.
    Repository(RepoName),
    /// The files of a listed repository, by its index.
    Tree(usize),
    /// The image and login to look up each reference of a repository.
    Lookups(usize),
    /// An answer of a registry.
    Registry(Question),
    /// The CI status of a repository's default branch and open merge requests.
    Pipelines(usize),
    /// A repository's current branches and merge requests, because something is about to be written there.
    Fresh(usize, BTreeSet<Branch>),
}
