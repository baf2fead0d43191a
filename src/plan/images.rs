//! The images that a repository builds and versions itself, as on the target branch.
//!
//! For references between them, the version in the repository is authoritative: such a reference is moved to the
//! version that its image has there, or gets in the same merge request. No registry is queried for a newer one.

use crate::family::{Adjacency, ImageSpec, shown};
use crate::image::ImageName;
use crate::repo::RepoPath;
use crate::source::{Located, Stages, VersionFileError, Versioned};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// Returns the contents of a version file, or why it cannot be read.
type Contents<'a> = &'a dyn Fn(&RepoPath) -> Result<&'a [u8], VersionFileError>;

/// The images of a repository that have their own versions.
#[derive(Debug, Clone, Default)]
pub struct Images {
    all: Vec<Image>,
    /// The index of an image, by each name that references use.
    named: HashMap<ImageName, usize>,
    /// The cycles among the images.
    circles: Vec<Vec<usize>>,
    component: Vec<usize>,
    /// The complete contents of the version files.
    pub(super) files: BTreeMap<RepoPath, Vec<u8>>,
}

/// An image with its own version.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) name: ImageName,
    pub(super) versioned: Versioned,
    /// Its version on the target branch.
    pub(super) now: Result<String, VersionFileError>,
    dockerfile: RepoPath,
    /// The line ranges of its Dockerfile that it is built from.
    lines: Vec<Range<usize>>,
    place: Arc<str>,
}

/// The version that a reference to an image of the same repository should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// The image has this version.
    Version(String),
    /// Its version cannot be read; the reason.
    Unknown(String),
    /// The reference is part of a cycle of images; its description.
    Circle(String),
}

impl Images {
    /// Reads the versions of a repository's images. `resolve` returns the name that an image has in its registry.
    pub fn new(
        specs: &[ImageSpec],
        contents: Contents<'_>,
        args: &BTreeMap<String, String>,
        stages: &BTreeMap<RepoPath, Stages>,
        references: &[(RepoPath, Located)],
        resolve: &dyn Fn(&ImageName) -> ImageName,
    ) -> Self {
        let mut images = Self::default();
        let mut names: HashMap<&ImageName, Option<usize>> = HashMap::new();
        for spec in specs {
            let Some(versioned) = &spec.version else {
                continue;
            };
            let file = &versioned.file;
            let read = contents(&file.path);
            if let Ok(contents) = &read {
                let kept = images.files.entry(file.path.clone());
                kept.or_insert_with(|| contents.to_vec());
            }
            let index = images.all.len();
            for name in spec.names() {
                // A name that two images share is ambiguous and identifies neither.
                let known = names.entry(name).or_insert(Some(index));
                if *known != Some(index) {
                    *known = None;
                }
            }
            let stages = stages.get(&spec.dockerfile);
            let lines = stages.map(|stages| stages.lines_of(spec.target.as_deref()));
            images.all.push(Image {
                name: spec.name.clone(),
                now: read.and_then(|contents| file.raisable(contents, args)),
                versioned: versioned.clone(),
                dockerfile: spec.dockerfile.clone(),
                lines: lines.unwrap_or_default(),
                place: Arc::clone(&spec.place),
            });
        }
        let found = references.iter().filter_map(|(_, located)| {
            let name = &located.reference()?.name;
            let index = names.get(&resolve(name)).copied().flatten()?;
            Some((name.clone(), index))
        });
        images.named = found.collect();
        images.find_circles(references);
        images
    }

    /// The version of an image, or why it cannot be read; `None` if it has no version in this repository.
    pub fn version(&self, name: &ImageName) -> Option<Result<String, String>> {
        let image = self.all.iter().find(|image| image.name == *name)?;
        let now = image.now.as_ref().map_err(|error| image.told(error));
        Some(now.cloned())
    }

