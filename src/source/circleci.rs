//! CircleCI: the images of jobs and executors.
//!
//! Source: the CircleCI configuration reference. `<< parameters.x >>` is the default of the job's or executor's
//! parameter, which a caller can replace. Images of machines are not container images.

use super::fields::{Fields, read_documents};
use super::found::Found;
use super::located::ReferenceKind;
use super::placeholder::Meaning;
use super::sources::FileText;
use super::yaml::Node;

/// Whether a path, in lower case, is that of such a configuration.
pub(super) fn is_path(path: &str) -> bool {
    path.starts_with(".circleci/") && (path.ends_with(".yml") || path.ends_with(".yaml"))
}

/// The references of a configuration.
pub(crate) fn read(file: &FileText<'_>) -> Found {
    read_documents(file, |fields, root| {
        configuration(fields, root);
        // An orb in the file is a configuration of its own.
        for (_, orb) in root.get("orbs").map(Node::entries).unwrap_or_default() {
            configuration(fields, orb);
        }
    })
}

fn configuration<'a>(fields: &mut Fields<'a>, of: Node<'a>) {
    for group in ["aliases", "executors", "jobs"]
        .iter()
        .filter_map(|key| of.get(key))
    {
        let named = group.entries().into_iter().map(|(_, value)| value);
        let all: Vec<Node<'a>> = group.items().chain(named).collect();
        for of in all {
            job(fields, of);
        }
    }
}

/// The images of a job or an executor.
fn job<'a>(fields: &mut Fields<'a>, job: Node<'a>) {
    let Some(docker) = job.get("docker") else {
        return;
    };
    if !docker.is_list() && !docker.is_null() {
        fields.pass(docker.line(), "`docker` is not a list".to_owned());
    }
    for container in docker.items() {
        let kind = ReferenceKind::CircleciImage;
        fields.filled(
            container,
            "image",
            kind,
            ("<<", ">>"),
            &mut |fields, inner| {
                let Some(name) = inner.strip_prefix("parameters.") else {
                    return Meaning::Expression;
                };
                let default = job
                    .at(&["parameters", name, "default"])
                    .and_then(Node::text);
                fields.parameter(name, default, "<<")
            },
        );
    }
}
