//! The lists of a pass: projects by group, our open merge requests, and the instance's registry.

use super::answers::{Project, Request};
use super::api::Api;
use super::endpoints::{Get, built};
use super::heads::HeadPages;
use super::login::Login;
use super::named::find;
use super::session::Session;
use crate::forge::discover::{Extent, Heads, Listed, Lists, Named, Server};
use crate::forge::error::ForgeError;
use crate::forge::scope::{Facts, Source};
use crate::forge::server::ServerSettings;
use crate::forge::traits::{ForgeRegistry, KnownIds, RegistryLogin};
use crate::forge::wire::read_all;
use crate::git::Credential;
use crate::http::Origin;
use crate::image::RegistryHost;
use crate::repo::{MergeRequest, RepoName};
use gitlab::api::common::SortOrder;
use gitlab::api::projects::merge_requests as project_requests;
use gitlab::api::{groups, merge_requests, projects, users};
use std::collections::{BTreeMap, BTreeSet};

/// Up to so many projects are asked for their merge requests one by one.
const FEW: usize = 8;

/// A GitLab while its repositories are listed.
pub(super) struct Instance<'a> {
    api: &'a Api,
    session: &'a Session,
    settings: &'a ServerSettings,
    login: &'a Login,
    /// The host of the instance's registry, once a project has shown it.
    registry: Option<String>,
}

impl<'a> Instance<'a> {
    pub(super) fn new(
        api: &'a Api,
        session: &'a Session,
        settings: &'a ServerSettings,
        login: &'a Login,
    ) -> Self {
        Self {
            api,
            session,
            settings,
            login,
            registry: None,
        }
    }
}

#[async_trait::async_trait]
impl Server for Instance<'_> {
    type Detail = ();

    fn settings(&self) -> &ServerSettings {
        self.settings
    }

    fn credential(&self) -> Credential {
        self.login.credential.clone()
    }

    /// A list that fails stops no other, unless the forge itself is the cause.
    async fn list(&mut self, sources: &BTreeSet<Source>) -> Result<Lists<()>, ForgeError> {
        let mut lists = Lists {
            found: Vec::new(),
            failed: Vec::new(),
        };
        for source in sources {
            match list(self.api, source).await {
                Ok(projects) => {
                    let host = projects.iter().find_map(registry_host);
                    self.registry = self.registry.take().or(host);
                    lists.found.extend(projects.into_iter().map(listed));
                }
                Err(error) if error.ends_the_pass() => return Err(error),
                Err(error) => {
                    let name = match source {
                        Source::Membership => "**".to_owned(),
                        Source::Group(group) => format!("{group}/**"),
                    };
                    lists.failed.push((name, error));
                }
            }
        }
        Ok(lists)
    }

    async fn find(
        &self,
        names: &BTreeSet<RepoName>,
        known: &KnownIds,
    ) -> Result<Vec<Named<()>>, ForgeError> {
        find(self.api, self.session, names, known).await
    }

    /// The host is the instance's: any of its projects shows it.
    async fn registry(&self, unlisted: Option<u64>) -> Option<ForgeRegistry> {
        let host = match (&self.registry, unlisted) {
            (Some(host), _) => host.clone(),
            (None, None) => return None,
            (None, Some(id)) => {
                let endpoint = Get::new(format!("projects/{id}"));
                let project = self.api.get::<Project>(&endpoint).await.ok()?;
                registry_host(&project)?
            }
        };
        Some(ForgeRegistry {
            host: RegistryHost::parse(&host).ok()?,
            realm: Origin::of(&self.settings.url),
            login: Some(RegistryLogin {
                id: self.login.id.clone(),
                username: self.login.credential.username(),
                password: self.login.credential.password(),
            }),
        })
    }

    async fn heads(
        &self,
        repos: &[&Listed<()>],
        extent: Extent,
    ) -> Result<Vec<Result<Heads, ForgeError>>, ForgeError> {
        let ids: Vec<u64> = repos.iter().map(|repo| repo.id).collect();
        let pages = HeadPages::new(self.api, &ids);
        let (heads, open) = futures::join!(
            read_all(&pages, ids.len(), self.session.graphql),
            open(self.api, &ids, extent)
        );
        let mut open = match open {
            Ok(open) => Some(by_project(open)),
            Err(error) if error.ends_the_pass() => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "the open merge requests cannot be listed");
                None
            }
        };
        let mut all = heads?;
        for (id, heads) in ids.iter().zip(&mut all) {
            if let (Ok(heads), Some(open)) = (heads, &mut open) {
                heads.open = Some(open.remove(id).unwrap_or_default());
            }
        }
        Ok(all)
    }
}

