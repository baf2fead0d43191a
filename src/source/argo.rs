//! Argo Workflows: the images of templates.
//!
//! Source: the Argo Workflows field reference. `{{workflow.parameters.x}}` is the value in `arguments.parameters`, which
//! can be replaced on submit; other expressions are not evaluated.

use super::fields::Fields;
use super::located::ReferenceKind;
use super::placeholder::Meaning;
use super::yaml::{Node, Scalar};
use std::collections::HashMap;

type Parameters<'a> = HashMap<&'a str, Scalar<'a>>;

pub(super) fn is_workflow(kind: &str) -> bool {
    matches!(
        kind,
        "Workflow" | "WorkflowTemplate" | "CronWorkflow" | "ClusterWorkflowTemplate"
    )
}

/// The references of a workflow.
pub(super) fn workflow<'a>(fields: &mut Fields<'a>, root: Node<'a>) {
    let Some(spec) = root.at(&["spec", "workflowSpec"]).or(root.get("spec")) else {
        return;
    };
    let arguments = spec.get("arguments").into_iter();
    let parameters = arguments.flat_map(|arguments| arguments.list("parameters"));
    let parameters = parameters.filter_map(|parameter| {
        let name = parameter.get("name")?.text()?.value();
        let value = parameter.get("value")?.text()?;
        Some((name, value))
    });
    let parameters: Parameters<'a> = parameters.collect();
    for node in spec.list("templates").chain(spec.get("templateDefaults")) {
        template(fields, node, &parameters);
    }
}

fn template<'a>(fields: &mut Fields<'a>, node: Node<'a>, parameters: &Parameters<'a>) {
    let single = ["container", "script"]
        .into_iter()
        .filter_map(|key| node.get(key));
    let lists = ["initContainers", "sidecars"]
        .into_iter()
        .flat_map(|key| node.list(key));
    let set = node
        .get("containerSet")
        .into_iter()
        .flat_map(|set| set.list("containers"));
    let containers: Vec<Node<'a>> = single.chain(lists).chain(set).collect();
    for container in containers {
        image(fields, container, parameters);
    }
    // Templates that are written where they are used.
    let tasks = node
        .get("dag")
        .into_iter()
        .flat_map(|dag| dag.list("tasks"));
    let steps = node.list("steps").flat_map(Node::items);
    let inline: Vec<Node<'a>> = tasks
        .chain(steps)
        .filter_map(|task| task.get("inline"))
        .collect();
    for inline in inline {
        template(fields, inline, parameters);
    }
}

fn image<'a>(fields: &mut Fields<'a>, container: Node<'a>, parameters: &Parameters<'a>) {
    let kind = ReferenceKind::ArgoImage;
    fields.filled(
        container,
        "image",
        kind,
        ("{{", "}}"),
        &mut |fields, inner| {
            if inner.starts_with('=') {
                return Meaning::Expression;
            }
            let name = inner.strip_prefix("workflow.parameters.");
            let value = name.and_then(|name| parameters.get(name));
            fields.parameter(inner, value.copied(), "{{")
        },
    );
}
