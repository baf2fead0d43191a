//! Determines the state of each image from the collected facts.

use super::report::{EdgeReport, FamilyGraph, ImageState, NodeReport};
use crate::family::Node;
use crate::family::freshness::Freshness;
use crate::family::hold::{Activity, FleetActivity, HoldTerms};
use crate::fleet::{Access, Fleet, FleetSurvey};
use crate::image::{ImageName, Reference};
use crate::plan::{Decision, Lookup, Outcome, Reason};
use crate::policy::Settings;
use crate::run::edges::Edges;
use crate::run::freshness::{FreshnessReport, InUse, newest};
use crate::run::pass::findings;
use crate::run::report::ProblemReport;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, HashMap};

/// The look-up for an image of a registered repository, with that repository's login.
pub(super) fn own_lookup(edges: &Edges, fleet: &Fleet, node: &Node) -> Option<Lookup> {
    let repo = &fleet.repos[node.repo?];
    if repo.access == Access::Unlisted {
        return None;
    }
    edges.lookup(&repo.name, repo.id.as_ref(), node.image.as_ref()?)
}

/// The images whose references have reached the end of a variant or release line, with the reason.
pub(super) fn ended(found: &FleetSurvey) -> HashMap<ImageName, String> {
    let decisions = found.decisions.values().flat_map(|all| all.iter());
    let over = decisions.filter(|d| matches!(d.reason, Reason::LineEnded | Reason::NoNewTags));
    let shown = over.filter_map(|decision| {
        let image = decision.lookup.as_ref()?.image.clone();
        Some((image, format!("{}: {}", decision.reason, decision.detail)))
    });
    shown.collect()
}

pub(super) struct GraphBuilder<'a> {
    pub(super) edges: &'a Edges,
    pub(super) fleet: &'a Fleet,
    pub(super) found: &'a FleetSurvey,
    pub(super) bases: &'a BTreeMap<usize, (Reference, Lookup)>,
    pub(super) published: &'a BTreeMap<usize, FreshnessReport>,
    /// The tags in use, by image.
    pub(super) in_use: &'a HashMap<ImageName, InUse>,
    /// The images without newer tags of the shape in use.
    pub(super) ended: &'a HashMap<ImageName, String>,
    pub(super) now: Timestamp,
}

