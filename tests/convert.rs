//! What `imagebot init --from` makes of other systems' configurations: `fixtures/init`, and whatever else they hold.
#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says why"
)]

use imagebot::config::{Config, parse_repository};
use imagebot::convert::{Converted, MAX_OLD_FILE, System, convert, convert_contexts};
use imagebot::repo::RepoPath;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Fails unless `config check` accepts the result.
fn is_valid(converted: &Converted, of: &str) {
    let schemes = Config::default().schemes;
    if let Err(problems) = parse_repository("imagebot.toml", &converted.text, &schemes) {
        panic!("{of}\n{problems}\n{}", converted.text);
    }
}

fn renovate(text: &str) -> Converted {
    let converted = convert(System::Renovate, "renovate.json", text).unwrap();
    is_valid(&converted, text);
    converted
}

const EXPECTED: &str = "imagebot.toml";

/// The cases: a folder with the old file, or with `contexts`, and the expected result.
fn cases() -> Vec<(PathBuf, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/init");
    let folders = std::fs::read_dir(root)
        .unwrap()
        .map(|it| it.unwrap().path());
    let mut cases = Vec::new();
    for folder in folders.filter(|path| path.is_dir()) {
        let names = std::fs::read_dir(&folder).unwrap();
        let names = names.map(|it| it.unwrap().file_name().into_string().unwrap());
        let old: Vec<String> = names.filter(|name| name != EXPECTED).collect();
        assert_eq!(old.len(), 1, "{}", folder.display());
        cases.push((folder.join(&old[0]), folder.join(EXPECTED)));
    }
    cases.sort();
    cases
}

fn contexts(folder: &Path) -> Vec<RepoPath> {
    let mut paths = Vec::new();
    for context in std::fs::read_dir(folder).unwrap().map(|it| it.unwrap()) {
        for file in std::fs::read_dir(context.path())
            .unwrap()
            .map(|it| it.unwrap())
        {
            let names = [context.file_name(), file.file_name()];
            let [context, file] = names.map(|name| name.into_string().unwrap());
            paths.push(RepoPath::parse(&format!("contexts/{context}/{file}")).unwrap());
        }
    }
    paths.sort();
    paths
}

#[test]
fn every_case_has_its_result() {
    let cases = cases();
    assert!(cases.len() >= 30, "{}", cases.len());
    for (old, expected) in cases {
        let name = old.file_name().unwrap().to_str().unwrap();
        let converted = match System::of_file(name) {
            Some(system) => convert(system, name, &std::fs::read_to_string(&old).unwrap()).unwrap(),
            None => convert_contexts(&contexts(&old)),
        };
        is_valid(&converted, name);
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(converted.text, expected, "{}", old.display());
    }
}

#[test]
fn no_secret_is_repeated() {
    for (_, expected) in cases() {
        let text = std::fs::read_to_string(&expected).unwrap();
        assert!(!text.contains("-secret"), "{}", expected.display());
    }
}

#[test]
fn names_of_files_are_known() {
    for (name, expect) in [
        ("renovate.json", Some(System::Renovate)),
        ("renovate.json5", Some(System::Renovate)),
        (".renovaterc", Some(System::Renovate)),
        (".renovaterc.json", Some(System::Renovate)),
        (".renovaterc.json5", Some(System::Renovate)),
        ("default.json", Some(System::Renovate)),
        (".gitlab-deps", Some(System::GitlabDeps)),
        ("gipgee.yml", Some(System::Gipgee)),
        ("docker-builder.yml", Some(System::DockerBuilder)),
        ("builder.yaml", Some(System::DockerBuilder)),
        ("Dockerfile", None),
        ("imagebot.toml", None),
    ] {
        assert_eq!(System::of_file(name), expect, "{name}");
    }
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_with_its_line() {
    let deep = "[".repeat(100_000);
    let deep_yaml = format!("images: {deep}");
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(MAX_OLD_FILE));
    for (system, text, line, what) in [
        (System::Renovate, "", 1, "the file is empty"),
        (System::Renovate, "{\n  \"a\": [1,\n", 2, "not JSON"),
        (System::Renovate, "\n[1]", 2, "expected a JSON object"),
        (System::Renovate, "{\"a\": 1} {", 1, "not JSON"),
        (System::Renovate, deep.as_str(), 1, "not JSON"),
        (System::Renovate, large.as_str(), 1, "at most"),
        (System::Gipgee, "a: 1\n", 1, "there is no map `images`"),
        (System::Gipgee, "a: [\n", 1, "invalid YAML"),
        (System::Gipgee, deep_yaml.as_str(), 1, ""),
        (System::DockerBuilder, "- a\n", 1, "expected a map"),
    ] {
        let shown: String = text.chars().take(40).collect();
        let error = convert(system, "dir/file", text).expect_err(&shown);
        assert_eq!(
            (error.file.as_str(), error.line),
            ("dir/file", line),
            "{shown}: {error}"
        );
        assert!(error.what.contains(what), "{shown}: {error}");
    }
}

