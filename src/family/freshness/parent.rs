//! A parent of an image, and what is known about it.

use super::answer::Code;
use super::content::{Content, Published};
use crate::image::{Digest, ImageName, Platform, Reference, Tag};
use crate::source::Role;
use std::collections::BTreeMap;

/// A parent as the repository names it now, with its content in the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// The reference, with variables substituted.
    pub reference: Reference,
    /// The name in the registry, if the file uses an alias.
    pub resolved: ImageName,
    /// Its role in the build.
    pub role: Role,
    /// The value of `--platform`, variables not substituted.
    pub platform: Option<String>,
    /// What it points at now, or why that is not known.
    pub current: Result<Published, (Code, String)>,
    /// Digests that it pointed at before, the newest first.
    pub older: Vec<Digest>,
    /// The contents of other digests that were fetched; `None` for a digest that no longer exists.
    pub known: BTreeMap<Digest, Option<Published>>,
}

impl Parent {
    /// Whether a name is that of this parent.
    pub(super) fn is(&self, name: &ImageName) -> bool {
        *name == self.reference.name || *name == self.resolved
    }

    /// Whether the reference has this tag; a missing tag means `latest`, as in a build.
    pub(super) fn has_tag(&self, tag: Option<&Tag>) -> bool {
        let text = |tag: Option<&Tag>| tag.map_or("latest", Tag::as_str).to_owned();
        text(self.reference.tag.as_ref()) == text(tag)
    }

    /// The platform for which it is pulled in a build for `target`; `None` if only the builder knows.
    pub fn platform_for(&self, target: &Platform) -> Option<Platform> {
        match self.platform.as_deref() {
            None | Some("$TARGETPLATFORM" | "${TARGETPLATFORM}") => Some(target.clone()),
            Some(text) => Platform::parse(text).ok(),
        }
    }

    /// Its current content on a platform.
    pub(super) fn content(&self, platform: &Platform) -> Option<&Content> {
        self.current.as_ref().ok()?.content(platform)
    }

    /// The reference without its digest, for messages.
    pub(super) fn shown(&self) -> String {
        shown(&self.reference)
    }
}

/// A reference without its digest, for messages.
pub(super) fn shown(reference: &Reference) -> String {
    match &reference.tag {
        Some(tag) => format!("{}:{tag}", reference.name),
        None => reference.name.to_string(),
    }
}
