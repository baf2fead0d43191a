//! Which repositories are registered: what is listed, what is asked for by name, and what is left out.

use super::api::{Api, halves, quoted, route};
use super::failure::Failure;
use super::settings::MIN_SERVER;
use crate::forge::error::ForgeError;
use crate::forge::scope::{Kind, Source, Verdict};
use crate::forge::traits::{Known, LeftOut};
use crate::repo::RepoName;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// How many repositories are asked for by name in one request.
const NAMES_AT_ONCE: usize = 50;

/// A repository as the listing tells it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Item {
    pub(super) id: u64,
    pub(super) node_id: String,
    pub(super) full_name: String,
    #[serde(default)]
    pub(super) default_branch: Option<String>,
    #[serde(default)]
    fork: bool,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    mirror_url: Option<String>,
    #[serde(default)]
    topics: Vec<String>,
    #[serde(default)]
    has_pull_requests: Option<bool>,
    #[serde(skip)]
    pub(super) why: String,
    /// The name that the configuration has for it.
    #[serde(skip)]
    named: Option<RepoName>,
}

/// What the globs ask for.
#[derive(Debug, Default)]
struct Wanted {
    /// Owners whose repositories are listed.
    owners: BTreeSet<String>,
    /// Repositories that are named one by one.
    named: Vec<RepoName>,
    /// Those of them that are not asked for.
    left_out: Vec<LeftOut>,
    /// Whether all that the token sees is listed.
    all: bool,
}

/// All that was found.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) items: Vec<Item>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) failed: Vec<(String, ForgeError)>,
    /// Whether the GraphQL API answers.
    pub(super) graphql: bool,
}

/// What the first request tells.
#[derive(Debug, Default)]
struct Start {
    login: Option<String>,
    users: BTreeSet<String>,
    graphql: bool,
}

impl Api {
    /// Finds what the globs and topics select.
    pub(super) async fn listing(&self, known: &Known) -> Result<Found, ForgeError> {
        let wanted = self.wanted();
        let start = self.start(&wanted).await?;
        self.check_version()?;
        let mut found = Found {
            graphql: start.graphql,
            ..Found::default()
        };
        let mut items: BTreeMap<u64, Item> = BTreeMap::new();
        for (what, route) in self.lists(&wanted, &start) {
            let listed: Result<(Vec<Item>, _), Failure> = match self.login().is_app() {
                true => {
                    let items = |answer: Installed| answer.repositories;
                    self.pages_with_gaps(&route, items).await
                }
                false => {
                    let items = |answer: Vec<Item>| answer;
                    self.pages_with_gaps(&route, items).await
                }
            };
            match listed {
                Ok((listed, gap)) => {
                    items.extend(listed.into_iter().map(|item| (item.id, item)));
                    found.failed.extend(gap.map(|gap| (what, gap.error)));
                }
                Err(failure) if failure.error.is_of_forge() => return Err(failure.error),
                Err(failure) => found.failed.push((what, failure.error)),
            }
        }
        self.add_named(&mut found, &mut items, &wanted.named, known)
            .await?;
        self.choose(&mut found, items);
        found.left_out.extend(wanted.left_out);
        found.left_out.sort();
        Ok(found)
    }

    /// Finds some that were listed before, and nothing else.
    pub(super) async fn look(&self, wanted: &Known) -> Result<Found, ForgeError> {
        let mut found = Found {
            graphql: true,
            ..Found::default()
        };
        let names: Vec<RepoName> = wanted.keys().cloned().collect();
        let mut items = BTreeMap::new();
        self.add_named(&mut found, &mut items, &names, wanted)
            .await?;
        self.check_version()?;
        self.choose(&mut found, items);
        Ok(found)
    }

    async fn add_named(
        &self,
        found: &mut Found,
        items: &mut BTreeMap<u64, Item>,
        names: &[RepoName],
        known: &Known,
    ) -> Result<(), ForgeError> {
        for (name, item) in self.named(names, known, found.graphql).await? {
            match item {
                Ok(item) => drop(items.insert(item.id, item)),
                Err(error) => found.failed.push((name.to_string(), error)),
            }
        }
        Ok(())
    }

    /// Keeps those that are worked on.
    fn choose(&self, found: &mut Found, items: BTreeMap<u64, Item>) {
        for mut item in items.into_values() {
            match self.verdict(&mut item) {
                Verdict::In(_) => found.items.push(item),
                Verdict::Out(why) => found.left_out.push(LeftOut {
                    name: item.full_name,
                    why,
                }),
                Verdict::Unasked => {}
            }
        }
        found.items.sort_by(|a, b| a.full_name.cmp(&b.full_name));
        found.left_out.sort();
    }

    fn wanted(&self) -> Wanted {
        let (sources, named) = self.scope.sources();
        let mut wanted = Wanted::default();
        for name in named {
            // What another token is for is not asked for with this one.
            match self.scope.named(&name) {
                Verdict::In(_) => wanted.named.push(name),
                Verdict::Out(why) => wanted.left_out.push(LeftOut {
                    name: name.to_string(),
                    why,
                }),
                Verdict::Unasked => {}
            }
        }
        for source in sources {
            match source {
                Source::Membership => wanted.all = true,
                // Below an owner GitHub has no further groups.
                Source::Group(group) => {
                    let owner = group.split('/').next().unwrap_or_default();
                    wanted.owners.insert(owner.to_owned());
                }
            }
        }
        wanted
    }