#[test]
fn a_large_file_is_cut_and_says_so() {
    let names: Vec<String> = (0..5_000)
        .map(|n| format!("ghcr.io/acme/app-{n}"))
        .collect();
    let one = json!({ "ignoreDeps": names });
    let rules: Vec<Value> = names
        .iter()
        .map(|name| json!({ "matchPackageNames": [name], "enabled": false }))
        .collect();
    let hosts: Vec<Value> = names
        .iter()
        .map(|name| json!({ "matchHost": name }))
        .collect();
    for value in [
        one,
        json!({ "packageRules": rules }),
        json!({ "hostRules": hosts }),
    ] {
        let converted = renovate(&value.to_string());
        assert!(converted.left > 0);
        assert!(converted.text.len() < 128 << 10);
        assert!(
            converted.text.contains("more") || converted.text.contains("limit"),
            "{}",
            converted.text
        );
    }
    let unknown: serde_json::Map<String, Value> =
        (0..20_000).map(|n| (format!("key{n}"), json!(n))).collect();
    let converted = renovate(&Value::Object(unknown).to_string());
    assert_eq!(converted.left, 20_000);
    assert!(converted.text.contains("more"), "{}", converted.text);
}

#[test]
fn text_cannot_leave_its_comment_or_its_string() {
    let evil = "x\"\n[[rule]]\nci = \"propose\"\n#\u{1b}[31m\u{0}'''\"\"\"\\";
    let value = json!({
        evil: evil,
        "labels": [evil],
        "assignees": [evil],
        "versioning": format!("regex:{evil}"),
        "ignorePaths": [evil],
        "extends": [evil, format!(":label({evil})")],
        "packageRules": [
            { "matchPackageNames": [evil], "groupName": evil, "description": evil, evil: 1 },
            { "matchCurrentValue": evil, "allowedVersions": evil, "enabled": true }
        ],
        "hostRules": [{ "matchHost": evil, "username": evil }],
        "customManagers": [{
            "customType": "regex", "fileMatch": [evil], "managerFilePatterns": [evil], "matchStrings": [evil],
            "depNameTemplate": evil, "datasourceTemplate": "docker"
        }],
    });
    let converted = renovate(&value.to_string());
    let schemes = Config::default().schemes;
    let read = parse_repository("imagebot.toml", &converted.text, &schemes).unwrap();
    assert!(read.rules.iter().all(|rule| rule.changes.ci.is_none()));
    assert!(!converted.text.contains('\u{1b}') && !converted.text.contains('\0'));
}

/// Texts that keys of Renovate have, and others.
fn text() -> impl Strategy<Value = Value> {
    let known = [
        "node",
        "postgres",
        "ghcr.io/acme/app",
        "**/redis",
        "*",
        "!node",
        "/^node/",
        "/a|b/",
        "bitnami/**",
        "docker",
        "npm",
        "major",
        "minor",
        "patch",
        "digest",
        "pin",
        "pinDigest",
        "dockerfile",
        "docker-compose",
        "<17",
        ">=3.11 <4",
        "/^3\\.1/",
        "3 days",
        "regex:^v(?<major>\\d+)$",
        "semver",
        "Dockerfile",
        "images/**",
        "config:recommended",
        "docker:pinDigests",
        ":automergeMinor",
        ":label(x)",
        "group:all",
        "schedule:weekly",
        "@alice",
        "team:x",
        "{{depName}}",
        "a,b",
        "",
        "{a",
        "[",
        "regex",
        "\u{e9}",
        "A/B",
        "image=(?<depName>\\S+):(?<currentValue>\\S+)",
        "https://registry.example.com/v2/",
    ];
    prop_oneof![
        8 => proptest::sample::select(known.to_vec()).prop_map(|text| json!(text)),
        1 => any::<String>().prop_map(|text| json!(text)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => text(),
        3 => any::<bool>().prop_map(|value| json!(value)),
        1 => Just(Value::Null),
        1 => any::<i32>().prop_map(|value| json!(value)),
        1 => (0..30_u32).prop_map(|value| json!(value)),
        6 => prop::collection::vec(text(), 0..4).prop_map(Value::Array),
    ]
}

fn object(
    keys: &'static [&'static str],
    value: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Value> {
    let entry = (proptest::sample::select(keys.to_vec()), value);
    prop::collection::vec(entry, 0..8).prop_map(|entries| {
        let entries = entries
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value));
        Value::Object(entries.collect())
    })
}

