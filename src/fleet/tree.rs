//! The files of a repository or folder that were read.

use crate::repo::{Glob, RepoPath};
use crate::source::{Format, SourceFile, Sources, has_image_line, read_sources};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The name of a repository's settings file.
pub const REPO_CONFIG: &str = "imagebot.toml";

/// The name of a file that lists the projects that a repository depends on, as used by gitlab-deps.
pub const GITLAB_DEPS: &str = ".gitlab-deps";

/// Why a file of too many bytes was not read.
pub const TOO_LARGE: &str = "too-large";

/// The most Dockerfiles of other names that are read because builds name them.
const MOST_NAMED: usize = 100;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeFile {
    /// Whether it is executable, which an edit preserves.
    pub executable: bool,
    /// Its contents.
    #[serde(with = "encoded")]
    pub contents: Vec<u8>,
}

/// The files of a repository at a commit, or of a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// The files, by path.
    pub files: BTreeMap<RepoPath, TreeFile>,
    /// Files that were not read, by displayed name, with the reason.
    pub skipped: Vec<(String, String)>,
    /// How many files were left out in each folder of copies of other projects.
    #[serde(default)]
    pub vendored: BTreeMap<String, usize>,
    /// The committer date, in Unix seconds; `None` for a folder.
    pub committed: Option<i64>,
}

impl Tree {
    /// The text of its `imagebot.toml`; `None` if it has none or it is not UTF-8.
    pub fn settings_text(&self) -> Option<&str> {
        std::str::from_utf8(self.settings()?).ok()
    }

    /// The contents of its `imagebot.toml`.
    pub fn settings(&self) -> Option<&[u8]> {
        let mut files = self.files.iter();
        let (_, file) = files.find(|(path, _)| path.as_str() == REPO_CONFIG)?;
        Some(&file.contents)
    }

    /// Leaves out what only the name made a candidate: JSON that turns out to be something else and does not look as if
    /// it named an image, and notes about files
    /// that were not read and could be anything. `named` files and those that `included` matches stay. YAML files stay,
    /// because others may include them, and so do notes about those that are too large, because long lists of manifests
    /// are; lock files are not.
    pub fn forget_other_files(&mut self, named: &BTreeSet<RepoPath>, included: &[Glob]) {
        let is_kept = |path: &RepoPath| {
            !Format::is_by_content(path.as_str())
                || named.contains(path)
                || included.iter().any(|glob| glob.matches(path.as_str()))
        };
        let is_json = |path: &str| path.to_ascii_lowercase().ends_with(".json");
        self.files.retain(|path, file| {
            let name = path.as_str();
            let holds = || {
                Format::read_as(name, &file.contents).is_some() || has_image_line(&file.contents)
            };
            is_kept(path) || !is_json(name) || holds()
        });
        self.skipped.retain(|(name, why)| {
            let is_list = why == TOO_LARGE && !is_json(name) && !name.contains("lock");
            is_list || RepoPath::parse(name).map_or(true, |path| is_kept(&path))
        });
    }

    /// The Dockerfiles that compose, bake and dev container files name, and that were not read: their names are not
    /// those of Dockerfiles.
    pub fn unread_dockerfiles(&self) -> BTreeSet<RepoPath> {
        let describes =
            |path: &RepoPath| Format::of(path.as_str()).is_some_and(Format::describes_builds);
        if !self.files.keys().any(describes) {
            return BTreeSet::new();
        }
        // Only the builds are of interest, and what they can depend on.
        let takes_part = |path: &RepoPath| {
            let format = Format::of(path.as_str());
            describes(path)
                || format == Some(Format::DotEnv)
                || Format::is_by_content(path.as_str())
        };
        let files = self.files.iter().filter(|(path, _)| takes_part(path));
        let sources = Sources::new(files.map(|(path, file)| {
            SourceFile {
                path: path.clone(),
                format: Format::read_as(path.as_str(), &file.contents)
                    .filter(|format| format.describes_builds()),
                contents: file.contents.clone(),
            }
        }));
        let read = read_sources(&sources, &BTreeMap::new());
        let named = read.builds.into_iter().filter_map(|build| build.dockerfile);
        let named = named.filter(|path| !self.files.contains_key(path));
        named
            .filter(|path| Format::may_include(path.as_str()))
            .take(MOST_NAMED)
            .collect()
    }

    /// Why its `imagebot.toml` was not read; `None` if it was or does not exist.
    pub fn settings_skipped(&self) -> Option<&str> {
        let mut skipped = self.skipped.iter();
        let (_, why) = skipped.find(|(path, _)| path == REPO_CONFIG)?;
        Some(why)
    }
}

/// Bytes as base64: a JSON array of numbers would be several times as long.
mod encoded {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        STANDARD
            .decode(String::deserialize(from)?)
            .map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_could_be_anything_are_forgotten() {
        let path = |name: &str| RepoPath::parse(name).expect("a path");
        let file = |text: &str| TreeFile {
            executable: false,
            contents: text.as_bytes().to_vec(),
        };
        let files = [
            ("a.json", "{}"),
            ("b.json", "{\"apiVersion\": \"v1\", \"kind\": \"Pod\"}"),
            ("c.yaml", "a: 1"),
            ("d.json", "{\"image\": \"nginx:1.25\"}"),
            ("deploy/x.json", "{}"),
            ("package.json", "{}"),
            ("docker-bake.json", "{}"),
        ];
        let skipped = [
            "lock.json",
            "Dockerfile",
            "big.yaml",
            "pnpm-lock.yaml",
            "3 more files",
        ];
        let mut tree = Tree {
            files: files.map(|(name, text)| (path(name), file(text))).into(),
            skipped: skipped
                .map(|name| (name.to_owned(), TOO_LARGE.to_owned()))
                .into(),
            ..Tree::default()
        };
        let included = [Glob::parse("deploy/*.json").expect("a glob")];
        tree.forget_other_files(&BTreeSet::from([path("package.json")]), &included);
        let kept: Vec<&str> = tree.files.keys().map(RepoPath::as_str).collect();
        assert_eq!(
            kept,
            [
                "b.json",
                "c.yaml",
                "d.json",
                "deploy/x.json",
                "docker-bake.json",
                "package.json"
            ]
        );
        let skipped: Vec<&str> = tree.skipped.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(skipped, ["Dockerfile", "big.yaml", "3 more files"]);
    }
}
