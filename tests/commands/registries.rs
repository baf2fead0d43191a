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
    assert_eq!(value[0]["subject"], image);
    let steps = value[0]["steps"].as_array().expect("steps");
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
    assert_eq!(value.as_array().map(Vec::len), Some(1));
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
      ok       listed: API at http://[HOST]
      ok       dns: 127.0.0.1
      ok       tcp: port [PORT] is open
      skipped  tls: plain_http is set; the connection is not encrypted
      ok       registry: asks for a login
      failed   auth: [HOST] requires a login
               help: add to config.toml:
                     [[registry]]
                     host = "[HOST]"
                     login = { username = "…", password = { env = "REGISTRY_TOKEN" } }
    "#);
    fake.set_auth(Auth::Open);
    fake.fail("GET /v2/", 100, Fault::html());
    assert_snapshot!(place.run(&args).all(), @r"
    exit 1
    --- stdout
    [HOST]/app
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
    let failed: Vec<_> = value[0]["steps"]
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
