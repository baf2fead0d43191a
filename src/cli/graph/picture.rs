//! The edges of a family graph by index, and a part of the graph.

use crate::run::FamilyGraph;
use std::collections::{BTreeMap, BTreeSet};

/// Which node is built on which, by their indexes in the graph.
pub(super) struct Picture {
    pub(super) children: Vec<BTreeSet<usize>>,
    pub(super) parents: Vec<BTreeSet<usize>>,
}

/// A part of a graph.
pub(super) struct Part(BTreeSet<usize>);

impl Picture {
    pub(super) fn new(family_graph: &FamilyGraph) -> Self {
        let nodes = family_graph.nodes.iter().enumerate();
        let places: BTreeMap<&str, usize> = nodes.map(|(index, n)| (n.name(), index)).collect();
        let count = family_graph.nodes.len();
        let mut picture = Self {
            children: vec![BTreeSet::new(); count],
            parents: vec![BTreeSet::new(); count],
        };
        for edge in &family_graph.edges {
            let place = |name: &str| places.get(name).copied();
            if let (Some(parent), Some(child)) = (place(&edge.parent), place(&edge.child)) {
                picture.children[parent].insert(child);
                picture.parents[child].insert(parent);
            }
        }
        picture
    }

    /// These nodes with their ancestors or descendants.
    pub(super) fn keep(&self, nodes: &[usize], up: bool, down: bool) -> Part {
        let mut kept: BTreeSet<usize> = nodes.iter().copied().collect();
        for (wanted, arrows) in [(up, &self.parents), (down, &self.children)] {
            let mut seen: BTreeSet<usize> = BTreeSet::new();
            let mut next: Vec<usize> = nodes.iter().copied().filter(|_| wanted).collect();
            while let Some(node) = next.pop() {
                if seen.insert(node) {
                    next.extend(&arrows[node]);
                }
            }
            kept.extend(seen);
        }
        Part(kept)
    }
}

impl Part {
    /// Removes everything else from the graph.
    pub(super) fn apply(&self, family_graph: &mut FamilyGraph) {
        let nodes = std::mem::take(&mut family_graph.nodes)
            .into_iter()
            .enumerate();
        family_graph.nodes = nodes
            .filter(|(index, _)| self.0.contains(index))
            .map(|(_, node)| node)
            .collect();
        let names: BTreeSet<&str> = family_graph.nodes.iter().map(|node| node.name()).collect();
        let has = |name: &String| names.contains(name.as_str());
        family_graph
            .edges
            .retain(|edge| has(&edge.parent) && has(&edge.child));
        family_graph.cycles.retain(|cycle| cycle.iter().any(has));
    }
}
