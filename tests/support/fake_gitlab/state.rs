//! What the fake knows: projects, people, tokens, merge requests.

use super::faults::Scripted;
use super::text::Fired;
use super::wire::Logged;
use crate::cable::Cable;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Developer, GitLab's level from which branches are pushed and merge requests opened.
pub(super) const DEVELOPER: u64 = 30;

pub(super) struct State {
    pub(super) folder: PathBuf,
    pub(super) url: String,
    /// Stands still but for the second that each change takes; `None`: the system's clock.
    pub(super) now: Option<Timestamp>,
    pub(super) version: String,
    pub(super) graphql: bool,
    pub(super) complexity_limit: u64,
    pub(super) projects: BTreeMap<u64, Project>,
    /// Paths that projects once had.
    pub(super) moved: BTreeMap<String, u64>,
    /// Groups and their ids.
    pub(super) groups: BTreeMap<String, u64>,
    pub(super) users: BTreeMap<u64, User>,
    pub(super) tokens: Vec<Token>,
    pub(super) log: Vec<Logged>,
    pub(super) unexpected: Vec<String>,
    pub(super) faults: Vec<Scripted>,
    pub(super) cable: Cable,
    pub(super) fired: Vec<Fired>,
    /// Remaining requests and the second at which they are given back.
    pub(super) rate: Option<(u64, i64)>,
    pub(super) pipelines_late: bool,
    /// How many repositories a page of heads may have before it takes too long; 0: any number.
    pub(super) heavy: usize,
    /// What users have by groups that were invited to a project, by project and user; not shown by the project.
    pub(super) invited: BTreeMap<(u64, u64), u64>,
    /// Groups that were archived, with all below.
    pub(super) archived_groups: Vec<String>,
    /// Merge requests learn of their head's pipeline only when they are told to: Sidekiq has much to do.
    pub(super) links_late: bool,
    /// Merge requests learn of a new head only when they are told to.
    pub(super) diffs_late: bool,
    /// How often a new merge request's status is `checking` before it is told.
    pub(super) settling: u32,
    pub(super) next_id: u64,
    pub(super) registry: Option<String>,
    pub(super) granted: super::jwt::Granted,
}

#[derive(Clone)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) username: String,
    /// Access levels by path prefix.
    pub(super) access: BTreeMap<String, u64>,
}

#[derive(Clone)]
pub(super) struct Token {
    pub(super) id: u64,
    pub(super) value: String,
    pub(super) user: u64,
    pub(super) scopes: Vec<String>,
    pub(super) expires_at: Option<String>,
    pub(super) revoked: bool,
    pub(super) expired: bool,
    /// The path prefix of a group's or project's token.
    pub(super) reach: Option<String>,
}

#[derive(Clone)]
pub(super) struct Project {
    pub(super) id: u64,
    pub(super) path: String,
    pub(super) default_branch: String,
    pub(super) archived: bool,
    pub(super) fork_of: Option<u64>,
    pub(super) mirror: bool,
    pub(super) topics: Vec<String>,
    pub(super) pending_deletion: bool,
    pub(super) public: bool,
    /// Whether branches get pipelines.
    pub(super) ci: bool,
    pub(super) must_succeed: bool,
    /// Whether only Maintainers may merge into the default branch, as in a new project.
    pub(super) fully_protected: bool,
    /// Merge requests are switched off.
    pub(super) without_requests: bool,
    /// How many pushes ran no hook and no integration: they moved more than three refs.
    pub(super) unhooked: usize,
    pub(super) protected: Vec<String>,
    pub(super) commit_regex: Option<String>,
    pub(super) variables: Vec<(String, bool)>,
    pub(super) merge_requests: Vec<MergeRequest>,
    pub(super) issues: Vec<Issue>,
    pub(super) milestones: Vec<(u64, String)>,
    pub(super) pipelines: Vec<Pipeline>,
    pub(super) repository: PathBuf,
    /// Where the branches were when they were last looked at, of those that are targets.
    pub(super) targets: BTreeMap<String, String>,
    /// The repository is that of many seeded projects, until the first change.
    pub(super) shared: bool,
}

