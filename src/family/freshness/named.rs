//! The three kinds of evidence that name the digest of the base: the pin in git, provenance, annotations.

use super::answer::Rung;
use super::content::Content;
use super::parent::{Parent, shown};
use crate::image::{Digest, Platform, Reference};
use crate::repo::CommitId;
use crate::source::Role;
use std::collections::BTreeMap;

/// The parents that a repository named at the commit that an image is built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Then {
    /// The commit that the image is built from.
    pub commit: CommitId,
    /// The parents, each with its role in the build; `None` for a reference that cannot be read.
    pub parents: Vec<(Role, Option<Reference>)>,
}

/// A digest that one kind of evidence names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// The kind of evidence.
    pub rung: Rung,
    /// The digests; several if it is ambiguous which one is the parent's.
    pub digests: Vec<Digest>,
    /// The source of the digest, for messages.
    pub by: String,
    /// The former parent, if it has changed since.
    pub was: Option<String>,
}

/// The digest pinned at the commit that the image is built from.
pub(super) fn pin(parent: &Parent, then: Option<&Then>) -> Option<Named> {
    let then = then?;
    let by = format!("commit {}", then.commit.short());
    let was = |was: String| Named {
        rung: Rung::GitPin,
        digests: Vec::new(),
        by: by.clone(),
        was: Some(was),
    };
    let reference = match parent.role {
        Role::Base => {
            let base = then.parents.iter().find(|(role, _)| *role == Role::Base);
            let Some((_, reference)) = base else {
                return Some(was("scratch".to_owned()));
            };
            reference.as_ref()?
        }
        // A stage is matched by its image alone: its name and position may have changed since.
        Role::Stage => {
            let named = || {
                let all = then.parents.iter().filter_map(|(_, found)| found.as_ref());
                all.filter(|found| parent.is(&found.name))
            };
            let same = named().find(|found| parent.has_tag(found.tag.as_ref()));
            same.or_else(|| named().next())?
        }
    };
    let is_same = parent.is(&reference.name) && parent.has_tag(reference.tag.as_ref());
    match (&reference.digest, is_same) {
        (Some(digest), _) => Some(Named {
            rung: Rung::GitPin,
            digests: vec![digest.clone()],
            by,
            was: (!is_same).then(|| shown(reference)),
        }),
        // A tag alone does not show which content it pointed at.
        (None, true) => None,
        (None, false) => Some(was(shown(reference))),
    }
}

/// The digest in provenance, which lists every image of the build.
pub(super) fn material(parent: &Parent, materials: &[Reference]) -> Option<Named> {
    let all = || materials.iter().filter(|found| parent.is(&found.name));
    let same: Vec<&Reference> = all()
        .filter(|found| parent.has_tag(found.tag.as_ref()))
        .collect();
    let (found, is_same) = match same.is_empty() {
        false => (same, true),
        true => (all().collect(), false),
    };
    let first = *found.first()?;
    Some(Named {
        rung: Rung::Provenance,
        digests: found
            .iter()
            .filter_map(|found| found.digest.clone())
            .collect(),
        by: "provenance".to_owned(),
        was: (!is_same).then(|| shown(first)),
    })
}

const NAME: &str = "org.opencontainers.image.base.name";
const DIGEST: &str = "org.opencontainers.image.base.digest";

/// The digest in the annotations of the manifest, or else in the labels. A digest of the parent itself is proof,
/// whatever name is written with it: an image cannot have inherited its own parent's digest from that parent.
pub(super) fn annotation(child: &Content, parent: &Parent, platform: &Platform) -> Option<Named> {
    let current = parent.current.as_ref().ok();
    let digest =
        |all: &BTreeMap<String, String>| all.get(DIGEST).and_then(|text| Digest::parse(text).ok());
    let name =
        |all: &BTreeMap<String, String>| all.get(NAME).and_then(|text| Reference::parse(text).ok());
    let is_current =
        |digest: &Digest| current.is_some_and(|now| now.has_digest(digest, Some(platform)));
    let named = |by: &str, digest: Digest, was: Option<String>| Named {
        rung: Rung::Annotation,
        digests: vec![digest],
        by: by.to_owned(),
        was,
    };
    if let Some(digest) = digest(&child.annotations) {
        let name = name(&child.annotations).filter(|name| parent.is(&name.name));
        match name {
            Some(name) => {
                let is_same = parent.has_tag(name.tag.as_ref());
                let was = (!is_same).then(|| shown(&name));
                return Some(named("annotation", digest, was));
            }
            None if is_current(&digest) => return Some(named("annotation", digest, None)),
            None => {}
        }
    }
    let digest = digest(&child.labels)?;
    let inherited = parent
        .content(platform)
        .is_some_and(|parent| parent.labels.get(DIGEST) == child.labels.get(DIGEST));
    let speaks_of_it = name(&child.labels)
        .is_some_and(|name| parent.is(&name.name) && parent.has_tag(name.tag.as_ref()));
    let believed = is_current(&digest) || speaks_of_it && !inherited;
    believed.then(|| named("label", digest, None))
}
