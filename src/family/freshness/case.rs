//! The input of one freshness check, and the further facts that it may need.

use super::content::Content;
use super::named::Then;
use super::parent::Parent;
use crate::image::{Digest, Platform, Reference};

/// An image on one platform, and one of its parents.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// The platform to check.
    pub platform: &'a Platform,
    /// The content of the image on that platform.
    pub child: &'a Content,
    /// The parent to check against.
    pub parent: &'a Parent,
    /// What the repository named at the commit that the image is built from, if known.
    pub then: Option<&'a Then>,
    /// The images listed in provenance, with their digests; `None` if not fetched yet.
    pub materials: Option<&'a [Reference]>,
}

/// A fact that must be fetched before the check can continue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FreshnessQuestion {
    /// The provenance of the image on this platform.
    Provenance,
    /// The content of a digest of the parent.
    Content(Digest),
}
