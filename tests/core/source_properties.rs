//! Properties of reading and editing Dockerfiles, on files put together at random and on files that mean no good.

use imagebot::image::{Digest, ImageName, Tag};
use imagebot::repo::RepoPath;
use imagebot::source::{
    Format, FromDigest, MAX_FILE, RefId, SourceFile, Sources, Update, edit, edit_sources, scan,
};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

const DIGEST: &str = "sha256:11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437";

/// Pieces of Dockerfiles, `@` standing for a line end.
const PIECES: [&str; 26] = [
    "ARG V=1.0@FROM a/b:$V@",
    "ARG MAJOR=1@ARG MINOR=0@FROM c:${MAJOR}.${MINOR}@",
    "ARG W=1.0-slim@FROM d:${W}@COPY --from=e:1.0 /x /y@",
    "ARG IMAGE=a/b:1.0@FROM ${IMAGE} AS arg@",
    "ARG T@FROM a/b:${T:-1.0}@",
    "FROM a/b:1.0@",
    "FROM a/b:1.0 AS x@RUN echo a/b:1.0@",
    "from   --platform=linux/arm64\ta/b:1.0   as   y @",
    "FROM \"a/b:1.0\" AS q@",
    "FROM \\@  a/b:1.0 \\@  AS z@",
    "FROM \\@# a/b:1.0@  c:1.0@",
    "FROM localhost:5000/c:1.0@",
    "FROM a/b:1.0@sha256:0000000000000000000000000000000000000000000000000000000000000000\n",
    "FROM a/b@",
    "FROM scratch@",
    "# FROM a/b:1.0@",
    "# imagebot: max=minor@FROM c:1.0@",
    "RUN --mount=type=bind,from=e:1.0,target=/x --mount=from=a/b:1.0,target=/y cat@",
    "COPY --chmod=1 --from=a/b:1.0 /a /b@",
    "RUN <<EOF@FROM a/b:1.0@EOF@",
    "RUN <<-'X' cat@FROM c:1.0@\tX@",
    "ONBUILD COPY --from=e:1.0 /a /b@",
    "LABEL a=\"a/b:1.0 \u{e9}\u{65e5}\"@",
    "@@",
    "FROM",
    "ENV V=2.0@",
];

/// A file: pieces in any order, LF or CRLF, perhaps a byte-order mark, a directive, no line end at the end.
fn file() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..8);
    (
        pieces,
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(pieces, crlf, bom, syntax, cut)| {
            let mut text = String::new();
            if syntax {
                text.push_str("# syntax=docker/dockerfile:1.0@");
            }
            text.extend(pieces);
            let text = text
                .replace("@sha256:", "\u{1}")
                .replace('@', if crlf { "\r\n" } else { "\n" });
            let mut text = text.replace('\u{1}', "@sha256:");
            if cut {
                text.truncate(text.trim_end().len());
            }
            if bom { format!("\u{feff}{text}") } else { text }
        })
}

fn update() -> impl Strategy<Value = Update> {
    let image = prop::sample::select(vec![
        "a/b",
        "c",
        "d",
        "e",
        "docker/dockerfile",
        "localhost:5000/c",
    ]);
    let from = prop::sample::select(vec!["1.0", "1.0-slim"]);
    let to = prop::sample::select(vec!["1.0", "1.1", "2.0", "2.0-slim", "10.20.30-x"]);
    (image, from, to, any::<bool>(), any::<bool>()).prop_map(|(image, from, to, pin, drop)| {
        Update {
            image: ImageName::parse(image).expect("a name"),
            from_tag: Some(Tag::parse(from).expect("a tag")),
            from_digest: FromDigest::Any,
            to_tag: Some(Tag::parse(to).expect("a tag")),
            to_digest: pin.then(|| Digest::parse(DIGEST).expect("a digest")),
            drop_digest: drop,
            only: None,
        }
    })
}

/// What a file holds, as the plan compares it: place in the order, kind and reference.
fn references(file: &[u8]) -> Vec<(String, Option<String>, Option<String>)> {
    let scanned = scan(Format::Dockerfile, file, &BTreeMap::new()).expect("it is readable");
    let text = |text: &dyn std::fmt::Display| text.to_string();
    let one = |located: &imagebot::source::Located| {
        let reference = located.reference();
        let image = format!("{} {}", located.kind.code(), located.image());
        (
            reference.map_or(image, |r| {
                format!("{} {}", located.kind.code(), r.name.canonical())
            }),
            reference.and_then(|r| r.tag.as_ref()).map(|tag| text(tag)),
            reference
                .and_then(|r| r.digest.as_ref())
                .map(|digest| text(digest)),
        )
    };
    scanned.references.iter().map(one).collect()
}

