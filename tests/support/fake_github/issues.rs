//! Issues: labels, assignees, milestones, comments.

use super::pulls::{text, texts, too_long};
use super::server::{Call, Reply};
use super::state::{Comment, Issue, State};
use super::{Shared, render};
use serde_json::{Value, json};

pub(super) fn list(shared: &Shared, state: &State, id: u64, call: &Call) -> Vec<Value> {
    let repo = &state.repos[&id];
    let wanted = call.query.get("state").map_or("open", String::as_str);
    let labels: Vec<&str> = call
        .query
        .get("labels")
        .map(|labels| labels.split(',').collect())
        .unwrap_or_default();
    let issues = repo.issues.values().rev();
    issues
        .filter(|issue| wanted == "all" || (wanted == "open") == issue.open)
        .filter(|issue| {
            labels
                .iter()
                .all(|label| issue.labels.iter().any(|l| l == label))
        })
        .map(|issue| render::issue(shared, repo, issue))
        .collect()
}

pub(super) fn create(shared: &Shared, state: &mut State, id: u64, call: &Call) -> Reply {
    let (Some(title), body) = (text(&call.body, "title"), text(&call.body, "body")) else {
        let missing = json!([{"resource": "Issue", "field": "title", "code": "missing_field"}]);
        return Reply::invalid(missing);
    };
    let body = body.unwrap_or_default();
    if let Some(reply) = too_long(&body) {
        return reply;
    }
    let number = state.repos[&id].next_number();
    let place = format!("{}#{number}", state.repos[&id].full_name());
    state.read_text(&place, &title);
    state.read_text(&place, &body);
    let mut issue = State::issue(number, &title, &body, &call.token.login, call.now);
    issue.labels = texts(&call.body, "labels").unwrap_or_default();
    let repo = state.repos.get_mut(&id).expect("a repository");
    repo.issues.insert(number, issue);
    let repo = &state.repos[&id];
    Reply::new(201, render::issue(shared, repo, &repo.issues[&number]))
}

/// Title and text of a change as GitHub reads them; an answer where it takes them not.
pub(super) fn read_texts(state: &mut State, id: u64, number: u64, call: &Call) -> Option<Reply> {
    if let Some(reply) = text(&call.body, "body").and_then(|text| too_long(&text)) {
        return Some(reply);
    }
    let place = format!("{}#{number}", state.repos[&id].full_name());
    for key in ["title", "body"] {
        if let Some(text) = text(&call.body, key) {
            state.read_text(&place, &text);
        }
    }
    None
}

/// Sets title and text, where they are to change.
pub(super) fn renew_texts(issue: &mut Issue, call: &Call) {
    if let Some(title) = text(&call.body, "title") {
        issue.title = title;
    }
    if let Some(body) = text(&call.body, "body") {
        issue.body = body.replace("\r\n", "\n").trim_end().to_owned();
    }
}

pub(super) fn update(
    shared: &Shared,
    state: &mut State,
    id: u64,
    number: u64,
    call: &Call,
) -> Reply {
    if let Some(reply) = read_texts(state, id, number, call) {
        return reply;
    }
    let repo = state.repos.get_mut(&id).expect("a repository");
    let wrong = |field: &str| {
        Reply::invalid(json!([{"resource": "Issue", "field": field, "code": "invalid"}]))
    };
    let assignees = texts(&call.body, "assignees");
    if assignees
        .iter()
        .flatten()
        .any(|name| !repo.collaborators.contains(name))
    {
        return wrong("assignees");
    }
    let milestone = call.body.get("milestone").and_then(Value::as_u64);
    if milestone.is_some_and(|number| number == 0 || number as usize > repo.milestones.len()) {
        return wrong("milestone");
    }
    let Some(issue) = repo.issues.get_mut(&number) else {
        return Reply::missing();
    };
    renew_texts(issue, call);
    if let Some(labels) = texts(&call.body, "labels") {
        issue.labels = labels;
    }
    if let Some(assignees) = assignees {
        issue.assignees = assignees;
    }
    if milestone.is_some() {
        issue.milestone = milestone;
    }
    match text(&call.body, "state").as_deref() {
        Some("closed") => issue.open = false,
        Some("open") => issue.open = true,
        _ => {}
    }
    let repo = &state.repos[&id];
    Reply::ok(render::issue(shared, repo, &repo.issues[&number]))
}

pub(super) fn add_labels(
    shared: &Shared,
    state: &mut State,
    id: u64,
    number: u64,
    call: &Call,
) -> Reply {
    let repo = state.repos.get_mut(&id).expect("a repository");
    let Some(issue) = repo.issues.get_mut(&number) else {
        return Reply::missing();
    };
    for label in texts(&call.body, "labels").unwrap_or_default() {
        if !issue.labels.contains(&label) {
            issue.labels.push(label);
        }
    }
    let labels: Vec<Value> = issue
        .labels
        .iter()
        .map(|label| render::label(shared, label))
        .collect();
    Reply::ok(labels.into())
}

pub(super) fn comments(shared: &Shared, state: &State, id: u64, number: u64) -> Option<Vec<Value>> {
    let repo = &state.repos[&id];
    let comments = &repo.issues.get(&number)?.comments;
    let render = |comment| render::comment(shared, repo, number, comment);
    Some(comments.iter().map(render).collect())
}

pub(super) fn comment(
    shared: &Shared,
    state: &mut State,
    id: u64,
    number: u64,
    call: &Call,
) -> Reply {
    let body = text(&call.body, "body").unwrap_or_default();
    if let Some(reply) = too_long(&body) {
        return reply;
    }
    let place = format!("{}#{number}", state.repos[&id].full_name());
    state.read_text(&place, &body);
    let comment = Comment {
        id: state.next_id(),
        user: call.token.login.clone(),
        body,
        created: call.now,
    };
    let repo = state.repos.get_mut(&id).expect("a repository");
    let Some(issue) = repo.issues.get_mut(&number) else {
        return Reply::missing();
    };
    issue.comments.push(comment.clone());
    let repo = &state.repos[&id];
    Reply::new(201, render::comment(shared, repo, number, &comment))
}
