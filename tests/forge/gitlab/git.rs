//! Git against GitLab: the token in git's environment, what GitLab refuses, and merge requests that follow pushes.

use super::{SOURCE, settings};
use crate::conformance::{branch, request};
use crate::fake_gitlab::{FakeGitLab, NewToken, ProjectOptions};
use imagebot::forge::{Forge, GitLab, KnownIds, Repository};
use imagebot::git::{
    Cached, FileChange, Git, GitError, Identity, NewCommit, Push, Pushed, TreeEntryKind,
};
use imagebot::repo::{CommitId, RepoPath};
use std::collections::BTreeSet;

struct Bench {
    fake: FakeGitLab,
    forge: GitLab,
    token: String,
    git: Git,
    _folder: tempfile::TempDir,
}

impl Bench {
    /// Below a relative root, as some instances are.
    async fn new(options: ProjectOptions) -> Self {
        let fake = FakeGitLab::start_at("127.0.0.1:0", "/gitlab").await;
        fake.allow(1, "", 30);
        let token = fake.token(NewToken::default());
        let forge = GitLab::new(settings(&fake, &token, &["**"])).unwrap();
        fake.project("team/app", options);
        fake.commit("team/app", "main", &[("Dockerfile", "FROM node:1\n")]);
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity {
            name: "imagebot".to_owned(),
            email: "imagebot@example.org".to_owned(),
        };
        let git = Git::new(folder.path(), identity).await.unwrap();
        Self {
            fake,
            forge,
            token,
            git,
            _folder: folder,
        }
    }

    async fn repo(&self) -> Repository {
        let mut listing = self.forge.discover(&KnownIds::new()).await.unwrap();
        listing.repositories.remove(0)
    }

    async fn open(&self, repo: &Repository) -> Result<Cached, GitError> {
        let head = repo.head.clone().unwrap().1;
        let mut cached = self.git.open(&repo.remote, &head).await?;
        cached.fetch_commits(&BTreeSet::from([head])).await?;
        Ok(cached)
    }

    /// Commits a Dockerfile on the head and pushes it to a branch that is at `from`.
    async fn push(&self, repo: &Repository, name: &str, message: &str) -> (CommitId, Pushed) {
        let parent = repo.head.clone().unwrap().1;
        let cached = self.open(repo).await.unwrap();
        let file = FileChange {
            path: RepoPath::parse("Dockerfile").unwrap(),
            kind: TreeEntryKind::File,
            contents: b"FROM node:2\n".to_vec(),
        };
        let new = NewCommit {
            parent,
            files: vec![file],
            message: message.to_owned(),
        };
        let commit = cached.commit(&new).await.unwrap();
        let from = self.fake.head("team/app", name);
        let push = Push {
            branch: branch(name),
            from: from.map(|head| CommitId::parse(&head).unwrap()),
            to: Some(commit.clone()),
        };
        let mut pushed = cached.push(&[push]).await.unwrap();
        (commit, pushed.remove(0))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fetch_push_and_open_below_a_relative_root() {
    let bench = Bench::new(ProjectOptions::default()).await;
    let repo = bench.repo().await;
    let url = format!("{}/team/app.git", bench.fake.url());
    assert_eq!(repo.remote.url(), url);
    let (commit, pushed) = bench.push(&repo, SOURCE, "Update node").await;
    assert_eq!(pushed, Pushed::Done);
    assert_eq!(
        bench.fake.head("team/app", SOURCE),
        Some(commit.to_string())
    );
    let file = bench.fake.file("team/app", SOURCE, "Dockerfile");
    assert_eq!(file.as_deref(), Some("FROM node:2"));
    let created = bench.forge.create(&repo, &request(SOURCE, "one")).await;
    assert_eq!(created.unwrap().head, Some(commit));
    // A further push is noticed by the server, not by us.
    let (second, pushed) = bench.push(&repo, SOURCE, "Update node again").await;
    assert_eq!(pushed, Pushed::Done);
    assert_eq!(
        bench.fake.merge_requests("team/app")[0].sha,
        second.as_str()
    );
    let log = bench.fake.requests();
    let tokens: BTreeSet<u64> = log.iter().map(|request| request.token).collect();
    assert!(bench.fake.counts().git > 0);
    // Git asks once without the token only where it was not told to send it.
    assert_eq!(tokens.len(), 1, "{log:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f58_f59_what_gitlab_refuses_is_told_in_its_words() {
    for (options, words) in [
        (
            ProjectOptions {
                protected: vec!["imagebot/*".to_owned()],
                ..ProjectOptions::default()
            },
            "not allowed to push code to protected branches",
        ),
        (
            ProjectOptions {
                commit_regex: Some("^[A-Z]+-[0-9]+".to_owned()),
                ..ProjectOptions::default()
            },
            "Commit message does not follow the pattern",
        ),
    ] {
        let bench = Bench::new(options).await;
        let repo = bench.repo().await;
        let (_, pushed) = bench.push(&repo, SOURCE, "Update node").await;
        let Pushed::Refused(why) = pushed else {
            panic!("{pushed:?}");
        };
        assert!(why.contains(words), "{why}");
        assert_eq!(bench.fake.head("team/app", SOURCE), None);
        // Without the rule it is taken.
        bench.fake.change("team/app", |options| {
            options.protected.clear();
            options.commit_regex = None;
        });
        let (_, pushed) = bench.push(&repo, SOURCE, "Update node").await;
        assert_eq!(pushed, Pushed::Done);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_token_does_not_hang_and_is_not_told() {
    let bench = Bench::new(ProjectOptions::default()).await;
    let repo = bench.repo().await;
    bench.fake.revoke(&bench.token);
    let error = bench.open(&repo).await.map(|_| ()).unwrap_err();
    assert!(!error.to_string().contains("glpat"), "{error}");
}
