//! Reading a repository's files at its head, and finding its references. Nothing else of a repository is asked for here.

use super::observe::tree_at;
use super::own::{OwnError, own_settings};
use super::setup::Setup;
use crate::fleet::ParsedRepo;
use crate::forge::Repository;
use crate::git::{Git, GitError};

/// A repository whose files were read.
pub(super) struct Loaded {
    pub(super) parsed: ParsedRepo,
    /// When its head was made, as the commit says: seconds since 1970.
    pub(super) committed: Option<i64>,
}

/// Why a repository's files were not read.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotLoaded {
    /// Nothing is to be done in it.
    #[error("{0}")]
    Skipped(&'static str),
    /// Its content cannot be had.
    #[error(transparent)]
    Git(#[from] GitError),
    /// Its own settings cannot be read.
    #[error(transparent)]
    Settings(#[from] OwnError),
}

/// Reads a repository.
pub(super) async fn load(setup: &Setup, git: &Git, repo: &Repository) -> Result<Loaded, NotLoaded> {
    let Some((_, head)) = &repo.head else {
        return Err(NotLoaded::Skipped("the repository is empty"));
    };
    let tree = tree_at(setup, git, repo, head).await?;
    let settings = own_settings(&format!("{}:", repo.name), &tree, &setup.config)?;
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

/// A repository of which nothing could be read. What it publishes follows from its path all the same.
pub(super) fn not_loaded(setup: &Setup, repo: &Repository, unread: bool) -> ParsedRepo {
    let mut parsed = ParsedRepo::empty(&setup.operator, Some(repo.name.clone()));
    parsed.registry = repo.registry.as_ref().map(|registry| registry.host.clone());
    parsed.unread = unread;
    parsed
}
