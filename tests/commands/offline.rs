//! Commands that ask nobody: `scan`, `tags --tags-from`, `edit`.

use super::place::Place;
use insta::assert_snapshot;
use serde_json::{Value, json};

const DOCKERFILE: &str = "\
ARG V=20
FROM --platform=linux/amd64 node:${V}-alpine AS build
FROM $NOWHERE
COPY --from=build /a /b
COPY --from=ghcr.io/acme/tool:1.2@sha256:11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437 /c /d
";

#[test]
fn scan_prints_the_exact_shape() {
    let place = Place::with(&[
        ("Dockerfile", DOCKERFILE),
        ("sub/app.Dockerfile", "FROM a:1\n"),
        ("imagebot.toml", "exclude = [\"sub/**\"]\n"),
        ("big.Dockerfile", "\0"),
    ]);
    let ran = place.run(&["scan", ".", "--format", "json"]).expect(0);
    let reference = |line: u32, more: Value| {
        let mut all = json!({"path": "Dockerfile", "line": line, "kind": "from", "stage": null, "platform": null,
            "written": "", "image": "", "tag": null, "digest": null, "editable": true, "why_not": null});
        for (key, value) in more.as_object().expect("an object") {
            all[key] = value.clone();
        }
        all
    };
    let digest = "sha256:11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437";
    let expect = json!({"version": 1, "references": [
        reference(2, json!({"stage": "build", "platform": "linux/amd64", "written": "node:${V}-alpine",
            "image": "node", "tag": "20-alpine"})),
        reference(3, json!({"written": "$NOWHERE", "image": ran.json()["references"][1]["image"], "editable": false, "why_not": "unresolved-arg"})),
        reference(5, json!({"kind": "copy-from", "written": format!("ghcr.io/acme/tool:1.2@{digest}"),
            "image": "ghcr.io/acme/tool", "tag": "1.2", "digest": digest})),
    ], "skipped": [
        {"path": "big.Dockerfile", "reason": "not-text"},
        {"path": "sub/app.Dockerfile", "reason": "excluded"},
    ]});
    assert_eq!(ran.json(), expect);
    let keys = [
        "path", "line", "kind", "stage", "platform", "written", "image", "tag", "digest",
        "editable", "why_not",
    ];
    let at: Vec<usize> = keys
        .iter()
        .map(|key| ran.stdout.find(&format!("\"{key}\":")).expect("the key"))
        .collect();
    assert!(at.is_sorted(), "in the order that is documented");
}

