//! What holds for all repositories.

use crate::family::Publishes;
use crate::image::{Alias, ImageName, RegistryHost};
use crate::plan::Templates;
use crate::policy::{Ceiling, Rule};

/// What the operator's configuration says to the core.
#[derive(Debug, Clone)]
pub struct Operator {
    /// `[defaults]` and the operator's rules, in order.
    pub rules: Vec<Rule>,
    /// How far a repository may go beyond them.
    pub ceiling: Ceiling,
    /// Who publishes which images, as the operator says.
    pub publishes: Vec<Publishes>,
    /// Names that mean a registry under another name, and that registry.
    pub aliases: Vec<(Alias, RegistryHost)>,
    /// The most references of one repository that are looked at.
    pub references: usize,
    /// The most newer tags that are tried for one reference.
    pub candidates: usize,
    /// The label that keeps a branch on top of its target.
    pub rebase_label: String,
    /// The label that makes imagebot leave a merge request alone.
    pub stop_label: String,
    /// How merge requests are worded.
    pub templates: Templates,
    /// What stands before the first line of a commit's message.
    pub commit_prefix: String,
}

impl Operator {
    /// An image's name at its registry: aliases resolved.
    pub fn resolve(&self, image: &ImageName) -> ImageName {
        let aliases = self.aliases.iter();
        let mut resolved = aliases.filter_map(|(alias, host)| alias.resolve(image, host));
        resolved.next().unwrap_or_else(|| image.clone())
    }
}
