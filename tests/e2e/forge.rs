//! The forge that a test runs on: a folder, a GitLab or a GitHub. Each has the same verbs for what users do.

use super::bare::{copy, git};
use super::fake_github::{FakeGitHub, TokenOptions};
use super::fake_gitlab::{FakeGitLab, NewToken, ProjectOptions};
use imagebot::forge::{Forge as _, KnownIds, Local, Repository};
use imagebot::git::{Git, Identity};
use imagebot::repo::{
    Branch, CiStatus, CommitId, MergeRequest, MergeRequestEdit, MergeRequestState, RepoGlobs,
};
use std::path::{Path, PathBuf};

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Local,
    GitLab,
    GitHub,
}

/// The bot's token on the fakes.
const TOKEN: &str = "CANARY-forge-token-5d41402abc4b2a76";

pub(crate) enum TestForge {
    Local(Local, PathBuf),
    GitLab(FakeGitLab, String),
    GitHub(FakeGitHub),
}

/// Makes each test one of every forge.
macro_rules! on_every_forge {
    ($($name:ident),+ $(,)?) => {
        mod on_a_folder { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::forge::On::Local).await } )+ }
        mod on_gitlab { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::forge::On::GitLab).await } )+ }
        mod on_github { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::forge::On::GitHub).await } )+ }
    };
}

/// The same for those that are servers.
macro_rules! on_every_server {
    ($($name:ident),+ $(,)?) => {
        mod on_gitlab { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::forge::On::GitLab).await } )+ }
        mod on_github { $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() { super::$name($crate::forge::On::GitHub).await } )+ }
    };
}

/// The path of a repository on a server, which has none without a group.
pub(crate) fn path(repo: &str) -> String {
    match repo.contains('/') {
        true => repo.to_owned(),
        false => format!("team/{repo}"),
    }
}

impl TestForge {
    pub(crate) async fn new(on: On, folder: &Path) -> Self {
        match on {
            On::Local => Self::Local(local(folder).await, folder.join("repos")),
            On::GitLab => {
                let fake = FakeGitLab::start().await;
                fake.allow(1, "", 30);
                for person in ["ada", "grace"] {
                    fake.user(person, &[("", 30)]);
                }
                let token = fake.token(NewToken::default());
                Self::GitLab(fake, token)
            }
            On::GitHub => {
                let fake = FakeGitHub::start().await;
                fake.user("imagebot");
                fake.token("imagebot", TOKEN, TokenOptions::default());
                Self::GitHub(fake)
            }
        }
    }

    /// As it is now, at another place, to go its own way.
    pub(crate) async fn fork(&self, folder: &Path) -> Self {
        match self {
            Self::Local(_, repos) => {
                copy(repos, &folder.join("repos"));
                Self::Local(local(folder).await, folder.join("repos"))
            }
            Self::GitLab(fake, token) => Self::GitLab(fake.fork().await, token.clone()),
            Self::GitHub(fake) => Self::GitHub(fake.fork().await),
        }
    }

    /// The `[[forge]]` table that leads here.
    pub(crate) fn config(&self) -> String {
        match self {
            Self::Local(..) => "[[forge]]\nkind = \"local\"\npath = \"repos\"\n".to_owned(),
            Self::GitLab(fake, _) => format!(
                "[[forge]]\nkind = \"gitlab\"\nurl = \"{}\"\ntoken = {{ file = \"token\" }}\n",
                fake.url()
            ),
            Self::GitHub(fake) => format!(
                "[[forge]]\nkind = \"github\"\nurl = \"{}\"\ntoken = {{ file = \"token\" }}\npause = \"0s\"\n",
                fake.url()
            ),
        }
    }

