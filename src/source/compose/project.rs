//! A compose file with the files that belong to it.

use super::super::dotenv;
use super::super::found::{Found, Remark, Told};
use super::super::located::{Around, ReferenceKind};
use super::super::passed::Passed;
use super::super::paths::{file_at, folder_of, join};
use super::super::sources::{FileText, MAX_UNIT_BYTES, MAX_UNIT_FILES, Reach};
use super::super::yaml::Yaml;
use super::build::merged;
use super::environment::Environment;
use super::service::{Context, Service, services};
use crate::repo::RepoPath;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// How deep files include or extend each other.
const MAX_DEPTH: usize = 8;
/// How deep services of one file extend each other.
const MAX_EXTENDS: usize = 16;
/// The most projects, the main file's included, the most files of an entry of `include`, and the most files with variables of
/// one: the files of more cannot be read together, which is reported.
const MAX_FILES: usize = MAX_UNIT_FILES + 1;
/// The most definitions of services, arguments and named contexts together: what many services extend counts for each.
const MAX_ENTRIES: usize = 50_000;
/// The most bytes of all files: one that several projects include or extend counts for each.
const MAX_BYTES: usize = 2 * MAX_UNIT_BYTES;

pub(super) struct Project<'a, 'r> {
    reach: &'a mut Reach<'r>,
    found: Found,
    /// The files that were read, so that files that include each other end.
    included: BTreeSet<RepoPath>,
    /// The services of the files that services extend, in each project.
    extended: BTreeMap<(usize, RepoPath), Services>,
    /// How many projects were begun: the file, and each that it includes.
    projects: usize,
    /// How many more definitions, arguments and named contexts are read.
    room: usize,
    /// How many more bytes are read.
    bytes: usize,
    /// Whether something was left out because there is too much.
    is_full: bool,
}

/// The definitions of each service. Many services can share one that they extend.
type Services = BTreeMap<String, Vec<Rc<Service>>>;

/// An entry of `include`.
#[derive(Default)]
struct Include {
    /// The files, which are merged, the later ones stronger.
    paths: Vec<String>,
    /// The files with variables; without one, `.env` in the folder.
    env_files: Vec<String>,
    /// The folder that paths are relative to; without one, that of the first file.
    folder: Option<String>,
}

