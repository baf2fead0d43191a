//! What people do: on the site, with git, and in the settings.

use super::state::{App, Check, Issue, Owner, Pull, Repo, State, Suite, Token};
use super::{FakeGitHub, git, pulls};
use imagebot::repo::CommitId;
use std::collections::BTreeMap;

/// What a repository is made with.
#[derive(Debug, Clone)]
pub(crate) struct RepoOptions {
    pub(crate) archived: bool,
    pub(crate) fork: bool,
    pub(crate) mirror: bool,
    pub(crate) private: bool,
    pub(crate) topics: Vec<String>,
}

impl Default for RepoOptions {
    fn default() -> Self {
        Self {
            archived: false,
            fork: false,
            mirror: false,
            private: true,
            topics: Vec::new(),
        }
    }
}

/// What a token is made with: by default a fine-grained one that reaches everything and ends never.
#[derive(Debug, Clone, Default)]
pub(crate) struct TokenOptions {
    pub(crate) scopes: Option<String>,
    pub(crate) expires: Option<jiff::Timestamp>,
    pub(crate) reach: Vec<String>,
    pub(crate) read_only: bool,
    pub(crate) no_checks: bool,
    pub(crate) no_issues: bool,
}

impl FakeGitHub {
    pub(crate) fn org(&self, login: &str) {
        self.lock()
            .owners
            .insert(login.to_owned(), Owner::Organization);
    }

    pub(crate) fn user(&self, login: &str) {
        self.lock().owners.insert(login.to_owned(), Owner::User);
    }

    pub(crate) fn token(&self, login: &str, secret: &str, options: TokenOptions) {
        let token = Token {
            login: login.to_owned(),
            scopes: options.scopes,
            expires: options.expires,
            installation: None,
            reach: options.reach,
            read_only: options.read_only,
            checks: !options.no_checks,
            no_issues: options.no_issues,
        };
        self.lock().tokens.insert(secret.to_owned(), token);
    }

    pub(crate) fn revoke(&self, secret: &str) {
        self.lock().tokens.remove(secret);
    }

    /// An App with one installation for each of these owners, numbered from 1.
    pub(crate) fn app(&self, id: u64, public_key: &str, owners: &[&str]) {
        let installations = (1..).zip(owners.iter().map(|o| (*o).to_owned())).collect();
        let rights = ["contents", "pull_requests", "issues", "checks", "statuses"];
        self.lock().app = Some(App {
            id,
            public_key: public_key.to_owned(),
            installations,
            permissions: rights
                .map(|name| (name.to_owned(), "write".to_owned()))
                .into(),
            minted: 0,
        });
    }

    /// An empty repository.
    pub(crate) fn repo(&self, name: &str) -> u64 {
        self.repo_with(name, RepoOptions::default())
    }

    pub(crate) fn repo_with(&self, name: &str, options: RepoOptions) -> u64 {
        let id = self.register(name, options);
        self.shared.repos.create(&id.to_string());
        git::prepare(&self.shared.repos, &id.to_string());
        id
    }

    /// Many repositories with the branches and files of one that is there: a few small files each.
    pub(crate) fn copies(&self, of: &str, names: impl IntoIterator<Item = String>) {
        let from = self.shared.repos.path(&self.id(of).to_string());
        for name in names {
            let id = self.register(&name, RepoOptions::default());
            git::copy(&from, &self.shared.repos.path(&id.to_string()));
        }
    }

    fn register(&self, name: &str, options: RepoOptions) -> u64 {
        let (owner, repo) = name.split_once('/').expect("owner/name");
        let mut state = self.lock();
        state
            .owners
            .entry(owner.to_owned())
            .or_insert(Owner::Organization);
        let id = state.next_id();
        let made = Repo {
            id,
            owner: owner.to_owned(),
            name: repo.to_owned(),
            private: options.private,
            fork: options.fork,
            archived: options.archived,
            mirror: options.mirror,
            topics: options.topics,
            default_branch: "main".to_owned(),
            allow_auto_merge: false,
            allow_merge: true,
            allow_squash: true,
            allow_rebase: true,
            drafts: true,
            delete_branch_on_merge: true,
            required: BTreeMap::new(),
            issues: BTreeMap::new(),
            checks: BTreeMap::new(),
            suites: BTreeMap::new(),
            without_pulls: false,
            without_issues: false,
            seen_from: BTreeMap::new(),
            queue: false,
            bypass: false,
            allowed_methods: None,
            linear: false,
            methods: Vec::new(),
            milestones: Vec::new(),
            collaborators: ["ada".to_owned(), "grace".to_owned()].into(),
            ci: None,
        };
        state.moved.remove(&name.to_ascii_lowercase());
        state.names.insert(name.to_ascii_lowercase(), id);
        state.repos.insert(id, made);
        id
    }

