//! Pods in Kubernetes resources.
//!
//! Source: the Kubernetes API, PodSpec. The lists of containers are found at any depth: pod templates are in every kind
//! of workload, and in custom resources too. Of the other fields of custom resources, those of a few well-known kinds are
//! read; the rest need a comment or a `[[source]]`.

use super::fields::{Fields, Parts};
use super::located::ReferenceKind;
use super::yaml::{Node, Scalar};
use crate::image::Reference;

/// The lists of containers in a pod.
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// The fields of `spec` that are images, by the API group and the kind of a custom resource.
const CUSTOM: [(&str, &str, &str); 6] = [
    ("argoproj.io", "ArgoCD", "image"),
    ("postgresql.cnpg.io", "Cluster", "imageName"),
    ("monitoring.coreos.com", "Alertmanager", "image"),
    ("monitoring.coreos.com", "Prometheus", "image"),
    ("monitoring.coreos.com", "PrometheusAgent", "image"),
    ("monitoring.coreos.com", "ThanosRuler", "image"),
];

/// The images of a resource: those of its pods, and of the fields that its kind has for images.
pub(super) fn resource<'a>(fields: &mut Fields<'a>, root: Node<'a>, group: &str, kind: &str) {
    let of_kind = CUSTOM
        .iter()
        .filter(|(known, name, _)| *known == group && *name == kind);
    for (_, _, key) in of_kind {
        match root.get("spec") {
            Some(spec) if kind == "ArgoCD" => argo_cd(fields, spec),
            Some(spec) => fields.whole(spec, key, ReferenceKind::K8sImage),
            None => {}
        }
    }
    pods(fields, root);
}

/// The image of Argo CD's operator: the tag is in `version`, if it is not in the image.
fn argo_cd<'a>(fields: &mut Fields<'a>, spec: Node<'a>) {
    let is_bare = |name: &Scalar<'_>| {
        let reference = Reference::parse(name.value());
        reference.is_ok_and(|it| it.tag.is_none() && it.digest.is_none())
    };
    let name = spec.get("image").and_then(Node::text).filter(is_bare);
    let version = spec.get("version").and_then(Node::text);
    if name.is_none() || version.is_none() {
        return fields.whole(spec, "image", ReferenceKind::K8sImage);
    }
    let parts = Parts {
        name: fields.string(spec, "image"),
        tag: fields.text(spec, "version"),
        is_strict: true,
        ..Parts::default()
    };
    fields.parts(ReferenceKind::K8sImage, parts);
}

/// The images of all pods in a resource.
pub(super) fn pods<'a>(fields: &mut Fields<'a>, node: Node<'a>) {
    let lists = CONTAINERS.iter().filter_map(|key| node.get(key));
    let lists: Vec<Node<'_>> = lists.filter(|list| list.is_list()).collect();
    for container in lists.iter().flat_map(|list| list.items()) {
        fields.whole(container, "image", ReferenceKind::K8sImage);
    }
    if !lists.is_empty() {
        for volume in node.get("volumes").into_iter().flat_map(Node::items) {
            if let Some(image) = volume.get("image") {
                fields.whole(image, "reference", ReferenceKind::K8sVolume);
            }
        }
    }
    for (_, value) in node.entries() {
        pods(fields, value);
    }
    for item in node.items() {
        pods(fields, item);
    }
}
