//! What the family says to decisions: what goes round in a circle is left alone, and what is not at rest is waited for.

use super::change::{Proposed, Version};
use super::decision::{Decision, Wanted};
use super::reason::{Outcome, Reason};
use crate::family::hold::{Blocker, Facts, Scene, Terms, Verdict};
use crate::family::round;
use crate::family::{Edge, Graph, Member};
use crate::image::ImageName;
use crate::policy::Hold;
use crate::source::RefId;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet, HashSet};

impl Decision {
    /// Whether news of the image can come to this reference at all.
    pub fn is_followed(&self) -> bool {
        let still = matches!(
            self.reason,
            Reason::FloatingTag
                | Reason::InnerFloating
                | Reason::NoTag
                | Reason::DigestOnly
                | Reason::BadNote
                | Reason::SchemeMismatch
                | Reason::Ambiguous
                | Reason::EditRefused
        );
        !still && self.outcome() != Outcome::Skip
    }

    /// How long, and for what, the policy lets it wait; `None`: it does not wait.
    pub fn hold_terms(&self) -> Option<Terms> {
        let settings = &self.effective.as_ref()?.settings;
        let duration = SignedDuration::from_secs;
        (settings.hold.value == Hold::Family).then(|| Terms {
            hold_for: settings.hold_for.value.map(|age| duration(age.seconds)),
            majors: settings.hold_majors.value,
            settle: duration(settings.settle.value.seconds),
        })
    }
}

/// Notes who publishes what a repository's decisions are about, and leaves alone what would go round in a circle.
/// `resolve` gives an image's name at its registry; `before` who published it when everybody could be asked last: an
/// image is still of the family while its repository cannot be read.
pub fn place(
    decisions: &mut [Decision],
    repo: usize,
    graph: &Graph,
    names: &dyn Fn(usize) -> String,
    resolve: &dyn Fn(&ImageName) -> ImageName,
    before: &dyn Fn(&ImageName) -> Option<String>,
) {
    for decision in decisions {
        let Some(image) = decision.reference().map(|r| resolve(&r.name)) else {
            continue;
        };
        let Some(node) = graph.node_of(&image) else {
            decision.kin.parent = before(&image);
            continue;
        };
        let children = graph.children_at(repo, &decision.id());
        let publisher = graph.nodes()[node].repo;
        let nodes = graph.nodes();
        let circle = children.iter().find_map(|child| {
            let mut edges = graph.edges_to(*child);
            edges.find(|edge| edge.parent == node && edge.on_cycle)
        });
        if circle.is_some() {
            let cycle = graph.cycles.iter().find(|cycle| {
                let names = cycle.iter().filter_map(|node| nodes[*node].image.as_ref());
                names.into_iter().any(|name| *name == image)
            });
            let path = cycle.map(|cycle| {
                let name = |node: &usize| {
                    let image = nodes[*node].image.as_ref().map(ImageName::canonical);
                    image.unwrap_or_default()
                };
                round(cycle, &name)
            });
            decision.leave(Reason::FamilyCycle, path.unwrap_or_default());
        } else if decision.inner.is_none() && publisher == Some(repo) && children.is_empty() {
            let why = format!("{image} is published by this repository itself");
            decision.leave(Reason::OwnImage, why);
            decision.help = Some(format!("[[image]]\nname = \"{}\"", image.canonical()));
        } else {
            decision.kin.parent = match publisher {
                Some(publisher) => Some(publisher).filter(|p| *p != repo).map(names),
                None => before(&image),
            };
        }
    }
}

