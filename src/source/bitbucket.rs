//! Bitbucket Pipelines: the images of builds, steps and services, and pipes that run an image.
//!
//! Source: the Bitbucket Pipelines configuration reference. A pipe by name is a repository and not an image.

use super::fields::{Fields, read_documents};
use super::found::Found;
use super::located::ReferenceKind;
use super::sources::FileText;
use super::yaml::Node;

/// Whether a path, in lower case, is that of such a definition.
pub(super) fn is_path(path: &str) -> bool {
    matches!(path, "bitbucket-pipelines.yml" | "bitbucket-pipelines.yaml")
}

/// The references of a definition.
pub(crate) fn read(file: &FileText<'_>) -> Found {
    read_documents(file, |fields, root| {
        image(fields, root);
        let definitions = root.get("definitions");
        let services = definitions.and_then(|it| it.get("services"));
        for (_, service) in services.map(Node::entries).unwrap_or_default() {
            image(fields, service);
        }
        if let Some(steps) = definitions.and_then(|it| it.get("steps")) {
            pipelines(fields, steps);
        }
        if let Some(all) = root.get("pipelines") {
            pipelines(fields, all);
        }
    })
}

/// The steps below a node: pipelines nest them in branches, stages and parallel groups.
fn pipelines<'a>(fields: &mut Fields<'a>, node: Node<'a>) {
    for (key, value) in node.entries() {
        match key.text().is_some_and(|key| key.value() == "step") && value.is_map() {
            true => step(fields, value),
            false => pipelines(fields, value),
        }
    }
    for item in node.items() {
        pipelines(fields, item);
    }
}

fn step<'a>(fields: &mut Fields<'a>, step: Node<'a>) {
    image(fields, step);
    for script in ["script", "after-script"] {
        for command in step.list(script) {
            let pipe = command.get("pipe").and_then(Node::text);
            if pipe.is_some_and(|pipe| pipe.value().starts_with(PIPE)) {
                fields.behind(command, "pipe", PIPE, ReferenceKind::BitbucketPipe);
            }
        }
    }
}

/// What leads the image of a pipe.
const PIPE: &str = "docker://";

/// `image`, as a text or as a map with `name`.
fn image<'a>(fields: &mut Fields<'a>, of: Node<'a>) {
    let kind = ReferenceKind::BitbucketImage;
    match of.get("image").filter(|image| image.is_map()) {
        Some(image) => fields.whole(image, "name", kind),
        None => fields.whole(of, "image", kind),
    }
}
