//! Findings about the family: declarations that have no effect. A finding is reported and stops nothing.

use crate::repo::RepoName;
use std::sync::Arc;

/// A declaration without effect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The repository that declares it, as an index into the members.
    pub repo: usize,
    /// File and line of the declaration: `imagebot.toml:12`.
    pub place: Arc<str>,
    /// Why it has no effect.
    pub what: What,
}

/// Why a declaration has no effect.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Another repository has a stronger claim to the image.
    Taken {
        /// The claimed image.
        image: String,
        /// The repository that publishes it.
        by: String,
    },
    /// Two repositories claim the image equally strongly, so neither gets it.
    Equal {
        /// The claimed image.
        image: String,
        /// The other repository.
        with: String,
    },
    /// The operator does not allow the repository to claim this image.
    NotAllowed {
        /// The claimed image.
        image: String,
    },
    /// The declared dependency is neither a registered repository nor a published image.
    DependsOnNothing {
        /// The dependency as it is written.
        on: String,
    },
    /// The Dockerfile of an image does not exist.
    NoDockerfile {
        /// The image that it should build.
        image: String,
        /// The path where it is expected.
        path: String,
    },
    /// The Dockerfile has no stage of this name.
    NoStage {
        /// The image that the stage should build.
        image: String,
        /// The name of the missing stage.
        stage: String,
    },
}

impl Finding {
    /// The finding and its fix on one line; `repo` is the repository's display name.
    pub fn told(&self, repo: &RepoName) -> String {
        let Self { place, what, .. } = self;
        let help = what.help(repo.as_str()).replace('\n', " ");
        format!("{repo}: {place}: {what} [{}]; help: {help}", what.code())
    }
}

impl What {
    /// The stable code, as in reports.
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

    /// The fix, as shown after `help:`.
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

/// How many images of a cycle are named at most.
const MOST_NAMED: usize = 5;

/// Describes a cycle, from its first image back to it; a long one is shortened.
pub fn round(cycle: &[usize], name: &dyn Fn(&usize) -> String) -> String {
    let mut words: Vec<String> = cycle.iter().take(MOST_NAMED).map(name).collect();
    let more = cycle.len().saturating_sub(MOST_NAMED);
    if more > 0 {
        words.push(format!("{more} more"));
    }
    words.extend(cycle.first().map(name));
    words.join(" → ")
}
