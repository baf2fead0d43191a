//! Gives decisions their positions in the family.

use super::operator::Operator;
use crate::family::{Graph, round};
use crate::image::ImageName;
use crate::plan::{Decision, Reason};

/// Sets the publisher of each decision's image, and leaves alone references that form a cycle. `before` returns the
/// publisher in the last complete pass: an image still belongs to the family while its repository cannot be read.
pub(super) fn place(
    decisions: &mut [Decision],
    repo: usize,
    graph: &Graph,
    operator: &Operator,
    names: &dyn Fn(usize) -> String,
    before: &dyn Fn(&ImageName) -> Option<String>,
) {
    for decision in decisions {
        let Some(image) = decision.reference().map(|r| operator.resolve(&r.name)) else {
            continue;
        };
        let Some(node) = graph.node_of(&image) else {
            decision.family.parent = before(&image);
            continue;
        };
        let children = graph.children_at(repo, &decision.id());
        let publisher = graph.nodes()[node].repo;
        let is_cycle = children.iter().any(|child| {
            let mut edges = graph.edges_to(*child);
            edges.any(|edge| edge.parent == node && edge.on_cycle)
        });
        // A cycle is checked first: its references must not be followed regardless of who publishes the image. An image
        // of this repository without known children comes next: the file does not show which image is built from it, so
        // it could be its own ancestor.
        if is_cycle {
            decision.leave(Reason::FamilyCycle, cycle_through(graph, &image));
        } else if decision.inner.is_none() && publisher == Some(repo) && children.is_empty() {
            let why = format!("{image} is published by this repository itself");
            decision.leave(Reason::OwnImage, why);
            decision.help = Some(format!("[[image]]\nname = \"{}\"", image.canonical()));
        } else {
            decision.family.parent = match publisher {
                Some(publisher) => Some(publisher).filter(|p| *p != repo).map(names),
                None => before(&image),
            };
        }
    }
}

/// Describes the cycle that an image is part of.
fn cycle_through(graph: &Graph, image: &ImageName) -> String {
    let nodes = graph.nodes();
    let cycle = graph.cycles.iter().find(|cycle| {
        let mut names = cycle.iter().filter_map(|node| nodes[*node].image.as_ref());
        names.any(|name| name == image)
    });
    let name = |node: &usize| {
        let image = nodes[*node].image.as_ref().map(ImageName::canonical);
        image.unwrap_or_default()
    };
    cycle.map(|cycle| round(cycle, &name)).unwrap_or_default()
}
