//! The listing of a pass: what is registered, its heads and our open merge requests, in a handful of requests.

use super::answers::{Project, Request};
use super::api::Api;
use super::endpoints::{Get, built};
use super::failure::ends_the_pass;
use super::heads::{Head, Heads, heads};
use super::named::numbers;
use super::session::Session;
use crate::forge::error::ForgeError;
use crate::forge::scope::{Kind, Scope, Source, Verdict};
use crate::forge::traits::{ForgeRegistry, Known, LeftOut, Listing, RegistryLogin, Repository};
use crate::git::{Credential, Remote};
use crate::http::Origin;
use crate::image::RegistryHost;
use crate::repo::{MergeRequest, RepoName};
use gitlab::api::common::SortOrder;
use gitlab::api::projects::merge_requests as project_requests;
use gitlab::api::{groups, merge_requests, projects, users};
use secrecy::SecretString;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// So many projects are asked for their merge requests one by one.
const FEW: usize = 8;

/// What a repository is made of besides what the server tells.
#[derive(Clone)]
pub(super) struct Access {
    pub(super) credential: Credential,
    pub(super) login: String,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) proxy: bool,
    pub(super) origin: Option<Origin>,
}

/// A repository that is worked on, as far as it is known.
struct Candidate {
    name: RepoName,
    why: String,
    /// The host of its registry.
    registry: Option<String>,
}

/// What is known while the listing is made.
struct Discovery<'a> {
    api: &'a Api,
    scope: &'a Scope,
    listing: Listing,
    /// What is worked on, by number.
    candidates: BTreeMap<u64, Candidate>,
    /// The numbers of all projects that were listed.
    seen: BTreeMap<RepoName, u64>,
    /// The host of the instance's registry.
    registry: Option<String>,
}

/// Lists everything.
pub(super) async fn discover(
    api: &Api,
    session: &Session,
    scope: &Scope,
    access: &Access,
    known: &Known,
) -> Result<Listing, ForgeError> {
    let mut discovery = Discovery::new(api, scope);
    let (sources, mut named) = scope.sources();
    discovery.list_all(sources).await?;
    named.retain(|name| discovery.is_ours_to_ask(name));
    let numbers = numbers(api, session, &named, &discovery.seen, known).await?;
    discovery.listing.failed.extend(numbers.failed);
    discovery.keep_the_registered(&numbers.found);
    discovery.learn_registry(&numbers.found).await;
    let mut ids: BTreeSet<u64> = discovery.candidates.keys().copied().collect();
    ids.extend(numbers.found.values());
    let ids: Vec<u64> = ids.into_iter().collect();
    let (heads, open) = futures::join!(heads(api, session, &ids), open(api));
    let open = match open {
        Ok(open) => Some(open),
        Err(error) if ends_the_pass(&error) => return Err(error),
        Err(error) => {
            tracing::warn!(%error, "the open merge requests cannot be listed");
            None
        }
    };
    for (name, id) in numbers.found {
        discovery.take_named(name, id, &heads);
    }
    Ok(discovery.finish(access, heads, open))
}

/// Lists some that were listed before, and asks for nothing else.
pub(super) async fn look(
    api: &Api,
    session: &Session,
    scope: &Scope,
    access: &Access,
    wanted: &Known,
) -> Result<Listing, ForgeError> {
    let mut discovery = Discovery::new(api, scope);
    let numbers = wanted
        .iter()
        .filter_map(|(name, id)| Some((name.clone(), id.parse().ok()?)));
    let numbers: BTreeMap<RepoName, u64> = numbers.collect();
    discovery.learn_registry(&numbers).await;
    let ids: Vec<u64> = numbers.values().copied().collect();
    let (heads, open) = futures::join!(heads(api, session, &ids), open_of(api, &ids));
    let open = match open {
        Ok(open) => Some(open),
        Err(error) if ends_the_pass(&error) => return Err(error),
        Err(_) => None,
    };
    for (name, id) in numbers {
        if scope.verdict(&name, &Kind::default()) != Verdict::Unasked {
            discovery.take_named(name, id, &heads);
        }
    }
    Ok(discovery.finish(access, heads, open))
}

