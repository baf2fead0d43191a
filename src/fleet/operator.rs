//! The operator's configuration, as far as the core needs it.

use crate::family::Publishes;
use crate::image::{Alias, ImageName, RegistryHost};
use crate::plan::Templates;
use crate::policy::{Ceiling, Rule};

/// The settings that apply to all repositories.
#[derive(Debug, Clone)]
pub struct Operator {
    /// `[defaults]` and the operator's rules, in order.
    pub rules: Vec<Rule>,
    /// The limits on what a repository's own settings may change.
    pub ceiling: Ceiling,
    /// Which repositories publish which images.
    pub publishes: Vec<Publishes>,
    /// Registry host aliases, with the registry that each refers to.
    pub aliases: Vec<(Alias, RegistryHost)>,
    /// How many references are processed per repository at most.
    pub references: usize,
    /// How many newer tags are tried per reference at most.
    pub candidates: usize,
    /// The label that keeps a branch rebased on its target.
    pub rebase_label: String,
    /// The label that makes imagebot leave a merge request alone.
    pub stop_label: String,
    /// The templates for titles and descriptions.
    pub templates: Templates,
    /// The prefix of the first line of a commit message.
    pub commit_prefix: String,
}

impl Operator {
    /// An image's name in its registry: aliases resolved.
    pub fn resolve(&self, image: &ImageName) -> ImageName {
        let aliases = self.aliases.iter();
        let mut resolved = aliases.filter_map(|(alias, host)| alias.resolve(image, host));
        resolved.next().unwrap_or_else(|| image.clone())
    }
}
