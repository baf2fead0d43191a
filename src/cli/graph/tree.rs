//! The family as a tree for the terminal.

use super::super::page::{Line, Page, Role};
use super::picture::Picture;
use crate::run::{FamilyGraph, ImageState, NodeReport};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// Draws the tree. A node with several parents is drawn below each of them, its own children only once.
pub(super) fn draw(family_graph: &FamilyGraph, now: Timestamp) -> Page {
    let picture = Picture::new(family_graph);
    let mut tree = Tree {
        family_graph,
        picture: &picture,
        now,
        drawn: BTreeSet::new(),
        page: Page::default(),
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
        tree.page
            .line(0)
            .put(Role::Bad, "circle:")
            .plain(round.join(" → "));
    }
    tree.page
}

struct Tree<'a> {
    family_graph: &'a FamilyGraph,
    picture: &'a Picture,
    now: Timestamp,
    drawn: BTreeSet<usize>,
    page: Page,
}

impl Tree<'_> {
    fn node(&mut self, node: usize, first: &str, rest: &str) {
        let again = !self.drawn.insert(node);
        let children: Vec<usize> = self.picture.children[node].iter().copied().collect();
        let line = self.page.line(0);
        line.join(Role::Faint, first);
        describe(line, &self.family_graph.nodes[node], self.now);
        if again && !children.is_empty() {
            line.join(Role::Faint, "  (see above)");
        }
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
}

fn describe(line: &mut Line, node: &NodeReport, now: Timestamp) {
    let tag = node.tag.iter().map(|tag| format!(":{tag}"));
    let name = node.name().to_owned() + &tag.collect::<String>();
    line.join(Role::Strong, name);
    if let (Some(_), Some(repo)) = (&node.image, &node.repo) {
        line.join(Role::Faint, format!("  [{repo}]"));
    }
    match (node.state, &node.held_by) {
        (ImageState::Outside, _) => {}
        (_, Some(by)) => {
            line.join(Role::Caution, format!("  held by {by}"));
        }
        (state, None) => {
            line.join(role(state), format!("  {}", state.code()));
        }
    }
    if !node.why.is_empty() && node.held_by.is_none() {
        line.join(Role::Plain, format!(": {}", node.why));
    }
    if let Some(created) = node.base_created {
        let age = now.duration_since(created).as_hours();
        let age = match age {
            0..48 => format!("{age} hours"),
            _ => format!("{} days", age / 24),
        };
        line.join(Role::Faint, format!("  (base {age} old)"));
    }
}

fn role(state: ImageState) -> Role {
    match state {
        ImageState::Current => Role::Good,
        ImageState::Failed | ImageState::Stale | ImageState::Unknown => Role::Bad,
        _ => Role::Caution,
    }
}
