//! The update key: what makes two merge requests the same one.

use super::decision::Class;
use crate::repo::Branch;
use sha2::Digest as _;

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
        let mut hasher = sha2::Sha256::new();
        for part in [
            self.repo.as_str(),
            self.target.as_str(),
            &self.group,
            self.class.code(),
        ] {
            // Lengths in front, so that no two keys run together.
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        hasher
            .finalize()
            .iter()
            .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
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
