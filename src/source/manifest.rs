//! Manifests of Kubernetes resources: files whose documents all have an `apiVersion` and a `kind`.
//!
//! The content decides, not the name, for each document on its own: one that is not a resource is passed over, and
//! reported if it looks as if it named an image. What is read in a resource depends on its kind: Helm values in those that hold
//! some, images of Kustomize in those of Flux, and containers of pods in all others.

use super::argo;
use super::fields::Fields;
use super::found::Found;
use super::helm;
use super::k8s;
use super::kustomize;
use super::lines::Lines;
use super::scan::readable;
use super::sources::{FileText, Reach};
use super::tekton;
use super::unread::not_read;
use super::yaml::{Node, Yaml};
use std::ops::Range;

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

/// The references of manifests. In a file that `include` names, every document is read.
pub(crate) fn read(file: &FileText<'_>, reach: &Reach<'_>) -> Found {
    let yaml = Yaml::read(&file.text, file.base);
    let mut found = Found::default();
    let mut fields = Fields::new(&yaml, &mut found);
    let documents = fields.documents();
    let is_named = reach.is_named(file.path);
    let ends = documents.iter().skip(1).map(|root| Some(root.line()));
    let mut foreign: Vec<Range<usize>> = Vec::new();
    for (root, end) in documents.iter().zip(ends.chain([None])) {
        let before = fields.count();
        match is_resource(*root) {
            true => resource(&mut fields, *root),
            false if is_named => k8s::pods(&mut fields, *root),
            false => {}
        }
        if !root.is_null() && !is_resource(*root) && fields.count() == before {
            foreign.push(root.line()..end.unwrap_or(usize::MAX));
        }
    }
    fields.finish();
    let lines = Lines::new(&file.text);
    for document in foreign {
        let start = lines.at(document.start).map_or(0, |(start, _)| start);
        let end = lines.at(document.end);
        let end = end.map_or(file.text.len(), |(end, _)| end);
        let told = not_read(file.path, &file.text[start..end], document.start);
        found.told.extend(told.map(|told| (file.base, told)));
    }
    found
}

fn is_resource(root: Node<'_>) -> bool {
    text(root, "apiVersion").is_some() && text(root, "kind").is_some()
}

fn text<'a>(of: Node<'a>, key: &str) -> Option<&'a str> {
    Some(of.get(key)?.text()?.value())
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
            if let Some(values) = root.at(&["spec", "values"]) {
                helm::values(fields, values, None);
            }
            for renderer in root
                .at(&["spec", "postRenderers"])
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
            if let Some(template) = root.at(&["spec", "template"]) {
                application(fields, template);
            }
        }
        ("argoproj.io", kind) if argo::is_workflow(kind) => argo::workflow(fields, root),
        ("tekton.dev" | "triggers.tekton.dev", _) => tekton::resource(fields, root),
        (group, kind) => k8s::resource(fields, root, group, kind),
    }
}

/// The Helm values and the images of Kustomize of an Argo CD Application.
fn application<'a>(fields: &mut Fields<'a>, root: Node<'a>) {
    let one = root.at(&["spec", "source"]).into_iter();
    let several = root
        .at(&["spec", "sources"])
        .into_iter()
        .flat_map(Node::items);
    for source in one.chain(several) {
        if let Some(kustomize) = source.get("kustomize") {
            kustomize::texts(fields, kustomize);
        }
        let Some(helm) = source.get("helm") else {
            continue;
        };
        if let Some(values) = helm.get("valuesObject") {
            helm::values(fields, values, None);
        }
        if let Some(values) = helm.get("values").and_then(Node::text) {
            fields.within(values, |fields| {
                for root in fields.documents() {
                    helm::values(fields, root, None);
                }
            });
        }
    }
}
