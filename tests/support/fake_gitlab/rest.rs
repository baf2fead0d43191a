//! REST v4: which request is answered by what. Reads stand here, changes in `changes`.

use super::answers::{covers, page, page_of};
use super::backend;
use super::state::{DEVELOPER, State, Token};
use super::wire::{Params, Reply};
use serde_json::{Value, json};

/// The answer to a request below `/api/v4/`; `None` for one that the fake does not know.
pub(super) fn route(
    state: &mut State,
    token: &Token,
    method: &str,
    path: &[&str],
    params: &Params,
) -> Option<Reply> {
    let reply = match (method, path) {
        ("GET", ["user"]) => Reply::ok(&state.user_json(token.user)),
        ("GET", ["metadata" | "version"]) => {
            Reply::ok(&json!({"version": state.version, "revision": "abc", "enterprise": true}))
        }
        ("GET", ["personal_access_tokens", "self"]) => Reply::ok(&state.token_json(token)),
        ("GET", ["users"]) => users(state, params),
        ("GET", ["users", _name, "projects"]) => Reply::not_found("User"),
        ("GET", ["groups"]) => {
            let all = state.groups.iter().map(|(path, id)| group_json(path, *id));
            page(all.collect(), params)
        }
        ("GET", ["groups", group]) => match state.group(group) {
            Some(path) => Reply::ok(&group_json(path, state.groups[path])),
            None => Reply::not_found("Group"),
        },
        ("GET", ["groups", group, "projects"]) => group_projects(state, token, group, params),
        ("GET", ["projects"]) => projects(state, token, params),
        ("GET", ["merge_requests"]) => {
            let reply = merge_requests(state, token, params);
            state.close_the_branchless();
            reply
        }
        ("GET", ["issues"]) => {
            let search = params.text("search").unwrap_or_default();
            let wanted = params.text("state").unwrap_or_else(|| "all".to_owned());
            let scope = params.text("scope");
            let mine = scope.as_deref().unwrap_or("created_by_me") == "created_by_me";
            let mut all = Vec::new();
            for project in state.visible(token) {
                let fits = project.issues.iter().filter(|issue| {
                    issue.title.contains(&search)
                        && (wanted == "all" || issue.open == (wanted == "opened"))
                        && (!mine || issue.author == token.user)
                });
                all.extend(fits.map(|issue| state.issue_json(project, issue)));
            }
            page(all, params)
        }
        (_, ["projects", project, rest @ ..]) => {
            let id = match find(state, token, project) {
                Ok(id) => id,
                Err(moved) if method == "GET" => return Some(moved),
                Err(_) => return Some(Reply::not_found("Project")),
            };
            return in_project(state, token, id, method, rest, params);
        }
        _ => return None,
    };
    Some(reply)
}

/// A project by id or path. One that has moved is a redirect, whose host is not to be trusted.
fn find(state: &State, token: &Token, name: &str) -> Result<u64, Reply> {
    let seen = |id: &u64| {
        let project = state.projects.get(id);
        project.is_some_and(|project| state.level(token, project) > 0)
    };
    if let Ok(id) = name.parse::<u64>() {
        return Some(id)
            .filter(seen)
            .ok_or_else(|| Reply::not_found("Project"));
    }
    if let Some(project) = state.named(name) {
        return Some(project.id)
            .filter(seen)
            .ok_or_else(|| Reply::not_found("Project"));
    }
    match state.moved.get(name).filter(|id| seen(id)) {
        Some(id) => {
            let to = format!("http://gitlab.internal/api/v4/projects/{id}");
            let reply = Reply::json(301, &json!({"message": "Moved Permanently"}));
            Err(reply.header("location", to))
        }
        None => Err(Reply::not_found("Project")),
    }
}

