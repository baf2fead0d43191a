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
        drop_digest: false,
        only: None,
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
        "# escape=`\nFROM a:1\nENV A=\"C:\\\"\n",
        "FROM a:1 AS x\nFROM a:1 AS x\n",
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
    check_passed(
        "FROM a:1\nkey = value\n",
        &["2: \"key\" is not an instruction"],
    );
    check_passed(
        "FROM a:1\nRUN bash <<A\nx\nA\nCOPY a\n",
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

/// What a file holds, as `line kind reference` with the tag behind a colon; what is not known ends with `?` and why.
fn check_scan(file: &str, expect: &[&str]) {
    let scanned = scan(Format::Dockerfile, file.as_bytes(), &no_args()).expect("it is readable");
    let found: Vec<String> = scanned
        .references
        .iter()
        .map(|located| {
            let (line, kind) = (located.line, located.kind.code());
            match (located.reference(), located.why_not()) {
                (Some(reference), _) => format!("{line} {kind} {reference}"),
                (None, why) => {
                    let why = why.map_or("known", |why| why.code());
                    format!("{line} {kind} {} ? {why}", located.written)
                }
            }
        })
        .collect();
    assert_eq!(found, expect, "{file:?}");
}

#[test]
fn a_mount_is_csv_and_its_last_from_counts() {
    check_scan("RUN --mount=from=a:1,from=b:2 x\n", &["1 mount-from b:2"]);
    check_scan(
        "RUN --mount='type=bind,\"source=a,from=x:1\",from=b:2' x\n",
        &["1 mount-from b:2"],
    );
    check_scan(
        "RUN --mount='\"from=b:2\",\"source=a\"\"b,c\"' --mount=FROM=c:3 x\n",
        &["1 mount-from b:2", "1 mount-from c:3"],
    );
    check_scan("RUN --mount=from=a:1,from= x\n", &[]);
    check_edit(
        "RUN --mount='type=bind,\"from=b:2\",source=/a' --mount=from=b:2,target=/ x\n",
        &[("b", "2", "33")],
        Ok("RUN --mount='type=bind,\"from=b:33\",source=/a' --mount=from=b:33,target=/ x\n"),
    );
}

#[test]
fn a_pattern_is_a_word_of_its_own() {
    for (file, expect) in [
        (
            "ARG V=v3.19\nFROM alpine:${V#\"v\"}\n",
            "2 from alpine:3.19",
        ),
        ("ARG V=v3.19\nFROM alpine:${V#'v'}\n", "2 from alpine:3.19"),
        (
            "ARG V=v3.19\nARG P=v\nFROM alpine:${V#$P}\n",
            "3 from alpine:3.19",
        ),
        (
            "ARG V=3.19-x-y\nARG P=-*\nFROM alpine:${V%%${P}}\n",
            "3 from alpine:3.19",
        ),
        (
            "ARG V=a/b/c\nFROM alpine:${V//\\//-}\n",
            "2 from alpine:a-b-c",
        ),
        (
            "ARG V=a/b/c\nARG R=_\nFROM alpine:${V//\"/\"/$R}\n",
            "3 from alpine:a_b_c",
        ),
        ("ARG V=a*b\nFROM alpine:${V/\\*/-}\n", "2 from alpine:a-b"),
        (
            "ARG V=1\nFROM alpine:${V#$P}\n",
            "2 from alpine:${V#$P} ? unresolved-arg",
        ),
        (
            "ARG V=1\nFROM alpine:${V/1/$P}\n",
            "2 from alpine:${V/1/$P} ? unresolved-arg",
        ),
        (
            "ARG V=1\nFROM alpine:${V#\n",
            "2 from alpine:${V# ? invalid-reference",
        ),
        (
            "ARG V=1\nFROM alpine:${V/1}\n",
            "2 from alpine:${V/1} ? invalid-reference",
        ),
    ] {
        check_scan(file, &[expect]);
    }
}

#[test]
fn an_escape_character_at_the_end_of_a_word_is_dropped() {
    check_scan("FROM alpine:3.19\\ AS x\n", &["1 from alpine:3.19"]);
    check_edit(
        "FROM alpine:3.19\\ AS x\n",
        &[("alpine", "3.19", "3.20")],
        Ok("FROM alpine:3.20\\ AS x\n"),
    );
}

#[test]
fn directives_stand_where_buildkit_looks_for_them() {
    check_scan(" # syntax=a:1\nFROM b:1\n", &["2 from b:1"]);
    check_scan(
        "#!/x\n# syntax=a:1\nFROM b:1\n",
        &["2 syntax a:1", "3 from b:1"],
    );
    check_scan(" # escape=`\nFROM b:1 `\n AS c\nFROM C\n", &["2 from b:1"]);
}

#[test]
fn a_heredoc_beside_an_open_quote_is_none() {
    check_scan(
        "FROM x:1\nRUN cat <<EOF it's\nFROM y:1\nEOF\n",
        &["1 from x:1", "3 from y:1"],
    );
}

#[test]
fn numbers_are_stages_in_copy() {
    for number in ["0", "99999999999", "-1"] {
        check_scan(
            &format!("FROM a:1\nCOPY --from={number} /x /y\n"),
            &["1 from a:1"],
        );
    }
}

#[test]
fn onbuild_reads_like_what_it_holds() {
    let stage = "FROM a:1 AS stage\n";
    for (line, expect) in [
        (
            "ONBUILD COPY --from=image:1 /x /y",
            Some("2 onbuild-from image:1"),
        ),
        (
            "onbuild copy --chmod=1 --from=image:1 /x /y",
            Some("2 onbuild-from image:1"),
        ),
        ("ONBUILD COPY --from=stage /x /y", None),
        ("ONBUILD COPY --from=0 /x /y", None),
        (
            "ONBUILD COPY --from=$X /x /y",
            Some("2 onbuild-from $X ? variable-not-expanded"),
        ),
        (
            "ONBUILD RUN --mount=from=image:1,target=/x cat",
            Some("2 onbuild-from image:1"),
        ),
        ("ONBUILD RUN --mount=type=cache,target=/x cat", None),
        ("ONBUILD ADD --from=image:1 /x /y", None),
        ("ONBUILD ADD x /y", None),
        ("ONBUILD FROM image:1", None),
        ("ONBUILD ONBUILD COPY --from=image:1 /x /y", None),
    ] {
        let expect: Vec<&str> = ["1 from a:1"].into_iter().chain(expect).collect();
        check_scan(&format!("{stage}{line}\n"), &expect);
    }
}

#[test]
fn an_edit_does_not_move_what_is_not_known() {
    for used in [
        "${W:-1}", "${W-1}", "${W:+x}", "${W#2}", "${W/2/3}", "${U:-$V}", "${V#$U}", "$W",
    ] {
        let declared = if used.contains('U') { "ARG U=$X\n" } else { "" };
        check_edit(
            &format!("ARG V=20\nARG W=$V$U\n{declared}FROM node:$V\nFROM foo:{used}\n"),
            &[("node", "20", "22")],
            Err("shared-arg"),
        );
    }
}

#[test]
fn two_variables_side_by_side_part_where_they_did() {
    check_edit(
        "ARG V=20\nARG S=-alpine\nFROM node:$V$S\n",
        &[("node", "20-alpine", "22-alpine3.19")],
        Ok("ARG V=22\nARG S=-alpine3.19\nFROM node:$V$S\n"),
    );
}
