//! The commands that look at servers, on a GitLab that holds state.

use super::fake_gitlab::{FakeGitLab, NewToken, ProjectOptions};
use super::place::Place;
use insta::assert_snapshot;

/// A GitLab with a repository of every kind, and a configuration that leads there.
async fn world() -> (FakeGitLab, Place) {
    let fake = FakeGitLab::start().await;
    fake.set_registry(None);
    fake.real_time();
    fake.allow(1, "", 30);
    let token = fake.token(NewToken {
        expires_at: Some("2999-01-01"),
        ..NewToken::default()
    });
    let plain = ProjectOptions::default;
    fake.project("platform/base", plain());
    fake.commit("platform/base", "main", &[("Dockerfile", "FROM scratch\n")]);
    fake.project("platform/empty", plain());
    let archived = ProjectOptions {
        archived: true,
        ..plain()
    };
    fake.project("platform/old", archived);
    let fork = ProjectOptions {
        fork_of: Some(fake.id("platform/base")),
        ..plain()
    };
    fake.project("platform/fork", fork);
    fake.project("platform/legacy-x", plain());
    let config = format!(
        "cache = \"cache\"\n[[forge]]\nkind = \"gitlab\"\nurl = \"{}\"\ntoken = {{ env = \"TOKEN\" }}\nrepos = [\"platform/**\", \"!platform/legacy-*\"]\n",
        fake.url()
    );
    let mut place = Place::with(&[("config.toml", &config)]);
    place.set("TOKEN", &token);
    (fake, place)
}

/// What is printed, without the server's changing address.
fn shown(fake: &FakeGitLab, text: &str) -> String {
    let host = fake.url().trim_start_matches("http://");
    text.replace(host, "[HOST]")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repos_list_tells_what_is_registered_and_what_is_not() {
    let (fake, place) = world().await;
    let ran = place.run(&["repos", "list", "--config", "config.toml"]);
    assert_snapshot!(shown(&fake, &ran.all()), @r#"
    exit 0
    --- stdout
    platform/base   [HOST]  main   repos = "platform/**"
    platform/empty  [HOST]  empty  repos = "platform/**"
    excluded:
      platform/fork      fork
      platform/legacy-x  excluded
      platform/old       archived
    "#);
    let ran = place.run(&[
        "repos",
        "list",
        "--config",
        "config.toml",
        "--format",
        "json",
    ]);
    let json: serde_json::Value = serde_json::from_str(&ran.expect(0).stdout).unwrap();
    assert_eq!(json["registered"].as_array().map(Vec::len), Some(2));
    assert_eq!(json["left_out"].as_array().map(Vec::len), Some(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forge_doctor_says_what_is_right_and_what_is_wrong() {
    let (fake, mut place) = world().await;
    let ran = place.run(&["forge", "doctor", "--config", "config.toml"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stdout.contains("ok      "), "{}", ran.all());
    let token = fake.token(NewToken {
        scopes: vec!["read_api"],
        expires_at: Some("2000-01-01"),
        ..NewToken::default()
    });
    place.set("TOKEN", &token);
    let ran = place.run(&["forge", "doctor", "--config", "config.toml"]);
    assert_eq!(ran.code, 1, "{}", ran.all());
    assert!(ran.stdout.contains("problem"), "{}", ran.all());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forge_doctor_reports_a_refused_token_once() {
    let (fake, mut place) = world().await;
    place.set("TOKEN", "glpat-nobody");
    let ran = place.run(&["forge", "doctor", "--config", "config.toml"]);
    assert_snapshot!(shown(&fake, &ran.all()), @r"
    exit 1
    --- stdout
    [HOST]
      problem 127.0.0.1: the token is refused: Invalid token
              help: create a new token with the rights that docs/gitlab.md or docs/github.md lists, and store it where `token` of this [[forge]] reads it
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f27_a_wrong_token_is_one_error_with_its_cure() {
    let (fake, mut place) = world().await;
    place.set("TOKEN", "glpat-nobody");
    fake.clear_log();
    let ran = place.run(&["run", "--config", "config.toml"]);
    assert_snapshot!(shown(&fake, &ran.all()), @r"
    exit 1
    --- stdout
    error: [HOST]: the token is refused: Invalid token [forge-unauthorized]
      help: check the forge's `token`: `imagebot forge doctor` shows its rights and when it expires
    0 repositories, 0 references: nothing to do
    ");
    assert_eq!(fake.requests().len(), 1, "{:?}", fake.requests());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f30_a_sign_in_page_is_no_forge() {
    let (fake, place) = world().await;
    let fault = fake.fail("", "", 9, super::fake_gitlab::Fault::html());
    let ran = place.run(&["run", "--config", "config.toml"]);
    assert_snapshot!(shown(&fake, &ran.all()), @r"
    exit 1
    --- stdout
    error: [HOST]: http://[HOST]/ answered with a web page instead of JSON [not-a-forge]
      help: check the forge's `url`, and that no proxy or sign-in page is in front of its API
    0 repositories, 0 references: nothing to do
    ");
    assert!(fake.happened(fault) > 0);
    fake.heal();
    let again = place.run(&["run", "--config", "config.toml"]);
    assert_eq!(again.code, 0, "{}", again.all());
}
