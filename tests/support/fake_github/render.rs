//! State as the REST API shows it: GitHub's published examples with what the fake holds put in.

use super::state::{Check, Comment, Issue, Owner, Repo, State};
use super::{Shared, git};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::LazyLock;

macro_rules! example {
    ($name:ident, $file:literal) => {
        static $name: LazyLock<Value> = LazyLock::new(|| {
            let text = include_str!(concat!("../../../fixtures/github/", $file, ".json"));
            serde_json::from_str(text).expect("an example")
        });
    };
}

example!(USER, "user");
example!(REPOSITORY, "repository");
example!(FULL, "full-repository");
example!(PULL, "pull-request");
example!(SIMPLE, "pull-request-simple");
example!(ISSUE, "issue");
example!(COMMENT, "issue-comment");
example!(LABEL, "label");
example!(MILESTONE, "milestone");
example!(CHECK, "check-run");
example!(STATUS, "combined-status");
example!(SUITE, "check-suite");
example!(RULE, "rule");
example!(INSTALLATION, "installation");
example!(TOKEN, "installation-token");
example!(BRANCH, "branch");
example!(REF, "git-ref");
example!(RATE, "rate-limit");
example!(OVERVIEW, "api-overview");
example!(RUN, "workflow-run");
example!(FILE, "content-file");

fn put(target: &mut Value, fields: Value) {
    let Value::Object(fields) = fields else {
        return;
    };
    for (key, value) in fields {
        target[key] = value;
    }
}

/// An id that is the same for the same text.
fn number(text: &str) -> u64 {
    text.bytes()
        .fold(7, |sum, b| (sum * 31 + u64::from(b)) % 1_000_000)
        + 1
}

/// Somebody, as they stand in other answers.
pub(super) fn actor(login: &str, kind: &str) -> Value {
    let mut user = PULL["user"].clone();
    put(
        &mut user,
        json!({"login": login, "id": number(login), "node_id": format!("U_{login}"), "type": kind}),
    );
    user
}

pub(super) fn user(login: &str) -> Value {
    let mut user = USER.clone();
    put(&mut user, json!({"login": login, "id": number(login)}));
    user
}

pub(super) fn repository(shared: &Shared, state: &State, repo: &Repo, full: bool) -> Value {
    let mut found = if full {
        FULL.clone()
    } else {
        REPOSITORY.clone()
    };
    let kind = match state.owners.get(&repo.owner) {
        Some(Owner::User) => "User",
        _ => "Organization",
    };
    put(
        &mut found,
        json!({
            "id": repo.id,
            "node_id": repo.node_id(),
            "name": repo.name,
            "full_name": repo.full_name(),
            "owner": actor(&repo.owner, kind),
            "private": repo.private,
            "visibility": if repo.private { "private" } else { "public" },
            "fork": repo.fork,
            "archived": repo.archived,
            "disabled": false,
            "default_branch": repo.default_branch,
            "topics": repo.topics,
            "has_issues": !repo.without_issues,
            "has_pull_requests": !repo.without_pulls,
            "permissions": {"admin": false, "push": true, "pull": true},
            // Not what a client is to use: it builds the address itself.
            "clone_url": format!("https://elsewhere.example/{}.git", repo.full_name()),
        }),
    );
    found["mirror_url"] = match repo.mirror {
        true => format!("git://mirror.example/{}", repo.full_name()).into(),
        false => Value::Null,
    };
    if full {
        put(
            &mut found,
            json!({"language": null, "allow_auto_merge": repo.allow_auto_merge, "allow_squash_merge": repo.allow_squash,
                "allow_merge_commit": repo.allow_merge, "delete_branch_on_merge": repo.delete_branch_on_merge}),
        );
        if let Some(fields) = found.as_object_mut() {
            for other in ["parent", "source", "template_repository", "organization"] {
                fields.remove(other);
            }
        }
    }
    let _ = shared;
    found
}

pub(super) fn label(_: &Shared, name: &str) -> Value {
    let mut label = LABEL.clone();
    put(
        &mut label,
        json!({"id": number(name), "name": name, "default": false}),
    );
    label
}

pub(super) fn milestone(index: usize, title: &str) -> Value {
    let mut found = MILESTONE.clone();
    put(
        &mut found,
        json!({"id": number(title), "number": index + 1, "title": title, "state": "open", "closed_at": null}),
    );
    found
}

/// What issues and pull requests have in common.
fn common(shared: &Shared, repo: &Repo, issue: &Issue, found: &mut Value) {
    let labels: Vec<Value> = issue
        .labels
        .iter()
        .map(|name| label(shared, name))
        .collect();
    let people: Vec<Value> = issue
        .assignees
        .iter()
        .map(|login| actor(login, "User"))
        .collect();
    let milestone = issue.milestone.map(|number| {
        let index = number as usize - 1;
        milestone(index, &repo.milestones[index])
    });
    put(
        found,
        json!({
            "number": issue.number,
            "state": if issue.open { "open" } else { "closed" },
            "locked": false,
            "title": issue.title,
            "body": issue.body,
            "user": actor(&issue.user, "User"),
            "labels": labels,
            "assignee": people.first(),
            "assignees": people,
            "milestone": milestone,
            "created_at": issue.created.to_string(),
            "updated_at": issue.created.to_string(),
            "closed_at": (!issue.open).then(|| issue.created.to_string()),
        }),
    );
}

