//! What is to be judged, of a repository or of a folder.

use super::observe::{GITLAB_DEPS, REPO_CONFIG};
use super::setup::Setup;
use super::unread::unread;
use crate::config::{Config, RepoConfig, repo_of};
use crate::family::{
    Depends, ImageSpec, NO_REGISTRY, REGISTRY_ARG, contexts, gipgee, gipgee_files, is_gipgee,
    is_info, knows_gipgee,
};
use crate::forge::ForgeRegistry;
use crate::git::EntryKind;
use crate::image::{ImageName, Reference};
use crate::plan::{Decision, File, Images, Observations, Proposal, Target, propose};
use crate::policy::{Notes, Policy};
use crate::repo::{Branch, RepoName, RepoPath};
use crate::source::{Format, Kind, Located, PassedOver, Stages, VersionFileError, scan};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// The most of a line that is shown: one line can hold thousands of references, each of which shows it.
const LONGEST_LINE: usize = 300;

/// A repository or folder with everything that was read of it.
#[derive(Debug)]
pub struct Work {
    /// The repository; none for a plain folder.
    pub repo: Option<RepoName>,
    /// Its own settings.
    pub config: RepoConfig,
    /// All rules that hold for it.
    pub policy: Policy,
    /// The files that hold references.
    pub files: Vec<File>,
    /// What the files are: their mode stays.
    pub kinds: BTreeMap<RepoPath, EntryKind>,
    /// The references, in the order of files and lines.
    pub references: Vec<(RepoPath, Located)>,
    /// The stages of the files.
    pub stages: BTreeMap<RepoPath, Stages>,
    /// Files that were not read, and why.
    pub skipped: Vec<(String, String)>,
    /// Lines that could not be read.
    pub passed: Vec<(RepoPath, PassedOver)>,
    /// The images that it says it builds, or that its folders tell.
    pub specs: Vec<ImageSpec>,
    /// Those that it gives versions to.
    pub images: Images,
    /// What is odd about them, for people.
    pub findings: Vec<String>,
    /// The version files that are no files with references.
    versions: BTreeMap<RepoPath, Vec<u8>>,
    /// The decisions, in the order of the references, once they are made.
    pub decisions: Vec<Decision>,
    /// The registry of the repository's own forge.
    pub registry: Option<ForgeRegistry>,
    /// Whether the repository could not be read, so that what it says is not known.
    pub unread: bool,
    /// Where the lines of the files begin, by path, with the file's index.
    line_starts: OnceLock<BTreeMap<RepoPath, (usize, Vec<usize>)>>,
}

