//! A simulated CI: tests a branch, and builds and publishes the image when its branch is merged.

use super::publish::{PublishError, Publisher};
use crate::forge::{CiState, ForgeError, Local, Repository};
use crate::git::{Git, GitError};
use crate::image::{Digest, Reference};
use crate::repo::CommitId;
use crate::source::{Format, scan};
use std::collections::{BTreeMap, BTreeSet};

/// CI for the repositories of an assembly line.
#[derive(Debug)]
pub struct Ci {
    git: Git,
    publisher: Publisher,
    host: String,
    /// The versions that were published last, by repository.
    versions: BTreeMap<String, [u32; 3]>,
    /// The layers of what was published, by image path and tag, and by digest.
    layers: BTreeMap<String, Vec<String>>,
    /// The repositories whose tests fail.
    red: BTreeSet<String>,
}

/// An image that CI published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The image with its tag.
    pub image: String,
    /// Its digest.
    pub digest: Digest,
    /// The parent that it was built on.
    pub parent: Option<String>,
}

/// What can go wrong with CI itself.
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

impl Ci {
    /// CI that publishes with `publisher` to the registry at `host`.
    pub fn new(git: Git, publisher: Publisher, host: &str) -> Self {
        Self {
            git,
            publisher,
            host: host.to_owned(),
            versions: BTreeMap::new(),
            layers: BTreeMap::new(),
            red: BTreeSet::new(),
        }
    }

    /// Lets the tests of a repository fail from now on, or succeed again.
    pub fn set_red(&mut self, repo: &str, red: bool) {
        if red {
            self.red.insert(repo.to_owned())
        } else {
            self.red.remove(repo)
        };
    }

    /// Tests a commit: the Dockerfile is there, its parents are in the registry, and nobody wanted it to fail.
    pub async fn test(
        &self,
        forge: &Local,
        repo: &Repository,
        commit: &CommitId,
    ) -> Result<CiState, CiError> {
        let parents = self.parents(repo, commit).await?;
        let built = parents.is_some_and(|parents| {
            parents
                .iter()
                .all(|parent| self.layers_of(parent).is_some())
        });
        let state = match built && !self.red.contains(repo.name.as_str()) {
            true => CiState::Success,
            false => CiState::Failed,
        };
        forge.set_ci(repo, commit, state).await?;
        Ok(state)
    }

    /// Builds the image of a repository at a commit and publishes it under the repository's next version: `bump` is
    /// the number that rises, 0 for major to 2 for patch.
    pub async fn build(
        &mut self,
        repo: &Repository,
        commit: &CommitId,
        bump: usize,
    ) -> Result<Built, CiError> {
        let parent = self.parents(repo, commit).await?.unwrap_or_default().pop();
        let mut layers = parent
            .as_ref()
            .and_then(|parent| self.layers_of(parent))
            .cloned()
            .unwrap_or_default();
        let name = repo.name.to_string();
        let version = self.versions.entry(name.clone()).or_insert([1, 0, 0]);
        let path = format!("acme/{name}");
        if self
            .layers
            .contains_key(&format!("{path}:{}", dotted(*version)))
        {
            version[bump] += 1;
            version[bump + 1..].fill(0);
        }
        let tag = dotted(*version);
        layers.push(format!("{name} {tag} of commit {commit}\n"));
        let label = |key: &str, value: String| (format!("org.opencontainers.image.{key}"), value);
        let labels = BTreeMap::from([
            label("title", name.clone()),
            label("description", format!("the {name} image of the demo")),
            label("revision", commit.to_string()),
            label("version", tag.clone()),
        ]);
        let digest = self.publisher.push(&path, &tag, &layers, &labels).await?;
        self.layers.insert(format!("{path}:{tag}"), layers.clone());
        self.layers.insert(format!("{path}@{digest}"), layers);
        Ok(Built {
            image: format!("{}/{path}:{tag}", self.host),
            digest,
            parent: parent.map(|parent| parent.to_string()),
        })
    }

    /// The references of a repository's Dockerfile at a commit; `None` if there is none.
    async fn parents(
        &self,
        repo: &Repository,
        commit: &CommitId,
    ) -> Result<Option<Vec<Reference>>, CiError> {
        let contents = self
            .git
            .read_names(&repo.remote, &[format!("{commit}:Dockerfile")])
            .await?;
        let Some(contents) = contents.into_iter().next().flatten() else {
            return Ok(None);
        };
        let scanned = scan(Format::Dockerfile, &contents, &BTreeMap::new()).unwrap_or_default();
        Ok(Some(
            scanned
                .references
                .iter()
                .filter_map(|located| located.reference().cloned())
                .collect(),
        ))
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

fn dotted(version: [u32; 3]) -> String {
    format!("{}.{}.{}", version[0], version[1], version[2])
}
