//! The nodes of a tree as JSON, for comparison with another reader of YAML.

use super::node::Node;
use super::schema::ScalarType;
use super::tree::Yaml;
use serde_json::{Value, json};

/// The nodes of a YAML file in their order, one JSON object each, aliases not followed. `node` counts them in their
/// document.
///
/// `scripts/check-yaml` compares them with those that PyYAML reads.
pub fn yaml_nodes(text: &str) -> Vec<Value> {
    let (text, base) = match text.strip_prefix('\u{feff}') {
        Some(rest) => (rest, '\u{feff}'.len_utf8()),
        None => (text, 0),
    };
    let yaml = Yaml::read(text, base);
    let mut nodes = Vec::new();
    for document in yaml.documents() {
        match document {
            Ok(root) => {
                nodes.push(json!({"kind": "document"}));
                add(root, root.position(), &mut nodes);
            }
            Err(lost) => {
                nodes.push(json!({"kind": "lost", "line": lost.line, "what": lost.what}));
            }
        }
    }
    nodes
}

fn add(node: Node<'_>, first: usize, nodes: &mut Vec<Value>) {
    let number = node.position() - first;
    let line = node.line();
    if node.is_alias() {
        let target = node.target_position() - first;
        nodes.push(json!({"kind": "alias", "node": number, "line": line, "target": target}));
        return;
    }
    let Some(scalar) = node.text() else {
        let kind = if node.is_map() { "map" } else { "list" };
        nodes.push(json!({"kind": kind, "node": number, "line": line, "tag": node.tag()}));
        for (key, value) in node.own_entries() {
            add(key, first, nodes);
            add(value, first, nodes);
        }
        for item in node.items() {
            add(item, first, nodes);
        }
        return;
    };
    let kind = match scalar.types().0 {
        ScalarType::Text => "str",
        ScalarType::Null => "null",
        ScalarType::Bool => "bool",
        ScalarType::Int => "int",
        ScalarType::Float => "float",
        ScalarType::Timestamp => "timestamp",
    };
    nodes.push(json!({
        "kind": "scalar",
        "node": number,
        "line": line,
        "tag": node.tag(),
        "value": scalar.value(),
        "type": kind,
        "place": scalar.plain_place().map(|place| [place.start, place.end]),
    }));
}
