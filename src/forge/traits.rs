//! What every forge can do.

use super::doctor::DoctorFinding;
use super::error::ForgeError;
use crate::git::Remote;
use crate::http::{Gates, Origin};
use crate::image::RegistryHost;
use crate::repo::{
    Branch, CiStatus, CommitId, MergeRequest, MergeRequestEdit, NewMergeRequest, RepoName,
};
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use url::Url;

/// A registered repository, as a forge lists it.
#[derive(Debug, Clone)]
pub struct Repository {
    /// What stays the same when the repository is renamed; part of every update key.
    pub id: String,
    /// Its full path.
    pub name: RepoName,
    /// Where git finds it.
    pub remote: Remote,
    /// The default branch and its head; `None` for an empty repository.
    pub head: Option<(Branch, CommitId)>,
    /// The branches under `imagebot/` and their heads; `None` if the listing doesn't show them: [`Forge::branches`]
    /// does.
    pub branches: Option<BTreeMap<Branch, CommitId>>,
    /// The open merge requests from our branches, as far as the listing shows them; `None` if it says nothing about
    /// them.
    pub open: Option<Vec<MergeRequest>>,
    /// What registered it, for reports: `repos = "platform/**"`.
    pub why: String,
    /// The forge's own registry, with the login of this repository's token.
    pub registry: Option<ForgeRegistry>,
}

/// A registry that is the forge's own.
#[derive(Debug, Clone)]
pub struct ForgeRegistry {
    /// The host as it is in image names.
    pub host: RegistryHost,
    /// An origin besides the registry's own that may ask for the login.
    pub realm: Option<Origin>,
    /// The login with the forge's token; `None` if the registry takes no such token.
    pub login: Option<RegistryLogin>,
}

/// A forge's token as a login of its registry.
#[derive(Debug, Clone)]
pub struct RegistryLogin {
    /// A name that is equal for equal tokens and holds no secret.
    pub id: String,
    /// The user name.
    pub username: String,
    /// The token.
    pub password: SecretString,
}

/// All registered repositories of a forge.
#[derive(Debug, Default)]
pub struct Listing {
    /// Those that can be worked on.
    pub repositories: Vec<Repository>,
    /// Those that exist and are not worked on.
    pub left_out: Vec<LeftOut>,
    /// Those that could not be read: unknown, never gone.
    pub failed: Vec<(String, ForgeError)>,
}

/// A repository that is not worked on, and why.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// Its full path.
    pub name: String,
    /// The stable code of why: `archived`, `fork`, `empty`, `mirror`, `excluded`, `topic`, `other-token`,
    /// `pending-deletion`, `no-merge-requests`.
    pub why: &'static str,
}

/// The ids of repositories by the names that they had, so that they are found again when they are renamed.
pub type KnownIds = BTreeMap<RepoName, String>;

/// The outcome of a request to merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merging {
    /// It is merged.
    Merged,
    /// The forge merges it as soon as its conditions are met.
    Scheduled,
    /// Not yet, and why: the next pass tries again.
    NotYet(String),
}

impl Merging {
    /// CI hasn't started, or there is none: nothing is merged without it.
    pub(super) fn no_pipeline() -> Self {
        Self::NotYet("no-pipeline: the forge shows no pipeline for its commit".to_owned())
    }

    /// CI refused it.
    pub(super) fn failed() -> Self {
        Self::NotYet("its pipeline failed".to_owned())
    }
}

/// A server, or a folder, that lists repositories and keeps merge requests.
#[async_trait::async_trait]
pub trait Forge: Send + Sync {
    /// What the forge is called in reports. Different for each forge and each token of a configuration.
    fn name(&self) -> &str;

    /// The same forge for one pass. What a pass learns (a refused token, an overloaded endpoint, a host that is down)
    /// is forgotten with it and stops no other pass; the pace of requests belongs to the token and is shared by all.
    fn for_pass(&self, gates: &Gates) -> Arc<dyn Forge>;

    /// What a merge request is called there.
    fn noun(&self) -> &'static str;

    /// The page of a merge request; `None` if the forge has no pages. Made from the configured URL, never from an answer.
    fn web_url(&self, repo: &RepoName, number: u64) -> Option<Url>;

    /// The registered repositories with their heads. A pass in which nothing changed sends no other requests.
    async fn discover(&self, known: &KnownIds) -> Result<Listing, ForgeError>;

    /// Some of the registered repositories with their heads, by the names and ids that they had when all were listed
    /// last. Nothing else is requested, so the cost doesn't depend on how many there are in all. One that is no longer
    /// worked on is left out.
    async fn look(&self, wanted: &KnownIds) -> Result<Listing, ForgeError>;

    /// The branches under `imagebot/` with their heads, as they are now.
    async fn branches(&self, repo: &Repository) -> Result<BTreeMap<Branch, CommitId>, ForgeError>;