    pub(crate) fn id(&self, name: &str) -> u64 {
        let state = self.lock();
        state
            .repo_named(name)
            .unwrap_or_else(|| panic!("no {name}"))
            .id
    }

    /// Changes what is held of a repository.
    pub(crate) fn set(&self, name: &str, change: impl FnOnce(&mut Repo)) {
        let id = self.id(name);
        change(self.lock().repos.get_mut(&id).expect("a repository"));
    }

    /// Renames or transfers; the old name leads to the new one until another takes it.
    pub(crate) fn rename(&self, from: &str, to: &str) {
        let (owner, repo) = to.split_once('/').expect("owner/name");
        let id = self.id(from);
        let mut state = self.lock();
        state
            .owners
            .entry(owner.to_owned())
            .or_insert(Owner::Organization);
        state.moved.insert(from.to_ascii_lowercase(), id);
        state.names.remove(&from.to_ascii_lowercase());
        state.names.insert(to.to_ascii_lowercase(), id);
        let found = state.repos.get_mut(&id).expect("a repository");
        (found.owner, found.name) = (owner.to_owned(), repo.to_owned());
    }

    pub(crate) fn delete_repo(&self, name: &str) {
        let id = self.id(name);
        let mut state = self.lock();
        state.repos.remove(&id);
        state.names.remove(&name.to_ascii_lowercase());
    }

    /// Commits files to a branch, made at the default branch where it is missing.
    pub(crate) fn commit(&self, name: &str, branch: &str, files: &[(&str, &str)]) -> CommitId {
        let (id, default) = (self.id(name), self.default_branch(name));
        let folder = id.to_string();
        let before = git::heads(&self.shared.repos.path(&folder));
        if !before.contains_key(branch) && before.contains_key(&default) {
            self.shared.repos.branch(&folder, branch, &default);
        }
        let commit = self.shared.repos.commit_on(&folder, branch, files);
        self.after_push(id, &before);
        commit
    }

    pub(crate) fn branch(&self, name: &str, branch: &str) {
        let (id, default) = (self.id(name), self.default_branch(name));
        let before = git::heads(&self.shared.repos.path(&id.to_string()));
        self.shared.repos.branch(&id.to_string(), branch, &default);
        self.after_push(id, &before);
    }

    pub(crate) fn delete_branch(&self, name: &str, branch: &str) {
        let id = self.id(name);
        let before = git::heads(&self.shared.repos.path(&id.to_string()));
        self.shared.repos.delete_branch(&id.to_string(), branch);
        self.after_push(id, &before);
    }

    /// Whatever else is done to a repository with git.
    pub(crate) fn with_git<T>(
        &self,
        name: &str,
        act: impl FnOnce(&crate::git_repos::Repos, &str) -> T,
    ) -> T {
        let id = self.id(name);
        let before = git::heads(&self.shared.repos.path(&id.to_string()));
        let done = act(&self.shared.repos, &id.to_string());
        self.after_push(id, &before);
        done
    }

    fn after_push(&self, id: u64, before: &BTreeMap<String, String>) {
        let after = git::heads(&self.shared.repos.path(&id.to_string()));
        let now = self.clock().now();
        let mut state = self.lock();
        state.pushed(before, &after, id, now);
        state.settle(&self.shared.repos, id, now);
    }

    pub(crate) fn head(&self, name: &str, branch: &str) -> Option<CommitId> {
        let id = self.id(name);
        let heads = git::heads(&self.shared.repos.path(&id.to_string()));
        CommitId::parse(heads.get(branch)?).ok()
    }

    fn default_branch(&self, name: &str) -> String {
        self.lock()
            .repo_named(name)
            .expect("a repository")
            .default_branch
            .clone()
    }

    pub(crate) fn set_default_branch(&self, name: &str, branch: &str) {
        let id = self.id(name);
        let full = format!("refs/heads/{branch}");
        self.shared
            .repos
            .git(&id.to_string(), &["symbolic-ref", "HEAD", &full]);
        self.set(name, |repo| repo.default_branch = branch.to_owned());
    }

