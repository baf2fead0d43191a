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
    /// Where it is: the host and the path of its address.
    pub address: Option<On>,
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
            address: None,
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

/// A repository's path, or its address.
pub fn repo_of(text: &str) -> Option<On> {
    let text = text.trim().trim_end_matches('/');
    let text = text.strip_suffix(".git").unwrap_or(text);
    if !text.contains("://") {
        let name = RepoName::parse(text).ok()?;
        return Some(On::Repo { host: None, name });
    }
    let url = url::Url::parse(text).ok()?;
    let host = url.host_str()?;
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let name = RepoName::parse(url.path().trim_start_matches('/')).ok()?;
    Some(On::Repo {
        host: Some(Arc::from(host)),
        name,
    })
}
