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

fn no_args() -> BTreeMap<String, String> {
    BTreeMap::new()
}

/// What is complained of, as `line: what`.
fn check_passed(file: &str, expect: &[&str]) {
    let scanned = scan(Format::Dockerfile, file.as_bytes(), &no_args()).expect("it is readable");
    let found: Vec<String> = scanned
        .passed
        .iter()
        .map(|passed| format!("{}: {}", passed.line, passed.what))
        .collect();
    assert_eq!(found.len(), expect.len(), "{file:?}: {found:?}");
    for (found, expect) in found.iter().zip(expect) {
        assert!(found.starts_with(expect), "{file:?}: {found:?}");
    }
}

#[test]
fn what_buildkit_accepts_is_not_complained_of() {
    for file in [
        "FROM a:1\nRUN cat <<EOF > /etc/x\nkey = value\nEOF\n",
        "FROM a:1\nRUN bash <<EOF\nkey = value\nEOF\nCMD x\n",
        "FROM a:1\nRUN <<A <<B\n1 x\nA\n2 x\nB\n",
        "FROM a:1\nCOPY <<-\"A\" <<B /x/\n\t1 x\n\tA\n2 x\nB\n",
        "FROM a:1\nRUN [\"a\", \"<<EOF\"]\nCMD x\n",
        "FROM a:1\nRUN cat <<EOF it's\nCMD x\n",
        "#!/usr/bin/env x\n# escape=`\nFROM a:1\nRUN a \\\n  b\n",
        "# escape=`\nFROM a:1\nRUN a `\n  b\nRUN dir C:\\\nCMD x\n",
        "FROM a:1 \\\n# x\n\n AS b\nRUN a\\\\\nCMD x\n",
        "\n\n# nothing\n",
        "",
    ] {
        check_passed(file, &[]);
    }
}

#[test]
fn what_is_malformed_is_complained_of() {
    check_passed(
        "FROM a:1\nRUN <<A\nCMD x\n",
        &["2: the heredoc \"A\" has no end"],
    );
    check_passed("FROM a:1\nkey = value\n", &["2: \"key\" is no instruction"]);
    check_passed(
        "FROM a:1\nRUN bash <<A\nx\nA\nRUN\n",
        &["5: the file does not parse"],
    );
    check_passed("\nFROM a:1\n\nLABEL\n", &["4: the file does not parse"]);
}

/// Updates are `image:tag → tag`; what comes out is the file or the refusal's code.
fn check_edit(file: &str, updates: &[(&str, &str, &str)], expect: Result<&str, &str>) {
    let updates: Vec<Update> = updates
        .iter()
        .map(|(image, from, to)| {
            update(&EditUpdate {
                image: (*image).to_owned(),
                from_tag: Some((*from).to_owned()),
                to_tag: Some((*to).to_owned()),
                to_digest: None,
            })
        })
        .collect();
    let found = match edit(Format::Dockerfile, file.as_bytes(), &no_args(), &updates) {
        Ok(bytes) => Ok(String::from_utf8(bytes).expect("text stays text")),
        Err(refusal) => Err(refusal.code()),
    };
    assert_eq!(found, expect.map(str::to_owned), "{file:?} {updates:?}");
}

#[test]
fn an_edit_moves_no_stage_and_no_platform() {
    check_edit(
        "ARG OS=bookworm\nFROM debian:12 AS base-bookworm\nFROM debian:13 AS base-trixie\nFROM python:3.12-$OS AS py\nFROM base-$OS\n",
        &[("python", "3.12-bookworm", "3.12-trixie")],
        Err("shared-arg"),
    );
    check_edit(
        "ARG V=7\nFROM --platform=linux/arm/v$V a:$V\n",
        &[("a", "7", "8")],
        Err("shared-arg"),
    );
    check_edit(
        "ARG V=7\nFROM --platform=$X/v$V scratch\nFROM a:$V\n",
        &[("a", "7", "8")],
        Err("shared-arg"),
    );
    check_edit(
        "ARG V=7\nFROM b:1 AS base\nFROM --platform=$BUILDPLATFORM a:$V\nFROM base\n",
        &[("a", "7", "8")],
        Ok("ARG V=8\nFROM b:1 AS base\nFROM --platform=$BUILDPLATFORM a:$V\nFROM base\n"),
    );
}

#[test]
fn updates_that_contradict_each_other_are_refused() {
    check_edit(
        "FROM node:20\n",
        &[("node", "20", "22"), ("node", "20", "23")],
        Err("contradicting-updates"),
    );
    check_edit(
        "FROM node:20\n",
        &[("node", "20", "22"), ("node", "20", "22")],
        Ok("FROM node:22\n"),
    );
}
