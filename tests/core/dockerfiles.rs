//! The Dockerfiles of `fixtures/dockerfiles`: what each of them must give.

use imagebot::image::{ImageName, Tag};
use imagebot::source::{Format, FromDigest, Scan, Update, edit, scan};
use std::collections::BTreeMap;

fn read(name: &str) -> Option<Scan> {
    let path = format!("{}/fixtures/dockerfiles/{name}", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::read(path).expect("the cases are part of the repository");
    Format::of(name)?;
    let format = Format::read_as(name, &file)?;
    Some(scan(format, &file, &BTreeMap::new()).expect("the file is text"))
}

fn of(text: &str) -> Scan {
    scan(Format::Dockerfile, text.as_bytes(), &BTreeMap::new()).expect("text")
}

/// Each reference as `line kind image:tag why`, and each passed line as `line! what`.
fn shown(scan: &Scan) -> Vec<String> {
    let references = scan.references.iter().map(|located| {
        let tag = located.reference().and_then(|r| r.tag.as_ref());
        let tag = tag.map_or_else(String::new, |tag: &Tag| format!(":{tag}"));
        let why = located
            .why_not()
            .map_or_else(String::new, |why| format!(" {}", why.code()));
        let (line, kind) = (located.line, located.kind.code());
        format!("{line} {kind} {}{tag}{why}", located.image())
    });
    let passed = scan
        .passed
        .iter()
        .map(|passed| format!("{}! {}", passed.line, passed.what));
    references.chain(passed).collect()
}

const TEMPLATE: &str = "the file is a template: what its engine fills in is not known";

#[test]
fn every_case_gives_what_it_must() {
    let template = format!("2! {TEMPLATE}");
    let cases: [(&str, Option<&[&str]>); 14] = [
        (
            "Dockerfile.bad-default",
            Some(&["2 from node:${VARIANT} invalid-reference"]),
        ),
        (
            "Dockerfile.builder-set",
            Some(&["1 from busybox:1.36${TARGETARCH:+-glibc} unresolved-arg"]),
        ),
        ("Dockerfile.entrypoint-reset", Some(&["1 from alpine:3.19"])),
        (
            "Dockerfile.escape-flag",
            Some(&["2 from alpine:3.19", "3 mount-from busybox:1.36"]),
        ),
        ("Dockerfile.nbsp", Some(&["1 from alpine:3.19"])),
        ("Dockerfile.notes.md", None),
        (
            "Dockerfile.only-arg",
            Some(&["1! the file does not parse: expected at least one FROM instruction"]),
        ),
        (
            "Dockerfile.shared-message",
            Some(&["3 from alpine", "4 from alpine"]),
        ),
        (
            "Dockerfile.stage-choice",
            Some(&["1 from alpine:3.19", "2 from alpine:3.19"]),
        ),
        (
            "Dockerfile.template-stage.j2",
            Some(&[
                "2 from {{ base_image }} template",
                "4 from alpine:3.19",
                &template,
            ]),
        ),
        ("Dockerfile2", Some(&["1 from alpine:3.19"])),
        ("Dockerfile_underscore", Some(&["1 from alpine:3.19"])),
        ("dockerfile.go", None),
        (
            "bake/Dockerfile",
            Some(&[
                "1 from team/helpers:1.2",
                "2 from alpine:3.19",
                "4 copy-from sdk",
            ]),
        ),
    ];
    for (name, expect) in cases {
        let found = read(name).map(|scan| shown(&scan));
        let expect = expect.map(|lines| lines.iter().map(|l| (*l).to_owned()).collect());
        assert_eq!(found, expect, "{name}");
    }
}

#[test]
fn neighbours_of_the_cases() {
    for (text, expect) in [
        // A choice among stages needs a text that stages share.
        (
            "FROM a:1 AS x-linux\nFROM ${TARGETOS}-x\n",
            &["1 from a:1", "2 from ${TARGETOS}-x unresolved-arg"][..],
        ),
        ("FROM a:1 AS linux-x\nFROM $TARGETOS-x\n", &["1 from a:1"]),
        (
            "FROM a:1 AS x\nFROM $TARGETOS\n",
            &["1 from a:1", "2 from $TARGETOS unresolved-arg"],
        ),
        (
            "FROM a:1 AS b-l-c\nFROM b-${TARGETOS}-c\nFROM b-${TARGETOS:-d}-e\n",
            &["1 from a:1", "3 from b-${TARGETOS:-d}-e unresolved-arg"],
        ),
        (
            "FROM b-${TARGETOS}\nFROM a:1 AS b-l\n",
            &["1 from b-${TARGETOS} unresolved-arg", "2 from a:1"],
        ),
        // What resets an instruction.
        ("FROM a:1\nCMD [ ]\nENTRYPOINT\t[]\n", &["1 from a:1"]),
        // Escapes in flags.
        (
            "# escape=`\nFROM a:1\nCOPY --from=\"b:1\" x C:\\\nCOPY --from=c`:1 x y\n",
            &["2 from a:1", "3 copy-from b:1", "4 copy-from c:1"],
        ),
        (
            "FROM a:1\nCOPY --from=b\\:1 x y\n",
            &["1 from a:1", "2 copy-from b:1"],
        ),
        // White space.
        ("FROM \u{a0}a:1\u{2003}\n", &["1 from a:1"]),
        ("FROM a:1\u{b}AS\u{b}x\nFROM x\n", &["1 from a:1"]),
        (
            "FROM a:1\u{a0}AS x\n",
            &[
                "1 from a:1\u{a0}AS invalid-reference",
                "1! what follows \"a:1\\u{a0}AS\" is not `AS name`",
            ],
        ),
        // Repeated directives.
        (
            "# escape=`\n# escape=`\nFROM a:1\n",
            &[
                "3 from a:1",
                "2! the directive `escape` appears twice, so a build fails",
            ],
        ),
        // Templates.
        (
            "ARG A=<%= a %>\nFROM b:1 AS <%= n %>\nFROM c:${A}\n",
            &[
                "2 from b:1",
                "3 from c:${A} invalid-reference",
                &format!("1! {TEMPLATE}"),
            ],
        ),
        (
            "{% if x %}\nFROM a:1 AS b\n{% endif %}\nCOPY --from=b x y\n",
            &["2 from a:1", &format!("1! {TEMPLATE}")],
        ),
        (
            "FROM a:1\nRUN docker inspect -f '{{.Id}}' x\n",
            &["1 from a:1"],
        ),
    ] {
        assert_eq!(shown(&of(text)), expect, "{text:?}");
    }
}

#[test]
fn a_refused_edit_names_what_it_would_move() {
    let name = "Dockerfile.shared-message";
    let path = format!("{}/fixtures/dockerfiles/{name}", env!("CARGO_MANIFEST_DIR"));
    let file = std::fs::read(path).expect("the cases are part of the repository");
    let update = Update {
        image: ImageName::parse("alpine").expect("a name"),
        from_tag: None,
        from_digest: FromDigest::Any,
        to_tag: Some(Tag::parse("3.19").expect("a tag")),
        to_digest: None,
        drop_digest: false,
        only: None,
    };
    let refusal = edit(Format::Dockerfile, &file, &BTreeMap::new(), &[update]);
    let refusal = refusal.expect_err("it would move a stage").to_string();
    assert!(
        refusal.starts_with("line 5: ") && refusal.contains("test-${TYPE}"),
        "{refusal}"
    );
}

#[test]
fn a_file_of_nonsense_costs_what_is_kept_of_it() {
    let text = format!("FROM alpine:3.19\n{}", "a\n".repeat(300_000));
    let scan = of(&text);
    assert_eq!((scan.references.len(), scan.passed.iter().count()), (1, 20));
    assert_eq!(scan.passed.more(), 300_000 - 20);
}
