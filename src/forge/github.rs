//! GitHub: github.com and Enterprise Server.
//!
//! A pass asks for the lists of repositories over REST, a hundred at once, and for the heads, our branches and their
//! open pull requests over GraphQL, fifty repositories at once; never for a search, which ends at a thousand results.
//! Everything goes through `octocrab` over our own HTTP client. What a pull request should say, and whose a branch is,
//! is not decided here.

mod api;
mod ci;
mod create;
mod doctor;
mod failure;
mod heads;
mod hour;
mod item;
mod left;
mod limits;
mod listing;
mod login;
mod merge;
mod metadata;
mod named;
mod notes;
mod pull;
mod refs;
mod requests;
mod settings;
#[cfg(test)]
mod tests;
mod wire;

pub use settings::{GitHubSettings, GitHubToken};

use self::api::Api;
use self::listing::Instance;
use super::discover;
use super::doctor::DoctorFinding;
use super::error::ForgeError;
use super::traits::{Forge, KnownIds, Listing, Merging, Repository};
use crate::http::Gates;
use crate::repo::{
    Branch, CiStatus, CommitId, MergeRequest, MergeRequestEdit, NewMergeRequest, RepoName,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use url::Url;

/// A GitHub instance with one token, in one pass.
pub struct GitHub {
    api: Api,
}

impl GitHub {
    /// Makes a client; nothing is sent yet. It must be made within a Tokio runtime.
    pub fn new(settings: GitHubSettings) -> Result<Self, ForgeError> {
        Ok(Self {
            api: Api::new(settings)?,
        })
    }
}

impl std::fmt::Debug for GitHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitHub")
            .field("name", &self.api.settings.server.name)
            .field("url", &self.api.settings.server.url.as_str())
            .finish_non_exhaustive()
    }
}

#[async_trait::async_trait]
impl Forge for GitHub {
    fn name(&self) -> &str {
        &self.api.settings.server.name
    }

    fn for_pass(&self, gates: &Gates) -> Arc<dyn Forge> {
        Arc::new(Self {
            api: self.api.for_pass(gates),
        })
    }

    fn noun(&self) -> &'static str {
        "pull request"
    }

    fn web_url(&self, repo: &RepoName, number: u64) -> Option<Url> {
        let page = format!("{repo}/pull/{number}");
        Some(self.api.settings.server.at(&page))
    }

    async fn discover(&self, known: &KnownIds) -> Result<Listing, ForgeError> {
        self.api.begin().await;
        let mut instance = Instance::new(&self.api);
        discover::discover(&mut instance, &self.api.scope, known).await
    }

    async fn look(&self, wanted: &KnownIds) -> Result<Listing, ForgeError> {
        discover::look(&Instance::new(&self.api), &self.api.scope, wanted).await
    }

    async fn branches(&self, repo: &Repository) -> Result<BTreeMap<Branch, CommitId>, ForgeError> {
        Ok(refs::branches(&self.api, &repo.name).await?)
    }

    async fn merge_requests(
        &self,
        repo: &Repository,
        branches: &BTreeSet<Branch>,
    ) -> Result<Vec<MergeRequest>, ForgeError> {
        requests::from_branches(&self.api, repo, branches).await
    }

    async fn with_notices(
        &self,
        repos: &[&Repository],
    ) -> Result<Option<BTreeSet<String>>, ForgeError> {
        left::with_notices(&self.api, repos).await.map(Some)
    }

    async fn create(
        &self,
        repo: &Repository,
        new: &NewMergeRequest,
    ) -> Result<MergeRequest, ForgeError> {
        create::create(&self.api, repo, new).await
    }

    async fn edit(
        &self,
        repo: &Repository,
        number: u64,
        edit: &MergeRequestEdit,
    ) -> Result<(), ForgeError> {
        create::edit(&self.api, repo, number, edit).await
    }

    async fn merge_request(
        &self,
        repo: &Repository,
        number: u64,
    ) -> Result<MergeRequest, ForgeError> {
        create::one(&self.api, repo, number).await
    }

    async fn close(&self, repo: &Repository, number: u64) -> Result<(), ForgeError> {
        create::set_open(&self.api, repo, number, false).await
    }

    async fn reopen(&self, repo: &Repository, number: u64) -> Result<(), ForgeError> {
        create::set_open(&self.api, repo, number, true).await
    }

    async fn comment(
        &self,
        repo: &Repository,
        number: u64,
        code: &str,
        text: &str,
    ) -> Result<(), ForgeError> {
        notes::comment(&self.api, repo, number, code, text).await
    }

    async fn commit_ci(
        &self,
        repo: &Repository,
        commit: &CommitId,
    ) -> Result<CiStatus, ForgeError> {
        ci::commit_ci(&self.api, repo, commit).await
    }

    async fn has_pipelines(&self, _: &Repository) -> Result<bool, ForgeError> {
        // Any App may report checks, and GitHub lists them by commit only.
        Ok(true)
    }

    async fn merge(
        &self,
        repo: &Repository,
        number: u64,
        head: &CommitId,
    ) -> Result<Merging, ForgeError> {
        merge::merge(&self.api, repo, number, head).await
    }

    async fn call_off(&self, repo: &Repository, number: u64) -> Result<(), ForgeError> {
        merge::call_off(&self.api, repo, number).await
    }

    async fn notice(&self, repo: &Repository, text: Option<&str>) -> Result<(), ForgeError> {
        notes::notice(&self.api, repo, text).await
    }

    async fn doctor(&self, repos: &[Repository], changes_ci: bool) -> Vec<DoctorFinding> {
        self.api.begin().await;
        doctor::doctor(&self.api, repos, changes_ci).await
    }
}
