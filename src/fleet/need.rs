//! What has to be known before something can be decided.

use crate::plan::Question;
use crate::repo::{Branch, RepoName};
use std::collections::BTreeSet;

/// Something that the plan cannot do without. Whoever runs it asks a forge, a registry or a store, tells the
/// [`Fleet`](super::Fleet) what came of it, and calls [`plan`](super::plan()) again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Which repositories are registered.
    Listing,
    /// One that is not listed yet: it, or what depends on it, is looked at.
    Repository(RepoName),
    /// What is in a repository that is listed, by its index.
    Tree(usize),
    /// Where the references of a repository are looked up.
    Lookups(usize),
    /// What a registry says.
    Registry(Question),
    /// What CI says of a repository's default branch and of its open merge requests.
    Pipelines(usize),
    /// A repository's branches and merge requests as they are now: something is about to be written there.
    Fresh(usize, BTreeSet<Branch>),
}
