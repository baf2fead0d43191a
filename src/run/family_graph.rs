//! The graph of the whole family: each image with its state, what it waits for, its newest tag and the age of its base.
//!
//! It needs the same facts as a pass, and the activity of every repository. It writes only to the cache.

mod builder;
mod report;

pub use report::{EdgeReport, FamilyGraph, ImageState, NodeReport};

use super::edges::Edges;
use super::freshness::{FreshnessReport, InUse, Subject, built, freshness, in_use};
use super::lookup::answer;
use super::options::Options;
use super::pass::begin;
use super::read::Depth;
use super::register::Registered;
use super::remembered::{remember_family, remembered};
use super::report::{ProblemReport, Report};
use super::setup::Setup;
use crate::fleet::{Fleet, FleetRepo, FleetSurvey, Scope, survey};
use crate::image::{ImageName, Reference};
use crate::plan::{Decision, Lookup, Question};
use crate::repo::RepoGlobs;
use builder::{GraphBuilder, ended, own_lookup};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The repositories that a view of one repository or image needs: it, its ancestors and its descendants; `None` if the
/// store does not know them.
pub fn related(setup: &Setup, what: &str) -> Option<RepoGlobs> {
    let remembered = remembered(setup, Timestamp::now());
    let scope = Scope::below(what, true, &remembered, &|image| setup.resolve(image))?;
    scope.globs().cloned()
}

/// Builds the graph; with `published`, including the freshness of published images. Writes only to the cache.
pub async fn family_graph(setup: &Arc<Setup>, options: &Options, published: bool) -> FamilyGraph {
    let setup = &setup.for_pass();
    let mut report = Report::new(true);
    let Some((mut fleet, mut edges)) = begin(setup, options, Depth::Everything, &mut report) else {
        return FamilyGraph::nothing(report.problems);
    };
    let found = |fleet: &Fleet, scope: &Scope| survey(fleet, scope, options.now);
    let found = edges.fetch_all(&mut fleet, &mut report, found).await;
    remember_family(setup, &fleet);
    let bases = bases(&edges, &fleet, &found);
    let parsed = fleet.repos.iter().map(|repo| repo.parsed.as_ref());
    let in_use = in_use(setup, parsed);
    let asked = questions(&edges, &fleet, &found, &bases);
    answer(setup, asked, &mut fleet.seen, options.now).await;
    let published = match published {
        true => freshness_of(setup, &edges, &fleet, &found, &in_use, options).await,
        false => BTreeMap::new(),
    };
    let mut problems = report.problems;
    problems.extend(report.repositories.into_iter().flat_map(|r| r.problems));
    let of_repos = fleet.repos.iter().filter_map(|repo| repo.id.as_ref());
    let of_repos = of_repos.filter_map(|id| edges.reports.get(id));
    problems.extend(of_repos.flat_map(|report| report.problems.clone()));
    let decided = found.decisions.iter();
    problems.extend(decided.flat_map(|(repo, all)| not_found_out(&fleet.repos[*repo], all)));
    let ended = ended(&found);
    let builder = GraphBuilder {
        edges: &edges,
        fleet: &fleet,
        found: &found,
        bases: &bases,
        published: &published,
        in_use: &in_use,
        ended: &ended,
        now: options.now,
    };
    builder.build(problems)
}

/// The failed look-ups of a repository's references.
fn not_found_out(repo: &FleetRepo, decisions: &[Decision]) -> Vec<ProblemReport> {
    let repo = &repo.name;
    let failed = decisions.iter().filter(|decision| decision.failed());
    let told = failed.map(|decision| {
        let (path, line) = (&decision.path, decision.located.line);
        let message = format!("{repo}: {path}:{line}: {}", decision.detail);
        ProblemReport {
            help: decision.help.clone(),
            ..ProblemReport::new(decision.reason.code(), message)
        }
    });
    told.collect()
}

/// The reference that the last stage of each image is based on.
fn bases(
    edges: &Edges,
    fleet: &Fleet,
    found: &FleetSurvey,
) -> BTreeMap<usize, (Reference, Lookup)> {
    let mut bases = BTreeMap::new();
    for (index, node) in found.family.graph.nodes().iter().enumerate() {
        let Some(repo) = node.repo else {
            continue;
        };
        let (it, member) = (&fleet.repos[repo], &found.family.members[repo]);
        let parsed = &it.parsed;
        let spec = node.spec.map(|spec| &member.images[spec]);
        let at = parsed.stages.iter().find_map(|(path, stages)| {
            if spec.is_some_and(|spec| spec.dockerfile != *path) {
                return None;
            }
            let line = stages.base_line(spec.and_then(|spec| spec.target.as_deref()))?;
            let mut here = parsed.references.iter();
            let (_, located) = here.find(|(of, located)| of == path && located.line == line)?;
            located.reference().cloned()
        });
        let told = spec.and_then(|spec| parsed.bases_told(spec).next());
        let Some(reference) = at.or_else(|| told.cloned()) else {
            continue;
        };
        let lookup = edges.lookup(&it.name, it.id.as_ref(), &reference.name);
        if let Some(lookup) = lookup {
            bases.insert(index, (reference, lookup));
        }
    }
    bases
}

/// The freshness of the published images.
async fn freshness_of(
    setup: &Arc<Setup>,
    edges: &Edges,
    fleet: &Fleet,
    found: &FleetSurvey,
    in_use: &HashMap<ImageName, InUse>,
    options: &Options,
) -> BTreeMap<usize, FreshnessReport> {
    let family = &found.family;
    let nodes = family.graph.nodes().iter().enumerate();
    let published = nodes.filter_map(|(index, node)| {
        let repo = &fleet.repos[node.repo?];
        let (_, listed): &Registered = edges.registered.get(repo.id.as_ref()?)?;
        let built = built(family, index, listed, &repo.parsed);
        let subject = Subject {
            image: node.image.clone()?,
            in_use: in_use
                .get(node.image.as_ref()?)
                .cloned()
                .unwrap_or_default(),
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

/// The further questions: the tags of images without children, and the ages of the bases.
fn questions(
    edges: &Edges,
    fleet: &Fleet,
    found: &FleetSurvey,
    bases: &BTreeMap<usize, (Reference, Lookup)>,
) -> BTreeSet<Question> {
    let mut asked = BTreeSet::new();
    for node in found.family.graph.nodes() {
        if let Some(lookup) = own_lookup(edges, fleet, node) {
            asked.insert(Question::Tags(lookup));
        }
    }
    for (reference, lookup) in bases.values() {
        if let Some(digest) = &reference.digest {
            asked.insert(Question::Created(lookup.clone(), digest.clone()));
        }
    }
    asked.retain(|question| !fleet.seen.answers(question));
    asked
}
