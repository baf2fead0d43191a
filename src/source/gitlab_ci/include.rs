//! The local files that a definition includes.

use super::super::found::Found;
use super::super::passed::Passed;
use super::super::sources::{FileText, Reach};
use super::super::yaml::{Node, Yaml};
use super::variables::{Inputs, given_inputs};
use crate::repo::RepoPath;
use regex::Regex;
use std::collections::BTreeMap;

/// The most different inputs that one file is included with.
const MAX_GIVEN: usize = 32;

/// The most includes of a definition, as GitLab's own limit is by default.
const MAX_INCLUDES: usize = 150;

/// Why a file of a child pipeline is not read.
pub(super) const TOO_MANY: &str = "a file of a child pipeline is not read: there are too many";

/// A file of a definition.
#[derive(Clone)]
pub(super) struct Included<'a> {
    pub(super) file: FileText<'a>,
    /// The inputs of each time that it is included.
    pub(super) given: Vec<Inputs>,
}

/// What an `include` names.
pub(super) struct Include {
    pub(super) name: String,
    pub(super) given: Inputs,
    pub(super) line: usize,
}

/// The file and those that it includes, breadth first, each once.
pub(super) fn with_included<'a>(
    file: &FileText<'a>,
    given: &Inputs,
    is_child: bool,
    reach: &mut Reach<'a>,
    found: &mut Found,
) -> Vec<Included<'a>> {
    let mut seen = BTreeMap::from([(file.path.clone(), 0)]);
    let mut files = vec![Included {
        file: file.clone(),
        given: vec![given.clone()],
    }];
    let mut next = 0;
    let mut names = 0;
    while let Some(file) = files.get(next).map(|included| included.file.clone()) {
        next += 1;
        let yaml = Yaml::read(&file.text, file.base);
        let roots = yaml.roots().filter_map(|root| root.get("include"));
        for include in roots.flat_map(included) {
            names += 1;
            if names > MAX_INCLUDES {
                let (line, what) = (include.line, format!("more than {MAX_INCLUDES} includes"));
                found
                    .passed_elsewhere
                    .push((file.base, Passed { line, what }));
                return files;
            }
            let mut is_full = false;
            for path in matching(&include.name, reach) {
                if let Some(known) = seen.get(&path) {
                    let known: &mut Vec<Inputs> = &mut files[*known].given;
                    if known.contains(&include.given) {
                        continue;
                    }
                    if known.len() < MAX_GIVEN {
                        known.push(include.given.clone());
                        continue;
                    }
                    let what = format!("{path} is included more than {MAX_GIVEN} times");
                    let line = include.line;
                    found
                        .passed_elsewhere
                        .push((file.base, Passed { line, what }));
                    continue;
                }
                let read = match is_child {
                    true => reach.read_if_room(&path),
                    false => reach.read(&path),
                };
                if let Some(file) = read {
                    seen.insert(path, files.len());
                    let given = vec![include.given.clone()];
                    files.push(Included { file, given });
                } else {
                    is_full |= is_child && reach.has(&path);
                }
            }
            if is_full {
                let (line, what) = (include.line, TOO_MANY.to_owned());
                found
                    .passed_elsewhere
                    .push((file.base, Passed { line, what }));
            }
        }
    }
    files
}

/// The local paths in the value of an `include`. Files of other projects, remote files, templates and components are
/// not in the repository.
pub(super) fn included(include: Node<'_>) -> Vec<Include> {
    let several: Vec<Node<'_>> = include.items().collect();
    let all = if several.is_empty() {
        vec![include]
    } else {
        several
    };
    let local = all.into_iter().filter_map(|one| {
        let name = match one.text() {
            Some(text) => Some(text.value()).filter(|text| !text.contains("://")),
            None => one
                .get("local")
                .and_then(Node::text)
                .map(|text| text.value()),
        };
        Some(Include {
            name: name?.trim_start_matches('/').to_owned(),
            given: given_inputs(one),
            line: one.line(),
        })
    });
    local.collect()
}

/// The files that a name means: `*` matches in one folder, `**` in all below.
pub(super) fn matching(name: &str, reach: &Reach<'_>) -> Vec<RepoPath> {
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