    /// Where people open it; empty for a folder.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Local(..) => String::new(),
            Self::GitLab(fake, _) => fake.url().trim_end_matches('/').to_owned(),
            Self::GitHub(fake) => fake.url().trim_end_matches('/').to_owned(),
        }
    }

    /// The bot's token, where there is one.
    pub(crate) fn token(&self) -> Option<String> {
        match self {
            Self::Local(..) => None,
            Self::GitLab(_, token) => Some(token.clone()),
            Self::GitHub(_) => Some(TOKEN.to_owned()),
        }
    }

    /// The bare repository.
    pub(crate) fn dir(&self, repo: &str) -> PathBuf {
        match self {
            Self::Local(_, repos) => repos.join(format!("{repo}.git")),
            Self::GitLab(fake, _) => fake.repository(&path(repo)),
            Self::GitHub(fake) => fake.shared.repos.path(&fake.id(&path(repo)).to_string()),
        }
    }

    /// Makes an empty repository.
    pub(crate) fn create(&self, repo: &str) {
        match self {
            Self::Local(_, repos) => {
                let shown = repos.join(format!("{repo}.git")).display().to_string();
                let args = ["init", "-q", "--bare", "--initial-branch=main", &shown];
                git(None, &args, b"");
            }
            Self::GitLab(fake, _) => {
                let options = ProjectOptions {
                    without_ci: true,
                    milestones: vec!["next".to_owned()],
                    ..ProjectOptions::default()
                };
                fake.project(&path(repo), options);
            }
            Self::GitHub(fake) => {
                fake.repo(&path(repo));
                fake.set(&path(repo), |repo| repo.milestones.push("next".to_owned()));
            }
        }
    }

    /// People do something with git in the repository, and the server notices.
    pub(crate) fn with_git<T>(&self, repo: &str, act: impl FnOnce(&Path) -> T) -> T {
        match self {
            Self::Local(..) => act(&self.dir(repo)),
            Self::GitLab(fake, _) => {
                let done = act(&self.dir(repo));
                fake.pushed(&path(repo));
                done
            }
            Self::GitHub(fake) => {
                fake.with_git(&path(repo), |repos, folder| act(&repos.path(folder)))
            }
        }
    }

    /// All repositories as the tests name them, without the group that servers want.
    pub(crate) async fn repos(&self) -> Vec<String> {
        let mut names = match self {
            Self::Local(local, _) => {
                let listing = local.discover(&KnownIds::new()).await.expect("a listing");
                let repos = listing.repositories.iter();
                repos.map(|repo| repo.name.to_string()).collect()
            }
            Self::GitLab(fake, _) => fake.paths(),
            Self::GitHub(fake) => fake.names(),
        };
        for name in &mut names {
            *name = name.strip_prefix("team/").unwrap_or(name).to_owned();
        }
        names.sort();
        names
    }

    /// The repository of a folder, as imagebot sees it.
    async fn listed(local: &Local, name: &str) -> Repository {
        let listing = local.discover(&KnownIds::new()).await.expect("a listing");
        let mut repos = listing.repositories.into_iter();
        repos
            .find(|repo| repo.name.as_str() == name)
            .expect("the repository is registered")
    }

    /// All merge requests from our branches, the oldest first.
    pub(crate) async fn mrs(&self, repo: &str) -> Vec<MergeRequest> {
        let branch = |name: &str| Branch::parse(name).expect("a branch");
        match self {
            Self::Local(local, _) => {
                let repo = Self::listed(local, repo).await;
                local.all(&repo).await.expect("a list")
            }
            Self::GitLab(fake, _) => {
                let all = fake.merge_requests(&path(repo)).into_iter();
                all.map(|mr| MergeRequest {
                    number: mr.iid,
                    state: match mr.state {
                        "opened" => MergeRequestState::Open,
                        "merged" => MergeRequestState::Merged,
                        _ => MergeRequestState::Closed,
                    },
                    source: branch(&mr.source),
                    target: branch(&mr.target),
                    draft: mr.draft(),
                    title: mr.title,
                    description: mr.description,
                    labels: mr.labels,
                    head: CommitId::parse(&mr.sha).ok(),
                    merged_as: None,
                    created: None,
                    auto_merge: mr.auto_merge,
                    incomplete: false,
                })
                .collect()
            }
            Self::GitHub(fake) => {
                let all = fake.pulls(&path(repo)).into_iter();
                all.map(|(issue, pull)| MergeRequest {
                    number: issue.number,
                    state: match (issue.open, &pull.merged) {
                        (true, _) => MergeRequestState::Open,
                        (false, Some(_)) => MergeRequestState::Merged,
                        (false, None) => MergeRequestState::Closed,
                    },
                    source: branch(&pull.source),
                    target: branch(&pull.target),
                    title: issue.title,
                    description: issue.body,
                    labels: issue.labels,
                    head: CommitId::parse(&pull.head).ok(),
                    merged_as: None,
                    draft: pull.draft,
                    created: None,
                    auto_merge: pull.auto_merge.is_some(),
                    incomplete: false,
                })
                .collect()
            }
        }
    }

    pub(crate) async fn merge(&self, repo: &str, number: u64) {
        match self {
            Self::Local(local, _) => {
                let repo = Self::listed(local, repo).await;
                local.merge_now(&repo, number).await.expect("it merges");
            }
            Self::GitLab(fake, _) => drop(fake.merge(&path(repo), number).expect("it merges")),
            Self::GitHub(fake) => drop(fake.merge(&path(repo), number).expect("it merges")),
        }
    }

    pub(crate) async fn close(&self, repo: &str, number: u64) {
        match self {
            Self::Local(local, _) => {
                let repo = Self::listed(local, repo).await;
                local.close(&repo, number).await.expect("it closes");
            }
            Self::GitLab(fake, _) => fake.edit(&path(repo), number, |mr| mr.state = "closed"),
            Self::GitHub(fake) => fake.close(&path(repo), number),
        }
    }

    /// A person writes another text.
    pub(crate) async fn describe(&self, repo: &str, number: u64, text: &str) {
        match self {
            Self::Local(local, _) => {
                let edit = MergeRequestEdit {
                    description: Some(text.to_owned()),
                    ..MergeRequestEdit::default()
                };
                let repo = Self::listed(local, repo).await;
                local.edit(&repo, number, &edit).await.expect("edited");
            }
            Self::GitLab(fake, _) => {
                fake.edit(&path(repo), number, |mr| mr.description = text.to_owned());
            }
            Self::GitHub(fake) => {
                fake.change(&path(repo), number, |issue| issue.body = text.to_owned());
            }
        }
    }

    /// A person sets the labels.
    pub(crate) async fn label(&self, repo: &str, number: u64, labels: &[&str]) {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        match self {
            Self::Local(..) => self.by_hand(repo, number, |state| {
                let lines: Vec<&str> = state.lines().filter(|l| !l.starts_with("labels")).collect();
                format!("labels = {labels:?}\n{}\n", lines.join("\n"))
            }),
            Self::GitLab(fake, _) => fake.edit(&path(repo), number, |mr| mr.labels = labels),
            Self::GitHub(fake) => fake.change(&path(repo), number, |issue| issue.labels = labels),
        }
    }

    /// A person chooses another target branch.
    pub(crate) async fn retarget(&self, repo: &str, number: u64, target: &str) {
        match self {
            Self::Local(local, _) => {
                let edit = MergeRequestEdit {
                    target: Branch::parse(target).ok(),
                    ..MergeRequestEdit::default()
                };
                let repo = Self::listed(local, repo).await;
                local.edit(&repo, number, &edit).await.expect("edited");
            }
            Self::GitLab(fake, _) => {
                fake.edit(&path(repo), number, |mr| mr.target = target.to_owned());
            }
            Self::GitHub(fake) => fake.retarget(&path(repo), number, target),
        }
    }

    /// The default branch gets another name, and the old one goes.
    pub(crate) fn rename_default(&self, repo: &str, to: &str) {
        let old = self.with_git(repo, |dir| {
            let refs = super::bare::refs(dir);
            let head = refs["refs/heads/main"].clone();
            git(
                Some(dir),
                &["update-ref", &format!("refs/heads/{to}"), &head],
                b"",
            );
            head
        });
        match self {
            Self::Local(..) => {}
            Self::GitLab(fake, _) => fake.set_default_branch(&path(repo), to),
            Self::GitHub(fake) => fake.set_default_branch(&path(repo), to),
        }
        self.with_git(repo, |dir| {
            let full = format!("refs/heads/{to}");
            git(Some(dir), &["symbolic-ref", "HEAD", &full], b"");
            git(
                Some(dir),
                &["update-ref", "-d", "refs/heads/main", &old],
                b"",
            );
        });
    }

    /// What stands below a merge request.
    pub(crate) async fn comments(&self, repo: &str, number: u64) -> String {
        match self {
            Self::Local(local, _) => {
                let repo = Self::listed(local, repo).await;
                local.comments(&repo, number).await.expect("comments")
            }
            Self::GitLab(fake, _) => {
                let all = fake.merge_requests(&path(repo));
                let mr = all.iter().find(|mr| mr.iid == number).expect("it is there");
                let bodies = mr.notes.iter().map(|note| note.body.clone());
                bodies.collect::<Vec<_>>().join("\n")
            }
            Self::GitHub(fake) => {
                let (issue, _) = fake.pull(&path(repo), number);
                let bodies = issue.comments.iter().map(|c| c.body.clone());
                bodies.collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// The open notices on a repository.
    pub(crate) async fn notices(&self, repo: &str) -> Vec<String> {
        match self {
            Self::Local(local, _) => {
                let repo = Self::listed(local, repo).await;
                local
                    .notice_text(&repo)
                    .await
                    .expect("text")
                    .into_iter()
                    .collect()
            }
            Self::GitLab(fake, _) => {
                let all = fake.issues(&path(repo)).into_iter();
                all.filter(|issue| issue.open)
                    .map(|i| i.description)
                    .collect()
            }
            Self::GitHub(fake) => {
                let state = fake.lock();
                let repo = state.repo_named(&path(repo)).expect("a repository");
                let open = repo.issues.values().filter(|i| i.open && i.pull.is_none());
                open.map(|issue| issue.body.clone()).collect()
            }
        }
    }

    /// CI says this of a commit.
    pub(crate) async fn ci(&self, repo: &str, commit: &str, state: CiStatus) {
        match self {
            Self::Local(local, _) => {
                let repo = Self::listed(local, repo).await;
                let commit = CommitId::parse(commit).expect("an id");
                local.set_ci(&repo, &commit, state).await.expect("said");
            }
            Self::GitLab(fake, _) => {
                let status = match state {
                    CiStatus::Passed => "success",
                    CiStatus::Failed => "failed",
                    _ => "running",
                };
                fake.set_pipeline(&path(repo), commit, status);
                fake.end_pipelines(&path(repo), commit, status);
            }
            Self::GitHub(fake) => {
                let conclusion = match state {
                    CiStatus::Passed => Some("success"),
                    CiStatus::Failed => Some("failure"),
                    _ => None,
                };
                fake.settled_check(&path(repo), commit, "build", conclusion);
            }
        }
    }

    /// The check `build` is required, and the server may merge by itself.
    pub(crate) fn require_ci(&self, repo: &str) {
        match self {
            Self::GitHub(fake) => {
                fake.require_checks(&path(repo), "main", &["build"]);
                fake.set(&path(repo), |repo| repo.allow_auto_merge = true);
            }
            Self::GitLab(fake, _) => fake.change(&path(repo), |o| o.must_succeed = true),
            Self::Local(..) => {}
        }
    }

    /// A push rule of the repository, in the server's own words, or none.
    pub(crate) fn push_rule(&self, repo: &str, rule: bool) {
        match self {
            Self::GitLab(fake, _) => fake.change(&path(repo), |options| {
                options.commit_regex = rule.then(|| "^chore".to_owned());
            }),
            Self::GitHub(fake) if rule => {
                fake.refuse_pushes(&path(repo), "imagebot/", "Commit message must match ^chore");
            }
            Self::Local(..) if rule => {
                let said = "Commit message does not follow the pattern '^chore'";
                let script = format!("#!/bin/sh\necho \"{said}\" >&2\nexit 1\n");
                let hook = self.dir(repo).join("hooks/pre-receive");
                std::fs::create_dir_all(hook.parent().expect("a folder")).expect("made");
                std::fs::write(&hook, script).expect("written");
                let runnable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
                std::fs::set_permissions(&hook, runnable).expect("set");
            }
            _ => std::fs::remove_file(self.dir(repo).join("hooks/pre-receive")).expect("removed"),
        }
    }

    /// Changes the `state.toml` of a merge request in a folder.
    fn by_hand(&self, repo: &str, number: u64, change: impl FnOnce(&str) -> String) {
        let dir = self.dir(repo);
        let name = format!("refs/imagebot/mr/{number}");
        let show = |args: &[&str]| {
            let output = git(Some(&dir), args, b"");
            String::from_utf8(output).expect("text")
        };
        let state = show(&["cat-file", "blob", &format!("{name}:state.toml")]);
        let tree = show(&["ls-tree", &name]);
        let args = ["hash-object", "-w", "--stdin"];
        let blob = git(Some(&dir), &args, change(&state).as_bytes());
        let blob = String::from_utf8(blob).expect("text");
        let lines: Vec<String> = tree
            .lines()
            .map(|line| match line.ends_with("\tstate.toml") {
                true => format!("100644 blob {}\tstate.toml", blob.trim()),
                false => line.to_owned(),
            })
            .collect();
        let tree = git(
            Some(&dir),
            &["mktree"],
            format!("{}\n", lines.join("\n")).as_bytes(),
        );
        let tree = String::from_utf8(tree).expect("text");
        let args = ["commit-tree", tree.trim(), "-p", &name, "-m", "by hand"];
        let commit = show(&args);
        git(Some(&dir), &["update-ref", &name, commit.trim()], b"");
    }
}

async fn local(folder: &Path) -> Local {
    let identity = Identity {
        name: "a reviewer".to_owned(),
        email: "reviewer@example.com".to_owned(),
    };
    std::fs::create_dir_all(folder.join("repos")).expect("a folder");
    let git = Git::new(&folder.join("people"), identity)
        .await
        .expect("git works");
    let everything = RepoGlobs::parse(&["**"]).expect("a glob");
    Local::new(git, &folder.join("repos"), Vec::new(), everything)
}
