//! A simulated CI: tests a branch, and builds and publishes the image when its branch is merged.

use super::layout::{DemoRepository, Made};
use super::publish::{PublishError, Publisher};
use crate::forge::{ForgeError, Local, Repository};
use crate::git::{Git, GitError};
use crate::image::{Digest, Reference};
use crate::repo::{CiStatus, CommitId};
use crate::source::{Format, scan};
use std::collections::{BTreeMap, BTreeSet};

/// CI for the repositories of the demo.
#[derive(Debug)]
pub struct DemoCi {
    git: Git,
    publisher: Publisher,
    host: String,
    /// The versions that were published last, by image.
    versions: BTreeMap<String, [u32; 3]>,
    /// The layers of the published images, by image path and tag, and by digest.
    layers: BTreeMap<String, Vec<String>>,
    /// The Dockerfiles that the published images were built from, by image.
    sources: BTreeMap<String, Vec<u8>>,
    /// The repositories whose tests fail.
    red: BTreeSet<String>,
}

/// An image that CI published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltImage {
    /// The image with its tag.
    pub image: String,
    /// Its digest.
    pub digest: Digest,
    /// The parents that it was built on.
    pub parents: Vec<String>,
}

/// Errors of CI itself; failing tests are not among them.
#[derive(Debug, thiserror::Error)]
pub enum CiError {
    /// Git failed.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The forge failed.
    #[error(transparent)]
    Forge(#[from] ForgeError),
    /// Publishing failed.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl DemoCi {
    /// CI that publishes with `publisher` to the registry at `host`.
    pub fn new(git: Git, publisher: Publisher, host: &str) -> Self {
        Self {
            git,
            publisher,
            host: host.to_owned(),
            versions: BTreeMap::new(),
            layers: BTreeMap::new(),
            sources: BTreeMap::new(),
            red: BTreeSet::new(),
        }
    }

    /// Makes the tests of a repository fail from now on, or succeed again.
    pub fn set_red(&mut self, repo: &str, red: bool) {
        if red {
            self.red.insert(repo.to_owned())
        } else {
            self.red.remove(repo)
        };
    }

    /// Tests a commit: it passes if the Dockerfiles exist, their parents are in the registry or built in the same
    /// commit, and the repository is not set to fail.
    pub async fn test(
        &self,
        forge: &Local,
        repo: &Repository,
        member: &DemoRepository,
        commit: &CommitId,
    ) -> Result<CiStatus, CiError> {
        let mut good = !self.red.contains(repo.name.as_str());
        let mut here: BTreeSet<String> = BTreeSet::new();
        for image in &member.images {
            let file = self.file(repo, member, image, commit, "Dockerfile").await?;
            let parents = parents_in(file.as_deref().unwrap_or_default());
            let is_there = |parent: &Reference| {
                self.layers_of(parent).is_some() || here.contains(&parent.to_string())
            };
            good &= file.is_some() && parents.iter().all(is_there);
            if let Some(tag) = self.version(repo, member, image, commit).await? {
                here.insert(format!("{}/acme/{}:{tag}", self.host, image.name));
            }
        }
        let state = match good {
            true => CiStatus::Passed,
            false => CiStatus::Failed,
        };
        forge.set_ci(repo, commit, state).await?;
        Ok(state)
    }

    /// Builds the images of a repository, parents first: those whose Dockerfiles changed since they were published, or
    /// all of them. Each is published under the version in its version file, or else under its next version: `bump` is
    /// the number that rises, from 0 for major to 2 for patch.
    pub async fn build(
        &mut self,
        repo: &Repository,
        member: &DemoRepository,
        commit: &CommitId,
        bump: usize,
        all: bool,
    ) -> Result<Vec<BuiltImage>, CiError> {
        let mut built = Vec::new();
        for image in &member.images {
            let file = self.file(repo, member, image, commit, "Dockerfile").await?;
            let file = file.unwrap_or_default();
            if !all && self.sources.get(&image.name) == Some(&file) {
                continue;
            }
            let said = self.version(repo, member, image, commit).await?;
            let tag = said.unwrap_or_else(|| self.next_version(&image.name, bump));
            built.push(self.publish(image, &file, &tag, commit).await?);
            self.sources.insert(image.name.clone(), file);
        }
        Ok(built)
    }

    fn next_version(&mut self, image: &str, bump: usize) -> String {
        let version = self.versions.entry(image.to_owned()).or_insert([1, 0, 0]);
        if self
            .layers
            .contains_key(&format!("acme/{image}:{}", dotted(*version)))
        {
            version[bump] += 1;
            version[bump + 1..].fill(0);
        }
        dotted(*version)
    }

    async fn publish(
        &mut self,
        image: &Made,
        dockerfile: &[u8],
        tag: &str,
        commit: &CommitId,
    ) -> Result<BuiltImage, CiError> {
        let parents = parents_in(dockerfile);
        let mut layers = parents
            .first()
            .and_then(|parent| self.layers_of(parent))
            .cloned()
            .unwrap_or_default();
        let name = &image.name;
        let path = format!("acme/{name}");
        layers.push(format!("{name} {tag} of commit {commit}\n"));
        let label = |key: &str, value: String| (format!("org.opencontainers.image.{key}"), value);
        let labels = BTreeMap::from([
            label("title", name.clone()),
            label("description", format!("the {name} image of the demo")),
            label("revision", commit.to_string()),
            label("version", tag.to_owned()),
        ]);
        let digest = self.publisher.push(&path, tag, &layers, &labels).await?;
        self.layers.insert(format!("{path}:{tag}"), layers.clone());
        self.layers.insert(format!("{path}@{digest}"), layers);
        Ok(BuiltImage {
            image: format!("{}/{path}:{tag}", self.host),
            digest,
            parents: parents.iter().map(ToString::to_string).collect(),
        })
    }

    /// The version in an image's version file, if it has one.
    async fn version(
        &self,
        repo: &Repository,
        member: &DemoRepository,
        image: &Made,
        commit: &CommitId,
    ) -> Result<Option<String>, CiError> {
        let file = self.file(repo, member, image, commit, "VERSION").await?;
        Ok(file.map(|file| String::from_utf8_lossy(&file).trim().to_owned()))
    }

    async fn file(
        &self,
        repo: &Repository,
        member: &DemoRepository,
        image: &Made,
        commit: &CommitId,
        file: &str,
    ) -> Result<Option<Vec<u8>>, CiError> {
        let name = format!("{commit}:{}", member.path(image, file));
        let contents = self.git.read_names(&repo.remote, &[name]).await?;
        Ok(contents.into_iter().next().flatten())
    }

    fn layers_of(&self, reference: &Reference) -> Option<&Vec<String>> {
        let path = reference.name.path();
        match (&reference.digest, &reference.tag) {
            (Some(digest), _) => self.layers.get(&format!("{path}@{digest}")),
            (None, Some(tag)) => self.layers.get(&format!("{path}:{tag}")),
            (None, None) => None,
        }
    }
}

/// The images that a Dockerfile names.
fn parents_in(dockerfile: &[u8]) -> Vec<Reference> {
    let scanned = scan(Format::Dockerfile, dockerfile, &BTreeMap::new()).unwrap_or_default();
    let references = scanned.references.iter();
    references
        .filter_map(|located| located.reference().cloned())
        .collect()
}

fn dotted(version: [u32; 3]) -> String {
    format!("{}.{}.{}", version[0], version[1], version[2])
}
