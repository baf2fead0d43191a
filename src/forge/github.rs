//! GitHub: github.com and Enterprise Server.
//!
//! A pass asks for the lists of repositories over REST, a hundred at once, and for the heads, our branches and their
//! open pull requests over GraphQL, fifty repositories at once; never for a search, which ends at a thousand results.
//! Everything goes through `octocrab` over our own HTTP client. What a pull request should say, and whose a branch is,
//! is not decided here.

mod api;
mod ci;
mod doctor;
mod failure;
mod heads;
mod hour;
mod limits;
mod listing;
mod login;
mod merging;
mod notes;
mod pull;
mod requests;
mod settings;
#[cfg(test)]
mod tests;
mod wire;

pub use settings::{GitHubSettings, GitHubToken};

use self::api::Api;
use self::listing::Found;
use super::error::ForgeError;
use super::traits::{
    Finding, Forge, ForgeRegistry, Known, Listing, Merging, RegistryLogin, Repository,
};
use crate::git::Remote;
use crate::http::Gates;
use crate::repo::{
    Branch, CiStatus, CommitId, MergeRequest, MergeRequestEdit, NewMergeRequest, RepoName,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A GitHub instance with one token, in one pass.
pub struct GitHub {
    api: Api,
}

impl GitHub {
    /// Makes a client; nothing is asked yet. It must be made within a Tokio runtime.
    pub fn new(settings: GitHubSettings) -> Result<Self, ForgeError> {
        Ok(Self {
            api: Api::new(settings)?,
        })
    }

    /// GitHub's registry, with the login of this token where the registry takes it: it knows classic tokens only, and
    /// to be refused there would cost the public images as well.
    fn registry(&self) -> Option<ForgeRegistry> {
        let login = self.api.login();
        Some(ForgeRegistry {
            host: self.api.settings.registry_host()?,
            realm: None,
            login: login.is_classic().then(|| RegistryLogin {
                id: login.fingerprint(),
                username: login.username().to_owned(),
                password: login.credential().password(),
            }),
        })
    }

    /// The repositories that were found, with their heads.
    async fn with_heads(&self, found: Found) -> Result<Listing, ForgeError> {
        let mut listing = Listing {
            left_out: found.left_out,
            failed: found.failed,
            ..Listing::default()
        };
        let registry = self.registry();
        let heads = self.api.heads(&found.items, found.graphql).await?;
        for (item, heads) in found.items.into_iter().zip(heads) {
            let made = heads.and_then(|heads| {
                let name = RepoName::parse(&item.full_name)
                    .map_err(|error| ForgeError::Refused(error.to_string()))?;
                let settings = &self.api.settings;
                let url = settings.git_url(name.as_str());
                let credential = self.api.login().credential().clone();
                let ca_file = settings.server.ca_file.clone();
                let remote = Remote::http(&url, Some(credential), ca_file, settings.server.proxy)?;
                Ok(Repository {
                    id: item.id.to_string(),
                    name,
                    remote,
                    head: heads.head,
                    branches: heads.branches,
                    open: heads.open,
                    why: item.why,
                    registry: registry.clone(),
                })
            });
            match made {
                Ok(repository) => listing.repositories.push(repository),
                Err(error) => listing.failed.push((item.full_name, error)),
            }
        }
        Ok(listing)
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

    async fn discover(&self, known: &Known) -> Result<Listing, ForgeError> {
        self.api.login().freshen().await;
        let found = self.api.listing(known).await?;
        self.with_heads(found).await
    }

    async fn look(&self, wanted: &Known) -> Result<Listing, ForgeError> {
        let found = self.api.look(wanted).await?;
        self.with_heads(found).await
    }

    async fn branches(&self, repo: &Repository) -> Result<BTreeMap<Branch, CommitId>, ForgeError> {
        Ok(self.api.branches_by_rest(&repo.name).await?)
    }

    async fn merge_requests(
        &self,
        repo: &Repository,
        branches: &BTreeSet<Branch>,
    ) -> Result<Vec<MergeRequest>, ForgeError> {
        self.api.requests(repo, branches).await
    }

    async fn with_notices(
        &self,
        repos: &[&Repository],
    ) -> Result<Option<BTreeSet<String>>, ForgeError> {
        self.api.with_notices(repos).await.map(Some)
    }

    async fn create(
        &self,
        repo: &Repository,
        new: &NewMergeRequest,
    ) -> Result<MergeRequest, ForgeError> {
        self.api.open(repo, new).await
    }

    async fn edit(
        &self,
        repo: &Repository,
        number: u64,
        edit: &MergeRequestEdit,
    ) -> Result<(), ForgeError> {
        self.api.change(repo, number, edit).await
    }

    async fn close(&self, repo: &Repository, number: u64) -> Result<(), ForgeError> {
        self.api.shut(repo, number).await
    }

    async fn comment(
        &self,
        repo: &Repository,
        number: u64,
        code: &str,
        text: &str,
    ) -> Result<(), ForgeError> {
        self.api.say(repo, number, code, text).await
    }

    async fn commit_ci(
        &self,
        repo: &Repository,
        commit: &CommitId,
    ) -> Result<CiStatus, ForgeError> {
        self.api.ci(repo, commit).await
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
        self.api.merge_at(repo, number, head).await
    }

    async fn call_off(&self, repo: &Repository, number: u64) -> Result<(), ForgeError> {
        self.api.call_off(repo, number).await
    }

    async fn notice(&self, repo: &Repository, text: Option<&str>) -> Result<(), ForgeError> {
        self.api.notice_of(repo, text).await
    }

    async fn doctor(&self, repos: &[Repository]) -> Vec<Finding> {
        self.api.examine(repos).await
    }
}
