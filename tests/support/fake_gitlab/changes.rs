//! REST v4: what changes something in a project.

use super::backend;
use super::merging::Refusal;
use super::state::{Issue, MergeRequest, Note, State, Token};
use super::wire::{Params, Reply};
use serde_json::json;

pub(super) fn change(
    state: &mut State,
    token: &Token,
    id: u64,
    method: &str,
    path: &[&str],
    params: &Params,
) -> Option<Reply> {
    match (method, path) {
        ("POST", ["merge_requests"]) => Some(open(state, token, id, params)),
        ("PUT", ["merge_requests", iid]) => Some(edit(state, id, iid.parse().ok()?, params)),
        ("PUT", ["merge_requests", iid, "merge"]) => {
            Some(merge(state, token, id, iid.parse().ok()?, params))
        }
        ("POST", ["merge_requests", iid, "approve"]) => {
            let request = state.projects.get_mut(&id)?.request(iid.parse().ok()?)?;
            request.approvals += 1;
            Some(Reply::json(201, &json!({})))
        }
        ("POST", ["merge_requests", iid, "notes"]) => {
            Some(note(state, token, id, iid.parse().ok()?, params))
        }
        ("POST", ["issues"]) => Some(open_issue(state, token, id, params)),
        ("PUT", ["issues", iid]) => edit_issue(state, id, iid.parse().ok()?, params),
        ("POST", ["repository", "branches"]) => {
            let (name, from) = (params.text("branch")?, params.text("ref")?);
            let project = state.projects.get_mut(&id)?;
            let from = project.head(&from).unwrap_or(from);
            backend::set_branch(project.own(), &name, Some(&from));
            let project = &state.projects[&id];
            let shown = state.branch_json(project, &name, &from);
            state.notice_push(id);
            Some(Reply::json(201, &shown))
        }
        ("DELETE", ["repository", "branches", name]) => {
            backend::set_branch(state.projects.get_mut(&id)?.own(), name, None);
            state.notice_push(id);
            Some(Reply {
                status: 204,
                headers: Vec::new(),
                body: Vec::new(),
            })
        }
        _ => None,
    }
}

fn open(state: &mut State, token: &Token, id: u64, params: &Params) -> Reply {
    for needed in ["source_branch", "target_branch", "title"] {
        if params.text(needed).is_none_or(|text| text.is_empty()) {
            return Reply::json(400, &json!({"error": format!("{needed} is missing")}));
        }
    }
    if state.projects[&id].without_requests {
        return Reply::message(403, "403 Forbidden");
    }
    let text = |key: &str| params.text(key).unwrap_or_default();
    let (source, target) = (text("source_branch"), text("target_branch"));
    let project = &state.projects[&id];
    let Some(sha) = project.head(&source) else {
        return Reply::message(400, json!({"source_branch": ["does not exist"]}));
    };
    if project.head(&target).is_none() {
        return Reply::message(
            400,
            json!([format!("target_branch \"{target}\" does not exist")]),
        );
    }
    let same = project.merge_requests.iter().find(|mr| {
        mr.state == "opened"
            && mr.source == source
            && mr.target == target
            && mr.source_project == id
    });
    if let Some(same) = same {
        let text = format!(
            "Another open merge request already exists for this source branch: !{}",
            same.iid
        );
        return Reply::message(409, json!([text]));
    }
    let iid = project
        .merge_requests
        .iter()
        .map(|mr| mr.iid)
        .max()
        .unwrap_or(0)
        + 1;
    let (title, description) = (text("title"), text("description"));
    let now = state.tick();
    let numbers = |key: &str| -> Vec<u64> {
        let list = params.list(key).unwrap_or_default();
        list.iter().filter_map(|id| id.parse().ok()).collect()
    };
    let request = MergeRequest {
        id: state.new_id(),
        iid,
        source_project: id,
        source,
        target,
        title: state.take_text(&title),
        description: state.take_text(&description),
        labels: params.list("labels").unwrap_or_default(),
        state: "opened",
        sha,
        author: token.user,
        assignees: numbers("assignee_ids"),
        reviewers: numbers("reviewer_ids"),
        milestone: params.number("milestone_id"),
        squash: params.flag("squash").unwrap_or(false),
        remove_source: params.flag("remove_source_branch").unwrap_or(false),
        created_at: now,
        updated_at: now,
        merged_as: None,
        auto_merge: false,
        approvals: 0,
        settling: state.settling,
        unlinked: state.links_late,
        closing: false,
        notes: Vec::new(),
    };
    let project = state.projects.get_mut(&id).unwrap();
    project.merge_requests.push(request.clone());
    let head = project.head(&request.target).unwrap();
    project
        .targets
        .entry(request.target.clone())
        .or_insert(head);
    Reply::json(201, &state.request_json(&state.projects[&id], &request))
}

