//! `!reference [job, key, ...]`: a value that is taken from another place of the definition.

use super::super::yaml::{Node, Yaml};

/// How many references lead from one to the next.
const MAX_STEPS: usize = 10;
/// How many keys a reference has.
const MAX_KEYS: usize = 16;

/// Whether a value is taken from another place.
pub(super) fn is_elsewhere(node: Node<'_>) -> bool {
    node.tag() == Some("!reference")
}

/// A value, or the one that it is taken from; `None` if that is not in these files, the strongest of which is the
/// first.
pub(super) fn follow<'a>(files: &'a [Yaml<'_>], node: Node<'a>) -> Option<Node<'a>> {
    let mut node = node;
    for _ in 0..MAX_STEPS {
        if !is_elsewhere(node) {
            return Some(node);
        }
        let keys = node.items().take(MAX_KEYS + 1);
        let keys: Option<Vec<&str>> = keys.map(|key| Some(key.text()?.value())).collect();
        let keys = keys.filter(|keys| (1..=MAX_KEYS).contains(&keys.len()))?;
        let mut roots = files.iter().flat_map(Yaml::roots);
        node = roots.find_map(|root| root.at(&keys))?;
    }
    None
}
