//! The jobs of a definition, and their images.

use super::super::found::{Found, Remark, Told};
use super::super::located::ReferenceKind;
use super::super::passed::Passed;
use super::super::text::{Text, Wrong};
use super::super::yaml::{Node, Yaml};
use super::variables::{Scope, Variable, Variables, inputs, variables};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

/// The keys at the top that are not jobs. `default` is read like one.
const RESERVED: [&str; 10] = [
    "after_script",
    "before_script",
    "cache",
    "image",
    "include",
    "services",
    "spec",
    "stages",
    "variables",
    "workflow",
];

/// The most variables of a matrix that are read.
const MAX_VARIABLES: usize = 16;
/// The most combinations of a matrix that are read.
const MAX_COMBINATIONS: usize = 64;
/// How deep jobs extend each other.
const MAX_EXTENDS: usize = 11;

/// A job, which file it is in, and its own variables.
struct Job<'a> {
    file: usize,
    node: Node<'a>,
    variables: Variables,
    extends: Vec<String>,
}

/// Reads all files of a definition, the main one first.
pub(super) fn read(files: &[Yaml<'_>], args: &BTreeMap<String, String>, found: &mut Found) {
    let mut global = Variables::new();
    let mut jobs: BTreeMap<String, Vec<Job<'_>>> = BTreeMap::new();
    let mut tops: Vec<(usize, Node<'_>)> = Vec::new();
    // What includes others is stronger than what it includes.
    for (file, yaml) in files.iter().enumerate() {
        for root in yaml.roots() {
            for (name, value) in variables(root.get("variables")) {
                global.entry(name).or_insert(value);
            }
            tops.push((file, root));
            for (name, node) in root.entries() {
                let Some(name) = name.text().map(|text| text.value()) else {
                    continue;
                };
                if !RESERVED.contains(&name) && node.is_map() {
                    jobs.entry(name.to_owned()).or_default().push(Job {
                        file,
                        node,
                        variables: variables(node.get("variables")),
                        extends: names(node.get("extends")),
                    });
                }
            }
        }
    }
    let inputs: Vec<BTreeMap<String, Option<Variable>>> = files.iter().map(inputs).collect();
    let mut reader = Reader {
        files,
        args,
        global: &global,
        inputs: &inputs,
        found,
        outside: BTreeSet::new(),
    };
    for (file, root) in tops {
        reader.job(file, root, &[], &[]);
    }
    for (name, own) in &jobs {
        let mut layers = Vec::new();
        inherited(name, &jobs, &mut layers, &mut BTreeSet::new(), 0);
        for job in own {
            reader.job(job.file, job.node, &layers, &matrix(job.node));
        }
    }
    let told = reader.outside.into_iter().map(|(line, place, what)| {
        let remark = Remark::OutsideValue;
        (place, Told { line, remark, what })
    });
    found.told.extend(told);
}

/// One name or several.
fn names(node: Option<Node<'_>>) -> Vec<String> {
    let text = |node: Node<'_>| node.text().map(|text| text.value().to_owned());
    node.into_iter()
        .flat_map(|node| text(node).into_iter().chain(node.items().filter_map(text)))
        .collect()
}

/// The variables of a job and of those that it extends, the strongest first.
fn inherited<'a>(
    name: &str,
    jobs: &'a BTreeMap<String, Vec<Job<'_>>>,
    layers: &mut Vec<&'a Variables>,
    seen: &mut BTreeSet<&'a str>,
    depth: usize,
) {
    for job in jobs.get(name).into_iter().flatten() {
        layers.push(&job.variables);
        if depth < MAX_EXTENDS {
            for parent in job.extends.iter().rev() {
                // The first time counts: it is the strongest.
                if seen.insert(parent) {
                    inherited(parent, jobs, layers, seen, depth + 1);
                }
            }
        }
    }
}

/// The combinations of a job's `parallel: matrix`.
fn matrix(job: Node<'_>) -> Vec<Variables> {
    let entries = job
        .get("parallel")
        .and_then(|parallel| parallel.get("matrix"));
    let mut all = Vec::new();
    for entry in entries.into_iter().flat_map(Node::items) {
        let mut combinations = vec![Variables::new()];
        for (name, values) in entry.entries().into_iter().take(MAX_VARIABLES) {
            let Some(name) = name.text().map(|text| text.value()) else {
                continue;
            };
            let one = Variable::read(values, false);
            let several = values
                .items()
                .filter_map(|value| Variable::read(value, false));
            let values: Vec<Variable> = one.into_iter().chain(several).collect();
            let mut next = Vec::new();
            for known in &combinations {
                let room = MAX_COMBINATIONS - next.len();
                for value in values.iter().take(room) {
                    let mut with = known.clone();
                    with.insert(name.to_owned(), value.clone());
                    next.push(with);
                }
            }
            combinations = next;
        }
        all.extend(combinations);
    }
    all.truncate(MAX_COMBINATIONS);
    all
}

struct Reader<'a, 't> {
    files: &'a [Yaml<'t>],
    args: &'a BTreeMap<String, String>,
    global: &'a Variables,
    /// The inputs of each file.
    inputs: &'a [BTreeMap<String, Option<Variable>>],
    found: &'a mut Found,
    outside: BTreeSet<(usize, usize, String)>,
}

impl Reader<'_, '_> {
    /// The images of a job, once for each combination of its matrix.
    fn job(&mut self, file: usize, job: Node<'_>, layers: &[&Variables], matrix: &[Variables]) {
        let none = Variables::new();
        let combinations = match matrix.is_empty() {
            true => std::slice::from_ref(&none),
            false => matrix,
        };
        for combination in combinations {
            let own = std::iter::once(combination).chain(layers.iter().copied());
            let scope = Scope {
                args: self.args,
                layers: own.chain([self.global]).collect(),
                inputs: &self.inputs[file],
                outside: RefCell::default(),
                steps: Cell::new(0),
            };
            if let Some(image) = job.get("image").filter(|node| !is_elsewhere(*node)) {
                self.image(file, image, ReferenceKind::GitlabImage, &scope);
            }
            match job.get("services").filter(|node| !is_elsewhere(*node)) {
                Some(services) if services.is_list() => {
                    for service in services.items().filter(|node| !is_elsewhere(*node)) {
                        self.image(file, service, ReferenceKind::GitlabService, &scope);
                    }
                }
                Some(services) if !services.is_null() => {
                    self.pass(file, services.line(), "`services` is not a list");
                }
                _ => {}
            }
            self.outside.extend(scope.outside.into_inner());
        }
    }

    /// A text, or a map with `name`.
    fn image(&mut self, file: usize, node: Node<'_>, kind: ReferenceKind, scope: &Scope<'_>) {
        let name = match node.is_map() {
            true => node.get("name").filter(|node| !is_elsewhere(*node)),
            false => Some(node),
        };
        let Some(name) = name else {
            return;
        };
        match Text::read(&self.files[file], name, &|text| scope.expand(text)) {
            Ok(Some(text)) => self.found.references.push(text.located(kind, None)),
            Ok(None) if name.is_null() => {}
            Ok(None) => self.pass(file, name.line(), "the image's name is empty"),
            Err(Wrong { line }) => self.pass(file, line, "the image's name is not a string"),
        }
    }

    fn pass(&mut self, file: usize, line: usize, what: &str) {
        let what = what.to_owned();
        let place = self.files[file].base();
        self.found
            .passed_elsewhere
            .push((place, Passed { line, what }));
    }
}

/// Whether a value is taken from another place, where it is found by itself.
fn is_elsewhere(node: Node<'_>) -> bool {
    node.tag() == Some("!reference")
}
