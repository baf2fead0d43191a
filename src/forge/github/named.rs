//! Repositories that are named one by one: by the id that they are known to have, wherever they are now, or by name.

use super::api::{Answer, Api, halves, route};
use super::failure::Failure;
use super::item::{Detail, Item};
use crate::forge::discover::{Listed, Named};
use crate::forge::error::ForgeError;
use crate::forge::scope::Facts;
use crate::forge::traits::KnownIds;
use crate::repo::RepoName;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// How many repositories are asked for by name in one request.
const NAMES_AT_ONCE: usize = 50;

/// Finds repositories: fifty names in a request, and by id where another repository has the name by now (T19).
pub(super) async fn find(
    api: &Api,
    names: &BTreeSet<RepoName>,
    known: &KnownIds,
    graphql: bool,
) -> Result<Vec<Named<Detail>>, ForgeError> {
    let mut all = Vec::new();
    let names: Vec<&RepoName> = names.iter().collect();
    for names in names.chunks(NAMES_AT_ONCE) {
        let mut by_name = match graphql {
            true => by_names(api, names).await?,
            false => BTreeMap::new(),
        };
        for name in names {
            let id = known.get(name).and_then(|id| id.parse::<u64>().ok());
            let there = by_name.remove(name);
            let found = match (id, there) {
                (None, Some(listed)) => Ok(listed),
                (Some(id), Some(listed)) if listed.id == id => Ok(listed),
                (Some(id), _) => item(api, &format!("/repositories/{id}")).await,
                (None, None) => item(api, &route(name, "")).await,
            };
            match found {
                Err(error) if error.is_of_forge() => return Err(error),
                found => all.push(((*name).clone(), found)),
            }
        }
    }
    Ok(all)
}

async fn item(api: &Api, route: &str) -> Result<Listed<Detail>, ForgeError> {
    let item: Item = api.get(route).await?;
    Ok(item.listed())
}

/// The repositories that have these names now; those that are missing from the answer are left out.
async fn by_names(
    api: &Api,
    names: &[&RepoName],
) -> Result<BTreeMap<RepoName, Listed<Detail>>, ForgeError> {
    let fields = "id databaseId nameWithOwner isArchived isFork isMirror
        repositoryTopics(first: 20) { nodes { topic { name } } }";
    let answer = match ask(api, "Named", fields, names).await {
        Ok(answer) => answer,
        Err(failure) if failure.error.is_of_forge() => return Err(failure.error),
        // Each then gets a request of its own, which says what is wrong with it.
        Err(_) => return Ok(BTreeMap::new()),
    };
    let item = |(index, name): (usize, &&RepoName)| {
        let found = answer.data.get(format!("r{index}"))?;
        let text = |key: &str| found.get(key)?.as_str().map(str::to_owned);
        let flag = |key: &str| found.get(key).and_then(Value::as_bool).unwrap_or(false);
        let topics = found.pointer("/repositoryTopics/nodes")?.as_array()?;
        let topic = |node: &Value| node.pointer("/topic/name")?.as_str().map(str::to_owned);
        let facts = Facts {
            archived: flag("isArchived"),
            fork: flag("isFork"),
            mirror: flag("isMirror"),
            topics: topics.iter().filter_map(topic).collect(),
            // GraphQL shows neither of them.
            pending_deletion: false,
            without_requests: false,
        };
        let listed = Listed {
            id: found.get("databaseId")?.as_u64()?,
            path: text("nameWithOwner")?,
            facts: Some(facts),
            detail: Detail {
                node_id: text("id")?,
                default_branch: None,
            },
        };
        Some(((*name).clone(), listed))
    };
    Ok(names.iter().enumerate().filter_map(item).collect())
}

/// Asks for the same fields of repositories by name. They are `r0`, `r1`, … of the answer, in their order.
pub(super) async fn ask(
    api: &Api,
    operation: &str,
    fields: &str,
    names: &[&RepoName],
) -> Result<Answer, Failure> {
    let (mut head, mut all) = (Vec::new(), String::new());
    let mut variables = Map::new();
    for (index, name) in names.iter().enumerate() {
        let (owner, name) = halves(name);
        head.push(format!("$o{index}: String!, $n{index}: String!"));
        all.push_str(&format!(
            " r{index}: repository(owner: $o{index}, name: $n{index}) {{ ...asked }}"
        ));
        variables.insert(format!("o{index}"), owner.into());
        variables.insert(format!("n{index}"), name.into());
    }
    let head = head.join(", ");
    let document = format!(
        "query {operation}({head}) {{{all} }}\nfragment asked on Repository {{ {fields} }}"
    );
    api.graphql(&document, &Value::Object(variables)).await
}
