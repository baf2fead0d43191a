//! What a merge request changes: the set that its memory is about.

use crate::image::{Digest, ImageName, Tag};
use crate::repo::RepoPath;
use crate::source::{FromDigest, Update};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// Tag and digest of a reference; its text is `tag`, `tag@digest`, `@digest` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Version {
    /// The tag.
    pub tag: Option<Tag>,
    /// The digest.
    pub digest: Option<Digest>,
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        if text == "-" {
            return Some(Self::default());
        }
        let (tag, digest) = match text.split_once('@') {
            Some((tag, digest)) => (tag, Some(Digest::parse(digest).ok()?)),
            None => (text, None),
        };
        let tag = if tag.is_empty() {
            None
        } else {
            Some(Tag::parse(tag).ok()?)
        };
        Some(Self { tag, digest })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.tag, &self.digest) {
            (None, None) => f.write_str("-"),
            (Some(tag), None) => write!(f, "{tag}"),
            (None, Some(digest)) => write!(f, "@{digest}"),
            (Some(tag), Some(digest)) => write!(f, "{tag}@{digest}"),
        }
    }
}

/// One change: all references to an image at one version in one file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Change {
    /// The file.
    pub path: RepoPath,
    /// The image, its canonical name.
    pub image: ImageName,
    /// What it was.
    pub from: Version,
    /// What it will be.
    pub to: Version,
}

impl Change {
    /// The edit of the file.
    pub fn update(&self) -> Update {
        Update {
            image: self.image.clone(),
            from_tag: self.from.tag.clone(),
            from_digest: FromDigest::Exactly(self.from.digest.clone()),
            to_tag: self.to.tag.clone(),
            to_digest: self.to.digest.clone(),
            lines: None,
        }
    }
}

/// What open merge requests of a repository propose.
pub type Proposed = BTreeSet<(RepoPath, ImageName, Version)>;

/// All changes of one merge request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct ChangeSet(pub BTreeSet<Change>);

impl ChangeSet {
    /// Whether every change of `self` is also in `other`, whatever it started from: what memory goes by.
    pub fn is_within(&self, other: &[&Self]) -> bool {
        let same = |a: &Change, b: &Change| a.path == b.path && a.image == b.image && a.to == b.to;
        self.0.iter().all(|change| {
            other
                .iter()
                .any(|set| set.0.iter().any(|known| same(change, known)))
        })
    }

    /// The files that are changed.
    pub fn paths(&self) -> BTreeSet<&RepoPath> {
        self.0.iter().map(|change| &change.path).collect()
    }

    /// The changes of one file.
    pub fn of_path<'a>(&'a self, path: &'a RepoPath) -> impl Iterator<Item = &'a Change> {
        self.0.iter().filter(move |change| change.path == *path)
    }

    /// One line per change: `path image from to`, everything but a few characters of the path percent-encoded, so
    /// that no path can say anything to a forge (T33).
    pub fn lines(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|c| {
                format!(
                    "{} {} {} {}",
                    encode(c.path.as_str()),
                    c.image.canonical(),
                    c.from,
                    c.to
                )
            })
            .collect()
    }

    /// Reads the lines back; `None` if one is not understood.
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        lines
            .into_iter()
            .map(parse_line)
            .collect::<Option<BTreeSet<_>>>()
            .map(Self)
    }
}

impl From<ChangeSet> for Vec<String> {
    fn from(set: ChangeSet) -> Self {
        set.lines()
    }
}

impl TryFrom<Vec<String>> for ChangeSet {
    type Error = &'static str;
    fn try_from(lines: Vec<String>) -> Result<Self, Self::Error> {
        Self::parse(lines.iter().map(String::as_str)).ok_or("not a list of changes")
    }
}

fn parse_line(line: &str) -> Option<Change> {
    let mut words = line.split(' ');
    let change = Change {
        path: RepoPath::parse(&decode(words.next()?)?).ok()?,
        image: ImageName::parse(words.next()?).ok()?,
        from: Version::parse(words.next()?)?,
        to: Version::parse(words.next()?)?,
    };
    words.next().is_none().then_some(change)
}

fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'/' => {
                out.push(char::from(byte))
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(behind.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &behind[2..];
        } else {
            bytes.push(*first);
            rest = behind;
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_read_back_and_carry_no_marker() {
        let digest = Digest::sha256(b"x");
        for line in [
            "Dockerfile docker.io/library/node 20 22".to_owned(),
            format!("a/b%20c/Dockerfile reg.io:5000/x 1@{digest} 2@{digest}"),
            format!("%5Bskip%20ci%5D/Dockerfile [fd00::1]:5000/x @{digest} -"),
        ] {
            let set = ChangeSet::parse([line.as_str()]);
            assert_eq!(set.map(|set| set.lines()), Some(vec![line]));
        }
        for bad in [
            "",
            "Dockerfile",
            "../x node 1 2",
            "a node 1 2 3",
            "a%2 node 1 2",
            "a node 1 2@x",
            "a%0Ab node 1 2",
        ] {
            assert_eq!(ChangeSet::parse([bad]), None, "{bad:?}");
        }
    }
}
