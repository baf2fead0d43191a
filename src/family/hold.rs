//! Hold and release: whether a child may be proposed now, or whose end it has to wait for.
//!
//! The goal is that an image is rebuilt once for everything that changes above it. Two things keep a child back:
//!
//! - Something that is *coming* above it, however far up: an open merge request that is about to be merged, or a
//!   pipeline that is about to publish. Then every reference to the family waits, because a rebuild now would be
//!   followed by another one.
//! - A parent that *failed*. Then only the references to that parent's image wait. Its other references continue: the
//!   parent may stay red for weeks, and nothing says that the rest of the image has to wait for it.
//!
//! Neither keeps anything back for longer than `hold_for`, counted from when the blocker was seen first: a merge request
//! that nobody merges must not stop the family for good.
//!
//! Known gaps: a merge request that a person opened by hand is not seen, and a parent's pipeline that publishes before
//! it succeeds is taken for running until it ends.

use super::graph::{Edge, Graph};
use super::member::Member;
use super::spec::ImageSpec;
use crate::repo::{CiStatus, RepoPath};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What is known of what goes on in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoActivity {
    /// imagebot's open merge requests, and those that it is about to open. Drafts, and those that a person stopped, are
    /// not among them.
    pub open: Vec<OpenRequest>,
    /// What CI says of the default branch's head.
    pub ci: CiStatus,
    /// Since when it says so.
    pub ci_since: Option<Timestamp>,
    /// Since when that head is there.
    pub head_since: Option<Timestamp>,
}

/// An open merge request of imagebot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequest {
    /// Its number; `None`: it is about to be opened.
    pub number: Option<u64>,
    /// Whether it proposes a major change.
    pub major: bool,
    /// Whether its pipeline failed.
    pub failed: bool,
    /// Since when it is there.
    pub since: Option<Timestamp>,
    /// The files that it changes.
    pub paths: BTreeSet<RepoPath>,
}

/// How long, and for what, a reference waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldTerms {
    /// The longest that anything holds; `None`: as long as it takes.
    pub hold_for: Option<SignedDuration>,
    /// Whether major changes of a parent hold too.
    pub majors: bool,
    /// How long a head without a pipeline is waited for.
    pub settle: SignedDuration,
}

/// Something that keeps a child back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blocker {
    /// The repository, as an index.
    pub repo: usize,
    /// What is the matter there.
    pub what: Activity,
    /// Since when.
    pub since: Option<Timestamp>,
}

/// What can keep a child back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Activity {
    /// A merge request is open, or about to be opened.
    MergeRequest(Option<u64>),
    /// A pipeline runs on the default branch.
    Running,
    /// The default branch has a new head, and its pipeline is not there yet.
    Settling,
    /// The pipeline of the default branch failed.
    Failed,
    /// The pipeline of the merge request failed.
    FailedRequest(Option<u64>),
    /// Nobody could find out whether something is open or running there.
    Unknown,
}

impl Activity {
    /// In a few words; `noun` is what a merge request is called there.
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

    /// Whether it failed, rather than being under way.
    pub fn has_failed(self) -> bool {
        matches!(self, Self::Failed | Self::FailedRequest(_))
    }

    /// Whether it is a pipeline of the default branch that is under way.
    pub fn is_building(self) -> bool {
        matches!(self, Self::Running | Self::Settling)
    }

    /// The number of the merge request that it is about, if it is open already.
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
    /// It may; what it would have waited for, had that not taken too long.
    Free(Vec<Blocker>),
    /// It waits for something that is coming.
    Held(Blocker),
    /// Its own parent failed.
    Blocked(Blocker),
}

/// What goes on in the family.
pub struct FleetActivity<'a> {
    /// The graph.
    pub graph: &'a Graph,
    /// The repositories.
    pub members: &'a [Member],
    /// What goes on, by repository. One that is not there is at rest.
    pub activity: &'a BTreeMap<usize, RepoActivity>,
    /// Whether news may come along an edge: not where the reference is not followed.
    pub lives: &'a dyn Fn(&Edge) -> bool,
    /// Now.
    pub now: Timestamp,
}

impl FleetActivity<'_> {
    /// Judges a reference of `child` to an image of `parent`. `proven`: what it would be updated to is known to be made
    /// from the parent's head, whatever its pipeline still does.
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
        let failed = self.blockers(parent, terms).into_iter();
        let failed = failed.filter(|blocker| blocker.what.has_failed());
        if let Some(blocker) = waits(failed.collect()) {
            return HoldVerdict::Blocked(blocker);
        }
        // Each with whether the way to it leaves the child's own repository.
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
                // What is built in one commit does not wait for itself; what comes back through others does.
                if !out {
                    continue;
                }
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
        match (terms.hold_for, blocker.since) {
            (Some(most), Some(since)) => self.now.duration_since(since) >= most,
            _ => false,
        }
    }

    /// What is the matter with an image: what is coming, and what failed.
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

    /// Whether a merge request that changes these files makes another image of a node.
    fn touches(&self, node: usize, repo: usize, paths: &BTreeSet<RepoPath>) -> bool {
        let spec = self.graph.nodes()[node].spec;
        let spec = spec.and_then(|spec| self.members[repo].images.get(spec));
        let any = |spec: &ImageSpec| paths.iter().any(|path| spec.watches(path));
        paths.is_empty() || spec.is_none_or(any)
    }
}
