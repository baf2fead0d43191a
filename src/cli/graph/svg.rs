//! The family as a picture: a column for each generation.

use super::diagram::{colour, labels};
use super::picture::Picture;
use crate::run::FamilyGraph;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The measures of the picture, in pixels.
const WIDTH: usize = 300;
const HEIGHT: usize = 44;
const ACROSS: usize = 380;
const DOWN: usize = 60;
const MARGIN: usize = 20;
/// The most characters of a name that fit into a box.
const FIT: usize = 40;

/// Draws the picture.
pub(super) fn draw(family_graph: &FamilyGraph) -> String {
    let mut rows: BTreeMap<u32, usize> = BTreeMap::new();
    let mut columns: BTreeMap<u32, usize> = BTreeMap::new();
    for node in &family_graph.nodes {
        let next = columns.len();
        columns.entry(node.generation).or_insert(next);
    }
    let places: Vec<(usize, usize)> = family_graph
        .nodes
        .iter()
        .map(|node| {
            let row = rows.entry(node.generation).or_default();
            *row += 1;
            let column = columns.get(&node.generation).copied().unwrap_or_default();
            (MARGIN + column * ACROSS, MARGIN + (*row - 1) * DOWN)
        })
        .collect();
    let width = columns.len().max(1) * ACROSS + MARGIN;
    let height = rows.values().max().copied().unwrap_or(1) * DOWN + MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (parent, children) in Picture::new(family_graph).children.iter().enumerate() {
        for child in children {
            let (x1, y1) = (places[parent].0 + WIDTH, places[parent].1 + HEIGHT / 2);
            let (x2, y2) = (places[*child].0, places[*child].1 + HEIGHT / 2);
            let middle = x1.midpoint(x2);
            let _ = writeln!(
                out,
                "<path d=\"M{x1} {y1} C{middle} {y1} {middle} {y2} {x2} {y2}\" fill=\"none\" stroke=\"#888888\"/>"
            );
        }
    }
    for (node, (x, y)) in family_graph.nodes.iter().zip(&places) {
        let [name, state] = labels(node);
        let _ = writeln!(
            out,
            "<g><title>{}</title><rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\" fill=\"{}\" \
             stroke=\"#888888\"/><text x=\"{tx}\" y=\"{ty}\">{}</text><text x=\"{tx}\" y=\"{sy}\" fill=\"#555555\">{}</text></g>",
            escaped(&format!("{name} {} {}", node.state.code(), node.why)),
            colour(node.state),
            escaped(&end_of(&name)),
            escaped(&end_of(&state)),
            tx = x + 8,
            ty = y + 18,
            sy = y + 35,
        );
    }
    out.push_str("</svg>\n");
    out
}

/// What fits into a box: of a long name its end.
fn end_of(text: &str) -> String {
    let count = text.chars().count();
    match count > FIT {
        true => format!(
            "…{}",
            text.chars().skip(count - FIT + 1).collect::<String>()
        ),
        false => text.to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
