//! GraphQL: documents are parsed, validated against the schema excerpt, weighed, and executed on the state.

use super::complexity::complexity;
use super::faults;
use super::state::{MergeRequest, Project, State, Token};
use super::wire::{Params, Reply};
use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use base64::Engine as _;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::OnceLock;

/// GitLab's schema, as far as it is used.
pub(crate) fn schema() -> &'static Valid<Schema> {
    static SCHEMA: OnceLock<Valid<Schema>> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/fixtures/gitlab/schema.graphql"
        );
        let text = std::fs::read_to_string(path).unwrap();
        Schema::parse_and_validate(text, "schema.graphql").unwrap()
    })
}

fn refused(message: &str) -> Reply {
    Reply::ok(&json!({"errors": [{"message": message}]}))
}

pub(super) fn answer(state: &mut State, token: &Token, params: &Params) -> Reply {
    let text = params.text("query").unwrap_or_default();
    let variables = params.0.get("variables").cloned().unwrap_or(json!({}));
    let document = ExecutableDocument::parse_and_validate(schema(), &text, "request.graphql");
    let document = match document {
        Ok(document) => document,
        Err(error) => return refused(&error.errors.to_string()),
    };
    let score = complexity(&document, &variables);
    let limit = state.complexity_limit;
    if score > limit {
        return refused(&format!(
            "Query has complexity of {score}, which exceeds max complexity of {limit}"
        ));
    }
    let mut all: Vec<&str> = Vec::new();
    let asked = variables["ids"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    all.extend(asked.iter().filter_map(Value::as_str));
    let ids: Vec<u64> = all
        .iter()
        .filter_map(|gid| gid.rsplit('/').next()?.parse().ok())
        .collect();
    if faults::fails(&mut state.faults, &ids) {
        return Reply::json(
            200,
            &json!({"errors": [{"message": "Internal server error"}], "data": null}),
        );
    }
    let nulled: BTreeSet<u64> = ids
        .into_iter()
        .filter(|id| faults::nulls(&mut state.faults, *id))
        .collect();
    let variables: JsonMap = serde_json::from_value(variables).unwrap_or_default();
    let root = root(state, token, score, nulled);
    let execution = Execution::new(schema(), &document).raw_variable_values(&variables);
    let done = execution.execute_sync(&root);
    drop(root);
    match done {
        Ok(response) => {
            let mut answer = serde_json::to_value(&response).unwrap();
            time_out(&mut answer, state.heavy);
            Reply::ok(&answer)
        }
        Err(error) => refused(&format!("{error:?}")),
    }
}

/// What is late is null, with an error that the query took too long (`Gitlab::Graphql::Timeout`).
fn time_out(answer: &mut Value, heavy: usize) {
    let nodes = answer.pointer_mut("/data/projects/nodes");
    let Some(nodes) = nodes.and_then(Value::as_array_mut) else {
        return;
    };
    if heavy == 0 || nodes.len() <= heavy || nodes[0].get("repository").is_none() {
        return;
    }
    for node in nodes.iter_mut().skip(heavy) {
        node["repository"] = Value::Null;
    }
    let path = json!(["projects", "nodes", heavy, "repository"]);
    answer["errors"] = json!([{"message": "Timeout on Project.repository", "path": path}]);
}

type Resolved<'s> = Result<ResolvedValue<'s>, FieldError>;

/// An object of the schema: its type, and how each of its fields is had.
struct Object<'s> {
    kind: &'static str,
    field: Field<'s>,
}

type Field<'s> = Box<dyn Fn(&str, &JsonMap) -> Resolved<'s> + 's>;

impl ObjectValue for Object<'_> {
    fn type_name(&self) -> &str {
        self.kind
    }

    fn resolve_field<'a>(
        &'a self,
        info: &'a ResolveInfo<'a>,
    ) -> Result<ResolvedValue<'a>, FieldError> {
        (self.field)(info.field_name(), info.arguments()).map(shorter)
    }
}

/// The same value with a shorter life, which the compiler cannot see through the iterator of a list.
fn shorter<'a, 's: 'a>(value: ResolvedValue<'s>) -> ResolvedValue<'a> {
    match value {
        ResolvedValue::Leaf(leaf) => ResolvedValue::Leaf(leaf),
        ResolvedValue::Object(object) => ResolvedValue::Object(object),
        ResolvedValue::List(list) => {
            ResolvedValue::List(Box::new(list.map(|item| item.map(shorter))))
        }
        ResolvedValue::SkipForPartialExecution => ResolvedValue::SkipForPartialExecution,
    }
}

fn object<'s>(
    kind: &'static str,
    field: impl Fn(&str, &JsonMap) -> Resolved<'s> + 's,
) -> Object<'s> {
    Object {
        kind,
        field: Box::new(field),
    }
}

/// An object whose fields are all plain values.
fn plain<'s>(kind: &'static str, values: Value) -> ResolvedValue<'s> {
    ResolvedValue::object(object(kind, move |name, _| {
        let value = values.get(name).ok_or_else(|| no_field(kind, name))?;
        Ok(ResolvedValue::leaf(JsonValue::from(value.clone())))
    }))
}