/// What stands around the versions of a text: an edit that touches anything else changes it.
fn skeleton(text: &str) -> Vec<String> {
    let zero = format!("@sha256:{}", "0".repeat(64));
    let text = text.replace(&format!("@{DIGEST}"), "").replace(&zero, "");
    text.split(|c: char| c.is_ascii_digit() || c == '.')
        .map(|part| {
            part.strip_prefix("-slim")
                .or(part.strip_prefix("-x"))
                .unwrap_or(part)
                .to_owned()
        })
        .filter(|part| !part.is_empty())
        .collect()
}

/// Lines that hold versions and no references: comments, commands, labels, variables of the image, heredocs.
fn is_no_reference(line: &str, before: Option<&str>) -> bool {
    let starts = |words: &[&str]| words.iter().any(|word| line.starts_with(word));
    starts(&["RUN echo", "LABEL", "ENV", "EOF"])
        || (line.starts_with('#') && !line.starts_with("# syntax="))
        || before.is_some_and(|before| before.starts_with("RUN <<"))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_500) })]

    /// Invariant 1.
    #[test]
    fn invariant_1_an_edit_changes_only_the_tag_and_the_digest(file in file(), update in update()) {
        let Ok(edited) = edit(Format::Dockerfile, file.as_bytes(), &BTreeMap::new(), std::slice::from_ref(&update)) else {
            return Ok(());
        };
        let edited = String::from_utf8(edited).expect("text stays text");
        // No line is added, removed or given another end, and what is no version stays byte for byte.
        prop_assert_eq!(skeleton(&file), skeleton(&edited));
        prop_assert_eq!(file.matches('\n').count(), edited.matches('\n').count());
        let mut previous = None;
        for (old, new) in file.split('\n').zip(edited.split('\n')) {
            if is_no_reference(old, previous) {
                prop_assert_eq!(old, new);
            }
            previous = Some(old);
        }
        prop_assert_eq!(file.matches('\r').count(), edited.matches('\r').count());
        prop_assert_eq!(file.starts_with('\u{feff}'), edited.starts_with('\u{feff}'));
        // Read again, it holds the planned references and every other one as it was.
        let (before, after) = (references(file.as_bytes()), references(edited.as_bytes()));
        prop_assert_eq!(before.len(), after.len());
        let meant = format!(" {}", update.image.canonical());
        let (from, to) = (update.from_tag.map(String::from), update.to_tag.map(String::from));
        let digest = update.to_digest.map(String::from);
        let mut changed = 0;
        for (before, after) in before.into_iter().zip(after) {
            let planned = if before.0.ends_with(&meant) && before.1 == from {
                changed += 1;
                (before.0, to.clone(), digest.clone())
            } else {
                before
            };
            prop_assert_eq!(planned, after);
        }
        prop_assert!(changed > 0, "an edit that changes nothing is refused");
    }

    /// Only the references that are meant change, also beside others in one instruction.
    #[test]
    fn invariant_1_an_edit_of_some_references_leaves_the_others_alone(file in file(), update in update(), ordinal in 0_usize..12) {
        let path = RepoPath::parse("Dockerfile").expect("it is a path");
        let only = RefId { path: path.clone(), ordinal };
        let update = Update { only: Some(BTreeSet::from([only])), ..update };
        let contents = file.clone().into_bytes();
        let sources = Sources::new([SourceFile { path: path.clone(), format: Some(Format::Dockerfile), contents }]);
        let Ok(edited) = edit_sources(&sources, &BTreeMap::new(), &[update]) else {
            return Ok(());
        };
        let edited = edited.files.get(&path).cloned().unwrap_or_else(|| file.clone().into_bytes());
        let scanned = |text: &[u8]| scan(Format::Dockerfile, text, &BTreeMap::new()).expect("readable").references;
        for (before, after) in scanned(file.as_bytes()).iter().zip(scanned(&edited)) {
            prop_assert_eq!(before.line, after.line);
            prop_assert_eq!(before.ordinal, after.ordinal);
            if before.ordinal != ordinal {
                prop_assert_eq!(before.reference(), after.reference());
            }
        }
    }

    /// Refused or edited, nothing panics, whatever the bytes.
    #[test]
    fn t13_scan_and_edit_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), update in update()) {
        let _ = scan(Format::Dockerfile, &bytes, &BTreeMap::new());
        let _ = edit(Format::Dockerfile, &bytes, &BTreeMap::new(), &[update]);
    }

    /// As above, of the characters that mean something.
    #[test]
    fn t13_scan_never_panics_on_what_looks_like_a_dockerfile(
        words in prop::collection::vec(prop::sample::select(vec![
            "FROM ", "ARG ", "COPY --from=", "RUN --mount=from=", "$", "${", "}", ":-", ":+", "#", "%", "\\", "`", "\n",
            "\r\n", "\r", "\"", "'", "<<", "EOF", "A", "=", ":", "@", "sha256:", "1.0", "/", "[", "]", "\u{feff}",
            "\u{e9}", " ", "\t", "# escape=`\n", "# syntax=", "AS ", "ONBUILD ", "--platform=", ",", "?",
        ]), 0..40),
    ) {
        let text = words.concat();
        let _ = scan(Format::Dockerfile, text.as_bytes(), &BTreeMap::new());
        let _ = scan(Format::Dockerfile, text.as_bytes(), &BTreeMap::from([("A".to_owned(), "$A".to_owned())]));
    }
}

