//! A compose file with the files that belong to it.

use super::super::dotenv;
use super::super::found::{Found, Remark, Told};
use super::super::located::ReferenceKind;
use super::super::passed::Passed;
use super::super::paths::{file_at, folder_of};
use super::super::sources::{FileText, Reach};
use super::super::yaml::Yaml;
use super::build::merged;
use super::environment::Environment;
use super::service::{Context, Service, services};
use crate::repo::RepoPath;
use std::collections::{BTreeMap, BTreeSet};

/// How deep files include or extend each other.
const MAX_DEPTH: usize = 8;
/// How deep services of one file extend each other.
const MAX_EXTENDS: usize = 16;

pub(super) struct Project<'a, 'r> {
    reach: &'a mut Reach<'r>,
    found: Found,
    /// The files that were read, so that files that include each other end.
    included: BTreeSet<RepoPath>,
    /// The services of the files that services extend, in each project.
    extended: BTreeMap<(usize, RepoPath), Services>,
    /// How many projects were begun: the file, and each that it includes.
    projects: usize,
}

type Services = BTreeMap<String, Vec<Service>>;

impl<'a, 'r> Project<'a, 'r> {
    pub(super) fn new(reach: &'a mut Reach<'r>) -> Self {
        Self {
            reach,
            found: Found::default(),
            included: BTreeSet::new(),
            extended: BTreeMap::new(),
            projects: 0,
        }
    }

    pub(super) fn finish(self) -> Found {
        self.found
    }

    /// Reads the file, with its override file. An override file is read with the file that it overrides.
    pub(super) fn read_main(&mut self, file: &FileText<'_>) {
        let path = file.path.clone();
        if others(&path, ".override", "")
            .iter()
            .any(|base| self.reach.has(base))
        {
            return;
        }
        let folder = folder_of(&path).to_owned();
        let variables = self.variables(&folder, None);
        self.read_project(file, &folder, variables, 0);
    }

    fn read_project(
        &mut self,
        file: &FileText<'_>,
        folder: &str,
        variables: BTreeMap<String, super::super::value::Expanded>,
        depth: usize,
    ) {
        self.projects += 1;
        let environment = Environment {
            project: self.projects,
            args: self.reach.args,
            variables,
        };
        let mut all = self.file(file, folder, &environment, depth);
        let overriding = others(file.path, "", ".override");
        if let Some(path) = overriding.iter().find(|path| self.reach.has(path))
            && let Some(file) = self.reach.read(path)
        {
            for (name, services) in self.file(&file, folder, &environment, depth) {
                all.entry(name).or_default().extend(services);
            }
        }
        for (name, parts) in &all {
            let parts = parts.clone();
            self.service(name, parts, folder);
        }
    }

    /// The services of one file, with those that they extend before each.
    fn file(
        &mut self,
        file: &FileText<'_>,
        folder: &str,
        environment: &Environment<'_>,
        depth: usize,
    ) -> Services {
        let yaml = Yaml::read(&file.text, file.base);
        let repeated = yaml.duplicates().first().map(|duplicate| Passed {
            line: duplicate.line,
            what: format!(
                "the key `{}` is there twice, so compose refuses the file",
                duplicate.key
            ),
        });
        if let Some(passed) = repeated {
            self.pass(file, passed);
            return Services::new();
        }
        let mut context = Context {
            yaml: &yaml,
            environment,
            folder,
            passed: Vec::new(),
        };
        let own = services(&mut context);
        let passed = std::mem::take(&mut context.passed);
        let includes = self.includes(&mut context);
        for passed in passed
            .into_iter()
            .chain(context.passed)
            .chain(limits(&yaml))
        {
            self.pass(file, passed);
        }
        for (path, env_file) in includes {
            self.include(&path, folder, env_file.as_deref(), depth);
        }
        let mut extended = Services::new();
        for name in own.keys() {
            let parts = self.with_extended(name, &own, file, environment, (depth, 0));
            extended.insert(name.clone(), parts);
        }
        extended
    }

    /// The paths that a file includes, each with the `.env` that it names.
    fn includes(&mut self, context: &mut Context<'_>) -> Vec<(String, Option<String>)> {
        let mut includes = Vec::new();
        let yaml = context.yaml;
        for document in yaml.documents().filter_map(Result::ok) {
            for item in document
                .get("include")
                .into_iter()
                .flat_map(|node| node.items())
            {
                if let Some(path) = item.text() {
                    includes.push((path.value().to_owned(), None));
                    continue;
                }
                let env_file = item.get("env_file").and_then(|node| match node.text() {
                    Some(_) => context.known(item, "env_file"),
                    None => node
                        .items()
                        .next()?
                        .text()
                        .map(|text| text.value().to_owned()),
                });
                let paths = item.get("path");
                let paths = paths.into_iter().flat_map(|node| {
                    let one = node.text().map(|text| text.value().to_owned());
                    let many = node
                        .items()
                        .filter_map(|it| Some(it.text()?.value().to_owned()));
                    one.into_iter().chain(many).collect::<Vec<_>>()
                });
                includes.extend(paths.map(|path| (path, env_file.clone())));
            }
        }
        includes
    }