fn no_field(kind: &str, name: &str) -> FieldError {
    FieldError {
        message: format!("the fake has no {kind}.{name}"),
    }
}

fn leaf<'s>(value: impl Into<Value>) -> Resolved<'s> {
    Ok(ResolvedValue::leaf(JsonValue::from(value.into())))
}

fn root<'s>(state: &'s State, token: &'s Token, score: u64, nulled: BTreeSet<u64>) -> Object<'s> {
    object("Query", move |name, arguments| match name {
        "currentUser" => Ok(plain(
            "CurrentUser",
            json!({"id": format!("gid://gitlab/User/{}", token.user), "username": state.username(token.user)}),
        )),
        "metadata" => Ok(plain(
            "Metadata",
            json!({"version": state.version, "revision": "abc"}),
        )),
        "queryComplexity" => {
            let values = json!({"score": score, "limit": state.complexity_limit});
            Ok(plain("QueryComplexity", values))
        }
        "projects" => {
            let texts = |key: &str| -> Option<Vec<String>> {
                let list = arguments.get(key)?.as_array()?;
                Some(
                    list.iter()
                        .filter_map(|v| v.as_str().map(str::to_owned))
                        .collect(),
                )
            };
            let (ids, paths) = (texts("ids"), texts("fullPaths"));
            if paths.as_ref().is_some_and(|paths| paths.len() > 50) {
                let message = "You cannot provide more than 50 full_paths".to_owned();
                return Err(FieldError { message });
            }
            let number = |gid: &String| gid.rsplit_once('/')?.1.parse::<u64>().ok();
            let ids: Option<BTreeSet<u64>> = ids.map(|ids| ids.iter().filter_map(number).collect());
            let asked: Vec<&Project> = match &ids {
                Some(ids) => ids.iter().filter_map(|id| state.projects.get(id)).collect(),
                None => state.projects.values().collect(),
            };
            let wanted = |project: &&Project| {
                state.level(token, project) > 0
                    && paths
                        .as_ref()
                        .is_none_or(|paths| paths.contains(&project.path))
            };
            let mut found: Vec<&Project> = asked.into_iter().filter(wanted).collect();
            // By default the newest is the first.
            found.reverse();
            let nulled = nulled.clone();
            let node = move |at: &&'s Project| project(state, token, at, nulled.contains(&at.id));
            Ok(connection("ProjectConnection", found, arguments, node))
        }
        _ => Err(no_field("Query", name)),
    })
}

fn project<'s>(
    state: &'s State,
    token: &'s Token,
    project: &'s Project,
    nulled: bool,
) -> ResolvedValue<'s> {
    ResolvedValue::object(object("Project", move |name, arguments| match name {
        "id" => leaf(format!("gid://gitlab/Project/{}", project.id)),
        "fullPath" => leaf(project.path.clone()),
        // Of itself or of a group above it; REST shows its own only.
        "archived" => leaf(project.archived || state.is_in_archived(&project.path)),
        "mergeRequestsEnabled" => leaf(!project.without_requests),
        "topics" => {
            let topics = project
                .topics
                .iter()
                .map(|topic| ResolvedValue::leaf(topic.as_str()));
            Ok(ResolvedValue::list(topics.collect::<Vec<_>>()))
        }
        "repository" if nulled => Err(FieldError {
            message: "14:failed to connect to all addresses".to_owned(),
        }),
        "repository" => Ok(repository(project)),
        "mergeRequests" => {
            let texts = |key: &str| -> Option<Vec<&str>> {
                let list = arguments.get(key)?.as_array()?;
                Some(list.iter().filter_map(|v| v.as_str()).collect())
            };
            let wanted = |mr: &&MergeRequest| {
                let state = arguments
                    .get("state")
                    .and_then(|v| v.as_str())
                    .unwrap_or("all");
                texts("sourceBranches").is_none_or(|names| names.contains(&mr.source.as_str()))
                    && texts("targetBranches")
                        .is_none_or(|names| names.contains(&mr.target.as_str()))
                    && texts("iids").is_none_or(|iids| iids.contains(&mr.iid.to_string().as_str()))
                    && (state == "all" || state == mr.state)
            };
            let mut found: Vec<&MergeRequest> =
                project.merge_requests.iter().filter(wanted).collect();
            if arguments.get("sort").and_then(|v| v.as_str()) != Some("created_asc") {
                found.reverse();
            }
            let may = state.may_merge(token, project);
            let node = move |mr: &&'s MergeRequest| merge_request(state, project, mr, may);
            Ok(connection("MergeRequestConnection", found, arguments, node))
        }
        _ => Err(no_field("Project", name)),
    }))
}

