//! The settings that a repository declares.

use crate::family::{Depends, ImageSpec};
use crate::policy::Rule;
use crate::repo::{Glob, RepoPath};
use crate::source::SourceTable;
use std::collections::BTreeMap;

/// A repository's own settings, validated: its `imagebot.toml`.
#[derive(Debug, Clone)]
pub struct RepoSettings {
    /// Whether the repository is processed.
    pub enabled: bool,
    /// The files to read; `None` for all.
    pub include: Option<Vec<Glob>>,
    /// The files not to read.
    pub exclude: Vec<Glob>,
    /// Whether the images named in its files count as dependencies of the repository.
    pub discover: bool,
    /// Whether copies of other projects and generated files are read too.
    pub vendored: bool,
    /// The images that it publishes.
    pub images: Vec<ImageSpec>,
    /// Its further dependencies.
    pub depends: Vec<Depends>,
    /// What is read besides the recognised files.
    pub sources: Vec<SourceTable>,
    /// The build arguments that CI passes.
    pub args: BTreeMap<String, String>,
    /// The variables that its forge sets for every CI job; they are not in the file.
    pub predefined: BTreeMap<String, String>,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
}

impl Default for RepoSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            include: None,
            exclude: Vec::new(),
            discover: true,
            vendored: false,
            images: Vec::new(),
            depends: Vec::new(),
            sources: Vec::new(),
            args: BTreeMap::new(),
            predefined: BTreeMap::new(),
            rules: Vec::new(),
        }
    }
}

impl RepoSettings {
    /// Whether a file is read by its format.
    pub fn reads(&self, path: &RepoPath) -> bool {
        self.include.as_deref().is_none_or(|globs| any(globs, path)) && !any(&self.exclude, path)
    }

    /// Whether `include` names a file, which is read whatever its content is.
    pub fn names(&self, path: &RepoPath) -> bool {
        let mut globs = self.include.iter().flatten();
        globs.any(|glob| glob.names_files() && glob.matches(path.as_str())) && self.reads(path)
    }

    /// Whether a `[[source]]` reads a file.
    pub fn reads_custom(&self, path: &RepoPath) -> bool {
        let mut sources = self.sources.iter();
        sources.any(|source| source.covers(path.as_str())) && !any(&self.exclude, path)
    }
}

fn any(globs: &[Glob], path: &RepoPath) -> bool {
    globs.iter().any(|glob| glob.matches(path.as_str()))
}