/// Whether it has to be known what goes on above a reference: something is wanted for it that no open merge request
/// proposes yet, or it might be merged without a person.
fn asks(decision: &Decision, proposed: &Proposed) -> bool {
    let Some(reference) = decision
        .reference()
        .filter(|_| decision.kin.parent.is_some())
    else {
        return false;
    };
    let is_new = |wanted: &Wanted| {
        let version = Version {
            tag: wanted.to_tag.clone(),
            digest: wanted.to_digest.clone(),
        };
        !proposed.contains(&(decision.path.clone(), reference.name.clone(), version))
    };
    let settings = decision.effective.as_ref().map(|e| &e.settings);
    let merges = settings.is_some_and(|settings| settings.automerge.value.is_some());
    decision.hold_terms().is_some() && (merges || decision.wanted.iter().any(is_new))
}

/// A repository whose decisions may have to wait.
pub struct Household<'a> {
    /// What it is called.
    pub name: String,
    /// What a merge request is called there.
    pub noun: &'static str,
    /// Its decisions.
    pub decisions: &'a mut Vec<Decision>,
    /// What its open merge requests propose.
    pub proposed: Proposed,
}

/// The repositories above references that something new is wanted for: of those it has to be known what goes on.
pub fn above(graph: &Graph, households: &[Household<'_>]) -> BTreeSet<usize> {
    let mut above = BTreeSet::new();
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    for (repo, household) in households.iter().enumerate() {
        for decision in household.decisions.iter() {
            if decision.wanted.is_empty() || !asks(decision, &household.proposed) {
                continue;
            }
            for child in graph.children_at(repo, &decision.id()) {
                if seen.insert(*child) {
                    let nodes = graph.ancestors(*child);
                    above.extend(nodes.iter().filter_map(|node| graph.nodes()[*node].repo));
                }
            }
        }
    }
    above
}

/// What is known around the households.
pub struct Around<'a> {
    /// Who stands on whom.
    pub graph: &'a Graph,
    /// What the repositories say.
    pub members: &'a [Member],
    /// An image's name at its registry.
    pub resolve: &'a dyn Fn(&ImageName) -> ImageName,
    /// Whether what a decision wants is known to be made from the head of a repository.
    pub proven: &'a dyn Fn(&Decision, usize) -> bool,
    /// Now.
    pub now: Timestamp,
}

/// Lets decisions wait for what goes on above them, parents first: what waits itself is not about to be opened. `facts`
/// tells what goes on in one of the repositories of [`above`], given its decisions so far; that is also what is given
/// back.
pub fn hold(
    households: &mut [Household<'_>],
    around: &Around<'_>,
    above: &BTreeSet<usize>,
    facts: &mut dyn FnMut(usize, &mut Vec<Decision>) -> Facts,
) -> BTreeMap<usize, Facts> {
    if above.is_empty() {
        return BTreeMap::new();
    }
    let graph = around.graph;
    let nodes = graph.nodes();
    let dead = not_followed(households);
    let lives = |edge: &Edge| {
        let repo = nodes[edge.child].repo;
        let place = repo.zip(edge.reference.as_ref());
        place.is_none_or(|(repo, reference)| !dead[repo].contains(reference))
    };
    let mut generations: BTreeMap<u32, BTreeSet<usize>> = BTreeMap::new();
    for node in nodes {
        let of = generations.entry(node.generation).or_default();
        of.extend(node.repo);
    }
    let names: Vec<(String, &'static str)> = households
        .iter()
        .map(|household| (household.name.clone(), household.noun))
        .collect();
    let mut all: BTreeMap<usize, Facts> = BTreeMap::new();
    for (generation, repos) in generations {
        for repo in &repos {
            let waiter = Waiter {
                around,
                scene: Scene {
                    graph,
                    members: around.members,
                    facts: &all,
                    lives: &lives,
                    now: around.now,
                },
                names: &names,
                repo: *repo,
                generation,
            };
            let household = &mut households[*repo];
            for decision in household.decisions.iter_mut() {
                waiter.judge(decision, &household.proposed);
            }
        }
        for repo in repos.intersection(above) {
            all.insert(*repo, facts(*repo, households[*repo].decisions));
        }
    }
    all
}

/// The references of each repository that are not followed: no news comes that way.
fn not_followed(households: &[Household<'_>]) -> Vec<HashSet<RefId>> {
    let of = |household: &Household<'_>| {
        let decisions = household.decisions.iter();
        let dead = decisions.filter(|decision| !decision.is_followed());
        dead.map(Decision::id).collect()
    };
    households.iter().map(of).collect()
}

/// Judges the decisions of one repository about one generation.
struct Waiter<'a> {
    around: &'a Around<'a>,
    scene: Scene<'a>,
    names: &'a [(String, &'static str)],
    repo: usize,
    generation: u32,
}

