//! The three rungs that name the digest that an image was built on: the pin in git, provenance, annotations.

use super::answer::Rung;
use super::content::Content;
use super::parent::{Parent, shown};
use crate::image::{Digest, Platform, Reference};
use crate::repo::CommitId;
use crate::source::Role;
use std::collections::BTreeMap;

/// What a repository named as parents at the commit that an image is built from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Then {
    /// The commit.
    pub commit: CommitId,
    /// The parents, and what each was for the build; `None` for a reference that cannot be read.
    pub parents: Vec<(Role, Option<Reference>)>,
}

/// What a rung names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// The rung.
    pub rung: Rung,
    /// The digests; several where it cannot be told which of them is meant.
    pub digests: Vec<Digest>,
    /// What says so, for people.
    pub by: String,
    /// What the parent was then, where it is another one now.
    pub was: Option<String>,
}

/// What the commit that the image is built from names.
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
        // A stage is found again by its image: nothing else of it need have stayed.
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
        // A tag alone does not say which content it stood for.
        (None, true) => None,
        (None, false) => Some(was(shown(reference))),
    }
}

/// What provenance names: every image of the build, with its digest.
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

/// What the annotations of the manifest, or else the labels, name. A digest that is the parent's is proof whatever
/// stands beside it: an image cannot have inherited its own parent's digest from it.
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
