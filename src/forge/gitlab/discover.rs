//! The listing of a pass: what is registered, its heads and our open merge requests, in a handful of requests.

use super::answers::{Project, Request};
use super::api::Api;
use super::endpoints::{Get, built};
use super::heads::{Head, heads, number};
use super::scope::{Scope, Source, Verdict};
use super::session::Session;
use crate::forge::error::ForgeError;
use crate::forge::traits::{ForgeRegistry, Known, LeftOut, Listing, Repository};
use crate::git::{Credential, Remote};
use crate::http::Origin;
use crate::image::RegistryHost;
use crate::repo::{MergeRequest, RepoName};
use gitlab::api::common::SortOrder;
use gitlab::api::{groups, merge_requests, projects, users};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The document that tells the ids of paths.
pub(super) const PATHS: &str = include_str!("paths.graphql");
/// The most paths in a request.
const PATHS_AT_ONCE: usize = 50;

/// What a repository is made of besides what the server tells.
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

/// Lists everything.
pub(super) async fn discover(
    api: &Api,
    session: &Session,
    scope: &Scope,
    access: &Access,
    known: &Known,
) -> Result<Listing, ForgeError> {
    let mut listing = Listing::default();
    let (sources, mut named) = scope.sources();
    named.retain(|name| match scope.named(name) {
        Verdict::Out(why) => {
            listing.left_out.push(LeftOut {
                name: name.to_string(),
                why,
            });
            false
        }
        Verdict::In(_) | Verdict::Unasked => true,
    });
    let mut candidates = BTreeMap::new();
    let mut seen = BTreeMap::new();
    let mut registry = None;
    for source in sources {
        let listed = match list(api, &source).await {
            Ok(listed) => listed,
            Err(error) if error.is_of_forge() => return Err(error),
            Err(error) => {
                let name = match source {
                    Source::Membership => "**".to_owned(),
                    Source::Group(group) => format!("{group}/**"),
                };
                listing.failed.push((name, error));
                continue;
            }
        };
        for project in listed {
            let host = registry_host(&project);
            registry = registry.or_else(|| host.clone());
            let Ok(name) = RepoName::parse(&project.path_with_namespace) else {
                let name = api.redact(&project.path_with_namespace);
                let error = ForgeError::Refused("the name is refused".to_owned());
                listing.failed.push((name, error));
                continue;
            };
            seen.insert(name.clone(), project.id);
            match scope.verdict(&name, &project) {
                Verdict::In(why) => {
                    let registry = host;
                    let candidate = Candidate {
                        name,
                        why,
                        registry,
                    };
                    candidates.insert(project.id, candidate);
                }
                Verdict::Out(why) => listing.left_out.push(LeftOut {
                    name: name.to_string(),
                    why,
                }),
                Verdict::Unasked => {}
            }
        }
    }
    let one_by_one = find(api, session, &named, &seen, known, &mut listing).await?;
    // A path that now belongs to another repository than the one that was registered by it (T19).
    for (name, id) in &one_by_one {
        if let Some(other) = seen.get(name).filter(|other| *other != id) {
            tracing::warn!(repo = %name, id, other, "the path belongs to another repository now; the one that was registered by it is followed");
            candidates.remove(other);
        }
        if let (None, true) = (&registry, !candidates.contains_key(id)) {
            // The host is the instance's: any of its projects tells it.
            let told: Result<Project, _> = api.get(&Get::new(format!("projects/{id}"))).await;
            registry = told.ok().as_ref().and_then(registry_host);
        }
    }
    let mut ids: BTreeSet<u64> = candidates.keys().copied().collect();
    ids.extend(one_by_one.values());
    let ids: Vec<u64> = ids.into_iter().collect();
    let (mut heads, open) = futures::join!(heads(api, session, &ids), open(api));
    let open = match open {
        Ok(open) => Some(open),
        Err(error) if error.is_of_forge() => return Err(error),
        Err(error) => {
            tracing::warn!(%error, "the open merge requests cannot be listed");
            None
        }
    };
    for (name, id) in one_by_one {
        let left_out = |why| LeftOut {
            name: name.to_string(),
            why,
        };
        let Some(Ok(head)) = heads.get(&id) else {
            candidates.entry(id).or_insert_with(|| Candidate {
                why: format!("repos = {:?}", name.as_str()),
                name,
                registry: None,
            });
            continue;
        };
        if head.archived && !scope.include_archived {
            candidates.remove(&id);
            listing.left_out.retain(|left| left.name != head.path);
            listing.left_out.push(left_out("archived"));
            continue;
        }
        let topic = |topic: &String| scope.topics.contains(topic);
        if !scope.topics.is_empty() && !head.topics.iter().any(topic) {
            candidates.remove(&id);
            listing.left_out.retain(|left| left.name != head.path);
            listing.left_out.push(left_out("topic"));
            continue;
        }
        let now = RepoName::parse(&head.path).unwrap_or_else(|_| name.clone());
        let candidate = candidates.entry(id).or_insert_with(|| Candidate {
            name: now,
            why: String::new(),
            registry: registry.clone(),
        });
        candidate.why = format!("repos = {:?}", name.as_str());
    }
    for (id, candidate) in candidates {
        match heads.remove(&id) {
            Some(Ok(head)) => {
                let open = open.as_ref().map(|open| of(open, id));
                match repository(api, access, id, candidate, head, open) {
                    Ok(repository) => listing.repositories.push(repository),
                    Err((name, error)) => listing.failed.push((name, error)),
                }
            }
            Some(Err(error)) => listing.failed.push((candidate.name.to_string(), error)),
            None => {}
        }
    }
    listing.repositories.sort_by(|a, b| a.name.cmp(&b.name));
    listing.left_out.sort();
    Ok(listing)
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

/// The ids of repositories that are named one by one: the remembered one, wherever it is now, else by path.
async fn find(
    api: &Api,
    session: &Session,
    named: &BTreeSet<RepoName>,
    seen: &BTreeMap<RepoName, u64>,
    known: &Known,
    listing: &mut Listing,
) -> Result<BTreeMap<RepoName, u64>, ForgeError> {
    #[derive(Deserialize)]
    struct Paths {
        projects: Option<super::answers::Nodes<Path>>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Path {
        id: String,
        full_path: String,
    }
    let mut found = BTreeMap::new();
    let mut wanted = Vec::new();
    for name in named {
        let id = known.get(name).and_then(|id| id.parse().ok());
        match id.or_else(|| seen.get(name).copied()) {
            Some(id) => {
                found.insert(name.clone(), id);
            }
            None => wanted.push(name.clone()),
        }
    }
    for page in wanted.chunks(PATHS_AT_ONCE).filter(|_| session.graphql) {
        let paths: Vec<&str> = page.iter().map(RepoName::as_str).collect();
        let variables = json!({"paths": paths, "first": paths.len()});
        let answer = api.graph::<Paths>(PATHS, variables).await?;
        let nodes = answer.data.and_then(|data| data.projects);
        let nodes = nodes
            .and_then(|projects| projects.nodes)
            .unwrap_or_default();
        for node in nodes.into_iter().flatten() {
            let name = page.iter().find(|name| {
                let full_path = node.full_path.as_str();
                name.as_str().eq_ignore_ascii_case(full_path)
            });
            if let (Some(name), Some(id)) = (name, number(&node.id)) {
                found.insert(name.clone(), id);
            }
        }
    }
    for name in wanted {
        if found.contains_key(&name) {
            continue;
        }
        match moved(api, &name).await {
            Ok(id) => {
                found.insert(name, id);
            }
            Err(error) if error.is_of_forge() => return Err(error),
            Err(error) => listing.failed.push((name.to_string(), error)),
        }
    }
    Ok(found)
}

/// A path that is no project's now: where GitLab leads on, the id stands in the redirect. Its host is not used.
async fn moved(api: &Api, name: &RepoName) -> Result<u64, ForgeError> {
    let endpoint = built(projects::Project::builder().project(name.as_str()).build())?;
    let response = api.ask(&endpoint, None).await?;
    if response.status.is_redirection() {
        let to = response.header("location").unwrap_or_default();
        let last = to
            .split('?')
            .next()
            .and_then(|path| path.rsplit('/').next());
        if let Some(id) = last.and_then(|id| id.parse().ok()) {
            return Ok(id);
        }
    }
    let response = api.good(response)?;
    api.decode::<Project>(&response).map(|project| project.id)
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

/// Those of a project from our branches.
fn of(open: &[Request], id: u64) -> Vec<MergeRequest> {
    let ours = |request: &&Request| request.project_id == id && request.is_own();
    let own = open.iter().filter(ours).cloned();
    let read = own.filter_map(|request| request.read().ok());
    read.filter(|request| request.source.is_ours()).collect()
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
        login: access.login.clone(),
        username: access.credential.username(),
        password: SecretString::clone(&access.credential.password()),
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
