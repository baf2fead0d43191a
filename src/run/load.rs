//! Reads a repository's files at its head and finds its references. Nothing else of a repository is fetched here.

use super::observe::tree_at;
use super::own::{OwnError, own_settings};
use super::predefined::predefined;
use super::setup::Setup;
use crate::fleet::ParsedRepo;
use crate::forge::Repository;
use crate::git::{Git, GitError};

/// A repository whose files were read.
pub(super) struct Loaded {
    pub(super) parsed: ParsedRepo,
    /// The committer date of its head, in Unix seconds.
    pub(super) committed: Option<i64>,
}

/// Why a repository's files were not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotLoaded {
    /// It is skipped, for this reason.
    #[error("{0}")]
    Skipped(&'static str),
    /// Its files are unavailable.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Its own settings are invalid.
    #[error(transparent)]
    Settings(#[from] OwnError),
}

/// Reads a repository.
pub(super) async fn load(setup: &Setup, git: &Git, repo: &Repository) -> Result<Loaded, NotLoaded> {
    let Some((_, head)) = &repo.head else {
        return Err(NotLoaded::Skipped("the repository is empty"));
    };
    let tree = tree_at(setup, git, repo, head).await?;
    let mut settings = own_settings(&format!("{}:", repo.name), &tree, &setup.config)?;
    settings.predefined = predefined(repo, &setup.config);
    if !settings.enabled {
        let why = "enabled = false in its imagebot.toml";
        return Err(NotLoaded::Skipped(why));
    }
    let committed = tree.committed;
    let name = Some(repo.name.clone());
    let mut parsed = ParsedRepo::new(&setup.operator, name, settings, tree);
    parsed.registry = repo.registry.as_ref().map(|registry| registry.host.clone());
    Ok(Loaded { parsed, committed })
}

/// A repository that was not read. Its images in the forge's registry are still known from its path.
pub(super) fn not_loaded(setup: &Setup, repo: &Repository, unread: bool) -> ParsedRepo {
    let mut parsed = ParsedRepo::empty(&setup.operator, Some(repo.name.clone()));
    parsed.registry = repo.registry.as_ref().map(|registry| registry.host.clone());
    parsed.unread = unread;
    parsed
}
