//! A repository or folder, with everything derived from its files alone.

use super::operator::Operator;
use super::settings::RepoSettings;
use super::tree::{GITLAB_DEPS, REPO_CONFIG, Tree, TreeFile};
use super::unread::unread;
use crate::family::{
    Depends, ImageSpec, NO_REGISTRY, REGISTRY_ARG, built, contexts, gipgee, gipgee_files,
    is_gipgee, is_info, knows_gipgee, repo_of,
};
use crate::image::{ImageName, Reference, RegistryHost};
use crate::plan::{Decision, Images, Observations, Proposal, Target, propose};
use crate::policy::{Notes, Policy};
use crate::repo::{Branch, RepoName, RepoPath};
use crate::source::{
    Format, Located, PassedOver, ReadSources, ReferenceKind, Remark, SourceFile, Sources, Stages,
    Told, VersionFileError, is_generated, not_read, read_sources,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// The maximum length of a displayed line, in characters: one line can hold thousands of references that each show it.
const LONGEST_LINE: usize = 300;
/// How many projects of a `.gitlab-deps` are read at most.
const MOST_DEPENDS: usize = 500;
/// How many images a repository may have at most.
const MOST_IMAGES: usize = 1_000;

/// A repository or folder whose files were read and whose references were found.
#[derive(Debug)]
pub struct ParsedRepo {
    /// The repository's path; `None` for a plain folder.
    pub name: Option<RepoName>,
    /// The settings in its `imagebot.toml`.
    pub settings: RepoSettings,
    /// All rules that apply to it.
    pub policy: Policy,
    /// The files with references, and those that give values to them.
    pub sources: Sources,
    /// How they depend on each other.
    pub reading: ReadSources,
    /// The references, ordered by file and line.
    pub references: Vec<(RepoPath, Located)>,
    /// The build stages of its Dockerfiles.
    pub stages: BTreeMap<RepoPath, Stages>,
    /// Files that were not read, with the reason.
    pub skipped: Vec<(String, String)>,
    /// Files that are left out on purpose, with the reason.
    pub left_out: Vec<(String, String)>,
    /// Lines that could not be parsed.
    pub passed: Vec<(RepoPath, PassedOver)>,
    /// Remarks about lines.
    pub told: Vec<(RepoPath, Told)>,
    /// The images that its settings declare or that follow from its folders.
    pub specs: Vec<ImageSpec>,
    /// Those of its images that have their own versions.
    pub images: Images,
    /// Errors in the declarations of images, human-readable.
    pub findings: Vec<String>,
    /// The host of its forge's container registry.
    pub registry: Option<RegistryHost>,
    /// Whether it could not be read: then its images are known only from earlier passes.
    pub unread: bool,
    /// The contents of version files without references.
    versions: BTreeMap<RepoPath, Vec<u8>>,
    /// The executable files.
    executable: BTreeSet<RepoPath>,
    /// The byte offsets of the lines of each file, with the file's index; computed when first needed.
    line_starts: OnceLock<BTreeMap<RepoPath, (usize, Vec<usize>)>>,
}

impl ParsedRepo {
    /// Finds the references in a tree and applies the tree's settings.
    pub fn new(
        operator: &Operator,
        name: Option<RepoName>,
        mut settings: RepoSettings,
        tree: Tree,
    ) -> Self {
        let (mut specs, mut findings) = specs(&mut settings, &tree);
        let over = specs.len().saturating_sub(MOST_IMAGES);
        if over > 0 {
            specs.truncate(MOST_IMAGES);
            settings.images.truncate(MOST_IMAGES);
            findings.push(format!(
                "the repository has {over} images more than the limit of {MOST_IMAGES}"
            ));
        }
        let mut repo = Self::of_settings(operator, name, settings);
        repo.skipped = tree.skipped;
        repo.leave_out(tree.vendored);
        repo.read(operator, tree.files, &version_files(&specs));
        repo.know_gipgee();
        repo.know_builds();
        let notes = repo
            .references
            .iter()
            .flat_map(|(_, located)| &located.notes);
        repo.policy.notes = Notes::read(notes);
        let resolve = |image: &ImageName| operator.resolve(image);
        let images = Images::new(
            &specs,
            &|path: &RepoPath| repo.version(path),
            &repo.settings.args,
            &repo.stages,
            &repo.references,
            &resolve,
        );
        findings.extend(images.findings());
        repo.images = images;
        repo.specs = specs;
        repo.findings = findings;
        repo
    }

    /// A repository of which nothing was read, also because nothing is to be done in it.
    pub fn empty(operator: &Operator, name: Option<RepoName>) -> Self {
        Self::of_settings(operator, name, RepoSettings::default())
    }

    /// A repository that could not be read.
    pub fn unread(operator: &Operator, name: RepoName) -> Self {
        Self {
            unread: true,
            ..Self::empty(operator, Some(name))
        }
    }

    fn of_settings(operator: &Operator, name: Option<RepoName>, settings: RepoSettings) -> Self {
        let rules = operator.rules.iter().chain(&settings.rules);
        Self {
            name,
            policy: Policy {
                rules: rules.cloned().collect(),
                operators: operator.rules.len(),
                ceiling: operator.ceiling,
                notes: Notes::default(),
            },
            settings,
            sources: Sources::default(),
            reading: ReadSources::default(),
            references: Vec::new(),
            stages: BTreeMap::new(),
            skipped: Vec::new(),
            left_out: Vec::new(),
            passed: Vec::new(),
            told: Vec::new(),
            specs: Vec::new(),
            images: Images::default(),
            findings: Vec::new(),
            registry: None,
            unread: false,
            versions: BTreeMap::new(),
            executable: BTreeSet::new(),
            line_starts: OnceLock::new(),
        }
    }

    /// Reads the files with references, the version files in `named`, and `.gitlab-deps`.
    fn read(
        &mut self,
        operator: &Operator,
        files: BTreeMap<RepoPath, TreeFile>,
        named: &BTreeSet<RepoPath>,
    ) {
        let mut sources = Vec::new();
        let mut generated = 0;
        for (path, file) in files {
            let TreeFile {
                executable,
                contents,
            } = file;
            if path.as_str() == GITLAB_DEPS {
                self.settings.depends.extend(gitlab_deps(&path, &contents));
                continue;
            }
            let is_version = named.contains(&path) || is_info(&path);
            let is_known = Format::of(path.as_str()).is_some();
            let is_config = path.as_str() == REPO_CONFIG;
            // What the configuration names is read even if it is generated.
            let is_custom = !is_config && self.settings.reads_custom(&path);
            let is_read = !is_config && self.settings.reads(&path);
            let is_generated = is_read && !self.settings.vendored && is_generated(&contents);
            generated += usize::from(is_generated && is_known && !is_custom);
            let is_read = is_read && !is_generated;
            // A file of another name is what `include` adds, unless something else reads it.
            let format = match self.settings.names(&path) {
                true => Format::included_as(path.as_str(), &contents),
                false => Format::read_as(path.as_str(), &contents),
            };
            let format = format.filter(|_| is_read && (is_known || !is_version && !is_custom));
            if format.is_none() && is_version && !is_custom {
                self.executable.extend(executable.then(|| path.clone()));
                self.versions.insert(path, contents);
                continue;
            }
            if !is_read && !is_custom {
                continue;
            }
            self.executable.extend(executable.then(|| path.clone()));
            sources.push(SourceFile {
                path,
                format,
                contents,
            });
        }
        self.leave_out_generated(generated);
        self.sources = Sources::new(sources)
            .with_custom(self.settings.sources.clone())
            .with_predefined(self.settings.predefined.clone())
            .with_included(self.settings.include.iter().flatten().cloned());
        let feature = ReferenceKind::DevcontainerFeature;
        if self.policy.rules.iter().any(|rule| rule.names(feature)) {
            self.sources = std::mem::take(&mut self.sources).with_kind(feature);
        }
        let mut reading = read_sources(&self.sources, &self.settings.args);
        self.references = std::mem::take(&mut reading.references);
        let over = self.references.len().saturating_sub(operator.references);
        if over > 0 {
            let mut cut: BTreeMap<String, usize> = BTreeMap::new();
            for (path, _) in self.references.drain(operator.references..) {
                *cut.entry(path.to_string()).or_default() += 1;
            }
            let cut = cut.into_iter();
            let cut = cut.map(|(path, n)| (path, format!("too-many-references: {n} were skipped")));
            self.skipped.extend(cut);
        }
        let skipped = std::mem::take(&mut reading.skipped).into_iter();
        self.skipped
            .extend(skipped.map(|(path, why)| (path.to_string(), why.code().to_owned())));
        self.passed = std::mem::take(&mut reading.passed);
        self.stages = std::mem::take(&mut reading.stages);
        self.told = std::mem::take(&mut reading.told);
        self.reading = reading;
        self.tell_unread();
    }

    /// Keeps only what concerns one file: the others were read because it depends on them.
    pub fn keep_only(&mut self, only: &RepoPath) {
        self.references.retain(|(path, _)| path == only);
        self.told.retain(|(path, _)| path == only);
        self.passed.retain(|(path, _)| path == only);
        self.skipped.retain(|(name, _)| name == only.as_str());
        self.left_out.clear();
    }

    fn leave_out(&mut self, folders: BTreeMap<String, usize>) {
        let folders = folders.into_iter().map(|(folder, count)| {
            let what = format!(
                "left out as a copy of other projects; files: {count}; vendored = true reads them"
            );
            (folder, what)
        });
        self.left_out.extend(folders);
    }

    fn leave_out_generated(&mut self, count: usize) {
        if count > 0 {
            let what = "left out, because their first lines say so; vendored = true reads them";
            self.left_out
                .push((format!("generated files: {count}"), what.to_owned()));
        }
    }

    /// Notes the files that look as if they named an image, and that no format reads. Values of Helm without a chart
    /// beside them are among these.
    fn tell_unread(&mut self) {
        let named: BTreeSet<&RepoPath> = self.references.iter().map(|(path, _)| path).collect();
        let unread = self.sources.iter().filter(|file| {
            let is_unknown = match file.format {
                None => !self.reading.is_used(&self.sources, &file.path),
                Some(Format::HelmValues) => !named.contains(&file.path),
                Some(_) => false,
            };
            let may_be = Format::may_include(file.path.as_str());
            is_unknown && may_be && !self.settings.reads_custom(&file.path)
        });
        let told = unread.filter_map(|file| {
            let text = std::str::from_utf8(&file.contents).ok()?;
            Some((file.path.clone(), not_read(&file.path, text, 1)?))
        });
        let told: Vec<_> = told.collect();
        self.told.extend(told);
    }

    /// Whether a file is executable.
    pub fn is_executable(&self, path: &RepoPath) -> bool {
        self.executable.contains(path)
    }

    /// Marks references to the base argument in gipgee's Containerfiles: the base is updated in `gipgee.yml` instead.
    fn know_gipgee(&mut self) {
        let files = self.sources.iter();
        let files = files.map(|f| (&f.path, f.contents.as_slice()));
        let built = gipgee_files(files);
        for (path, located) in &mut self.references {
            knows_gipgee(path, located, &built);
        }
    }

    /// If nothing declares its images, those that its compose and bake files build and name are its images.
    fn know_builds(&mut self) {
        if !self.settings.images.is_empty() || !self.settings.discover {
            return;
        }
        let from = self.references.iter();
        let from = from.filter(|(path, located)| {
            located.kind.is_build_input() && self.stages.contains_key(path)
        });
        let dockerfiles: BTreeSet<&RepoPath> = from.map(|(path, _)| path).collect();
        self.settings.images = built(&self.reading.builds, &dockerfiles);
    }

    /// The build arguments of a Dockerfile's target: those that its only build gives, and those that CI passes.
    pub fn args_of(&self, dockerfile: &RepoPath, target: Option<&str>) -> BTreeMap<String, String> {
        let builds = self.reading.builds.iter().filter(|build| {
            build.dockerfile.as_ref() == Some(dockerfile) && build.target.as_deref() == target
        });
        let builds: Vec<_> = builds.collect();
        let given = match builds[..] {
            [build] => build.args.clone(),
            _ => BTreeMap::new(),
        };
        given
            .into_iter()
            .chain(self.settings.args.clone())
            .collect()
    }

    /// The bases of an image that are named in its `gipgee.yml` and could be parsed.
    pub fn bases_told(&self, spec: &ImageSpec) -> impl Iterator<Item = &Reference> {
        let told = self.references.iter().filter(move |(path, located)| {
            located.kind == ReferenceKind::GipgeeBase && spec.is_told_at(path, located.line)
        });
        told.filter_map(|(_, located)| located.reference())
    }

    /// The contents of a version file.
    fn version(&self, path: &RepoPath) -> Result<&[u8], VersionFileError> {
        if let Some((_, contents)) = self
            .contents()
            .into_iter()
            .find(|(known, _)| *known == path)
        {
            return Ok(contents);
        }
        let skipped = self
            .skipped
            .iter()
            .find(|(known, _)| known == path.as_str());
        Err(match skipped {
            Some((_, why)) => VersionFileError::NotRead(why.clone()),
            None => VersionFileError::Missing,
        })
    }

    /// All files that were read, with their contents.
    pub fn contents(&self) -> Vec<(&RepoPath, &[u8])> {
        let files = self.sources.iter();
        let files = files.map(|f| (&f.path, f.contents.as_slice()));
        let versions = self
            .versions
            .iter()
            .map(|(path, contents)| (path, contents.as_slice()));
        files.chain(versions).collect()
    }

    /// The proposals for a folder without a forge; `together`: as a single one.
    pub fn propose(
        &self,
        operator: &Operator,
        name: &str,
        decisions: &mut [Decision],
        seen: &Observations,
        together: bool,
    ) -> Vec<Proposal> {
        let Ok(branch) = Branch::parse("main") else {
            return Vec::new();
        };
        let target = Target {
            repo_id: name,
            repo: name,
            branch: &branch,
            noun: "merge request",
            templates: &operator.templates,
            commit_prefix: &operator.commit_prefix,
            rebase_label: &operator.rebase_label,
            stop_label: &operator.stop_label,
            together,
        };
        let (args, images) = (&self.settings.args, &self.images);
        let (sources, reading) = (&self.sources, &self.reading);
        propose(&target, sources, reading, args, images, decisions, seen).0
    }

    /// The files and lines that were not read, one line each.
    pub fn unread_lines(&self) -> Vec<String> {
        let skipped = [self.skipped.as_slice(), &self.left_out].concat();
        let unread = unread(&skipped, &self.passed);
        let unknown = self.told.iter();
        let unknown = unknown.filter(|(_, told)| told.remark == Remark::NotRead);
        let unknown = unknown.map(|(path, told)| format!("{path}:{told}"));
        unread
            .iter()
            .map(ToString::to_string)
            .chain(unknown)
            .collect()
    }

    /// The text of a line, counted from 1. The line offsets of all files are computed once.
    pub fn line(&self, path: &RepoPath, line: usize) -> Option<String> {
        let starts = self.line_starts.get_or_init(|| {
            let starts = |file: &SourceFile| {
                let ends = file.contents.iter().enumerate();
                let ends = ends
                    .filter(|(_, byte)| **byte == b'\n')
                    .map(|(at, _)| at + 1);
                std::iter::once(0).chain(ends).collect()
            };
            let files = self.sources.iter().enumerate();
            let files = files.map(|(index, file)| (file.path.clone(), (index, starts(file))));
            files.collect()
        });
        let (file, starts): &(usize, Vec<usize>) = starts.get(path)?;
        let contents = &self.sources.iter().nth(*file)?.contents;
        let start = *starts.get(line.checked_sub(1)?)?;
        let end = starts.get(line).copied().unwrap_or(contents.len());
        // Only the part that can be shown is decoded.
        let end = end.min(start + 4 * LONGEST_LINE + 4);
        let text = String::from_utf8_lossy(contents.get(start..end)?);
        let whole = text.trim_end_matches(['\n', '\r']);
        let shown = match whole.char_indices().nth(LONGEST_LINE) {
            Some((end, _)) => format!("{}…", &whole[..end]),
            None => whole.to_owned(),
        };
        (!text.is_empty()).then_some(shown)
    }

    /// The files that could not be read completely: changes of a merge request in them are not judged.
    pub fn not_judged(&self) -> BTreeSet<String> {
        let skipped = self.skipped.iter().map(|(path, _)| path.clone());
        let passed = self.passed.iter().map(|(path, _)| path.to_string());
        skipped.chain(passed).collect()
    }
}

/// The images that a repository declares, or that follow from its `gipgee.yml` or its folders, with the errors in that.
/// If only the build knows the registry, `registry.invalid` is used, which is never contacted.
fn specs(settings: &mut RepoSettings, tree: &Tree) -> (Vec<ImageSpec>, Vec<String>) {
    if !settings.images.is_empty() {
        return (settings.images.clone(), Vec::new());
    }
    let mut all = tree.files.iter();
    let gipgee_file = all.find(|(path, _)| is_gipgee(path) && settings.reads(path));
    if let Some((path, file)) = gipgee_file {
        let (specs, findings) = gipgee(path, &file.contents);
        settings.images.clone_from(&specs);
        return (specs, findings);
    }
    let given = settings.args.get(REGISTRY_ARG).cloned();
    let registry = given.clone().unwrap_or_else(|| NO_REGISTRY.to_owned());
    let paths = tree.files.keys();
    let read: Vec<&RepoPath> = paths
        .filter(|path| is_context_file(settings, path))
        .collect();
    let (specs, findings) = contexts(read, &registry);
    match given {
        _ if specs.is_empty() => {}
        Some(_) => settings.images.clone_from(&specs),
        None => drop(settings.args.insert(REGISTRY_ARG.to_owned(), registry)),
    }
    (specs, findings)
}

/// Whether a file belongs to a context: its folder's Dockerfile must be among the files that are read.
fn is_context_file(settings: &RepoSettings, path: &RepoPath) -> bool {
    let folder = path.as_str().rsplit_once('/');
    let folder = folder.map_or("", |(folder, _)| folder);
    RepoPath::parse(&format!("{folder}/Dockerfile")).is_ok_and(|path| settings.reads(&path))
}

fn version_files(specs: &[ImageSpec]) -> BTreeSet<RepoPath> {
    let files = specs.iter().filter_map(|spec| spec.version.as_ref());
    files.map(|version| version.file.path.clone()).collect()
}

/// The dependencies in a `.gitlab-deps`: one project URL per line. Other lines are ignored.
fn gitlab_deps(path: &RepoPath, contents: &[u8]) -> Vec<Depends> {
    let text = String::from_utf8_lossy(contents);
    let lines = text.lines().enumerate();
    let depends = lines.filter_map(|(index, line)| {
        let word = line.split('#').next().unwrap_or_default().trim();
        let on = repo_of(word).filter(|_| !word.is_empty())?;
        let (path, line) = (path.clone(), index + 1);
        Some(Depends { on, path, line })
    });
    depends.take(MOST_DEPENDS).collect()
}
