//! The images that the registered repositories publish, and where each is built.

use super::newest::{InUse, in_use};
use super::subject::{Built, Subject};
use crate::family::{GIPGEE_BASE_ARG, ImageSpec};
use crate::fleet::{Family, ParsedRepo, Scope, listed};
use crate::forge::Repository;
use crate::image::{ImageName, Reference};
use crate::repo::{RepoName, RepoPath};
use crate::run::options::Options;
use crate::run::pass::begin;
use crate::run::read::Depth;
use crate::run::report::{ProblemReport, Report};
use crate::run::setup::Setup;
use crate::source::Format;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The registered repositories with the images that they publish.
pub struct Publishers {
    /// The repositories, in the order of the family's members.
    repositories: Vec<Published>,
    family: Arc<Family>,
    in_use: HashMap<ImageName, InUse>,
    /// The errors while reading; images of the affected repositories may be missing.
    pub problems: Vec<ProblemReport>,
}

/// A repository that may publish images.
struct Published {
    name: RepoName,
    /// Its listing; `None` if no forge lists it at present.
    listed: Option<Repository>,
    /// Whether it is skipped.
    is_skipped: bool,
    parsed: Arc<ParsedRepo>,
}

/// Reads all registered repositories, or only the relatives of `subject` if the store knows them. Writes only to the
/// cache.
pub async fn publishers(setup: &Setup, subject: Option<&str>) -> Publishers {
    let setup = &Arc::new(setup.clone());
    let options = Options::to_look(Timestamp::now());
    let mut report = Report::new(true);
    let Some((mut fleet, mut edges)) = begin(setup, &options, Depth::Files, &mut report) else {
        return Publishers {
            repositories: Vec::new(),
            family: Arc::new(Family::new(&setup.operator, Vec::new())),
            in_use: HashMap::new(),
            problems: Vec::new(),
        };
    };
    let resolve = |image: &ImageName| setup.resolve(image);
    let near = subject.and_then(|it| Scope::below(it, false, &fleet.remembered, &resolve));
    if let Some(near) = near {
        edges.scope = near;
    }
    edges.fetch_all(&mut fleet, &mut report, listed).await;
    let mut problems = report.problems;
    for repository in report.repositories {
        let named = repository.problems.into_iter();
        problems.extend(named.map(|problem| of_repo(&repository.repo, problem)));
    }
    let mut repositories = Vec::new();
    for repo in &fleet.repos {
        let id = repo.id.as_ref();
        let report = id.and_then(|id| edges.reports.remove(id));
        for problem in report.into_iter().flat_map(|report| report.problems) {
            problems.push(of_repo(repo.name.as_str(), problem));
        }
        let listed = id.and_then(|id| edges.registered.remove(id));
        repositories.push(Published {
            is_skipped: repo.is_skipped,
            name: repo.name.clone(),
            listed: listed.map(|(_, listed)| listed),
            parsed: Arc::clone(&repo.parsed),
        });
    }
    let parsed = repositories.iter().map(|repo| repo.parsed.as_ref());
    Publishers {
        in_use: in_use(setup, parsed),
        family: fleet.family(),
        repositories,
        problems,
    }
}

fn of_repo(repo: &str, mut problem: ProblemReport) -> ProblemReport {
    problem.message = format!("{repo}: {}", problem.message);
    problem
}

impl Publishers {
    /// The images that a repository publishes; `None` if it is not registered.
    pub fn of_repo(&self, name: &RepoName) -> Option<Vec<Subject>> {
        let is = |repo: &Published| repo.name == *name && repo.listed.is_some() && !repo.is_skipped;
        let repo = self.repositories.iter().position(is)?;
        let nodes = self.family.graph.nodes_of(repo).iter();
        Some(nodes.filter_map(|node| self.subject(*node)).collect())
    }

    /// All published images, each with its index in the graph.
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

    /// An image, with its repository if one publishes it.
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
        let node_of = self.family.graph.nodes().get(node)?;
        let image = node_of.image.clone()?;
        if self.repositories.get(node_of.repo?)?.is_skipped {
            return None;
        }
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
        let Published { listed, parsed, .. } = self.repositories.get(repo)?;
        built(&self.family, node, listed.as_ref()?, parsed).map(Arc::new)
    }
}

/// Where the image of a node is built; `None` if its Dockerfile is not known.
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
    let file = parsed.sources.get(&dockerfile)?;
    Some(Built {
        repo: repo.clone(),
        contents: file.contents.clone(),
        args: parsed.args_of(&dockerfile, spec.and_then(|spec| spec.target.as_deref())),
        dockerfile,
        target: spec.and_then(|spec| spec.target.clone()),
        passed: spec.map(|spec| passed(parsed, spec)).unwrap_or_default(),
    })
}

/// The base that gipgee passes to the build of an image, if there is exactly one.
fn passed(parsed: &ParsedRepo, spec: &ImageSpec) -> BTreeMap<String, String> {
    let bases: BTreeSet<String> = parsed.bases_told(spec).map(ToString::to_string).collect();
    let is_one = bases.len() == 1;
    let base = bases.into_iter().filter(|_| is_one);
    base.map(|base| (GIPGEE_BASE_ARG.to_owned(), base))
        .collect()
}

/// The only Dockerfile that names a parent, or the only one at all; of several, the one in the root.
fn only(parsed: &ParsedRepo, named: BTreeSet<&RepoPath>) -> Option<RepoPath> {
    let files = parsed.sources.iter();
    let dockerfiles = files.filter(|file| file.format == Some(Format::Dockerfile));
    let all: BTreeSet<&RepoPath> = dockerfiles.map(|file| &file.path).collect();
    let named: BTreeSet<&RepoPath> = named.intersection(&all).copied().collect();
    let among = if named.is_empty() { all } else { named };
    let mut at_top = among.iter().filter(|path| path.as_str() == "Dockerfile");
    match among.len() {
        1 => among.first().map(|path| (*path).clone()),
        _ => at_top.next().map(|path| (*path).clone()),
    }
}
