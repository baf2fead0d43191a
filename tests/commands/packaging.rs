//! `packaging/`, read by our own readers: what runs imagebot can be kept up to date by imagebot.

use super::place::Place;
use std::path::{Path, PathBuf};

const IMAGE: &str = "registry.example.com/tools/imagebot";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The references of a folder: file, kind, and image with tag.
fn scan(folder: &str) -> Vec<String> {
    let folder = root().join(folder);
    let folder = folder.to_str().expect("UTF-8");
    let ran = Place::new()
        .run(&["scan", folder, "--format", "json"])
        .expect(0);
    let json = ran.json();
    let references = json["references"].as_array().expect("a list");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_owned();
    let line = |reference: &serde_json::Value| {
        assert_eq!(reference["editable"], true, "{reference}");
        ["path", "kind", "image", "tag"]
            .map(|key| text(&reference[key]))
            .join(" ")
    };
    references.iter().map(line).collect()
}

fn expect(folder: &str, places: &[&str]) {
    let version = env!("CARGO_PKG_VERSION");
    let expected: Vec<String> = places
        .iter()
        .map(|place| format!("{place} {IMAGE} {version}"))
        .collect();
    assert_eq!(scan(folder), expected, "{folder}");
}

#[test]
fn every_manifest_is_read() {
    expect(
        "packaging",
        &[
            "compose/compose.yaml compose-image",
            "github/action.yml annotated",
            "helm/imagebot/Chart.yaml annotated",
            "helm/imagebot/values.yaml helm-image",
            "kubernetes/base/cronjob.yaml k8s-image",
            "kubernetes/example/kustomization.yaml kustomize-image",
            "podman/imagebot.container quadlet-image",
        ],
    );
    expect(
        "packaging/gitlab-ci",
        &[
            ".gitlab-ci.yml gitlab-image",
            "templates/imagebot.yml gitlab-image",
        ],
    );
}

/// The bases of our own image are pinned, and its labels name the commit: what `freshness` needs for an exact answer.
#[test]
fn our_own_image_can_be_checked_for_freshness() {
    let place = Place::new();
    let dockerfile = std::fs::read_to_string(root().join("Dockerfile")).expect("a Dockerfile");
    place.write("files/Dockerfile", &dockerfile);
    let ran = place.run(&["scan", "files", "--format", "json"]).expect(0);
    let json = ran.json();
    let references = json["references"].as_array().expect("a list");
    assert_eq!(references.len(), 2);
    for reference in references {
        assert!(reference["digest"].is_string(), "{reference}");
        assert_eq!(reference["editable"], true, "{reference}");
    }
    for label in ["revision", "source"] {
        assert!(dockerfile.contains(&format!("org.opencontainers.image.{label}=")));
    }
}

/// The version is written in Cargo.toml; what repeats it agrees.
#[test]
fn examples_have_the_version_of_the_program() {
    let version = env!("CARGO_PKG_VERSION");
    let word = regex::Regex::new(
        r#"(?:imagebot[:_@-]|imagebot(?:/imagebot|-action)@v?|newTag: |tag: |[vV]ersion: )(\d+\.\d+\.\d+)"#,
    )
    .expect("a regular expression");
    let mut found = 0;
    for path in files(&["packaging", "docs/deploy"]) {
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        for written in word.captures_iter(&text) {
            found += 1;
            assert_eq!(&written[1], version, "{}: {}", path.display(), &written[0]);
        }
    }
    assert!(found > 15, "the versions are found: {found}");
}

fn files(folders: &[&str]) -> Vec<PathBuf> {
    let mut waiting: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    let mut files = Vec::new();
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("a folder");
            waiting.extend(entries.map(|entry| entry.expect("an entry").path()));
        } else {
            files.push(path);
        }
    }
    files
}

/// What a page shows to copy is what is checked.
#[test]
fn pages_show_the_files_and_are_short() {
    for (page, file, begin) in [
        ("gitlab-ci", "gitlab-ci/.gitlab-ci.yml", "imagebot:\n"),
        (
            "github-actions",
            "github/.github/workflows/imagebot.yml",
            "jobs:\n",
        ),
    ] {
        let page = std::fs::read_to_string(root().join(format!("docs/deploy/{page}.md")));
        let file = std::fs::read_to_string(root().join("packaging").join(file)).expect("UTF-8");
        let at = file.find(begin).expect("it begins so");
        assert!(
            page.expect("UTF-8").contains(&file[at..]),
            "{}",
            &file[at..]
        );
    }
    for path in files(&["docs/deploy"]) {
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        for block in text.split("```").skip(1).step_by(2) {
            assert!(block.lines().count() <= 16, "{}: {block}", path.display());
        }
    }
}