impl Work {
    /// Scans the files of a repository or folder.
    pub fn new(
        setup: &Setup,
        repo: Option<RepoName>,
        mut config: RepoConfig,
        files: impl IntoIterator<Item = (RepoPath, EntryKind, Vec<u8>)>,
        skipped: Vec<(String, String)>,
    ) -> Self {
        let rules = setup
            .config
            .rules
            .iter()
            .chain(&config.rules)
            .cloned()
            .collect();
        let files: Vec<_> = files.into_iter().collect();
        let (mut specs, mut findings) = specs(&mut config, &files);
        let over = specs.len().saturating_sub(MOST_IMAGES);
        if over > 0 {
            specs.truncate(MOST_IMAGES);
            config.images.truncate(MOST_IMAGES);
            findings.push(format!(
                "the repository has {over} images more than the limit of {MOST_IMAGES}"
            ));
        }
        let named = version_files(&specs);
        let mut work = Self {
            repo,
            policy: Policy {
                rules,
                operators: setup.config.rules.len(),
                ceiling: setup.config.ceiling,
                notes: Notes::default(),
            },
            files: Vec::new(),
            kinds: BTreeMap::new(),
            references: Vec::new(),
            stages: BTreeMap::new(),
            skipped,
            passed: Vec::new(),
            specs: Vec::new(),
            images: Images::default(),
            findings: Vec::new(),
            versions: BTreeMap::new(),
            decisions: Vec::new(),
            registry: None,
            unread: false,
            line_starts: OnceLock::new(),
            config,
        };
        let most = setup.config.budget.references;
        for (path, kind, contents) in files {
            if path.as_str() == GITLAB_DEPS {
                work.config.depends.extend(gitlab_deps(&path, &contents));
                continue;
            }
            let holds_none = Format::of(path.as_str()).is_none();
            if holds_none && (named.contains(&path) || is_info(&path)) {
                work.kinds.insert(path.clone(), kind);
                work.versions.insert(path, contents);
                continue;
            }
            if path.as_str() == REPO_CONFIG || !work.config.reads(&path) {
                continue;
            }
            let Some(format) = Format::read_as(path.as_str(), &contents) else {
                continue;
            };
            match scan(format, &contents, &work.config.args) {
                Ok(mut scanned) => {
                    let room = most.saturating_sub(work.references.len());
                    let over = scanned.references.len().saturating_sub(room);
                    if over > 0 {
                        scanned.references.truncate(room);
                        let why = format!("too-many-references: {over} were skipped");
                        work.skipped.push((path.to_string(), why));
                    }
                    work.references.extend(
                        scanned
                            .references
                            .into_iter()
                            .map(|located| (path.clone(), located)),
                    );
                    if !scanned.passed.is_empty() {
                        work.passed.push((path.clone(), scanned.passed));
                    }
                    work.stages.insert(path.clone(), scanned.stages);
                    work.kinds.insert(path.clone(), kind);
                    work.files.push(File {
                        path,
                        format,
                        contents,
                    });
                }
                Err(why) => work.skipped.push((path.to_string(), why.code().to_owned())),
            }
        }
        work.know_gipgee();
        let notes = work
            .references
            .iter()
            .flat_map(|(_, located)| &located.notes);
        work.policy.notes = Notes::read(notes);
        let resolve = |image: &ImageName| setup.resolve(image);
        let contents = |path: &RepoPath| work.version(path);
        let args = &work.config.args;
        let images = Images::new(
            &specs,
            &contents,
            args,
            &work.stages,
            &work.references,
            &resolve,
        );
        findings.extend(images.findings());
        work.images = images;
        work.specs = specs;
        work.findings = findings;
        work
    }

    /// What gipgee passes to its Containerfiles is followed where it is said.
    fn know_gipgee(&mut self) {
        let files = self.files.iter().map(|f| (&f.path, f.contents.as_slice()));
        let built = gipgee_files(files);
        for (path, located) in &mut self.references {
            knows_gipgee(path, located, &built);
        }
    }

    /// The bases of an image that stand in its gipgee.yml, as far as they are known.
    pub fn bases_told(&self, spec: &ImageSpec) -> impl Iterator<Item = &Reference> {
        let told = self.references.iter().filter(move |(path, located)| {
            located.kind == Kind::GipgeeBase && spec.is_told_at(path, located.line)
        });
        told.filter_map(|(_, located)| located.reference())
    }

    /// A version file's contents.
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

    /// All files that were read.
    pub fn contents(&self) -> Vec<(&RepoPath, &[u8])> {
        let files = self.files.iter().map(|f| (&f.path, f.contents.as_slice()));
        let versions = self
            .versions
            .iter()
            .map(|(path, contents)| (path, contents.as_slice()));
        files.chain(versions).collect()
    }

