//! A repository as a member of the family.

use super::spec::ImageSpec;
use crate::image::{ImageName, RegistryHost};
use crate::repo::{RepoName, RepoPath};
use crate::source::{RefId, Stages};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A registered repository, with its images and dependencies.
#[derive(Debug, Clone)]
pub struct Member {
    /// Its path on its forge.
    pub name: RepoName,
    /// The host and path of its URL.
    pub address: Option<On>,
    /// Its forge's registry, and the path prefix of its own images there.
    pub own: Option<(RegistryHost, String)>,
    /// The images that its settings declare.
    pub images: Vec<ImageSpec>,
    /// Images whose `org.opencontainers.image.source` label names this repository.
    pub labelled: Vec<ImageName>,
    /// The images that its files name, aliases resolved, ordered by file and line.
    pub stands_on: Vec<Stand>,
    /// The stages of its Dockerfiles.
    pub stages: BTreeMap<RepoPath, Stages>,
    /// The further dependencies that it declares.
    pub depends: Vec<Depends>,
}

impl Member {
    /// A repository without references and images.
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

/// An image named in a file.
#[derive(Debug, Clone)]
pub struct Stand {
    /// The image's name in its registry.
    pub image: ImageName,
    /// The reference that names it.
    pub id: RefId,
    /// The line of the reference, counted from 1.
    pub line: usize,
}

/// A dependency that a repository declares.
#[derive(Debug, Clone)]
pub struct Depends {
    /// The repository or image that it depends on.
    pub on: On,
    /// The file that declares it.
    pub path: RepoPath,
    /// The line, counted from 1.
    pub line: usize,
}

/// The target of a declared dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// Another repository, by its path, or by a whole URL with its host.
    Repo {
        /// The forge's host, if given.
        host: Option<Arc<str>>,
        /// The path.
        name: RepoName,
    },
    /// An image.
    Image(ImageName),
}

/// Parses a repository's path or URL.
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
