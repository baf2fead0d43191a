//! The family as a tree for the terminal.

use super::picture::Picture;
use crate::run::{FamilyGraph, ImageState, NodeReport};
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Draws the tree. A node with several parents is drawn below each of them, its own children only once.
pub(super) fn draw(family_graph: &FamilyGraph, now: Timestamp) -> String {
    let picture = Picture::new(family_graph);
    let mut tree = Tree {
        family_graph,
        picture: &picture,
        now,
        drawn: BTreeSet::new(),
        out: String::new(),
    };
    let roots = (0..family_graph.nodes.len()).filter(|node| picture.parents[*node].is_empty());
    for root in roots {
        tree.node(root, "", "");
    }
    // A cycle has no root.
    for node in 0..family_graph.nodes.len() {
        if !tree.drawn.contains(&node) {
            tree.node(node, "", "");
        }
    }
    for cycle in &family_graph.cycles {
        let round: Vec<&str> = cycle
            .iter()
            .chain(cycle.first())
            .map(String::as_str)
            .collect();
        let _ = writeln!(tree.out, "circle: {}", round.join(" → "));
    }
    tree.out
}

struct Tree<'a> {
    family_graph: &'a FamilyGraph,
    picture: &'a Picture,
    now: Timestamp,
    drawn: BTreeSet<usize>,
    out: String,
}

impl Tree<'_> {
    fn node(&mut self, node: usize, first: &str, rest: &str) {
        let line = self.line(&self.family_graph.nodes[node]);
        let again = !self.drawn.insert(node);
        let children: Vec<usize> = self.picture.children[node].iter().copied().collect();
        let more = if again && !children.is_empty() {
            "  (see above)"
        } else {
            ""
        };
        let _ = writeln!(self.out, "{first}{line}{more}");
        if again {
            return;
        }
        for (index, child) in children.iter().enumerate() {
            let (branch, below) = match index + 1 == children.len() {
                true => ("└─ ", "   "),
                false => ("├─ ", "│  "),
            };
            self.node(
                *child,
                &format!("{rest}{branch}"),
                &format!("{rest}{below}"),
            );
        }
    }

    fn line(&self, node: &NodeReport) -> String {
        let mut line = node.name().to_owned();
        if let Some(tag) = &node.tag {
            let _ = write!(line, ":{tag}");
        }
        if let (Some(_), Some(repo)) = (&node.image, &node.repo) {
            let _ = write!(line, "  [{repo}]");
        }
        match (node.state, &node.held_by) {
            (ImageState::Outside, _) => {}
            (_, Some(by)) => {
                let _ = write!(line, "  held by {by}");
            }
            (state, None) => {
                let _ = write!(line, "  {}", state.code());
            }
        }
        if !node.why.is_empty() && node.held_by.is_none() {
            let _ = write!(line, ": {}", node.why);
        }
        if let Some(created) = node.base_created {
            let age = self.now.duration_since(created).as_hours();
            let _ = match age {
                0..48 => write!(line, "  (base {} hours old)", age),
                _ => write!(line, "  (base {} days old)", age / 24),
            };
        }
        line
    }
}
