//! The real client against the fake.

use crate::conformance::{Server, listed, request};
use crate::fake_github::{FakeGitHub, Options, TokenOptions};
use imagebot::forge::{
    Forge, ForgeError, GitHub, GitHubSettings, GitHubToken, Listing, Repository, ServerSettings,
};
use imagebot::repo::{CiStatus, CommitId, MergeRequest, RepoGlobs};
use std::time::Duration;

/// The token that every test uses unless it says otherwise.
pub(crate) const TOKEN: &str = "github_pat_CANARY0001";

/// The repository of most tests, and the branch of ours there.
pub(crate) const REPO: &str = "team/app";
pub(crate) const SOURCE: &str = "imagebot/a";

/// A fleet of `count` repositories in `team`, each with a branch of ours.
pub(crate) async fn fleet(count: usize) -> FakeGitHub {
    let fake = FakeGitHub::start().await;
    fake.token("imagebot", TOKEN, TokenOptions::default());
    fake.repo("team/r0000");
    fake.commit("team/r0000", "main", &[("Dockerfile", "FROM a:1\n")]);
    fake.commit("team/r0000", SOURCE, &[("Dockerfile", "FROM a:2\n")]);
    fake.copies("team/r0000", (1..count).map(|n| format!("team/r{n:04}")));
    fake
}

pub(crate) struct Bench {
    pub(crate) fake: FakeGitHub,
    pub(crate) github: GitHub,
}

impl Bench {
    /// A server with `team/app`, and a client for `team/*`.
    pub(crate) async fn start() -> Self {
        let fake = FakeGitHub::start().await;
        fake.token("imagebot", TOKEN, TokenOptions::default());
        fake.repo("team/app");
        Self::with(fake, &["team/*"])
    }

    /// A client for these globs.
    pub(crate) fn with(fake: FakeGitHub, globs: &[&str]) -> Self {
        let github = GitHub::new(settings(&fake, globs)).unwrap();
        Self { fake, github }
    }

    /// A server below a path.
    pub(crate) async fn below(root: &str) -> FakeGitHub {
        let options = Options {
            root: root.to_owned(),
            ..Options::default()
        };
        let fake = FakeGitHub::start_with(options).await;
        fake.token("imagebot", TOKEN, TokenOptions::default());
        fake
    }

    /// `team/app` with a branch of ours, as it is listed.
    pub(crate) async fn prepared(&self) -> Repository {
        let files = |version| [("Dockerfile", version)];
        self.fake.commit(REPO, "main", &files("FROM a:1\n"));
        self.fake.commit(REPO, SOURCE, &files("FROM a:2\n"));
        listed(&self.github, REPO).await
    }

    /// Opens a pull request from our branch with this title.
    pub(crate) async fn create(&self, repo: &Repository, title: &str) -> MergeRequest {
        let created = self.github.create(repo, &request(SOURCE, title)).await;
        created.unwrap()
    }

    /// As [`Bench::prepared`], with an open pull request: its repository, number and head.
    pub(crate) async fn opened(&self) -> (Repository, u64, CommitId) {
        let repo = self.prepared().await;
        let number = self.create(&repo, "a").await.number;
        (repo, number, self.fake.head(REPO, SOURCE).unwrap())
    }

    /// CI has succeeded for this commit, a while ago.
    pub(crate) fn passed(&self, commit: &CommitId) {
        let passed = Some("success");
        self.fake
            .settled_check(REPO, commit.as_str(), "build", passed);
    }

    pub(crate) async fn listing(&self) -> Listing {
        self.github
            .discover(&imagebot::forge::KnownIds::new())
            .await
            .unwrap()
    }
}

pub(crate) fn settings(fake: &FakeGitHub, globs: &[&str]) -> GitHubSettings {
    let server = ServerSettings {
        repos: RepoGlobs::parse(globs).unwrap(),
        proxy: false,
        clock: fake.clock(),
        pause: Duration::from_secs(1),
        ..ServerSettings::new("github", fake.url().parse().unwrap())
    };
    GitHubSettings {
        server,
        token: GitHubToken::Token(TOKEN.to_owned().into()),
        registry: None,
        auto_merge: false,
    }
}

#[async_trait::async_trait]
impl Server for Bench {
    fn forge(&self) -> &dyn Forge {
        &self.github
    }
    fn commit(&self, repo: &str, branch: &str, path: &str, text: &str) -> CommitId {
        self.fake.commit(repo, branch, &[(path, text)])
    }
    fn branch(&self, repo: &str, branch: &str) {
        self.fake.branch(repo, branch);
    }
    fn delete_branch(&self, repo: &str, branch: &str) {
        self.fake.delete_branch(repo, branch);
    }
    fn head(&self, repo: &str, branch: &str) -> Option<CommitId> {
        self.fake.head(repo, branch)
    }
    async fn merge(&self, repo: &Repository, number: u64) -> Result<CommitId, ForgeError> {
        let merged = self.fake.merge(repo.name.as_str(), number);
        merged.map_err(ForgeError::Conflict)
    }
    async fn comments(&self, repo: &Repository, number: u64) -> String {
        let (issue, _) = self.fake.pull(repo.name.as_str(), number);
        let bodies: Vec<String> = issue.comments.into_iter().map(|c| c.body).collect();
        bodies.join("\n---\n")
    }
    async fn ci(&self, repo: &Repository, commit: &CommitId, state: CiStatus) {
        let conclusion = match state {
            CiStatus::Running => None,
            CiStatus::Passed => Some("success"),
            CiStatus::Failed => Some("failure"),
            other => panic!("CI never reports {other:?}"),
        };
        let name = repo.name.as_str();
        self.fake
            .settled_check(name, commit.as_str(), "build", conclusion);
    }
    async fn notices(&self, repo: &Repository) -> Vec<String> {
        let state = self.fake.lock();
        let repo = state.repo_named(repo.name.as_str()).unwrap();
        let issues = repo.issues.values();
        let open = issues.filter(|issue| issue.pull.is_none() && issue.open);
        open.map(|issue| issue.body.clone()).collect()
    }
}
