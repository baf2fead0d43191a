//! `cascade` and `plan`: a folder with several images that stand on each other.

use super::fake_registry::FakeRegistry;
use super::place::Place;
use insta::assert_snapshot;
use serde_json::json;

/// Three numbered contexts; a person has just raised the version of the first.
fn contexts() -> Place {
    Place::with(&[
        ("contexts/01-base/Dockerfile", "FROM scratch\n"),
        ("contexts/01-base/info.edn", "{:version \"1.1.0\"}\n"),
        (
            "contexts/02-ruby/Dockerfile",
            "ARG REGISTRY\nFROM ${REGISTRY}/base:1.0.0@sha256:11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437\nRUN x",
        ),
        (
            "contexts/02-ruby/info.edn",
            "; mine\n{:platforms [\"linux/amd64\"], :version \"2.0.0\"}",
        ),
        (
            "contexts/10-app/Dockerfile",
            "ARG REGISTRY\nFROM ${REGISTRY}/ruby:2.0.0 AS x\nFROM --platform=linux/amd64 ${REGISTRY}/base:1.0.0\nCOPY --from=x / /\n",
        ),
        ("contexts/10-app/info.edn", "{:version \"0.9.9\"}"),
    ])
}

#[test]
fn c14_cascade_writes_what_follows_once_and_leaves_no_litter() {
    let place = contexts();
    let before = place.everything();
    let ran = place.run(&["cascade", ".", "--dry-run"]);
    assert_snapshot!(ran.all(), @r"
    exit 0
    --- stdout
    contexts/02-ruby/Dockerfile:2  base  1.0.0@sha256:[SHORT] → 1.1.0  inner-new
    contexts/10-app/Dockerfile:3   base  1.0.0 → 1.1.0                      inner-new
    contexts/10-app/Dockerfile:2   ruby  2.0.0 → 2.0.1                      inner-follows
    contexts/02-ruby/info.edn      ruby  2.0.0 → 2.0.1                      version
    contexts/10-app/info.edn       app   0.9.9 → 0.9.10                     version
    --- stderr
    5 changes would be made
    ");
    assert_eq!(place.everything(), before, "a dry run writes nothing");
    place.run(&["cascade"]).expect(0);
    let after = place.everything();
    let paths = |files: &[(std::path::PathBuf, Vec<u8>)]| -> Vec<_> {
        files.iter().map(|(path, _)| path.clone()).collect()
    };
    assert_eq!(paths(&after), paths(&before), "no .bk, nothing new");
    assert_eq!(
        place.read("contexts/02-ruby/Dockerfile"),
        "ARG REGISTRY\nFROM ${REGISTRY}/base:1.1.0\nRUN x"
    );
    assert_eq!(
        place.read("contexts/02-ruby/info.edn"),
        "; mine\n{:platforms [\"linux/amd64\"], :version \"2.0.1\"}"
    );
    assert_eq!(
        place.read("contexts/10-app/info.edn"),
        "{:version \"0.9.10\"}"
    );
    let ran = place.run(&["cascade"]).expect(0);
    assert_snapshot!(ran.all(), @r"
    exit 0
    --- stderr
    0 changes made
    ");
    assert_eq!(
        place.everything(),
        after,
        "a second time there is nothing to do"
    );
}

#[test]
fn c1_c12_cascade_reports_what_is_broken_and_goes_on() {
    let place = contexts();
    place.write("contexts/02-ruby/info.edn", "{:version \"soon\"}");
    place.write("contexts/11-torn/Dockerfile", "FROM scratch\n");
    place.write(
        "contexts/12-leaf/Dockerfile",
        "ARG REGISTRY\nFROM ${REGISTRY}/base:2.0.0\n",
    );
    place.write("contexts/12-leaf/info.edn", "{:version \"1.0.0\"}");
    let ran = place.run(&["cascade", "--format", "json"]).expect(1);
    assert_snapshot!(ran.stdout, @r#"
    {
      "version": 1,
      "references": [
        {
          "path": "contexts/10-app/Dockerfile",
          "lines": [
            3
          ],
          "image": "registry.invalid/base",
          "from": "1.0.0",
          "to": "1.1.0",
          "reason": "inner-new"
        }
      ],
      "versions": [
        {
          "path": "contexts/10-app/info.edn",
          "place": "edn:version",
          "images": [
            "registry.invalid/app"
          ],
          "from": "0.9.9",
          "to": "0.9.10"
        }
      ],
      "left": [
        {
          "path": "contexts/02-ruby/Dockerfile",
          "line": 2,
          "image": "registry.invalid/base",
          "reason": "version-file",
          "detail": "ruby: contexts/02-ruby/info.edn: line 1: \"soon\" is not a version: expected numbers separated by dots, such as 1.2.3"
        },
        {
          "path": "contexts/10-app/Dockerfile",
          "line": 2,
          "image": "registry.invalid/ruby",
          "reason": "inner-unknown",
          "detail": "ruby: contexts/02-ruby/info.edn: line 1: \"soon\" is not a version: expected numbers separated by dots, such as 1.2.3"
        },
        {
          "path": "contexts/12-leaf/Dockerfile",
          "line": 2,
          "image": "registry.invalid/base",
          "reason": "inner-ahead",
          "detail": "2.0.0 is newer than 1.1.0, the version in this repository"
        }
      ],
      "findings": [
        "contexts/11-torn: info.edn is missing, so this folder is not an image",
        "contexts/02-ruby: ruby: contexts/02-ruby/info.edn: line 1: \"soon\" is not a version: expected numbers separated by dots, such as 1.2.3; write the version there as plain text, such as 1.2.3"
      ]
    }
    "#);
    assert_eq!(
        place.read("contexts/10-app/info.edn"),
        "{:version \"0.9.10\"}",
        "for its other parent"
    );
}

#[test]
fn cascade_goes_by_imagebot_toml_and_says_what_is_missing() {
    let place = Place::with(&[
        ("Dockerfile", "FROM reg.io/a:1.0.0\n"),
        ("a/Dockerfile", "FROM scratch\n"),
        ("a/VERSION", "1.0.1"),
        ("package.json", "{\"version\": \"3.0.0\"}"),
        (
            "imagebot.toml",
            "[[image]]\nname = \"reg.io/a\"\ncontext = \"a\"\nversion_file = \"a/VERSION\"\nbump = \"patch\"\n\
             [[image]]\nname = \"reg.io/b\"\nversion_file = { path = \"package.json\" }\nbump = \"minor\"\n",
        ),
    ]);
    let ran = place.run(&["cascade"]).expect(0);
    assert_snapshot!(ran.all(), @r"
    exit 0
    --- stdout
    Dockerfile:1  reg.io/a  1.0.0 → 1.0.1  inner-new
    package.json  reg.io/b  3.0.0 → 3.1.0  version
    --- stderr
    2 changes made
    ");
    assert_eq!(place.read("package.json"), "{\"version\": \"3.1.0\"}");
    std::fs::remove_file(place.path("package.json")).expect("removed");
    std::os::unix::fs::symlink("a/VERSION", place.path("package.json")).expect("a link");
    place.write("a/VERSION", "1.0.2");
    let ran = place.run(&["cascade"]).expect(1);
    assert_snapshot!(ran.all(), @r"
    exit 1
    --- stdout
    Dockerfile:1  reg.io/a  stays  version-file: reg.io/b: package.json: it was not read: symlink
    --- stderr
    ./imagebot.toml:6: reg.io/b: package.json: it was not read: symlink; replace it with a regular file
    0 changes made
    ");
    // Nor is a folder that leads out.
    std::fs::remove_file(place.path("package.json")).expect("removed");
    std::fs::remove_dir_all(place.path("a")).expect("removed");
    place.write("outside/VERSION", "1.0.3");
    place.write("outside/Dockerfile", "FROM scratch\n");
    std::os::unix::fs::symlink(place.path("outside"), place.path("a")).expect("a link");
    place.run(&["cascade"]).expect(1);
    assert_eq!(place.read("Dockerfile"), "FROM reg.io/a:1.0.1\n");
    let empty = Place::with(&[("Dockerfile", "FROM scratch\n")]);
    assert_snapshot!(empty.run(&["cascade"]).expect(2).all(), @r#"
    exit 2
    --- stderr
    error: .: no image there has a version of its own
    help: name the file that holds it under [[image]] in imagebot.toml: version_file = "VERSION" and bump = "patch"
    "#);
}

/// A place whose configuration lists these registries.
fn listing(fakes: &[&FakeRegistry], more: &str) -> Place {
    let place = Place::new();
    let registries = fakes.iter().map(|fake| {
        let host = fake.address();
        format!("[[registry]]\nhost = \"{host}\"\nplain_http = true\n")
    });
    let registries: String = registries.collect();
    let text = format!("cache = \"cache\"\npublic_registries = false\n{more}\n{registries}");
    place.write("config.toml", text);
    place
}

/// Each image with its generation, whether it needs a build, and the codes that say so.
fn order(place: &Place, args: &[&str]) -> Vec<String> {
    let fixed = ["build-order", "--config", "config.toml", "--format", "json"];
    let value = place.run(&[&fixed[..], args].concat()).expect(0).json();
    assert_eq!(value["version"], 1);
    let images = value["images"].as_array().expect("a list").iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let line = |image: &serde_json::Value| {
        let whys = image["why"].as_array().expect("a list").iter();
        let codes: Vec<String> = whys.map(|why| text(&why["code"])).collect();
        let name = text(&image["image"]);
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        let (tag, need) = (text(&image["tag"]), text(&image["needs_build"]));
        format!(
            "{} {name}:{tag} {need} {}",
            image["generation"],
            codes.join(" ")
        )
    };
    images.map(line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c3_c11_d3_the_order_is_that_of_the_edges_and_numbers_decide_only_what_is_left_open() {
    let fake = FakeRegistry::start().await;
    for (image, tag) in [
        ("acme/base", "1.0.0"),
        ("acme/tool", "1.0.0"),
        ("acme/app", "0.9.0"),
    ] {
        fake.push(image, tag, json!({}));
    }
    let place = listing(&[&fake], "");
    // By their numbers as words: 1-app, 10-lib, 2-base, 20-tool. Built: base, then tool and lib, then app.
    for (folder, version, from) in [
        ("1-app", "1.0.0", "${REGISTRY}/lib:1.0.0"),
        ("10-lib", "1.0.0", "${REGISTRY}/base:1.0.0"),
        ("2-base", "1.0.0", "scratch"),
        ("9-tool", "1.0.0", "${REGISTRY}/base:1.0.0"),
    ] {
        place.write(
            &format!("tree/contexts/{folder}/info.edn"),
            format!("{{:version \"{version}\"}}"),
        );
        place.write(
            &format!("tree/contexts/{folder}/Dockerfile"),
            format!("ARG REGISTRY\nFROM {from}\n"),
        );
    }
    let host = fake.address();
    place.write(
        "tree/imagebot.toml",
        format!("[args]\nREGISTRY = \"{host}/acme\"\n"),
    );
    assert_eq!(
        order(&place, &["tree"]),
        [
            "0 base:1.0.0 no published",
            "1 tool:1.0.0 no published",
            "1 lib:1.0.0 yes not-published",
            "2 app:1.0.0 yes not-published",
        ]
    );
    // Without a registry to ask, nothing is called built.
    std::fs::remove_file(place.path("tree/imagebot.toml")).expect("removed");
    let ran = place
        .run(&["build-order", "tree", "--config", "config.toml"])
        .expect(0);
    assert_snapshot!(ran.all(), @r"
    exit 0
    --- stdout
    generation  image       repo  build    why
    0           base:1.0.0        unknown  base: the registry is unknown; set [args] REGISTRY [registry-unknown]
    1           tool:1.0.0        unknown  tool: the registry is unknown; set [args] REGISTRY [registry-unknown]
    1           lib:1.0.0         unknown  lib: the registry is unknown; set [args] REGISTRY [registry-unknown]
    2           app:1.0.0         unknown  app: the registry is unknown; set [args] REGISTRY [registry-unknown]
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d7_a_version_is_there_when_every_registry_has_it() {
    let (one, two) = (FakeRegistry::start().await, FakeRegistry::start().await);
    let place = listing(&[&one, &two], "");
    let names = [one.address(), two.address()].map(|host| format!("\"{host}/acme/app\""));
    let down = "\"127.0.0.1:1/acme/app\"";
    let image = |published: &str| {
        let name = &names[0];
        format!(
            "[[image]]\nname = {name}\npublished = [{published}]\nversion_file = \"VERSION\"\nbump = \"patch\"\n"
        )
    };
    place.write("tree/Dockerfile", "FROM scratch\n");
    place.write("tree/VERSION", "1.0.0\n");
    place.write("tree/imagebot.toml", image(&names[1]));
    one.push("acme/app", "1.0.0", json!({}));
    assert_eq!(
        order(&place, &["tree"]),
        ["0 app:1.0.0 yes published not-published"]
    );
    two.push("acme/app", "1.0.0", json!({}));
    assert_eq!(
        order(&place, &["tree"]),
        ["0 app:1.0.0 no published published"]
    );
    // One that cannot be asked is not one that has it.
    place.write("tree/imagebot.toml", image(down));
    assert_eq!(
        order(&place, &["tree"]),
        ["0 app:1.0.0 unknown published registry-unknown"]
    );
    place.write("tree/VERSION", "soon\n");
    assert_eq!(order(&place, &["tree"]), ["0 app:- unknown version-file"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p8_a_base_that_moved_and_a_watched_file_that_changed_ask_for_a_build() {
    let fake = FakeRegistry::start().await;
    let base = fake.push("base", "1", json!({}));
    let place = listing(
        &[&fake],
        "[[forge]]\nkind = \"local\"\npath = \"repos\"\npublishes = [{ repo = \"**\", images = [\"*/acme/**\"] }]\n",
    );
    let host = fake.address();
    let config = format!(
        "[[image]]\nname = \"{host}/acme/app\"\nwatch = [\"assets/**\"]\nversion_file = \"VERSION\"\nbump = \"patch\"\n"
    );
    let dockerfile = format!("FROM {host}/base:1@{base}\n");
    let commit = |files: &[(&str, &str)]| {
        let mut input =
            "commit refs/heads/main\ncommitter a <a@example.com> 1700000000 +0000\ndata 1\nx\n"
                .to_owned();
        if place.path("repos/app.git/refs/heads/main").exists() {
            input.push_str("from refs/heads/main^0\n");
        }
        for (path, text) in files {
            input.push_str(&format!(
                "M 100644 inline {path}\ndata {}\n{text}\n",
                text.len()
            ));
        }
        place.write("input", input);
        let line = "git init -q --bare --initial-branch=main repos/app.git; git --git-dir repos/app.git fast-import --quiet < input; git --git-dir repos/app.git rev-parse main";
        String::from_utf8(place.shell(line).expect(0).out)
            .expect("text")
            .trim()
            .to_owned()
    };
    std::fs::create_dir(place.path("repos")).expect("a folder");
    let first = commit(&[
        ("imagebot.toml", config.as_str()),
        ("Dockerfile", dockerfile.as_str()),
        ("VERSION", "1.0.0\n"),
        ("assets/a", "a\n"),
    ]);
    assert_eq!(order(&place, &["--all"]), ["1 app:1.0.0 yes not-published"]);
    let label = |commit: &str| json!({"org.opencontainers.image.revision": commit});
    fake.push("acme/app", "1.0.0", json!({}));
    assert_eq!(
        order(&place, &["--all"]),
        ["1 app:1.0.0 unknown published watch-unknown"]
    );
    fake.push("acme/app", "1.0.0", label(&first));
    assert_eq!(order(&place, &["--all"]), ["1 app:1.0.0 no published"]);
    commit(&[("README", "not watched\n")]);
    assert_eq!(order(&place, &["--all"]), ["1 app:1.0.0 no published"]);
    let second = commit(&[("assets/a", "b\n")]);
    assert_eq!(
        order(&place, &["--all"]),
        ["1 app:1.0.0 yes published watch-changed"]
    );
    fake.push("acme/app", "1.0.0", label(&second));
    assert_eq!(order(&place, &["--all"]), ["1 app:1.0.0 no published"]);
    fake.push("base", "1", json!({"another": "one"}));
    assert_eq!(
        order(&place, &["--all"]),
        ["1 app:1.0.0 yes published base-moved"]
    );
    assert_eq!(place.run(&["build-order", "nowhere"]).code, 2);
    // Its name until 0.1 still works, and is in no list.
    let now = place.run(&["build-order", "--all", "--config", "config.toml"]);
    let before = place.run(&["plan", "--order", "--all", "--config", "config.toml"]);
    assert_eq!(before.all(), now.all());
    assert_eq!(place.run(&["plan"]).code, 2);
    assert!(!place.run(&["--help"]).stdout.contains("\n  plan"));
}

#[test]
fn images_on_a_circle_are_named_and_the_others_have_their_order() {
    let place = Place::new();
    place.write(
        "config.toml",
        "cache = \"cache\"\npublic_registries = false\n",
    );
    for (folder, from) in [("01-a", "b"), ("02-b", "a"), ("03-c", "a")] {
        place.write(
            &format!("contexts/{folder}/info.edn"),
            "{:version \"1.0.0\"}",
        );
        let text = format!("ARG REGISTRY\nFROM ${{REGISTRY}}/{from}:1.0.0\n");
        place.write(&format!("contexts/{folder}/Dockerfile"), text);
    }
    let ran = place.run(&["build-order", "--config", "config.toml"]);
    assert_snapshot!(ran.all(), @r"
    exit 0
    --- stdout
    generation  image    repo  build    why
    0           a:1.0.0        unknown  a: the registry is unknown; set [args] REGISTRY [registry-unknown]; images depend on each other in a cycle [on-cycle]
    0           b:1.0.0        unknown  b: the registry is unknown; set [args] REGISTRY [registry-unknown]; images depend on each other in a cycle [on-cycle]
    1           c:1.0.0        unknown  c: the registry is unknown; set [args] REGISTRY [registry-unknown]
    images depend on each other in a cycle: a -> b -> a
    --- stderr
    these images depend on each other in a cycle, so none of their references is followed: a -> b -> a
    ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn update_raises_versions_too_and_check_shows_them() {
    let fake = FakeRegistry::start().await;
    fake.push("base", "1.0.0", json!({}));
    fake.push("base", "2.0.0", json!({}));
    let place = listing(&[&fake], "");
    let host = fake.address();
    place.write("app/Dockerfile", format!("FROM {host}/base:1.0.0\n"));
    place.write("app/Cargo.toml", "[package]\nversion = '0.3.0' # ours\n");
    let image =
        "[[image]]\nname = \"reg.io/app\"\nversion_file = \"Cargo.toml\"\nbump = \"minor\"\n";
    place.write("app/imagebot.toml", image);
    let ran = place
        .run(&["check", "app", "--config", "config.toml"])
        .expect(0);
    assert!(
        ran.stdout
            .contains("Cargo.toml toml:package.version: 0.3.0 → 0.4.0"),
        "{}",
        ran.stdout
    );
    let ran = place
        .run(&["update", "app", "--config", "config.toml"])
        .expect(0);
    assert_snapshot!(ran.all(), @r"
    exit 0
    --- stdout
    Dockerfile:1 base: 1.0.0 → 2.0.0 (major)
    Cargo.toml toml:package.version: 0.3.0 → 0.4.0
    --- stderr
    2 changes made
    ");
    assert_eq!(
        place.read("app/Cargo.toml"),
        "[package]\nversion = '0.4.0' # ours\n"
    );
    place.write("app/Cargo.toml", "[package]\n");
    place.write("app/Dockerfile", format!("FROM {host}/base:1.0.0\n"));
    let ran = place
        .run(&["check", "app", "--config", "config.toml"])
        .expect(1);
    assert_snapshot!(ran.all(), @r"
    exit 1
    --- stdout
    error: app/imagebot.toml:1: reg.io/app: Cargo.toml: it has no key package.version; add it, or set `key` or `pattern` to where the version is [image]
    Dockerfile:1 from
      | FROM [HOST]/base:1.0.0
      unknown: reg.io/app: Cargo.toml: it has no key package.version [version-file]
        step: 1.0.0 is parsed as version 1.0.0 (scheme auto)
        step: [HOST]/base has 2 tags
        step: 2.0.0 is chosen (major): sha256:[SHORT]
        step: reg.io/app: Cargo.toml: it has no key package.version
      help: add it, or set `key` or `pattern` to where the version is

    app: no updates; 1 reference: 1 could not be checked
    ");
}
