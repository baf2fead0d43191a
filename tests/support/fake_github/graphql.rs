//! GraphQL: documents are parsed and validated against the excerpt of GitHub's schema, and the node limit is enforced
//! (<https://docs.github.com/en/graphql/overview/rate-limits-and-query-limits-for-the-graphql-api>).

use super::resolve::{Object, View};
use super::server::Reply;
use super::state::{State, Token};
use super::{Shared, pulls};
use apollo_compiler::executable::{Operation, Selection, SelectionSet};
use apollo_compiler::resolvers::Execution;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// The most nodes that a document may ask for.
const MAX_NODES: u64 = 500_000;

static SCHEMA: LazyLock<Valid<Schema>> = LazyLock::new(|| {
    let text = include_str!("../../../fixtures/github/schema.graphql");
    match Schema::parse_and_validate(text, "schema.graphql") {
        Ok(schema) => schema,
        Err(errors) => panic!("{}", errors.errors),
    }
});

/// The name of a document's operation.
pub(super) fn operation(document: &str) -> String {
    let text = document.trim_start();
    let rest = text
        .strip_prefix("query")
        .or_else(|| text.strip_prefix("mutation"));
    let name = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    rest.unwrap_or_default()
        .trim_start()
        .chars()
        .take_while(name)
        .collect()
}

fn refused(kind: &str, message: &str) -> Reply {
    Reply::ok(json!({"errors": [{"type": kind, "message": message}]}))
}

pub(super) fn answer(
    shared: &Shared,
    request: &Value,
    token: &Token,
    null: Option<&str>,
    accept: &str,
    now: Timestamp,
) -> Reply {
    let text = request["query"].as_str().unwrap_or_default();
    let mut state = shared.lock();
    let unknown = |field: &str, kind: &str| {
        let message = format!("Field '{field}' doesn't exist on type '{kind}'");
        Reply::ok(json!({"errors": [{"path": ["query"], "message": message,
            "extensions": {"code": "undefinedField", "typeName": kind, "fieldName": field}}]}))
    };
    if state.preview && text.contains("mergeStateStatus") && !accept.contains("merge-info-preview")
    {
        return unknown("mergeStateStatus", "PullRequest");
    }
    if state.without_queues && text.contains("isInMergeQueue") {
        return unknown("isInMergeQueue", "PullRequest");
    }
    let document = match ExecutableDocument::parse_and_validate(&SCHEMA, text, "document.graphql") {
        Ok(document) => document,
        Err(errors) => {
            // What the schema does not have must never be asked: the test fails, whatever the client makes of it.
            let errors = errors.errors.to_string();
            state.unexpected.push(format!("GraphQL: {errors}"));
            return refused("INVALID", &errors);
        }
    };
    let operation = document.operations.iter().next().expect("an operation");
    let empty = Value::Object(serde_json::Map::new());
    let variables = match &request["variables"] {
        Value::Null => &empty,
        given => given,
    };
    let mut counts = Counts::default();
    if let Err((kind, message)) = counts.count(&document, &operation.selection_set, variables, 1) {
        state.unexpected.push(format!("GraphQL: {message}"));
        return refused(kind, &message);
    }
    if counts.nodes > MAX_NODES {
        let message = format!(
            "This query requests up to {} possible nodes which exceeds the maximum limit of 500,000.",
            counts.nodes
        );
        state.unexpected.push(format!("GraphQL: {message}"));
        return refused("MAX_NODE_LIMIT_EXCEEDED", &message);
    }
    let cost = counts.requests.div_ceil(100).max(1);
    state.last_cost = cost;
    for id in asked_for(&state, variables) {
        state.settle(&shared.repos, id, now);
    }
    let mut changed = None;
    if operation.is_mutation() {
        match mutate(shared, &mut state, operation, variables, token) {
            Ok(number) => changed = Some(number),
            Err(message) => {
                let name = match &operation.selection_set.selections[0] {
                    Selection::Field(field) => field.name.as_str(),
                    _ => "mutation",
                };
                return Reply::ok(json!({"data": {name: null}, "errors":
                    [{"type": "UNPROCESSABLE", "path": [name], "message": message}]}));
            }
        }
    }
    let view = View {
        shared,
        state: &state,
        token,
        null,
        cost,
        nodes: counts.nodes,
        changed,
        troubles: std::cell::RefCell::default(),
    };
    let root = if operation.is_mutation() {
        Object::Mutation
    } else {
        Object::Query
    };
    let variables: JsonMap =
        serde_json::from_value(variables.clone()).expect("variables are an object");
    let done = Execution::new(&SCHEMA, &document)
        .raw_variable_values(&variables)
        .execute_sync(&view.object(root));
    let mut body = match done {
        Ok(response) => serde_json::to_value(&response).expect("an answer"),
        Err(error) => return refused("INVALID", &error.message().to_string()),
    };
    let troubles = view.troubles.take();
    if state.heavy > 0
        && let Some(nodes) = body
            .pointer_mut("/data/nodes")
            .and_then(Value::as_array_mut)
        && nodes.len() > state.heavy
    {
        // The query is ended, and what there is by then comes with an error that names no node.
        nodes
            .iter_mut()
            .skip(state.heavy)
            .for_each(|node| *node = Value::Null);
        if let Some(last) = nodes.get_mut(state.heavy - 1) {
            last["refs"] = Value::Null;
        }
        let message = "Resource limits for this query exceeded.";
        body["errors"] = json!([{"type": "RESOURCE_LIMITS_EXCEEDED", "message": message}]);
        return Reply::ok(body);
    }
    if !troubles.is_empty() {
        match body.get_mut("errors").and_then(Value::as_array_mut) {
            Some(errors) => errors.extend(troubles),
            None => body["errors"] = troubles.into(),
        }
    }
    if let Some(errors) = body.get_mut("errors").and_then(Value::as_array_mut) {
        for error in errors {
            let message = error["message"].as_str().unwrap_or_default().to_owned();
            let message = message.trim_start_matches("resolver error: ").to_owned();
            let gone = message.starts_with("Could not resolve");
            error["type"] = if gone {
                "NOT_FOUND"
            } else {
                "SERVICE_UNAVAILABLE"
            }
            .into();
            error["message"] = message.into();
        }
    }
    Reply::ok(body)
}

