//! A repository as the family sees it.

use super::spec::ImageSpec;
use crate::image::{ImageName, RegistryHost};
use crate::repo::{RepoName, RepoPath};
use crate::source::{RefId, Stages};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A registered repository.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its path.
    pub name: RepoName,
    /// The registry of its forge, and the path that its own images begin with there.
    pub own: Option<(RegistryHost, String)>,
    /// The images that it says it publishes.
    pub images: Vec<ImageSpec>,
    /// Images whose `org.opencontainers.image.source` label names it.
    pub labelled: Vec<ImageName>,
    /// The images that it names, aliases resolved, in the order of files and lines.
    pub stands_on: Vec<Stand>,
    /// The stages of its files.
    pub stages: BTreeMap<RepoPath, Stages>,
    /// What it says it depends on besides.
    pub depends: Vec<Depends>,
}

impl Member {
    /// A repository that names nothing and publishes nothing.
    pub fn new(name: RepoName) -> Self {
        Self {
            name,
            own: None,
            images: Vec::new(),
            labelled: Vec::new(),
            stands_on: Vec::new(),
            stages: BTreeMap::new(),
            depends: Vec::new(),
        }
    }
}

/// An image that a file names.
#[derive(Debug, Clone)]
pub struct Stand {
    /// The image.
    pub image: ImageName,
    /// The reference that names it.
    pub id: RefId,
    /// Its line, counted from 1.
    pub line: usize,
}

/// Something that a repository says it depends on.
#[derive(Debug, Clone)]
pub struct Depends {
    /// What.
    pub on: On,
    /// The file that says it.
    pub path: RepoPath,
    /// The line, counted from 1.
    pub line: usize,
}

/// What a repository can depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// Another repository, by its path; `host` where a whole address says it.
    Repo {
        /// The forge's host, if it is said.
        host: Option<Arc<str>>,
        /// The path.
        name: RepoName,
    },
    /// An image.
    Image(ImageName),
}
