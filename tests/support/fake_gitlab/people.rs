//! What people and operators do on the instance.

use super::backend;
use super::state::{Issue, MergeRequest, Project, Token, User};
use super::{FakeGitLab, merging::Refusal};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What a new project is besides its path.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProjectOptions {
    pub(crate) archived: bool,
    pub(crate) fork_of: Option<u64>,
    pub(crate) mirror: bool,
    pub(crate) topics: Vec<String>,
    pub(crate) pending_deletion: bool,
    pub(crate) public: bool,
    /// Without pipelines.
    pub(crate) without_ci: bool,
    pub(crate) commit_regex: Option<String>,
    /// Protected branches, with `*`.
    pub(crate) protected: Vec<String>,
    /// CI/CD variables, and whether they are protected.
    pub(crate) variables: Vec<(String, bool)>,
    pub(crate) milestones: Vec<String>,
    pub(crate) must_succeed: bool,
    /// Only Maintainers may merge into the default branch, as in a new project.
    pub(crate) fully_protected: bool,
    /// Without merge requests.
    pub(crate) without_requests: bool,
}

/// A token to be made.
#[derive(Debug, Clone)]
pub(crate) struct NewToken {
    pub(crate) user: u64,
    pub(crate) scopes: Vec<&'static str>,
    pub(crate) expires_at: Option<&'static str>,
    /// The path of the group or project whose token it is.
    pub(crate) reach: Option<&'static str>,
}

impl Default for NewToken {
    fn default() -> Self {
        Self {
            user: 1,
            scopes: vec!["api"],
            expires_at: Some("2027-06-01"),
            reach: None,
        }
    }
}

impl FakeGitLab {
    /// Makes a project with an empty repository and gives its id.
    pub(crate) fn project(&self, path: &str, options: ProjectOptions) -> u64 {
        self.add(path, options, None)
    }

    fn add(&self, path: &str, options: ProjectOptions, shared: Option<PathBuf>) -> u64 {
        let mut state = self.lock();
        let id = state.new_id();
        let repository = shared.clone().unwrap_or_else(|| {
            let own = state.folder.join(format!("repositories/{id}.git"));
            backend::init(&own, None);
            own
        });
        state.make_groups(path);
        let milestones = options.milestones.into_iter().enumerate();
        let project = Project {
            id,
            path: path.to_owned(),
            default_branch: "main".to_owned(),
            archived: options.archived,
            fork_of: options.fork_of,
            mirror: options.mirror,
            topics: options.topics,
            pending_deletion: options.pending_deletion,
            public: options.public,
            ci: !options.without_ci,
            must_succeed: options.must_succeed,
            fully_protected: options.fully_protected,
            without_requests: options.without_requests,
            unhooked: 0,
            protected: options.protected,
            commit_regex: options.commit_regex,
            variables: options.variables,
            merge_requests: Vec::new(),
            issues: Vec::new(),
            milestones: milestones
                .map(|(at, title)| (at as u64 + 1, title))
                .collect(),
            pipelines: Vec::new(),
            repository,
            targets: BTreeMap::new(),
            shared: shared.is_some(),
        };
        state.projects.insert(id, project);
        id
    }

    /// Makes `count` projects `prefix-0`, `prefix-1`, … with the `main` of a project that is there. They share one
    /// repository until the first change, so that thousands cost nothing.
    pub(crate) fn seed(&self, template: &str, prefix: &str, count: usize) -> Vec<u64> {
        let repository = {
            let mut state = self.lock();
            let id = state.new_id();
            let project = state.named(template).unwrap();
            let repository = project.repository.with_file_name(format!("seed-{id}.git"));
            backend::init(&repository, Some(&project.repository));
            backend::write_ref(&repository, "main", &project.head("main").unwrap());
            repository
        };
        let options = ProjectOptions {
            without_ci: true,
            ..ProjectOptions::default()
        };
        let one = |number: usize| {
            let path = format!("{prefix}-{number}");
            self.add(&path, options.clone(), Some(repository.clone()))
        };
        (0..count).map(one).collect()
    }

