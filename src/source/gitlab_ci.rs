//! GitLab CI: the images of jobs and their services, in `.gitlab-ci.yml`, the local files that it includes, and the
//! components in `templates/`.
//!
//! Source: GitLab's CI/CD YAML reference. `extends`, anchors and `!reference` need no evaluation to find an image: it
//! is a reference where it is written. Only the variables in it need the job that it belongs to.

mod elsewhere;
mod extends;
mod include;
mod jobs;
mod matrix;
mod variables;

use super::found::Found;
use super::located::WhyNot;
use super::passed::Passed;
use super::sources::{FileText, Reach};
use super::yaml::Yaml;
use include::{TOO_MANY, matching, with_included};
use jobs::{Child, Given};
use std::collections::BTreeSet;
use variables::{Inputs, Variables};

/// Whether a path is that of a definition. A component is recognized by its content as well.
pub(super) fn is_name(path: &str) -> bool {
    path == ".gitlab-ci.yml" || is_component(path)
}

/// `templates/NAME.yml` or `templates/NAME/template.yml`.
fn is_component(path: &str) -> bool {
    let Some(inner) = path.strip_prefix("templates/") else {
        return false;
    };
    match inner.split_once('/') {
        None => inner.ends_with(".yml"),
        Some((_, file)) => file == "template.yml",
    }
}

/// Whether a file at such a path defines CI: a component declares its inputs.
pub(super) fn is_content(path: &str, contents: &[u8]) -> bool {
    !is_component(path) || contents.starts_with(b"spec:") || contents.starts_with(b"---\nspec:")
}

/// The most definitions that the jobs of one start.
const MAX_CHILDREN: usize = 16;
/// How deep they start each other.
const MAX_DEPTH: usize = 2;

/// A definition that is to be read.
struct Definition<'a> {
    file: FileText<'a>,
    given: Inputs,
    passed: Variables,
    depth: usize,
}

/// The references of a definition, of the files that it includes, and of the definitions that its jobs start
/// (`trigger: include`).
pub(crate) fn read<'a>(file: &FileText<'a>, reach: &mut Reach<'a>) -> Found {
    let mut found = Found::default();
    let mut waiting = vec![Definition {
        file: file.clone(),
        given: Inputs::new(),
        passed: Variables::default(),
        depth: 0,
    }];
    let mut next = 0;
    while let Some(definition) = waiting.get(next) {
        let depth = definition.depth + 1;
        let children = read_one(definition, reach, &mut found);
        next += 1;
        for child in children.into_iter().filter(|_| depth <= MAX_DEPTH) {
            for path in matching(&child.include.name, reach) {
                let is_known = waiting.iter().any(|other| {
                    let is_same = *other.file.path == path && other.passed == child.passed;
                    is_same && other.given == child.include.given
                });
                if is_known {
                    continue;
                }
                // It counts as CI even if it is not read.
                let file = reach.read_if_room(&path);
                if waiting.len() > MAX_CHILDREN || file.is_none() && reach.has(&path) {
                    let (line, what) = (child.include.line, TOO_MANY.to_owned());
                    found
                        .passed_elsewhere
                        .push((child.place, Passed { line, what }));
                } else if let Some(file) = file {
                    waiting.push(Definition {
                        file,
                        given: child.include.given.clone(),
                        passed: child.passed.clone(),
                        depth,
                    });
                }
            }
        }
    }
    without_resolved(&mut found);
    found
}

/// Reads a definition, and returns those that its jobs start.
fn read_one<'a>(
    definition: &Definition<'a>,
    reach: &mut Reach<'a>,
    found: &mut Found,
) -> Vec<Child> {
    let is_child = definition.depth > 0;
    let files = with_included(&definition.file, &definition.given, is_child, reach, found);
    let yamls = files
        .iter()
        .map(|included| Yaml::read(&included.file.text, included.file.base));
    let yamls: Vec<Yaml<'_>> = yamls.collect();
    let inputs: Vec<Vec<Inputs>> = files.iter().map(|file| file.given.clone()).collect();
    let given = Given {
        args: reach.args,
        predefined: reach.predefined(),
        inputs: &inputs,
        passed: &definition.passed,
    };
    let children = jobs::read(&yamls, &given, found);
    for yaml in &yamls {
        for lost in yaml.trouble() {
            let line = lost.line;
            let what = format!("this is not YAML: {}", lost.what);
            let passed = (yaml.base(), Passed { line, what });
            if !found.passed_elsewhere.contains(&passed) {
                found.passed_elsewhere.push(passed);
            }
        }
    }
    children
}

/// A text with variables that some jobs give a value is not unknown because others give none.
fn without_resolved(found: &mut Found) {
    let known = found.references.iter();
    let known = known.filter(|located| located.reference().is_some());
    let known: BTreeSet<usize> = known.map(|located| located.written_at.start).collect();
    found.references.retain(|located| {
        let is_unresolved = located.why_not() == Some(WhyNot::UnresolvedArg);
        !is_unresolved || !known.contains(&located.written_at.start)
    });
}
