//! Pods in Kubernetes resources.
//!
//! Source: the Kubernetes API, PodSpec. The lists of containers are found at any depth: pod templates are in every kind
//! of workload, and in custom resources too. Other images of custom resources need a comment.

use super::fields::Fields;
use super::located::ReferenceKind;
use super::yaml::Node;

/// The lists of containers in a pod.
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

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
