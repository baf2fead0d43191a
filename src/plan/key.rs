//! The update key: the identity of a merge request across passes.

use super::decision::Class;
use super::hash;
use crate::repo::Branch;

/// (repository id, target branch, group, class). It contains no version, so a newer version updates the same branch.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UpdateKey {
    /// The repository's id on its forge.
    pub repo: String,
    /// The target branch.
    pub target: Branch,
    /// The group: the rule's, or the image's canonical name.
    pub group: String,
    /// The kind of update.
    pub class: Class,
}

impl UpdateKey {
    /// The key's SHA-256, in hexadecimal.
    pub fn hash(&self) -> String {
        hash::of_texts(&[
            &self.repo,
            self.target.as_str(),
            &self.group,
            self.class.code(),
        ])
    }

    /// The branch name: a readable part and the first eight digits of the hash.
    pub fn branch(&self) -> Branch {
        let group = self
            .group
            .strip_prefix("docker.io/library/")
            .unwrap_or(&self.group);
        let readable = match self.class {
            Class::Update => group.to_owned(),
            Class::Pin => "pin-digests".to_owned(),
            Class::Major => format!("{group}-major"),
        };
        Branch::ours(&readable, &self.hash())
    }
}