pub(super) fn issue(shared: &Shared, repo: &Repo, issue: &Issue) -> Value {
    let mut found = ISSUE.clone();
    common(shared, repo, issue, &mut found);
    put(
        &mut found,
        json!({"id": repo.id * 1000 + issue.number, "state_reason": null, "closed_by": null,
        "comments": issue.comments.len()}),
    );
    if let Some(fields) = found.as_object_mut() {
        fields.remove("pinned_comment");
        if issue.pull.is_none() {
            fields.remove("pull_request");
        }
    }
    found
}

pub(super) fn comment(_: &Shared, repo: &Repo, number: u64, comment: &Comment) -> Value {
    let mut found = COMMENT.clone();
    put(
        &mut found,
        json!({"id": comment.id, "body": comment.body, "user": actor(&comment.user, "User"),
            "created_at": comment.created.to_string(), "updated_at": comment.created.to_string(),
            "issue_url": format!("https://api.github.com/repos/{}/issues/{number}", repo.full_name())}),
    );
    found
}

pub(super) fn pull(
    shared: &Shared,
    state: &State,
    repo: &Repo,
    issue: &Issue,
    full: bool,
) -> Value {
    let Some(pull) = &issue.pull else {
        return Value::Null;
    };
    let mut found = if full { PULL.clone() } else { SIMPLE.clone() };
    common(shared, repo, issue, &mut found);
    let here = repository(shared, state, repo, false);
    let heads = git::heads(&shared.repos.path(&repo.folder()));
    let end = |branch: &str, sha: &str, there: &Value, owner: &str, example: &Value| {
        let mut end = example.clone();
        put(
            &mut end,
            json!({"label": format!("{owner}:{branch}"), "ref": branch, "sha": sha,
            "user": actor(owner, "User"), "repo": there}),
        );
        end
    };
    let mut there = here.clone();
    let mut owner = repo.owner.as_str();
    if pull.from_fork {
        owner = "eve";
        put(
            &mut there,
            json!({"id": repo.id + 500_000, "full_name": format!("eve/{}", repo.name), "fork": true}),
        );
    }
    let base = heads
        .get(&pull.target)
        .cloned()
        .unwrap_or_else(|| "0".repeat(40));
    let reviewers: Vec<Value> = pull
        .reviewers
        .iter()
        .map(|login| actor(login, "User"))
        .collect();
    let merged = pull.merged.as_ref();
    put(
        &mut found,
        json!({
            "id": repo.id * 1000 + issue.number,
            "node_id": format!("PR_{}_{}", repo.id, issue.number),
            "draft": pull.draft,
            "head": end(&pull.source, &pull.head, &there, owner, &SIMPLE["head"]),
            "base": end(&pull.target, &base, &here, &repo.owner, &SIMPLE["base"]),
            "merged_at": merged.map(|(_, at)| at.to_string()),
            // Of an open one GitHub shows the commit of a trial.
            "merge_commit_sha": merged.map_or_else(|| "f".repeat(40), |(sha, _)| sha.clone()),
            "requested_reviewers": reviewers,
            "requested_teams": [],
            "auto_merge": pull.auto_merge.as_ref().map(|_| auto_merge()),
        }),
    );
    if full {
        put(
            &mut found,
            json!({"merged": merged.is_some(), "merged_by": null, "mergeable": true,
            "comments": issue.comments.len()}),
        );
    }
    found
}

fn auto_merge() -> Value {
    json!({"enabled_by": actor("imagebot", "User"), "merge_method": "merge", "commit_title": null, "commit_message": null})
}

pub(super) fn check(repo: &Repo, sha: &str, check: &Check, index: usize) -> Value {
    let mut found = CHECK.clone();
    let done = check.conclusion.is_some();
    put(
        &mut found,
        json!({"id": index + 1, "head_sha": sha, "name": check.name,
            "status": if done { "completed" } else { "in_progress" }, "conclusion": check.conclusion,
            "started_at": check.at.to_string(), "completed_at": done.then(|| check.at.to_string()),
            "pull_requests": []}),
    );
    let _ = repo;
    found
}

pub(super) fn workflow_run(sha: &str, check: &Check, index: usize) -> Value {
    let mut found = RUN.clone();
    let done = check.conclusion.is_some();
    put(
        &mut found,
        json!({"id": index + 1, "head_sha": sha, "name": check.name,
            "status": if done { "completed" } else { "in_progress" }, "conclusion": check.conclusion,
            "created_at": check.at.to_string(), "updated_at": check.at.to_string(),
            "run_started_at": check.at.to_string()}),
    );
    found
}