    /// Changes what a project is.
    pub(crate) fn change(&self, path: &str, change: impl FnOnce(&mut ProjectOptions)) {
        let mut state = self.lock();
        let project = state.named_mut(path);
        let mut options = ProjectOptions {
            archived: project.archived,
            fork_of: project.fork_of,
            mirror: project.mirror,
            topics: project.topics.clone(),
            pending_deletion: project.pending_deletion,
            public: project.public,
            without_ci: !project.ci,
            commit_regex: project.commit_regex.clone(),
            protected: project.protected.clone(),
            variables: project.variables.clone(),
            milestones: Vec::new(),
            must_succeed: project.must_succeed,
            fully_protected: project.fully_protected,
            without_requests: project.without_requests,
        };
        change(&mut options);
        project.archived = options.archived;
        project.fork_of = options.fork_of;
        project.mirror = options.mirror;
        project.topics = options.topics;
        project.pending_deletion = options.pending_deletion;
        project.public = options.public;
        project.ci = !options.without_ci;
        project.commit_regex = options.commit_regex;
        project.protected = options.protected;
        project.variables = options.variables;
        project.must_succeed = options.must_succeed;
        project.fully_protected = options.fully_protected;
        project.without_requests = options.without_requests;
    }

    pub(crate) fn delete_project(&self, path: &str) {
        let mut state = self.lock();
        let id = state.named_mut(path).id;
        state.projects.remove(&id);
    }

    /// Renames or moves a project; the old path leads on until somebody takes it.
    pub(crate) fn move_project(&self, from: &str, to: &str) {
        let mut state = self.lock();
        let project = state.named_mut(from);
        project.path = to.to_owned();
        let id = project.id;
        state.moved.insert(from.to_owned(), id);
        state.make_groups(to);
    }

    /// Makes a user with access levels by path prefix (`""`: everywhere); gives its id.
    pub(crate) fn user(&self, username: &str, access: &[(&str, u64)]) -> u64 {
        let mut state = self.lock();
        let id = state.new_id();
        let access = access
            .iter()
            .map(|(prefix, level)| ((*prefix).to_owned(), *level));
        let user = User {
            id,
            username: username.to_owned(),
            access: access.collect::<BTreeMap<_, _>>(),
        };
        state.users.insert(id, user);
        id
    }

    /// Gives a user a level on a path and below.
    pub(crate) fn allow(&self, user: u64, prefix: &str, level: u64) {
        let mut state = self.lock();
        let user = state.users.get_mut(&user).unwrap();
        user.access.insert(prefix.to_owned(), level);
    }

    /// Makes a token; gives its secret.
    pub(crate) fn token(&self, new: NewToken) -> String {
        let mut state = self.lock();
        let id = state.new_id();
        let value = format!("glpat-CANARY{id}");
        state.tokens.push(Token {
            id,
            value: value.clone(),
            user: new.user,
            scopes: new.scopes.into_iter().map(str::to_owned).collect(),
            expires_at: new.expires_at.map(str::to_owned),
            revoked: false,
            expired: false,
            reach: new.reach.map(str::to_owned),
        });
        value
    }

    /// The id that requests with a token are logged with.
    pub(crate) fn token_id(&self, token: &str) -> u64 {
        let state = self.lock();
        state.tokens.iter().find(|t| t.value == token).unwrap().id
    }

    pub(crate) fn revoke(&self, token: &str) {
        let mut state = self.lock();
        let found = state.tokens.iter_mut().find(|t| t.value == token);
        found.unwrap().revoked = true;
    }

    pub(crate) fn expire(&self, token: &str) {
        let mut state = self.lock();
        let found = state.tokens.iter_mut().find(|t| t.value == token);
        found.unwrap().expired = true;
    }

    /// Whether there is a project with this path.
    pub(crate) fn exists(&self, path: &str) -> bool {
        self.lock().named(path).is_some()
    }

