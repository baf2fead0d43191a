//! The whole family to look at: every image with its state, who holds it, its newest tag and the age of its base.
//!
//! It asks what a pass asks, and what goes on in every repository besides; it writes nothing but the cache.

use super::family::{Kinship, hold_all, odd};
use super::freshness::{FreshnessReport, Subject, built, freshness, newest};
use super::lookup::answer;
use super::options::Options;
use super::pass::{Observed, observe};
use super::report::{ProblemReport, Report};
use super::setup::Setup;
use super::shared::Case;
use crate::family::Node;
use crate::family::freshness::Freshness;
use crate::family::hold::{Ci, Facts, Terms};
use crate::image::{ImageName, Reference};
use crate::plan::{Decision, Lookup, Observations, Outcome, Question};
use crate::policy::Settings;
use crate::repo::RepoPath;
use crate::source::Located;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The family.
#[derive(Debug, Clone, Serialize)]
pub struct Portrait {
    /// The version of this format.
    pub version: u32,
    /// The images, and the repositories of which no image is known, by generation and name.
    pub nodes: Vec<NodeReport>,
    /// Who stands on whom.
    pub edges: Vec<EdgeReport>,
    /// What goes round in a circle, each as the names on it.
    pub cycles: Vec<Vec<String>>,
    /// What is odd.
    pub warnings: Vec<String>,
    /// What could not be seen.
    pub problems: Vec<ProblemReport>,
}

/// An image, or a repository of which no image is known.
#[derive(Debug, Clone, Serialize)]
pub struct NodeReport {
    /// The image.
    pub image: Option<String>,
    /// The repository that publishes it; none for an image from outside.
    pub repo: Option<String>,
    /// The longest path that leads to it.
    pub generation: u32,
    /// How it stands.
    pub state: State,
    /// The repository that it waits for.
    pub held_by: Option<String>,
    /// Its newest tag.
    pub tag: Option<String>,
    /// What it is built on.
    pub base: Option<String>,
    /// When its base was made.
    pub base_created: Option<Timestamp>,
    /// Why it is in that state, for people.
    pub why: String,
    /// Whether what is published is built on its parents' current content, where that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freshness: Option<&'static str>,
}

/// A child that stands on a parent, by the names of the nodes.
#[derive(Debug, Clone, Serialize)]
pub struct EdgeReport {
    /// The parent.
    pub parent: String,
    /// The child.
    pub child: String,
    /// The file that says it.
    pub path: String,
    /// The line.
    pub line: usize,
}

/// How an image stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It is from outside.
    Outside,
    /// It stands on the newest that its policy allows.
    Current,
    /// A merge request for it is open.
    UpdateOpen,
    /// It waits for another repository.
    Held,
    /// Its pipeline is running, or about to.
    Building,
    /// Its pipeline, or that of its merge request, failed.
    Failed,
    /// Merged and built, and nothing new is published.
    MergedUnreleased,
    /// Something newer is there, and no merge request.
    Stale,
    /// It could not be found out.
    Unknown,
}

impl State {
    /// The state's name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::Current => "current",
            Self::UpdateOpen => "update-open",
            Self::Held => "held",
            Self::Building => "building",
            Self::Failed => "failed",
            Self::MergedUnreleased => "merged-unreleased",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
        }
    }
}

impl NodeReport {
    /// What it is called: its image, else its repository.
    pub fn name(&self) -> &str {
        let name = self.image.as_deref().or(self.repo.as_deref());
        name.unwrap_or_default()
    }
}