/// The projects of a group, of a user, or of the token.
async fn list(api: &Api, source: &Source) -> Result<Vec<Project>, ForgeError> {
    let Source::Group(group) = source else {
        let endpoint = projects::Projects::builder()
            .membership(true)
            .simple(false)
            .order_by(projects::ProjectOrderBy::Id)
            .sort(SortOrder::Ascending)
            .build();
        return api.pages(&built(endpoint)?).await;
    };
    let endpoint = groups::projects::GroupProjects::builder()
        .group(group.as_str())
        .include_subgroups(true)
        .with_shared(false)
        .simple(false)
        .order_by(groups::projects::GroupProjectsOrderBy::Id)
        .sort(SortOrder::Ascending)
        .build();
    let listed = api.pages(&built(endpoint)?).await;
    match listed {
        // The namespace of a user isn't a group.
        Err(ForgeError::NotFound(what)) if !group.contains('/') => {
            let endpoint = users::UserProjects::builder().user(group.as_str()).build();
            match api.pages(&built(endpoint)?).await {
                Err(ForgeError::NotFound(_)) => Err(ForgeError::NotFound(what)),
                other => other,
            }
        }
        other => other,
    }
}

/// Our open merge requests: of all projects at once, or of each project if there are only a few.
async fn open(api: &Api, projects: &[u64], extent: Extent) -> Result<Vec<Request>, ForgeError> {
    if extent == Extent::All || projects.len() > FEW {
        let endpoint = merge_requests::MergeRequests::builder()
            .scope(merge_requests::MergeRequestScope::CreatedByMe)
            .state(merge_requests::MergeRequestState::Opened)
            .order_by(merge_requests::MergeRequestOrderBy::CreatedAt)
            .sort(SortOrder::Ascending)
            .build();
        return api.pages(&built(endpoint)?).await;
    }
    let mut all = Vec::new();
    for project in projects {
        let endpoint = project_requests::MergeRequests::builder()
            .project(*project)
            .scope(project_requests::MergeRequestScope::CreatedByMe)
            .state(project_requests::MergeRequestState::Opened)
            .order_by(project_requests::MergeRequestOrderBy::CreatedAt)
            .sort(SortOrder::Ascending)
            .build();
        match api.pages(&built(endpoint)?).await {
            Ok(found) => all.extend(found),
            // Its heads say what is wrong with the project.
            Err(ForgeError::NotFound(_) | ForgeError::Forbidden(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// Those from our branches, by project.
fn by_project(open: Vec<Request>) -> BTreeMap<u64, Vec<MergeRequest>> {
    let mut all: BTreeMap<u64, Vec<MergeRequest>> = BTreeMap::new();
    for request in open.into_iter().filter(Request::is_own) {
        let id = request.project_id;
        if let Some(request) = request.read().ok().filter(|r| r.source.is_ours()) {
            all.entry(id).or_default().push(request);
        }
    }
    all
}

fn registry_host(project: &Project) -> Option<String> {
    let prefix = project.container_registry_image_prefix.as_ref()?;
    prefix.split('/').next().map(str::to_owned)
}

fn listed(project: Project) -> Listed<()> {
    let deleted = project.marked_for_deletion_on.as_ref();
    let deleted = deleted.or(project.marked_for_deletion_at.as_ref());
    let facts = Facts {
        archived: project.archived,
        fork: project.forked_from_project.is_some(),
        mirror: project.mirror,
        pending_deletion: deleted.is_some(),
        without_requests: project.is_without_requests(),
        topics: project.topics,
    };
    Listed {
        id: project.id,
        path: project.path_with_namespace,
        facts: Some(facts),
        detail: (),
    }
}
