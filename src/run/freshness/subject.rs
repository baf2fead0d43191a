//! The images to check.

use super::newest::InUse;
use crate::forge::Repository;
use crate::image::{Digest, ImageName, Tag};
use crate::repo::RepoPath;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A published image, and how it is built.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The image's name.
    pub image: ImageName,
    /// The tag to check; without tag and digest, the newest version or else `latest`.
    pub tag: Option<Tag>,
    /// The tags that the family uses for it, whose scheme defines the newest version.
    pub in_use: InUse,
    /// The digest to check, if it differs from the tag's.
    pub digest: Option<Digest>,
    /// How it is built, if known.
    pub built: Option<Arc<Built>>,
}

/// How an image is built.
#[derive(Debug, Clone)]
pub struct Built {
    /// The repository that builds it.
    pub repo: Repository,
    /// The path of its Dockerfile.
    pub dockerfile: RepoPath,
    /// The current contents of the Dockerfile.
    pub contents: Vec<u8>,
    /// The stage to build; `None` for the last one.
    pub target: Option<String>,
    /// The build arguments that CI passes.
    pub args: BTreeMap<String, String>,
    /// Build arguments set in another file, which may have had other values when an older image was built.
    pub passed: BTreeMap<String, String>,
}
