//! What is odd about a family, for people. None of it stops anything else.

use crate::repo::RepoName;
use std::sync::Arc;

/// Something that was said and has no effect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The repository that said it, as an index.
    pub repo: usize,
    /// Where it is said: `imagebot.toml:12`.
    pub place: Arc<str>,
    /// What it is.
    pub what: What,
}

/// What can be odd.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Somebody with a stronger claim publishes the image.
    Taken {
        /// The image.
        image: String,
        /// Who has it.
        by: String,
    },
    /// Two repositories claim the image, equally strong: neither has it.
    Equal {
        /// The image.
        image: String,
        /// The other one.
        with: String,
    },
    /// The image is not among those that the repository may claim.
    NotAllowed {
        /// The image.
        image: String,
    },
    /// What it depends on is not registered, or nobody publishes it.
    DependsOnNothing {
        /// What it names.
        on: String,
    },
    /// The Dockerfile of an image is not there.
    NoDockerfile {
        /// The image.
        image: String,
        /// The path.
        path: String,
    },
    /// The Dockerfile has no such stage.
    NoStage {
        /// The image.
        image: String,
        /// The stage.
        stage: String,
    },
}

impl Finding {
    /// One line for people, with what to do about it; `repo` is what the repository is called.
    pub fn told(&self, repo: &RepoName) -> String {
        let Self { place, what, .. } = self;
        let help = what.help(repo.as_str()).replace('\n', " ");
        format!("{repo}: {place}: {what} [{}]; help: {help}", what.code())
    }
}

impl What {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Taken { .. } => "claim-taken",
            Self::Equal { .. } => "claim-equal",
            Self::NotAllowed { .. } => "claim-not-allowed",
            Self::DependsOnNothing { .. } => "depends-on-nothing",
            Self::NoDockerfile { .. } => "no-dockerfile",
            Self::NoStage { .. } => "no-stage",
        }
    }

    /// What to do about it.
    pub fn help(&self, repo: &str) -> String {
        match self {
            Self::Taken { image, by } => {
                format!(
                    "remove {image} from {repo}, or have the operator assign it to {repo} instead of {by} under publishes"
                )
            }
            Self::Equal { image, .. } => {
                format!(
                    "assign it to one repository in config.toml: publishes = [{{ repo = \"{repo}\", images = [\"{image}\"] }}]"
                )
            }
            Self::NotAllowed { image } => {
                format!("[[forge]]\npublishes = [{{ repo = \"{repo}\", images = [\"{image}\"] }}]")
            }
            Self::DependsOnNothing { .. } => {
                "name a registered repository, or an image: imagebot repos list".to_owned()
            }
            Self::NoDockerfile { .. } => "set dockerfile = \"…\" to its path".to_owned(),
            Self::NoStage { .. } => "set target = \"…\" to the stage that is built".to_owned(),
        }
    }
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Taken { image, by } => write!(f, "{image} is published by {by}"),
            Self::Equal { image, with } => {
                write!(
                    f,
                    "{image} is claimed by both this repository and {with}; the claim is ignored"
                )
            }
            Self::NotAllowed { image } => {
                write!(f, "this repository may not claim {image}")
            }
            Self::DependsOnNothing { on } => {
                write!(f, "{on} is not a registered repository or published image")
            }
            Self::NoDockerfile { image, path } => write!(f, "{image}: file {path} does not exist"),
            Self::NoStage { image, stage } => write!(f, "{image}: stage {stage} does not exist"),
        }
    }
}

/// The most images of a cycle that are named.
const MOST_NAMED: usize = 5;

/// A cycle in words, from its first image round to it again; a long one is cut.
pub fn round(cycle: &[usize], name: &dyn Fn(&usize) -> String) -> String {
    let mut words: Vec<String> = cycle.iter().take(MOST_NAMED).map(name).collect();
    let more = cycle.len().saturating_sub(MOST_NAMED);
    if more > 0 {
        words.push(format!("{more} more"));
    }
    words.extend(cycle.first().map(name));
    words.join(" → ")
}