    /// What would be proposed for a folder that is no repository of a forge; `together`: as one.
    pub fn propose(
        &mut self,
        name: &str,
        config: &Config,
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
            templates: &config.merge_requests.templates,
            commit_prefix: &config.merge_requests.commit_prefix,
            together,
        };
        let (args, images) = (&self.config.args, &self.images);
        propose(
            &target,
            &self.files,
            args,
            images,
            &mut self.decisions,
            seen,
        )
        .0
    }

    /// Files and lines that were not read, each in one line.
    pub fn unread(&self) -> Vec<String> {
        let unread = unread(&self.skipped, &self.passed);
        unread.iter().map(ToString::to_string).collect()
    }

    /// The indices of the rules that matched something.
    pub fn matched(&self) -> impl Iterator<Item = usize> {
        let effective = self.decisions.iter().filter_map(|d| d.effective.as_ref());
        effective.flat_map(|effective| effective.matched.iter().copied())
    }

    /// The text of a line, counted from 1. Where a file's lines begin is looked for once.
    pub fn line(&self, path: &RepoPath, line: usize) -> Option<String> {
        let starts = self.line_starts.get_or_init(|| {
            let starts = |file: &File| {
                let ends = file.contents.iter().enumerate();
                let ends = ends
                    .filter(|(_, byte)| **byte == b'\n')
                    .map(|(at, _)| at + 1);
                std::iter::once(0).chain(ends).collect()
            };
            let files = self.files.iter().enumerate();
            let files = files.map(|(index, file)| (file.path.clone(), (index, starts(file))));
            files.collect()
        });
        let (file, starts): &(usize, Vec<usize>) = starts.get(path)?;
        let contents = &self.files.get(*file)?.contents;
        let start = *starts.get(line.checked_sub(1)?)?;
        let end = starts.get(line).copied().unwrap_or(contents.len());
        // No more is looked at than is shown.
        let end = end.min(start + 4 * LONGEST_LINE + 4);
        let text = String::from_utf8_lossy(contents.get(start..end)?);
        let whole = text.trim_end_matches(['\n', '\r']);
        let shown = match whole.char_indices().nth(LONGEST_LINE) {
            Some((end, _)) => format!("{}…", &whole[..end]),
            None => whole.to_owned(),
        };
        (!text.is_empty()).then_some(shown)
    }

    /// The files that could not be read, or not wholly: what a merge request changes in them is not judged.
    pub fn not_judged(&self) -> BTreeSet<String> {
        let skipped = self.skipped.iter().map(|(path, _)| path.clone());
        let passed = self.passed.iter().map(|(path, _)| path.to_string());
        skipped.chain(passed).collect()
    }
}

/// The images that a repository says it builds, or that its gipgee.yml or its folders tell, and what is odd about them.
/// Where only the build knows the registry, a name that is never asked stands for it.
fn specs(
    config: &mut RepoConfig,
    files: &[(RepoPath, EntryKind, Vec<u8>)],
) -> (Vec<ImageSpec>, Vec<String>) {
    if !config.images.is_empty() {
        return (config.images.clone(), Vec::new());
    }
    let mut all = files.iter();
    let told = all.find(|(path, ..)| is_gipgee(path) && config.reads(path));
    if let Some((path, _, contents)) = told {
        let (specs, findings) = gipgee(path, contents);
        config.images.clone_from(&specs);
        return (specs, findings);
    }
    let paths = files.iter().map(|(path, ..)| path);
    let given = config.args.get(REGISTRY_ARG).cloned();
    let registry = given.clone().unwrap_or_else(|| NO_REGISTRY.to_owned());
    let read: Vec<&RepoPath> = paths.filter(|path| is_context_file(config, path)).collect();
    let (specs, findings) = contexts(read, &registry);
    match given {
        _ if specs.is_empty() => {}
        Some(_) => config.images.clone_from(&specs),
        None => drop(config.args.insert(REGISTRY_ARG.to_owned(), registry)),
    }
    (specs, findings)
}

/// A file of a context counts if its Dockerfile is read.
fn is_context_file(config: &RepoConfig, path: &RepoPath) -> bool {
    let folder = path
        .as_str()
        .rsplit_once('/')
        .map_or("", |(folder, _)| folder);
    RepoPath::parse(&format!("{folder}/Dockerfile")).is_ok_and(|path| config.reads(&path))
}

fn version_files(specs: &[ImageSpec]) -> BTreeSet<RepoPath> {
    let files = specs.iter().filter_map(|spec| spec.version.as_ref());
    files.map(|version| version.file.path.clone()).collect()
}

/// What `.gitlab-deps` names: a project's address a line. A line that names none stands in nobody's way.
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

/// The most projects of a `.gitlab-deps` that are read.
const MOST_DEPENDS: usize = 500;
/// The most images of one repository.
const MOST_IMAGES: usize = 1_000;
