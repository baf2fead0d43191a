//! The images that a repository builds and gives versions to, as the target branch has them.
//!
//! Their versions are the truth about references between them: such a reference is moved to the version that its image
//! has in the repository, or gets in the same merge request, and no registry is asked for a newer one.

use crate::family::{Adjacency, ImageSpec, shown};
use crate::image::ImageName;
use crate::repo::RepoPath;
use crate::source::{Located, Stages, VersionFileError, Versioned};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

/// What an image needs to be known by: the file that it names, or why that is not there.
type Contents<'a> = &'a dyn Fn(&RepoPath) -> Result<&'a [u8], VersionFileError>;

/// The images of a repository that have versions of their own.
#[derive(Debug, Clone, Default)]
pub struct Images {
    all: Vec<Image>,
    /// By the names that references have.
    named: HashMap<ImageName, usize>,
    /// By parent and child: what stands on a circle.
    circles: Vec<Vec<usize>>,
    component: Vec<usize>,
    /// The version files, whole.
    pub(super) files: BTreeMap<RepoPath, Vec<u8>>,
}

/// An image with a version of its own.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub(super) name: ImageName,
    pub(super) versioned: Versioned,
    /// Its version on the target branch.
    pub(super) now: Result<String, VersionFileError>,
    dockerfile: RepoPath,
    /// The lines of its Dockerfile that it is built from.
    lines: Vec<Range<usize>>,
    place: Arc<str>,
}

/// What a reference to an image of the same repository goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Truth {
    /// The image has this version.
    Version(String),
    /// Its version cannot be read.
    Unknown(String),
    /// The reference lies on a circle of images.
    Circle(String),
}

impl Images {
    /// Knows the images of a repository. `resolve` gives the name that an image has at its registry.
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
                // A name that two have is nobody's.
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

    /// The version of an image, or why it cannot be read; `None`: it has none here.
    pub fn version(&self, name: &ImageName) -> Option<Result<String, String>> {
        let image = self.all.iter().find(|image| image.name == *name)?;
        let now = image.now.as_ref().map_err(|error| image.told(error));
        Some(now.cloned())
    }

    /// Whether no image has a version here.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The images whose version stands at a place.
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

    /// The images that a line of a file takes part in.
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

    /// The image of this repository that a reference names.
    pub(super) fn parent(&self, name: &ImageName) -> Option<usize> {
        self.named.get(name).copied()
    }

    /// What a reference goes by; `None` if its image has no version here.
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

    /// Why nothing can be changed in a line: the version that would have to rise cannot.
    pub(super) fn obstacle(&self, path: &RepoPath, line: usize) -> Option<(String, &'static str)> {
        self.built_from(path, line).find_map(|index| {
            let image = &self.all[index];
            let error = image.now.as_ref().err()?;
            Some((image.told(error), error.help()))
        })
    }

    /// What is wrong with the versions and with who stands on whom, for people.
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
