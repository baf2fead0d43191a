//! How every image stands, from what was seen.

use super::report::{EdgeReport, NodeReport, Portrait, State};
use crate::family::Node;
use crate::family::freshness::Freshness;
use crate::family::hold::{Busy, Facts, Scene, Terms};
use crate::fleet::Family;
use crate::image::{ImageName, Reference};
use crate::plan::{Decision, Lookup, Observations, Outcome, Reason};
use crate::policy::Settings;
use crate::run::family::findings;
use crate::run::freshness::{FreshnessReport, InUse, newest};
use crate::run::repo::RepoState;
use crate::run::report::ProblemReport;
use crate::run::setup::Setup;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap};

/// How an image of a registered repository is looked up: as its own repository may.
pub(super) fn own_lookup(setup: &Setup, node: &Node, cases: &[RepoState]) -> Option<Lookup> {
    let (image, repo) = (node.image.as_ref()?, &cases.get(node.repo?)?.listed);
    let lookup = setup.lookup(image, Some(&repo.name), repo.registry.as_ref());
    lookup.ok().flatten()
}

/// The images of which a reference has nothing newer to come, with the reason.
pub(super) fn ended(cases: &[RepoState]) -> HashMap<ImageName, String> {
    let decisions = cases.iter().flat_map(|case| &case.decisions);
    let over = decisions.filter(|d| matches!(d.reason, Reason::LineEnded | Reason::NoNewTags));
    let shown = over.filter_map(|decision| {
        let image = decision.lookup.as_ref()?.image.clone();
        Some((image, format!("{}: {}", decision.reason, decision.detail)))
    });
    shown.collect()
}

pub(super) struct Painter<'a> {
    pub(super) setup: &'a Setup,
    pub(super) family: &'a Family,
    pub(super) cases: &'a [RepoState],
    pub(super) seen: &'a Observations,
    pub(super) facts: &'a BTreeMap<usize, Facts>,
    pub(super) bases: &'a BTreeMap<usize, (Reference, Lookup)>,
    pub(super) published: &'a BTreeMap<usize, FreshnessReport>,
    /// The tags that the family's references use.
    pub(super) in_use: &'a HashMap<ImageName, InUse>,
    /// What has come to its end: images without newer tags of the shape in use.
    pub(super) ended: &'a HashMap<ImageName, String>,
    pub(super) now: Timestamp,
}

impl Painter<'_> {
    pub(super) fn paint(&self, problems: Vec<ProblemReport>) -> Portrait {
        let graph = &self.family.graph;
        let name = |node: usize| graph.name_of(node, &self.family.members);
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
            warnings: findings(self.family),
            problems,
        }
    }

    fn node(&self, index: usize) -> NodeReport {
        let node = &self.family.graph.nodes()[index];
        let (state, held_by, why) = self.state(index);
        let base = self.bases.get(&index);
        let created = base.and_then(|(reference, lookup)| {
            let key = (lookup.clone(), reference.digest.clone()?);
            self.seen.created.get(&key).copied().flatten()
        });
        NodeReport {
            image: node.image.as_ref().map(ImageName::canonical),
            repo: node.repo.map(|repo| self.family.name(repo).to_string()),
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

    /// The newest tag of the scheme that the family's references use.
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
        newest(image, tags, self.in_use.get(image), today).map(|tag| tag.to_string())
    }

    /// How an image stands: the first of these that is so.
    fn state(&self, index: usize) -> (State, Option<String>, String) {
        let node = &self.family.graph.nodes()[index];
        let Some(repo) = node.repo else {
            let ended = node.image.as_ref().and_then(|image| self.ended.get(image));
            return (State::Outside, None, ended.cloned().unwrap_or_default());
        };
        let Some(case) = self.cases.get(repo) else {
            let why = "its forge no longer lists it".to_owned();
            return (State::Unknown, None, why);
        };
        if case.base.is_none() {
            let report = &case.report;
            let problem = report
                .problems
                .first()
                .map(|problem| problem.message.clone());
            let why = problem.or_else(|| report.skipped.clone());
            return (State::Unknown, None, why.unwrap_or_default());
        }
        let decisions: Vec<&Decision> = self.decisions(repo, index).collect();
        let unknown = decisions.iter().find(|d| d.outcome() == Outcome::Unknown);
        let waiting = decisions.iter().find(|d| d.family.waits_for.is_some());
        let noun = case.forge.noun();
        let busy = self.busy(index);
        let failed = busy.iter().find(|busy| busy.has_failed());
        let building = busy.iter().find(|busy| **busy == Busy::Running);
        let settling = busy.iter().find(|busy| **busy == Busy::Settling);
        if let Some(failed) = failed {
            return (State::Failed, None, failed.describe(noun));
        }
        if let Some(building) = building {
            return (State::Building, None, building.describe(noun));
        }
        if let Some(decision) = waiting {
            let by = decision.family.waits_for.clone();
            return (State::Held, by, decision.detail.clone());
        }
        if let Some(open) = busy.iter().find(|busy| busy.number().is_some()) {
            return (State::UpdateOpen, None, open.describe(noun));
        }
        // A head without a pipeline says less than a merge request that somebody can look at.
        if let Some(settling) = settling {
            return (State::Building, None, settling.describe(noun));
        }
        if busy.contains(&Busy::Unknown) {
            return (State::Unknown, None, Busy::Unknown.describe(noun));
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
            None => self.published(index, &decisions),
        }
    }

    /// How an image stands whose files want nothing: what is published may still be built on something older.
    /// Where the files pin everything, that is only merged.
    fn published(&self, index: usize, decisions: &[&Decision]) -> (State, Option<String>, String) {
        let rows = self.published.get(&index).map(|report| &report.platforms);
        let mut stale = rows.into_iter().flatten();
        let is_pinned = |decision: &&Decision| {
            let reference = decision.reference();
            let pinned = reference.is_some_and(|reference| reference.digest.is_some());
            pinned && decision.outcome() == Outcome::Keep
        };
        let state = match decisions.iter().all(is_pinned) {
            true => State::MergedUnreleased,
            false => State::Stale,
        };
        match stale.find(|row| row.answer == Freshness::Stale.code()) {
            Some(row) => (state, None, format!("{}: {}", row.code, row.evidence)),
            None => (State::Current, None, String::new()),
        }
    }

    /// The decisions about what an image is built from.
    fn decisions(&self, repo: usize, index: usize) -> impl Iterator<Item = &Decision> {
        let graph = &self.family.graph;
        let of_repo = self.cases.get(repo).map(|case| &case.decisions);
        let decisions = of_repo.into_iter().flatten();
        decisions.filter(move |decision| {
            let children = graph.children_at(repo, &decision.id());
            children.contains(&index)
        })
    }

    /// What goes on there: with majors, and a head that has no pipeline counts as building for ten minutes.
    fn busy(&self, index: usize) -> Vec<Busy> {
        let settings = Settings::default();
        let terms = Terms {
            hold_for: None,
            majors: true,
            settle: SignedDuration::from_secs(settings.settle.value.seconds),
        };
        let scene = Scene {
            graph: &self.family.graph,
            members: &self.family.members,
            facts: self.facts,
            lives: &|_| true,
            now: self.now,
        };
        let blockers = scene.blockers(index, &terms).into_iter();
        blockers.map(|blocker| blocker.what).collect()
    }
}
