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
    pub steps: Vec<HistoryStep>,
    /// The variables of its environment, `NAME=value`.
    pub env: Vec<String>,
    /// What else it says of how it is run, by the keys of the image specification, what is empty left out.
    pub settings: BTreeMap<String, String>,
    /// The labels. One that a build does not set is its base's.
    pub labels: BTreeMap<String, String>,
    /// The annotations of its manifest.
    pub annotations: BTreeMap<String, String>,
}

/// A step of an image's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryStep {
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
    /// The digests of the images' manifests.
    pub entries: BTreeMap<Platform, Digest>,
    /// The images, as far as they were asked for, and why one could not be read.
    pub contents: BTreeMap<Platform, Result<Content, String>>,
}

impl Published {
    /// The platform whose image a build for a platform gets. A single image is what every build gets.
    pub fn serves(&self, platform: &Platform) -> Option<&Platform> {
        let only = || self.entries.keys().next().filter(|_| !self.is_index);
        let exact = self.entries.get_key_value(platform).map(|(key, _)| key);
        exact.or_else(only)
    }

    /// The image that a build for a platform gets, where it could be read.
    pub fn content(&self, platform: &Platform) -> Option<&Content> {
        self.contents.get(self.serves(platform)?)?.as_ref().ok()
    }

    /// Whether a digest is that of the index or of one of the images that are asked about.
    pub(super) fn has_digest(&self, digest: &Digest, of: Option<&Platform>) -> bool {
        let mut entries = self.entries.iter();
        let asked = of.map(|of| self.serves(of));
        self.digest == *digest
            || entries.any(|(platform, entry)| {
                entry == digest && asked.is_none_or(|asked| asked == Some(platform))
            })
    }
}