    /// The id of a project.
    pub(crate) fn id(&self, path: &str) -> u64 {
        self.lock().named(path).unwrap().id
    }

    /// A branch's head.
    pub(crate) fn head(&self, path: &str, branch: &str) -> Option<String> {
        self.lock().named(path)?.head(branch)
    }

    /// The folder of a project's bare repository.
    pub(crate) fn repository(&self, path: &str) -> std::path::PathBuf {
        self.lock().named_mut(path).own().to_owned()
    }

    /// A file's text at a branch.
    pub(crate) fn file(&self, path: &str, branch: &str, file: &str) -> Option<String> {
        let spec = format!("refs/heads/{branch}:{file}");
        backend::git(&self.repository(path), &["cat-file", "blob", &spec], b"")
    }

    /// A person commits files to a branch, made at the default branch's head where it is missing.
    pub(crate) fn commit(&self, path: &str, branch: &str, files: &[(&str, &str)]) -> String {
        let mut state = self.lock();
        let seconds = state.tick().as_second();
        let project = state.named_mut(path);
        let base = project
            .head(branch)
            .or_else(|| project.head(&project.default_branch));
        let text = "change by a person";
        let base = base.as_deref();
        let sha = backend::commit(project.own(), branch, base, files, text, seconds);
        let id = project.id;
        state.notice_push(id);
        sha
    }

    /// A person makes a branch at the default branch's head.
    pub(crate) fn branch(&self, path: &str, branch: &str) {
        let mut state = self.lock();
        let project = state.named_mut(path);
        let head = project.head(&project.default_branch).unwrap();
        backend::set_branch(project.own(), branch, Some(&head));
        let id = project.id;
        state.notice_push(id);
    }

    pub(crate) fn delete_branch(&self, path: &str, branch: &str) {
        let mut state = self.lock();
        let project = state.named_mut(path);
        backend::set_branch(project.own(), branch, None);
        let id = project.id;
        state.notice_push(id);
    }

    /// Another branch, which is there, becomes the default one.
    pub(crate) fn set_default_branch(&self, path: &str, branch: &str) {
        let mut state = self.lock();
        let project = state.named_mut(path);
        project.default_branch = branch.to_owned();
        let head = format!("ref: refs/heads/{branch}\n");
        std::fs::write(project.own().join("HEAD"), head).unwrap();
    }

    /// All merge requests of a project.
    pub(crate) fn merge_requests(&self, path: &str) -> Vec<MergeRequest> {
        self.lock().named(path).unwrap().merge_requests.clone()
    }

    pub(crate) fn issues(&self, path: &str) -> Vec<Issue> {
        self.lock().named(path).unwrap().issues.clone()
    }

    /// A person changes a merge request as they like: closes, reopens, retargets, edits, takes labels away.
    pub(crate) fn edit(&self, path: &str, iid: u64, change: impl FnOnce(&mut MergeRequest)) {
        let mut state = self.lock();
        let now = state.tick();
        let request = state.named_mut(path).request(iid).unwrap();
        change(request);
        request.updated_at = now;
    }

    /// Somebody presses *Rebase*: the newest commit of the source branch is written anew on the target, by GitLab.
    pub(crate) fn rebase(&self, path: &str, iid: u64) -> String {
        let mut state = self.lock();
        let project = state.named_mut(path);
        let request = project.request(iid).unwrap().clone();
        let target = project.head(&request.target).unwrap();
        let sha = backend::rebase(project.own(), &request.sha, &target).unwrap();
        backend::set_branch(project.own(), &request.source, Some(&sha));
        let id = project.id;
        state.notice_push(id);
        sha
    }

    /// A person writes the newest commit of a branch anew with a further file, and pushes by force.
    pub(crate) fn amend(&self, path: &str, branch: &str, file: &str, text: &str) -> String {
        let mut state = self.lock();
        let project = state.named_mut(path);
        let head = project.head(branch).unwrap();
        let sha = backend::amend(project.own(), &head, file, text);
        backend::set_branch(project.own(), branch, Some(&sha));
        let id = project.id;
        state.notice_push(id);
        sha
    }

