//! What an image consists of, as read from manifests and configurations.

use crate::image::{Digest, Platform};
use std::collections::BTreeMap;

/// An image of one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The digest of the manifest.
    pub manifest: Digest,
    /// The digest of the configuration.
    pub config: Digest,
    /// The digests of the layers as stored (compressed), the lowest first.
    pub layers: Vec<Digest>,
    /// The digests of the uncompressed layers, the lowest first.
    pub diff_ids: Vec<Digest>,
    /// The steps of the history, in build order.
    pub steps: Vec<HistoryStep>,
    /// The environment variables, as `NAME=value`.
    pub env: Vec<String>,
    /// The other runtime settings, by their keys in the OCI image specification; empty ones are left out.
    pub settings: BTreeMap<String, String>,
    /// The labels, including those inherited from the base.
    pub labels: BTreeMap<String, String>,
    /// The annotations of the manifest.
    pub annotations: BTreeMap<String, String>,
}

/// A step of an image's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryStep {
    /// The instruction, as recorded by the builder.
    pub made_by: String,
    /// The time, as written. Only used to distinguish builds, never to order them.
    pub created: Option<String>,
    /// Whether it only changed the configuration.
    pub no_layer: bool,
}

/// What a tag or a digest points at: an image, or an index of images.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The digest of the index, or of the single manifest.
    pub digest: Digest,
    /// Whether it is an index.
    pub is_index: bool,
    /// The digests of the images' manifests, by platform.
    pub entries: BTreeMap<Platform, Digest>,
    /// The images that were fetched, by platform, or why one could not be read.
    pub contents: BTreeMap<Platform, Result<Content, String>>,
}

impl Published {
    /// The platform whose image a build for `platform` pulls. A single image is pulled for every platform.
    pub fn serves(&self, platform: &Platform) -> Option<&Platform> {
        let only = || self.entries.keys().next().filter(|_| !self.is_index);
        let exact = self.entries.get_key_value(platform).map(|(key, _)| key);
        exact.or_else(only)
    }

    /// The image that a build for `platform` pulls, if it could be read.
    pub fn content(&self, platform: &Platform) -> Option<&Content> {
        self.contents.get(self.serves(platform)?)?.as_ref().ok()
    }

    /// Whether a digest is that of the index or of its image for the platform `of` (of any image, without one).
    pub(super) fn has_digest(&self, digest: &Digest, of: Option<&Platform>) -> bool {
        let mut entries = self.entries.iter();
        let asked = of.map(|of| self.serves(of));
        self.digest == *digest
            || entries.any(|(platform, entry)| {
                entry == digest && asked.is_none_or(|asked| asked == Some(platform))
            })
    }
}
