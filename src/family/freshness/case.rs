//! What is judged, and what may have to be asked first.

use super::content::Content;
use super::named::Then;
use super::parent::Parent;
use crate::image::{Digest, Platform, Reference};

/// An image on one platform, and one of its parents.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The platform.
    pub platform: &'a Platform,
    /// The image.
    pub child: &'a Content,
    /// The parent.
    pub parent: &'a Parent,
    /// What the repository named at the commit that the image is built from, if that is known.
    pub then: Option<&'a Then>,
    /// The images that provenance lists, with their digests; `None` if it was not asked for yet.
    pub materials: Option<&'a [Reference]>,
}

/// Something that has to be known first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FreshnessQuestion {
    /// What provenance says of the image on this platform.
    Provenance,
    /// What a digest of the parent stands for.
    Content(Digest),
}
