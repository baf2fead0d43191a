//! An image that a repository declares.

use crate::image::{ImageName, Tag};
use crate::repo::{Glob, RepoPath};
use crate::source::Versioned;
use std::ops::Range;
use std::sync::Arc;

/// An `[[image]]` of a repository.
#[derive(Debug, Clone)]
pub struct ImageSpec {
    /// The image's main name.
    pub name: ImageName,
    /// Further names that it's published under.
    pub published: Vec<ImageName>,
    /// The floating tags that each build moves, if declared, each with its image name.
    pub tags: Vec<(ImageName, Tag)>,
    /// The build context; `None` for the repository's root.
    pub context: Option<RepoPath>,
    /// Its Dockerfile, relative to the repository's root.
    pub dockerfile: RepoPath,
    /// The stage to build; `None` for the last one.
    pub target: Option<String>,
    /// Line ranges of other files that name its bases.
    pub also: Vec<(RepoPath, Range<usize>)>,
    /// The files, relative to the repository's root, whose change triggers a rebuild; empty for those of its context.
    pub watch: Vec<Glob>,
    /// The file with its version, and which part of that is bumped when the base changes.
    pub version: Option<Versioned>,
    /// Whether it is declared. If not, a claim that the operator does not allow is not an error.
    pub is_declared: bool,
    /// File and line of the declaration: `imagebot.toml:12`.
    pub place: Arc<str>,
}

impl ImageSpec {
    /// All names that it is published under, the main one first.
    pub fn names(&self) -> impl Iterator<Item = &ImageName> {
        std::iter::once(&self.name).chain(&self.published)
    }

    /// Whether a line of a file other than its Dockerfile names one of its bases.
    pub fn is_told_at(&self, path: &RepoPath, line: usize) -> bool {
        let mut also = self.also.iter();
        also.any(|(of, lines)| of == path && lines.contains(&line))
    }

    /// Whether a change of a file triggers a rebuild.
    pub fn watches(&self, path: &RepoPath) -> bool {
        let is_source = *path == self.dockerfile || self.also.iter().any(|(also, _)| also == path);
        if !self.watch.is_empty() {
            return is_source || self.watch.iter().any(|glob| glob.matches(path.as_str()));
        }
        let in_context = self.context.as_ref().is_none_or(|context| {
            let inside = path.as_str().strip_prefix(context.as_str());
            inside.is_some_and(|rest| rest.starts_with('/'))
        });
        in_context || is_source
    }
}
