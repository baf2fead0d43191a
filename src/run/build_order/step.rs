//! What an order is made of.

use super::super::report::ProblemReport;
use crate::family::ImageSpec;
use crate::forge::ForgeRegistry;
use crate::git::Remote;
use crate::image::ImageName;
use crate::plan::BuildReason;
use crate::repo::{CommitId, RepoName};

/// An image in its place of the order.
#[derive(Debug)]
pub struct BuildStep {
    /// Its name.
    pub image: ImageName,
    /// The repository; none for a plain folder.
    pub repo: Option<RepoName>,
    /// The length of the longest path that leads to it.
    pub generation: u32,
    /// What the repository says of it.
    pub spec: Option<ImageSpec>,
    /// Its version in the repository, if that is known.
    pub version: Option<String>,
    /// The images that it stands on.
    pub parents: Vec<String>,
    /// Whether it needs a build, and why.
    pub whys: Vec<BuildReason>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct BuildOrder {
    /// The images, parents first.
    pub steps: Vec<BuildStep>,
    /// Images that stand on each other, by name.
    pub cycles: Vec<Vec<String>>,
    /// What is odd, for people.
    pub findings: Vec<String>,
    /// What went wrong.
    pub problems: Vec<ProblemReport>,
}

/// A repository or folder whose images are put in order.
pub(in crate::run) struct Source {
    /// Where its history is, and its head; none for a folder.
    pub(in crate::run) history: Option<(Remote, CommitId)>,
    /// The registry of its forge.
    pub(in crate::run) registry: Option<ForgeRegistry>,
    pub(in crate::run) is_folder: bool,
}

impl BuildStep {
    /// The digits that its folder begins with.
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