/// Large and twisted files end in a time that a person does not notice; a debug build has ten times as long.
#[test]
fn t13_files_that_are_built_to_hurt_are_read_in_time() {
    let name = "x".repeat(60);
    let nested = |depth: usize| format!("FROM a:{}{}\n", "${A:-".repeat(depth), "}".repeat(depth));
    let doubling: String = (1..40).fold("ARG A0=xxxxxxxx\n".to_owned(), |text, n| {
        let before = n - 1;
        text + &format!("ARG A{n}=$A{before}$A{before}\n")
    }) + "FROM $A39\n";
    let stages: String = (0..20_000)
        .map(|n| format!("FROM s{n} AS s{}\n", n + 1))
        .collect();
    let files = [
        ("100,000 lines", "FROM a:1\n".repeat(100_000)),
        (
            "one long line",
            format!("FROM {}\n", "a".repeat(MAX_FILE - 6)),
        ),
        (
            "a long line of flags",
            format!("RUN {}\n", "--mount=from=a:1 ".repeat(60_000)),
        ),
        (
            "a long line of variables",
            format!("ARG A=1\nFROM a:{}\n", "$A".repeat(500_000)),
        ),
        (
            "a variable of itself",
            "ARG A=$A$A\n".repeat(90_000) + "FROM $A\n",
        ),
        ("variables that double", doubling),
        ("nested defaults", nested(100_000)),
        (
            "an open brace",
            format!("FROM a:{}\n", "${".repeat(500_000)),
        ),
        (
            "an open heredoc",
            "RUN <<EOF\n".to_owned() + &"FROM a:1\n".repeat(100_000),
        ),
        ("many heredocs", format!("RUN {}\n", "<<A ".repeat(200_000))),
        ("heredocs without an end", "RUN <<A\n".repeat(60_000)),
        (
            "heredocs without an end among what only looks like one",
            "RUN <<A\n\tA\n".repeat(60_000),
        ),
        ("a long value used in many", {
            let uses: String = (0..40_000).map(|n| format!("ARG a{n}=$z\n")).collect();
            format!("ARG z={}\n{uses}", "x".repeat(500))
        }),
        (
            "a long reference used in many",
            format!("ARG z={}\n", "x".repeat(250)) + &"FROM $z\n".repeat(100_000),
        ),
        (
            "continuations",
            "FROM \\\n".to_owned() + &"\\\n".repeat(500_000),
        ),
        (
            "comments in one instruction",
            "FROM \\\n".to_owned() + &"# x\n".repeat(200_000) + "a:1\n",
        ),
        ("stages", stages),
        (
            "patterns",
            format!(
                "ARG A={0}\nFROM ${{A//{1}/b}}\n",
                "a".repeat(200_000),
                "*a".repeat(100)
            ),
        ),
        (
            "a name",
            format!("ARG {0}=1\n", name).repeat(10_000) + &format!("FROM a:${name}\n"),
        ),
    ];
    for (what, mut file) in files {
        file.truncate(MAX_FILE);
        let started = Instant::now();
        let scanned = scan(Format::Dockerfile, file.as_bytes(), &BTreeMap::new());
        let took = started.elapsed();
        assert!(scanned.is_ok(), "{what}");
        assert!(took < Duration::from_secs(10), "{what}: {took:?}");
    }
}
