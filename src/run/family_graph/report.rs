//! The family as values that are drawn by people and machines alike.

use crate::run::report::ProblemReport;
use jiff::Timestamp;
use serde::Serialize;

/// The family.
#[derive(Debug, Clone, Serialize)]
pub struct FamilyGraph {
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
    pub state: ImageState,
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
pub enum ImageState {
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

impl ImageState {
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
