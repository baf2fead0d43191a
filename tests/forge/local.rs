//! A folder of bare repositories.

use crate::conformance::{Server, branch, failed, listed, names, request};
use crate::git_repos::{Repos, write_program};
use imagebot::forge::{Forge, ForgeError, Listing, Local, Repository};
use imagebot::git::{Git, Identity};
use imagebot::repo::{CiStatus, CommitId, MergeRequestEdit, MergeRequestState, RepoGlobs};
use std::path::Path;

struct Bench {
    repos: Repos,
    local: Local,
}

impl Bench {
    async fn new() -> Self {
        Self::of(Repos::new(), &["**"], &[]).await
    }

    async fn of(repos: Repos, globs: &[&str], owners: &[u32]) -> Self {
        let identity = Identity {
            name: "imagebot".to_owned(),
            email: "imagebot@example.org".to_owned(),
        };
        let git = Git::new(&repos.beside("cache"), identity).await.unwrap();
        let globs = RepoGlobs::parse(globs).unwrap();
        let local = Local::new(git, &repos.root(), owners.to_vec(), globs);
        Self { repos, local }
    }

    /// `app` with a branch of ours that changes a file, as it is listed.
    async fn prepared(&self) -> Repository {
        self.repos.commit("app", &[("x", "1\n")]);
        self.repos.branch("app", "imagebot/x", "main");
        self.repos.commit_on("app", "imagebot/x", &[("x", "2\n")]);
        listed(&self.local, "app").await
    }

    /// The number of a new merge request from our branch.
    async fn create(&self, repo: &Repository) -> u64 {
        let created = self.local.create(repo, &request("imagebot/x", "one")).await;
        created.unwrap().number
    }

    async fn listing(&self) -> Listing {
        self.local
            .discover(&imagebot::forge::KnownIds::new())
            .await
            .unwrap()
    }
}

#[async_trait::async_trait]
impl Server for Bench {
    fn forge(&self) -> &dyn Forge {
        &self.local
    }
    fn commit(&self, repo: &str, branch: &str, path: &str, text: &str) -> CommitId {
        self.repos.commit_on(repo, branch, &[(path, text)])
    }
    fn branch(&self, repo: &str, branch: &str) {
        self.repos.branch(repo, branch, "refs/heads/main");
    }
    fn delete_branch(&self, repo: &str, branch: &str) {
        self.repos.delete_branch(repo, branch);
    }
    fn head(&self, repo: &str, branch: &str) -> Option<CommitId> {
        self.repos.head(repo, branch)
    }
    async fn merge(&self, repo: &Repository, number: u64) -> Result<CommitId, ForgeError> {
        self.local.merge_now(repo, number).await
    }
    async fn comments(&self, repo: &Repository, number: u64) -> String {
        self.local.comments(repo, number).await.unwrap()
    }
    async fn ci(&self, repo: &Repository, commit: &CommitId, state: CiStatus) {
        self.local.set_ci(repo, commit, state).await.unwrap();
    }
    async fn notices(&self, repo: &Repository) -> Vec<String> {
        self.local
            .notice_text(repo)
            .await
            .unwrap()
            .into_iter()
            .collect()
    }
}

conformance!(Bench::new());

#[tokio::test]
async fn globs_select_and_folders_may_be_nested() {
    let repos = Repos::new();
    for name in [
        "platform/base",
        "platform/deep/er/ruby",
        "apps/web",
        "apps/legacy",
        "top",
    ] {
        repos.commit(name, &[("Dockerfile", "FROM a:1\n")]);
    }
    std::fs::create_dir_all(repos.root().join("notes/.git/objects")).unwrap();
    std::fs::write(
        repos.root().join("notes/.git/HEAD"),
        "ref: refs/heads/main\n",
    )
    .unwrap();
    std::fs::write(repos.root().join("README"), "no repository\n").unwrap();
    std::fs::rename(repos.path("top"), repos.root().join("top")).unwrap();
    let bench = Bench::of(repos, &["**", "!apps/legacy"], &[]).await;
    let listing = bench.listing().await;
    assert_eq!(
        names(&listing),
        ["apps/web", "platform/base", "platform/deep/er/ruby", "top"]
    );
    assert_eq!(failed(&listing), []);
    let again = Bench::of(Repos::new(), &["nothing"], &[]).await;
    assert_eq!(names(&again.listing().await), Vec::<&str>::new());
}