/// Looks at the family, and if `published` also at what is published. Nothing is written but the cache.
pub async fn portrait(setup: &Arc<Setup>, options: &Options, published: bool) -> Portrait {
    let mut report = Report::new(true);
    let Some(mut observed) = observe(setup, options, &mut report).await else {
        return Portrait::nothing(report.problems);
    };
    let Observed {
        shared,
        seen,
        kinship,
        cases,
        ..
    } = &mut observed;
    let facts = hold_all(shared, seen, kinship, cases, true).await;
    let bases = bases(setup, kinship, cases);
    let asked = questions(setup, kinship, cases, seen, &bases);
    answer(setup, asked, seen, options.now, &|_| {}).await;
    let published = match published {
        true => freshness_of(setup, kinship, cases, options).await,
        false => BTreeMap::new(),
    };
    let mut problems = report.problems;
    problems.extend(report.repositories.into_iter().flat_map(|r| r.problems));
    problems.extend(
        cases
            .iter()
            .flat_map(|case| case.candidate.report.problems.clone()),
    );
    let painter = Painter {
        setup,
        kinship,
        cases,
        seen,
        facts: &facts,
        bases: &bases,
        published: &published,
        now: options.now,
    };
    painter.paint(problems)
}

impl Portrait {
    fn nothing(problems: Vec<ProblemReport>) -> Self {
        Self {
            version: 1,
            nodes: Vec::new(),
            edges: Vec::new(),
            cycles: Vec::new(),
            warnings: Vec::new(),
            problems,
        }
    }
}

/// The reference that the last stage of each image begins with.
fn bases(setup: &Setup, kinship: &Kinship, cases: &[Case]) -> BTreeMap<usize, (Reference, Lookup)> {
    let mut bases = BTreeMap::new();
    for (index, node) in kinship.graph.nodes().iter().enumerate() {
        let Some(repo) = node.repo else {
            continue;
        };
        let (work, candidate) = (&cases[repo].work, &cases[repo].candidate);
        let spec = node.spec.map(|spec| &kinship.members[repo].images[spec]);
        let at = work.stages.iter().find_map(|(path, stages)| {
            if spec.is_some_and(|spec| spec.dockerfile != *path) {
                return None;
            }
            let line = stages.base_line(spec.and_then(|spec| spec.target.as_deref()))?;
            let mut here = work.references.iter();
            let (_, located) = here.find(|(of, located)| of == path && located.line == line)?;
            located.reference().cloned()
        });
        let told = |(of, located): &&(RepoPath, Located)| {
            let also = spec.map_or(&[][..], |spec| &spec.also);
            also.iter()
                .any(|(path, lines)| path == of && lines.contains(&located.line))
        };
        let at = at.or_else(|| {
            let (_, located) = work.references.iter().find(told)?;
            located.reference().cloned()
        });
        let Some(reference) = at else {
            continue;
        };
        let registry = candidate.repo.registry.as_ref();
        let lookup = setup.lookup(&reference.name, Some(&candidate.repo.name), registry);
        if let Ok(Some(lookup)) = lookup {
            bases.insert(index, (reference, lookup));
        }
    }
    bases
}

/// What is said of the images that are published.
async fn freshness_of(
    setup: &Arc<Setup>,
    kinship: &Kinship,
    cases: &[Case],
    options: &Options,
) -> BTreeMap<usize, FreshnessReport> {
    let nodes = kinship.graph.nodes().iter().enumerate();
    let published = nodes.filter_map(|(index, node)| {
        let case = &cases[node.repo?];
        let built = built(kinship, index, &case.candidate.repo, &case.work);
        let subject = Subject {
            image: node.image.clone()?,
            tag: None,
            digest: None,
            built: built.map(Arc::new),
        };
        Some((index, subject))
    });
    let (indexes, subjects): (Vec<usize>, Vec<Subject>) = published.unzip();
    let progress = &options.progress;
    let ticked = |done, total| progress.tick("images", done, total);
    let reports = freshness(setup, subjects, options.now, &ticked).await;
    indexes.into_iter().zip(reports).collect()
}

