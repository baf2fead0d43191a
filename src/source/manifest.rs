//! Manifests of Kubernetes resources: files whose documents all have an `apiVersion` and a `kind`.
//!
//! The content decides, not the name. What is read in a resource depends on its kind: Helm values in those that hold
//! some, images of Kustomize in those of Flux, and containers of pods in all others.

use super::fields::Fields;
use super::found::Found;
use super::helm;
use super::k8s;
use super::kustomize;
use super::scan::readable;
use super::sources::FileText;
use super::yaml::{Node, Yaml};

/// Whether a file's name, in lower case, can be that of a manifest.
pub(super) fn is_name(file: &str) -> bool {
    [".yaml", ".yml", ".json"]
        .iter()
        .any(|ending| file.ends_with(ending))
}

/// Whether a file may hold manifests, without parsing it.
pub(super) fn is_likely(contents: &[u8]) -> bool {
    let text = readable(contents);
    text.contains("apiVersion") && text.contains("kind")
}

/// The references of manifests.
pub(crate) fn read(file: &FileText<'_>) -> Found {
    let yaml = Yaml::read(&file.text, file.base);
    let mut found = Found::default();
    let mut fields = Fields::new(&yaml, &mut found);
    let documents = fields.documents();
    if documents
        .iter()
        .filter(|root| !root.is_null())
        .all(|root| is_resource(*root))
    {
        for root in documents {
            resource(&mut fields, root);
        }
    } else {
        found = Found::default();
    }
    Fields::new(&yaml, &mut found).finish();
    found
}

fn is_resource(root: Node<'_>) -> bool {
    text(root, "apiVersion").is_some() && text(root, "kind").is_some()
}

fn text<'a>(of: Node<'a>, key: &str) -> Option<&'a str> {
    Some(of.get(key)?.text()?.value())
}

/// The value at the end of a path of keys.
fn at<'a>(of: Node<'a>, path: &[&str]) -> Option<Node<'a>> {
    path.iter().try_fold(of, |node, key| node.get(key))
}

/// Reads a resource.
fn resource<'a>(fields: &mut Fields<'a>, root: Node<'a>) {
    let version = text(root, "apiVersion").unwrap_or_default();
    let group = version.split('/').next().unwrap_or_default();
    match (group, text(root, "kind").unwrap_or_default()) {
        // Their items are resources.
        (_, "List") => {
            for item in root.get("items").into_iter().flat_map(Node::items) {
                resource(fields, item);
            }
        }
        // Texts that are data, and schemas in which properties have the names of fields.
        ("v1", "ConfigMap" | "Secret") | ("apiextensions.k8s.io", _) => {}
        ("helm.toolkit.fluxcd.io", "HelmRelease") => {
            if let Some(values) = at(root, &["spec", "values"]) {
                helm::values(fields, values);
            }
            for renderer in at(root, &["spec", "postRenderers"])
                .into_iter()
                .flat_map(Node::items)
            {
                if let Some(kustomize) = renderer.get("kustomize") {
                    kustomize::images(fields, kustomize);
                }
            }
        }
        ("kustomize.toolkit.fluxcd.io", "Kustomization") => {
            if let Some(spec) = root.get("spec") {
                kustomize::images(fields, spec);
            }
        }
        ("argoproj.io", "Application") => application(fields, root),
        ("argoproj.io", "ApplicationSet") => {
            if let Some(template) = at(root, &["spec", "template"]) {
                application(fields, template);
            }
        }
        _ => k8s::pods(fields, root),
    }
}

/// The Helm values of an Argo CD Application.
fn application<'a>(fields: &mut Fields<'a>, root: Node<'a>) {
    let one = at(root, &["spec", "source"]).into_iter();
    let several = at(root, &["spec", "sources"])
        .into_iter()
        .flat_map(Node::items);
    for helm in one.chain(several).filter_map(|source| source.get("helm")) {
        if let Some(values) = helm.get("valuesObject") {
            helm::values(fields, values);
        }
        if let Some(values) = helm.get("values").and_then(Node::text) {
            fields.within(values, |fields| {
                for root in fields.documents() {
                    helm::values(fields, root);
                }
            });
        }
    }
}
