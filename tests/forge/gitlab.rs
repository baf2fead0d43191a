//! GitLab: the suite on the fake, and what is particular to it.

#[path = "gitlab/discovery.rs"]
mod discovery;
#[path = "gitlab/doctor.rs"]
mod doctor;
#[path = "gitlab/faults.rs"]
mod faults;
#[path = "gitlab/git.rs"]
mod git;
#[path = "gitlab/life.rs"]
mod life;
#[path = "gitlab/merging.rs"]
mod merging;
#[path = "gitlab/real.rs"]
mod real;
#[path = "gitlab/recorded.rs"]
mod recorded;
#[path = "gitlab/serve.rs"]
mod serve;

use crate::conformance::{Server, branch, request};
pub(super) use crate::conformance::{failed, left_out, names};
use crate::fake_gitlab::{self, FakeGitLab, NewToken, ProjectOptions};
use imagebot::forge::{
    Forge, ForgeError, GitLab, GitLabSettings, KnownIds, Listing, Repository, ServerSettings,
};
use imagebot::http::{Clock, Gates, Limits, Origin};
use imagebot::repo::{CiStatus, CommitId, MergeRequest, RepoGlobs};
use std::time::Duration;

/// A fake GitLab and a client with a developer's token.
pub(super) struct World {
    pub(super) fake: FakeGitLab,
    pub(super) forge: GitLab,
    pub(super) clock: Clock,
    pub(super) token: String,
}

pub(super) fn settings(fake: &FakeGitLab, token: &str, globs: &[&str]) -> GitLabSettings {
    let gates = Gates::new();
    let origin = Origin::of(&fake.url().parse().unwrap()).unwrap();
    // Without a rate, so that the clock is moved by waits that mean something.
    let limits = Limits {
        rate: None,
        ..Limits::default()
    };
    gates.limit(origin, limits);
    let server = ServerSettings {
        repos: RepoGlobs::parse(globs).unwrap(),
        proxy: false,
        clock: Clock::manual("2026-11-21T12:00:00Z".parse().unwrap()),
        gates,
        pause: Duration::from_millis(500),
        ..ServerSettings::new("gitlab", fake.url().parse().unwrap())
    };
    GitLabSettings {
        server,
        token: token.to_owned().into(),
    }
}

impl World {
    pub(super) async fn new() -> Self {
        Self::of(&["**"], |_| {}).await
    }

    /// One that works on `globs`, with further settings.
    pub(super) async fn of(globs: &[&str], change: impl FnOnce(&mut GitLabSettings)) -> Self {
        let fake = FakeGitLab::start().await;
        fake.allow(1, "", 30);
        let token = fake.token(NewToken::default());
        let mut settings = settings(&fake, &token, globs);
        change(&mut settings);
        let clock = settings.server.clock.clone();
        let forge = GitLab::new(settings).unwrap();
        Self {
            fake,
            forge,
            clock,
            token,
        }
    }

    /// Another client of the same server.
    pub(super) fn client(
        &self,
        globs: &[&str],
        change: impl FnOnce(&mut GitLabSettings),
    ) -> GitLab {
        let mut settings = settings(&self.fake, &self.token, globs);
        change(&mut settings);
        GitLab::new(settings).unwrap()
    }

    /// Makes projects with one commit each.
    pub(super) fn projects(&self, paths: &[&str]) {
        for path in paths {
            self.fake.project(path, ProjectOptions::default());
            self.fake
                .commit(path, "main", &[("Dockerfile", "FROM node:1\n")]);
        }
    }

    pub(super) async fn listing(&self) -> Listing {
        self.forge.discover(&KnownIds::new()).await.unwrap()
    }

    /// The one project `team/app` with a branch of ours, as it is listed.
    pub(super) async fn prepared(&self) -> Repository {
        self.projects(&["team/app"]);
        self.fake
            .commit("team/app", SOURCE, &[("Dockerfile", "FROM node:2\n")]);
        let mut listing = self.listing().await;
        assert_eq!(listing.repositories.len(), 1, "{:?}", listing.failed);
        self.fake.clear_log();
        listing.repositories.remove(0)
    }
}

impl World {
    /// As [`World::prepared`], with an open merge request of ours; its number.
    pub(super) async fn opened(&self) -> (Repository, u64) {
        let repo = self.prepared().await;
        let created = self.forge.create(&repo, &request(SOURCE, "one")).await;
        (repo, created.unwrap().number)
    }

    /// The head of our branch on `team/app`.
    pub(super) fn source_head(&self) -> CommitId {
        self.head("team/app", SOURCE).unwrap()
    }

    /// The first merge request of `team/app` as it is there.
    pub(super) fn there(&self) -> fake_gitlab::MergeRequest {
        self.fake.merge_requests("team/app").remove(0)
    }

    /// The first merge request from our branch as imagebot sees it.
    pub(super) async fn seen(&self, repo: &Repository) -> MergeRequest {
        let sources = [branch(SOURCE)].into();
        let found = self.forge.merge_requests(repo, &sources).await;
        found.unwrap().remove(0)
    }

    /// Says something on a merge request.
    pub(super) async fn comment(&self, repo: &Repository, number: u64, code: &str, text: &str) {
        let said = self.forge.comment(repo, number, code, text).await;
        said.unwrap();
    }
}

pub(super) const SOURCE: &str = "imagebot/node-1a2b3c4d";

#[async_trait::async_trait]
impl Server for World {
    fn forge(&self) -> &dyn Forge {
        &self.forge
    }
    fn commit(&self, repo: &str, branch: &str, path: &str, text: &str) -> CommitId {
        if !self.fake.exists(repo) {
            let options = ProjectOptions {
                without_ci: true,
                ..ProjectOptions::default()
            };
            self.fake.project(repo, options);
        }
        let sha = self.fake.commit(repo, branch, &[(path, text)]);
        CommitId::parse(&sha).unwrap()
    }
    fn branch(&self, repo: &str, branch: &str) {
        self.fake.branch(repo, branch);
    }
    fn delete_branch(&self, repo: &str, branch: &str) {
        self.fake.delete_branch(repo, branch);
    }
    fn head(&self, repo: &str, branch: &str) -> Option<CommitId> {
        let head = self.fake.head(repo, branch)?;
        CommitId::parse(&head).ok()
    }
    async fn merge(&self, repo: &Repository, number: u64) -> Result<CommitId, ForgeError> {
        match self.fake.merge(repo.name.as_str(), number) {
            Ok(sha) => Ok(CommitId::parse(&sha).unwrap()),
            Err(why) => Err(ForgeError::Conflict(why.to_owned())),
        }
    }
    async fn comments(&self, repo: &Repository, number: u64) -> String {
        let all = self.fake.merge_requests(repo.name.as_str());
        let found = all.iter().find(|mr| mr.iid == number).unwrap();
        let notes: Vec<&str> = found.notes.iter().map(|note| note.body.as_str()).collect();
        notes.join("\n")
    }
    async fn ci(&self, repo: &Repository, commit: &CommitId, state: CiStatus) {
        let status = match state {
            CiStatus::Running => "running",
            CiStatus::Passed => "success",
            CiStatus::Failed => "failed",
            other => panic!("CI never reports {other:?}"),
        };
        self.fake
            .set_pipeline(repo.name.as_str(), commit.as_str(), status);
    }
    async fn notices(&self, repo: &Repository) -> Vec<String> {
        let issues = self.fake.issues(repo.name.as_str());
        let open = issues.into_iter().filter(|issue| issue.open);
        open.map(|issue| issue.description).collect()
    }
}

conformance!(World::new());