fn edit(state: &mut State, id: u64, iid: u64, params: &Params) -> Reply {
    let exists = state
        .projects
        .get_mut(&id)
        .and_then(|p| p.request(iid))
        .is_some();
    if !exists {
        return Reply::not_found("Not Found");
    }
    let now = state.tick();
    let title = params.text("title").map(|text| state.take_text(&text));
    let description = params
        .text("description")
        .map(|text| state.take_text(&text));
    let project = state.projects.get_mut(&id).unwrap();
    let request = project.request(iid).unwrap();
    request.updated_at = now;
    request.title = title.unwrap_or_else(|| request.title.clone());
    request.description = description.unwrap_or_else(|| request.description.clone());
    if let Some(target) = params.text("target_branch") {
        request.target = target;
    }
    if let Some(labels) = params.list("labels") {
        request.labels = labels;
    }
    for label in params.list("add_labels").unwrap_or_default() {
        if !request.labels.contains(&label) {
            request.labels.push(label);
        }
    }
    let gone = params.list("remove_labels").unwrap_or_default();
    request.labels.retain(|label| !gone.contains(label));
    let numbers = |key: &str| -> Option<Vec<u64>> {
        let list = params.list(key)?;
        Some(list.iter().filter_map(|id| id.parse().ok()).collect())
    };
    request.assignees = numbers("assignee_ids").unwrap_or(std::mem::take(&mut request.assignees));
    request.reviewers = numbers("reviewer_ids").unwrap_or(std::mem::take(&mut request.reviewers));
    request.milestone = params.number("milestone_id").or(request.milestone);
    request.squash = params.flag("squash").unwrap_or(request.squash);
    request.remove_source = params
        .flag("remove_source_branch")
        .unwrap_or(request.remove_source);
    match (params.text("state_event").as_deref(), request.state) {
        (None, _) => {}
        (Some("close"), "opened") => {
            request.state = "closed";
            request.auto_merge = false;
        }
        (Some("reopen"), "closed") => request.state = "opened",
        // A merged one stays merged; GitLab ignores the wish.
        _ => {}
    }
    let request = request.clone();
    Reply::ok(&state.request_json(&state.projects[&id], &request))
}

fn merge(state: &mut State, token: &Token, id: u64, iid: u64, params: &Params) -> Reply {
    if state
        .projects
        .get_mut(&id)
        .and_then(|p| p.request(iid))
        .is_none()
    {
        return Reply::not_found("Not Found");
    }
    let auto = params
        .flag("auto_merge")
        .or(params.flag("merge_when_pipeline_succeeds"));
    let sha = params.text("sha");
    let may = state.may_merge(token, &state.projects[&id]);
    let merged = match may {
        true => state.merge(id, iid, sha.as_deref(), auto.unwrap_or(false)),
        false => Err(Refusal::Forbidden),
    };
    match merged {
        Ok(()) => {
            let project = state.projects.get_mut(&id).unwrap();
            let request = project.request(iid).unwrap().clone();
            Reply::ok(&state.request_json(&state.projects[&id], &request))
        }
        Err(Refusal::NotMergeable) => Reply::message(405, "405 Method Not Allowed"),
        Err(Refusal::Conflict) => Reply::message(422, "Branch cannot be merged"),
        Err(Refusal::Sha) => Reply::message(409, "SHA does not match HEAD of source branch"),
        Err(Refusal::Forbidden) => Reply::message(401, "401 Unauthorized"),
    }
}

fn note(state: &mut State, token: &Token, id: u64, iid: u64, params: &Params) -> Reply {
    if state
        .projects
        .get_mut(&id)
        .and_then(|p| p.request(iid))
        .is_none()
    {
        return Reply::not_found("Not Found");
    }
    let body = params.text("body").unwrap_or_default();
    let note = Note {
        id: state.new_id(),
        author: token.user,
        body: state.take_text(&body),
    };
    let shown = state.note_json(&note);
    let request = state.projects.get_mut(&id).and_then(|p| p.request(iid));
    request.unwrap().notes.push(note);
    Reply::json(201, &shown)
}

fn open_issue(state: &mut State, token: &Token, id: u64, params: &Params) -> Reply {
    let text = |key: &str| params.text(key).unwrap_or_default();
    let iid = state.projects[&id]
        .issues
        .iter()
        .map(|issue| issue.iid)
        .max()
        .unwrap_or(0)
        + 1;
    let issue = Issue {
        id: state.new_id(),
        iid,
        author: token.user,
        title: state.take_text(&text("title")),
        description: state.take_text(&text("description")),
        open: true,
        labels: params.list("labels").unwrap_or_default(),
    };
    state
        .projects
        .get_mut(&id)
        .unwrap()
        .issues
        .push(issue.clone());
    Reply::json(201, &state.issue_json(&state.projects[&id], &issue))
}

fn edit_issue(state: &mut State, id: u64, iid: u64, params: &Params) -> Option<Reply> {
    let description = params
        .text("description")
        .map(|text| state.take_text(&text));
    let title = params.text("title").map(|text| state.take_text(&text));
    let project = state.projects.get_mut(&id)?;
    let Some(issue) = project.issues.iter_mut().find(|issue| issue.iid == iid) else {
        return Some(Reply::not_found("Issue"));
    };
    issue.title = title.unwrap_or_else(|| issue.title.clone());
    issue.description = description.unwrap_or_else(|| issue.description.clone());
    match params.text("state_event").as_deref() {
        Some("close") => issue.open = false,
        Some("reopen") => issue.open = true,
        _ => {}
    }
    let issue = issue.clone();
    Some(Reply::ok(&state.issue_json(&state.projects[&id], &issue)))
}
