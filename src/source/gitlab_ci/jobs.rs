//! The jobs of a definition, and their images.

use super::super::found::{Found, Remark, Told};
use super::super::located::ReferenceKind;
use super::super::passed::Passed;
use super::super::text::{Text, Wrong};
use super::super::yaml::{Node, Yaml};
use super::elsewhere::is_elsewhere;
use super::extends::{Job, Jobs, chain, inherit, layers, names};
use super::include::{Include, included};
use super::matrix::{MAX_COMBINATIONS, Matrix};
use super::variables::{Inputs, Scope, Variables, with_defaults};
use std::borrow::Cow;
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

/// The most texts that are expanded: what many jobs inherit is expanded for each.
const MAX_TEXTS: usize = 100_000;

/// The most definitions that jobs start.
const MAX_CHILDREN: usize = 64;

/// What a definition is read with.
pub(super) struct Given<'a> {
    pub(super) args: &'a BTreeMap<String, String>,
    /// The variables that GitLab sets for every job.
    pub(super) predefined: &'a BTreeMap<String, String>,
    /// The inputs of each file.
    pub(super) inputs: &'a [Vec<Inputs>],
    /// The variables that the job that starts it passes.
    pub(super) passed: &'a Variables,
}

/// A definition that a job starts.
pub(super) struct Child {
    pub(super) include: Include,
    /// The place of the file that starts it.
    pub(super) place: usize,
    pub(super) passed: Variables,
}

/// Reads all files of a definition, the strongest first; the result is the definitions that its jobs start.
pub(super) fn read(files: &[Yaml<'_>], given: &Given<'_>, found: &mut Found) -> Vec<Child> {
    let mut global = Variables::default();
    let mut jobs = Jobs::new();
    let mut tops: Vec<(usize, Node<'_>)> = Vec::new();
    // What includes others is stronger than what it includes.
    for (file, yaml) in files.iter().enumerate() {
        for root in yaml.roots() {
            global.add(&Variables::read(files, root.get("variables")));
            tops.push((file, root));
            for (name, node) in root.entries() {
                let Some(name) = name.text().map(|text| text.value()) else {
                    continue;
                };
                if !RESERVED.contains(&name) && node.is_map() {
                    jobs.entry(name.to_owned()).or_default().push(Job {
                        file,
                        node,
                        variables: Variables::read(files, node.get("variables")),
                        extends: names(node.get("extends")),
                    });
                }
            }
        }
    }
    let inputs = files.iter().zip(given.inputs).map(|(yaml, given)| {
        let all = given.iter().map(|given| with_defaults(yaml, given));
        all.collect()
    });
    let inputs: Vec<Vec<Inputs>> = inputs.collect();
    let defaults = jobs.get("default").into_iter().flatten();
    let defaults: Vec<(usize, Node<'_>)> = defaults
        .map(|job| (job.file, job.node))
        .chain(tops.iter().copied())
        .collect();
    let mut reader = Reader {
        files,
        given,
        inputs: &inputs,
        found,
        outside: BTreeSet::new(),
        passed: BTreeSet::new(),
        places: BTreeSet::new(),
        used: BTreeSet::new(),
        texts: 0,
    };
    let mut children = Vec::new();
    for name in jobs.keys() {
        if is_job(name) {
            let chain = chain(name, &jobs);
            let global = global_of(&chain, &global);
            let layers = with_global(&chain, &global);
            reader.inherited(&chain, &layers, &defaults);
            if children.len() < MAX_CHILDREN {
                children.extend(reader.children(&chain, &layers));
            }
        }
    }
    // What no job uses counts too, with the variables at its place: other projects can use it.
    reader.used = std::mem::take(&mut reader.places);
    for (file, root) in tops {
        reader.own(file, root, &[&global], &[]);
    }
    for (name, own) in &jobs {
        let chain = chain(name, &jobs);
        let global = global_of(&chain, &global);
        let layers = with_global(&chain, &global);
        let matrix = reader.matrix(&chain);
        for job in own {
            reader.own(job.file, job.node, &layers, &matrix);
        }
    }
    let told = reader.outside.into_iter().map(|(line, place, what)| {
        let remark = Remark::OutsideValue;
        (place, Told { line, remark, what })
    });
    found.told.extend(told);
    children
}

/// Whether a job runs: it is neither hidden nor the defaults of all others.
fn is_job(name: &str) -> bool {
    name != "default" && !name.starts_with('.')
}

/// The variables of the definition that a job inherits.
fn global_of<'a>(chain: &[&Job<'_>], global: &'a Variables) -> Cow<'a, Variables> {
    match inherit(chain, "variables") {
        Some(names) => Cow::Owned(global.only(&names)),
        None => Cow::Borrowed(global),
    }
}

fn with_global<'a>(chain: &[&'a Job<'_>], global: &'a Variables) -> Vec<&'a Variables> {
    let mut layers = layers(chain);
    layers.push(global);
    layers
}

struct Reader<'a, 't> {
    files: &'a [Yaml<'t>],
    given: &'a Given<'a>,
    /// The inputs of each file, for each time that it is included.
    inputs: &'a [Vec<Inputs>],
    found: &'a mut Found,
    outside: BTreeSet<(usize, usize, String)>,
    passed: BTreeSet<(usize, usize)>,
    /// The places of the texts that were read.
    places: BTreeSet<usize>,
    /// The places of the texts that jobs use.
    used: BTreeSet<usize>,
    texts: usize,
}