impl Waiter<'_> {
    fn judge(&self, decision: &mut Decision, proposed: &Proposed) {
        if decision.kin.parent.is_none() || decision.wanted.is_empty() {
            return;
        }
        let image = decision.reference().map(|r| (self.around.resolve)(&r.name));
        let parent = image.and_then(|image| self.scene.graph.node_of(&image));
        let (Some(terms), Some(parent)) = (decision.hold_terms(), parent) else {
            return;
        };
        let nodes = self.scene.graph.nodes();
        let children = self.scene.graph.children_at(self.repo, &decision.id());
        let lowest = children.iter().map(|child| nodes[*child].generation).max();
        if lowest != Some(self.generation) {
            return;
        }
        let proven = nodes[parent].repo;
        let proven = proven.is_some_and(|repo| (self.around.proven)(decision, repo));
        let mut expired: BTreeSet<Blocker> = BTreeSet::new();
        for child in children {
            match self.scene.judge(*child, parent, proven, &terms) {
                Verdict::Free(old) => expired.extend(old),
                Verdict::Held(blocker) => {
                    return self.wait(decision, Reason::Held, &blocker, proposed);
                }
                Verdict::Blocked(blocker) => {
                    return self.wait(decision, Reason::Blocked, &blocker, proposed);
                }
            }
        }
        if expired.is_empty() {
            let text = "released: all its ancestors are settled";
            decision.steps.push(text.to_owned());
            return;
        }
        let all: Vec<String> = expired.iter().map(|b| self.describe(b)).collect();
        decision.reason = Reason::HoldExpired;
        decision.detail = format!("it waited long enough for {}", all.join(", "));
    }

    fn describe(&self, blocker: &Blocker) -> String {
        let (name, noun) = &self.names[blocker.repo];
        format!("{name}: {}", blocker.what.describe(noun))
    }

    fn wait(
        &self,
        decision: &mut Decision,
        reason: Reason,
        blocker: &Blocker,
        proposed: &Proposed,
    ) {
        decision.reason = reason;
        decision.detail = format!("waits for {}", self.describe(blocker));
        decision.kin.waits_for = Some(self.names[blocker.repo].0.clone());
        let waiting = std::mem::take(&mut decision.wanted);
        decision.wanted = decision.still_proposed(&waiting, proposed);
        decision.kin.waiting = waiting;
    }
}

impl Decision {
    /// Leaves the reference alone.
    fn leave(&mut self, reason: Reason, detail: String) {
        self.reason = reason;
        self.detail = detail;
        self.wanted.clear();
        self.missing = None;
    }

    /// What an open merge request proposes for this reference: nothing is taken out of it.
    fn still_proposed(&self, waiting: &[Wanted], proposed: &Proposed) -> Vec<Wanted> {
        let Some(reference) = self.reference() else {
            return Vec::new();
        };
        let here = proposed
            .iter()
            .filter(|(path, image, _)| *path == self.path && *image == reference.name);
        let kept = here.filter_map(|(_, _, version)| {
            let same = waiting
                .iter()
                .find(|wanted| wanted.to_tag == version.tag && wanted.to_digest == version.digest);
            let like = same.or(waiting.first())?;
            Some(Wanted {
                to_tag: version.tag.clone(),
                to_digest: version.digest.clone(),
                target: same.and_then(|wanted| wanted.target.clone()),
                ..like.clone()
            })
        });
        kept.collect()
    }
}