#[test]
fn scan_for_people_and_what_is_not_there() {
    let place = Place::with(&[("Dockerfile", DOCKERFILE)]);
    assert_snapshot!(place.run(&["scan", "."]).all(), @r#"
    exit 0
    --- stdout
    Dockerfile:2  from       node               20-alpine
    Dockerfile:3  from       $NOWHERE           -                        unresolved-arg
    Dockerfile:5  copy-from  ghcr.io/acme/tool  1.2@sha256:[SHORT]
    "#);
    assert_snapshot!(place.run(&["scan", "nowhere"]).all(), @r#"
    exit 2
    --- stderr
    error: nowhere cannot be read: No such file or directory (os error 2)
    "#);
    // A file is read as a Dockerfile whatever its name.
    place.write("build.txt", "FROM a:1\n");
    assert_snapshot!(place.run(&["scan", "build.txt"]).all(), @r#"
    exit 0
    --- stdout
    build.txt:1  from  a  1
    "#);
}

#[test]
fn scan_shows_what_sources_find_with_carets() {
    let place = Place::with(&[
        (
            "imagebot.toml",
            "[[source]]\nfiles = [\"app.yaml\", \"idle.yaml\"]\nformat = \"yaml\"\nrepository = \"spec.*.name\"\ntag = \"spec.*.tag\"\n\n[[source]]\nfiles = [\"Jenkinsfile\", \"idle.yaml\"]\npattern = '''image\\('(?<image>[^']+)'\\)'''\n",
        ),
        (
            "app.yaml",
            "spec:\n  web:\n    name: ghcr.io/acme/web\n    tag: v1.4.0 # now\n  lost:\n    tag: v1.5.0\nenv:\n  # imagebot: image=acme/tool\n  TOOL: 1.4 or later\n",
        ),
        ("Jenkinsfile", "image('maven:3.9.6'); image('Bad:1')\n"),
        ("idle.yaml", "a: 1\n"),
    ]);
    assert_snapshot!(place.run(&["scan", "--source", "app.yaml"]).all(), @r#"
    exit 0
    --- stdout
    info: ghcr.io/acme/web:v1.4.0
     --> app.yaml:3:11
      |
    3 |     name: ghcr.io/acme/web
      |           ^^^^^^^^^^^^^^^^
    4 |     tag: v1.4.0 # now
      |          ^^^^^^

    error: TOOL: 1.4 or later
     --> app.yaml:9:3
      |
    9 |   TOOL: 1.4 or later
      |   ^^^^^^^^^^^^^^^^^^
      |
      = note: the comment above needs `name = value` below it, with a tag, a digest, or a reference to the image that it names [bad-note]

    not read: app.yaml:6: no `repository` belongs to this value
    2 matches in app.yaml
    "#);
    assert_snapshot!(place.run(&["scan", "--source", "./Jenkinsfile"]).all(), @r#"
    exit 0
    --- stdout
    info: maven:3.9.6
     --> Jenkinsfile:1:8
      |
    1 | image('maven:3.9.6'); image('Bad:1')
      |        ^^^^^^^^^^^

    error: Bad:1
     --> Jenkinsfile:1:30
      |
    1 | image('maven:3.9.6'); image('Bad:1')
      |                              ^^^^^
      |
      = note: it is not an image reference [invalid-reference]

    2 matches in Jenkinsfile
    "#);
    assert_snapshot!(place.run(&["scan", ".", "--source", "idle.yaml"]).all(), @r#"
    exit 0
    --- stdout
    imagebot.toml:1: this [[source]] finds no image in idle.yaml
    imagebot.toml:7: this [[source]] finds no image in idle.yaml
    0 matches in idle.yaml
    "#);
    assert_snapshot!(place.run(&["scan", "--source", "other.yaml"]).all(), @r#"
    exit 2
    --- stderr
    error: other.yaml is not there or is left out, or no [[source]] of imagebot.toml names it
    "#);
}

#[test]
fn tags_prints_the_exact_shape() {
    let place = Place::new();
    let args = [
        "tags",
        "node:20",
        "--tags-from",
        "-",
        "--format",
        "json",
        "--today",
        "2026-11-21",
    ];
    let ran = place
        .feed(&args, "20\n22\n22-rc1\n\n  21  \nlatest\n")
        .expect(0);
    let value = ran.json();
    let keys: Vec<&String> = value.as_object().expect("an object").keys().collect();
    assert_eq!(keys.len(), 6);
    for verdict in value["verdicts"].as_array().expect("verdicts") {
        let keys: Vec<&String> = verdict.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["tag", "verdict", "why"]);
        assert!(
            verdict["why"].as_str().is_some_and(|why| !why.is_empty()),
            "{verdict}"
        );
    }
    assert_eq!(
        (
            &value["version"],
            &value["image"],
            &value["current"],
            &value["best"]
        ),
        (&json!(1), &json!("node"), &json!("20"), &json!("22"))
    );
    assert_eq!(
        value["by_level"],
        json!({"major": "22", "minor": null, "patch": null, "build": null})
    );
    let mut tags: Vec<&str> = value["verdicts"]
        .as_array()
        .expect("verdicts")
        .iter()
        .filter_map(|verdict| verdict["tag"].as_str())
        .collect();
    tags.sort_unstable();
    assert_eq!(
        tags,
        ["20", "21", "22", "22-rc1", "latest"],
        "one for every tag"
    );
}

#[test]
fn tags_for_people() {
    let place = Place::with(&[("list", "1.0.0\n1.0.1\n1.1.0\n2.0.0\nedge\n")]);
    let args = ["tags", "a/b:1.0.0", "--tags-from", "list", "--max", "minor"];
    assert_snapshot!(place.run(&args).all(), @r#"
    exit 0
    --- stdout
    2.0.0  above-allowed-level  version 2.0.0: a major change, and `max` is "minor"
    1.1.0  chosen               version 1.1.0: the next tag
    1.0.1  newer-but-lower      version 1.0.1: newer, but not the newest
    1.0.0  current              version 1.0.0: the tag in use
    edge   not-a-version        not a version

    a/b 1.0.0: next is 1.1.0
    "#);
}

#[test]
fn tags_judges_the_name_that_aliases_and_mirrors_stand_for() {
    let config = "[[registry]]\nhost = \"docker.io\"\naliases = [\"hub.example.com/proxy/*\"]\n";
    let place = Place::with(&[("list", "20.04\n22.04\n23.10\n"), ("config.toml", config)]);
    for (image, next) in [
        ("hub.example.com/proxy/a/library/ubuntu:20.04", "22.04"),
        ("mirror.gcr.io/library/ubuntu:20.04", "22.04"),
        ("public.ecr.aws/ubuntu/ubuntu:20.04", "22.04"),
        ("hub.example.com/team/ubuntu:20.04", "23.10"),
    ] {
        let args = [
            "tags",
            image,
            "--tags-from",
            "list",
            "--today",
            "2026-11-21",
            "--config",
        ];
        let ran = place.run(&[&args[..], &["config.toml"]].concat()).expect(0);
        let line = format!("next is {next}");
        assert!(ran.stdout.contains(&line), "{image}: {}", ran.stdout);
    }
}

#[test]
fn tags_with_a_wrong_policy_exits_2_and_says_which() {
    let place = Place::new();
    for (args, expect) in [
        (&["--pattern", "("][..], "--pattern"),
        (&["--scheme", "regex"], "--scheme regex needs --pattern"),
        (
            &["--scheme", "semver", "--pattern", "x"],
            "--pattern belongs to --scheme regex",
        ),
        (&["--order", "major"], "--order belongs to --scheme regex"),
        (&["--max", "huge"], "huge"),
        (&["--allow", "/(/"], "--allow"),
        (&["--ignore", ">=x"], "--ignore"),
        (&["--today", "yesterday"], "yesterday"),
        (&["--codename", "x"], "[possible values: follow, hold]"),
        (&["--pattern", r"^(?<major>\d+)\.(?<minor>\d+)$"], "20"),
    ] {
        let all = [&["tags", "node:20", "--tags-from", "-"], args].concat();
        let ran = place.feed(&all, "20\n22\n").expect(2);
        assert!(ran.stderr.contains(expect), "{args:?}: {}", ran.stderr);
        assert_eq!(ran.stdout, "", "{args:?}");
    }
    for image in ["", "a b", "UPPER/Case:1", "node:"] {
        let ran = place
            .feed(&["tags", image, "--tags-from", "-"], "1\n")
            .expect(2);
        assert!(
            ran.stderr.contains("is not an image reference"),
            "{}",
            ran.stderr
        );
    }
    for nothing in ["", "\n \n"] {
        let ran = place
            .feed(&["tags", "node:20", "--tags-from", "-"], nothing)
            .expect(2);
        let says = "the standard input holds no tags\nhelp: write one tag on each line";
        assert!(ran.stderr.contains(says), "{}", ran.stderr);
    }
    let ran = place
        .run(&["tags", "node:20", "--tags-from", "nowhere"])
        .expect(2);
    assert_snapshot!(ran.stderr, @r#"
    error: nowhere cannot be read: No such file or directory (os error 2)
    "#);
}

#[test]
fn edit_prints_the_file_byte_for_byte() {
    let place = Place::new();
    let file = "\u{feff}FROM node:20 \\\r\n  AS x\r\n# \u{e9}\n\n";
    place.write("Dockerfile", file);
    let updates = r#"[{"image":"node","from_tag":"20","to_tag":"22"}]"#;
    let ran = place
        .feed(&["edit", "Dockerfile", "--updates", "-"], updates)
        .expect(0);
    assert_eq!(ran.out, file.replace("20", "22").into_bytes());
    assert_eq!(ran.stderr, "");
    assert_eq!(place.read("Dockerfile"), file, "the file itself stays");
    place.write("updates.json", updates);
    let ran = place
        .run(&["edit", "Dockerfile", "--updates", "updates.json"])
        .expect(0);
    assert_eq!(ran.out, file.replace("20", "22").into_bytes());
}

/// The value of a variable is in `.env`, and a build gives the Dockerfile's.
#[test]
fn a_file_is_read_and_edited_with_those_that_it_depends_on() {
    let place = Place::with(&[
        (
            "compose.yaml",
            "include: [ci/more.yaml]\nservices:\n  web:\n    image: nginx:${TAG}\n",
        ),
        (
            "ci/more.yaml",
            "services:\n  app:\n    build: {context: .., args: {GO: \"1.22\"}}\n",
        ),
        (".env", "TAG=1.25\n"),
        ("Dockerfile", "ARG GO=1.20\nFROM golang:${GO}\n"),
        ("broken.yaml", "apiVersion: [\nkind: x\n"),
    ]);
    assert_snapshot!(place.run(&["scan", "compose.yaml"]).all(), @r#"
    exit 0
    --- stdout
    compose.yaml:4  compose-image  nginx  1.25
    "#);
    assert_snapshot!(place.run(&["scan", "Dockerfile"]).all(), @r#"
    exit 0
    --- stdout
    Dockerfile:2  from  golang  1.22
    note: Dockerfile:2: another file gives its version, and is edited instead: golang, by ci/more.yaml
    "#);
    let updates = r#"[{"image":"nginx","from_tag":"1.25","to_tag":"1.27"}]"#;
    assert_snapshot!(place.feed(&["edit", ".env", "--updates", "-"], updates).all(), @r#"
    exit 0
    --- stdout
    TAG=1.27
    "#);
    let ran = place.feed(&["edit", "compose.yaml", "--updates", "-"], updates);
    let ran = ran.expect(0);
    assert!(ran.stdout.contains("nginx:${TAG}"), "{}", ran.stdout);
    assert!(
        ran.stderr.contains("note: .env changes too"),
        "{}",
        ran.stderr
    );
}

#[test]
fn edit_refuses_with_a_code_on_stderr_and_nothing_on_stdout() {
    let place = Place::with(&[(
        "Dockerfile",
        "ARG V=1\nFROM a:$V\nFROM b:$V\nFROM c:1@sha256:11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437\n",
    )]);
    for (updates, code) in [
        (
            r#"[{"image":"z","from_tag":"1","to_tag":"2"}]"#,
            "not-found",
        ),
        (
            r#"[{"image":"a","from_tag":"1","to_tag":"2"}]"#,
            "shared-arg",
        ),
        (
            r#"[{"image":"c","from_tag":"1","to_tag":"2"}]"#,
            "missing-digest",
        ),
    ] {
        let ran = place
            .feed(&["edit", "Dockerfile", "--updates", "-"], updates)
            .expect(1);
        assert!(
            ran.stderr.trim_end().ends_with(&format!("[{code}]")),
            "{}",
            ran.stderr
        );
        assert_eq!(ran.stdout, "");
    }
    for updates in [
        "{}",
        "[",
        r#"[{"from_tag":"1"}]"#,
        r#"[{"image":"a","from_tag":"1","to_tag":"2\nRUN evil"}]"#,
        r#"[{"image":"a","from_tag":"1","to_digest":"sha256:12"}]"#,
        r#"[{"image":"a","from_tag":"1","to_tga":"2"}]"#,
    ] {
        let ran = place
            .feed(&["edit", "Dockerfile", "--updates", "-"], updates)
            .expect(2);
        assert!(
            ran.stderr.starts_with("error: "),
            "{updates}: {}",
            ran.stderr
        );
        assert_eq!(ran.stdout, "");
    }
    let ran = place
        .feed(&["edit", "nowhere", "--updates", "-"], "[]")
        .expect(2);
    assert!(
        ran.stderr.contains("nowhere cannot be read"),
        "{}",
        ran.stderr
    );
}

fn git(place: &Place, args: &[&str]) {
    let mut command = std::process::Command::new("git");
    command.current_dir(place.path("")).args(args).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOME", place.path(""));
    let output = command.output().expect("git is there");
    assert!(output.status.success(), "{args:?}: {output:?}");
}

fn scanned(place: &Place, path: &str) -> (Vec<String>, Vec<String>) {
    let value = place
        .run(&["scan", path, "--format", "json"])
        .expect(0)
        .json();
    let list = |name: &str, keys: [&str; 2]| {
        let entries = value[name].as_array().expect("a list").iter();
        let text = |entry: &serde_json::Value, key: &str| {
            entry[key]
                .as_str()
                .map_or_else(|| entry[key].to_string(), str::to_owned)
        };
        entries
            .map(|entry| keys.map(|key| text(entry, key)).join(" "))
            .collect()
    };
    (
        list("references", ["path", "written"]),
        list("skipped", ["path", "reason"]),
    )
}

#[test]
fn what_git_tracks_is_seen_whatever_is_ignored() {
    let place = Place::with(&[
        (".gitignore", "Dockerfile*\n"),
        (".ignore", "tools\n"),
        ("app/Dockerfile", "FROM a:1\n"),
        ("tools/Containerfile", "FROM b:1\n"),
        ("out/Dockerfile", "FROM c:1\n"),
        ("new/Containerfile", "FROM d:1\n"),
        (".gitattributes", "* text\n"),
    ]);
    // Outside git `.gitignore` is respected, and what it leaves out is counted; `.ignore` is another tool's.
    let (found, skipped) = scanned(&place, ".");
    assert_eq!(found, ["new/Containerfile d:1", "tools/Containerfile b:1"]);
    assert_eq!(
        skipped,
        [".gitignore excludes 2 files that could hold references"]
    );
    git(&place, &["init", "-q"]);
    git(&place, &["add", "-f", "app", "tools"]);
    let (found, skipped) = scanned(&place, ".");
    let tracked = [
        "app/Dockerfile a:1",
        "new/Containerfile d:1",
        "tools/Containerfile b:1",
    ];
    assert_eq!(
        (found, skipped),
        (tracked.map(str::to_owned).to_vec(), vec![])
    );
    let (found, _) = scanned(&place, "app");
    assert_eq!(found, ["Dockerfile a:1"]);
    // What was removed from the work tree is not there; a link is not followed.
    std::fs::remove_file(place.path("").join("app/Dockerfile")).expect("a file");
    std::os::unix::fs::symlink("../out/Dockerfile", place.path("").join("app/Dockerfile"))
        .expect("a link");
    let (found, skipped) = scanned(&place, ".");
    assert_eq!(found, ["new/Containerfile d:1", "tools/Containerfile b:1"]);
    assert_eq!(skipped, ["app/Dockerfile symlink"]);
}

#[test]
fn include_adds_names_that_are_not_a_dockerfiles() {
    let place = Place::with(&[
        (
            "imagebot.toml",
            "include = [\"**/Dockerfile\", \"images/*.build\", \"ci/**/*.yml\"]\n",
        ),
        ("Dockerfile", "FROM a:1\n"),
        ("images/base.build", "FROM b:1\n"),
        ("images/base.other", "FROM c:1\n"),
        ("ci/x/job.yml", "FROM d:1\n"),
        ("Dockerfile_x", "FROM e:1\n"),
    ]);
    let (found, skipped) = scanned(&place, ".");
    assert_eq!(found, ["Dockerfile a:1", "images/base.build b:1"]);
    assert_eq!(skipped, ["Dockerfile_x excluded"]);
}

#[test]
fn lines_of_nonsense_are_counted_and_not_listed() {
    let place = Place::new();
    let nonsense = format!("FROM alpine:3.19\n{}", "a\n".repeat(100_000));
    for folder in 0..30 {
        let folder = place.path("").join(folder.to_string());
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::write(folder.join("Dockerfile"), &nonsense).expect("a file");
    }
    let ran = place.run(&["scan", ".", "--format", "json"]).expect(0);
    assert!(ran.stdout.len() < 50_000, "{} bytes", ran.stdout.len());
    let (found, skipped) = scanned(&place, ".");
    assert_eq!((found.len(), skipped.len()), (30, 201));
    assert_eq!(skipped[20], "0/Dockerfile and 99,980 more");
    assert!(skipped[200].starts_with(" and 2,"), "{}", skipped[200]);
}