fn in_project(
    state: &mut State,
    token: &Token,
    id: u64,
    method: &str,
    path: &[&str],
    params: &Params,
) -> Option<Reply> {
    let project = state.projects.get(&id)?;
    let level = state.level(token, project);
    if method != "GET" {
        if level < DEVELOPER || project.archived {
            return Some(Reply::message(403, "403 Forbidden"));
        }
        return super::changes::change(state, token, id, method, path, params);
    }
    let reply = match path {
        [] => Reply::ok(&state.project_json(project, token)),
        ["repository", "branches"] => branches(state, id, params),
        ["repository", "branches", name] => match project.head(name) {
            Some(sha) => {
                let mut branch = state.branch_json(project, name, &sha);
                branch["can_push"] = (branch["protected"] == false || level >= 40).into();
                Reply::ok(&branch)
            }
            None => Reply::not_found("Branch"),
        },
        ["repository", "tags", name] => match backend::read_tag(&project.repository, name) {
            Some(sha) => Reply::ok(&json!({"name": name, "target": sha, "commit": {"id": sha}})),
            None => Reply::not_found("Tag"),
        },
        ["repository", "files", file, "raw"] => {
            let spec = format!("{}:{file}", project.default_branch);
            match backend::git(&project.repository, &["cat-file", "blob", &spec], b"") {
                Some(text) => Reply {
                    status: 200,
                    headers: vec![("content-type".to_owned(), "text/plain".to_owned())],
                    body: text.into_bytes(),
                },
                None => Reply::not_found("File"),
            }
        }
        ["merge_requests"] => {
            let all = project.merge_requests.iter().rev().filter(|mr| {
                let fits = |key: &str, value: &str| {
                    params
                        .text(key)
                        .is_none_or(|asked| asked == value || asked == "all")
                };
                fits("state", mr.state)
                    && fits("source_branch", &mr.source)
                    && fits("target_branch", &mr.target)
            });
            page(
                all.map(|mr| state.request_json(project, mr)).collect(),
                params,
            )
        }
        ["merge_requests", iid] => {
            let iid = iid.parse().ok()?;
            let Some(request) = state.projects.get_mut(&id)?.request(iid) else {
                return Some(Reply::not_found("Not Found"));
            };
            if request.closing {
                (request.closing, request.state) = (false, "closed");
            }
            let before = request.settling;
            request.settling = before.saturating_sub(1);
            let mut shown = request.clone();
            shown.settling = before;
            let project = state.projects.get(&id)?;
            let mut answer = state.request_json(project, &shown);
            answer["user"] = json!({"can_merge": state.may_merge(token, project)});
            Reply::ok(&answer)
        }
        ["merge_requests", iid, "notes"] => {
            let iid: u64 = iid.parse().ok()?;
            let found = project.merge_requests.iter().find(|mr| mr.iid == iid);
            match found {
                Some(mr) => page(
                    mr.notes.iter().rev().map(|n| state.note_json(n)).collect(),
                    params,
                ),
                None => Reply::not_found("Not Found"),
            }
        }
        ["pipelines"] => {
            let shown = project.pipelines.iter().rev().filter(|p| {
                !p.late
                    && params.text("sha").is_none_or(|sha| sha == p.sha)
                    && params.text("ref").is_none_or(|name| name == p.branch)
            });
            page(
                shown.map(|p| state.pipeline_json(p, project)).collect(),
                params,
            )
        }
        ["milestones"] => {
            let title = params.text("title");
            let all = project.milestones.iter();
            let all = all.filter(|(_, name)| title.as_ref().is_none_or(|title| title == name));
            page(
                all.map(|(id, title)| json!({"id": id, "title": title}))
                    .collect(),
                params,
            )
        }
        ["issues"] => {
            let wanted = params.text("state").unwrap_or_else(|| "all".to_owned());
            let search = params.text("search").unwrap_or_default();
            let all = project.issues.iter().rev().filter(|issue| {
                (wanted == "all" || issue.open == (wanted == "opened"))
                    && issue.title.contains(&search)
            });
            page(
                all.map(|issue| state.issue_json(project, issue)).collect(),
                params,
            )
        }
        ["members", "all", user] => {
            let user: u64 = user.parse().ok()?;
            // Also who has come in by an invited group, which the project itself does not show.
            let level = level.max(state.invited.get(&(id, user)).copied().unwrap_or(0));
            Reply::ok(&json!({"id": user, "access_level": level}))
        }
        ["protected_branches"] if level < 40 => Reply::message(403, "403 Forbidden"),
        ["protected_branches"] => {
            let all = project.protected.iter();
            page(
                all.map(|name| json!({"name": name, "allow_force_push": false}))
                    .collect(),
                params,
            )
        }
        ["variables"] if level < 40 => Reply::message(403, "403 Forbidden"),
        ["variables"] => {
            let all = project.variables.iter();
            let json =
                |(key, protected): &(String, bool)| json!({"key": key, "protected": protected});
            page(all.map(json).collect(), params)
        }
        _ => return None,
    };
    Some(reply)
}

