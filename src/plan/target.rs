//! Where proposals are for, and the words that they are made in there.

use super::template::Templates;
use crate::repo::Branch;

/// What proposals are for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The repository's id.
    pub repo_id: &'a str,
    /// Its path.
    pub repo: &'a str,
    /// The branch that is to be changed.
    pub branch: &'a Branch,
    /// What people there call a merge request.
    pub noun: &'a str,
    /// The operator's own words.
    pub templates: &'a Templates,
    /// What stands before the first line of a commit's message.
    pub commit_prefix: &'a str,
    /// Whether all changes are one: for a folder, which has no branches.
    pub together: bool,
}