    /// The merge requests from exactly these source branches, by any author, in all states, the oldest first.
    async fn merge_requests(
        &self,
        repo: &Repository,
        branches: &BTreeSet<Branch>,
    ) -> Result<Vec<MergeRequest>, ForgeError>;

    /// What became of merge requests that the listing no longer shows as open, by the repository's id and the number,
    /// as far as the forge shows that for many repositories at once. The others are requested by repository.
    async fn ended(
        &self,
        _wanted: &BTreeSet<(String, u64)>,
    ) -> Result<Vec<(String, MergeRequest)>, ForgeError> {
        Ok(Vec::new())
    }

    /// Those of these repositories, by id, that may have branches of ours; `None` if each needs its own request. Used when
    /// nothing is remembered about them.
    async fn with_branches(
        &self,
        _repos: &[&Repository],
    ) -> Result<Option<BTreeSet<String>>, ForgeError> {
        Ok(None)
    }

    /// Those of these repositories, by id, that may have an open notice; `None` if each needs its own request.
    async fn with_notices(
        &self,
        _repos: &[&Repository],
    ) -> Result<Option<BTreeSet<String>>, ForgeError> {
        Ok(None)
    }

    /// Opens a merge request. If there is an open one from the same source branch already, that one is the answer.
    async fn create(
        &self,
        repo: &Repository,
        new: &NewMergeRequest,
    ) -> Result<MergeRequest, ForgeError>;

    /// Changes a merge request.
    async fn edit(
        &self,
        repo: &Repository,
        number: u64,
        edit: &MergeRequestEdit,
    ) -> Result<(), ForgeError>;

    /// One merge request, by any author.
    async fn merge_request(
        &self,
        repo: &Repository,
        number: u64,
    ) -> Result<MergeRequest, ForgeError>;

    /// Closes an open merge request without merging it; one that is closed already stays so.
    async fn close(&self, repo: &Repository, number: u64) -> Result<(), ForgeError>;

    /// Opens a closed merge request again; an open one stays so. A merged one is a conflict.
    async fn reopen(&self, repo: &Repository, number: u64) -> Result<(), ForgeError>;

    /// Adds a comment to a merge request, unless it has one with this code: a pass that was killed right after it tries
    /// again.
    async fn comment(
        &self,
        repo: &Repository,
        number: u64,
        code: &str,
        text: &str,
    ) -> Result<(), ForgeError>;

    /// What CI says about a commit. An error stays an error: the caller decides whether it means that pipelines can't
    /// be seen at all, or only that nothing is known for now.
    async fn ci(&self, repo: &Repository, commit: &CommitId) -> Result<CiStatus, ForgeError> {
        match self.commit_ci(repo, commit).await? {
            CiStatus::None if !self.has_pipelines(repo).await? => Ok(CiStatus::Never),
            status => Ok(status),
        }
    }

    /// What the forge has from CI about exactly this commit: `None`, `Running`, `Passed` or `Failed`.
    async fn commit_ci(&self, repo: &Repository, commit: &CommitId)
    -> Result<CiStatus, ForgeError>;

    /// Whether the repository has, or ever had, a pipeline; `true` also where the forge cannot say.
    async fn has_pipelines(&self, repo: &Repository) -> Result<bool, ForgeError>;

    /// Merges a merge request with this head and no other, once its pipeline has succeeded as the forge itself judges
    /// that. Nothing is merged without a pipeline.
    async fn merge(
        &self,
        repo: &Repository,
        number: u64,
        head: &CommitId,
    ) -> Result<Merging, ForgeError>;

    /// Whether the listed head is that of the default branch. Checked before the first change of a repository and
    /// before each merge: a forge that looks up branches by their bare names may show a tag's commit.
    async fn verify_head(&self, _: &Repository) -> Result<(), ForgeError> {
        Ok(())
    }

    /// How many branches one push may move for CI and hooks to run for each; `None`: any number.
    fn refs_per_push(&self) -> Option<usize> {
        None
    }

    /// Cancels that the forge merges by itself, because someone else's work is on the branch (T35). Does nothing if a
    /// push cancels it already.
    async fn call_off(&self, repo: &Repository, number: u64) -> Result<(), ForgeError>;

    /// Reports on the repository itself that its settings can't be read: one issue, opened or updated with this text,
    /// or closed if there is no text.
    async fn notice(&self, repo: &Repository, text: Option<&str>) -> Result<(), ForgeError>;

    /// Checks that imagebot can do its work, and has no more rights than it needs. `changes_ci`: a rule allows changes of
    /// CI definitions, for which some forges need a further right.
    async fn doctor(&self, repos: &[Repository], changes_ci: bool) -> Vec<DoctorFinding>;
}
