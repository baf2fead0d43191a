//! The commit message, its trailers and its seal.

use super::change::{ChangeSet, encode};
use super::hash;
use super::key::UpdateKey;

const KEY: &str = "Imagebot-Key: ";
const CHANGE: &str = "Imagebot-Change: ";
const SEAL: &str = "Imagebot-Seal: sha256:";

/// A commit message of imagebot. It consists of validated values only, so that untrusted text cannot skip a pipeline,
/// close an issue or add a trailer (T33).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitMessage(pub String);

impl CommitMessage {
    /// Writes the message of a set of changes.
    pub fn write(title: &str, key: &UpdateKey, changes: &ChangeSet) -> Self {
        let mut text = format!("{title}\n\n");
        for change in changes.all_references() {
            text.push_str(&format!(
                "- {} {} -> {}\n",
                change.image, change.from, change.to
            ));
        }
        for change in &changes.versions {
            let path = encode(change.path.as_str());
            text.push_str(&format!("- {path} {} -> {}\n", change.from, change.to));
        }
        text.push_str(&format!("\n{KEY}{}\n", key.hash()));
        for line in changes.lines() {
            text.push_str(&format!("{CHANGE}{line}\n"));
        }
        let seal = seal_of(&text);
        Self(format!("{text}{SEAL}{seal}\n"))
    }
}

/// The changes in a message of imagebot; `None` if its seal is missing or invalid.
pub fn sealed_changes(message: &str) -> Option<ChangeSet> {
    let (text, seal) = message.rsplit_once(SEAL)?;
    if seal.trim_end() != seal_of(text) {
        return None;
    }
    ChangeSet::parse(text.lines().filter_map(|line| line.strip_prefix(CHANGE)))
        .filter(|set| !set.references.is_empty())
}

/// The SHA-256 of everything before the seal, in hexadecimal. Line endings and trailing whitespace are ignored, because
/// servers normalize them.
fn seal_of(text: &str) -> String {
    let clean: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
    hash::of_bytes(clean.join("\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::decision::Class;
    use super::*;
    use crate::repo::Branch;

    fn message() -> Option<(String, ChangeSet)> {
        let changes = ChangeSet::parse(["Dockerfile docker.io/library/node 20 22"])?;
        let key = UpdateKey {
            repo: "local:app".to_owned(),
            target: Branch::parse("main").ok()?,
            group: "docker.io/library/node".to_owned(),
            class: Class::Update,
        };
        Some((
            CommitMessage::write("Update node to 22", &key, &changes).0,
            changes,
        ))
    }

    #[test]
    fn the_seal_holds_and_breaks() {
        let (text, changes) = message().unwrap_or_default();
        assert_eq!(sealed_changes(&text), Some(changes.clone()));
        assert_eq!(sealed_changes(text.trim_end()), Some(changes.clone()));
        assert_eq!(sealed_changes(&text.replace('\n', "\r\n")), Some(changes));
        assert_eq!(sealed_changes(&text.replace("20 22", "20 23")), None);
        assert_eq!(sealed_changes("Update node to 22\n"), None);
    }
}
