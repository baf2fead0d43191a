//! What REST answers look like: the fields of GitLab's documentation that a client could read.

use super::state::{Issue, MergeRequest, Note, Pipeline, Project, State, Token};
use super::wire::{Params, Reply};
use serde_json::{Value, json};

impl State {
    pub(super) fn user_json(&self, id: u64) -> Value {
        let username = self.username(id);
        json!({"id": id, "username": username, "name": username, "state": "active",
            "web_url": format!("{}/{username}", self.url)})
    }

    pub(super) fn project_json(&self, project: &Project, token: &Token) -> Value {
        let (namespace, name) = project.path.rsplit_once('/').unwrap_or(("", &project.path));
        let empty = project.is_empty();
        let level = self.level(token, project);
        let access = (level > 0).then(|| json!({"access_level": level, "notification_level": 3}));
        let url = format!("{}/{}", self.url, project.path);
        let mut answer = json!({
            "id": project.id, "name": name, "path": name, "name_with_namespace": project.path,
            "path_with_namespace": project.path, "description": null,
            "default_branch": (!empty).then_some(&project.default_branch),
            "created_at": "2026-01-01T00:00:00.000Z", "archived": project.archived,
            "empty_repo": empty, "topics": project.topics, "tag_list": project.topics,
            "mirror": project.mirror, "visibility": if project.public { "public" } else { "private" },
            "web_url": url, "http_url_to_repo": format!("{url}.git"),
            "namespace": {"id": 1, "full_path": namespace, "kind": "group"},
            "marked_for_deletion_on": project.pending_deletion.then_some("2026-12-01"),
            "marked_for_deletion_at": project.pending_deletion.then_some("2026-12-01"),
            "merge_requests_enabled": !project.without_requests,
            "merge_requests_access_level": if project.without_requests { "disabled" } else { "enabled" },
            "issues_enabled": true,
            "builds_access_level": if project.ci { "enabled" } else { "disabled" },
            "permissions": {"project_access": access, "group_access": null},
        });
        if let Some(registry) = &self.registry {
            let prefix = format!("{registry}/{}", project.path.to_lowercase());
            answer["container_registry_image_prefix"] = prefix.into();
            answer["container_registry_access_level"] = "enabled".into();
        }
        // Shown only to who may see the parent.
        let seen = |parent: &u64| {
            let parent = self.projects.get(parent);
            parent.is_none_or(|parent| self.level(token, parent) > 0)
        };
        if let Some(parent) = project.fork_of.filter(seen) {
            answer["forked_from_project"] = json!({"id": parent});
        }
        answer
    }

    pub(super) fn request_json(&self, project: &Project, request: &MergeRequest) -> Value {
        let users =
            |ids: &[u64]| -> Vec<Value> { ids.iter().map(|id| self.user_json(*id)).collect() };
        let milestone = request.milestone.and_then(|id| {
            let found = project.milestones.iter().find(|(known, _)| *known == id);
            found.map(|(id, title)| json!({"id": id, "title": title}))
        });
        let status = match request.settling {
            _ if request.state != "opened" => "not_open",
            0 if request.draft() => "draft_status",
            0 => "mergeable",
            _ => "checking",
        };
        let pipeline = project.head_pipeline(request);
        json!({
            "id": request.id, "iid": request.iid, "project_id": project.id,
            "target_project_id": project.id, "source_project_id": request.source_project,
            "title": request.title, "description": request.description, "state": request.state,
            "source_branch": request.source, "target_branch": request.target, "labels": request.labels,
            "draft": request.draft(), "work_in_progress": request.draft(), "sha": request.sha,
            "author": self.user_json(request.author), "assignees": users(&request.assignees),
            "assignee": request.assignees.first().map(|id| self.user_json(*id)),
            "reviewers": users(&request.reviewers), "milestone": milestone,
            "created_at": request.created_at.to_string(), "updated_at": request.updated_at.to_string(),
            "merge_commit_sha": request.merged_as.as_ref().filter(|_| !request.squash),
            "squash_commit_sha": request.merged_as.as_ref().filter(|_| request.squash),
            "squash": request.squash, "merge_when_pipeline_succeeds": request.auto_merge,
            "force_remove_source_branch": request.remove_source,
            "detailed_merge_status": status, "has_conflicts": false,
            "head_pipeline": pipeline.map(|pipeline| self.pipeline_json(pipeline, project)),
            "web_url": format!("{}/{}/-/merge_requests/{}", self.url, project.path, request.iid),
        })
    }

