//! Which images the registered repositories publish, and where each is built.

use super::newest::{InUse, in_use};
use super::subject::{Built, Subject};
use crate::config::RepoConfig;
use crate::family::{GIPGEE_BASE_ARG, ImageSpec};
use crate::forge::{ForgeError, Repository};
use crate::git::EntryKind;
use crate::image::{ImageName, Reference};
use crate::repo::{RepoName, RepoPath};
use crate::run::family::{Kinship, kinship};
use crate::run::observe::{REPO_CONFIG, snapshot};
use crate::run::own::own_config;
use crate::run::register::{Roll, register};
use crate::run::report::{ProblemReport, Report};
use crate::run::setup::Setup;
use crate::run::shared::AT_ONCE;
use crate::run::work::Work;
use crate::source::Format;
use futures::StreamExt as _;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The registered repositories and what they publish.
pub struct Publishers {
    repositories: Vec<(Repository, Work)>,
    kinship: Kinship,
    in_use: HashMap<ImageName, InUse>,
    /// What could not be read; what it would have told of is missing here.
    pub problems: Vec<ProblemReport>,
}

/// Reads all registered repositories, and writes nothing but the cache.
pub async fn publishers(setup: &Setup) -> Publishers {
    let mut report = Report::new(true);
    let Roll {
        repositories: registered,
        unlisted,
    } = register(setup, None, false, &mut report).await;
    let mut problems = report.problems;
    for repository in report.repositories {
        let named = repository.problems.into_iter();
        problems.extend(named.map(|problem| of_repo(&repository.repo, problem)));
    }
    let read = registered
        .into_iter()
        .map(|(_, repo)| async move { (work_of(setup, &repo).await, repo) });
    let read: Vec<_> = read.collect();
    let mut read = futures::stream::iter(read).buffered(AT_ONCE);
    let mut repositories = Vec::new();
    while let Some((work, repo)) = read.next().await {
        match work {
            Ok(Some(work)) => repositories.push((repo, work)),
            Ok(None) => {}
            Err(problem) => {
                problems.push(of_repo(repo.name.as_str(), problem));
                let name = Some(repo.name.clone());
                let mut work = Work::new(setup, name, RepoConfig::default(), [], Vec::new());
                work.registry = repo.registry.clone();
                work.unread = true;
                repositories.push((repo, work));
            }
        }
    }
    let of_repositories = repositories.iter().map(|(repo, work)| (repo, work));
    let kinship = kinship(setup, of_repositories, unlisted);
    Publishers {
        in_use: in_use(setup, repositories.iter().map(|(_, work)| work)),
        repositories,
        kinship,
        problems,
    }
}

fn of_repo(repo: &str, mut problem: ProblemReport) -> ProblemReport {
    problem.message = format!("{repo}: {}", problem.message);
    problem
}

/// What a repository says at its head; `None` for an empty one, or one that is not worked on.
async fn work_of(setup: &Setup, repo: &Repository) -> Result<Option<Work>, ProblemReport> {
    let (Some((_, head)), Some(git)) = (&repo.head, &setup.git) else {
        return Ok(None);
    };
    let snapshot = snapshot(setup, git, repo, head).await;
    let snapshot = snapshot.map_err(|error| ProblemReport::from(&ForgeError::from(error)))?;
    let own = |path: &RepoPath| path.as_str() == REPO_CONFIG;
    let contents = snapshot.files.iter().find(|file| own(&file.path));
    let contents = contents.map(|file| file.contents.as_slice());
    let skipped = snapshot.skipped.iter();
    let skipped = skipped.map(|(path, why)| (path.as_str(), why.as_str()));
    let config = own_config(&format!("{}:", repo.name), contents, skipped, &setup.config);
    let config = config.map_err(|error| ProblemReport {
        since: None,
        code: "bad-config".to_owned(),
        message: error.to_string(),
        help: Some(format!("fix {REPO_CONFIG}")),
    })?;
    if !config.enabled {
        return Ok(None);
    }
    let files = snapshot.files.into_iter();
    let files = files.map(|file| (file.path, EntryKind::File, file.contents));
    let name = Some(repo.name.clone());
    let mut work = Work::new(setup, name, config, files, Vec::new());
    work.registry = repo.registry.clone();
    Ok(Some(work))
}

impl Publishers {
    /// The images that a repository publishes; `None` if no such repository is registered.
    pub fn of_repo(&self, name: &RepoName) -> Option<Vec<Subject>> {
        let is = |(repo, _): &(Repository, Work)| repo.name == *name;
        let repo = self.repositories.iter().position(is)?;
        let nodes = self.kinship.graph.nodes_of(repo).iter();
        Some(nodes.filter_map(|node| self.subject(*node)).collect())
    }

    /// All images that are published, each with its place in the graph.
    pub fn all(&self) -> Vec<(usize, Subject)> {
        let nodes = 0..self.kinship.graph.nodes().len();
        let published = nodes.filter(|node| self.kinship.graph.nodes()[*node].repo.is_some());
        published
            .filter_map(|node| Some((node, self.subject(node)?)))
            .collect()
    }

    /// The family of the registered repositories.
    pub fn kinship(&self) -> &Kinship {
        &self.kinship
    }

    /// An image, with the repository that publishes it, if one does.
    pub fn of_image(&self, setup: &Setup, reference: &Reference) -> Subject {
        let node = self.kinship.graph.node_of(&setup.resolve(&reference.name));
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
        let image = self.kinship.graph.nodes().get(node)?.image.clone()?;
        Some(Subject {
            in_use: self.in_use(&image),
            image,
            tag: None,
            digest: None,
            built: self.built(node),
        })
    }

    fn built(&self, node: usize) -> Option<Arc<Built>> {
        let repo = self.kinship.graph.nodes().get(node)?.repo?;
        let (repository, work) = self.repositories.get(repo)?;
        built(&self.kinship, node, repository, work).map(Arc::new)
    }
}

/// Where the image of a node is built; `None` where the repository does not tell from which Dockerfile.
pub(in crate::run) fn built(
    kinship: &Kinship,
    node: usize,
    repo: &Repository,
    work: &Work,
) -> Option<Built> {
    let graph = &kinship.graph;
    let spec = graph.nodes().get(node)?.spec;
    let spec = spec.and_then(|spec| work.config.images.get(spec));
    let dockerfile = match spec {
        Some(spec) => spec.dockerfile.clone(),
        None => only(work, graph.edges_to(node).map(|edge| &edge.path).collect())?,
    };
    let file = work.files.iter().find(|file| file.path == dockerfile)?;
    Some(Built {
        repo: repo.clone(),
        contents: file.contents.clone(),
        dockerfile,
        target: spec.and_then(|spec| spec.target.clone()),
        args: work.config.args.clone(),
        passed: spec.map(|spec| passed(work, spec)).unwrap_or_default(),
    })
}

/// The base that gipgee passes, where an image has one.
fn passed(work: &Work, spec: &ImageSpec) -> BTreeMap<String, String> {
    let bases: BTreeSet<String> = work.bases_told(spec).map(ToString::to_string).collect();
    let is_one = bases.len() == 1;
    let base = bases.into_iter().filter(|_| is_one);
    base.map(|base| (GIPGEE_BASE_ARG.to_owned(), base))
        .collect()
}

/// The one Dockerfile among those that name a parent, or among all, if none does; of several the one at the top.
fn only(work: &Work, named: BTreeSet<&RepoPath>) -> Option<RepoPath> {
    let files = work.files.iter();
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
