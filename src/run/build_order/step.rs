//! The entries of a build order.

use super::super::report::ProblemReport;
use crate::family::ImageSpec;
use crate::forge::ForgeRegistry;
use crate::git::Remote;
use crate::image::ImageName;
use crate::plan::BuildReason;
use crate::repo::{CommitId, RepoName};

/// An image in the build order.
#[derive(Debug)]
pub struct BuildStep {
    /// Its main name.
    pub image: ImageName,
    /// Its repository; `None` for a plain folder.
    pub repo: Option<RepoName>,
    /// The length of the longest path of dependencies that leads to it.
    pub generation: u32,
    /// Its declaration in the repository.
    pub spec: Option<ImageSpec>,
    /// Its version in the repository, if known.
    pub version: Option<String>,
    /// The images that it is built on.
    pub parents: Vec<String>,
    /// The checks whether it needs a build, with their results.
    pub whys: Vec<BuildReason>,
}

/// A build order.
#[derive(Debug, Default)]
pub struct BuildOrder {
    /// The images, parents before children.
    pub steps: Vec<BuildStep>,
    /// Images that depend on each other in a cycle, by name.
    pub cycles: Vec<Vec<String>>,
    /// Declarations without effect, human-readable.
    pub findings: Vec<String>,
    /// The errors.
    pub problems: Vec<ProblemReport>,
}

/// A repository or folder whose images are ordered.
pub(in crate::run) struct Source {
    /// Its remote and head; `None` for a folder.
    pub(in crate::run) history: Option<(Remote, CommitId)>,
    /// The container registry of its forge.
    pub(in crate::run) registry: Option<ForgeRegistry>,
    pub(in crate::run) is_folder: bool,
}

impl BuildStep {
    /// The number that its folder's name starts with.
    pub(in crate::run) fn number(&self) -> u64 {
        let folder = self.spec.as_ref().and_then(|spec| spec.context.as_ref());
        let name = folder.and_then(|folder| folder.as_str().rsplit('/').next());
        let digits: Option<String> =
            name.map(|n| n.chars().take_while(char::is_ascii_digit).collect());
        digits
            .and_then(|digits| digits.parse().ok())
            .unwrap_or(u64::MAX)
    }
}
