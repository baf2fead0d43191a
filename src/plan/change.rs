//! The changes of a merge request, as they are encoded in its text and commit.

use crate::image::{Digest, ImageName, Tag};
use crate::repo::RepoPath;
use crate::scheme::is_version;
use crate::source::{FromDigest, Update};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// The tag and digest of a reference; its text is `tag`, `tag@digest`, `@digest` or `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Version {
    /// The tag; `None` if none is written.
    pub tag: Option<Tag>,
    /// The digest; `None` if none is written.
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
    /// The edited file, relative to the repository's root.
    pub path: RepoPath,
    /// The image, by its canonical name.
    pub image: ImageName,
    /// The old version.
    pub from: Version,
    /// The new version.
    pub to: Version,
    /// The files that change for it, if not only the one that names the image: its version may be given elsewhere.
    pub changed: BTreeSet<RepoPath>,
}

impl Change {
    /// The files that change for it.
    pub fn files(&self) -> impl Iterator<Item = &RepoPath> {
        let own = self.changed.is_empty().then_some(&self.path);
        own.into_iter().chain(&self.changed)
    }

    /// The edit that makes this change in the file.
    pub fn update(&self) -> Update {
        Update {
            image: self.image.clone(),
            from_tag: self.from.tag.clone(),
            from_digest: FromDigest::Exactly(self.from.digest.clone()),
            to_tag: self.to.tag.clone(),
            to_digest: self.to.digest.clone(),
            drop_digest: self.from.digest.is_some() && self.to.digest.is_none(),
            only: None,
        }
    }
}

/// The versions that the open merge requests of a repository propose, by file and image.
pub type Proposed = BTreeSet<(RepoPath, ImageName, Version)>;

/// A bump of a version that follows from other changes in the same merge request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VersionChange {
    /// The path of the version file.
    pub path: RepoPath,
    /// The place in the file, as [`Place`](crate::source::Place) is displayed.
    pub place: String,
    /// The old version.
    pub from: String,
    /// The new version.
    pub to: String,
}

/// A text that is replaced in a file that does not name the image itself, or not on its own: `.env`, the arguments of a
/// build.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueChange {
    /// The path of the file.
    pub path: RepoPath,
    /// The old text.
    pub from: String,
    /// The new text.
    pub to: String,
    /// How many times it is replaced.
    pub times: usize,
}

/// All changes of one merge request.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct ChangeSet {
    /// The changes that were decided. Only these count when a declined or merged change is recognized.
    pub references: BTreeSet<Change>,
    /// References to images of the same repository that follow a bumped version.
    pub follows: BTreeSet<Change>,
    /// The version bumps that follow from all these.
    pub versions: BTreeSet<VersionChange>,
    /// The texts that these replace in files that do not name an image themselves.
    pub values: BTreeSet<ValueChange>,
}

/// Marks the line of a reference that follows. It cannot start a path, because [`encode`] encodes it.
const FOLLOWS: char = '+';
/// Marks the line of a version bump.
const VERSION: char = '=';
/// Precedes the files that change, if they are others.
const IN: &str = "in";
/// Marks the line of a replaced text.
const VALUE: char = '~';
/// The most times that one text is replaced in one file.
const MOST_TIMES: usize = 10_000;