/// What is to be known besides: the tags of images that nobody stands on, and how old the bases are.
fn questions(
    setup: &Setup,
    kinship: &Kinship,
    cases: &[Case],
    seen: &Observations,
    bases: &BTreeMap<usize, (Reference, Lookup)>,
) -> BTreeSet<Question> {
    let mut asked = BTreeSet::new();
    for node in kinship.graph.nodes() {
        if let Some(lookup) = own_lookup(setup, node, cases) {
            asked.insert(Question::Tags(lookup));
        }
    }
    for (reference, lookup) in bases.values() {
        if let Some(digest) = &reference.digest {
            asked.insert(Question::Created(lookup.clone(), digest.clone()));
        }
    }
    asked.retain(|question| !seen.answers(question));
    asked
}

/// How an image of a registered repository is looked up: as its own repository may.
fn own_lookup(setup: &Setup, node: &Node, cases: &[Case]) -> Option<Lookup> {
    let (image, repo) = (node.image.as_ref()?, &cases[node.repo?].candidate.repo);
    let lookup = setup.lookup(image, Some(&repo.name), repo.registry.as_ref());
    lookup.ok().flatten()
}

struct Painter<'a> {
    setup: &'a Setup,
    kinship: &'a Kinship,
    cases: &'a [Case],
    seen: &'a Observations,
    facts: &'a BTreeMap<usize, Facts>,
    bases: &'a BTreeMap<usize, (Reference, Lookup)>,
    published: &'a BTreeMap<usize, FreshnessReport>,
    now: Timestamp,
}