    /// Whether a token's user may merge into the default branch.
    pub(super) fn may_merge(&self, token: &Token, project: &Project) -> bool {
        let least = if project.fully_protected { 40 } else { 30 };
        self.level(token, project) >= least
    }

    pub(super) fn pipeline_json(&self, pipeline: &Pipeline, project: &Project) -> Value {
        json!({"id": pipeline.id, "iid": pipeline.id, "project_id": project.id, "sha": pipeline.sha,
            "ref": pipeline.branch, "status": pipeline.status, "source": "push",
            "web_url": format!("{}/{}/-/pipelines/{}", self.url, project.path, pipeline.id)})
    }

    pub(super) fn note_json(&self, note: &Note) -> Value {
        json!({"id": note.id, "body": note.body, "author": self.user_json(note.author), "system": false,
            "noteable_type": "MergeRequest"})
    }

    pub(super) fn issue_json(&self, project: &Project, issue: &Issue) -> Value {
        json!({"id": issue.id, "iid": issue.iid, "project_id": project.id, "title": issue.title,
            "description": issue.description, "state": if issue.open { "opened" } else { "closed" },
            "labels": issue.labels, "author": self.user_json(issue.author)})
    }

    pub(super) fn branch_json(&self, project: &Project, name: &str, sha: &str) -> Value {
        let default = name == project.default_branch && project.fully_protected;
        let protected = default || project.protected.iter().any(|p| covers(p, name));
        json!({"name": name, "merged": false, "default": name == project.default_branch,
            "protected": protected, "can_push": true, "developers_can_push": !protected,
            "developers_can_merge": !protected,
            "commit": {"id": sha, "short_id": &sha[..8], "title": "a commit"}})
    }

    pub(super) fn token_json(&self, token: &Token) -> Value {
        json!({"id": token.id, "name": "bot", "revoked": token.revoked, "active": !token.revoked,
            "created_at": "2026-01-01T00:00:00.000Z", "scopes": token.scopes, "user_id": token.user,
            "expires_at": token.expires_at})
    }
}

/// Whether a protected branch's name, which may hold `*`, covers a branch.
pub(super) fn covers(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        Some((start, end)) => name.starts_with(start) && name.ends_with(end),
        None => pattern == name,
    }
}

/// One page of a list, with the headers of offset paging.
pub(super) fn page(all: Vec<Value>, params: &Params) -> Reply {
    page_of(all, params, Value::clone)
}

/// One page of a list whose entries are written only where they are shown: lists may be long.
pub(super) fn page_of<T>(all: Vec<T>, params: &Params, write: impl Fn(&T) -> Value) -> Reply {
    let size = params.number("per_page").unwrap_or(20).clamp(1, 100) as usize;
    let number = params.number("page").unwrap_or(1).max(1) as usize;
    let total = all.len();
    let pages = total.div_ceil(size).max(1);
    let shown = all.iter().skip((number - 1) * size).take(size);
    let shown: Vec<Value> = shown.map(write).collect();
    let next = if number < pages {
        (number + 1).to_string()
    } else {
        String::new()
    };
    let mut reply = Reply::ok(&Value::Array(shown))
        .header("x-page", number)
        .header("x-per-page", size)
        .header("x-next-page", &next)
        .header(
            "x-prev-page",
            if number > 1 {
                (number - 1).to_string()
            } else {
                String::new()
            },
        );
    // Lists of more than 10,000 have no totals (GitLab docs, "Pagination response headers").
    if total <= 10_000 {
        reply = reply
            .header("x-total", total)
            .header("x-total-pages", pages);
    }
    if !next.is_empty() {
        let query = params.0.iter().filter(|(key, _)| key.as_str() != "page");
        let query = query.filter_map(|(key, value)| Some((key, value.as_str()?)));
        let mut link = url::Url::parse(&params.1).unwrap();
        link.query_pairs_mut()
            .extend_pairs(query)
            .append_pair("page", &next);
        reply = reply.header("link", format!("<{link}>; rel=\"next\""));
    }
    reply
}
