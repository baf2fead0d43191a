//! What is to be looked at.

use super::newest::InUse;
use crate::forge::Repository;
use crate::image::{Digest, ImageName, Tag};
use crate::repo::RepoPath;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A published image, and who builds it.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The image.
    pub image: ImageName,
    /// Its tag; without tag and digest the newest version, or else `latest`.
    pub tag: Option<Tag>,
    /// The tags under which the family refers to it: where no tag is named, the newest of their scheme is meant.
    pub in_use: InUse,
    /// Its digest, where another content than the tag's is meant.
    pub digest: Option<Digest>,
    /// Where it is built, if that is known.
    pub built: Option<Arc<Built>>,
}

/// Where an image is built.
#[derive(Debug, Clone)]
pub struct Built {
    /// The repository.
    pub repo: Repository,
    /// The Dockerfile.
    pub dockerfile: RepoPath,
    /// The Dockerfile as it is now.
    pub contents: Vec<u8>,
    /// The stage that is built; `None`: the last one.
    pub target: Option<String>,
    /// The build arguments that CI passes.
    pub args: BTreeMap<String, String>,
    /// Those that another file says now. What it said when an older image was built is not known.
    pub passed: BTreeMap<String, String>,
}