/// A merge request as it is on the server.
#[derive(Debug, Clone)]
pub(crate) struct MergeRequest {
    pub(crate) id: u64,
    pub(crate) iid: u64,
    pub(crate) source_project: u64,
    pub(crate) source: String,
    pub(crate) target: String,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) labels: Vec<String>,
    /// `opened`, `merged` or `closed`.
    pub(crate) state: &'static str,
    pub(crate) sha: String,
    pub(crate) author: u64,
    pub(crate) assignees: Vec<u64>,
    pub(crate) reviewers: Vec<u64>,
    pub(crate) milestone: Option<u64>,
    pub(crate) squash: bool,
    pub(crate) remove_source: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) merged_as: Option<String>,
    pub(crate) auto_merge: bool,
    pub(crate) approvals: usize,
    pub(crate) settling: u32,
    /// Its head's pipeline is not known to it yet.
    pub(crate) unlinked: bool,
    /// Its source branch is gone; it is closed a little later.
    pub(crate) closing: bool,
    pub(crate) notes: Vec<Note>,
}

#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) id: u64,
    pub(crate) author: u64,
    pub(crate) body: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Issue {
    pub(crate) id: u64,
    pub(crate) iid: u64,
    pub(crate) author: u64,
    pub(crate) title: String,
    pub(crate) description: String,
    pub(crate) open: bool,
    pub(crate) labels: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Pipeline {
    pub(super) id: u64,
    pub(super) sha: String,
    /// The branch's head, where the pipeline runs on a commit that GitLab made of it and its target.
    pub(super) source_sha: Option<String>,
    pub(super) branch: String,
    pub(super) status: &'static str,
    /// Not shown yet.
    pub(super) late: bool,
}

impl State {
    pub(super) fn new(folder: &Path, url: &str) -> Self {
        std::fs::create_dir_all(folder.join("repositories")).unwrap();
        let bot = User {
            id: 1,
            username: "imagebot".to_owned(),
            access: BTreeMap::new(),
        };
        Self {
            folder: folder.to_owned(),
            url: url.to_owned(),
            now: "2026-11-21T12:00:00Z".parse().ok(),
            version: "19.5.0-ee".to_owned(),
            graphql: true,
            complexity_limit: 250,
            projects: BTreeMap::new(),
            moved: BTreeMap::new(),
            groups: BTreeMap::new(),
            users: BTreeMap::from([(1, bot)]),
            tokens: Vec::new(),
            log: Vec::new(),
            unexpected: Vec::new(),
            faults: Vec::new(),
            cable: Cable::default(),
            fired: Vec::new(),
            rate: None,
            pipelines_late: false,
            heavy: 0,
            archived_groups: Vec::new(),
            invited: BTreeMap::new(),
            links_late: false,
            diffs_late: false,
            settling: 0,
            next_id: 100,
            registry: Some("registry.example.org".to_owned()),
            granted: super::jwt::Granted::default(),
        }
    }

    /// The time; a change moves it on.
    pub(super) fn tick(&mut self) -> Timestamp {
        let second = jiff::SignedDuration::from_secs(1);
        if let Some(now) = &mut self.now {
            *now = now.checked_add(second).unwrap();
        }
        self.time()
    }

    pub(super) fn time(&self) -> Timestamp {
        self.now.unwrap_or_else(Timestamp::now)
    }

    pub(super) fn new_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }

    /// Makes the groups above a path.
    pub(super) fn make_groups(&mut self, path: &str) {
        let mut parent = path;
        while let Some((group, _)) = parent.rsplit_once('/') {
            let id = self.new_id();
            self.groups.entry(group.to_owned()).or_insert(id);
            parent = group;
        }
    }

    /// A group's path, by path or id.
    pub(super) fn group(&self, name: &str) -> Option<&str> {
        let id = name.parse::<u64>().ok();
        let mut all = self.groups.iter();
        let found = all.find(|(path, known)| *path == name || Some(**known) == id);
        found.map(|(path, _)| path.as_str())
    }

    pub(super) fn named(&self, path: &str) -> Option<&Project> {
        self.projects.values().find(|project| project.path == path)
    }

    pub(super) fn named_mut(&mut self, path: &str) -> &mut Project {
        let found = self.projects.values_mut().find(|p| p.path == path);
        found.unwrap_or_else(|| panic!("no project {path}"))
    }

    /// Whether a project is in an archived group.
    pub(super) fn is_in_archived(&self, path: &str) -> bool {
        let mut groups = self.archived_groups.iter();
        groups.any(|group| path.starts_with(&format!("{group}/")))
    }

    pub(super) fn username(&self, id: u64) -> &str {
        self.users.get(&id).map_or("ghost", |u| u.username.as_str())
    }

    /// What a token may do with a project; 0 where it does not see it.
    pub(super) fn level(&self, token: &Token, project: &Project) -> u64 {
        let inside = |prefix: &str| {
            prefix.is_empty()
                || project.path == prefix
                || project.path.starts_with(&format!("{prefix}/"))
        };
        if token.reach.as_deref().is_some_and(|reach| !inside(reach)) {
            return 0;
        }
        let access = self.users.get(&token.user).map(|user| &user.access);
        let levels = access.into_iter().flatten();
        let level = levels
            .filter(|(prefix, _)| inside(prefix))
            .map(|(_, level)| *level)
            .max();
        level.unwrap_or(if project.public { 10 } else { 0 })
    }

    /// The projects that a token sees, by id.
    pub(super) fn visible<'a>(&'a self, token: &'a Token) -> impl Iterator<Item = &'a Project> {
        self.projects
            .values()
            .filter(|project| self.level(token, project) > 0)
    }
}

