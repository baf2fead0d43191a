//! The target of proposals, and the wording used there.

use super::template::Templates;
use crate::repo::Branch;

/// The target of proposals.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The repository's id on its forge.
    pub repo_id: &'a str,
    /// The repository's path.
    pub repo: &'a str,
    /// The target branch.
    pub branch: &'a Branch,
    /// The forge's term for a merge request.
    pub noun: &'a str,
    /// The operator's templates.
    pub templates: &'a Templates,
    /// The prefix of the first line of a commit message.
    pub commit_prefix: &'a str,
    /// The label that keeps a branch rebased.
    pub rebase_label: &'a str,
    /// The label that stops imagebot from changing a merge request.
    pub stop_label: &'a str,
    /// Whether all changes form one proposal: for a folder, which has no branches.
    pub together: bool,
}
