//! Which images the registered repositories publish, and where each is built.

use super::newest::{InUse, in_use};
use super::subject::{Built, Subject};
use crate::family::{GIPGEE_BASE_ARG, ImageSpec};
use crate::fleet::{Family, ParsedRepo};
use crate::forge::{ForgeError, Repository};
use crate::image::{ImageName, Reference};
use crate::repo::{RepoName, RepoPath};
use crate::run::family::family;
use crate::run::gather::Scope;
use crate::run::load::{Loaded, NotLoaded, load, not_loaded};
use crate::run::read::bad_settings;
use crate::run::register::{Roll, look, register};
use crate::run::report::{ProblemReport, Report};
use crate::run::setup::Setup;
use crate::run::shared::AT_ONCE;
use crate::source::Format;
use futures::StreamExt as _;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The registered repositories and what they publish.
pub struct Publishers {
    repositories: Vec<(Repository, ParsedRepo)>,
    family: Family,
    in_use: HashMap<ImageName, InUse>,
    /// What could not be read; what it would have told of is missing here.
    pub problems: Vec<ProblemReport>,
}

/// Reads all registered repositories, or those that are related to `subject` where the store knows which these are.
/// Nothing is written but the cache.
pub async fn publishers(setup: &Setup, subject: Option<&str>) -> Publishers {
    let mut read = Read::default();
    let scope = subject.and_then(|subject| Scope::below(setup, subject, false));
    if let Some(mut scope) = scope
        && let Some(only) = scope.globs()
    {
        while let Some(wanted) = scope.next(read.repositories.iter().map(|(_, parsed)| parsed)) {
            let mut report = Report::new(true);
            let roll = look(setup, &wanted, &only, false, &mut report).await;
            read.take(setup, roll, report).await;
        }
    } else {
        let mut report = Report::new(true);
        let roll = register(setup, None, false, &mut report).await;
        read.take(setup, roll, report).await;
    }
    let Read {
        mut repositories,
        unlisted,
        problems,
    } = read;
    repositories.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
    let of_repositories = repositories.iter().map(|(repo, parsed)| (repo, parsed));
    let family = family(setup, of_repositories, unlisted);
    Publishers {
        in_use: in_use(setup, repositories.iter().map(|(_, parsed)| parsed)),
        repositories,
        family,
        problems,
    }
}

/// What was read so far.
#[derive(Default)]
struct Read {
    repositories: Vec<(Repository, ParsedRepo)>,
    unlisted: BTreeSet<RepoName>,
    problems: Vec<ProblemReport>,
}

impl Read {
    /// Reads these repositories, several at once.
    async fn take(&mut self, setup: &Setup, roll: Roll, report: Report) {
        self.unlisted.extend(roll.unlisted);
        self.problems.extend(report.problems);
        for repository in report.repositories {
            let named = repository.problems.into_iter();
            self.problems
                .extend(named.map(|problem| of_repo(&repository.repo, problem)));
        }
        let git = setup.git.as_ref();
        let read = roll.repositories.into_iter().map(|(_, repo)| async move {
            let loaded = match git {
                Some(git) => Some(load(setup, git, &repo).await),
                None => None,
            };
            (loaded, repo)
        });
        let read: Vec<_> = read.collect();
        let mut read = futures::stream::iter(read).buffered(AT_ONCE);
        while let Some((loaded, repo)) = read.next().await {
            let problem = match loaded {
                Some(Ok(Loaded { parsed, .. })) => {
                    self.repositories.push((repo, parsed));
                    continue;
                }
                None | Some(Err(NotLoaded::Skipped(_))) => continue,
                Some(Err(NotLoaded::Git(error))) => ProblemReport::from(&ForgeError::from(error)),
                Some(Err(NotLoaded::Settings(error))) => bad_settings(&error),
            };
            self.problems.push(of_repo(repo.name.as_str(), problem));
            let parsed = not_loaded(setup, &repo, true);
            self.repositories.push((repo, parsed));
        }
    }
}

fn of_repo(repo: &str, mut problem: ProblemReport) -> ProblemReport {
    problem.message = format!("{repo}: {}", problem.message);
    problem
}

