//! The family for Graphviz and for Mermaid.

use super::picture::Picture;
use crate::run::{FamilyGraph, ImageState, NodeReport};
use std::fmt::Write as _;

/// The colour of a state: pale if all is well, strong if a user has to act.
pub(super) fn colour(state: ImageState) -> &'static str {
    match state {
        ImageState::Outside => "#eeeeee",
        ImageState::Current => "#d5f0d5",
        ImageState::UpdateOpen | ImageState::Building => "#d5e4f7",
        ImageState::Held => "#fdf1c8",
        ImageState::UpdateAvailable | ImageState::MergedUnreleased | ImageState::Stale => "#fbdcb8",
        ImageState::Failed => "#f7c6c6",
        ImageState::Unknown => "#dddddd",
    }
}

/// Name and tag, then the state.
pub(super) fn labels(node: &NodeReport) -> [String; 2] {
    let tag = node.tag.as_ref().map(|tag| format!(":{tag}"));
    let state = match &node.held_by {
        Some(by) => format!("held by {by}"),
        None => node.state.code().to_owned(),
    };
    [format!("{}{}", node.name(), tag.unwrap_or_default()), state]
}

/// For Graphviz.
pub(super) fn dot(family_graph: &FamilyGraph) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut out =
        String::from("digraph family {\n  rankdir = LR;\n  node [shape = box, style = filled];\n");
    for node in &family_graph.nodes {
        let [name, state] = labels(node);
        let label = quoted(&format!("{name}\n{state}")).replace('\n', "\\n");
        let _ = writeln!(
            out,
            "  {} [label = {label}, fillcolor = \"{}\"];",
            quoted(node.name()),
            colour(node.state)
        );
    }
    arrows(family_graph, |parent, child| {
        let _ = writeln!(out, "  {} -> {};", quoted(parent), quoted(child));
    });
    out.push_str("}\n");
    out
}

/// For Mermaid.
pub(super) fn mermaid(family_graph: &FamilyGraph) -> String {
    let picture = Picture::new(family_graph);
    let safe = |text: &str| text.replace('"', "#quot;");
    let mut out = String::from("flowchart LR\n");
    for (index, node) in family_graph.nodes.iter().enumerate() {
        let [name, state] = labels(node);
        let _ = writeln!(out, "  n{index}[\"{}<br/>{}\"]", safe(&name), safe(&state));
        let _ = writeln!(out, "  style n{index} fill:{}", colour(node.state));
    }
    for (parent, children) in picture.children.iter().enumerate() {
        for child in children {
            let _ = writeln!(out, "  n{parent} --> n{child}");
        }
    }
    out
}

/// Calls `draw` once for every pair of parent and child.
fn arrows(family_graph: &FamilyGraph, mut draw: impl FnMut(&str, &str)) {
    let picture = Picture::new(family_graph);
    let name = |node: usize| family_graph.nodes[node].name();
    for (parent, children) in picture.children.iter().enumerate() {
        for child in children {
            draw(name(parent), name(*child));
        }
    }
}