    /// What a check says of a commit; `None`: it runs.
    pub(crate) fn check(&self, name: &str, commit: &str, check: &str, conclusion: Option<&str>) {
        let now = self.clock().now();
        self.say(
            name,
            commit,
            (check, "github-actions"),
            conclusion,
            false,
            now,
        );
    }

    /// What an old commit status says of a commit; `None`: pending.
    pub(crate) fn status(&self, name: &str, commit: &str, context: &str, state: Option<&str>) {
        let now = self.clock().now();
        self.say(name, commit, (context, ""), state, true, now);
    }

    /// What a check said of a commit an hour ago; `None`: it runs.
    pub(crate) fn settled_check(&self, name: &str, commit: &str, check: &str, said: Option<&str>) {
        let then = self.clock().now() - jiff::SignedDuration::from_hours(1);
        self.say(name, commit, (check, "github-actions"), said, false, then);
    }

    /// What another App's check says of a commit.
    pub(crate) fn app_check(&self, name: &str, commit: &str, check: &str, app: &str, said: &str) {
        let then = self.clock().now() - jiff::SignedDuration::from_hours(1);
        self.say(name, commit, (check, app), Some(said), false, then);
    }

    /// An App has a check suite for a commit; its runs are to come, or never come.
    pub(crate) fn suite(&self, name: &str, commit: &str, app: &str, status: &str) {
        let at = self.clock().now();
        self.set(name, |repo| {
            let suites = repo.suites.entry(commit.to_owned()).or_default();
            suites.retain(|suite| suite.app != app);
            suites.push(Suite {
                app: app.to_owned(),
                status: status.to_owned(),
                at,
            });
        });
    }

    /// The merge queue has tested what is in it, and merges it.
    pub(crate) fn run_queue(&self, name: &str) {
        let id = self.id(name);
        let now = self.clock().now();
        let mut state = self.lock();
        state.sync(&self.shared.repos, id);
        let all = state.repos[&id].issues.values();
        let queued = |issue: &&Issue| issue.pull.as_ref().is_some_and(|pull| pull.queued);
        let numbers: Vec<u64> = all.filter(queued).map(|issue| issue.number).collect();
        for number in numbers {
            let merged = pulls::merge(&mut state, &self.shared.repos, id, number, "queue", now);
            merged.expect("it merges");
        }
    }

    fn say(
        &self,
        name: &str,
        commit: &str,
        (check, app): (&str, &str),
        conclusion: Option<&str>,
        old: bool,
        at: jiff::Timestamp,
    ) {
        let id = self.id(name);
        let now = self.clock().now();
        let mut state = self.lock();
        let repo = state.repos.get_mut(&id).expect("a repository");
        let checks = repo.checks.entry(commit.to_owned()).or_default();
        checks.retain(|found| found.name != check);
        checks.push(Check {
            name: check.to_owned(),
            conclusion: conclusion.map(str::to_owned),
            is_status: old,
            at,
            app: app.to_owned(),
        });
        state.settle(&self.shared.repos, id, now);
    }

    pub(crate) fn require_checks(&self, name: &str, branch: &str, checks: &[&str]) {
        let checks = checks.iter().map(|check| (*check).to_owned()).collect();
        self.set(name, |repo| {
            drop(repo.required.insert(branch.to_owned(), checks))
        });
    }

    /// A ruleset refuses pushes to branches that begin so, with GitHub's words.
    pub(crate) fn refuse_pushes(&self, name: &str, prefix: &str, rule: &str) {
        let id = self.id(name);
        let script = format!(
            "while read -r old new ref; do case \"$ref\" in refs/heads/{prefix}*)\n\
             echo \"error: GH013: Repository rule violations found for $ref.\" >&2\n\
             echo \"Review all repository rules at https://github.com/{name}/rules?ref=$ref\" >&2\n\
             echo \"\" >&2\necho \"- {rule}\" >&2\nexit 1;; esac; done"
        );
        self.shared
            .repos
            .hook(&id.to_string(), "pre-receive", &script);
    }

    /// A pull request as it is now.
    pub(crate) fn pull(&self, name: &str, number: u64) -> (Issue, Pull) {
        let id = self.id(name);
        let mut state = self.lock();
        state.sync(&self.shared.repos, id);
        let issue = state.repos[&id]
            .issues
            .get(&number)
            .expect("an issue")
            .clone();
        let pull = issue.pull.clone().expect("a pull request");
        (issue, pull)
    }