#[tokio::test]
async fn t11_links_to_repositories_and_folders_are_not_followed() {
    let bench = Bench::new().await;
    bench.repos.commit("app", &[("Dockerfile", "FROM a:1\n")]);
    let outside = bench.repos.beside("outside");
    std::fs::rename(bench.repos.path("app"), outside.join("x").parent().unwrap()).unwrap();
    std::os::unix::fs::symlink(&outside, bench.repos.root().join("linked.git")).unwrap();
    std::os::unix::fs::symlink(bench.repos.beside(""), bench.repos.root().join("up")).unwrap();
    bench.repos.commit("own", &[("Dockerfile", "FROM a:1\n")]);
    assert_eq!(names(&bench.listing().await), ["own"]);
}

#[tokio::test]
async fn what_is_broken_is_a_failure_of_its_own() {
    let bench = Bench::new().await;
    for name in [
        "a",
        "broken-config",
        "no-refs",
        "option-branch",
        "z",
        "twice",
    ] {
        bench.repos.commit(name, &[("Dockerfile", "FROM a:1\n")]);
    }
    std::fs::write(bench.repos.path("broken-config").join("config"), "[core").unwrap();
    std::fs::remove_dir_all(bench.repos.path("no-refs").join("refs")).unwrap();
    // T16: git allows such a ref, though not such a branch.
    let refs = bench.repos.path("option-branch").join("refs/heads");
    std::fs::rename(refs.join("main"), refs.join("--upload-pack=x")).unwrap();
    std::fs::write(
        bench.repos.path("option-branch").join("HEAD"),
        "ref: refs/heads/--upload-pack=x\n",
    )
    .unwrap();
    let status = std::process::Command::new("cp")
        .arg("-r")
        .args([bench.repos.path("twice"), bench.repos.root().join("twice")])
        .status();
    assert!(status.unwrap().success());
    std::fs::create_dir_all(bench.repos.root().join("-option")).unwrap();
    std::fs::rename(
        bench.repos.path("z"),
        bench.repos.root().join("-option/z.git"),
    )
    .unwrap();
    let listing = bench.listing().await;
    assert_eq!(names(&listing), ["a"]);
    let mut failed = failed(&listing);
    failed.sort_unstable();
    assert_eq!(
        failed,
        [
            ("-option/z.git", "forge-refused"),
            ("broken-config", "git-unreadable"),
            ("no-refs", "git-unreadable"),
            ("option-branch", "forge-refused"),
            ("twice", "forge-refused"),
        ]
    );
}

#[tokio::test]
async fn a_folder_that_is_missing_or_is_itself_a_repository_is_told() {
    let repos = Repos::new();
    repos.commit("app", &[("Dockerfile", "FROM a:1\n")]);
    let bench = Bench::of(repos, &["**"], &[]).await;
    std::fs::rename(bench.repos.root(), bench.repos.beside("gone")).unwrap();
    let error = bench
        .local
        .discover(&imagebot::forge::KnownIds::new())
        .await
        .unwrap_err();
    assert!(matches!(error, ForgeError::Unreachable(_)), "{error}");
    std::fs::rename(bench.repos.beside("gone/app.git"), bench.repos.root()).unwrap();
    let error = bench
        .local
        .discover(&imagebot::forge::KnownIds::new())
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("is itself a repository"),
        "{error}"
    );
}