    /// A person opens a merge request; from a fork, with the fork's id.
    pub(crate) fn open(&self, path: &str, source: &str, author: u64, fork: Option<u64>) -> u64 {
        let mut state = self.lock();
        let (now, id) = (state.tick(), state.new_id());
        let project = state.named_mut(path);
        let sha = project.head(source).unwrap_or_else(|| "f".repeat(40));
        let iid = project
            .merge_requests
            .iter()
            .map(|mr| mr.iid)
            .max()
            .unwrap_or(0)
            + 1;
        project.merge_requests.push(MergeRequest {
            id,
            iid,
            source_project: fork.unwrap_or(project.id),
            source: source.to_owned(),
            target: project.default_branch.clone(),
            title: "by a person".to_owned(),
            description: String::new(),
            labels: Vec::new(),
            state: "opened",
            sha,
            author,
            assignees: Vec::new(),
            reviewers: Vec::new(),
            milestone: None,
            squash: false,
            remove_source: false,
            created_at: now,
            updated_at: now,
            merged_as: None,
            auto_merge: false,
            approvals: 0,
            settling: 0,
            unlinked: false,
            closing: false,
            notes: Vec::new(),
        });
        iid
    }

    /// A person merges; the merge commit, or why not: `conflict`, `not open`.
    pub(crate) fn merge(&self, path: &str, iid: u64) -> Result<String, &'static str> {
        let mut state = self.lock();
        let project = state.named_mut(path);
        let id = project.id;
        let request = project.request(iid).ok_or("not there")?;
        if request.state != "opened" {
            return Err("not open");
        }
        // A person does not wait for CI.
        let sha = request.sha.clone();
        project.pipelines.retain(|pipeline| pipeline.sha != sha);
        match state.merge(id, iid, None, false) {
            Ok(()) => {
                let request = state.projects.get_mut(&id).and_then(|p| p.request(iid));
                Ok(request.and_then(|r| r.merged_as.clone()).unwrap())
            }
            Err(Refusal::Conflict) => Err("conflict"),
            Err(_) => Err("not mergeable"),
        }
    }

    /// A person merges on their own machine and pushes the target branch; GitLab notices.
    pub(crate) fn push_merge(&self, path: &str, iid: u64) -> String {
        let mut state = self.lock();
        let project = state.named_mut(path);
        let request = project.request(iid).unwrap().clone();
        let target = project.head(&request.target).unwrap();
        let repository = project.own();
        let merged = backend::merge(repository, &target, &request.sha, false, "by hand").unwrap();
        backend::set_branch(repository, &request.target, Some(&merged));
        let id = project.id;
        state.notice_push(id);
        merged
    }

    /// Ends the pipelines of a commit: `success`, `failed`, `canceled`, `skipped`, or sets them back to `running`.
    pub(crate) fn end_pipelines(&self, path: &str, sha: &str, status: &'static str) {
        let mut state = self.lock();
        let id = state.named_mut(path).id;
        state.end_pipelines(id, sha, status);
    }

    /// CI says this of a commit, whether or not it had a pipeline.
    pub(crate) fn set_pipeline(&self, path: &str, sha: &str, status: &'static str) {
        let mut state = self.lock();
        let new_id = state.new_id();
        let project = state.named_mut(path);
        let id = project.id;
        project.pipelines.push(super::state::Pipeline {
            id: new_id,
            sha: sha.to_owned(),
            source_sha: None,
            branch: String::new(),
            status: "running",
            late: false,
        });
        if status != "running" {
            state.end_pipelines(id, sha, status);
        }
    }

    /// A pipeline of merged results: it runs on a commit that GitLab made of a head and its target.
    pub(crate) fn merged_results(&self, path: &str, sha: &str, status: &'static str) {
        let mut state = self.lock();
        let id = state.new_id();
        let project = state.named_mut(path);
        project.pipelines.retain(|pipeline| pipeline.sha != sha);
        project.pipelines.push(super::state::Pipeline {
            id,
            sha: format!("{id:040x}"),
            source_sha: Some(sha.to_owned()),
            branch: String::new(),
            status,
            late: false,
        });
    }

    /// The statuses of a commit's pipelines, the newest first.
    pub(crate) fn pipelines(&self, path: &str, sha: &str) -> Vec<&'static str> {
        let mut state = self.lock();
        let all = state.named_mut(path).pipelines.iter().rev();
        all.filter(|p| p.sha == sha).map(|p| p.status).collect()
    }

    /// How many pushes to a project ran no hooks, because they moved too many refs.
    pub(crate) fn unhooked(&self, path: &str) -> usize {
        self.lock().named_mut(path).unhooked
    }

    /// Merge requests learn of their pipelines and of their new heads late, until `catch_up`.
    pub(crate) fn lag(&self, links: bool, diffs: bool) {
        let mut state = self.lock();
        (state.links_late, state.diffs_late) = (links, diffs);
    }

    /// Merge requests learn of their pipelines and heads.
    pub(crate) fn catch_up(&self, path: &str) {
        self.lag(false, false);
        let mut state = self.lock();
        let project = state.named_mut(path);
        for request in &mut project.merge_requests {
            request.unlinked = false;
        }
        let id = project.id;
        state.notice_push(id);
    }

    /// Somebody pushes a tag; `None` deletes it.
    pub(crate) fn tag(&self, path: &str, tag: &str, to: Option<&str>) {
        let mut state = self.lock();
        backend::set_tag(state.named_mut(path).own(), tag, to);
    }

    /// Pipelines are made, but shown only once they are told to be.
    pub(crate) fn pipelines_late(&self, late: bool) {
        let mut state = self.lock();
        state.pipelines_late = late;
        if !late {
            let projects = state.projects.values_mut();
            for pipeline in projects.flat_map(|project| &mut project.pipelines) {
                pipeline.late = false;
            }
        }
    }

    /// Pages of heads with more repositories take too long; 0: none does.
    pub(crate) fn slow(&self, heavy: usize) {
        self.lock().heavy = heavy;
    }

    /// A group with this user in it is invited to a project.
    pub(crate) fn invite(&self, path: &str, user: u64, level: u64) {
        let mut state = self.lock();
        let id = state.named_mut(path).id;
        state.invited.insert((id, user), level);
    }

    /// A group is archived with all its projects; their own flags stay as they are.
    pub(crate) fn archive_group(&self, group: &str) {
        self.lock().archived_groups.push(group.to_owned());
    }

    /// The status of merge requests that are opened from now on is `checking` so many times.
    pub(crate) fn settle_after(&self, times: u32) {
        self.lock().settling = times;
    }

    /// GitLab's version; `graphql`: whether that interface is there.
    pub(crate) fn set_version(&self, version: &str, graphql: bool) {
        let mut state = self.lock();
        state.version = version.to_owned();
        state.graphql = graphql;
    }

    pub(crate) fn set_complexity_limit(&self, limit: u64) {
        self.lock().complexity_limit = limit;
    }

    /// So many requests are left until that many seconds from now.
    pub(crate) fn set_rate(&self, left: u64, seconds: i64) {
        let mut state = self.lock();
        let reset = state.time().as_second() + seconds;
        state.rate = Some((left, reset));
    }

    /// The instance's clock: moved on by seconds.
    pub(crate) fn advance(&self, seconds: i64) {
        let mut state = self.lock();
        let time = jiff::SignedDuration::from_secs(seconds);
        state.now = state.now.map(|now| now.checked_add(time).unwrap());
    }

    /// The instance goes by the system's clock, for a bench.
    pub(crate) fn real_time(&self) {
        self.lock().now = None;
    }

    /// The host of the instance's container registry; `None`: there is none.
    pub(crate) fn set_registry(&self, host: Option<&str>) {
        self.lock().registry = host.map(str::to_owned);
    }
}
