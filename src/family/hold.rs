//! Hold and release: whether a child may be proposed now, or which change it has to wait for.
//!
//! The goal is that an image is rebuilt once for all changes in its ancestors. Two things hold a child back:
//!
//! - A change that is *coming* in any ancestor: an open merge request of imagebot, or a pipeline that is about to
//!   publish. Then every reference to the family waits, because a rebuild now would be followed by another one.
//! - A parent that *failed*. Then only the references to that parent's image wait. The other references continue: the
//!   parent may stay red for weeks, and their updates don't depend on it.
//!
//! No blocker holds for longer than `hold_for`, counted from when it began or was first seen: a merge request that is
//! never merged must not stop the family for good.
//!
//! Known gaps: a merge request that a user opened by hand is not seen, and a parent's pipeline that publishes before it
//! succeeds counts as running until it ends.

use super::graph::{Edge, Graph};
use super::member::Member;
use super::spec::ImageSpec;
use crate::repo::{CiStatus, RepoPath};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The open merge requests and pipelines of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoActivity {
    /// imagebot's open merge requests, and those that it is about to open, without drafts and those that a user
    /// stopped.
    pub open: Vec<OpenRequest>,
    /// The CI status of the default branch's head.
    pub ci: CiStatus,
    /// When that status was first seen.
    pub ci_since: Option<Timestamp>,
    /// When that head was first seen.
    pub head_since: Option<Timestamp>,
}

/// An open merge request of imagebot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequest {
    /// Its number; `None` if it is about to be opened.
    pub number: Option<u64>,
    /// Whether it proposes a major change.
    pub major: bool,
    /// Whether its pipeline failed.
    pub failed: bool,
    /// When it was first seen.
    pub since: Option<Timestamp>,
    /// The files that it changes; empty if they are not known.
    pub paths: BTreeSet<RepoPath>,
}

/// The conditions under which a reference waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldTerms {
    /// The longest time that a blocker holds; `None` for no limit.
    pub hold_for: Option<SignedDuration>,
    /// Whether merge requests with major updates hold too.
    pub majors: bool,
    /// How long to wait for the first pipeline of a new head.
    pub settle: SignedDuration,
}

/// An activity in a repository that keeps a child back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blocker {
    /// The index of the repository.
    pub repo: usize,
    /// The kind of activity.
    pub what: Activity,
    /// When it was first seen.
    pub since: Option<Timestamp>,
}

/// A kind of activity that can keep a child back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Activity {
    /// A merge request is open, or about to be opened.
    MergeRequest(Option<u64>),
    /// A pipeline runs on the default branch.
    Running,
    /// The default branch has a new head without a pipeline yet.
    Settling,
    /// The pipeline of the default branch failed.
    Failed,
    /// The pipeline of the merge request failed.
    FailedRequest(Option<u64>),
    /// The forge could not be read, so a merge request or pipeline may exist there.
    Unknown,
}

impl Activity {
    /// A short description; `noun` is the forge's term for a merge request.
    pub fn describe(self, noun: &str) -> String {
        match self {
            Self::MergeRequest(Some(number)) => format!("{noun} {number} is open there"),
            Self::MergeRequest(None) => format!("a {noun} is about to be opened there"),
            Self::Running => "its pipeline is running".to_owned(),
            Self::Settling => "no pipeline seen yet for its newest commit".to_owned(),
            Self::Failed => "its pipeline failed".to_owned(),
            Self::Unknown => {
                "it could not be read, so a merge request or pipeline may be open there".to_owned()
            }
            Self::FailedRequest(Some(number)) => format!("the pipeline of {noun} {number} failed"),
            Self::FailedRequest(None) => format!("the pipeline of its {noun} failed"),
        }
    }

    /// Whether something failed, rather than is in progress.
    pub fn has_failed(self) -> bool {
        matches!(self, Self::Failed | Self::FailedRequest(_))
    }

    /// Whether it's a pipeline of the default branch in progress or expected.
    pub fn is_building(self) -> bool {
        matches!(self, Self::Running | Self::Settling)
    }

    /// The number of its merge request, if one is open already.
    pub fn number(self) -> Option<u64> {
        match self {
            Self::MergeRequest(number) | Self::FailedRequest(number) => number,
            Self::Running | Self::Settling | Self::Failed | Self::Unknown => None,
        }
    }
}

/// Whether a reference may be proposed now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldVerdict {
    /// It may be proposed; with the blockers that have expired.
    Free(Vec<Blocker>),
    /// It waits for a change of an ancestor.
    Held(Blocker),
    /// It waits because its own parent failed.
    Blocked(Blocker),
}

/// The activity in the whole family, as input of the check.
pub struct FleetActivity<'a> {
    /// The graph of all images.
    pub graph: &'a Graph,
    /// The repositories, by the indices that the graph uses.
    pub members: &'a [Member],
    /// The activity by repository. A repository without an entry is settled.
    pub activity: &'a BTreeMap<usize, RepoActivity>,
    /// Whether updates can arrive along an edge: false for a reference that is not followed.
    pub lives: &'a dyn Fn(&Edge) -> bool,
    /// The time of the check.
    pub now: Timestamp,
}

