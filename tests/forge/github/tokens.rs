//! Apps and tokens: refreshed in time, shared with git, and examined.

use super::bench::{Bench, SOURCE, TOKEN, settings};
use crate::conformance::{listed, request};
use crate::fake_github::{FakeGitHub, TokenOptions};
use imagebot::forge::{DoctorLevel, Forge, ForgeError, GitHub, GitHubToken, KnownIds};
use imagebot::git::{Git, Identity};
use std::time::Duration;

const KEY: &str = include_str!("../../../fixtures/github/app.key");
const PUBLIC: &str = include_str!("../../../fixtures/github/app.pub");

async fn app(owners: &[&str], installation: Option<u64>) -> (FakeGitHub, GitHub) {
    let fake = FakeGitHub::start().await;
    fake.app(7, PUBLIC, owners);
    fake.repo("team/app");
    fake.repo("other/app");
    fake.commit("team/app", "main", &[("Dockerfile", "FROM a:1\n")]);
    fake.commit("team/app", SOURCE, &[("Dockerfile", "FROM a:2\n")]);
    let mut settings = settings(&fake, &["team/*"]);
    settings.token = GitHubToken::App {
        app_id: 7,
        installation,
        key: KEY.to_owned().into(),
    };
    let github = GitHub::new(settings).unwrap();
    (fake, github)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installations_token_is_refreshed_within_a_run_for_git_too() {
    let (fake, github) = app(&["team"], Some(1)).await;
    let repo = listed(&github, "team/app").await;
    // A token, the list, the heads.
    assert_eq!(fake.counts(), (2, 1, 0));
    github.branches(&repo).await.unwrap();
    assert_eq!(fake.counts(), (1, 0, 0), "one token serves them all");
    fake.clock().advance(Duration::from_secs(3000));
    github.create(&repo, &request(SOURCE, "a")).await.unwrap();
    assert_eq!(
        fake.lock().app.as_ref().unwrap().minted,
        2,
        "ten minutes before the end"
    );
    fake.clock().advance(Duration::from_secs(700));
    // The remote was listed with the first token, which is long past.
    let cache = tempfile::tempdir().unwrap();
    let who = Identity {
        name: "imagebot".to_owned(),
        email: "imagebot@example.org".to_owned(),
    };
    let git = Git::new(cache.path(), who).await.unwrap();
    let (_, base) = repo.head.clone().unwrap();
    let mut cached = git.open(&repo.remote, &base).await.unwrap();
    cached.fetch_commits(&[base].into()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_begins_with_a_fresh_token() {
    let (fake, github) = app(&["team"], Some(1)).await;
    let minted = || fake.lock().app.as_ref().unwrap().minted;
    let first = listed(&github, "team/app").await;
    fake.clock().advance(Duration::from_secs(300));
    listed(&github, "team/app").await;
    assert_eq!(minted(), 1);
    fake.clock().advance(Duration::from_secs(600));
    listed(&github, "team/app").await;
    assert_eq!(minted(), 2);
    // The name of the login stays, and github.com's registry is not this server's.
    assert!(first.registry.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_registry_of_a_server_is_the_one_that_the_operator_names() {
    let bench = Bench::start().await;
    bench.fake.commit("team/app", "main", &[("x", "x")]);
    let mut settings = settings(&bench.fake, &["team/*"]);
    settings.registry =
        Some(imagebot::image::RegistryHost::parse("containers.ghe.example.com").unwrap());
    let github = GitHub::new(settings).unwrap();
    let registry = listed(&github, "team/app").await.registry.unwrap();
    assert_eq!(registry.host.as_str(), "containers.ghe.example.com");
    assert_eq!(registry.realm, None);
    assert!(registry.login.is_none(), "a fine-grained token");
}

/// GitHub's registry takes classic tokens only; a refused login costs the public images as well.
#[tokio::test(flavor = "multi_thread")]
async fn row_8_only_a_classic_token_is_a_login_of_the_registry() {
    let host = imagebot::image::RegistryHost::parse("containers.ghe.example.com").unwrap();
    for (token, classic) in [
        ("ghp_CANARY0002", true),
        ("0123456789abcdef0123456789abcdef01234567", true),
        ("github_pat_CANARY0002", false),
        ("ghs_CANARY0002", false),
    ] {
        let bench = Bench::start().await;
        bench.fake.token("imagebot", token, TokenOptions::default());
        bench.fake.commit("team/app", "main", &[("x", "x")]);
        let mut settings = settings(&bench.fake, &["team/*"]);
        settings.token = GitHubToken::Token(token.to_owned().into());
        settings.registry = Some(host.clone());
        let github = GitHub::new(settings).unwrap();
        let registry = listed(&github, "team/app").await.registry.unwrap();
        assert_eq!(registry.login.is_some(), classic, "{token}");
        if let Some(login) = registry.login {
            assert_eq!(login.username, "x-access-token");
            assert!(!login.id.contains("CANARY"));
        }
        let found = github.doctor(&[], false).await;
        let warned = found
            .iter()
            .any(|f| f.what.contains("containers.ghe.example.com"));
        assert_eq!(warned, !classic, "{found:#?}");
    }
}

/// Without rate limits, an Enterprise Server's default, there is no such answer.
#[tokio::test(flavor = "multi_thread")]
async fn row_18_a_server_without_rate_limits_is_well() {
    let bench = Bench::start().await;
    bench.fake.lock().without_limits = true;
    bench.fake.commit("team/app", "main", &[("x", "x")]);
    let repo = listed(&bench.github, "team/app").await;
    let found = bench.github.doctor(&[repo], false).await;
    assert!(
        found.iter().all(|f| f.level < DoctorLevel::Problem),
        "{found:#?}"
    );
    let says = |words: &str| found.iter().any(|f| f.what.contains(words));
    assert!(
        says("a fine-grained token") && says("no check is required"),
        "{found:#?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_refused_too_early_is_asked_for_anew_once() {
    let (fake, github) = app(&["team"], Some(1)).await;
    let repo = listed(&github, "team/app").await;
    fake.lock().tokens.clear();
    github.branches(&repo).await.unwrap();
    assert_eq!(fake.lock().app.as_ref().unwrap().minted, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_installation_is_found_and_of_several_one_is_named() {
    let (_fake, github) = app(&["team"], None).await;
    assert_eq!(
        github
            .discover(&KnownIds::new())
            .await
            .unwrap()
            .repositories
            .len(),
        1
    );
    let (_fake, github) = app(&["team", "other"], None).await;
    let error = github.discover(&KnownIds::new()).await.unwrap_err();
    assert!(
        matches!(&error, ForgeError::Unauthorized(text) if text.contains("2 installations")),
        "{error}"
    );
    let (_fake, github) = app(&["team"], Some(9)).await;
    let error = github.discover(&KnownIds::new()).await.unwrap_err();
    assert!(matches!(error, ForgeError::Unauthorized(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_wrong_here_does_no_harm_to_the_app() {
    let (fake, _) = app(&["team"], Some(1)).await;
    let mut settings = settings(&fake, &["team/*"]);
    let wrong = "2026-11-21T13:00:00Z".parse().unwrap();
    settings.server.clock = imagebot::http::Clock::manual(wrong);
    settings.token = GitHubToken::App {
        app_id: 7,
        installation: Some(1),
        key: KEY.to_owned().into(),
    };
    let github = GitHub::new(settings).unwrap();
    // The token's end is then past by our clock: each request asks for one, and works.
    assert_eq!(
        github
            .discover(&KnownIds::new())
            .await
            .unwrap()
            .repositories
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_none_is_told_at_once() {
    let fake = FakeGitHub::start().await;
    let mut settings = settings(&fake, &["team/*"]);
    settings.token = GitHubToken::App {
        app_id: 7,
        installation: None,
        key: "CANARY no key".to_owned().into(),
    };
    let error = GitHub::new(settings).unwrap_err();
    assert!(
        matches!(&error, ForgeError::Unauthorized(text) if !text.contains("CANARY")),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_says_what_is_missing_and_what_is_too_much() {
    let bench = Bench::start().await;
    let workflow =
        "on:\n  push:\n    tags: ['v*']\njobs:\n  x:\n    steps:\n      - run: docker push x\n";
    let files = [
        ("Dockerfile", "FROM a:1\n"),
        (".github/workflows/ci.yml", workflow),
    ];
    bench.fake.commit("team/app", "main", &files);
    bench.fake.require_checks("team/app", "main", &["build"]);
    bench.fake.repo("other/app");
    bench.fake.commit("other/app", "main", &[("x", "x")]);
    let ends = "2026-11-25T12:00:00Z".parse().unwrap();
    let options = TokenOptions {
        scopes: Some("repo, workflow, admin:org".to_owned()),
        expires: Some(ends),
        ..TokenOptions::default()
    };
    bench.fake.token("imagebot", TOKEN, options);
    let github = GitHub::new(settings(&bench.fake, &["team/*", "other/*"])).unwrap();
    let repos = github
        .discover(&KnownIds::new())
        .await
        .unwrap()
        .repositories;
    let findings = github.doctor(&repos, false).await;
    let text: Vec<String> = findings
        .iter()
        .filter(|found| found.level != DoctorLevel::Ok)
        .map(|found| format!("{:?}: {}", found.level, found.what))
        .collect();
    assert_eq!(
        text,
        [
            "Warning: the token has more rights than imagebot needs: [\"admin:org\", \"workflow\"]",
            "Warning: the token may change workflows",
            "Warning: the token expires 2026-11-25 12:00:00 UTC",
            "Warning: one token reaches several owners: other, team",
            "Warning: team/app: its workflows seem to publish images for tags only",
        ]
    );
    assert!(
        findings
            .iter()
            .all(|found| !format!("{found:?}").contains("CANARY"))
    );
    // Where a rule allows changes of CI, the token needs the scope.
    let findings = github.doctor(&repos, true).await;
    let told = |what: &str| findings.iter().any(|found| found.what.contains(what));
    assert!(!told("change workflows") && told("[\"admin:org\"]"));
    bench.fake.revoke(TOKEN);
    let findings = github.doctor(&repos, false).await;
    assert_eq!(findings[0].level, DoctorLevel::Problem);
}

/// F27: once it is refused, nothing more is sent with it in this pass.
#[tokio::test(flavor = "multi_thread")]
async fn f27_a_refused_token_is_not_tried_again() {
    for refused in [true, false] {
        let bench = Bench::start().await;
        let repo = bench.prepared().await;
        if refused {
            bench.fake.revoke(TOKEN);
        }
        assert_eq!(bench.github.branches(&repo).await.is_err(), refused);
        bench.fake.take_log();
        let again = bench.github.branches(&repo).await;
        let sent = bench.fake.take_log().len();
        match refused {
            true => assert_eq!(again.unwrap_err().code(), "forge-unauthorized"),
            false => assert_eq!(again.unwrap().len(), 1),
        }
        assert_eq!(sent, usize::from(!refused));
        // The next pass tries it.
        let listing = bench.github.discover(&KnownIds::new()).await;
        assert_eq!(listing.is_err(), refused);
        assert!(!bench.fake.take_log().is_empty());
    }
}