/// The repositories that the variables name.
fn asked_for(state: &State, variables: &Value) -> Vec<u64> {
    let ids = variables["ids"].as_array().into_iter().flatten();
    let ids = ids.chain([&variables["id"]]).filter_map(Value::as_str);
    let mut found: Vec<u64> = ids
        .filter_map(|id| Some(state.repo_of_node(id)?.id))
        .collect();
    if let (Some(owner), Some(name)) = (variables["owner"].as_str(), variables["name"].as_str()) {
        found.extend(
            state
                .repo_named(&format!("{owner}/{name}"))
                .map(|repo| repo.id),
        );
    }
    let pull = variables["id"]
        .as_str()
        .and_then(|id| id.strip_prefix("PR_"));
    found.extend(pull.and_then(|id| id.split('_').next()?.parse::<u64>().ok()));
    found
}

/// What GitHub counts of a document.
#[derive(Default)]
struct Counts {
    nodes: u64,
    /// The requests that a server makes for it: one for each connection, as often as its parent is there.
    requests: u64,
}

impl Counts {
    fn count(
        &mut self,
        document: &ExecutableDocument,
        selections: &SelectionSet,
        variables: &Value,
        parents: u64,
    ) -> Result<(), (&'static str, String)> {
        for selection in &selections.selections {
            match selection {
                Selection::Field(field) => {
                    let kind = field.ty().inner_named_type().to_string();
                    let mut times = parents;
                    if kind.ends_with("Connection") {
                        let page = ["first", "last"].iter().find_map(|name| {
                            let argument = field.argument_by_name(name).ok()?;
                            match argument.as_variable() {
                                Some(variable) => variables.get(variable.as_str())?.as_u64(),
                                None => argument.to_i32().and_then(|n| u64::try_from(n).ok()),
                            }
                        });
                        let Some(page) = page else {
                            let message = format!(
                                "You must provide a `first` or `last` value to properly paginate the `{}` connection.",
                                field.name
                            );
                            return Err(("MISSING_PAGINATION_BOUNDARIES", message));
                        };
                        if !(1..=100).contains(&page) {
                            let message = format!(
                                "Requesting {page} records on the `{}` connection exceeds the `first` limit of 100 records.",
                                field.name
                            );
                            return Err(("EXCESSIVE_PAGINATION", message));
                        }
                        self.requests += parents;
                        self.nodes += parents * page;
                        times = parents * page;
                    } else if field.name == "nodes" && parents == 1 {
                        let ids = variables["ids"].as_array().map_or(1, Vec::len) as u64;
                        if ids > 100 {
                            let message = format!(
                                "You may not provide more than 100 node ids; you provided {ids}."
                            );
                            return Err(("ARGUMENT_LIMIT", message));
                        }
                        self.requests += 1;
                        self.nodes += ids;
                        times = ids;
                    }
                    self.count(document, &field.selection_set, variables, times)?;
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = &document.fragments[&spread.fragment_name];
                    self.count(document, &fragment.selection_set, variables, parents)?;
                }
                Selection::InlineFragment(inline) => {
                    self.count(document, &inline.selection_set, variables, parents)?;
                }
            }
        }
        Ok(())
    }
}

