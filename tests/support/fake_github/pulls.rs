//! Pull requests: opening, changing, merging, by GitHub's rules.

use super::issues::{read_texts, renew_texts};
use super::server::{Call, Reply};
use super::state::{Pull, Repo, State};
use super::{Shared, git, render};
use crate::git_repos::Repos;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::process::Command;

/// A field's text.
pub(super) fn text(body: &Value, key: &str) -> Option<String> {
    body.get(key)?.as_str().map(str::to_owned)
}

/// A list of texts.
pub(super) fn texts(body: &Value, key: &str) -> Option<Vec<String>> {
    let list = body.get(key)?.as_array()?;
    Some(
        list.iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect(),
    )
}

pub(super) fn list(shared: &Shared, state: &State, repo: &Repo, call: &Call) -> Vec<Value> {
    let wanted = call.query.get("state").map_or("open", String::as_str);
    let head = call.query.get("head");
    let fits = |pull: &Pull, open: bool| {
        let owner = if pull.from_fork { "eve" } else { &repo.owner };
        let label = format!("{owner}:{}", pull.source);
        let right_state = match wanted {
            "open" => open,
            "closed" => !open,
            _ => true,
        };
        right_state && head.is_none_or(|head| head.eq_ignore_ascii_case(&label))
    };
    let issues = repo.issues.values().rev();
    issues
        .filter(|issue| {
            issue
                .pull
                .as_ref()
                .is_some_and(|pull| fits(pull, issue.open))
        })
        .map(|issue| render::pull(shared, state, repo, issue, false))
        .collect()
}

pub(super) fn create(shared: &Shared, state: &mut State, id: u64, call: &Call) -> Reply {
    let field = |key: &str| text(&call.body, key).unwrap_or_default();
    let (source, target, title) = (field("head"), field("base"), field("title"));
    let repo = &state.repos[&id];
    let heads = git::heads(&shared.repos.path(&repo.folder()));
    let wrong = |field: &str| {
        Reply::invalid(json!([{"resource": "PullRequest", "field": field, "code": "invalid"}]))
    };
    let custom = |message: String| {
        Reply::invalid(json!([{"resource": "PullRequest", "code": "custom", "message": message}]))
    };
    let seen = repo
        .seen_from
        .get(&source)
        .is_none_or(|from| *from <= call.now);
    let Some(head) = heads.get(&source).filter(|_| seen).cloned() else {
        return wrong("head");
    };
    let Some(base) = heads.get(&target) else {
        return wrong("base");
    };
    let same = |pull: &Pull| pull.source == source && pull.target == target && !pull.from_fork;
    let open = |issue: &&super::state::Issue| issue.open && issue.pull.as_ref().is_some_and(same);
    if repo.issues.values().find(open).is_some() {
        return custom(format!(
            "A pull request already exists for {}:{source}.",
            repo.owner
        ));
    }
    if head == *base || is_ancestor(&shared.repos, &repo.folder(), &head, base) {
        return custom(format!("No commits between {target} and {source}"));
    }
    let draft = call.body["draft"].as_bool().unwrap_or(false);
    if draft && !repo.drafts {
        return Reply::error(
            422,
            "Draft pull requests are not supported in this repository.",
        );
    }
    if title.is_empty() {
        let missing = json!([{"resource": "Issue", "field": "title", "code": "missing_field"}]);
        return Reply::invalid(missing);
    }
    let body = field("body");
    if let Some(reply) = too_long(&body) {
        return reply;
    }
    let number = repo.next_number();
    let place = format!("{}#{number}", repo.full_name());
    let mut issue = State::issue(number, &title, &body, &call.token.login, call.now);
    issue.pull = Some(Pull {
        source,
        target,
        head,
        draft,
        from_fork: false,
        reviewers: Vec::new(),
        merged: None,
        auto_merge: None,
        queued: false,
    });
    state.read_text(&place, &title);
    state.read_text(&place, &body);
    let repo = state.repos.get_mut(&id).expect("a repository");
    repo.issues.insert(number, issue);
    let (repo, issue) = (&state.repos[&id], &state.repos[&id].issues[&number]);
    Reply::new(201, render::pull(shared, state, repo, issue, true))
}

/// GitHub takes no text of more than 65,536 characters.
pub(super) fn too_long(text: &str) -> Option<Reply> {
    (text.chars().count() > 65_536).then(|| {
        Reply::invalid(
            json!([{"resource": "Issue", "code": "custom", "field": "body",
            "message": "body is too long (maximum is 65536 characters)"}]),
        )
    })
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
    let heads = git::heads(&shared.repos.path(&id.to_string()));
    let repo = state.repos.get_mut(&id).expect("a repository");
    let Some(issue) = repo.issues.get_mut(&number) else {
        return Reply::missing();
    };
    let Some(pull) = issue.pull.as_mut() else {
        return Reply::missing();
    };
    if let Some(base) = text(&call.body, "base") {
        if !heads.contains_key(&base) {
            return Reply::invalid(
                json!([{"resource": "PullRequest", "field": "base", "code": "invalid"}]),
            );
        }
        pull.target = base;
    }
    match text(&call.body, "state").as_deref() {
        Some("closed") => {
            issue.open = false;
            pull.auto_merge = None;
        }
        Some("open") if pull.merged.is_some() || !heads.contains_key(&pull.source) => {
            return Reply::invalid(
                json!([{"resource": "PullRequest", "code": "custom", "field": "state",
                "message": "state cannot be changed. The head branch was deleted or merged."}]),
            );
        }
        Some("open") => issue.open = true,
        _ => {}
    }
    renew_texts(issue, call);
    let (repo, issue) = (&state.repos[&id], &state.repos[&id].issues[&number]);
    Reply::ok(render::pull(shared, state, repo, issue, true))
}