impl<'a, 'r> Project<'a, 'r> {
    pub(super) fn new(reach: &'a mut Reach<'r>) -> Self {
        Self {
            reach,
            found: Found::default(),
            included: BTreeSet::new(),
            extended: BTreeMap::new(),
            projects: 0,
            room: MAX_ENTRIES,
            bytes: MAX_BYTES,
            is_full: false,
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
        let mut files = vec![file.clone()];
        let overriding = others(&path, "", ".override");
        let overriding = overriding.iter().find(|path| self.reach.has(path));
        files.extend(overriding.and_then(|path| self.reach.read(path)));
        self.read_together(&files, &folder);
        if self.is_full {
            let what = format!(
                "with what it includes and extends, it has more than {MAX_ENTRIES} services and arguments, \
                or {MAX_BYTES} bytes; not all are read"
            );
            self.pass(file, Passed { line: 1, what });
        }
    }

    /// Reads files of one folder as one project, the later ones stronger.
    pub(super) fn read_together(&mut self, files: &[FileText<'_>], folder: &str) {
        let variables = self.variables(folder, None);
        self.read_project(files, folder, variables, 0);
    }

    /// Reads files as one project, the later ones stronger.
    fn read_project(
        &mut self,
        files: &[FileText<'_>],
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
        let mut all = Services::new();
        for file in files {
            for (name, services) in self.file(file, folder, &environment, depth) {
                all.entry(name).or_default().extend(services);
            }
        }
        for (name, parts) in &all {
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
        let Some(bytes) = self.bytes.checked_sub(file.text.len()) else {
            self.is_full = true;
            return Services::new();
        };
        self.bytes = bytes;
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
        let own: Services = services(&mut context)
            .into_iter()
            .map(|(name, parts)| (name, parts.into_iter().map(Rc::new).collect()))
            .collect();
        let passed = std::mem::take(&mut context.passed);
        let includes = self.includes(&mut context);
        for passed in passed
            .into_iter()
            .chain(context.passed)
            .chain(limits(&yaml))
        {
            self.pass(file, passed);
        }
        for include in &includes {
            self.include(include, folder, environment, depth);
        }
        let mut extended = Services::new();
        for name in own.keys() {
            let parts = self.with_extended(name, &own, file, environment, (depth, 0));
            if !self.take_room(parts.len()) {
                break;
            }
            extended.insert(name.clone(), parts);
        }
        extended
    }

    /// What a file includes.
    fn includes(&mut self, context: &mut Context<'_>) -> Vec<Include> {
        let mut includes = Vec::new();
        for document in context.yaml.roots() {
            let items = document.get("include");
            for item in items.into_iter().flat_map(|node| node.items()) {
                let known = |context: &mut Context<'_>, key: &str| -> Vec<String> {
                    match item.get(key) {
                        Some(node) if node.is_list() => {
                            let texts = node.items().filter_map(|it| it.text());
                            texts.map(|text| text.value().to_owned()).collect()
                        }
                        _ => context.known(item, key).into_iter().collect(),
                    }
                };
                includes.push(match item.text() {
                    Some(path) => Include {
                        paths: vec![path.value().to_owned()],
                        ..Include::default()
                    },
                    None => Include {
                        paths: known(context, "path"),
                        env_files: known(context, "env_file"),
                        folder: known(context, "project_directory").pop(),
                    },
                });
            }
        }
        includes
    }

    /// Reads included files as a project of their own. Variables of the file that includes them are stronger than theirs.
    fn include(
        &mut self,
        include: &Include,
        folder: &str,
        environment: &Environment<'_>,
        depth: usize,
    ) {
        let files = |names: &[String]| -> Vec<RepoPath> {
            let mut seen = BTreeSet::new();
            let paths = names.iter().filter_map(|path| file_at(folder, path));
            let there = |path: &RepoPath| self.reach.has(path) && seen.insert(path.clone());
            paths.filter(there).take(MAX_FILES).collect()
        };
        let (paths, env_files) = (files(&include.paths), files(&include.env_files));
        let has_room = depth < MAX_DEPTH && self.projects < MAX_FILES;
        let Some(first) = paths.first().filter(|_| has_room) else {
            return;
        };
        if !self.included.insert(first.clone()) {
            return;
        }
        let own = match &include.folder {
            Some(relative) => join(folder, relative),
            None => Some(folder_of(first).to_owned()),
        };
        let Some(own) = own else {
            return;
        };
        let mut variables = match include.env_files[..] {
            [] => self.variables(&own, None),
            _ => BTreeMap::new(),
        };
        for path in env_files {
            variables.extend(self.variables(&own, Some(path)));
        }
        variables.extend(environment.variables.clone());
        let files = paths.iter().filter_map(|path| self.reach.read(path));
        let files: Vec<FileText<'_>> = files.collect();
        self.read_project(&files, &own, variables, depth + 1);
    }

    /// The definitions of a service, those that it extends first.
    fn with_extended(
        &mut self,
        name: &str,
        own: &Services,
        file: &FileText<'_>,
        environment: &Environment<'_>,
        (depth, step): (usize, usize),
    ) -> Vec<Rc<Service>> {
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
    fn service(&mut self, name: &str, parts: &[Rc<Service>], folder: &str) {
        let platform = parts.iter().rev().find_map(|part| part.platform.clone());
        if !self.take_room(parts.iter().map(|part| part.build.size()).sum()) {
            return;
        }
        let build = merged(parts.iter().map(|part| part.build.clone()));
        for part in parts {
            let volumes = part.volumes.iter().cloned();
            let volumes = volumes.map(|text| text.located(ReferenceKind::ComposeVolume, None));
            self.found.references.extend(volumes);
        }
        let images = parts.iter().filter_map(|part| part.image.clone());
        let Some(build) = build else {
            let images =
                images.map(|text| text.located(ReferenceKind::ComposeImage, platform.clone()));
            return self.found.references.extend(images);
        };
        let mut described = build.build(name, folder);
        for image in images {
            // A variable that names what is built changes it too.
            self.found.around.push(Around {
                line: image.line,
                written: image.written.clone(),
                text: image.expanded.value.text().to_owned(),
            });
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

    /// Takes the room for a number of definitions or arguments; `false` if there is none left.
    fn take_room(&mut self, count: usize) -> bool {
        match self.room.checked_sub(count) {
            Some(room) => self.room = room,
            None => self.is_full = true,
        }
        !self.is_full
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
