//! The local files that a definition includes.

use super::super::sources::{FileText, Reach};
use super::super::yaml::{Node, Yaml};
use crate::repo::RepoPath;
use regex::Regex;
use std::collections::BTreeSet;

/// The file and those that it includes, breadth first, each once.
pub(super) fn with_included<'a>(file: &FileText<'a>, reach: &mut Reach<'a>) -> Vec<FileText<'a>> {
    let mut seen = BTreeSet::from([file.path.clone()]);
    let mut files = vec![file.clone()];
    let mut next = 0;
    while let Some(file) = files.get(next).cloned() {
        next += 1;
        for name in included(&file) {
            for path in matching(&name, reach) {
                if seen.insert(path.clone())
                    && let Some(file) = reach.read(&path)
                {
                    files.push(file);
                }
            }
        }
    }
    files
}

/// The local paths in the `include` of a file. Files of other projects, remote files, templates and components are not
/// in the repository.
fn included(file: &FileText<'_>) -> Vec<String> {
    let yaml = Yaml::read(&file.text, file.base);
    let mut names = Vec::new();
    for include in yaml.roots().filter_map(|root| root.get("include")) {
        let several: Vec<Node<'_>> = include.items().collect();
        let all = if several.is_empty() {
            vec![include]
        } else {
            several
        };
        for one in all {
            let local = match one.text() {
                Some(text) => Some(text.value()).filter(|text| !text.contains("://")),
                None => one
                    .get("local")
                    .and_then(Node::text)
                    .map(|text| text.value()),
            };
            names.extend(local.map(|name| name.trim_start_matches('/').to_owned()));
        }
    }
    names
}

/// The files that a name means: `*` matches in one folder, `**` in all below.
fn matching(name: &str, reach: &Reach<'_>) -> Vec<RepoPath> {
    if !name.contains('*') {
        return RepoPath::parse(name).into_iter().collect();
    }
    let literal = regex::escape(name);
    let pattern = literal.replace(r"\*\*", ".*").replace(r"\*", "[^/]*");
    let Ok(pattern) = Regex::new(&format!("^{pattern}$")) else {
        return Vec::new();
    };
    let paths = reach.paths().filter(|path| pattern.is_match(path.as_str()));
    let is_yaml = |path: &&RepoPath| {
        let path = path.as_str();
        path.ends_with(".yml") || path.ends_with(".yaml")
    };
    paths.filter(is_yaml).cloned().collect()
}
