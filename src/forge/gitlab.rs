//! GitLab: gitlab.com or a self-hosted instance, 15.6 or newer.
//!
//! Listings are read by REST, heads and the merge requests of a repository by GraphQL, a hundred at a time; changes are
//! made by REST, one after another. Projects are always named by their number, so that a rename changes nothing. It
//! never approves, never rebases on the server, and writes no content: that is git's business.

mod answers;
mod api;
mod busy;
mod create;
mod doctor;
mod ended;
mod endpoints;
mod failure;
mod head;
mod heads;
mod left;
mod listing;
mod login;
mod merge;
mod mergeable;
mod named;
mod notes;
mod requests;
mod session;
mod wire;

use self::api::Api;
use self::create::People;
use self::listing::Instance;
use self::login::Login;
use self::session::Session;
use super::discover;
use super::doctor::DoctorFinding;
use super::error::ForgeError;
use super::scope::Scope;
use super::server::ServerSettings;
use super::traits::{Forge, KnownIds, Listing, Merging, Repository};
use crate::http::Gates;
use crate::repo::{
    Branch, CiStatus, CommitId, MergeRequest, MergeRequestEdit, NewMergeRequest, RepoName,
};
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use url::Url;

/// The settings of a client: one instance with one token.
#[derive(Debug, Clone)]
pub struct GitLabSettings {
    /// The instance, and which of its repositories are registered.
    pub server: ServerSettings,
    /// A personal, group or project access token.
    pub token: SecretString,
}

/// A GitLab, as one token sees it in one pass.
pub struct GitLab {
    settings: ServerSettings,
    api: Api,
    scope: Scope,
    login: Login,
    people: People,
    session: tokio::sync::Mutex<Option<Arc<Session>>>,
}

impl GitLab {
    /// Makes a client. Nothing is sent yet; an error is a CA file that can't be read.
    pub fn new(settings: GitLabSettings) -> Result<Self, ForgeError> {
        let GitLabSettings { server, token } = settings;
        let client = server.client()?;
        Ok(Self {
            scope: Scope::new(&server),
            login: Login::new(&server, &token),
            api: Api::new(client, token, &server),
            settings: server,
            people: People::default(),
            session: tokio::sync::Mutex::default(),
        })
    }

    /// What the first request of the pass showed; it is sent once.
    async fn session(&self) -> Result<Arc<Session>, ForgeError> {
        let mut kept = self.session.lock().await;
        if let Some(session) = &*kept {
            return Ok(Arc::clone(session));
        }
        let session = Arc::new(session::start(&self.api).await?);
        *kept = Some(Arc::clone(&session));
        Ok(session)
    }
}

/// A project's number.
fn id(repo: &Repository) -> Result<u64, ForgeError> {
    let number = repo.id.parse();
    number.map_err(|_| ForgeError::Refused(format!("{:?} is not a project id", repo.id)))
}

#[async_trait::async_trait]
impl Forge for GitLab {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn for_pass(&self, gates: &Gates) -> Arc<dyn Forge> {
        Arc::new(Self {
            settings: self.settings.clone(),
            api: self.api.for_pass(gates),
            scope: self.scope.clone(),
            login: self.login.clone(),
            people: People::default(),
            session: tokio::sync::Mutex::default(),
        })
    }