/// The mutations: auto-merge off, and on, which GitHub refuses where it has nothing to wait for.
fn mutate(
    shared: &Shared,
    state: &mut State,
    operation: &Operation,
    variables: &Value,
    token: &Token,
) -> Result<(u64, u64), String> {
    let names: Vec<&str> = operation
        .selection_set
        .selections
        .iter()
        .filter_map(|selection| match selection {
            Selection::Field(field) => Some(field.name.as_str()),
            _ => None,
        })
        .collect();
    let text = |key: &str| variables[key].as_str().unwrap_or_default().to_owned();
    let (id, head, method) = (text("id"), text("head"), text("method"));
    let found = id.strip_prefix("PR_").and_then(|rest| {
        let (repo, number) = rest.split_once('_')?;
        Some((repo.parse::<u64>().ok()?, number.parse::<u64>().ok()?))
    });
    let (repo_id, number) = found.ok_or("Could not resolve to a node with the global id")?;
    let repo = state
        .repos
        .get(&repo_id)
        .ok_or("Could not resolve to a node")?;
    if token.read_only || !super::rest::reaches(token, repo) {
        return Err("Resource not accessible by personal access token".to_owned());
    }
    let pull = repo
        .issues
        .get(&number)
        .and_then(|issue| issue.pull.clone());
    let pull = pull.ok_or("Could not resolve to a PullRequest")?;
    if names == ["disablePullRequestAutoMerge"] {
        let repo = state.repos.get_mut(&repo_id).expect("a repository");
        let issue = repo.issues.get_mut(&number).expect("a pull request");
        issue.pull.as_mut().expect("a pull request").auto_merge = None;
        return Ok((repo_id, number));
    }
    if names == ["dequeuePullRequest"] {
        let repo = state.repos.get_mut(&repo_id).expect("a repository");
        let issue = repo.issues.get_mut(&number).expect("a pull request");
        issue.pull.as_mut().expect("a pull request").queued = false;
        return Ok((repo_id, number));
    }
    if names == ["enqueuePullRequest"] {
        if !repo.queue {
            return Err("Merge queue is not enabled for this branch".to_owned());
        }
        if !head.is_empty() && head != pull.head {
            return Err("Expected head sha did not match current head ref.".to_owned());
        }
        if !repo.missing(&pull).is_empty() {
            return Err("Pull request is not mergeable: required checks are missing".to_owned());
        }
        let repo = state.repos.get_mut(&repo_id).expect("a repository");
        let issue = repo.issues.get_mut(&number).expect("a pull request");
        issue.pull.as_mut().expect("a pull request").queued = true;
        return Ok((repo_id, number));
    }
    assert_eq!(
        names,
        ["enablePullRequestAutoMerge"],
        "the mutations that the fake knows"
    );
    if !repo.allow_auto_merge {
        return Err("Auto merge is not allowed for this repository".to_owned());
    }
    if !head.is_empty() && head != pull.head {
        return Err("Expected head sha did not match current head ref.".to_owned());
    }
    if repo.missing(&pull).is_empty() && !pulls::conflicts(&shared.repos, &repo.folder(), &pull) {
        let status = if repo.is_unstable(&pull) {
            "unstable"
        } else {
            "clean"
        };
        return Err(format!("Pull request Pull request is in {status} status"));
    }
    let repo = state.repos.get_mut(&repo_id).expect("a repository");
    let issue = repo.issues.get_mut(&number).expect("a pull request");
    issue.pull.as_mut().expect("a pull request").auto_merge = Some(method);
    Ok((repo_id, number))
}
