//! The objects of the GraphQL API, out of the state.

use super::state::{Issue, Owner, Repo, State, Token};
use super::{Shared, git, pulls};
use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use serde_json::{Value, json};
use std::cell::RefCell;

/// What a request sees.
pub(super) struct View<'a> {
    pub(super) shared: &'a Shared,
    pub(super) state: &'a State,
    pub(super) token: &'a Token,
    /// The repository that is `null` on a page.
    pub(super) null: Option<&'a str>,
    pub(super) cost: u64,
    pub(super) nodes: u64,
    /// The errors beside the answer.
    pub(super) troubles: RefCell<Vec<Value>>,
    /// The pull request that was changed.
    pub(super) changed: Option<(u64, u64)>,
}

pub(super) enum Object {
    Query,
    Mutation,
    Repo(u64),
    /// A type's name and its fields.
    Plain(&'static str, Value),
    /// A type's name and its items, each with its own type.
    Connection(&'static str, Vec<Object>),
    Page(Value),
}

pub(super) struct Seen<'a> {
    view: &'a View<'a>,
    object: Object,
}

type Resolved<'a> = Result<ResolvedValue<'a>, FieldError>;

fn error(message: impl Into<String>) -> FieldError {
    FieldError {
        message: message.into(),
    }
}

impl<'v> View<'v> {
    pub(super) fn object<'a>(&'a self, object: Object) -> Seen<'a> {
        Seen { view: self, object }
    }

    fn resolved<'a>(&'a self, object: Object) -> ResolvedValue<'a> {
        ResolvedValue::Object(Box::new(self.object(object)))
    }

    fn repo(&self, id: u64) -> &Repo {
        &self.state.repos[&id]
    }

    fn reached(&self, repo: Option<&Repo>) -> Option<u64> {
        let repo = repo.filter(|repo| super::rest::reaches(self.token, repo))?;
        Some(repo.id)
    }

    fn reference(&self, repo: &Repo, prefix: &str, name: &str, oid: &str) -> Object {
        let full = format!("refs/heads/{name}");
        // As GitHub has it: what was asked for as prefix is no part of the name.
        let short = full.strip_prefix(prefix).unwrap_or(name);
        // Whether it is told as the prefix is not settled by the documentation ("such as `refs/heads/`").
        let shown = if self.state.plain_prefix {
            "refs/heads/"
        } else {
            prefix
        };
        Object::Plain(
            "Ref",
            json!({"id": format!("REF_{}_{full}", repo.id), "name": short, "prefix": shown,
                "target": commit(repo, oid), "~repo": repo.id, "~branch": name}),
        )
    }

    fn pull(&self, repo: &Repo, issue: &Issue) -> Object {
        let Some(pull) = &issue.pull else {
            return Object::Plain("PullRequest", Value::Null);
        };
        let state = match (&pull.merged, issue.open) {
            (Some(_), _) => "MERGED",
            (None, true) => "OPEN",
            (None, false) => "CLOSED",
        };
        Object::Plain(
            "PullRequest",
            json!({
                "id": format!("PR_{}_{}", repo.id, issue.number),
                "number": issue.number, "state": state, "title": issue.title, "body": issue.body,
                "baseRefName": pull.target, "headRefName": pull.source, "headRefOid": pull.head,
                "isCrossRepository": pull.from_fork, "isDraft": pull.draft,
                "isMergeQueueEnabled": repo.queue, "isInMergeQueue": pull.queued,
                "createdAt": issue.created.to_string(),
                "mergeCommit": pull.merged.as_ref().map(|(sha, _)| commit(repo, sha)),
                "autoMergeRequest": pull.auto_merge.as_ref().map(|method| json!({"~type": "AutoMergeRequest",
                    "enabledAt": issue.created.to_string(), "mergeMethod": method})),
                "~labels": issue.labels, "~repo": repo.id, "~number": issue.number,
            }),
        )
    }

    /// How GitHub sums up whether a pull request can be merged.
    fn merge_state(&self, repo: &Repo, number: u64) -> &'static str {
        let pull = repo.issues[&number].pull.as_ref().expect("a pull request");
        if pulls::conflicts(&self.shared.repos, &repo.folder(), pull) {
            "DIRTY"
        } else if pull.draft {
            "DRAFT"
        } else if !repo.missing(pull).is_empty() {
            "BLOCKED"
        } else if repo.is_unstable(pull) {
            "UNSTABLE"
        } else {
            "CLEAN"
        }
    }

    fn pulls_of(&self, repo: &Repo, info: &ResolveInfo<'_>, branch: Option<&str>) -> Vec<Object> {
        let arguments = info.arguments();
        let text = |key: &str| arguments.get(key).and_then(|value| value.as_str());
        let branch = branch.or_else(|| text("headRefName"));
        let states: Option<Vec<&str>> = arguments
            .get("states")
            .and_then(|states| states.as_array())
            .map(|states| states.iter().filter_map(|state| state.as_str()).collect());
        let descending = arguments
            .get("orderBy")
            .and_then(|order| order.get("direction"))
            .is_some_and(|direction| direction.as_str() == Some("DESC"));
        let fits = |issue: &&Issue| {
            let Some(pull) = &issue.pull else {
                return false;
            };
            let state = match (&pull.merged, issue.open) {
                (Some(_), _) => "MERGED",
                (None, true) => "OPEN",
                (None, false) => "CLOSED",
            };
            branch.is_none_or(|branch| pull.source == branch)
                && states.as_ref().is_none_or(|states| states.contains(&state))
        };
        let found = repo.issues.values().filter(fits);
        let mut found: Vec<Object> = found.map(|issue| self.pull(repo, issue)).collect();
        if descending {
            found.reverse();
        }
        found
    }

    fn of_query<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let arguments = info.arguments();
        let text = |key: &str| {
            arguments
                .get(key)
                .and_then(|value| value.as_str())
                .unwrap_or_default()
        };
        Ok(match info.field_name() {
            "viewer" => {
                let login = &self.token.login;
                self.resolved(Object::Plain(
                    "User",
                    json!({"id": format!("U_{login}"), "login": login}),
                ))
            }
            "rateLimit" => {
                let budget = self.state.budgets.get("graphql");
                let (left, reset) = budget.copied().unwrap_or((5000, 0));
                let at = jiff::Timestamp::from_second(reset)
                    .unwrap_or_default()
                    .to_string();
                self.resolved(Object::Plain(
                    "RateLimit",
                    json!({"cost": self.cost, "limit": 5000, "nodeCount": self.nodes, "remaining": left,
                        "resetAt": at, "used": 5000_u64.saturating_sub(left)}),
                ))
            }
            "repositoryOwner" => match self.state.owners.get(text("login")) {
                None => ResolvedValue::null(),
                Some(kind) => {
                    let kind = match kind {
                        Owner::Organization => "Organization",
                        Owner::User => "User",
                    };
                    let login = text("login");
                    self.resolved(Object::Plain(
                        kind,
                        json!({"id": format!("O_{login}"), "login": login}),
                    ))
                }
            },
            "repository" => {
                let name = format!("{}/{}", text("owner"), text("name"));
                let moved = self.state.moved.get(&name.to_ascii_lowercase());
                let found = self.state.repo_named(&name);
                let found = found.or_else(|| self.state.repos.get(moved?));
                match self.reached(found) {
                    Some(id) => self.resolved(Object::Repo(id)),
                    None => {
                        let why =
                            format!("Could not resolve to a Repository with the name '{name}'.");
                        return Err(error(why));
                    }
                }
            }
            "node" => self.node(text("id"))?,
            "nodes" => {
                let ids = arguments.get("ids").and_then(|ids| ids.as_array());
                let ids: Vec<String> = ids
                    .into_iter()
                    .flatten()
                    .filter_map(|id| id.as_str().map(str::to_owned))
                    .collect();
                // One that is not told is `null` with an error beside it, and takes no other along.
                let item = move |(index, id): (usize, String)| match self.node(&id) {
                    Ok(found) => Ok(found),
                    Err(error) => {
                        let trouble = json!({"path": ["nodes", index], "message": error.message});
                        self.troubles.borrow_mut().push(trouble);
                        Ok(ResolvedValue::null())
                    }
                };
                ResolvedValue::List(Box::new(ids.into_iter().enumerate().map(item)))
            }
            other => return Err(error(format!("the fake does not know Query.{other}"))),
        })
    }

    fn node(&self, id: &str) -> Resolved<'_> {
        let found = self.reached(self.state.repo_of_node(id));
        let Some(repo) = found else {
            return Err(error(format!(
                "Could not resolve to a node with the global id of '{id}'."
            )));
        };
        if self
            .null
            .is_some_and(|name| self.repo(repo).full_name() == name)
        {
            return Err(error("Something went wrong while executing your query."));
        }
        Ok(self.resolved(Object::Repo(repo)))
    }

    fn of_repo<'a>(&'a self, id: u64, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let repo = self.repo(id);
        let arguments = info.arguments();
        let heads = || git::heads(&self.shared.repos.path(&repo.folder()));
        let leaf = |value: Value| Ok(ResolvedValue::leaf(value));
        match info.field_name() {
            "id" => leaf(repo.node_id().into()),
            "databaseId" => leaf(repo.id.into()),
            "name" => leaf(repo.name.clone().into()),
            "nameWithOwner" => leaf(repo.full_name().into()),
            "isArchived" => leaf(repo.archived.into()),
            "isFork" => leaf(repo.fork.into()),
            "isMirror" => leaf(repo.mirror.into()),
            "autoMergeAllowed" => leaf(repo.allow_auto_merge.into()),
            "mergeCommitAllowed" => leaf(repo.allow_merge.into()),
            "squashMergeAllowed" => leaf(repo.allow_squash.into()),
            "rebaseMergeAllowed" => leaf(repo.allow_rebase.into()),
            "defaultBranchRef" => match heads().get(&repo.default_branch) {
                Some(oid) => {
                    let found = self.reference(repo, "refs/heads/", &repo.default_branch, oid);
                    Ok(self.resolved(found))
                }
                None => Ok(ResolvedValue::null()),
            },
            "refs" => {
                let prefix = arguments
                    .get("refPrefix")
                    .and_then(|p| p.as_str())
                    .unwrap_or_default();
                let found: Vec<Object> = heads()
                    .iter()
                    .filter(|(name, _)| format!("refs/heads/{name}").starts_with(prefix))
                    .map(|(name, oid)| self.reference(repo, prefix, name, oid))
                    .collect();
                Ok(self.connection("RefConnection", found, info))
            }
            "issues" => {
                let texts = |key: &str| -> Vec<&str> {
                    let list = arguments.get(key).and_then(|list| list.as_array());
                    list.into_iter()
                        .flatten()
                        .filter_map(|v| v.as_str())
                        .collect()
                };
                let (labels, states) = (texts("labels"), texts("states"));
                let fits = |issue: &&Issue| {
                    let state = if issue.open { "OPEN" } else { "CLOSED" };
                    issue.pull.is_none()
                        && (labels.is_empty()
                            || issue.labels.iter().any(|l| labels.contains(&l.as_str())))
                        && (states.is_empty() || states.contains(&state))
                };
                let found = repo.issues.values().filter(fits);
                let found = found
                    .map(|issue| {
                        Object::Plain("Issue", json!({"id": issue.number, "number": issue.number}))
                    })
                    .collect();
                Ok(self.connection("IssueConnection", found, info))
            }
            "pullRequests" => {
                let found = self.pulls_of(repo, info, None);
                Ok(self.connection("PullRequestConnection", found, info))
            }
            "pullRequest" => {
                let number = arguments
                    .get("number")
                    .and_then(|n| n.as_u64())
                    .unwrap_or_default();
                match repo
                    .issues
                    .get(&number)
                    .filter(|issue| issue.pull.is_some())
                {
                    Some(issue) => Ok(self.resolved(self.pull(repo, issue))),
                    None => Err(error(format!(
                        "Could not resolve to a PullRequest with the number of {number}."
                    ))),
                }
            }
            "repositoryTopics" => {
                let topic = |name: &String| {
                    let topic = json!({"~type": "Topic", "id": name, "name": name});
                    Object::Plain("RepositoryTopic", json!({"id": name, "topic": topic}))
                };
                let found = repo.topics.iter().map(topic).collect();
                Ok(self.connection("RepositoryTopicConnection", found, info))
            }
            other => Err(error(format!("the fake does not know Repository.{other}"))),
        }
    }

    /// A page of items by `first` and `after`.
    fn connection<'a>(
        &'a self,
        name: &'static str,
        items: Vec<Object>,
        info: &ResolveInfo<'_>,
    ) -> ResolvedValue<'a> {
        let arguments = info.arguments();
        let first = arguments
            .get("first")
            .and_then(|n| n.as_u64())
            .unwrap_or(100) as usize;
        let after = arguments.get("after").and_then(|cursor| cursor.as_str());
        let start: usize = after.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
        let total = items.len();
        let end = (start + first).min(total);
        let page = json!({"~type": "PageInfo", "hasNextPage": end < total, "hasPreviousPage": start > 0,
            "endCursor": end.to_string(), "startCursor": start.to_string()});
        let mut all = vec![Object::Page(json!({"totalCount": total, "pageInfo": page}))];
        all.extend(items.into_iter().skip(start).take(first));
        self.resolved(Object::Connection(name, all))
    }

    fn of_plain<'a>(
        &'a self,
        kind: &'static str,
        fields: &'a Value,
        info: &'a ResolveInfo<'a>,
    ) -> Resolved<'a> {
        let repo = || self.repo(fields["~repo"].as_u64().unwrap_or_default());
        let number = || fields["~number"].as_u64().unwrap_or_default();
        match (kind, info.field_name()) {
            ("Ref", "associatedPullRequests") => {
                let found = self.pulls_of(repo(), info, fields["~branch"].as_str());
                Ok(self.connection("PullRequestConnection", found, info))
            }
            ("PullRequest", "labels") => {
                let names = fields["~labels"].as_array().cloned().unwrap_or_default();
                let label = |name: Value| Object::Plain("Label", json!({"id": name, "name": name}));
                let found = names.into_iter().map(label).collect();
                Ok(self.connection("LabelConnection", found, info))
            }
            ("PullRequest", "mergeStateStatus") => {
                Ok(ResolvedValue::leaf(self.merge_state(repo(), number())))
            }
            ("PullRequest", "mergeable") => {
                let dirty = self.merge_state(repo(), number()) == "DIRTY";
                Ok(ResolvedValue::leaf(if dirty {
                    "CONFLICTING"
                } else {
                    "MERGEABLE"
                }))
            }
            (_, name) => match fields.get(name) {
                Some(Value::Object(inner)) => {
                    let kind = inner["~type"].as_str().unwrap_or_default();
                    let kind = ["Commit", "AutoMergeRequest", "Topic", "PageInfo"]
                        .into_iter()
                        .find(|known| *known == kind)
                        .unwrap_or("Commit");
                    Ok(self.resolved(Object::Plain(kind, Value::Object(inner.clone()))))
                }
                Some(value) => Ok(ResolvedValue::leaf(value.clone())),
                None => Err(error(format!("the fake does not know {kind}.{name}"))),
            },
        }
    }
}

