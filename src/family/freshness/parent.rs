//! An image that another one stands on, and what is known of it.

use super::answer::Code;
use super::content::{Content, Published};
use crate::image::{Digest, ImageName, Platform, Reference, Tag};
use crate::source::Role;
use std::collections::BTreeMap;

/// A parent, as the repository names it now, and what its registry has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// The reference, variables put in.
    pub reference: Reference,
    /// The name at the registry, where an alias stands in the file.
    pub resolved: ImageName,
    /// What it is for the build.
    pub role: Role,
    /// What its `--platform` says, variables not put in.
    pub platform: Option<String>,
    /// What it stands for now, or why that is not known.
    pub current: Result<Published, (Code, String)>,
    /// Digests that it stood for before, the newest first.
    pub older: Vec<Digest>,
    /// What other digests stand for, as far as that was asked; `None` for one that is gone.
    pub known: BTreeMap<Digest, Option<Published>>,
}

impl Parent {
    /// Whether a name is that of this parent.
    pub(super) fn is(&self, name: &ImageName) -> bool {
        *name == self.reference.name || *name == self.resolved
    }

    /// Whether two tags are the same; a missing one is `latest`, as in a build.
    pub(super) fn has_tag(&self, tag: Option<&Tag>) -> bool {
        let text = |tag: Option<&Tag>| tag.map_or("latest", Tag::as_str).to_owned();
        text(self.reference.tag.as_ref()) == text(tag)
    }

    /// The platform on which it takes part in a build for `target`; `None` where only the builder knows.
    pub fn platform_for(&self, target: &Platform) -> Option<Platform> {
        match self.platform.as_deref() {
            None | Some("$TARGETPLATFORM" | "${TARGETPLATFORM}") => Some(target.clone()),
            Some(text) => Platform::parse(text).ok(),
        }
    }

    /// What it consists of now on a platform.
    pub(super) fn content(&self, platform: &Platform) -> Option<&Content> {
        self.current.as_ref().ok()?.content(platform)
    }

    /// The reference without its digest, for people.
    pub(super) fn shown(&self) -> String {
        shown(&self.reference)
    }
}

/// A reference without its digest, for people.
pub(super) fn shown(reference: &Reference) -> String {
    match &reference.tag {
        Some(tag) => format!("{}:{tag}", reference.name),
        None => reference.name.to_string(),
    }
}