impl Project {
    /// The repository as one's own, before it is changed.
    pub(super) fn own(&mut self) -> &Path {
        if self.shared {
            let own = self.repository.with_file_name(format!("{}.git", self.id));
            super::backend::init(&own, Some(&self.repository));
            let head = self.head("main").unwrap();
            super::backend::write_ref(&own, "main", &head);
            self.repository = own;
            self.shared = false;
        }
        &self.repository
    }

    pub(super) fn head(&self, branch: &str) -> Option<String> {
        super::backend::read_ref(&self.repository, branch)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.head(&self.default_branch).is_none()
    }

    /// The newest pipeline of a commit that is shown.
    pub(super) fn pipeline(&self, sha: &str) -> Option<&Pipeline> {
        let mut shown = self.pipelines.iter().rev();
        shown.find(|pipeline| pipeline.sha == sha && !pipeline.late)
    }

    /// The pipeline of a merge request's head, once GitLab has linked it: what merging looks at.
    pub(super) fn head_pipeline(&self, request: &MergeRequest) -> Option<&Pipeline> {
        let mut shown = self.pipelines.iter().rev();
        let fits = |pipeline: &&Pipeline| {
            let of = pipeline.source_sha.as_ref().unwrap_or(&pipeline.sha);
            *of == request.sha && !pipeline.late
        };
        shown.find(fits).filter(|_| !request.unlinked)
    }

    /// The commit that a bare name stands for, as git reads it: a tag before a branch (gitrevisions).
    pub(super) fn bare(&self, name: &str) -> Option<String> {
        super::backend::read_tag(&self.repository, name).or_else(|| self.head(name))
    }

    pub(super) fn request(&mut self, iid: u64) -> Option<&mut MergeRequest> {
        self.merge_requests.iter_mut().find(|mr| mr.iid == iid)
    }
}

impl MergeRequest {
    pub(crate) fn draft(&self) -> bool {
        let title = self.title.to_ascii_lowercase();
        ["draft:", "[draft]", "(draft)"]
            .iter()
            .any(|p| title.starts_with(p))
    }
}