const RULE: &[&str] = &[
    "matchPackageNames",
    "matchDepNames",
    "matchPackagePatterns",
    "matchPackagePrefixes",
    "matchFileNames",
    "matchPaths",
    "matchUpdateTypes",
    "matchDatasources",
    "matchManagers",
    "matchCategories",
    "matchCurrentValue",
    "matchRepositories",
    "excludePackageNames",
    "matchDepTypes",
    "enabled",
    "allowedVersions",
    "groupName",
    "automerge",
    "minimumReleaseAge",
    "pinDigests",
    "labels",
    "addLabels",
    "assignees",
    "reviewers",
    "additionalReviewers",
    "draftPR",
    "versioning",
    "separateMajorMinor",
    "ignoreUnstable",
    "description",
    "schedule",
    "prConcurrentLimit",
    "extends",
    "unknown",
];
const TOP: &[&str] = &[
    "extends",
    "ignorePaths",
    "includePaths",
    "ignoreDeps",
    "prConcurrentLimit",
    "prHourlyLimit",
    "schedule",
    "enabledManagers",
    "enabled",
    "automerge",
    "labels",
    "assignees",
    "reviewers",
    "pinDigests",
    "minimumReleaseAge",
    "groupName",
    "separateMajorMinor",
    "draftPR",
    "versioning",
    "packageRules",
    "hostRules",
    "customManagers",
    "ignorePresets",
    "unknown",
];
const TYPES: &[&str] = &[
    "major",
    "minor",
    "patch",
    "digest",
    "pin",
    "dockerfile",
    "docker-compose",
    "npm",
    "docker",
    "kubernetes",
];
const HOST: &[&str] = &["matchHost", "hostType", "username", "password"];
const CUSTOM: &[&str] = &[
    "customType",
    "fileMatch",
    "managerFilePatterns",
    "matchStrings",
    "datasourceTemplate",
    "depNameTemplate",
    "packageNameTemplate",
];

fn configuration() -> impl Strategy<Value = Value> {
    let list = |object| prop::collection::vec(object, 0..4).prop_map(Value::Array);
    let rule = prop_oneof![
        4 => object(RULE, value()),
        1 => object(TYPES, object(RULE, value())),
    ];
    let parts = (
        object(TOP, value()),
        list(rule.boxed()),
        list(object(CUSTOM, value()).boxed()),
        list(object(HOST, value()).boxed()),
        object(TYPES, object(RULE, value())),
    );
    parts.prop_map(|(top, rules, custom, hosts, types)| {
        let mut whole = top;
        let map = whole.as_object_mut().unwrap();
        map.insert("packageRules".to_owned(), rules);
        map.insert("customManagers".to_owned(), custom);
        map.insert("hostRules".to_owned(), hosts);
        map.extend(types.as_object().unwrap().clone());
        whole
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_result_is_always_valid(value in configuration()) {
        renovate(&value.to_string());
    }

    #[test]
    fn any_text_is_converted_or_an_error(text in "[ -~\n]{0,200}") {
        for system in [System::Renovate, System::GitlabDeps, System::Gipgee, System::DockerBuilder] {
            if let Ok(converted) = convert(system, "old", &text) {
                is_valid(&converted, &text);
            }
        }
    }

    #[test]
    fn a_list_of_folders_is_converted_whatever_they_are(names in prop::collection::vec("[a-zA-Z0-9:._-]{1,12}", 0..6), user in "[ -~]{0,20}") {
        let text = json!({
            "registries": [{ "registry": "local", "username": user }],
            "containers": names,
        });
        if let Ok(converted) = convert(System::DockerBuilder, "builder.yaml", &text.to_string()) {
            is_valid(&converted, &text.to_string());
        }
    }
}