impl ChangeSet {
    /// A set of decided changes without follow-ups.
    pub fn of(references: impl IntoIterator<Item = Change>) -> Self {
        Self {
            references: references.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of changes, follow-ups and version bumps included.
    pub fn len(&self) -> usize {
        self.references.len() + self.follows.len() + self.versions.len()
    }

    /// Whether every decided change is also in one of `other`, whatever version it started from. Follow-up changes are
    /// ignored, because they depend on the state of the target branch.
    pub fn is_within(&self, other: &[&Self]) -> bool {
        let same = |a: &Change, b: &Change| a.path == b.path && a.image == b.image && a.to == b.to;
        self.references.iter().all(|change| {
            other
                .iter()
                .any(|set| set.references.iter().any(|known| same(change, known)))
        })
    }

    /// All references that change, decided or following.
    pub fn all_references(&self) -> impl Iterator<Item = &Change> {
        self.references.iter().chain(&self.follows)
    }

    /// The files that change.
    pub fn paths(&self) -> BTreeSet<&RepoPath> {
        let versions = self.versions.iter().map(|change| &change.path);
        let values = self.values.iter().map(|change| &change.path);
        let references = self.all_references().flat_map(Change::files);
        references.chain(versions).chain(values).collect()
    }

    /// The changes of references in one file.
    pub fn of_path<'a>(&'a self, path: &'a RepoPath) -> impl Iterator<Item = &'a Change> {
        self.all_references()
            .filter(move |change| change.path == *path)
    }

    /// The version bumps in one file.
    pub fn versions_of<'a>(
        &'a self,
        path: &'a RepoPath,
    ) -> impl Iterator<Item = &'a VersionChange> {
        let versions = self.versions.iter();
        versions.filter(move |change| change.path == *path)
    }

    /// The texts that are replaced in one file, each as often as it is replaced.
    pub fn values_of<'a>(&'a self, path: &'a RepoPath) -> impl Iterator<Item = &'a ValueChange> {
        let values = self
            .values
            .iter()
            .filter(move |change| change.path == *path);
        values.flat_map(|change| std::iter::repeat_n(change, change.times))
    }

    /// One line per change: `path image from to`, followed by `in` and the changed files if they are others. All but a few characters of the path are percent-encoded, so that a
    /// path cannot trigger anything on a forge (T33). The line of a following reference starts with `+`; that of a
    /// version bump is `=path place from to`, and that of a replaced text `~path from to times`.
    pub fn lines(&self) -> Vec<String> {
        let reference = |c: &Change| {
            let changed = c.changed.iter();
            let changed = changed.map(|path| format!(" {}", encode(path.as_str())));
            let changed: String = match c.changed.is_empty() {
                true => String::new(),
                false => std::iter::once(format!(" {IN}")).chain(changed).collect(),
            };
            format!(
                "{} {} {} {}{changed}",
                encode(c.path.as_str()),
                c.image.canonical(),
                c.from,
                c.to
            )
        };
        let value = |c: &ValueChange| {
            let path = encode(c.path.as_str());
            let (from, to) = (encode_value(&c.from), encode_value(&c.to));
            format!("{VALUE}{path} {from} {to} {}", c.times)
        };
        let version = |c: &VersionChange| {
            let (path, place) = (encode(c.path.as_str()), encode(&c.place));
            format!(
                "{VERSION}{path} {place} {} {}",
                encode(&c.from),
                encode(&c.to)
            )
        };
        let references = self.references.iter().map(reference);
        let follows = self.follows.iter().map(reference);
        references
            .chain(follows.map(|line| format!("{FOLLOWS}{line}")))
            .chain(self.versions.iter().map(version))
            .chain(self.values.iter().map(value))
            .collect()
    }

    /// Parses the lines; `None` if one is invalid.
    pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut set = Self::default();
        for line in lines {
            if let Some(line) = line.strip_prefix(FOLLOWS) {
                set.follows.insert(parse_line(line)?);
            } else if let Some(line) = line.strip_prefix(VERSION) {
                set.versions.insert(parse_version(line)?);
            } else if let Some(line) = line.strip_prefix(VALUE) {
                set.values.insert(parse_value(line)?);
            } else {
                set.references.insert(parse_line(line)?);
            }
        }
        Some(set)
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
    let path = |word: &str| RepoPath::parse(&decode(word)?).ok();
    Some(Change {
        path: path(words.next()?)?,
        image: ImageName::parse(words.next()?).ok()?,
        from: Version::parse(words.next()?)?,
        to: Version::parse(words.next()?)?,
        changed: match words.next() {
            None => BTreeSet::new(),
            Some(IN) => words.map(path).collect::<Option<_>>()?,
            Some(_) => return None,
        },
    })
}

