//! What jobs inherit from those that they extend.

use super::super::yaml::Node;
use super::variables::Variables;
use std::collections::{BTreeMap, BTreeSet};

/// How deep jobs extend each other.
const MAX_EXTENDS: usize = 11;
/// The most jobs that one inherits from.
const MAX_CHAIN: usize = 100;

/// A job, which file it is in, and its own variables.
pub(super) struct Job<'a> {
    pub(super) file: usize,
    pub(super) node: Node<'a>,
    pub(super) variables: Variables,
    pub(super) extends: Vec<String>,
}

/// The jobs by their names. Several files can define one; the first is the strongest.
pub(super) type Jobs<'a> = BTreeMap<String, Vec<Job<'a>>>;

/// A job and those that it extends, the strongest first.
pub(super) fn chain<'j, 'a>(name: &str, jobs: &'j Jobs<'a>) -> Vec<&'j Job<'a>> {
    let mut chain = Vec::new();
    add(name, jobs, &mut chain, &mut BTreeSet::new(), 0);
    chain
}

fn add<'j, 'a>(
    name: &str,
    jobs: &'j Jobs<'a>,
    chain: &mut Vec<&'j Job<'a>>,
    seen: &mut BTreeSet<&'j str>,
    depth: usize,
) {
    let own = jobs.get(name).map_or(&[][..], Vec::as_slice);
    chain.extend(own);
    let extends = own.iter().find(|job| !job.extends.is_empty());
    let parents = extends.into_iter().flat_map(|job| job.extends.iter().rev());
    for parent in parents.take(MAX_CHAIN) {
        // The first time counts: it is the strongest.
        if depth < MAX_EXTENDS && chain.len() < MAX_CHAIN && seen.insert(parent) {
            add(parent, jobs, chain, seen, depth + 1);
        }
    }
}

/// The variables of a job, the strongest first. Those that `!reference` gives replace weaker ones whole, and are
/// replaced whole by stronger ones.
pub(super) fn layers<'a>(chain: &[&'a Job<'_>]) -> Vec<&'a Variables> {
    let mut layers = Vec::new();
    for job in chain.iter().filter(|job| !job.variables.is_empty()) {
        let is_reference = job.variables.is_reference();
        if !is_reference || layers.is_empty() {
            layers.push(&job.variables);
        }
        if is_reference {
            break;
        }
    }
    layers
}

/// The only names of `default` or `variables` that a job inherits; `None` if it inherits all.
pub(super) fn inherit(chain: &[&Job<'_>], of: &str) -> Option<Vec<String>> {
    let node = chain.iter().find_map(|job| job.node.at(&["inherit", of]))?;
    match node.text() {
        Some(text) => (text.value() == "false").then(Vec::new),
        None => Some(names(Some(node))),
    }
}

/// One name or several.
pub(super) fn names(node: Option<Node<'_>>) -> Vec<String> {
    let text = |node: Node<'_>| node.text().map(|text| text.value().to_owned());
    node.into_iter()
        .flat_map(|node| text(node).into_iter().chain(node.items().filter_map(text)))
        .collect()
}
