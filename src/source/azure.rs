//! Azure Pipelines: container resources, and the containers of jobs.
//!
//! Source: the Azure Pipelines YAML schema. A job names a container resource or an image. What is between `${{ }}` or
//! `$( )` is evaluated by Azure.

use super::fields::{Fields, read_documents};
use super::found::Found;
use super::located::ReferenceKind;
use super::placeholder::Meaning;
use super::sources::FileText;
use super::yaml::Node;
use std::collections::HashSet;

/// Whether a path, in lower case, is that of such a definition.
pub(super) fn is_path(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    (path.ends_with(".yml") || path.ends_with(".yaml"))
        && (path.starts_with(".azuredevops/") || file.starts_with("azure-pipelines"))
}

/// The references of a definition.
pub(crate) fn read(file: &FileText<'_>) -> Found {
    read_documents(file, |fields, root| {
        let resources = root.get("resources").into_iter();
        let resources: Vec<Node<'_>> = resources.flat_map(|it| it.list("containers")).collect();
        for resource in &resources {
            image(fields, *resource, "image");
        }
        let names = resources
            .iter()
            .filter_map(|it| Some(it.get("container")?.text()?.value()));
        jobs(fields, root, &names.collect());
    })
}

/// The containers of a job, or of the jobs inside of it.
fn jobs<'a>(fields: &mut Fields<'a>, of: Node<'a>, resources: &HashSet<&str>) {
    container(fields, of, "container", resources);
    let services = of.get("services").map(Node::entries).unwrap_or_default();
    if let Some(services) = of.get("services").filter(|_| !services.is_empty()) {
        for (name, _) in services.entries() {
            if let Some(name) = name.text() {
                container(fields, services, name.value(), resources);
            }
        }
    }
    for key in ["stages", "jobs"] {
        for inner in of.list(key) {
            jobs(fields, inner, resources);
        }
    }
    // `${{ if … }}:` holds what is used if the condition holds.
    for (key, value) in of.entries() {
        if key.text().is_some_and(|key| key.value().starts_with("${{")) {
            jobs(fields, value, resources);
            for inner in value.items() {
                jobs(fields, inner, resources);
            }
        }
    }
}

fn container<'a>(fields: &mut Fields<'a>, of: Node<'a>, key: &str, resources: &HashSet<&str>) {
    let Some(node) = of.get(key) else {
        return;
    };
    if node.is_map() {
        return image(fields, node, "image");
    }
    // A word can also be a resource of another file.
    let is_name = node.text().is_some_and(|text| {
        resources.contains(text.value()) || !text.value().contains([':', '/', '@', '$'])
    });
    if !is_name || node.is_list() {
        image(fields, of, key);
    }
}

fn image<'a>(fields: &mut Fields<'a>, of: Node<'a>, key: &str) {
    let kind = ReferenceKind::AzureImage;
    let text = of
        .get(key)
        .and_then(Node::text)
        .map_or("", |text| text.value());
    let delimiters = if text.contains("${{") {
        ("${{", "}}")
    } else {
        ("$(", ")")
    };
    fields.filled(of, key, kind, delimiters, &mut |_, _| Meaning::Expression);
}