fn commit(repo: &Repo, oid: &str) -> Value {
    json!({"~type": "Commit", "id": format!("C_{}_{oid}", repo.id), "oid": oid})
}

impl ObjectValue for Seen<'_> {
    fn type_name(&self) -> &str {
        match &self.object {
            Object::Query => "Query",
            Object::Mutation => "Mutation",
            Object::Repo(_) => "Repository",
            Object::Plain(kind, _) | Object::Connection(kind, _) => kind,
            Object::Page(_) => "PageInfo",
        }
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Resolved<'a> {
        let view = self.view;
        match &self.object {
            Object::Query => view.of_query(info),
            Object::Mutation => {
                let (repo, number) = view.changed.ok_or_else(|| error("nothing was changed"))?;
                let kind = match info.field_name() {
                    "disablePullRequestAutoMerge" => "DisablePullRequestAutoMergePayload",
                    "enqueuePullRequest" => "EnqueuePullRequestPayload",
                    "dequeuePullRequest" => "DequeuePullRequestPayload",
                    _ => "EnablePullRequestAutoMergePayload",
                };
                Ok(view.resolved(Object::Plain(
                    kind,
                    json!({"clientMutationId": null, "~repo": repo, "~number": number}),
                )))
            }
            Object::Plain(kind, fields)
                if kind.ends_with("Payload") && info.field_name() == "pullRequest" =>
            {
                let repo = view.repo(fields["~repo"].as_u64().unwrap_or_default());
                let issue = &repo.issues[&fields["~number"].as_u64().unwrap_or_default()];
                Ok(view.resolved(view.pull(repo, issue)))
            }
            Object::Repo(id) => view.of_repo(*id, info),
            Object::Plain(kind, fields) => view.of_plain(kind, fields, info),
            Object::Page(fields) => view.of_plain("PageInfo", fields, info),
            Object::Connection(_, items) => {
                let Some(Object::Page(page)) = items.first() else {
                    return Err(error("a connection without its page"));
                };
                match info.field_name() {
                    "nodes" => {
                        let nodes = items
                            .iter()
                            .skip(1)
                            .map(|item| Ok(view.resolved(item.copy())));
                        Ok(ResolvedValue::List(Box::new(nodes)))
                    }
                    _ => view.of_plain("Connection", page, info),
                }
            }
        }
    }
}

impl Object {
    fn copy(&self) -> Self {
        match self {
            Self::Plain(kind, fields) => Self::Plain(kind, fields.clone()),
            Self::Repo(id) => Self::Repo(*id),
            Self::Page(fields) => Self::Page(fields.clone()),
            Self::Query => Self::Query,
            Self::Mutation => Self::Mutation,
            Self::Connection(kind, items) => {
                Self::Connection(kind, items.iter().map(Self::copy).collect())
            }
        }
    }
}