/// The check suites of a commit: one for each App that has runs, and those that are said to be there.
pub(super) fn suites(repo: &Repo, sha: &str) -> Vec<Value> {
    let mut all: BTreeMap<&str, (bool, usize, Timestamp)> = BTreeMap::new();
    for check in repo.checks.get(sha).into_iter().flatten() {
        if !check.is_status {
            let suite = all.entry(&check.app).or_insert((true, 0, check.at));
            suite.0 &= check.conclusion.is_some();
            suite.1 += 1;
        }
    }
    let made = all.into_iter().map(|(app, (done, runs, at))| {
        let status = if done { "completed" } else { "in_progress" };
        (app, status, runs, at)
    });
    let told = repo.suites.get(sha).into_iter().flatten();
    let told = told.map(|suite| (suite.app.as_str(), suite.status.as_str(), 0, suite.at));
    let json = |(index, (app, status, runs, at)): (usize, (&str, &str, usize, Timestamp))| {
        let mut found = SUITE.clone();
        let conclusion = (status == "completed").then_some("success");
        put(
            &mut found,
            json!({"id": index + 1, "head_sha": sha, "status": status, "conclusion": conclusion,
                "latest_check_runs_count": runs, "created_at": at.to_string(), "updated_at": at.to_string()}),
        );
        found["app"]["slug"] = app.into();
        found
    };
    made.chain(told).enumerate().map(json).collect()
}

/// The rules of rulesets for the default branch.
pub(super) fn rules(repo: &Repo) -> Vec<Value> {
    let rule = |kind: &str, parameters: Value| {
        let mut found = RULE.clone();
        put(&mut found, json!({"type": kind, "parameters": parameters}));
        found
    };
    let methods = repo.allowed_methods.as_ref();
    let pull = methods.map(|methods| {
        rule(
            "pull_request",
            json!({"allowed_merge_methods": methods, "dismiss_stale_reviews_on_push": false,
            "require_code_owner_review": false, "require_last_push_approval": false,
            "required_approving_review_count": 0, "required_review_thread_resolution": false}),
        )
    });
    pull.into_iter().collect()
}

pub(super) fn combined(sha: &str, checks: &[&Check]) -> Value {
    let mut found = STATUS.clone();
    let example = STATUS["statuses"][0].clone();
    let status = |check: &&Check| {
        let mut status = example.clone();
        let state = check
            .conclusion
            .clone()
            .unwrap_or_else(|| "pending".to_owned());
        put(
            &mut status,
            json!({"context": check.name, "state": state, "created_at": check.at.to_string(),
                "updated_at": check.at.to_string()}),
        );
        status
    };
    let statuses: Vec<Value> = checks.iter().map(status).collect();
    // GitHub says `pending` where there is no status at all.
    let state = match statuses.is_empty() {
        true => "pending",
        false if statuses.iter().all(|s| s["state"] == "success") => "success",
        false if statuses.iter().any(|s| s["state"] == "pending") => "pending",
        false => "failure",
    };
    put(
        &mut found,
        json!({"sha": sha, "state": state, "total_count": statuses.len(), "statuses": statuses}),
    );
    found
}

pub(super) fn branch(repo: &Repo, name: &str, sha: &str) -> Value {
    let mut found = BRANCH.clone();
    let checks: Vec<&String> = repo.required.get(name).into_iter().flatten().collect();
    found["name"] = name.into();
    found["commit"]["sha"] = sha.into();
    found["protected"] = (!checks.is_empty()).into();
    found["protection"]["required_status_checks"]["contexts"] = json!(checks);
    found
}

pub(super) fn git_ref(name: &str, sha: &str) -> Value {
    let mut found = REF.clone();
    found["ref"] = format!("refs/heads/{name}").into();
    found["object"]["sha"] = sha.into();
    found["object"]["type"] = "commit".into();
    found
}

pub(super) fn installation(id: u64, owner: &str) -> Value {
    let mut found = INSTALLATION.clone();
    put(&mut found, json!({"id": id}));
    found["account"] = actor(owner, "Organization");
    // The description wants a user and an enterprise in one.
    put(
        &mut found["account"],
        json!({"name": owner, "slug": owner, "created_at": null, "updated_at": null}),
    );
    found
}

pub(super) fn installation_token(token: &str, expires: &str, permissions: Value) -> Value {
    let mut found = TOKEN.clone();
    put(
        &mut found,
        json!({"token": token, "expires_at": expires, "permissions": permissions}),
    );
    if let Some(fields) = found.as_object_mut() {
        fields.remove("repositories");
    }
    found
}

pub(super) fn rate_limit() -> Value {
    RATE.clone()
}

pub(super) fn overview(version: &str) -> Value {
    let mut found = OVERVIEW.clone();
    found["installed_version"] = version.into();
    found
}

pub(super) fn file(path: &str, text: &str) -> Value {
    use base64::Engine as _;
    let mut found = FILE.clone();
    let content = base64::engine::general_purpose::STANDARD.encode(text);
    let name = path.rsplit('/').next().unwrap_or(path);
    put(
        &mut found,
        json!({"path": path, "name": name, "content": content, "size": text.len()}),
    );
    found
}

pub(super) fn entry(path: &str) -> Value {
    let mut found = file(path, "");
    if let Some(fields) = found.as_object_mut() {
        fields.remove("content");
        fields.remove("encoding");
    }
    found
}
