//! The lists of a pass: repositories by owner, and the instance's registry.

use super::api::{Api, quoted};
use super::failure::Failure;
use super::heads::HeadPages;
use super::item::{Detail, Item};
use super::named::find;
use super::settings::MIN_SERVER;
use crate::forge::discover::{Extent, Heads, Listed, Lists, Named, Server};
use crate::forge::error::ForgeError;
use crate::forge::scope::Source;
use crate::forge::server::ServerSettings;
use crate::forge::traits::{ForgeRegistry, KnownIds, RegistryLogin};
use crate::forge::wire::read_all;
use crate::git::Credential;
use crate::repo::RepoName;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The list of an installation is in an object.
#[derive(Deserialize)]
struct Installed {
    repositories: Vec<Item>,
}

/// A GitHub while its repositories are listed.
pub(super) struct Instance<'a> {
    api: &'a Api,
    /// Whether the GraphQL API answers.
    graphql: bool,
}

impl<'a> Instance<'a> {
    pub(super) fn new(api: &'a Api) -> Self {
        Self { api, graphql: true }
    }
}

#[async_trait::async_trait]
impl Server for Instance<'_> {
    type Detail = Detail;

    fn settings(&self) -> &ServerSettings {
        &self.api.settings.server
    }

    fn credential(&self) -> Credential {
        self.api.login().credential().clone()
    }

    async fn list(&mut self, sources: &BTreeSet<Source>) -> Result<Lists<Detail>, ForgeError> {
        let wanted = Wanted::of(sources);
        let start = start(self.api, &wanted).await?;
        check_version(self.api)?;
        self.graphql = start.graphql;
        let mut lists = Lists {
            found: Vec::new(),
            failed: Vec::new(),
        };
        for (what, route) in routes(self.api, &wanted, &start) {
            let listed: Result<(Vec<Item>, _), Failure> = match self.api.login().is_app() {
                true => {
                    let items = |answer: Installed| answer.repositories;
                    self.api.pages_with_gaps(&route, items).await
                }
                false => {
                    let items = |answer: Vec<Item>| answer;
                    self.api.pages_with_gaps(&route, items).await
                }
            };
            match listed {
                Ok((items, gap)) => {
                    lists.found.extend(items.into_iter().map(Item::listed));
                    lists.failed.extend(gap.map(|gap| (what, gap.error)));
                }
                Err(failure) if failure.error.is_of_forge() => return Err(failure.error),
                Err(failure) => lists.failed.push((what, failure.error)),
            }
        }
        Ok(lists)
    }

    async fn find(
        &self,
        names: &BTreeSet<RepoName>,
        known: &KnownIds,
    ) -> Result<Vec<Named<Detail>>, ForgeError> {
        let found = find(self.api, names, known, self.graphql).await?;
        check_version(self.api)?;
        Ok(found)
    }

    /// GitHub's registry, with this token's login if the registry takes it: it accepts classic tokens only, and a
    /// refused login would cost the public images as well.
    async fn registry(&self, _: Option<u64>) -> Option<ForgeRegistry> {
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

    async fn heads(
        &self,
        repos: &[&Listed<Detail>],
        _: Extent,
    ) -> Result<Vec<Result<Heads, ForgeError>>, ForgeError> {
        let pages = HeadPages::new(self.api, repos);
        read_all(&pages, repos.len(), self.graphql).await
    }
}

/// What the globs ask for.
#[derive(Debug, Default)]
struct Wanted {
    /// Owners whose repositories are listed.
    owners: BTreeSet<String>,
    /// Whether all that the token sees is listed.
    all: bool,
}

impl Wanted {
    fn of(sources: &BTreeSet<Source>) -> Self {
        let mut wanted = Self::default();
        for source in sources {
            match source {
                Source::Membership => wanted.all = true,
                // An owner on GitHub has no further groups.
                Source::Group(group) => {
                    let owner = group.split('/').next().unwrap_or_default();
                    wanted.owners.insert(owner.to_owned());
                }
            }
        }
        wanted
    }
}

