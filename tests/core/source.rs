//! `fixtures/vectors/scan.json` and `edit.json`: what a file holds, and what an edit leaves behind.

use imagebot::image::{Digest, ImageName, Tag};
use imagebot::source::{Format, FromDigest, Update, edit, scan};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn vectors<T: for<'de> Deserialize<'de>>(file: &str) -> Vec<T> {
    let path = format!("{}/fixtures/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).expect("the vectors are part of the repository");
    serde_json::from_str(&text).expect("the vectors are JSON")
}

fn report(kind: &str, total: usize, failures: &[String]) {
    assert!(
        failures.is_empty(),
        "{} of {total} {kind} vectors fail:\n{}",
        failures.len(),
        failures.join("\n")
    );
    assert!(total > 50, "the {kind} vectors are there");
}

#[derive(Deserialize)]
struct ScanVector {
    id: String,
    file: String,
    name: String,
    expect: Vec<serde_json::Map<String, Value>>,
    why: String,
}

#[test]
fn scan_vectors() {
    let vectors: Vec<ScanVector> = vectors("scan.json");
    let mut failures = Vec::new();
    for vector in &vectors {
        let format = Format::of(&vector.name).expect("the name is one of a Dockerfile");
        let scanned =
            scan(format, vector.file.as_bytes(), &BTreeMap::new()).expect("the file is readable");
        let found: Vec<Value> = scanned
            .references
            .iter()
            .zip(
                vector
                    .expect
                    .iter()
                    .map(Some)
                    .chain(std::iter::repeat(None)),
            )
            .map(|(located, expect)| {
                let reference = located.reference();
                let all = json!({
                    "image": located.image(),
                    "tag": reference.and_then(|r| r.tag.as_ref()).map(Tag::as_str),
                    "digest": reference.and_then(|r| r.digest.as_ref()).map(Digest::as_str),
                    "line": located.line,
                    "kind": located.kind.code(),
                    "stage": located.stage,
                    "platform": located.platform,
                    "editable": located.why_not().is_none(),
                    "why_not": located.why_not().map(|why| why.code()),
                });
                // A field that the vector does not name is not asserted, unless it says that something is wrong.
                let asserted = |key: &str, value: &Value| {
                    expect.is_none_or(|expect| expect.contains_key(key))
                        || (key == "why_not" && !value.is_null())
                };
                let all = all.as_object().expect("an object").clone();
                Value::Object(
                    all.into_iter()
                        .filter(|(key, value)| asserted(key, value))
                        .collect(),
                )
            })
            .collect();
        let expect: Vec<Value> = vector.expect.iter().cloned().map(Value::Object).collect();
        if found != expect {
            failures.push(format!(
                "{} ({})\n  file   {:?}\n  found  {}\n  expect {}",
                vector.id,
                vector.why,
                vector.file,
                json!(found),
                json!(expect)
            ));
        }
    }
    report("scan", vectors.len(), &failures);
}

#[derive(Deserialize)]
struct EditVector {
    id: String,
    file: String,
    updates: Vec<EditUpdate>,
    expect_file: Option<String>,
    expect_refusal: Option<String>,
    why: String,
}

#[derive(Deserialize)]
struct EditUpdate {
    image: String,
    from_tag: Option<String>,
    to_tag: Option<String>,
    to_digest: Option<String>,
}

fn update(update: &EditUpdate) -> Update {
    let tag = |text: &Option<String>| text.as_ref().map(|text| Tag::parse(text).expect("a tag"));
    Update {
        image: ImageName::parse(&update.image).expect("an image name"),
        from_tag: tag(&update.from_tag),
        from_digest: FromDigest::Any,
        to_tag: tag(&update.to_tag),
        to_digest: update
            .to_digest
            .as_ref()
            .map(|text| Digest::parse(text).expect("a digest")),
        lines: None,
    }
}

#[test]
fn edit_vectors() {
    let vectors: Vec<EditVector> = vectors("edit.json");
    let mut failures = Vec::new();
    for vector in &vectors {
        let updates: Vec<Update> = vector.updates.iter().map(update).collect();
        let edited = edit(
            Format::Dockerfile,
            vector.file.as_bytes(),
            &BTreeMap::new(),
            &updates,
        );
        let found = match &edited {
            Ok(bytes) => Ok(String::from_utf8_lossy(bytes).into_owned()),
            Err(refusal) => Err(refusal.code().to_owned()),
        };
        let expect = match (&vector.expect_file, &vector.expect_refusal) {
            (Some(file), None) => Ok(file.clone()),
            (None, Some(code)) => Err(code.clone()),
            _ => panic!("{}: either a file or a refusal is expected", vector.id),
        };
        if found != expect {
            failures.push(format!(
                "{} ({})\n  found  {found:?}\n  expect {expect:?}",
                vector.id, vector.why
            ));
        }
    }
    report("edit", vectors.len(), &failures);
}