    fn include(&mut self, path: &str, folder: &str, env_file: Option<&str>, depth: usize) {
        let Some(path) = file_at(folder, path).filter(|_| depth < MAX_DEPTH) else {
            return;
        };
        if !self.included.insert(path.clone()) {
            return;
        }
        if let Some(file) = self.reach.read(&path) {
            let own = folder_of(&path).to_owned();
            let env_file = env_file.and_then(|name| file_at(folder, name));
            let variables = self.variables(&own, env_file);
            self.read_project(&file, &own, variables, depth + 1);
        }
    }

    /// The definitions of a service, those that it extends first.
    fn with_extended(
        &mut self,
        name: &str,
        own: &Services,
        file: &FileText<'_>,
        environment: &Environment<'_>,
        (depth, step): (usize, usize),
    ) -> Vec<Service> {
        let Some(parts) = own.get(name) else {
            return Vec::new();
        };
        let mut all = Vec::new();
        let extends = parts.iter().rev().find_map(|part| part.extends.clone());
        if let Some(extends) = extends.filter(|_| depth < MAX_DEPTH && step < MAX_EXTENDS) {
            match extends.file {
                None => {
                    let next = (depth, step + 1);
                    all = self.with_extended(&extends.service, own, file, environment, next);
                }
                Some(other) => {
                    if let Some(path) = file_at(folder_of(file.path), &other) {
                        let services = self.services_of(path, environment, depth + 1);
                        all = services.get(&extends.service).cloned().unwrap_or_default();
                    }
                }
            }
        }
        all.extend(parts.iter().cloned());
        all
    }

    /// The services of a file that is extended; it is read once in a project.
    fn services_of(
        &mut self,
        path: RepoPath,
        environment: &Environment<'_>,
        depth: usize,
    ) -> &Services {
        let key = (environment.project, path);
        if !self.extended.contains_key(&key) {
            // What extends itself finds nothing.
            self.extended.insert(key.clone(), Services::new());
            if let Some(file) = self.reach.read(&key.1) {
                let folder = folder_of(file.path).to_owned();
                let services = self.file(&file, &folder, environment, depth);
                self.extended.insert(key.clone(), services);
            }
        }
        self.extended.entry(key).or_default()
    }

    /// What the definitions of a service say together.
    fn service(&mut self, name: &str, parts: Vec<Service>, folder: &str) {
        let platform = parts.iter().rev().find_map(|part| part.platform.clone());
        let build = merged(parts.iter().map(|part| part.build.clone()));
        for part in &parts {
            let volumes = part.volumes.iter().cloned();
            let volumes = volumes.map(|text| text.located(ReferenceKind::ComposeVolume, None));
            self.found.references.extend(volumes);
        }
        let images = parts.into_iter().filter_map(|part| part.image);
        let Some(build) = build else {
            let images =
                images.map(|text| text.located(ReferenceKind::ComposeImage, platform.clone()));
            return self.found.references.extend(images);
        };
        let mut described = build.build(name, folder);
        for image in images {
            self.found.told.push((
                image.written_at.start,
                Told {
                    line: image.line,
                    remark: Remark::BuiltHere,
                    what: image.written.clone(),
                },
            ));
            if !image.expanded.is_opaque() {
                described.tags = vec![image.expanded.value];
            }
        }
        self.found.references.extend(build.images());
        if let Some(inline) = &build.inline {
            let read = inline.read(&described.given);
            let told = read
                .references
                .iter()
                .filter(|it| it.is_set_by(&read.overriding));
            let told = told.map(|located| {
                let what = located.image().to_owned();
                let (line, remark) = (located.line, Remark::SetBySetter);
                (inline.at.start, Told { line, remark, what })
            });
            self.found.told.extend(told);
            let passed = read.passed.iter().cloned();
            self.found
                .passed_elsewhere
                .extend(passed.map(|passed| (inline.at.start, passed)));
            self.found.around.extend(read.around);
            self.found.references.extend(read.references);
        }
        self.found.builds.push(described);
    }

    fn variables(
        &mut self,
        folder: &str,
        env_file: Option<RepoPath>,
    ) -> BTreeMap<String, super::super::value::Expanded> {
        let path = env_file.or_else(|| file_at(folder, ".env"));
        let file = path.and_then(|path| self.reach.read(&path));
        file.map(|file| dotenv::variables(&file))
            .unwrap_or_default()
    }

    fn pass(&mut self, file: &FileText<'_>, passed: Passed) {
        self.found.passed_elsewhere.push((file.base, passed));
    }
}

/// The limits that reading has reached. Lost documents are reported elsewhere.
fn limits(yaml: &Yaml<'_>) -> impl Iterator<Item = Passed> {
    let lost = yaml.documents().filter(Result::is_err).count();
    let limits = yaml.trouble().into_iter().skip(lost);
    limits.map(|limit| Passed {
        line: limit.line,
        what: limit.what,
    })
}

/// The paths that a path becomes if the end of its stem is replaced: `compose.override.yaml` and `compose.yaml`.
fn others(path: &RepoPath, from: &str, to: &str) -> Vec<RepoPath> {
    let Some((stem, _)) = path.as_str().rsplit_once('.') else {
        return Vec::new();
    };
    let Some(stem) = stem
        .strip_suffix(from)
        .filter(|stem| !from.is_empty() || !stem.ends_with(to))
    else {
        return Vec::new();
    };
    let endings = [".yml", ".yaml"].into_iter();
    let paths = endings.map(|ending| RepoPath::parse(&format!("{stem}{to}{ending}")));
    paths.filter_map(Result::ok).collect()
}
