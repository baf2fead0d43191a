//! A folder or repository that gipgee builds, looked at by hand.

use super::fake_registry::FakeRegistry;
use super::place::Place;
use insta::assert_snapshot;
use serde_json::json;

const FILE: &str = "defaults:
  defaultBaseImage:
    registry: quay.io
    repository: acme/os
    tag: \"1.10\"
images:
  a:
    containerFile: Containerfile
    releaseLocations:
      - {registry: reg.io, repository: acme/a}
  b:
    baseImage:
      tag: &mine 1.9
";

#[test]
fn p3_scan_and_edit_know_gipgee_yml() {
    let place = Place::with(&[
        (
            "config.toml",
            "cache = \"cache\"\npublic_registries = false\n",
        ),
        ("gipgee.yml", FILE),
        ("below/gipgee.yml", FILE),
        (".gipgee-gitlab-ci.yml", "image: quay.io/acme/os:1.10\n"),
        (
            "Containerfile",
            "ARG GIPGEE_BASE_IMAGE\nFROM $GIPGEE_BASE_IMAGE\n",
        ),
    ]);
    let ran = place.run(&["scan", "."]);
    assert_snapshot!(ran.all(), @r"
    exit 0
    --- stdout
    Containerfile:2  from         $GIPGEE_BASE_IMAGE  -     passed-by-gipgee
    gipgee.yml:7     gipgee-base  quay.io/acme/os     1.10
    gipgee.yml:11    gipgee-base  images.b.baseImage  -     not-plain
    ");
    let ran = place.run(&["check", ".", "--config", "config.toml"]);
    assert_snapshot!(ran.all(), @r#"
    exit 1
    --- stdout
    error: gipgee.yml:11: images.b: containerFile is missing or invalid [image]
    error: gipgee.yml:11: images.b: no releaseLocations can be read [image]
    Containerfile:2 from
      | FROM $GIPGEE_BASE_IMAGE
      skip: gipgee passes it from gipgee.yml, where it is updated [not-editable: passed-by-gipgee]

    gipgee.yml:7 gipgee-base
      |   a:
      skip: quay.io is not listed [registry-not-configured]
      help:
        [[registry]]
        host = "quay.io"

    gipgee.yml:11 gipgee-base
      |   b:
      skip: it is written with an alias, an anchor, an escape or a duplicate key, or over several lines [not-editable: not-plain]

    .: no updates; 3 references: 3 skipped
    "#);
    let tag = |from: &str, to: &str| {
        format!(
            "[{{\"image\": \"quay.io/acme/os\", \"from_tag\": \"{from}\", \"to_tag\": \"{to}\"}}]"
        )
    };
    // What stands below an anchor may be said elsewhere too, so that the default does not move under it.
    place.write("updates", tag("1.10", "1.11"));
    let ran = place.run(&["edit", "gipgee.yml", "--updates", "updates"]);
    assert_snapshot!(ran.all(), @r"
    exit 1
    --- stderr
    line 11: the edit would also change images.b.baseImage, through a variable that both use [shared-arg]
    ");
    place.write("gipgee.yml", FILE.replace("&mine ", ""));
    let ran = place
        .run(&["edit", "gipgee.yml", "--updates", "updates"])
        .expect(0);
    let expect = FILE.replace("&mine ", "").replace("\"1.10\"", "\"1.11\"");
    assert_eq!(ran.stdout, expect);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p8_a_watched_asset_that_changed_asks_for_a_build_of_its_image_only() {
    let fake = FakeRegistry::start().await;
    fake.push("os", "1.0.0", json!({}));
    let host = fake.address();
    let place = Place::new();
    let config = format!(
        "cache = \"cache\"\npublic_registries = false\n[[forge]]\nkind = \"local\"\npath = \"repos\"\npublishes = [{{ repo = \"**\", images = [\"*/acme/**\"] }}]\n[[registry]]\nhost = \"{host}\"\nplain_http = true\n"
    );
    place.write("config.toml", config);
    let gipgee = format!(
        "defaults:
  defaultBaseImage: {{registry: \"{host}\", repository: os, tag: 1.0.0}}
  defaultReleaseRegistry: \"{host}\"
  defaultContainerFile: Containerfile
  defaultAssetsToWatch: [shared/*]
images:
  one:
    releaseLocations: [{{repository: acme/one, tag: latest}}]
  two:
    assetsToWatch: [two/**]
    releaseLocations: [{{repository: acme/two, tag: stable}}]
"
    );
    let commit = |files: &[(&str, &str)]| {
        let mut input =
            "commit refs/heads/main\ncommitter a <a@example.com> 1700000000 +0000\ndata 1\nx\n"
                .to_owned();
        if place.path("repos/images.git/refs/heads/main").exists() {
            input.push_str("from refs/heads/main^0\n");
        }
        for (path, text) in files {
            let length = text.len();
            input.push_str(&format!("M 100644 inline {path}\ndata {length}\n{text}\n"));
        }
        place.write("input", input);
        let line = "git init -q --bare --initial-branch=main repos/images.git; git --git-dir repos/images.git fast-import --quiet < input; git --git-dir repos/images.git rev-parse main";
        let ran = place.shell(line).expect(0);
        String::from_utf8(ran.out).expect("text").trim().to_owned()
    };
    let order = || -> Vec<String> {
        let ran = place.run(&[
            "build-order",
            "--all",
            "--config",
            "config.toml",
            "--format",
            "json",
        ]);
        let value = ran.expect(0).json();
        let images = value["images"].as_array().expect("a list").iter();
        let line = |image: &serde_json::Value| {
            let whys = image["why"].as_array().expect("a list").iter();
            let codes: Vec<&str> = whys.filter_map(|why| why["code"].as_str()).collect();
            let name = image["image"].as_str().unwrap_or_default();
            let name = name.rsplit('/').next().unwrap_or_default();
            let need = image["needs_build"].as_str().unwrap_or_default();
            format!("{} {name} {need} {}", image["generation"], codes.join(" "))
        };
        images.map(line).collect()
    };
    std::fs::create_dir(place.path("repos")).expect("a folder");
    let first = commit(&[
        ("gipgee.yml", gipgee.as_str()),
        (
            "Containerfile",
            "ARG GIPGEE_BASE_IMAGE\nFROM $GIPGEE_BASE_IMAGE\n",
        ),
        ("two/a", "a\n"),
        ("shared/a", "a\n"),
    ]);
    assert_eq!(
        order(),
        ["1 one yes not-published", "1 two yes not-published"]
    );
    let label = |commit: &str| json!({"org.opencontainers.image.revision": commit});
    fake.push("acme/one", "latest", label(&first));
    fake.push("acme/two", "stable", label(&first));
    assert_eq!(order(), ["1 one no published", "1 two no published"]);
    commit(&[
        ("README", "nobody watches\n"),
        ("shared/deep/a", "not one part\n"),
    ]);
    assert_eq!(order(), ["1 one no published", "1 two no published"]);
    let second = commit(&[("two/deep/a", "b\n")]);
    assert_eq!(
        order(),
        ["1 one no published", "1 two yes published watch-changed"]
    );
    let ran = place.run(&[
        "freshness",
        &format!("{host}/acme/two:stable"),
        "--config",
        "config.toml",
    ]);
    // What gipgee passes is known also where the published image is looked at.
    assert!(
        ran.stdout.contains("base [HOST]/os:1.0.0"),
        "{}",
        ran.stdout
    );
    fake.push("acme/two", "stable", label(&second));
    commit(&[("shared/a", "b\n")]);
    assert_eq!(
        order(),
        ["1 one yes published watch-changed", "1 two no published"]
    );
}
