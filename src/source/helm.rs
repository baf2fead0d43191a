//! Values of Helm charts.
//!
//! Charts decide on their own what values mean; by habit a key that ends in `image` holds an image: as a text, or as a
//! map of `registry`, `repository`, `tag` (or `version`) and `digest`. A file of values is read if it is beside a
//! `Chart.yaml`.

use super::fields::{Fields, Parts};
use super::found::Found;
use super::located::ReferenceKind;
use super::paths::{file_at, folder_of};
use super::sources::{FileText, Reach};
use super::yaml::{Node, Scalar, Yaml};
use crate::image::Reference;

/// Whether a file's name, in lower case, is that of values.
pub(super) fn is_values(file: &str) -> bool {
    file.starts_with("values") && (file.ends_with(".yaml") || file.ends_with(".yml"))
}

/// Whether a file's name, in lower case, is that of a chart's description.
pub(super) fn is_chart(file: &str) -> bool {
    file == "chart.yaml"
}

/// The references of a file of values.
pub(crate) fn read(file: &FileText<'_>, reach: &mut Reach<'_>) -> Found {
    let chart = file_at(folder_of(file.path), "Chart.yaml");
    let mut found = Found::default();
    if chart.is_none_or(|chart| reach.read(&chart).is_none()) {
        return found;
    }
    let yaml = Yaml::read(&file.text, file.base);
    let mut fields = Fields::new(&yaml, &mut found);
    for root in fields.documents() {
        values(&mut fields, root);
    }
    fields.finish();
    found
}

/// The references in the values of a chart.
pub(super) fn values<'a>(fields: &mut Fields<'a>, root: Node<'a>) {
    let global = root
        .get("global")
        .and_then(|global| global.get("imageRegistry"));
    let global = global
        .and_then(Node::text)
        .filter(|registry| !registry.value().is_empty());
    below(fields, root, global);
}

fn below<'a>(fields: &mut Fields<'a>, node: Node<'a>, global: Option<Scalar<'a>>) {
    for (key, value) in node.entries() {
        let names_image = key.text().is_some_and(|key| ends_in_image(key.value()));
        match value.text() {
            None if names_image && value.is_map() => parts(fields, value, global),
            Some(text) if names_image && is_versioned(text) => {
                fields.push_text(ReferenceKind::HelmImage, text);
            }
            _ => {}
        }
        below(fields, value, global);
    }
    for item in node.items() {
        below(fields, item, global);
    }
}

fn ends_in_image(key: &str) -> bool {
    let end = key
        .len()
        .checked_sub("image".len())
        .and_then(|at| key.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case("image"))
}

/// Whether a text is a reference with a tag or a digest; others can be anything.
fn is_versioned(text: Scalar<'_>) -> bool {
    let reference = Reference::parse(text.value());
    text.is_text() && reference.is_ok_and(|it| it.tag.is_some() || it.digest.is_some())
}

/// The reference of a map.
fn parts<'a>(fields: &mut Fields<'a>, map: Node<'a>, global: Option<Scalar<'a>>) {
    if map.get("repository").is_none() {
        return;
    }
    let name = fields.text(map, "repository");
    let tag = fields.text(
        map,
        if map.get("tag").is_some() {
            "tag"
        } else {
            "version"
        },
    );
    let digest = fields.text(map, "digest");
    let own = fields.text(map, "registry");
    // A repository can carry the registry itself.
    let has_registry = name.is_some_and(|name| {
        let first = name.value().split_once('/').map_or("", |(first, _)| first);
        first.contains(['.', ':']) || first == "localhost"
    });
    let no_digest = map.get("digest").and_then(Node::text);
    let parts = Parts {
        registry: own.or(global.filter(|_| !has_registry)),
        name,
        tag,
        digest,
        no_digest: no_digest.filter(|empty| empty.is_quoted() && empty.value().is_empty()),
        is_strict: false,
    };
    fields.parts(ReferenceKind::HelmImage, parts);
}
