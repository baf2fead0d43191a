//! The whole family to look at: every image with its state, who holds it, its newest tag and the age of its base.
//!
//! It asks what a pass asks, and what goes on in every repository besides; it writes nothing but the cache.

mod painter;
mod report;

pub use report::{EdgeReport, NodeReport, Portrait, State};

use super::family::hold_all;
use super::freshness::{FreshnessReport, InUse, Subject, built, freshness, in_use};
use super::gather::Scope;
use super::lookup::answer;
use super::options::Options;
use super::pass::{Observed, observe};
use super::repo::RepoState;
use super::report::{ProblemReport, Report};
use super::setup::Setup;
use crate::fleet::Family;
use crate::image::{ImageName, Reference};
use crate::plan::{Lookup, Observations, Question};
use crate::repo::RepoGlobs;
use painter::{Painter, ended, own_lookup};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// What a view of one repository or image has to look at: it, what it depends on and what depends on it; `None` if the
/// store does not know that.
pub fn related(setup: &Setup, what: &str) -> Option<RepoGlobs> {
    Scope::below(setup, what, true)?.globs()
}

/// Looks at the family, and if `published` also at what is published. Nothing is written but the cache.
pub async fn portrait(setup: &Arc<Setup>, options: &Options, published: bool) -> Portrait {
    let setup = &setup.for_pass();
    let mut report = Report::new(true);
    let Some(mut observed) = observe(setup, options, &mut report).await else {
        return Portrait::nothing(report.problems);
    };
    let Observed {
        shared,
        seen,
        family,
        cases,
        ..
    } = &mut observed;
    let facts = hold_all(shared, seen, family, cases, true).await;
    let bases = bases(setup, family, cases);
    let in_use = in_use(setup, cases.iter().map(|case| &case.parsed));
    let asked = questions(setup, family, cases, seen, &bases);
    answer(setup, asked, seen, options.now).await;
    let published = match published {
        true => freshness_of(setup, family, cases, &in_use, options).await,
        false => BTreeMap::new(),
    };
    let mut problems = report.problems;
    problems.extend(report.repositories.into_iter().flat_map(|r| r.problems));
    problems.extend(cases.iter().flat_map(|case| case.report.problems.clone()));
    problems.extend(cases.iter().flat_map(not_found_out));
    let ended = ended(cases);
    let painter = Painter {
        setup,
        family,
        cases,
        seen,
        facts: &facts,
        bases: &bases,
        published: &published,
        in_use: &in_use,
        ended: &ended,
        now: options.now,
    };
    painter.paint(problems)
}

/// The references of a repository that could not be looked up.
fn not_found_out(case: &RepoState) -> Vec<ProblemReport> {
    let repo = &case.listed.name;
    let failed = case.decisions.iter().filter(|decision| decision.failed());
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

/// The reference that the last stage of each image begins with.
fn bases(
    setup: &Setup,
    family: &Family,
    cases: &[RepoState],
) -> BTreeMap<usize, (Reference, Lookup)> {
    let mut bases = BTreeMap::new();
    for (index, node) in family.graph.nodes().iter().enumerate() {
        let Some((repo, case)) = node.repo.and_then(|repo| Some((repo, cases.get(repo)?))) else {
            continue;
        };
        let parsed = &case.parsed;
        let spec = node.spec.map(|spec| &family.members[repo].images[spec]);
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
        let registry = case.listed.registry.as_ref();
        let lookup = setup.lookup(&reference.name, Some(&case.listed.name), registry);
        if let Ok(Some(lookup)) = lookup {
            bases.insert(index, (reference, lookup));
        }
    }
    bases
}

/// What is said of the images that are published.
async fn freshness_of(
    setup: &Arc<Setup>,
    family: &Family,
    cases: &[RepoState],
    in_use: &HashMap<ImageName, InUse>,
    options: &Options,
) -> BTreeMap<usize, FreshnessReport> {
    let nodes = family.graph.nodes().iter().enumerate();
    let published = nodes.filter_map(|(index, node)| {
        let case = cases.get(node.repo?)?;
        let built = built(family, index, &case.listed, &case.parsed);
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

/// What is to be known besides: the tags of images that nobody stands on, and how old the bases are.
fn questions(
    setup: &Setup,
    family: &Family,
    cases: &[RepoState],
    seen: &Observations,
    bases: &BTreeMap<usize, (Reference, Lookup)>,
) -> BTreeSet<Question> {
    let mut asked = BTreeSet::new();
    for node in family.graph.nodes() {
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
