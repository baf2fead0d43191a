//! `freshness`: what is said of images that BuildKit built, with and without a repository.

use super::bot::Bot;
use super::fake_registry::{FakeRegistry, IMAGE, INDEX};
use imagebot::image::Digest;
use insta::assert_snapshot;
use serde_json::json;

/// Pushes an image of these layers; without a tag only by its digest.
fn push(fake: &FakeRegistry, path: &str, tag: Option<&str>, layers: &[&str]) -> Digest {
    let digests = |what: &str| -> Vec<Digest> {
        let digest = |layer: &&str| Digest::sha256(format!("{what} {layer}").as_bytes());
        layers.iter().map(digest).collect()
    };
    let config =
        json!({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": digests("content")}});
    let config = fake.push_blob(path, config.to_string().into_bytes());
    let layers: Vec<_> = digests("stored")
        .into_iter()
        .map(|digest| json!({"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest, "size": 1}))
        .collect();
    let manifest = json!({"schemaVersion": 2, "mediaType": IMAGE, "layers": layers,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": 1}});
    fake.push_manifest(path, tag, IMAGE, manifest.to_string().into_bytes())
}

/// Pushes `app:1.0` as BuildKit does: an index of an image and of the provenance that names these images.
fn push_app(fake: &FakeRegistry, layers: &[&str], images: &[(&str, &Digest)]) {
    let image = push(fake, "app", None, layers);
    let host = fake.address();
    let materials: Vec<_> = images
        .iter()
        .map(|(name, digest)| {
            let hex = digest.as_str().trim_start_matches("sha256:");
            json!({"uri": format!("pkg:docker/{host}/{name}?platform=linux%2Famd64"), "digest": {"sha256": hex}})
        })
        .collect();
    let statement = json!({"predicate": {"materials": materials}});
    let statement = fake.push_blob("app", statement.to_string().into_bytes());
    let manifest = json!({"schemaVersion": 2, "mediaType": IMAGE,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": statement, "size": 1},
        "layers": [{"mediaType": "application/vnd.in-toto+json", "digest": statement, "size": 1,
            "annotations": {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}}]});
    let attestation = fake.push_manifest("app", None, IMAGE, manifest.to_string().into_bytes());
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [
        {"mediaType": IMAGE, "digest": image, "size": 1, "platform": {"os": "linux", "architecture": "amd64"}},
        {"mediaType": IMAGE, "digest": attestation, "size": 1, "platform": {"os": "unknown", "architecture": "unknown"},
            "annotations": {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": image}}]});
    fake.push_manifest("app", Some("1.0"), INDEX, index.to_string().into_bytes());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_an_image_alone_provenance_names_the_parents() {
    let bot = Bot::new().await;
    let base = push(&bot.fake, "base", Some("1"), &["a"]);
    let tool = push(&bot.fake, "tool", Some("1"), &["t"]);
    push_app(&bot.fake, &["a", "b"], &[("base@1", &base)]);
    let app = format!("{}/app:1.0", bot.fake.address());
    assert_snapshot!(bot.run(&["freshness", &app]).all(), @r"
    exit 0
    --- stdout
    [HOST]/app:1.0@sha256:[DIGEST]: fresh
      linux/amd64  base [HOST]/base:1  fresh  provenance names [HOST]/base:1@sha256:[SHORT] (provenance) [same-digest]
    ");
    push_app(
        &bot.fake,
        &["a", "b"],
        &[("base@1", &base), ("tool@1", &tool)],
    );
    push(&bot.fake, "tool", Some("1"), &["t2"]);
    assert_snapshot!(bot.run(&["freshness", &app]).all(), @r"
    exit 0
    --- stdout
    [HOST]/app:1.0@sha256:[DIGEST]: stale
      linux/amd64  stage [HOST]/base:1  fresh  provenance names [HOST]/base:1@sha256:[SHORT] (provenance) [same-digest]
      linux/amd64  stage [HOST]/tool:1  stale  provenance names sha256:[SHORT]; [HOST]/tool:1 is sha256:[SHORT] now (provenance) [other-content]
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_repository_all_images_that_it_publishes() {
    let bot = Bot::new().await;
    let host = bot.fake.address();
    let config = bot.place.read("config.toml");
    let publishes = format!(
        "path = \"repos\"\npublishes = [{{ repo = \"**\", images = [\"{host}/{{name}}\"] }}]"
    );
    bot.place.write(
        "config.toml",
        config.replace("path = \"repos\"", &publishes),
    );
    bot.place.shell("rm -r repos/app.git").expect(0);
    bot.repo(
        "app",
        &format!("FROM {host}/tool:1 AS tool\nFROM {host}/base:1\nCOPY --from=tool /t /t\n"),
    );
    let base = push(&bot.fake, "base", Some("1"), &["a"]);
    let tool = push(&bot.fake, "tool", Some("1"), &["t"]);
    push_app(
        &bot.fake,
        &["a", "b"],
        &[("base@1", &base), ("tool@1", &tool)],
    );
    let value = bot
        .run(&["freshness", "app", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(value["version"], 1);
    assert_eq!(value["images"][0]["tag"], "1.0");
    assert_eq!(value["images"][0]["answer"], "fresh");
    let moved = push(&bot.fake, "base", Some("1"), &["a2"]);
    let ran = bot
        .run(&["freshness", "repo:app", "--format", "json"])
        .expect(0);
    let value = ran.json();
    assert_eq!(value["images"][0]["answer"], "stale");
    assert_eq!(
        value["images"][0]["platforms"],
        json!([
            {"platform": "linux/amd64", "answer": "stale", "code": "other-content", "rung": "provenance",
                "parent": format!("{host}/base:1"), "role": "base",
                "evidence": format!("provenance names {}; {host}/base:1 is {} now", base.short(), moved.short())},
            {"platform": "linux/amd64", "answer": "fresh", "code": "same-digest", "rung": "provenance",
                "parent": format!("{host}/tool:1"), "role": "stage",
                "evidence": format!("provenance names {host}/tool:1@{}", tool.short())},
        ])
    );
    // A second run asks for the digests of tags, and for the list of them, as no tag was named.
    bot.fake.take_log();
    bot.run(&["freshness", "app"]).expect(0);
    let mut lines: Vec<String> = bot
        .fake
        .take_log()
        .iter()
        .map(|logged| logged.line())
        .collect();
    lines.sort();
    assert_eq!(
        lines,
        [
            "GET /v2/app/tags/list?n=1000",
            "HEAD /v2/app/manifests/1.0",
            "HEAD /v2/base/manifests/1",
            "HEAD /v2/tool/manifests/1",
        ]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_looked_at_says_why() {
    let bot = Bot::new().await;
    let host = bot.fake.address();
    let app = format!("{host}/app:1.0");
    assert_snapshot!(bot.run(&["freshness", &app]).all(), @r"
    exit 1
    --- stdout
    [HOST]/app:1.0: unknown
      -  -  unknown  [HOST]/app:1.0 does not exist [not-published]
    ");
    assert_snapshot!(bot.run(&["freshness", "elsewhere.invalid/app:1"]).all(), @r"
    exit 0
    --- stdout
    elsewhere.invalid/app:1: unknown
      -  -  unknown  elsewhere.invalid is not listed [registry-not-configured]
    ");
    assert_snapshot!(bot.run(&["freshness", "repo:nobody"]).all(), @r#"
    exit 2
    --- stderr
    error: nobody is not registered: no [[forge]] of the configuration lists it, or it cannot be read
    "#);
    assert_snapshot!(bot.run(&["freshness", "No Image"]).all(), @r#"
    exit 2
    --- stderr
    error: "No Image" is neither an image nor a registered repository: invalid image path "No Image": use lower-case letters and digits, separated by `.`, `_`, `__`, `-` or `/`
    "#);
    assert_snapshot!(bot.run(&["freshness", "app"]).all(), @r#"
    exit 2
    --- stderr
    error: app publishes no known image
    help: declare it in its imagebot.toml: [[image]] name = "…"
    "#);
}