    /// Whether no image has a version in this repository.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The images whose version is at a place in a file.
    pub fn at(&self, path: &RepoPath, place: &str) -> impl Iterator<Item = &ImageName> {
        let here = move |image: &&Image| {
            let file = &image.versioned.file;
            file.path == *path && file.place.to_string() == place
        };
        self.all.iter().filter(here).map(|image| &image.name)
    }

    fn find_circles(&mut self, references: &[(RepoPath, Located)]) {
        let mut arrows = Vec::new();
        for (path, located) in references {
            if let Some(parent) = located.reference().and_then(|r| self.named.get(&r.name)) {
                arrows.extend(
                    self.built_from(path, located.line)
                        .map(|child| (*parent, child)),
                );
            }
        }
        let down = Adjacency::new(self.all.len(), arrows.iter().copied());
        self.component = down.components();
        let mut first: BTreeMap<usize, usize> = BTreeMap::new();
        for (parent, child) in arrows {
            if self.component[parent] == self.component[child] {
                let first = first.entry(self.component[parent]).or_insert(parent);
                *first = (*first).min(parent);
            }
        }
        self.circles = first.values().map(|first| down.circle(*first)).collect();
    }

    /// The images that are built from a line of a file.
    pub(super) fn built_from(&self, path: &RepoPath, line: usize) -> impl Iterator<Item = usize> {
        let all = self.all.iter().enumerate();
        let takes_part = all.filter(move |(_, image)| {
            image.dockerfile == *path && image.lines.iter().any(|lines| lines.contains(&line))
        });
        let found: Vec<usize> = takes_part.map(|(index, _)| index).collect();
        found.into_iter()
    }

    pub(super) fn get(&self, index: usize) -> &Image {
        &self.all[index]
    }

    /// The index of the image of this repository that a name refers to.
    pub(super) fn parent(&self, name: &ImageName) -> Option<usize> {
        self.named.get(name).copied()
    }

    /// The version that a reference should have; `None` if its image has no version in this repository.
    pub fn truth(&self, path: &RepoPath, located: &Located) -> Option<(usize, Truth)> {
        let parent = self.parent(&located.reference()?.name)?;
        let mut children = self.built_from(path, located.line);
        let on_circle = children.any(|child| self.component[child] == self.component[parent]);
        let circle = self.circles.iter().find(|circle| circle.contains(&parent));
        let image = &self.all[parent];
        let truth = match (&image.now, circle.filter(|_| on_circle)) {
            (_, Some(circle)) => Truth::Circle(self.shown(circle)),
            (Ok(version), None) => Truth::Version(version.clone()),
            (Err(error), None) => Truth::Unknown(image.told(error)),
        };
        Some((parent, truth))
    }

    fn shown(&self, circle: &[usize]) -> String {
        let names = circle.iter().chain(circle.first());
        let names: Vec<String> = names
            .map(|index| shown(&self.all[*index].name.to_string()).to_owned())
            .collect();
        names.join(" -> ")
    }

    /// Why a line must not be changed, with a fix: a version that would have to be bumped cannot be.
    pub(super) fn obstacle(&self, path: &RepoPath, line: usize) -> Option<(String, &'static str)> {
        self.built_from(path, line).find_map(|index| {
            let image = &self.all[index];
            let error = image.now.as_ref().err()?;
            Some((image.told(error), error.help()))
        })
    }

    /// Problems with versions and with the dependencies among the images, human-readable.
    pub fn findings(&self) -> Vec<String> {
        let broken = self.all.iter().filter_map(|image| {
            let error = image.now.as_ref().err()?;
            Some(format!(
                "{}: {}; {}",
                image.place,
                image.told(error),
                error.help()
            ))
        });
        let circles = self.circles.iter().map(|circle| {
            format!(
                "these images depend on each other in a cycle, so none of their references is followed: {}",
                self.shown(circle)
            )
        });
        broken.chain(circles).collect()
    }
}

impl Image {
    fn told(&self, error: &VersionFileError) -> String {
        {
            let (name, file) = (self.name.to_string(), &self.versioned.file);
            format!("{}: {}: {error}", shown(&name), file.path)
        }
    }
}