/// Gives a folder to another user; `false` where this user may not.
fn give(path: &Path, user: u32) -> bool {
    let status = std::process::Command::new("chown")
        .args(["-R", &user.to_string()])
        .arg(path)
        .output();
    status.unwrap().status.success()
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
async fn a_repository_of_somebody_else_is_refused_unless_its_owner_is_listed() {
    let repos = Repos::new();
    repos.commit("mine", &[("Dockerfile", "FROM a:1\n")]);
    repos.commit("theirs", &[("Dockerfile", "FROM a:1\n")]);
    if !give(&repos.path("theirs"), 12345) {
        eprintln!("skipped: only root can give files away");
        return;
    }
    let bench = Bench::of(repos, &["**"], &[]).await;
    let listing = bench.listing().await;
    assert_eq!(names(&listing), ["mine"]);
    assert_eq!(failed(&listing), [("theirs", "git-foreign-owner")]);
    assert!(
        listing.failed[0].1.to_string().contains("12345"),
        "{}",
        listing.failed[0].1
    );

    let bench = Bench::of(bench.repos, &["**"], &[12345]).await;
    let listing = bench.listing().await;
    assert_eq!(names(&listing), ["mine", "theirs"]);
    // The upload-pack and receive-pack that git starts trust it too.
    let repo = &listing.repositories[1];
    let head = repo.head.clone().unwrap().1;
    let identity = Identity {
        name: "i".to_owned(),
        email: "i@example.org".to_owned(),
    };
    let cache = bench.repos.beside("cache");
    let git = Git::new(&cache, identity).await.unwrap();
    let mut cached = git.open(&repo.remote, &head).await.unwrap();
    cached
        .fetch_commits(&std::collections::BTreeSet::from([head.clone()]))
        .await
        .unwrap();
    let push = imagebot::git::Push {
        branch: branch("imagebot/x"),
        from: None,
        to: Some(head.clone()),
    };
    assert_eq!(
        cached.push(&[push]).await.unwrap(),
        [imagebot::git::Pushed::Done]
    );
    bench
        .local
        .create(repo, &request("imagebot/x", "x"))
        .await
        .unwrap();
}

#[tokio::test]
async fn ci_states_are_kept_for_each_commit() {
    let bench = Bench::new().await;
    let one = bench.repos.commit("app", &[("x", "1\n")]);
    let two = bench.repos.commit("app", &[("x", "2\n")]);
    let repo = listed(&bench.local, "app").await;
    assert_eq!(bench.local.ci(&repo, &one).await.unwrap(), CiStatus::Never);
    for state in [
        CiStatus::Running,
        CiStatus::Failed,
        CiStatus::Failed,
        CiStatus::Passed,
    ] {
        bench.local.set_ci(&repo, &one, state).await.unwrap();
        assert_eq!(bench.local.ci(&repo, &one).await.unwrap(), state);
    }
    assert_eq!(bench.local.ci(&repo, &two).await.unwrap(), CiStatus::None);
    let states = [CiStatus::Running, CiStatus::Failed, CiStatus::Passed];
    let all = states.map(|state| bench.local.set_ci(&repo, &two, state));
    for done in futures::future::join_all(all).await {
        done.unwrap();
    }
    let one_of_them = bench.local.ci(&repo, &two).await.unwrap();
    assert!(states.contains(&one_of_them), "{one_of_them:?}");
    for commit in [&one, &two] {
        let removed = bench.local.set_ci(&repo, commit, CiStatus::None);
        removed.await.unwrap();
    }
    assert_eq!(bench.local.ci(&repo, &one).await.unwrap(), CiStatus::Never);
    assert_eq!(bench.repos.git("app", &["fsck", "--no-dangling"]), "");
}

#[tokio::test]
async fn a_damaged_merge_request_is_told_and_never_gone() {
    let bench = Bench::new().await;
    bench.repos.commit("app", &[("x", "1\n")]);
    bench.repos.branch("app", "imagebot/x", "main");
    let repo = listed(&bench.local, "app").await;
    bench.create(&repo).await;
    for at in ["main", "main^{tree}"] {
        bench
            .repos
            .git("app", &["update-ref", "refs/imagebot/mr/2", at]);
        let error = bench.local.all(&repo).await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("refs/imagebot/mr/2 of app is damaged"),
            "{error}"
        );
        let error = bench
            .local
            .create(&repo, &request("imagebot/x", "two"))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "forge-refused", "{error}");
    }
    bench
        .repos
        .git("app", &["update-ref", "-d", "refs/imagebot/mr/2"]);
    // What is no number is none of ours.
    for other in [
        "refs/imagebot/mr/07",
        "refs/imagebot/mr/x",
        "refs/imagebot/mr/+1",
    ] {
        bench.repos.git("app", &["update-ref", other, "main"]);
    }
    assert_eq!(bench.local.all(&repo).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_merge_requests_story_can_be_read_with_git() {
    let bench = Bench::new().await;
    let repo = bench.prepared().await;
    let number = bench.create(&repo).await;
    let edit = MergeRequestEdit {
        title: Some("two".to_owned()),
        description: None,
        ..MergeRequestEdit::default()
    };
    bench.local.edit(&repo, number, &edit).await.unwrap();
    bench
        .local
        .comment(&repo, number, "hello", "hello")
        .await
        .unwrap();
    bench.local.merge_now(&repo, number).await.unwrap();
    let story = bench
        .repos
        .git("app", &["log", "--format=%s", "refs/imagebot/mr/1"]);
    insta::assert_snapshot!(story, @r"
    !1: merged
    !1: commented
    !1: edited
    !1: opened
    ");
    let files = bench.repos.files("app", "refs/imagebot/mr/1");
    assert_eq!(files, ["comments.md", "description.md", "state.toml"]);
    let merge = bench
        .repos
        .git("app", &["log", "-1", "--format=%s / %an / %b", "main"]);
    insta::assert_snapshot!(merge, @"Merge branch 'imagebot/x' into 'main' / imagebot / two");
    assert_eq!(bench.repos.parents("app", "main").len(), 2);
    assert_eq!(bench.repos.git("app", &["fsck", "--no-dangling"]), "");
}

#[tokio::test]
async fn a_merge_that_was_cut_short_is_only_told_of() {
    let bench = Bench::new().await;
    let repo = bench.prepared().await;
    let number = bench.create(&repo).await;
    let merged = bench.repos.merge("app", "main", "imagebot/x");
    assert_eq!(bench.local.merge_now(&repo, number).await.unwrap(), merged);
    assert_eq!(bench.repos.head("app", "main"), Some(merged.clone()));
    assert_eq!(bench.repos.head("app", "imagebot/x"), None);
    let seen = bench.local.all(&repo).await.unwrap().remove(0);
    assert_eq!(
        (seen.state, seen.merged_as),
        (MergeRequestState::Merged, Some(merged))
    );
}

#[tokio::test]
async fn t15_no_hook_of_a_repository_runs_on_our_side() {
    let bench = Bench::new().await;
    bench.repos.commit("app", &[("x", "1\n")]);
    let marker = bench.repos.beside("pwned");
    let evil = bench.repos.beside("evil");
    write_program(
        &evil,
        &format!("echo \"$0 $*\" >> '{}'\nexit 1", marker.display()),
    );
    for hook in [
        "reference-transaction",
        "pre-receive",
        "update",
        "post-receive",
        "post-update",
        "commit-msg",
    ] {
        bench
            .repos
            .hook("app", hook, &format!("'{}' {hook}", evil.display()));
    }
    bench.repos.git(
        "app",
        &[
            "-c",
            "core.hooksPath=/dev/null",
            "update-ref",
            "refs/heads/imagebot/x",
            "main",
        ],
    );
    let repo = listed(&bench.local, "app").await;
    let number = bench.create(&repo).await;
    bench.local.comment(&repo, number, "x", "x").await.unwrap();
    bench.local.close(&repo, number).await.unwrap();
    bench.local.all(&repo).await.unwrap();
    assert_eq!(std::fs::read_to_string(&marker).unwrap_or_default(), "");
}

#[tokio::test]
async fn sha256_repositories_have_merge_requests_too() {
    let bench = Bench::new().await;
    bench.repos.create_sha256("app");
    bench.repos.commit("app", &[("x", "1\n")]);
    bench.repos.branch("app", "imagebot/x", "main");
    bench.repos.commit_on("app", "imagebot/x", &[("x", "2\n")]);
    bench.repos.commit("app", &[("y", "1\n")]);
    let repo = listed(&bench.local, "app").await;
    let number = bench.create(&repo).await;
    bench
        .local
        .set_ci(&repo, &repo.head.clone().unwrap().1, CiStatus::Running)
        .await
        .unwrap();
    let merged = bench.local.merge_now(&repo, number).await.unwrap();
    assert_eq!(bench.repos.head("app", "main"), Some(merged));
    assert_eq!(
        bench.repos.file_at("app", "main", "x").as_deref(),
        Some("2\n")
    );
}

#[tokio::test]
async fn a_listing_starts_git_once_for_each_repository() {
    let repos = Repos::new();
    for name in ["a", "b", "c"] {
        repos.commit(name, &[("x", "1\n")]);
        repos.branch(name, "imagebot/x", "main");
    }
    let (program, log) = (repos.beside("git-counter"), repos.beside("log"));
    let script = format!("echo \"$*\" >> '{}'\nexec git \"$@\"", log.display());
    write_program(&program, &script);
    let identity = Identity {
        name: "imagebot".to_owned(),
        email: "imagebot@example.org".to_owned(),
    };
    let cache = repos.beside("cache");
    let git = Git::with_program(&program, &cache, identity);
    let globs = RepoGlobs::parse(&["**"]).unwrap();
    let local = Local::new(git.await.unwrap(), &repos.root(), Vec::new(), globs);
    let started = || {
        let count = std::fs::read_to_string(&log)
            .unwrap_or_default()
            .lines()
            .count();
        let _ = std::fs::remove_file(&log);
        count
    };
    started();
    let repo = listed(&local, "a").await;
    assert_eq!(started(), 3, "listing three repositories");
    local.all(&repo).await.unwrap();
    assert_eq!(started(), 1, "reading no merge requests");
    local
        .create(&repo, &request("imagebot/x", "one"))
        .await
        .unwrap();
    assert_eq!(started(), 6, "opening a merge request");
    local.all(&repo).await.unwrap();
    assert_eq!(
        started(),
        3,
        "reading merge requests: their refs, sizes and files"
    );
}