fn repository(project: &Project) -> ResolvedValue<'_> {
    ResolvedValue::object(object("Repository", move |name, arguments| match name {
        "empty" => leaf(project.is_empty()),
        "exists" => leaf(true),
        "branchNames" => {
            let pattern = arguments.get("searchPattern").and_then(|v| v.as_str());
            let number = |key: &str| arguments.get(key).and_then(|value| value.as_u64());
            let fits = |name: &&String| super::answers::covers(pattern.unwrap_or_default(), name);
            let names = super::backend::branches(&project.repository).into_iter();
            let names: Vec<String> = names.map(|(name, _)| name).collect();
            let page = names.iter().filter(fits);
            let page = page.skip(number("offset").unwrap_or(0) as usize);
            let page = page.take(number("limit").unwrap_or(0) as usize);
            let page: Vec<_> = page.map(|name| ResolvedValue::leaf(name.clone())).collect();
            Ok(ResolvedValue::list(page))
        }
        "rootRef" if project.is_empty() => leaf(Value::Null),
        "rootRef" => leaf(project.default_branch.clone()),
        "tree" => Ok(ResolvedValue::object(object("Tree", move |_, _| {
            // GitLab looks up the bare name (`head_commit = commit(root_ref)`).
            let Some(sha) = project.bare(&project.default_branch) else {
                return leaf(Value::Null);
            };
            let id = format!("gid://gitlab/CommitPresenter/{sha}");
            Ok(plain("Commit", json!({"sha": sha, "id": id})))
        }))),
        _ => Err(no_field("Repository", name)),
    }))
}

fn merge_request<'s>(
    state: &State,
    project: &'s Project,
    mr: &'s MergeRequest,
    may: bool,
) -> ResolvedValue<'s> {
    let shown = state.request_json(project, mr);
    ResolvedValue::object(object("MergeRequest", move |name, arguments| {
        let value = match name {
            "id" => json!(format!("gid://gitlab/MergeRequest/{}", mr.id)),
            "iid" => json!(mr.iid.to_string()),
            "state" | "title" | "description" | "draft" => shown[name].clone(),
            "sourceBranch" => json!(mr.source),
            "targetBranch" => json!(mr.target),
            "sourceProjectId" => json!(mr.source_project),
            "targetProjectId" => json!(project.id),
            "diffHeadSha" => json!(mr.sha),
            "mergeCommitSha" => shown["merge_commit_sha"].clone(),
            "autoMergeEnabled" => json!(mr.auto_merge),
            "detailedMergeStatus" => {
                let status = shown["detailed_merge_status"].as_str().unwrap_or_default();
                json!(status.to_ascii_uppercase())
            }
            "headPipeline" => {
                let Some(pipeline) = project.head_pipeline(mr) else {
                    return leaf(Value::Null);
                };
                let status = pipeline.status.to_ascii_uppercase();
                let values = json!({"status": status, "sha": pipeline.sha, "id": "gid://gitlab/Ci::Pipeline/1"});
                return Ok(plain("Pipeline", values));
            }
            "userPermissions" => {
                return Ok(plain("MergeRequestPermissions", json!({"canMerge": may})));
            }
            "createdAt" => json!(mr.created_at.to_string()),
            "labels" => {
                let node = |title: &String| {
                    plain(
                        "Label",
                        json!({"title": title, "id": "gid://gitlab/ProjectLabel/1"}),
                    )
                };
                return Ok(connection(
                    "LabelConnection",
                    mr.labels.clone(),
                    arguments,
                    node,
                ));
            }
            _ => return Err(no_field("MergeRequest", name)),
        };
        leaf(value)
    }))
}

/// A page of a list: at most 100, whatever is asked for.
fn connection<'s, T: 's>(
    kind: &'static str,
    all: Vec<T>,
    arguments: &JsonMap,
    node: impl Fn(&T) -> ResolvedValue<'s> + 's,
) -> ResolvedValue<'s> {
    let base64 = &base64::engine::general_purpose::STANDARD;
    let first = arguments
        .get("first")
        .and_then(|value| value.as_u64())
        .unwrap_or(100);
    let after = arguments.get("after").and_then(|value| value.as_str());
    let after = after.and_then(|cursor| base64.decode(cursor).ok());
    let start: usize = after
        .and_then(|cursor| String::from_utf8(cursor).ok()?.parse().ok())
        .unwrap_or(0);
    let end = (start + first.min(100) as usize).min(all.len());
    let info = json!({"hasNextPage": end < all.len(), "hasPreviousPage": start > 0,
        "startCursor": base64.encode(start.to_string()), "endCursor": base64.encode(end.to_string())});
    let count = all.len();
    let page: Vec<T> = all
        .into_iter()
        .skip(start)
        .take(end - start.min(end))
        .collect();
    ResolvedValue::object(object(kind, move |name, _| match name {
        "count" => leaf(count),
        "pageInfo" => Ok(plain("PageInfo", info.clone())),
        "nodes" => {
            let nodes: Vec<ResolvedValue<'s>> = page.iter().map(&node).collect();
            Ok(ResolvedValue::list(nodes))
        }
        _ => Err(no_field(kind, name)),
    }))
}