impl<'a> Reader<'a, '_> {
    /// The image and the services that a job has in the end.
    fn inherited(
        &mut self,
        chain: &[&Job<'a>],
        layers: &[&Variables],
        defaults: &[(usize, Node<'a>)],
    ) {
        let matrix = self.matrix(chain);
        let of_defaults = inherit(chain, "default");
        for key in ["image", "services"] {
            let is_inherited = of_defaults
                .as_ref()
                .is_none_or(|keys| keys.iter().any(|name| name == key));
            let chain = chain.iter().map(|job| (job.file, job.node));
            let defaults = defaults.iter().copied().filter(|_| is_inherited);
            let mut all = chain.chain(defaults);
            let node = all.find_map(|(file, node)| Some((file, node.get(key)?)));
            if let Some((file, node)) = node {
                self.key(file, (key, node), layers, &matrix);
            }
        }
    }

    /// The image and the services that are written in a job.
    fn own(&mut self, file: usize, job: Node<'_>, layers: &[&Variables], matrix: &[Variables]) {
        for key in ["image", "services"] {
            if let Some(node) = job.get(key) {
                self.key(file, (key, node), layers, matrix);
            }
        }
    }

    /// The combinations of a job's matrix.
    fn matrix(&mut self, chain: &[&Job<'_>]) -> Vec<Variables> {
        let mut parallel = chain
            .iter()
            .filter_map(|job| Some((job.file, job.node.get("parallel")?)));
        let Some((file, parallel)) = parallel.next() else {
            return Vec::new();
        };
        let matrix = Matrix::read(self.files, parallel);
        if matrix.is_cut {
            let what = format!(
                "the matrix has more than {MAX_COMBINATIONS} combinations; the others are not read"
            );
            self.pass(file, parallel.line(), &what);
        }
        matrix.combinations
    }

    /// The value of `image` or `services`, once for each combination of the matrix and each time that the file is
    /// included.
    fn key(
        &mut self,
        file: usize,
        (key, node): (&str, Node<'_>),
        layers: &[&Variables],
        matrix: &[Variables],
    ) {
        if is_elsewhere(node) {
            return;
        }
        if key == "services" && !node.is_list() {
            if !node.is_null() {
                self.pass(file, node.line(), "`services` is not a list");
            }
            return;
        }
        let none = Variables::default();
        let combinations = match matrix.is_empty() {
            true => std::slice::from_ref(&none),
            false => matrix,
        };
        for (combination, inputs) in combinations
            .iter()
            .flat_map(|one| self.inputs[file].iter().map(move |inputs| (one, inputs)))
        {
            let own = [self.given.passed, combination].into_iter();
            let scope = Scope {
                args: self.given.args,
                predefined: self.given.predefined,
                layers: own.chain(layers.iter().copied()).collect(),
                inputs,
                outside: RefCell::default(),
                steps: Cell::new(0),
            };
            match key {
                "image" => self.image(file, node, ReferenceKind::GitlabImage, &scope),
                _ => {
                    for service in node.items().filter(|node| !is_elsewhere(*node)) {
                        self.image(file, service, ReferenceKind::GitlabService, &scope);
                    }
                }
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
        let place = name.text().map(|text| text.span().start);
        if place.is_some_and(|place| self.used.contains(&place)) {
            return;
        }
        self.texts += 1;
        if self.texts > MAX_TEXTS {
            return self.pass(file, name.line(), "too many jobs inherit images");
        }
        self.places.extend(place);
        match Text::read(&self.files[file], name, &|text| scope.expand(text)) {
            Ok(Some(text)) => self.found.references.push(text.located(kind, None)),
            Ok(None) if name.is_null() => {}
            Ok(None) => self.pass(file, name.line(), "the image's name is empty"),
            Err(Wrong { line }) => self.pass(file, line, "the image's name is not a string"),
        }
    }

    /// The definitions that a job starts, with the variables that it passes: its own and those of the definition.
    fn children(&self, chain: &[&Job<'_>], layers: &[&Variables]) -> Vec<Child> {
        let triggers = chain
            .iter()
            .filter_map(|job| Some((job.file, job.node.get("trigger")?)));
        let include = triggers
            .clone()
            .find_map(|(file, trigger)| Some((file, trigger.get("include")?)));
        let Some((file, include)) = include else {
            return Vec::new();
        };
        let mut forward =
            triggers.filter_map(|(_, trigger)| trigger.at(&["forward", "yaml_variables"]));
        let forward = forward.next().and_then(Node::text);
        let mut passed = Variables::default();
        if forward.is_none_or(|text| text.value() != "false") {
            for layer in layers {
                passed.add(&layer.out_of_scope());
            }
        }
        let none = Inputs::new();
        let inputs = self.inputs[file].first().unwrap_or(&none);
        let children = included(include, inputs).into_iter().map(|include| Child {
            include,
            place: self.files[file].base(),
            passed: passed.clone(),
        });
        children.take(MAX_CHILDREN).collect()
    }

    fn pass(&mut self, file: usize, line: usize, what: &str) {
        let what = what.to_owned();
        let place = self.files[file].base();
        if self.passed.insert((place, line)) {
            self.found
                .passed_elsewhere
                .push((place, Passed { line, what }));
        }
    }
}