fn group_json(group: &str, id: u64) -> Value {
    let name = group.rsplit('/').next();
    json!({"id": id, "full_path": group, "path": name, "name": name})
}

fn users(state: &State, params: &Params) -> Reply {
    let asked = params.text("username");
    let all = state.users.values();
    let all = all.filter(|u| {
        asked
            .as_ref()
            .is_none_or(|n| n.eq_ignore_ascii_case(&u.username))
    });
    page(all.map(|user| state.user_json(user.id)).collect(), params)
}

fn group_projects(state: &State, token: &Token, group: &str, params: &Params) -> Reply {
    let Some(group) = state.group(group) else {
        return Reply::not_found("Group");
    };
    let deep = params.flag("include_subgroups").unwrap_or(false);
    let inside = |path: &str| {
        let below = path
            .strip_prefix(group)
            .and_then(|rest| rest.strip_prefix('/'));
        below.is_some_and(|below| deep || !below.contains('/'))
    };
    let all = state.visible(token).filter(|project| inside(&project.path));
    let all = all.filter(|p| {
        params
            .flag("archived")
            .is_none_or(|asked| asked == p.archived)
    });
    page_of(all.collect(), params, |p| state.project_json(p, token))
}

fn projects(state: &State, token: &Token, params: &Params) -> Reply {
    let member = params.flag("membership").unwrap_or(false);
    let all = state
        .visible(token)
        .filter(|p| !member || state.level(token, p) > 10);
    let all = all.filter(|p| {
        params
            .flag("archived")
            .is_none_or(|asked| asked == p.archived)
    });
    page_of(all.collect(), params, |p| state.project_json(p, token))
}

/// The merge requests of all projects; without a scope only those of one's own.
fn merge_requests(state: &State, token: &Token, params: &Params) -> Reply {
    let scope = params.text("scope");
    let scope = scope.unwrap_or_else(|| "created_by_me".to_owned());
    let wanted = params.text("state").unwrap_or_else(|| "all".to_owned());
    let mut all = Vec::new();
    for project in state.visible(token) {
        let fits = project.merge_requests.iter().filter(|request| {
            (scope == "all" || request.author == token.user)
                && (wanted == "all" || request.state == wanted)
        });
        all.extend(fits.map(|request| (project, request)));
    }
    match params.text("order_by").as_deref() {
        Some("updated_at") => all.sort_by_key(|(_, r)| (r.updated_at, r.id)),
        _ => all.sort_by_key(|(_, request)| request.id),
    }
    if params.text("sort").as_deref() != Some("asc") {
        all.reverse();
    }
    page_of(all, params, |(project, request)| {
        state.request_json(project, request)
    })
}

fn branches(state: &State, id: u64, params: &Params) -> Reply {
    let project = &state.projects[&id];
    let search = params.text("search").unwrap_or_default();
    let fits = |name: &str| match search.strip_prefix('^') {
        Some(start) => name.starts_with(start),
        None => name.contains(&search),
    };
    let all = backend::branches(&project.repository);
    let all = all.into_iter().filter(|(name, _)| fits(name));
    page(
        all.map(|(name, sha)| state.branch_json(project, &name, &sha))
            .collect(),
        params,
    )
}

/// Whether a project protects a branch.
pub(super) fn is_protected(state: &State, id: u64, branch: &str) -> bool {
    let protected = &state.projects[&id].protected;
    protected.iter().any(|pattern| covers(pattern, branch))
}
