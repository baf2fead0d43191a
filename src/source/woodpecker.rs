//! Woodpecker, Crow, Drone and Vela: the images of steps and services.
//!
//! Source: the documentations' pages on the syntax of workflows and pipelines. What is written as `${X}` is filled in by
//! the CI and not known. Drone has one document for each pipeline.

use super::fields::{Fields, read_documents};
use super::found::Found;
use super::located::ReferenceKind;
use super::placeholder::Meaning;
use super::sources::FileText;
use super::yaml::Node;

/// Whether a path, in lower case, is that of such a definition.
pub(super) fn is_path(path: &str) -> bool {
    let Some(stem) = path.strip_suffix(".yml").or(path.strip_suffix(".yaml")) else {
        return false;
    };
    [".woodpecker", ".crow", ".drone", ".vela"].contains(&stem)
        || [".woodpecker/", ".crow/"]
            .iter()
            .any(|folder| stem.starts_with(folder))
}

/// The references of a definition.
pub(crate) fn read(file: &FileText<'_>) -> Found {
    read_documents(file, |fields, root| {
        let kind = root.get("kind").and_then(Node::text);
        if kind.is_some_and(|kind| kind.value() != "pipeline") {
            return;
        }
        pipeline(fields, root);
        for (_, stage) in root.get("stages").map(Node::entries).unwrap_or_default() {
            pipeline(fields, stage);
        }
    })
}

fn pipeline<'a>(fields: &mut Fields<'a>, of: Node<'a>) {
    for steps in ["clone", "steps", "pipeline", "services"]
        .iter()
        .filter_map(|key| of.get(key))
    {
        let named = steps.entries().into_iter().map(|(_, step)| step);
        let all: Vec<Node<'a>> = steps.items().chain(named).collect();
        for step in all {
            let kind = ReferenceKind::WoodpeckerImage;
            fields.filled(step, "image", kind, ("${", "}"), &mut |_, _| {
                Meaning::Unknown
            });
        }
    }
}