impl Publishers {
    /// The images that a repository publishes; `None` if no such repository is registered.
    pub fn of_repo(&self, name: &RepoName) -> Option<Vec<Subject>> {
        let is = |(repo, _): &(Repository, ParsedRepo)| repo.name == *name;
        let repo = self.repositories.iter().position(is)?;
        let nodes = self.family.graph.nodes_of(repo).iter();
        Some(nodes.filter_map(|node| self.subject(*node)).collect())
    }

    /// All images that are published, each with its place in the graph.
    pub fn all(&self) -> Vec<(usize, Subject)> {
        let nodes = 0..self.family.graph.nodes().len();
        let published = nodes.filter(|node| self.family.graph.nodes()[*node].repo.is_some());
        published
            .filter_map(|node| Some((node, self.subject(node)?)))
            .collect()
    }

    /// The family of the registered repositories.
    pub fn family(&self) -> &Family {
        &self.family
    }

    /// An image, with the repository that publishes it, if one does.
    pub fn of_image(&self, setup: &Setup, reference: &Reference) -> Subject {
        let node = self.family.graph.node_of(&setup.resolve(&reference.name));
        Subject {
            in_use: self.in_use(&setup.resolve(&reference.name)),
            image: reference.name.clone(),
            tag: reference.tag.clone(),
            digest: reference.digest.clone(),
            built: node.and_then(|node| self.built(node)),
        }
    }

    fn in_use(&self, image: &ImageName) -> InUse {
        self.in_use.get(image).cloned().unwrap_or_default()
    }

    fn subject(&self, node: usize) -> Option<Subject> {
        let image = self.family.graph.nodes().get(node)?.image.clone()?;
        Some(Subject {
            in_use: self.in_use(&image),
            image,
            tag: None,
            digest: None,
            built: self.built(node),
        })
    }

    fn built(&self, node: usize) -> Option<Arc<Built>> {
        let repo = self.family.graph.nodes().get(node)?.repo?;
        let (repository, parsed) = self.repositories.get(repo)?;
        built(&self.family, node, repository, parsed).map(Arc::new)
    }
}

/// Where the image of a node is built; `None` where the repository does not tell from which Dockerfile.
pub(in crate::run) fn built(
    family: &Family,
    node: usize,
    repo: &Repository,
    parsed: &ParsedRepo,
) -> Option<Built> {
    let graph = &family.graph;
    let spec = graph.nodes().get(node)?.spec;
    let spec = spec.and_then(|spec| parsed.settings.images.get(spec));
    let dockerfile = match spec {
        Some(spec) => spec.dockerfile.clone(),
        None => only(
            parsed,
            graph.edges_to(node).map(|edge| &edge.path).collect(),
        )?,
    };
    let file = parsed.files.iter().find(|file| file.path == dockerfile)?;
    Some(Built {
        repo: repo.clone(),
        contents: file.contents.clone(),
        dockerfile,
        target: spec.and_then(|spec| spec.target.clone()),
        args: parsed.settings.args.clone(),
        passed: spec.map(|spec| passed(parsed, spec)).unwrap_or_default(),
    })
}

/// The base that gipgee passes, where an image has one.
fn passed(parsed: &ParsedRepo, spec: &ImageSpec) -> BTreeMap<String, String> {
    let bases: BTreeSet<String> = parsed.bases_told(spec).map(ToString::to_string).collect();
    let is_one = bases.len() == 1;
    let base = bases.into_iter().filter(|_| is_one);
    base.map(|base| (GIPGEE_BASE_ARG.to_owned(), base))
        .collect()
}

/// The one Dockerfile among those that name a parent, or among all, if none does; of several the one at the top.
fn only(parsed: &ParsedRepo, named: BTreeSet<&RepoPath>) -> Option<RepoPath> {
    let files = parsed.files.iter();
    let dockerfiles = files.filter(|file| file.format == Format::Dockerfile);
    let all: BTreeSet<&RepoPath> = dockerfiles.map(|file| &file.path).collect();
    let named: BTreeSet<&RepoPath> = named.intersection(&all).copied().collect();
    let among = if named.is_empty() { all } else { named };
    let mut at_top = among.iter().filter(|path| path.as_str() == "Dockerfile");
    match among.len() {
        1 => among.first().map(|path| (*path).clone()),
        _ => at_top.next().map(|path| (*path).clone()),
    }
}