    fn noun(&self) -> &'static str {
        "merge request"
    }

    fn web_url(&self, repo: &RepoName, number: u64) -> Option<Url> {
        let page = format!("{repo}/-/merge_requests/{number}");
        Some(self.settings.at(&page))
    }

    fn refs_per_push(&self) -> Option<usize> {
        // Hooks run for three refs of a push, pipelines for four (`push_event_hooks_limit`, `git_push_pipeline_limit`).
        Some(3)
    }

    async fn discover(&self, known: &KnownIds) -> Result<Listing, ForgeError> {
        self.api.begin();
        *self.session.lock().await = None;
        let session = self.session().await?;
        let mut instance = Instance::new(&self.api, &session, &self.settings, &self.login);
        discover::discover(&mut instance, &self.scope, known).await
    }

    async fn look(&self, wanted: &KnownIds) -> Result<Listing, ForgeError> {
        let session = self.session().await?;
        let instance = Instance::new(&self.api, &session, &self.settings, &self.login);
        discover::look(&instance, &self.scope, wanted).await
    }

    async fn branches(&self, repo: &Repository) -> Result<BTreeMap<Branch, CommitId>, ForgeError> {
        requests::branches(&self.api, id(repo)?).await
    }

    async fn merge_requests(
        &self,
        repo: &Repository,
        branches: &BTreeSet<Branch>,
    ) -> Result<Vec<MergeRequest>, ForgeError> {
        if branches.is_empty() {
            return Ok(Vec::new());
        }
        let session = self.session().await?;
        requests::from_branches(&self.api, &session, id(repo)?, branches).await
    }

    async fn ended(
        &self,
        wanted: &BTreeSet<(String, u64)>,
    ) -> Result<Vec<(String, MergeRequest)>, ForgeError> {
        ended::ended(&self.api, wanted).await
    }

    async fn with_branches(
        &self,
        repos: &[&Repository],
    ) -> Result<Option<BTreeSet<String>>, ForgeError> {
        let ids: Vec<u64> = repos.iter().filter_map(|repo| id(repo).ok()).collect();
        let session = self.session().await?;
        let with = left::with_branches(&self.api, &session, &ids).await?;
        Ok(with.map(|with| with.iter().map(u64::to_string).collect()))
    }

    async fn with_notices(
        &self,
        _: &[&Repository],
    ) -> Result<Option<BTreeSet<String>>, ForgeError> {
        let with = left::with_notices(&self.api).await?;
        Ok(Some(with.iter().map(u64::to_string).collect()))
    }

    async fn create(
        &self,
        repo: &Repository,
        new: &NewMergeRequest,
    ) -> Result<MergeRequest, ForgeError> {
        create::create(&self.api, &self.people, id(repo)?, new).await
    }

    async fn edit(
        &self,
        repo: &Repository,
        number: u64,
        edit: &MergeRequestEdit,
    ) -> Result<(), ForgeError> {
        create::edit(&self.api, &self.people, id(repo)?, number, edit).await
    }

    async fn merge_request(
        &self,
        repo: &Repository,
        number: u64,
    ) -> Result<MergeRequest, ForgeError> {
        requests::one(&self.api, id(repo)?, number).await?.read()
    }

    async fn close(&self, repo: &Repository, number: u64) -> Result<(), ForgeError> {
        create::set_open(&self.api, id(repo)?, number, false).await
    }

    async fn reopen(&self, repo: &Repository, number: u64) -> Result<(), ForgeError> {
        create::set_open(&self.api, id(repo)?, number, true).await
    }

    async fn comment(
        &self,
        repo: &Repository,
        number: u64,
        code: &str,
        text: &str,
    ) -> Result<(), ForgeError> {
        notes::comment(&self.api, id(repo)?, number, code, text).await
    }

    async fn commit_ci(
        &self,
        repo: &Repository,
        commit: &CommitId,
    ) -> Result<CiStatus, ForgeError> {
        merge::commit_ci(&self.api, id(repo)?, commit).await
    }

    async fn has_pipelines(&self, repo: &Repository) -> Result<bool, ForgeError> {
        merge::has_pipelines(&self.api, id(repo)?).await
    }

    async fn merge(
        &self,
        repo: &Repository,
        number: u64,
        head: &CommitId,
    ) -> Result<Merging, ForgeError> {
        let session = self.session().await?;
        merge::merge(&self.api, &session, id(repo)?, number, head).await
    }

    async fn verify_head(&self, repo: &Repository) -> Result<(), ForgeError> {
        match &repo.head {
            Some((branch, head)) => {
                head::verify(&self.api, id(repo)?, &repo.name, branch, head).await
            }
            None => Ok(()),
        }
    }

    async fn call_off(&self, _: &Repository, _: u64) -> Result<(), ForgeError> {
        // GitLab cancels it itself when someone pushes.
        Ok(())
    }

    async fn notice(&self, repo: &Repository, text: Option<&str>) -> Result<(), ForgeError> {
        notes::notice(&self.api, id(repo)?, text).await
    }

    async fn doctor(&self, repos: &[Repository], _changes_ci: bool) -> Vec<DoctorFinding> {
        self.api.begin();
        *self.session.lock().await = None;
        let session = self.session().await;
        let session = session.as_ref().map(|session| &**session);
        doctor::doctor(&self.api, session, repos).await
    }
}
