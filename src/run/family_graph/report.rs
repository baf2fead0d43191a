//! The family graph as a report, for JSON and for rendering.

use crate::run::report::ProblemReport;
use jiff::Timestamp;
use serde::Serialize;

/// The graph of a family.
#[derive(Debug, Clone, Serialize)]
pub struct FamilyGraph {
    /// The version of the JSON format.
    pub version: u32,
    /// The images, and the repositories without known images, ordered by generation and name.
    pub nodes: Vec<NodeReport>,
    /// The dependencies between them.
    pub edges: Vec<EdgeReport>,
    /// The cycles, each as the names of its nodes.
    pub cycles: Vec<Vec<String>>,
    /// Declarations without effect.
    pub warnings: Vec<String>,
    /// The facts that could not be determined.
    pub problems: Vec<ProblemReport>,
}

/// An image, or a repository without known images.
#[derive(Debug, Clone, Serialize)]
pub struct NodeReport {
    /// The image's name.
    pub image: Option<String>,
    /// The repository that publishes it; `None` for an external image.
    pub repo: Option<String>,
    /// The length of the longest path that leads to it.
    pub generation: u32,
    /// Its state.
    pub state: ImageState,
    /// The repository that it waits for.
    pub held_by: Option<String>,
    /// Its newest tag in the registry.
    pub tag: Option<String>,
    /// The reference that it is built on.
    pub base: Option<String>,
    /// When its base was created.
    pub base_created: Option<Timestamp>,
    /// The reason for the state, human-readable.
    pub why: String,
    /// Whether the published image is built on its parents' current content, if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub freshness: Option<&'static str>,
}

/// A dependency of a child on a parent, by the names of the nodes.
#[derive(Debug, Clone, Serialize)]
pub struct EdgeReport {
    /// The name of the parent.
    pub parent: String,
    /// The name of the child.
    pub child: String,
    /// The file that declares the dependency.
    pub path: String,
    /// The line, counted from 1.
    pub line: usize,
}

/// The state of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImageState {
    /// It is an external image.
    Outside,
    /// Its references are the newest that the policy allows.
    Current,
    /// A merge request for it is open.
    UpdateOpen,
    /// It waits for another repository.
    Held,
    /// Its pipeline is running or about to start.
    Building,
    /// Its pipeline or that of its merge request failed.
    Failed,
    /// Its references are pinned and current, but the published image is built on older content.
    MergedUnreleased,
    /// An update is available, and no merge request for it is open.
    UpdateAvailable,
    /// What is published is built on older content than its references name.
    Stale,
    /// It could not be determined.
    Unknown,
}

impl ImageState {
    /// The name in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Outside => "outside",
            Self::Current => "current",
            Self::UpdateOpen => "update-open",
            Self::Held => "held",
            Self::Building => "building",
            Self::Failed => "failed",
            Self::MergedUnreleased => "merged-unreleased",
            Self::UpdateAvailable => "update-available",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
        }
    }
}

impl NodeReport {
    /// The display name: its image, else its repository.
    pub fn name(&self) -> &str {
        let name = self.image.as_deref().or(self.repo.as_deref());
        name.unwrap_or_default()
    }
}

impl FamilyGraph {
    pub(super) fn nothing(problems: Vec<ProblemReport>) -> Self {
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