impl Painter<'_> {
    fn paint(&self, problems: Vec<ProblemReport>) -> Portrait {
        let graph = &self.kinship.graph;
        let name = |node: usize| graph.name_of(node, &self.kinship.members);
        let mut nodes: Vec<NodeReport> = (0..graph.nodes().len()).map(|n| self.node(n)).collect();
        nodes.sort_by(|a, b| (a.generation, a.name()).cmp(&(b.generation, b.name())));
        let edges = graph.edges().iter().map(|edge| EdgeReport {
            parent: name(edge.parent),
            child: name(edge.child),
            path: edge.path.to_string(),
            line: edge.line,
        });
        let cycles = graph.cycles.iter();
        Portrait {
            version: 1,
            nodes,
            edges: edges.collect(),
            cycles: cycles
                .map(|cycle| cycle.iter().map(|node| name(*node)).collect())
                .collect(),
            warnings: odd(self.kinship),
            problems,
        }
    }

    fn node(&self, index: usize) -> NodeReport {
        let node = &self.kinship.graph.nodes()[index];
        let (state, held_by, why) = self.state(index);
        let base = self.bases.get(&index);
        let created = base.and_then(|(reference, lookup)| {
            let key = (lookup.clone(), reference.digest.clone()?);
            self.seen.created.get(&key).copied().flatten()
        });
        NodeReport {
            image: node.image.as_ref().map(ImageName::canonical),
            repo: node.repo.map(|repo| self.kinship.name(repo).to_string()),
            generation: node.generation,
            state,
            held_by,
            tag: self.tag(node),
            base: base.map(|(reference, _)| reference.to_string()),
            base_created: created,
            why,
            freshness: self.published.get(&index).map(|report| report.answer),
        }
    }

    /// The newest tag, as the automatic scheme sees it.
    fn tag(&self, node: &Node) -> Option<String> {
        let image = node.image.as_ref()?;
        let own = own_lookup(self.setup, node, self.cases);
        let tags = match &own {
            Some(lookup) => self.seen.tags.get(lookup),
            // As whoever stands on it looked it up.
            None => {
                let mut all = self.seen.tags.iter();
                all.find(|(lookup, _)| lookup.image == *image)
                    .map(|(_, tags)| tags)
            }
        };
        let tags = tags?.as_ref().ok()?;
        let today = self.now.to_zoned(jiff::tz::TimeZone::UTC).date();
        newest(image, tags, today).map(|tag| tag.to_string())
    }

    /// How an image stands: the first of these that is so.
    fn state(&self, index: usize) -> (State, Option<String>, String) {
        let node = &self.kinship.graph.nodes()[index];
        let Some(repo) = node.repo else {
            return (State::Outside, None, String::new());
        };
        let case = &self.cases[repo];
        if case.candidate.base.is_none() {
            let report = &case.candidate.report;
            let problem = report
                .problems
                .first()
                .map(|problem| problem.message.clone());
            let why = problem.or_else(|| report.skipped.clone());
            return (State::Unknown, None, why.unwrap_or_default());
        }
        let decisions: Vec<&Decision> = self.decisions(repo, index).collect();
        let unknown = decisions.iter().find(|d| d.outcome() == Outcome::Unknown);
        let waiting = decisions.iter().find(|d| d.kin.waits_for.is_some());
        let noun = case.candidate.forge.noun();
        let busy = self.busy(index, repo);
        let failed = busy.iter().find(|busy| busy.has_failed());
        let building = busy.iter().find(|busy| busy.is_building());
        if let Some(failed) = failed {
            return (State::Failed, None, failed.describe(noun));
        }
        if let Some(building) = building {
            return (State::Building, None, building.describe(noun));
        }
        if let Some(decision) = waiting {
            let by = decision.kin.waits_for.clone();
            return (State::Held, by, decision.detail.clone());
        }
        if let Some(open) = busy.iter().find(|busy| busy.number().is_some()) {
            return (State::UpdateOpen, None, open.describe(noun));
        }
        if let Some(decision) = unknown {
            return (State::Unknown, None, decision.detail.clone());
        }
        match decisions.iter().find(|d| !d.wanted.is_empty()) {
            Some(decision) => {
                let to = decision.wanted.iter().map(|wanted| {
                    let tag = wanted.to_tag.as_ref().map(ToString::to_string);
                    format!("{}:{}", decision.located.image(), tag.unwrap_or_default())
                });
                (State::Stale, None, to.collect::<Vec<_>>().join(", "))
            }
            None => self.published(index),
        }
    }

    /// How an image stands whose files want nothing: what is published may still be built on something older.
    fn published(&self, index: usize) -> (State, Option<String>, String) {
        let rows = self.published.get(&index).map(|report| &report.platforms);
        let mut stale = rows.into_iter().flatten();
        match stale.find(|row| row.answer == Freshness::Stale.code()) {
            Some(row) => (
                State::Stale,
                None,
                format!("{}: {}", row.code, row.evidence),
            ),
            None => (State::Current, None, String::new()),
        }
    }

    /// The decisions about what an image is built from.
    fn decisions(&self, repo: usize, index: usize) -> impl Iterator<Item = &Decision> {
        let graph = &self.kinship.graph;
        let places: BTreeSet<(String, usize)> = graph
            .edges_to(index)
            .map(|edge| (edge.path.to_string(), edge.line))
            .collect();
        let decisions = self.cases[repo].work.decisions.iter();
        decisions.filter(move |decision| {
            places.contains(&(decision.path.to_string(), decision.located.line))
        })
    }

    /// What goes on there: with majors, and a head that has no pipeline counts as building for ten minutes.
    fn busy(&self, index: usize, repo: usize) -> Vec<crate::family::hold::Busy> {
        let settings = Settings::default();
        let terms = Terms {
            hold_for: None,
            majors: true,
            settle: SignedDuration::from_secs(settings.settle.value.seconds),
        };
        let Some(facts) = self.facts.get(&repo) else {
            return Vec::new();
        };
        let scene = crate::family::hold::Scene {
            graph: &self.kinship.graph,
            members: &self.kinship.members,
            facts: self.facts,
            lives: &|_| true,
            now: self.now,
        };
        let unseen = facts.ci == Ci::Unseen;
        let blockers = scene.blockers(index, &terms).into_iter();
        let busy = blockers.map(|blocker| blocker.what);
        busy.filter(|busy| !(unseen && busy.is_building()))
            .collect()
    }
}
