//! Manifests of Kubernetes resources: files whose documents all have an `apiVersion` and a `kind`.
//!
//! The content decides, not the name. What is read in a resource depends on its kind: Helm values in those that hold
//! some, images of Kustomize in those of Flux, and containers of pods in all others.

use super::argo;
use super::fields::Fields;
use super::found::Found;
use super::helm;
use super::k8s;
use super::kustomize;
use super::scan::readable;
use super::sources::FileText;
use super::tekton;
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
    let mut named = documents.iter().filter(|root| !root.is_null());
    if !named.all(|root| is_resource(*root)) {
        return Found::default();
    }
    for root in documents {
        resource(&mut fields, root);
    }
    fields.finish();
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
                helm::values(fields, values);
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
        _ => k8s::pods(fields, root),
    }
}

/// The Helm values of an Argo CD Application.
fn application<'a>(fields: &mut Fields<'a>, root: Node<'a>) {
    let one = root.at(&["spec", "source"]).into_iter();
    let several = root
        .at(&["spec", "sources"])
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