    /// The first request: whether the token is good, who it is, and which owners are people.
    async fn start(&self, wanted: &Wanted) -> Result<Start, ForgeError> {
        // An installation's token was just asked for, sees no viewer, and lists without naming owners.
        if self.login().is_app() {
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
        let answer = match self.graphql(&document, &Value::Object(variables)).await {
            Ok(answer) => answer,
            // Only where there is no such API: what else is wrong would be asked for by each repository.
            Err(failure) if failure.status != Some(404) => return Err(failure.error),
            Err(failure) => {
                tracing::warn!(
                    forge = %self.settings.server.name, error = %failure,
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
    fn check_version(&self) -> Result<(), ForgeError> {
        let Some(version) = self.seen().version else {
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

    /// The lists to read, with what people call them.
    fn lists(&self, wanted: &Wanted, start: &Start) -> Vec<(String, String)> {
        let mine = "/user/repos?affiliation=owner,collaborator,organization_member";
        if !wanted.all && wanted.owners.is_empty() {
            return Vec::new();
        }
        if self.login().is_app() {
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

    /// The repositories that are named one by one, by the id that they are known to have.
    async fn named(
        &self,
        names: &[RepoName],
        known: &Known,
        graphql: bool,
    ) -> Result<Vec<(RepoName, Result<Item, ForgeError>)>, ForgeError> {
        let mut all = Vec::new();
        for names in names.chunks(NAMES_AT_ONCE) {
            let mut by_name = match graphql {
                true => self.by_names(names).await?,
                false => BTreeMap::new(),
            };
            for name in names {
                let id = known.get(name).and_then(|id| id.parse::<u64>().ok());
                let there = by_name.remove(name);
                // Whatever stands at the name by now: what was registered is found again by its id (T19).
                let item = match (id, there) {
                    (None, Some(item)) => Ok(item),
                    (Some(id), Some(item)) if item.id == id => Ok(item),
                    (Some(id), _) => self.get(&format!("/repositories/{id}")).await,
                    (None, None) => self.get(&route(name, "")).await,
                };
                let item = match item {
                    Err(failure) if failure.error.is_of_forge() => return Err(failure.error),
                    item => item.map_err(ForgeError::from),
                };
                let item = item.map(|mut item: Item| {
                    item.named = Some(name.clone());
                    item
                });
                all.push((name.clone(), item));
            }
        }
        Ok(all)
    }

    /// What stands at these names; what is not there, or not told, is left out.
    async fn by_names(&self, names: &[RepoName]) -> Result<BTreeMap<RepoName, Item>, ForgeError> {
        let (mut head, mut fields) = (Vec::new(), String::new());
        let mut variables = Map::new();
        for (index, name) in names.iter().enumerate() {
            let (owner, repo) = halves(name);
            head.push(format!("$o{index}: String!, $n{index}: String!"));
            fields.push_str(&format!(
                " r{index}: repository(owner: $o{index}, name: $n{index}) {{ ...named }}"
            ));
            variables.insert(format!("o{index}"), owner.into());
            variables.insert(format!("n{index}"), repo.into());
        }
        let document = format!(
            "query Named({}) {{{fields} }}
            fragment named on Repository {{
              id databaseId nameWithOwner isArchived isFork isMirror
              repositoryTopics(first: 20) {{ nodes {{ topic {{ name }} }} }}
            }}",
            head.join(", ")
        );
        let answer = match self.graphql(&document, &Value::Object(variables)).await {
            Ok(answer) => answer,
            Err(failure) if failure.error.is_of_forge() => return Err(failure.error),
            // Each is then asked for by itself, and says what is wrong with it.
            Err(_) => return Ok(BTreeMap::new()),
        };
        let item = |(index, name): (usize, &RepoName)| {
            let found = answer.data.get(format!("r{index}"))?;
            let text = |key: &str| found.get(key)?.as_str().map(str::to_owned);
            let flag = |key: &str| found.get(key).and_then(Value::as_bool).unwrap_or(false);
            let topics = found.pointer("/repositoryTopics/nodes")?.as_array()?;
            let topic = |node: &Value| node.pointer("/topic/name")?.as_str().map(str::to_owned);
            let item = Item {
                id: found.get("databaseId")?.as_u64()?,
                node_id: text("id")?,
                full_name: text("nameWithOwner")?,
                default_branch: None,
                fork: flag("isFork"),
                archived: flag("isArchived"),
                mirror_url: flag("isMirror").then(String::new),
                // GraphQL does not tell.
                has_pull_requests: None,
                topics: topics.iter().filter_map(topic).collect(),
                why: String::new(),
                named: Some(name.clone()),
            };
            Some((name.clone(), item))
        };
        Ok(names.iter().enumerate().filter_map(item).collect())
    }

    /// Whether a repository is worked on; says in it what registered it.
    fn verdict(&self, item: &mut Item) -> Verdict {
        // One that is named may have got another name since, which no glob need fit.
        let name = item
            .named
            .clone()
            .or_else(|| RepoName::parse(&item.full_name).ok());
        let Some(name) = name else {
            return Verdict::Unasked;
        };
        let kind = Kind {
            archived: item.archived,
            fork: item.fork,
            mirror: item.mirror_url.is_some(),
            pending_deletion: false,
            without_requests: item.has_pull_requests == Some(false),
            topics: &item.topics,
        };
        let verdict = self.scope.verdict(&name, &kind);
        if let Verdict::In(why) = &verdict {
            item.why.clone_from(why);
        }
        verdict
    }
}

/// The list of an installation stands in an object.
#[derive(Deserialize)]
struct Installed {
    repositories: Vec<Item>,
}