impl FleetActivity<'_> {
    /// Judges a reference of `child` to an image of `parent`. `proven`: the proposed version is known to be built from
    /// the parent's head, so the parent's running pipeline does not matter.
    pub fn judge(
        &self,
        child: usize,
        parent: usize,
        proven: bool,
        terms: &HoldTerms,
    ) -> HoldVerdict {
        let nodes = self.graph.nodes();
        let mut expired = Vec::new();
        let mut waits = |blockers: Vec<Blocker>| {
            let (old, young): (Vec<_>, Vec<_>) = blockers
                .into_iter()
                .partition(|blocker| self.is_expired(blocker, terms));
            expired.extend(old);
            young.into_iter().next()
        };
        // Failures first, and only of the direct parent: a failure has to be fixed and may last, so it is the more
        // useful reason to report. A failed grandparent does not count, because the parent's published image
        // is still good.
        let failed = self.blockers(parent, terms).into_iter();
        let failed = failed.filter(|blocker| blocker.what.has_failed());
        if let Some(blocker) = waits(failed.collect()) {
            return HoldVerdict::Blocked(blocker);
        }
        // The search state is a node and whether the path to it has left the child's own repository: the same node may
        // be reached both ways, and only the second way can hold.
        let mut seen = BTreeSet::from([(child, false)]);
        let mut next = VecDeque::from([(child, false)]);
        while let Some((node, was_out)) = next.pop_front() {
            for edge in self.graph.edges_to(node) {
                let out = was_out || nodes[edge.parent].repo != nodes[child].repo;
                let lives = !edge.on_cycle && (self.lives)(edge);
                if !lives || !seen.insert((edge.parent, out)) {
                    continue;
                }
                next.push_back((edge.parent, out));
                // Images of one repository are rebuilt by the same commit, so they don't wait for each other. A path
                // that leaves the repository and comes back does hold: that rebuild is a later one.
                if !out {
                    continue;
                }
                // Breadth first, so that the nearest blocker is reported. With `proven` the parent's own pipeline is
                // ignored: the image to be proposed is already the product of that head.
                let coming = self.blockers(edge.parent, terms).into_iter();
                let is_out = |what: Activity| proven && edge.parent == parent && what.is_building();
                let coming = coming.filter(|b| !b.what.has_failed() && !is_out(b.what));
                if let Some(blocker) = waits(coming.collect()) {
                    return HoldVerdict::Held(blocker);
                }
            }
        }
        expired.sort();
        expired.dedup();
        HoldVerdict::Free(expired)
    }

    fn is_expired(&self, blocker: &Blocker, terms: &HoldTerms) -> bool {
        // Counted from when the blocker was first seen, not per child: a chain of children doesn't wait once per
        // generation.
        match (terms.hold_for, blocker.since) {
            (Some(most), Some(since)) => self.now.duration_since(since) >= most,
            _ => false,
        }
    }

    /// The activities that concern an image: changes under way, and failures.
    pub fn blockers(&self, node: usize, terms: &HoldTerms) -> Vec<Blocker> {
        let Some((repo, facts)) = self.graph.nodes()[node]
            .repo
            .and_then(|repo| Some((repo, self.activity.get(&repo)?)))
        else {
            return Vec::new();
        };
        let open = facts
            .open
            .iter()
            .filter(|open| (terms.majors || !open.major) && self.touches(node, repo, &open.paths));
        let open = open.map(|open| Blocker {
            repo,
            what: match open.failed {
                true => Activity::FailedRequest(open.number),
                false => Activity::MergeRequest(open.number),
            },
            since: open.since,
        });
        let is_young = facts
            .head_since
            .is_some_and(|since| self.now.duration_since(since) < terms.settle);
        // The forge may not have created a pipeline for a new head yet, so it counts as building for `settle`. After
        // that no pipeline is expected any more. `Unseen` and `Never` never change, so waiting for them is pointless.
        let of_head = match facts.ci {
            CiStatus::Running => Some(Activity::Running),
            CiStatus::Failed => Some(Activity::Failed),
            CiStatus::Unknown => Some(Activity::Unknown),
            CiStatus::None if is_young => Some(Activity::Settling),
            CiStatus::None | CiStatus::Never | CiStatus::Unseen | CiStatus::Passed => None,
        };
        let of_head = of_head.map(|what| Blocker {
            repo,
            what,
            since: match what {
                Activity::Settling => facts.head_since,
                _ => facts.ci_since,
            },
        });
        open.chain(of_head).collect()
    }

    /// Whether a merge request that changes these files leads to a rebuild of a node's image. If the files are not
    /// known, it does.
    fn touches(&self, node: usize, repo: usize, paths: &BTreeSet<RepoPath>) -> bool {
        let spec = self.graph.nodes()[node].spec;
        let spec = spec.and_then(|spec| self.members[repo].images.get(spec));
        let any = |spec: &ImageSpec| paths.iter().any(|path| spec.watches(path));
        paths.is_empty() || spec.is_none_or(any)
    }
}