fn parse_value(line: &str) -> Option<ValueChange> {
    let mut words = line.split(' ');
    let change = ValueChange {
        path: RepoPath::parse(&decode(words.next()?)?).ok()?,
        from: decode_value(words.next()?)?,
        to: decode_value(words.next()?)?,
        times: words.next()?.parse().ok()?,
    };
    let is_bounded = (1..=MOST_TIMES).contains(&change.times);
    (words.next().is_none() && is_bounded).then_some(change)
}

/// A text in which nothing but an empty one is `-`.
fn encode_value(text: &str) -> String {
    match text {
        "" => "-".to_owned(),
        "-" => "%2D".to_owned(),
        text => encode(text),
    }
}

fn decode_value(word: &str) -> Option<String> {
    match word {
        "-" => Some(String::new()),
        word => decode(word),
    }
}

fn parse_version(line: &str) -> Option<VersionChange> {
    let mut words = line.split(' ');
    let change = VersionChange {
        path: RepoPath::parse(&decode(words.next()?)?).ok()?,
        place: decode(words.next()?)?,
        from: decode(words.next()?).filter(|text| is_version(text))?,
        to: decode(words.next()?).filter(|text| is_version(text))?,
    };
    words.next().is_none().then_some(change)
}

pub(super) fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            byte if is_plain(byte) => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-/".contains(&byte)
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(behind.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &behind[2..];
        } else if !is_plain(*first) {
            return None;
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
            "+b/Dockerfile reg.io/base 1.0.0 1.0.1".to_owned(),
            "=%3Da/VERSION text 1.0.0 v1.0.1-rc.1".to_owned(),
            "=Makefile regex%3A%5EV%20%3D%20%28.%2B%29%24 1 1.0.1%2B7".to_owned(),
            "Dockerfile docker.io/library/node 20 22 in .env compose.yaml".to_owned(),
            "~compose.yaml 20 22 2".to_owned(),
            "~.env - %40sha256%3Ax 1".to_owned(),
        ] {
            let set = ChangeSet::parse([line.as_str()]);
            assert_eq!(set.map(|set| set.lines()), Some(vec![line]));
        }
        for bad in [
            "",
            "Dockerfile",
            "../x node 1 2",
            "a node 1 2 ../b",
            "~a 1 2",
            "~a 1 2 0",
            "~a 1 2 10001",
            "~../a 1 2 1",
            "a%2 node 1 2",
            "a node 1 2@x",
            "a%0Ab node 1 2",
            "++a node 1 2",
            "=a text 1",
            "=a text 1 2 3",
            "=../a text 1 2",
            "=a text latest 2",
            "=a text 1 %0A",
        ] {
            assert_eq!(ChangeSet::parse([bad]), None, "{bad:?}");
        }
    }

    #[test]
    fn memory_goes_by_what_was_decided() {
        let set = |lines: &[&str]| ChangeSet::parse(lines.iter().copied()).unwrap_or_default();
        let closed = set(&[
            "D node 1 2",
            "+E reg.io/base 1.0.0 1.0.1",
            "=V text 1.0.0 1.0.1",
        ]);
        let again = set(&[
            "D node 0 2",
            "+E reg.io/base 1.0.1 1.0.2",
            "=V text 1.0.1 1.0.2",
        ]);
        assert!(again.is_within(&[&closed]));
        assert_ne!(again, closed);
        assert!(!set(&["D node 1 3"]).is_within(&[&closed]));
        assert!(!set(&["E reg.io/base 1.0.0 1.0.1"]).is_within(&[&closed]));
        let paths = closed.paths();
        let paths: Vec<&str> = paths.into_iter().map(RepoPath::as_str).collect();
        assert_eq!(paths, ["D", "E", "V"]);
    }
}
