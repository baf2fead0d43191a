//! Tekton: the images of steps and sidecars, and bundles.
//!
//! Source: the Tekton documentation, *Tasks*, *StepActions*, *Bundles Resolver*. `$(params.x)` is the default of the
//! nearest parameter of that name, or the value that a pipeline or a run gives to the task that it contains.

use super::fields::Fields;
use super::located::ReferenceKind;
use super::yaml::{Node, Scalar};
use std::collections::HashMap;

/// The parameters of a task or pipeline, inside of another one's.
struct Scope<'a, 's> {
    /// Those without a value are `None`.
    values: HashMap<&'a str, Option<Scalar<'a>>>,
    outer: Option<&'s Scope<'a, 's>>,
}

impl<'a> Scope<'a, '_> {
    fn get(&self, name: &str) -> Option<Scalar<'a>> {
        match self.values.get(name) {
            Some(value) => *value,
            None => self.outer?.get(name),
        }
    }
}

/// The references of a resource.
pub(super) fn resource<'a>(fields: &mut Fields<'a>, root: Node<'a>) {
    let kind = root.get("kind").and_then(Node::text);
    if kind.is_some_and(|kind| kind.value() == "StepAction")
        && let Some(spec) = root.get("spec")
    {
        let scope = scope_of(spec, &HashMap::new(), None);
        image(fields, spec, scope.as_ref());
        return;
    }
    below(fields, root, None, &HashMap::new());
}

/// The references below a node. `given` has the values that the node's parameters get.
fn below<'a>(
    fields: &mut Fields<'a>,
    node: Node<'a>,
    outer: Option<&Scope<'a, '_>>,
    given: &HashMap<&'a str, Option<Scalar<'a>>>,
) {
    let own = scope_of(node, given, outer);
    let scope = own.as_ref().or(outer);
    for key in ["steps", "sidecars"] {
        for step in node.list(key) {
            image(fields, step, scope);
        }
    }
    if let Some(template) = node.get("stepTemplate") {
        image(fields, template, scope);
    }
    bundle(fields, node);
    let passed = match node.get("taskSpec").or(node.get("pipelineSpec")) {
        Some(_) => params(node, "value"),
        None => HashMap::new(),
    };
    for (key, value) in node.entries() {
        let is_spec = key
            .text()
            .is_some_and(|key| matches!(key.value(), "taskSpec" | "pipelineSpec"));
        let given = if is_spec {
            passed.clone()
        } else {
            HashMap::new()
        };
        below(fields, value, scope, &given);
    }
    for item in node.items() {
        below(fields, item, scope, &HashMap::new());
    }
}

/// The parameters that a node declares.
fn scope_of<'a, 's>(
    node: Node<'a>,
    given: &HashMap<&'a str, Option<Scalar<'a>>>,
    outer: Option<&'s Scope<'a, 's>>,
) -> Option<Scope<'a, 's>> {
    node.get("params")?;
    let mut values = params(node, "default");
    for (name, value) in given.iter().filter(|(_, value)| value.is_some()) {
        if let Some(known) = values.get_mut(name) {
            *known = *value;
        }
    }
    Some(Scope { values, outer })
}

/// The parameters of a list `params`, and the text that each has at a key.
fn params<'a>(node: Node<'a>, key: &str) -> HashMap<&'a str, Option<Scalar<'a>>> {
    let params = node.list("params").filter_map(|param| {
        let name = param.get("name")?.text()?.value();
        Some((name, param.get(key).and_then(Node::text)))
    });
    params.collect()
}

fn image<'a>(fields: &mut Fields<'a>, step: Node<'a>, scope: Option<&Scope<'a, '_>>) {
    let kind = ReferenceKind::TektonImage;
    fields.filled(step, "image", kind, ("$(", ")"), &mut |fields, inner| {
        let name = parameter(inner);
        let value = name.and_then(|name| scope?.get(name));
        fields.parameter(inner, value, "$(")
    });
}

/// The name in `params.x`, `params["x"]` and `params['x']`.
fn parameter(inner: &str) -> Option<&str> {
    let rest = inner
        .strip_prefix("inputs.")
        .unwrap_or(inner)
        .strip_prefix("params")?;
    let quoted = |quote: &str| {
        let open = format!("[{quote}");
        let close = format!("{quote}]");
        rest.strip_prefix(&open)
            .and_then(|rest| rest.strip_suffix(&close))
    };
    rest.strip_prefix('.')
        .or_else(|| quoted("\""))
        .or_else(|| quoted("'"))
}

/// The bundle that a reference to a task or pipeline names.
fn bundle<'a>(fields: &mut Fields<'a>, node: Node<'a>) {
    for key in ["taskRef", "pipelineRef"] {
        let Some(of) = node.get(key) else {
            continue;
        };
        // The older form, without a resolver.
        fields.whole(of, "bundle", ReferenceKind::TektonBundle);
        let resolver = of.get("resolver").and_then(Node::text);
        if resolver.is_none_or(|resolver| resolver.value() != "bundles") {
            continue;
        }
        for param in of.list("params") {
            let name = param.get("name").and_then(Node::text);
            if name.is_some_and(|name| name.value() == "bundle") {
                fields.whole(param, "value", ReferenceKind::TektonBundle);
            }
        }
    }
}