impl<'a> Discovery<'a> {
    fn new(api: &'a Api, scope: &'a Scope) -> Self {
        Self {
            api,
            scope,
            listing: Listing::default(),
            candidates: BTreeMap::new(),
            seen: BTreeMap::new(),
            registry: None,
        }
    }

    /// Reads the listings. One that fails stops no other, but where the forge itself is why.
    async fn list_all(&mut self, sources: BTreeSet<Source>) -> Result<(), ForgeError> {
        for source in sources {
            match list(self.api, &source).await {
                Ok(listed) => listed.into_iter().for_each(|project| self.take(project)),
                Err(error) if ends_the_pass(&error) => return Err(error),
                Err(error) => {
                    let name = match source {
                        Source::Membership => "**".to_owned(),
                        Source::Group(group) => format!("{group}/**"),
                    };
                    self.listing.failed.push((name, error));
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, project: Project) {
        let registry = registry_host(&project);
        self.registry = self.registry.take().or_else(|| registry.clone());
        let Ok(name) = RepoName::parse(&project.path_with_namespace) else {
            let name = self.api.redact(&project.path_with_namespace);
            let error = ForgeError::Refused("the name is not allowed".to_owned());
            self.listing.failed.push((name, error));
            return;
        };
        self.seen.insert(name.clone(), project.id);
        match self.scope.verdict(&name, &kind(&project)) {
            Verdict::In(why) => {
                let candidate = Candidate {
                    name,
                    why,
                    registry,
                };
                self.candidates.insert(project.id, candidate);
            }
            Verdict::Out(why) => self.leave_out(name.as_str(), why),
            Verdict::Unasked => {}
        }
    }

    fn leave_out(&mut self, name: &str, why: &'static str) {
        self.listing.left_out.retain(|left| left.name != name);
        let name = name.to_owned();
        self.listing.left_out.push(LeftOut { name, why });
    }

    /// Whether a repository that the configuration names is this client's.
    fn is_ours_to_ask(&mut self, name: &RepoName) -> bool {
        match self.scope.named(name) {
            Verdict::Out(why) => {
                self.leave_out(name.as_str(), why);
                false
            }
            Verdict::In(_) | Verdict::Unasked => true,
        }
    }

    /// A path that now belongs to another repository than the one that was registered by it (T19).
    fn keep_the_registered(&mut self, named: &BTreeMap<RepoName, u64>) {
        for (name, id) in named {
            if let Some(other) = self.seen.get(name).filter(|other| *other != id) {
                tracing::warn!(
                    repo = %name, id, other,
                    "the path now belongs to another repository; imagebot keeps following the one it was registered for"
                );
                self.candidates.remove(other);
            }
        }
    }

    /// The host of the registry is the instance's: any of its projects tells it.
    async fn learn_registry(&mut self, named: &BTreeMap<RepoName, u64>) {
        let unknown = named.values().find(|id| !self.candidates.contains_key(id));
        if let (None, Some(id)) = (&self.registry, unknown) {
            let endpoint = Get::new(format!("projects/{id}"));
            let told = self.api.get::<Project>(&endpoint).await;
            self.registry = told.ok().as_ref().and_then(registry_host);
        }
    }

    /// A repository that the configuration names: it is worked on also as a fork or a mirror.
    fn take_named(&mut self, name: RepoName, id: u64, heads: &Heads) {
        let mut why = format!("repos = {:?}", name.as_str());
        let (now, registry) = match heads.get(&id) {
            Some(Ok(head)) => {
                let kind = Kind {
                    archived: head.archived,
                    without_requests: head.without_requests,
                    topics: &head.topics,
                    ..Kind::default()
                };
                match self.scope.verdict(&name, &kind) {
                    Verdict::Out(why) => {
                        self.candidates.remove(&id);
                        self.leave_out(&head.path, why);
                        return;
                    }
                    Verdict::In(told) => why = told,
                    Verdict::Unasked => {}
                }
                let now = RepoName::parse(&head.path).unwrap_or(name);
                (now, self.registry.clone())
            }
            // Its failure is told below its name.
            _ => (name, None),
        };
        self.listing
            .left_out
            .retain(|left| left.name != now.as_str());
        let candidate = self.candidates.entry(id).or_insert_with(|| Candidate {
            name: now,
            why: String::new(),
            registry,
        });
        candidate.why = why;
    }

    /// Leaves out what the listing took for usable and its head shows not to be: a project of an archived group is
    /// archived itself.
    fn leave_out_by_head(&mut self, heads: &Heads) {
        let mut out = Vec::new();
        for (id, candidate) in &self.candidates {
            let Some(Ok(head)) = heads.get(id) else {
                continue;
            };
            let kind = Kind {
                archived: head.archived,
                without_requests: head.without_requests,
                topics: &head.topics,
                ..Kind::default()
            };
            if let Verdict::Out(why @ ("archived" | "no-merge-requests")) =
                self.scope.verdict(&candidate.name, &kind)
            {
                out.push((*id, candidate.name.to_string(), why));
            }
        }
        for (id, name, why) in out {
            self.candidates.remove(&id);
            self.leave_out(&name, why);
        }
    }

    fn finish(mut self, access: &Access, mut heads: Heads, open: Option<Vec<Request>>) -> Listing {
        self.leave_out_by_head(&heads);
        let mut open = open.map(by_project);
        let mut listing = self.listing;
        for (id, candidate) in self.candidates {
            match heads.remove(&id) {
                Some(Ok(head)) => {
                    let open = open.as_mut();
                    let open = open.map(|open| open.remove(&id).unwrap_or_default());
                    match repository(self.api, access, id, candidate, head, open) {
                        Ok(repository) => listing.repositories.push(repository),
                        Err(failure) => listing.failed.push(failure),
                    }
                }
                Some(Err(error)) => listing.failed.push((candidate.name.to_string(), error)),
                None => {}
            }
        }
        listing.repositories.sort_by(|a, b| a.name.cmp(&b.name));
        listing.left_out.sort();
        listing
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
        // The namespace of a user is no group.
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

/// Our open merge requests of all projects.
async fn open(api: &Api) -> Result<Vec<Request>, ForgeError> {
    let endpoint = merge_requests::MergeRequests::builder()
        .scope(merge_requests::MergeRequestScope::CreatedByMe)
        .state(merge_requests::MergeRequestState::Opened)
        .order_by(merge_requests::MergeRequestOrderBy::CreatedAt)
        .sort(SortOrder::Ascending)
        .build();
    api.pages(&built(endpoint)?).await
}

/// Our open merge requests of some projects: of each by itself, where these are few.
async fn open_of(api: &Api, projects: &[u64]) -> Result<Vec<Request>, ForgeError> {
    if projects.len() > FEW {
        return open(api).await;
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
            // What is wrong with the project is said by its head.
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

fn repository(
    api: &Api,
    access: &Access,
    id: u64,
    candidate: Candidate,
    head: Head,
    open: Option<Vec<MergeRequest>>,
) -> Result<Repository, (String, ForgeError)> {
    let failed = |error| (candidate.name.to_string(), error);
    // From our own URL and the path: what the server says of its URLs is not followed.
    let mut url = api.url("").map_err(failed)?;
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty();
        path.extend(candidate.name.as_str().split('/'));
    }
    let path = format!("{}.git", url.path());
    url.set_path(&path);
    let credential = Some(access.credential.clone());
    let remote = Remote::http(&url, credential, access.ca_file.clone(), access.proxy);
    let remote = remote.map_err(|error| failed(error.into()))?;
    let host = candidate.registry.as_deref();
    let host = host.and_then(|host| RegistryHost::parse(host).ok());
    let registry = host.map(|host| ForgeRegistry {
        host,
        realm: access.origin.clone(),
        login: Some(RegistryLogin {
            id: access.login.clone(),
            username: access.credential.username(),
            password: SecretString::clone(&access.credential.password()),
        }),
    });
    Ok(Repository {
        id: id.to_string(),
        name: candidate.name,
        remote,
        head: head.head,
        branches: None,
        open,
        why: candidate.why,
        registry,
    })
}

/// What decides whether a project is worked on.
fn kind(project: &Project) -> Kind<'_> {
    let deleted = project.marked_for_deletion_on.as_ref();
    Kind {
        archived: project.archived,
        fork: project.forked_from_project.is_some(),
        mirror: project.mirror,
        pending_deletion: deleted
            .or(project.marked_for_deletion_at.as_ref())
            .is_some(),
        without_requests: project.is_without_requests(),
        topics: &project.topics,
    }
}
