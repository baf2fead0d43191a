//! `imagebot.toml`: what a repository may say about itself.

use super::bounds::Bounds;
use super::family;
use super::keys;
use super::path_glob::path_glob;
use super::problem::Problems;
use super::reader::{Reader, Table};
use super::rules::{self, Schemes};
use crate::family::{Depends, ImageSpec};
use crate::policy::Rule;
use crate::repo::{Glob, RepoPath};
use std::collections::BTreeMap;

/// A repository's own settings, validated.
#[derive(Debug, Clone)]
pub struct RepoConfig {
    /// Whether the repository is looked at.
    pub enabled: bool,
    /// The files that are read; all if there is no list.
    pub include: Option<Vec<Glob>>,
    /// The files that are not read.
    pub exclude: Vec<Glob>,
    /// Whether the images that files name are what the repository stands on.
    pub discover: bool,
    /// The images that it publishes.
    pub images: Vec<ImageSpec>,
    /// What it stands on besides.
    pub depends: Vec<Depends>,
    /// What CI passes as build arguments.
    pub args: BTreeMap<String, String>,
    /// Its rules, in order.
    pub rules: Vec<Rule>,
}

impl Default for RepoConfig {
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

impl RepoConfig {
    /// Whether a file is read.
    pub fn reads(&self, path: &RepoPath) -> bool {
        let any = |globs: &[Glob]| globs.iter().any(|glob| glob.matches(path.as_str()));
        self.include.as_deref().is_none_or(any) && !any(&self.exclude)
    }
}

/// Reads `imagebot.toml`. It may name the operator's schemes, and none of its own.
pub fn parse_repository(file: &str, text: &str, schemes: &Schemes) -> Result<RepoConfig, Problems> {
    Reader::read(file, text, keys::REPOSITORY, Bounds::REPOSITORY, |root| {
        Some(repository(root, schemes))
    })
}

fn repository(root: Table<'_>, schemes: &Schemes) -> RepoConfig {
    root.only(&[keys::REPOSITORY]);
    let globs = |name: &str| root.parsed_list(name, path_glob).map(|at| at.value);
    let args = root
        .table("args")
        .map(|table| table.entries())
        .unwrap_or_default();
    RepoConfig {
        enabled: root.bool("enabled").is_none_or(|at| at.value),
        include: globs("include"),
        exclude: globs("exclude").unwrap_or_default(),
        discover: root.bool("discover").is_none_or(|at| at.value),
        images: family::images(root),
        depends: family::depends(root),
        args: args
            .into_iter()
            .map(|(name, at)| (name, at.value))
            .collect(),
        rules: root
            .tables("rule")
            .into_iter()
            .map(|table| rules::rule(table, schemes))
            .collect(),
    }
}
