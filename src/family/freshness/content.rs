//! What an image consists of, as far as manifests and configurations tell.

use crate::image::{Digest, Platform};
use std::collections::BTreeMap;

/// An image of one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The digest of its manifest.
    pub manifest: Digest,
    /// The digest of its configuration.
    pub config: Digest,
    /// The digests of its layers as they are stored, the lowest first.
    pub layers: Vec<Digest>,
    /// The digests of what is in its layers, the lowest first.
    pub diff_ids: Vec<Digest>,
    /// The steps that made it, the first one first.
    pub steps: Vec<Step>,
    /// The variables of its environment, `NAME=value`.
    pub env: Vec<String>,
    /// The labels. One that a build does not set is its base's.
    pub labels: BTreeMap<String, String>,
    /// The annotations of its manifest.
    pub annotations: BTreeMap<String, String>,
}

/// A step of an image's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was done.
    pub made_by: String,
    /// When, as it is written: two builds are told apart by it, none is called newer.
    pub created: Option<String>,
    /// Whether it changed nothing but the configuration.
    pub no_layer: bool,
}

/// What a tag or a digest stands for: an image, or an index of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The digest of the index, or of the only manifest.
    pub digest: Digest,
    /// Whether it is an index.
    pub is_index: bool,
    /// The images, and why one could not be read.
    pub platforms: BTreeMap<Platform, Result<Content, String>>,
}

impl Published {
    /// The image that a build for a platform gets. A single image is what every build gets.
    pub fn of(&self, platform: &Platform) -> Option<&Result<Content, String>> {
        let only = || self.platforms.values().next().filter(|_| !self.is_index);
        self.platforms.get(platform).or_else(only)
    }

    /// The same where it could be read.
    pub(super) fn content(&self, platform: &Platform) -> Option<&Content> {
        self.of(platform)?.as_ref().ok()
    }

    /// Whether a digest is that of the index or of one of the images that are asked about.
    pub(super) fn has_digest(&self, digest: &Digest, of: Option<&Platform>) -> bool {
        let is = |content: &Result<Content, String>| {
            content
                .as_ref()
                .is_ok_and(|content| content.manifest == *digest)
        };
        self.digest == *digest
            || match of {
                Some(platform) => self.of(platform).is_some_and(is),
                None => self.platforms.values().any(is),
            }
    }
}