/// What the first request shows.
#[derive(Debug, Default)]
struct Start {
    login: Option<String>,
    users: BTreeSet<String>,
    graphql: bool,
}

/// The first request: whether the token is valid, whose it is, and which owners are users.
async fn start(api: &Api, wanted: &Wanted) -> Result<Start, ForgeError> {
    // An installation's token is new, has no viewer, and lists without naming owners.
    if api.login().is_app() {
        return Ok(Start {
            graphql: true,
            ..Start::default()
        });
    }
    let (mut head, mut fields) = (Vec::new(), String::new());
    let mut variables = Map::new();
    for (index, owner) in wanted.owners.iter().enumerate() {
        head.push(format!("$o{index}: String!"));
        fields.push_str(&format!(
            " o{index}: repositoryOwner(login: $o{index}) {{ __typename login }}"
        ));
        variables.insert(format!("o{index}"), owner.as_str().into());
    }
    let head = match head.is_empty() {
        true => String::new(),
        false => format!("({})", head.join(", ")),
    };
    let document =
        format!("query Start{head} {{ viewer {{ login }} rateLimit {{ remaining }}{fields} }}");
    let answer = match api.graphql(&document, &Value::Object(variables)).await {
        Ok(answer) => answer,
        // Only if there is no such API: any other failure would come again with each repository.
        Err(failure) if failure.status != Some(404) => return Err(failure.error),
        Err(failure) => {
            tracing::warn!(
                forge = %api.settings.server.name, error = %failure,
                "the GraphQL API is unavailable; repositories are fetched one by one, which takes longer"
            );
            return Ok(Start::default());
        }
    };
    let is_user = |(index, owner): (usize, &String)| {
        let kind = answer.data.get(format!("o{index}"))?.get("__typename")?;
        (kind.as_str() == Some("User")).then(|| owner.clone())
    };
    let login = answer.data.pointer("/viewer/login");
    Ok(Start {
        login: login.and_then(Value::as_str).map(str::to_owned),
        users: wanted
            .owners
            .iter()
            .enumerate()
            .filter_map(is_user)
            .collect(),
        graphql: true,
    })
}

/// An Enterprise Server says its version with every answer.
fn check_version(api: &Api) -> Result<(), ForgeError> {
    let Some(version) = api.seen().version else {
        return Ok(());
    };
    let mut numbers = version
        .split('.')
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < MIN_SERVER {
        let (major, minor) = MIN_SERVER;
        return Err(ForgeError::Refused(format!(
            "GitHub Enterprise Server {version} is too old: imagebot needs {major}.{minor} or newer"
        )));
    }
    Ok(())
}

/// The lists to read, with the names that reports use.
fn routes(api: &Api, wanted: &Wanted, start: &Start) -> Vec<(String, String)> {
    let mine = "/user/repos?affiliation=owner,collaborator,organization_member";
    if !wanted.all && wanted.owners.is_empty() {
        return Vec::new();
    }
    if api.login().is_app() {
        let route = "/installation/repositories".to_owned();
        return vec![("the installation's repositories".to_owned(), route)];
    }
    let mut lists = Vec::new();
    if wanted.all {
        lists.push(("the token's repositories".to_owned(), mine.to_owned()));
    }
    for owner in &wanted.owners {
        let myself = |login: &String| login.eq_ignore_ascii_case(owner);
        let route = if start.login.as_ref().is_some_and(myself) {
            // The only list with one's own private repositories.
            "/user/repos?affiliation=owner".to_owned()
        } else if start.users.contains(owner) {
            // A person's own list shows only what is public.
            mine.to_owned()
        } else {
            format!("/orgs/{}/repos", quoted(owner))
        };
        if lists.iter().all(|(_, known)| *known != route) {
            lists.push((format!("{owner}/*"), route));
        }
    }
    lists
}
