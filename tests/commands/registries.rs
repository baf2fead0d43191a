//! `registry doctor` and `tags` against a registry that is right, wrong or none.

use super::fake_registry::{Auth, FakeRegistry, Fault};
use super::place::Place;
use insta::assert_snapshot;
use serde_json::json;

fn place(fake: &FakeRegistry) -> Place {
    let place = Place::new();
    place.write(
        "config.toml",
        format!(
            "public_registries = false\n[[registry]]\nhost = \"{}\"\nplain_http = true\n",
            fake.address()
        ),
    );
    place
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_walks_every_step() {
    let fake = FakeRegistry::start().await;
    fake.push("team/app", "1.0", json!({}));
    let place = place(&fake);
    let image = format!("{}/team/app", fake.address());
    let args = ["registry", "doctor", &image, "--config", "config.toml"];
    assert_snapshot!(place.run(&args).all(), @r"
    exit 0
    --- stdout
    [HOST]/team/app
      skipped  login: none is configured
      ok       listed: API at http://[HOST]
      ok       dns: 127.0.0.1
      ok       tcp: port [PORT] is open
      skipped  tls: plain_http is set; the connection is not encrypted
      ok       registry: no login required
      skipped  auth: no login needed
      skipped  token: not needed
      ok       tags: 1 tags
      ok       manifest: 1.0 is sha256:[SHORT]
    ");
    let value = place
        .run(&[&args[..], &["--format", "json"]].concat())
        .expect(0)
        .json();
    assert_eq!(value["registries"][0]["subject"], image);
    let steps = value["registries"][0]["steps"].as_array().expect("steps");
    assert!(
        steps
            .iter()
            .all(|step| step["outcome"] != "failed" && step["help"].is_null())
    );
    // Without a subject, every registry that is configured.
    let value = place
        .run(&[
            "registry",
            "doctor",
            "--config",
            "config.toml",
            "--format",
            "json",
        ])
        .expect(0)
        .json();
    assert_eq!(value["registries"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_names_the_first_step_that_fails_and_its_cure() {
    let fake = FakeRegistry::start().await;
    fake.push("app", "1.0", json!({}));
    let place = place(&fake);
    let image = format!("{}/app", fake.address());
    let args = ["registry", "doctor", &image, "--config", "config.toml"];
    fake.set_auth(Auth::Basic {
        pair: "Zm9vOmJhcg==".to_owned(),
        challenges: vec!["Basic realm=\"x\"".to_owned()],
    });
    assert_snapshot!(place.run(&args).all(), @r#"
    exit 1
    --- stdout
    [HOST]/app
      skipped  login: none is configured
      ok       listed: API at http://[HOST]
      ok       dns: 127.0.0.1
      ok       tcp: port [PORT] is open
      skipped  tls: plain_http is set; the connection is not encrypted
      ok       registry: asks for a login
      failed   auth: [HOST] requires a login
               help: add to the [[registry]] at config.toml:2:
                 login = { username = "…", password = { env = "REGISTRY_TOKEN" } }
    "#);
    fake.set_auth(Auth::Open);
    fake.fail("GET /v2/", 100, Fault::html());
    assert_snapshot!(place.run(&args).all(), @r"
    exit 1
    --- stdout
    [HOST]/app
      skipped  login: none is configured
      ok       listed: API at http://[HOST]
      ok       dns: 127.0.0.1
      ok       tcp: port [PORT] is open
      skipped  tls: plain_http is set; the connection is not encrypted
      failed   registry: [HOST] did not respond like a container registry (got text/html)
               help: check that [HOST] is the registry's name and that no proxy or sign-in page is in front of it
    ");
    let value = place
        .run(&[&args[..], &["--format", "json"]].concat())
        .expect(1)
        .json();
    let failed: Vec<_> = value["registries"][0]["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .filter(|step| step["outcome"] == "failed")
        .collect();
    assert_eq!(failed.len(), 1, "{value:#}");
    assert!(failed[0]["help"].is_string(), "{value:#}");
    place.run(&["registry", "doctor", "a b"]).expect(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_asks_the_registry_and_only_one_that_is_listed() {
    let fake = FakeRegistry::start().await;
    for tag in ["1.0", "1.1", "2.0"] {
        fake.push("app", tag, json!({}));
    }
    let place = place(&fake);
    let image = format!("{}/app:1.0", fake.address());
    let args = [
        "tags",
        &image,
        "--config",
        "config.toml",
        "--format",
        "json",
    ];
    assert_eq!(place.run(&args).expect(0).json()["best"], "2.0");
    fake.take_log();
    let ran = place
        .run(&["tags", "other.invalid/app:1", "--config", "config.toml"])
        .expect(1);
    assert_snapshot!(ran.all(), @r#"
    exit 1
    --- stderr
    other.invalid is not a listed registry, so it is not contacted
    help: [[registry]]
    host = "other.invalid"
    "#);
    // Without a configuration no private address is asked.
    let ran = Place::new().run(&["tags", &image]).expect(1);
    assert_eq!(ran.stdout, "");
    assert_eq!(fake.take_log().len(), 0, "{}", ran.stderr);
}

/// Installs a credential helper that notes each call, and finds it in `PATH`.
fn install(place: &mut Place, script: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    let path = "bin/docker-credential-test";
    let calls = place.path("calls");
    let text = format!(
        "#!/bin/sh\ncat >> {0}\necho >> {0}\n{script}\n",
        calls.display()
    );
    place.write(path, text);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(place.path(path), mode).expect("executable");
    let folder = place.path("bin").display().to_string();
    let system = std::env::var("PATH").unwrap_or_default();
    place.set("PATH", &format!("{folder}:{system}"));
}

/// A registry that wants `bot` with the password of the helper.
async fn private() -> FakeRegistry {
    let fake = FakeRegistry::start().await;
    fake.push("app", "1.0", json!({}));
    fake.push("app", "1.1", json!({}));
    fake.set_expires_in(300);
    // bot:s3cret-word
    fake.want_token(&fake.url(), &["Ym90OnMzY3JldC13b3Jk".to_owned()]);
    fake
}

const GIVES: &str = r#"echo '{"ServerURL":"","Username":"bot","Secret":"s3cret-word"}'"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn doctor_shows_where_a_login_comes_from() {
    let fake = private().await;
    let mut place = place(&fake);
    install(&mut place, GIVES);
    let host = fake.address().to_string();
    let doctor = |place: &Place| {
        let ran = place.run(&["registry", "doctor", &host, "--config", "config.toml"]);
        let shown = ran.stdout.lines().filter(|line| {
            ["login:", "auth:", "token:", "help:"]
                .iter()
                .any(|step| line.contains(step))
        });
        format!(
            "exit {}\n{}",
            ran.code,
            shown.collect::<Vec<_>>().join("\n")
        )
    };
    let config = place.read("config.toml");
    let write = |place: &Place, before: &str, login: &str| {
        place.write("config.toml", format!("{before}{config}{login}\n"));
    };
    write(&place, "", "login = { helper = \"test\" }");
    assert_snapshot!(doctor(&place), @r"
    exit 0
      ok       login: config.toml:2: docker-credential-test (bot)
      ok       auth: a token from 127.0.0.1
      ok       token: the login from bot works; its token is valid for 5 min
    ");
    assert_eq!(place.read("calls").trim(), host);
    write(
        &place,
        "",
        "login = { username = \"bot\", password = { env = \"UNSET\" } }",
    );
    assert_snapshot!(doctor(&place), @r"
    exit 1
      failed   login: config.toml:2: user bot, password from the environment variable UNSET: the environment variable UNSET is not set
      skipped  auth: the login is unavailable
    ");
    let docker = json!({"credHelpers": {host.as_str(): "test"}}).to_string();
    place.write("docker.json", docker);
    let file = "docker_config = [\"docker.json\"]\n";
    write(&place, file, "");
    assert_snapshot!(doctor(&place), @r#"
    exit 0
      skipped  login: docker.json: credHelpers names docker-credential-test for [HOST], which is not allowed to run
               help: add to config.toml: docker_helpers = true, or to the [[registry]] of [HOST]: login = { helper = "test" }
      ok       auth: a token from 127.0.0.1
      skipped  token: no login to check; name an image to check anonymous access
    "#);
    let allowed = format!("docker_helpers = true\n{file}");
    write(&place, &allowed, "");
    assert_snapshot!(doctor(&place), @r"
    exit 0
      ok       login: docker.json: credHelpers: docker-credential-test get [HOST] (bot)
      ok       auth: a token from 127.0.0.1
      ok       token: the login from bot works; its token is valid for 5 min
    ");
    install(&mut place, "echo 'the keychain is locked'; exit 1");
    assert_snapshot!(doctor(&place), @r"
    exit 1
      failed   login: docker.json: credHelpers: docker-credential-test get [HOST]: docker-credential-test: exit status: 1: the keychain is locked
      skipped  auth: the login is unavailable
    ");
    place.write("docker.json", "{\"auths\": 7}");
    let ran = place.run(&["config", "check", "--config", "config.toml"]);
    assert!(
        ran.all().contains("docker_config: docker.json: line 1"),
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_with_a_tag_is_checked_with_its_tag() {
    let fake = private().await;
    fake.set_auth(Auth::Open);
    let place = place(&fake);
    let doctor =
        |subject: &str| place.run(&["registry", "doctor", subject, "--config", "config.toml"]);
    let image = format!("{}/app", fake.address());
    let ran = doctor(&format!("{image}:1.0")).expect(0);
    assert!(
        ran.stdout.contains("manifest: 1.0 is sha256"),
        "{}",
        ran.stdout
    );
    let ran = doctor(&format!("{image}:v9")).expect(1);
    assert!(ran.stdout.contains("v9 does not exist"), "{}", ran.stdout);
    let ran = doctor("node:20").expect(1);
    assert!(
        ran.stdout.starts_with("docker.io/library/node:20\n"),
        "{}",
        ran.stdout
    );
}

/// A command that gives an expired password at first, as a token of 12 hours may be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_command_runs_once_and_again_if_the_password_is_refused() {
    let fake = private().await;
    fake.push("other", "1.0", json!({}));
    let mut place = place(&fake);
    let script = "test -e $(dirname $0)/new && echo s3cret-word || echo s3cret-old";
    install(&mut place, &format!("{script}\ntouch $(dirname $0)/new"));
    let config = place.read("config.toml");
    let command = place.path("bin/docker-credential-test");
    let login = format!(
        "login = {{ username = \"bot\", password = {{ command = [\"{}\"] }} }}\n",
        command.display()
    );
    place.write("config.toml", format!("{config}{login}"));
    let host = fake.address();
    let files = format!("FROM {host}/app:1.0 AS a\nFROM {host}/other:1.0\n");
    place.write("co/Dockerfile", files);
    for calls in [2, 3] {
        let ran = place
            .run(&["check", "co", "--config", "config.toml"])
            .expect(0);
        assert!(ran.stdout.contains("1.1"), "{}", ran.all());
        assert_eq!(place.read("calls").lines().count(), calls);
    }
}

/// Without a configuration: what docker is logged in to, and what the user names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn local_commands_reach_the_users_own_registries() {
    let fake = private().await;
    let mut place = Place::new();
    install(&mut place, GIVES);
    let host = fake.address().to_string();
    place.write("co/Dockerfile", format!("FROM {host}/app:1.0\n"));
    // The address is private, and nothing names it.
    let ran = place.run(&["check", "co"]);
    assert!(ran.all().contains("--registry"), "{}", ran.all());
    assert_eq!(fake.take_log().len(), 0);
    let docker = json!({"auths": {host.as_str(): {}}, "credsStore": "test"});
    place.write("home/.docker/config.json", docker.to_string());
    let ran = place.run(&["check", "co"]);
    assert!(ran.stdout.contains("1.1"), "{}", ran.all());
    assert_eq!(place.read("calls").trim(), host, "one call for the run");
    let lines: Vec<String> = fake
        .take_log()
        .iter()
        .map(|request| request.line())
        .collect();
    assert_eq!(
        lines.iter().filter(|line| line.contains("/token?")).count(),
        1,
        "{lines:?}"
    );
    // Podman's file comes first.
    let auth = json!({"auths": {host.as_str(): {"auth": "Ym90OnMzY3JldC13b3Jk"}}});
    place.write("run/containers/auth.json", auth.to_string());
    let runtime = place.path("run").display().to_string();
    place.set("XDG_RUNTIME_DIR", &runtime);
    let ran = place.run(&["tags", &format!("{host}/app:1.0")]).expect(0);
    assert!(ran.stdout.contains("next is 1.1"), "{}", ran.all());
    assert_eq!(place.read("calls").trim(), host, "the helper is not needed");
    // A registry without a login is named.
    fake.set_auth(Auth::Open);
    let open = Place::with(&[("co/Dockerfile", &format!("FROM {host}/app:1.0\n"))]);
    for named in [host.clone(), format!("http://{host}")] {
        let ran = open.run(&["update", "co", "--dry-run", "--registry", &named]);
        assert!(ran.stdout.contains("1.1"), "{}", ran.all());
    }
    let ran = open
        .run(&["check", "co", "--registry", "ftp://x"])
        .expect(2);
    assert!(ran.stderr.contains("http or https"), "{}", ran.stderr);
    // `run` keeps to the configuration.
    let ran = open.run(&["run", "--registry", &host]).expect(2);
    assert!(ran.stderr.contains("--registry"), "{}", ran.stderr);
}
