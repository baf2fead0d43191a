//! The update key: what makes two merge requests the same one.

use super::decision::Class;
use super::hash;
use crate::repo::Branch;

/// (repository id, target branch, group, class). No version is in it: a newer version moves the same branch.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UpdateKey {
    /// The repository's id.
    pub repo: String,
    /// The branch that is to be changed.
    pub target: Branch,
    /// The group: the rule's, or the image's canonical name.
    pub group: String,
    /// The class.
    pub class: Class,
}

impl UpdateKey {
    /// The key's SHA-256, in hexadecimal digits.
    pub fn hash(&self) -> String {
        hash::of_texts(&[
            &self.repo,
            self.target.as_str(),
            &self.group,
            self.class.code(),
        ])
    }

    /// The branch: a readable part and the first eight digits of the key.
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
