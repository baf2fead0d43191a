//! Kustomizations: the entries of `images`.
//!
//! Source: the Kustomize reference, "images". An entry changes the name, tag and digest of an image of the resources; it
//! is a reference if it has a new name, a tag or a digest. `newTag` has to be a string. In an Argo CD Application the
//! entries are texts: `name=new-name:tag`.

use super::fields::{Fields, Parts, read_documents};
use super::found::Found;
use super::located::ReferenceKind;
use super::sources::FileText;
use super::yaml::Node;
use crate::image::Reference;

/// Whether a file's name, in lower case, is that of a kustomization.
pub(super) fn is_name(file: &str) -> bool {
    matches!(
        file,
        "kustomization.yaml" | "kustomization.yml" | "kustomization"
    )
}

/// The references of a kustomization.
pub(crate) fn read(file: &FileText<'_>) -> Found {
    read_documents(file, |fields, root| {
        let kind = root.get("kind").and_then(Node::text);
        let is_other = |kind: &str| !matches!(kind, "Kustomization" | "Component");
        if !kind.is_some_and(|kind| is_other(kind.value())) {
            images(fields, root);
        }
    })
}

/// The entries of `images`.
pub(super) fn images<'a>(fields: &mut Fields<'a>, of: Node<'a>) {
    for entry in of.get("images").into_iter().flat_map(Node::items) {
        if !entry.is_map() {
            fields.pass(entry.line(), "an entry of `images` is not a map".to_owned());
            continue;
        }
        let old = fields.text(entry, "name");
        let new = fields.text(entry, "newName");
        let tag = fields.text(entry, "newTag");
        let digest = fields.text(entry, "digest");
        let parts = Parts {
            name: new.or(old),
            tag,
            digest,
            is_strict: true,
            ..Parts::default()
        };
        match (new, parts.tag.or(digest)) {
            (_, Some(_)) => fields.parts(ReferenceKind::KustomizeImage, parts),
            (Some(name), None) if is_versioned(name.value()) => {
                fields.whole(entry, "newName", ReferenceKind::KustomizeImage);
            }
            (Some(name), None) => fields.bare_name(ReferenceKind::KustomizeImage, name),
            (None, None) => {}
        }
    }
}

/// The entries of `images` that are texts.
pub(super) fn texts<'a>(fields: &mut Fields<'a>, of: Node<'a>) {
    for entry in of.list("images") {
        let Some(text) = entry.text().filter(|text| text.is_short()) else {
            fields.pass(
                entry.line(),
                "an entry of `images` is not a text".to_owned(),
            );
            continue;
        };
        let prefix = text.value().split_once('=').map_or("", |(name, _)| name);
        let length = prefix.len() + usize::from(!prefix.is_empty());
        let (prefix, image) = text.value().split_at(length);
        if !prefix.is_empty() || is_versioned(image) {
            fields.text_behind(text, prefix, ReferenceKind::KustomizeImage);
        }
    }
}

/// Whether a name carries a tag or a digest.
fn is_versioned(name: &str) -> bool {
    let reference = Reference::parse(name);
    reference.is_ok_and(|reference| reference.tag.is_some() || reference.digest.is_some())
}
