//! What a repository says about itself.

use crate::family::{Depends, ImageSpec};
use crate::policy::Rule;
use crate::repo::{Glob, RepoPath};
use std::collections::BTreeMap;

/// A repository's own settings, validated: its `imagebot.toml`.
#[derive(Debug, Clone)]
pub struct RepoSettings {
    /// Whether anything is done in the repository.
    pub enabled: bool,
    /// The files that are read; all if there is no list.
    pub include: Option<Vec<Glob>>,
    /// The files that are not read.
    pub exclude: Vec<Glob>,
    /// Whether the repository depends on the images that its files name.
    pub discover: bool,
    /// The images that it publishes.
    pub images: Vec<ImageSpec>,
    /// What it depends on besides.
    pub depends: Vec<Depends>,
    /// What CI passes as build arguments.
    pub args: BTreeMap<String, String>,
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
            images: Vec::new(),
            depends: Vec::new(),
            args: BTreeMap::new(),
            rules: Vec::new(),
        }
    }
}

impl RepoSettings {
    /// Whether a file is read.
    pub fn reads(&self, path: &RepoPath) -> bool {
        let any = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(path.as_str()));
        self.include.as_deref().is_none_or(any) && !any(&self.exclude)
    }
}
