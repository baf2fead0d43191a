//! What a server is asked for when its repositories are listed, and what it answers.

use crate::forge::error::ForgeError;
use crate::forge::scope::{Facts, Source};
use crate::forge::server::ServerSettings;
use crate::forge::traits::{ForgeRegistry, KnownIds};
use crate::git::Credential;
use crate::repo::{Branch, CommitId, MergeRequest, RepoName};
use std::collections::{BTreeMap, BTreeSet};

/// A repository as a server lists it.
#[derive(Debug, Clone)]
pub(in crate::forge) struct Listed<D> {
    /// Its number on the server, which stays the same when it is renamed.
    pub(in crate::forge) id: u64,
    /// Its path now; for one that is only known by its number, the path that it was registered by.
    pub(in crate::forge) path: String,
    /// What decides whether it is worked on; `None` where only its [`Heads`] show it.
    pub(in crate::forge) facts: Option<Facts>,
    /// What this server needs to read its heads.
    pub(in crate::forge) detail: D,
}

/// What lists showed.
#[derive(Debug)]
pub(in crate::forge) struct Lists<D> {
    pub(in crate::forge) found: Vec<Listed<D>>,
    /// Lists that couldn't be read, or only in part, by the name that people know them by.
    pub(in crate::forge) failed: Vec<(String, ForgeError)>,
}

/// A name, and what was found for it.
pub(in crate::forge) type Named<D> = (RepoName, Result<Listed<D>, ForgeError>);

/// What a server says about the branches of a repository.
#[derive(Debug, Default)]
pub(in crate::forge) struct Heads {
    /// Its path and facts, on a server that shows them along with the heads.
    pub(in crate::forge) now: Option<(String, Facts)>,
    /// The default branch and its head; `None` for an empty repository.
    pub(in crate::forge) head: Option<(Branch, CommitId)>,
    /// Our branches, where they come along.
    pub(in crate::forge) branches: Option<BTreeMap<Branch, CommitId>>,
    /// Our open merge requests, where they come along.
    pub(in crate::forge) open: Option<Vec<MergeRequest>>,
}

/// How much of the fleet is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::forge) enum Extent {
    /// All registered repositories.
    All,
    /// Some of them, by name.
    Some,
}

/// What differs between servers when repositories are listed. Which of them are worked on is decided above.
#[async_trait::async_trait]
pub(in crate::forge) trait Server: Send + Sync {
    /// What [`Server::heads`] needs to know about a repository besides its id.
    type Detail: Send + Sync;

    /// What the client was made from.
    fn settings(&self) -> &ServerSettings;

    /// What git logs in with.
    fn credential(&self) -> Credential;

    /// Reads these lists. An error is one that ends the pass.
    async fn list(&mut self, sources: &BTreeSet<Source>)
    -> Result<Lists<Self::Detail>, ForgeError>;

    /// Finds repositories by name, or by the id that they are known to have, wherever they are now.
    async fn find(
        &self,
        names: &BTreeSet<RepoName>,
        known: &KnownIds,
    ) -> Result<Vec<Named<Self::Detail>>, ForgeError>;

    /// The server's own registry. `unlisted` is a repository that no list showed.
    async fn registry(&self, unlisted: Option<u64>) -> Option<ForgeRegistry>;

    /// The heads of these repositories, in their order.
    async fn heads(
        &self,
        repos: &[&Listed<Self::Detail>],
        extent: Extent,
    ) -> Result<Vec<Result<Heads, ForgeError>>, ForgeError>;
}
