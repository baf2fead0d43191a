//! A repository on its way through a pass.

use super::existing::There;
use super::report::RepositoryReport;
use crate::family::hold::Open;
use crate::fleet::{Operator, ParsedRepo};
use crate::forge::{Forge, ForgeRegistry, Repository};
use crate::plan::Decision;
use crate::repo::{Branch, CommitId};
use jiff::Timestamp;
use std::sync::Arc;

/// A registered repository with all that is known of it so far.
pub(super) struct RepoState {
    /// The forge that it is on.
    pub(super) forge: Arc<dyn Forge>,
    /// What the forge lists of it.
    pub(super) listed: Repository,
    /// The target branch and its head; `None` if nothing is done here.
    pub(super) base: Option<(Branch, CommitId)>,
    /// Since when the head is there.
    pub(super) head_since: Option<Timestamp>,
    /// What is reported of it so far.
    pub(super) report: RepositoryReport,
    /// Its files.
    pub(super) parsed: ParsedRepo,
    /// The decisions, in the order of the references, once they are made.
    pub(super) decisions: Vec<Decision>,
    /// Its branches and merge requests.
    pub(super) there: There,
    /// What was open there, or about to be, when it was acted on in this pass.
    pub(super) acted: Option<Vec<Open>>,
}

impl RepoState {
    /// What decides where its references are looked up.
    pub(super) fn asker(&self) -> Asker<'_> {
        Asker {
            parsed: &self.parsed,
            registry: self.listed.registry.as_ref(),
        }
    }

    /// What the store knows it by.
    pub(super) fn key(&self) -> String {
        store_key(self.forge.as_ref(), &self.listed)
    }

    /// Takes it out for acting in it; what stays in its place has no references left, and the same merge requests.
    pub(super) fn take(&mut self, operator: &Operator) -> Self {
        let mut parsed = ParsedRepo::empty(operator, Some(self.listed.name.clone()));
        parsed.registry.clone_from(&self.parsed.registry);
        // Until it is known what was done there.
        parsed.unread = true;
        let left = Self {
            forge: Arc::clone(&self.forge),
            listed: self.listed.clone(),
            base: self.base.clone(),
            head_since: self.head_since,
            report: self.report.clone(),
            parsed,
            decisions: Vec::new(),
            there: self.there.clone(),
            acted: None,
        };
        std::mem::replace(self, left)
    }
}

/// What the store knows a repository by: its forge, and the id that stays when it is renamed.
pub(super) fn store_key(forge: &dyn Forge, repo: &Repository) -> String {
    format!("{} {}", forge.name(), repo.id)
}

/// A repository or folder whose references are looked up.
#[derive(Debug, Clone, Copy)]
pub struct Asker<'a> {
    /// Its files.
    pub parsed: &'a ParsedRepo,
    /// Its forge's own registry.
    pub registry: Option<&'a ForgeRegistry>,
}

impl<'a> From<&'a ParsedRepo> for Asker<'a> {
    fn from(parsed: &'a ParsedRepo) -> Self {
        Self {
            parsed,
            registry: None,
        }
    }
}
