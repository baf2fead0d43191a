//! An image that a repository says it publishes.

use crate::image::{ImageName, Tag};
use crate::repo::{Glob, RepoPath};
use crate::source::Versioned;
use std::ops::Range;
use std::sync::Arc;

/// An `[[image]]` of a repository.
#[derive(Debug, Clone)]
pub struct ImageSpec {
    /// Its name.
    pub name: ImageName,
    /// Further names that it is published under.
    pub published: Vec<ImageName>,
    /// The tags that it is published under again and again, where they are said, each with its name.
    pub tags: Vec<(ImageName, Tag)>,
    /// The folder that it is built in; `None`: the repository's top.
    pub context: Option<RepoPath>,
    /// Its Dockerfile, as a path from the repository's top.
    pub dockerfile: RepoPath,
    /// The stage that is built; `None`: the last one.
    pub target: Option<String>,
    /// The lines of other files that name what it is built from.
    pub also: Vec<(RepoPath, Range<usize>)>,
    /// The files, from the repository's top, whose change asks for another build; none: those of its context.
    pub watch: Vec<Glob>,
    /// The file that holds its version, and how far that rises when its base changes.
    pub version: Option<Versioned>,
    /// Where it is said, for people: `imagebot.toml:12`.
    pub place: Arc<str>,
}

impl ImageSpec {
    /// All names that it is published under, its own first.
    pub fn names(&self) -> impl Iterator<Item = &ImageName> {
        std::iter::once(&self.name).chain(&self.published)
    }

    /// Whether a line of a file that is not its Dockerfile names what it is built from.
    pub fn is_told_at(&self, path: &RepoPath, line: usize) -> bool {
        let mut also = self.also.iter();
        also.any(|(of, lines)| of == path && lines.contains(&line))
    }

    /// Whether a change of a file asks for another build.
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