    /// All pull requests.
    pub(crate) fn pulls(&self, name: &str) -> Vec<(Issue, Pull)> {
        let numbers: Vec<u64> = {
            let id = self.id(name);
            let state = self.lock();
            let pulls = state.repos[&id]
                .issues
                .values()
                .filter(|i| i.pull.is_some());
            pulls.map(|issue| issue.number).collect()
        };
        numbers
            .into_iter()
            .map(|number| self.pull(name, number))
            .collect()
    }

    /// Changes a pull request or an issue, as its page does.
    pub(crate) fn change(&self, name: &str, number: u64, change: impl FnOnce(&mut Issue)) {
        self.set(name, |repo| {
            change(repo.issues.get_mut(&number).expect("an issue"))
        });
    }

    pub(crate) fn close(&self, name: &str, number: u64) {
        self.change(name, number, |issue| issue.open = false);
    }

    pub(crate) fn reopen(&self, name: &str, number: u64) {
        let (_, pull) = self.pull(name, number);
        assert!(
            self.head(name, &pull.source).is_some(),
            "without its branch it stays closed"
        );
        self.change(name, number, |issue| issue.open = true);
    }

    pub(crate) fn retarget(&self, name: &str, number: u64, target: &str) {
        self.change(name, number, |issue| {
            issue.pull.as_mut().expect("a pull request").target = target.to_owned();
        });
    }

    /// *Merge pull request*.
    pub(crate) fn merge(&self, name: &str, number: u64) -> Result<CommitId, String> {
        let id = self.id(name);
        let now = self.clock().now();
        let mut state = self.lock();
        state.sync(&self.shared.repos, id);
        let merged = pulls::merge(&mut state, &self.shared.repos, id, number, "merge", now)?;
        CommitId::parse(&merged).map_err(|error| error.to_string())
    }

    /// *Update branch*: the target is merged into the source.
    pub(crate) fn update_branch(&self, name: &str, number: u64) -> CommitId {
        let (_, pull) = self.pull(name, number);
        self.with_git(name, |repos, folder| {
            repos.merge(folder, &pull.source, &pull.target)
        })
    }

    /// A pull request that somebody opens from a fork's branch of this name.
    pub(crate) fn pull_from_fork(&self, name: &str, branch: &str, head: &str) -> u64 {
        let now = self.clock().now();
        let mut number = 0;
        self.set(name, |repo| {
            number = repo.next_number();
            let mut issue = State::issue(number, "from a fork", "", "eve", now);
            issue.pull = Some(Pull {
                source: branch.to_owned(),
                target: repo.default_branch.clone(),
                head: head.to_owned(),
                draft: false,
                from_fork: true,
                reviewers: Vec::new(),
                merged: None,
                auto_merge: None,
                queued: false,
            });
            repo.issues.insert(number, issue);
        });
        number
    }

    /// What is left of a budget, and in how many seconds it starts anew.
    pub(crate) fn set_budget(&self, resource: &str, left: u64, seconds: i64) {
        let reset = self.clock().now().as_second() + seconds;
        self.lock()
            .budgets
            .insert(resource.to_owned(), (left, reset));
    }
}

impl State {
    pub(super) fn issue(
        number: u64,
        title: &str,
        body: &str,
        user: &str,
        now: jiff::Timestamp,
    ) -> Issue {
        Issue {
            number,
            title: title.to_owned(),
            // As GitHub keeps texts.
            body: body.replace("\r\n", "\n").trim_end().to_owned(),
            open: true,
            user: user.to_owned(),
            created: now,
            labels: Vec::new(),
            assignees: Vec::new(),
            milestone: None,
            comments: Vec::new(),
            pull: None,
        }
    }

    /// Branches moved: CI starts, and pull requests follow.
    pub(super) fn pushed(
        &mut self,
        before: &BTreeMap<String, String>,
        after: &BTreeMap<String, String>,
        id: u64,
        now: jiff::Timestamp,
    ) {
        let late = self.late;
        let Some(repo) = self.repos.get_mut(&id) else {
            return;
        };
        let new = after.keys().filter(|name| !before.contains_key(*name));
        let seen = now + jiff::SignedDuration::from_secs(late);
        repo.seen_from.extend(new.map(|name| (name.clone(), seen)));
        let Some(ci) = repo.ci.clone() else { return };
        for (branch, head) in after {
            if before.get(branch) != Some(head) {
                let checks = repo.checks.entry(head.clone()).or_default();
                if checks.is_empty() {
                    checks.push(Check {
                        name: ci.clone(),
                        conclusion: None,
                        is_status: false,
                        at: now,
                        app: "github-actions".to_owned(),
                    });
                }
            }
        }
    }
}
