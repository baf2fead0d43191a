//! Values of Helm charts.
//!
//! Charts decide on their own what values mean; by habit a key that ends in `image` holds an image: as a text, or as a
//! map of `registry`, `repository`, `tag` (or `version`) and `digest`, or as a text with a `tag` beside it. A file of
//! values is read if it is beside a `Chart.yaml`, or if `include` names it. The values of a chart are merged over its
//! `values.yaml`: what a file does not name is named there.

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
    let folder = folder_of(file.path);
    let chart = file_at(folder, "Chart.yaml");
    let has_chart = chart.is_some_and(|chart| reach.read(&chart).is_some());
    if !has_chart && !reach.is_named(file.path) {
        return Found::default();
    }
    let base = file_at(folder, "values.yaml").filter(|base| has_chart && base != file.path);
    let base = base.and_then(|base| reach.read_if_room(&base));
    let base = base.as_ref().map(|base| Yaml::read(&base.text, base.base));
    let yaml = Yaml::read(&file.text, file.base);
    let mut found = Found::default();
    let mut fields = Fields::new(&yaml, &mut found);
    for root in fields.documents() {
        let base = base.as_ref().and_then(|base| base.roots().next());
        values(&mut fields, root, base);
    }
    fields.finish();
    found
}

/// The references in the values of a chart, which are merged over those of `base`.
pub(super) fn values<'a>(fields: &mut Fields<'a>, root: Node<'a>, base: Option<Node<'a>>) {
    let global = |root: Node<'a>| {
        let registry = root.at(&["global", "imageRegistry"])?.text()?;
        (registry.is_short() && !registry.value().is_empty()).then_some(registry)
    };
    let global = global(root).or(base.and_then(global));
    below(fields, root, base, global);
}

fn below<'a>(
    fields: &mut Fields<'a>,
    node: Node<'a>,
    base: Option<Node<'a>>,
    global: Option<Scalar<'a>>,
) {
    for (key, value) in node.entries() {
        let name = key.text().map_or("", Scalar::value);
        let base = base.and_then(|base| base.get(name));
        match value.text() {
            _ if !ends_in_image(name) => {}
            None => parts(fields, (key, value), base, global),
            Some(text) if is_image(text, true) => {
                fields.push_text(ReferenceKind::HelmImage, text);
            }
            Some(text) if is_image(text, false) => pair(fields, node, (key, text), global),
            Some(_) => {}
        }
        below(fields, value, base, global);
    }
    for item in node.items() {
        below(fields, item, None, global);
    }
}

fn ends_in_image(key: &str) -> bool {
    let end = key
        .len()
        .checked_sub("image".len())
        .and_then(|at| key.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case("image"))
}

/// Whether a text is a reference that has a tag or a digest, or one that has neither and can be anything.
fn is_image(text: Scalar<'_>, is_versioned: bool) -> bool {
    text.is_short() && text.is_text() && {
        let reference = Reference::parse(text.value());
        reference.is_ok_and(|it| is_versioned == (it.tag.is_some() || it.digest.is_some()))
    }
}

/// Whether a name has a host itself.
fn has_registry(name: Scalar<'_>) -> bool {
    let first = name.value().split_once('/').map_or("", |(first, _)| first);
    first.contains(['.', ':']) || first == "localhost"
}

/// The reference of a name whose tag is beside it: `image` and `tag`, `webImage` and `webImageTag`.
fn pair<'a>(
    fields: &mut Fields<'a>,
    map: Node<'a>,
    (key, name): (Node<'a>, Scalar<'a>),
    global: Option<Scalar<'a>>,
) {
    let key = key.text().map_or("", Scalar::value);
    let is_only = key.eq_ignore_ascii_case("image");
    let beside = |part: &str| match is_only && map.get(part).is_some() {
        true => part.to_owned(),
        false => format!("{key}{}{}", part[..1].to_ascii_uppercase(), &part[1..]),
    };
    let (tag, digest) = (beside("tag"), beside("digest"));
    let parts = Parts {
        registry: global.filter(|_| !has_registry(name)),
        name: Some(name),
        tag: fields.text(map, &tag),
        digest: fields.text(map, &digest),
        ..Parts::default()
    };
    fields.parts(ReferenceKind::HelmImage, parts);
}

/// The reference of a map. A repository that it does not set is that of `base`, over which it is merged.
fn parts<'a>(
    fields: &mut Fields<'a>,
    (key, map): (Node<'a>, Node<'a>),
    base: Option<Node<'a>>,
    global: Option<Scalar<'a>>,
) {
    let inherited = |name: &str| {
        let text = base?.get(name)?.text()?;
        (text.is_short() && !text.is_null() && !text.value().is_empty()).then_some(text)
    };
    let name = match map.get("repository") {
        Some(_) => fields.text(map, "repository"),
        None => inherited("repository"),
    };
    let Some(name) = name else {
        return;
    };
    let tag = fields.text(
        map,
        if map.get("tag").is_some() {
            "tag"
        } else {
            "version"
        },
    );
    let digest = fields.text(map, "digest");
    let own = match map.get("registry") {
        Some(_) => fields.text(map, "registry"),
        None => inherited("registry"),
    };
    let no_digest = map.get("digest").and_then(Node::text);
    let parts = Parts {
        // A repository can carry the registry itself.
        registry: own.or(global.filter(|_| !has_registry(name))),
        name: Some(name),
        tag,
        head: Some(key.line()),
        digest,
        no_digest: no_digest.filter(|empty| empty.is_quoted() && empty.value().is_empty()),
        is_strict: false,
    };
    fields.parts(ReferenceKind::HelmImage, parts);
}