pub(super) fn ask_reviewers(
    shared: &Shared,
    state: &mut State,
    id: u64,
    number: u64,
    call: &Call,
) -> Reply {
    let people = texts(&call.body, "reviewers").unwrap_or_default();
    let repo = state.repos.get_mut(&id).expect("a repository");
    if let Some(bad) = people
        .iter()
        .find(|name| !repo.collaborators.contains(*name))
    {
        let message = format!(
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified \
             is not a collaborator of the {} repository. ({bad})",
            repo.full_name()
        );
        return Reply::error(422, &message);
    }
    let Some(pull) = repo
        .issues
        .get_mut(&number)
        .and_then(|issue| issue.pull.as_mut())
    else {
        return Reply::missing();
    };
    for name in people {
        if !pull.reviewers.contains(&name) {
            pull.reviewers.push(name);
        }
    }
    let (repo, issue) = (&state.repos[&id], &state.repos[&id].issues[&number]);
    Reply::new(201, render::pull(shared, state, repo, issue, false))
}

pub(super) fn put_merge(
    shared: &Shared,
    state: &mut State,
    id: u64,
    number: u64,
    call: &Call,
) -> Reply {
    let Some(pull) = state.repos[&id]
        .issues
        .get(&number)
        .and_then(|issue| issue.pull.clone())
    else {
        return Reply::missing();
    };
    if text(&call.body, "sha").is_some_and(|sha| sha != pull.head) {
        return Reply::error(
            409,
            "Head branch was modified. Review and try the merge again.",
        );
    }
    let missing = state.repos[&id].missing(&pull);
    if !missing.is_empty() {
        let message = format!("Required status check \"{}\" is expected.", missing[0]);
        return Reply::error(405, &message);
    }
    let repo = &state.repos[&id];
    if repo.queue && !repo.bypass {
        return Reply::error(405, "Changes must be made through the merge queue");
    }
    let method = text(&call.body, "merge_method").unwrap_or_else(|| "merge".to_owned());
    let ruled = repo.allowed_methods.as_ref();
    let ruled = ruled.is_some_and(|allowed| !allowed.contains(&method));
    let refused = match method.as_str() {
        "merge" if ruled || repo.linear || !repo.allow_merge => "Merge commits are",
        "squash" if ruled || !repo.allow_squash => "Squash merges are",
        "rebase" if ruled || !repo.allow_rebase => "Rebase merges are",
        _ => "",
    };
    if !refused.is_empty() {
        let message = format!("{refused} not allowed on this repository.");
        return Reply::error(405, &message);
    }
    match merge(state, &shared.repos, id, number, &method, call.now) {
        Ok(sha) => Reply::ok(
            json!({"sha": sha, "merged": true, "message": "Pull Request successfully merged"}),
        ),
        Err(why) => Reply::error(405, &why),
    }
}

/// Merges with a merge commit: its id, or why not.
pub(super) fn merge(
    state: &mut State,
    repos: &Repos,
    id: u64,
    number: u64,
    method: &str,
    now: Timestamp,
) -> Result<String, String> {
    let repo = state.repos.get_mut(&id).ok_or("no repository")?;
    let (folder, delete) = (repo.folder(), repo.delete_branch_on_merge);
    let issue = repo.issues.get_mut(&number).ok_or("no pull request")?;
    let pull = issue.pull.as_mut().ok_or("no pull request")?;
    if !issue.open || pull.draft || conflicts(repos, &folder, pull) {
        return Err("Pull Request is not mergeable".to_owned());
    }
    let merged = repos.merge(&folder, &pull.target, &pull.source).to_string();
    pull.merged = Some((merged.clone(), now));
    pull.auto_merge = None;
    pull.queued = false;
    issue.open = false;
    if delete {
        repos.delete_branch(&folder, &pull.source);
    }
    repo.methods.push(method.to_owned());
    state.sync(repos, id);
    Ok(merged)
}

pub(super) fn conflicts(repos: &Repos, folder: &str, pull: &Pull) -> bool {
    let status = Command::new("git")
        .arg("-C")
        .arg(repos.path(folder))
        .args(["-c", "safe.directory=*", "merge-tree", "--write-tree"])
        .args([&format!("refs/heads/{}", pull.target), &pull.head])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status();
    !status.expect("git starts").success()
}

fn is_ancestor(repos: &Repos, folder: &str, one: &str, of: &str) -> bool {
    let status = Command::new("git")
        .arg("-C")
        .arg(repos.path(folder))
        .args([
            "-c",
            "safe.directory=*",
            "merge-base",
            "--is-ancestor",
            one,
            of,
        ])
        .stderr(std::process::Stdio::null())
        .status();
    status.expect("git starts").success()
}