impl GraphBuilder<'_> {
    pub(super) fn build(&self, problems: Vec<ProblemReport>) -> FamilyGraph {
        let graph = &self.found.family.graph;
        let name = |node: usize| graph.name_of(node, &self.found.family.members);
        let mut nodes: Vec<NodeReport> = (0..graph.nodes().len()).map(|n| self.node(n)).collect();
        nodes.sort_by(|a, b| (a.generation, a.name()).cmp(&(b.generation, b.name())));
        let edges = graph.edges().iter().map(|edge| EdgeReport {
            parent: name(edge.parent),
            child: name(edge.child),
            path: edge.path.to_string(),
            line: edge.line,
        });
        let cycles = graph.cycles.iter();
        FamilyGraph {
            version: 1,
            nodes,
            edges: edges.collect(),
            cycles: cycles
                .map(|cycle| cycle.iter().map(|node| name(*node)).collect())
                .collect(),
            warnings: findings(&self.found.family),
            problems,
        }
    }

    fn node(&self, index: usize) -> NodeReport {
        let node = &self.found.family.graph.nodes()[index];
        let (state, held_by, why) = self.state(index);
        let base = self.bases.get(&index);
        let created = base.and_then(|(reference, lookup)| {
            let key = (lookup.clone(), reference.digest.clone()?);
            self.fleet.seen.created.get(&key).copied().flatten()
        });
        NodeReport {
            image: node.image.as_ref().map(ImageName::canonical),
            repo: node
                .repo
                .map(|repo| self.found.family.name(repo).to_string()),
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

    /// The newest tag in the scheme that the family's references use.
    fn tag(&self, node: &Node) -> Option<String> {
        let image = node.image.as_ref()?;
        let own = own_lookup(self.edges, self.fleet, node);
        let tags = match &own {
            Some(lookup) => self.fleet.seen.tags.get(lookup),
            // The answer to the look-up of any child will do.
            None => {
                let mut all = self.fleet.seen.tags.iter();
                all.find(|(lookup, _)| lookup.image == *image)
                    .map(|(_, tags)| tags)
            }
        };
        let tags = tags?.as_ref().ok()?;
        let today = self.now.to_zoned(jiff::tz::TimeZone::UTC).date();
        newest(image, tags, self.in_use.get(image), today).map(|tag| tag.to_string())
    }

    /// The state of an image: the first one that applies. Failures come first, then what is in progress or waiting; an
    /// unknown fact only matters if nothing else is known, and a pending update only if everything is.
    fn state(&self, index: usize) -> (ImageState, Option<String>, String) {
        let node = &self.found.family.graph.nodes()[index];
        let Some(repo) = node.repo else {
            let ended = node.image.as_ref().and_then(|image| self.ended.get(image));
            return (
                ImageState::Outside,
                None,
                ended.cloned().unwrap_or_default(),
            );
        };
        let it = &self.fleet.repos[repo];
        if it.access == Access::Unlisted {
            let why = "its forge no longer lists it".to_owned();
            return (ImageState::Unknown, None, why);
        }
        if it.base.is_none() {
            let report = it.id.as_ref().and_then(|id| self.edges.reports.get(id));
            let problem = report.and_then(|report| report.problems.first());
            let problem = problem.map(|problem| problem.message.clone());
            let why = problem.or_else(|| report?.skipped.clone());
            return (ImageState::Unknown, None, why.unwrap_or_default());
        }
        let decisions: Vec<&Decision> = self.decisions(repo, index).collect();
        let unknown = decisions.iter().find(|d| d.outcome() == Outcome::Unknown);
        let waiting = decisions.iter().find(|d| d.family.waits_for.is_some());
        let noun = it.noun;
        let busy = self.busy(index);
        let failed = busy.iter().find(|busy| busy.has_failed());
        let building = busy.iter().find(|busy| **busy == Activity::Running);
        let settling = busy.iter().find(|busy| **busy == Activity::Settling);
        if let Some(failed) = failed {
            return (ImageState::Failed, None, failed.describe(noun));
        }
        if let Some(building) = building {
            return (ImageState::Building, None, building.describe(noun));
        }
        if let Some(decision) = waiting {
            let by = decision.family.waits_for.clone();
            return (ImageState::Held, by, decision.detail.clone());
        }
        if let Some(open) = busy.iter().find(|busy| busy.number().is_some()) {
            return (ImageState::UpdateOpen, None, open.describe(noun));
        }
        // An open merge request is more informative than a head without a pipeline.
        if let Some(settling) = settling {
            return (ImageState::Building, None, settling.describe(noun));
        }
        if busy.contains(&Activity::Unknown) {
            return (ImageState::Unknown, None, Activity::Unknown.describe(noun));
        }
        if let Some(decision) = unknown {
            return (ImageState::Unknown, None, decision.detail.clone());
        }
        match decisions.iter().find(|d| !d.wanted.is_empty()) {
            Some(decision) => {
                let to = decision.wanted.iter().map(|wanted| {
                    let tag = wanted.to_tag.as_ref().map(ToString::to_string);
                    format!("{}:{}", decision.located.image(), tag.unwrap_or_default())
                });
                let to: Vec<String> = to.collect();
                (ImageState::UpdateAvailable, None, to.join(", "))
            }
            None => self.published(index, &decisions),
        }
    }

    /// The state of an image without pending updates. The published image may still be built on an older base. If all
    /// its references are pinned, the update is merged but not released; otherwise a rebuild would already use the
    /// newer base.
    fn published(
        &self,
        index: usize,
        decisions: &[&Decision],
    ) -> (ImageState, Option<String>, String) {
        let rows = self.published.get(&index).map(|report| &report.platforms);
        let mut stale = rows.into_iter().flatten();
        let is_pinned = |decision: &&Decision| {
            let reference = decision.reference();
            let pinned = reference.is_some_and(|reference| reference.digest.is_some());
            pinned && decision.outcome() == Outcome::Keep
        };
        let state = match decisions.iter().all(is_pinned) {
            true => ImageState::MergedUnreleased,
            false => ImageState::Stale,
        };
        match stale.find(|row| row.answer == Freshness::Stale.code()) {
            Some(row) => (state, None, format!("{}: {}", row.code, row.evidence)),
            None => (ImageState::Current, None, String::new()),
        }
    }

    /// The decisions about the references that an image is built from.
    fn decisions(&self, repo: usize, index: usize) -> impl Iterator<Item = &Decision> {
        let graph = &self.found.family.graph;
        let of_repo = self.found.decisions.get(&repo);
        let decisions = of_repo.into_iter().flat_map(|all| all.iter());
        decisions.filter(move |decision| {
            let children = graph.children_at(repo, &decision.id());
            children.contains(&index)
        })
    }

    /// The activity that concerns an image, including majors. A head without a pipeline counts as building for ten
    /// minutes.
    fn busy(&self, index: usize) -> Vec<Activity> {
        let settings = Settings::default();
        let terms = HoldTerms {
            hold_for: None,
            majors: true,
            settle: SignedDuration::from_secs(settings.settle.value.seconds),
        };
        let scene = FleetActivity {
            graph: &self.found.family.graph,
            members: &self.found.family.members,
            activity: &self.found.activity,
            lives: &|_| true,
            now: self.now,
        };
        let blockers = scene.blockers(index, &terms).into_iter();
        blockers.map(|blocker| blocker.what).collect()
    }
}
