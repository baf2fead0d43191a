//! gipgee.yml: references, byte-exact edits, and what is passed over rather than edited wrongly.

use imagebot::family::{Graph, Member, Publishes, Stand, gipgee};
use imagebot::image::{Digest, ImageName, Tag};
use imagebot::repo::{Glob, RepoName, RepoPath};
use imagebot::source::{Format, FromDigest, Located, Scan, Update, differs_only_by, edit, scan};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

const OLD: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const NEW: &str = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn read(file: &str) -> Scan {
    scan(Format::Gipgee, file.as_bytes(), &BTreeMap::new()).unwrap()
}

/// The references as `line text`, with why one is not edited, and the lines that are passed over as `line!`.
fn shown(file: &str) -> Vec<String> {
    let scan = read(file);
    let references = scan.references.iter().map(|located| {
        assert_eq!(located.kind.code(), "gipgee-base");
        match (located.reference(), located.why_not()) {
            (Some(reference), None) => format!("{} {reference}", located.line),
            (_, why) => {
                let why = why.map_or("known", |why| why.code());
                format!("{} {} ? {why}", located.line, located.written)
            }
        }
    });
    let passed = scan.passed.iter().map(|passed| format!("{}!", passed.line));
    references.chain(passed).collect()
}

fn update(image: &str, from: &str, to: &str, digest: Option<&str>) -> Update {
    Update {
        image: ImageName::parse(image).unwrap(),
        from_tag: Some(Tag::parse(from).unwrap()),
        from_digest: FromDigest::Any,
        to_tag: Some(Tag::parse(to).unwrap()),
        to_digest: digest.map(|text| Digest::parse(text).unwrap()),
        drop_digest: false,
        only: None,
    }
}

fn edited(file: &str, updates: &[Update]) -> Result<String, &'static str> {
    let edited = edit(Format::Gipgee, file.as_bytes(), &BTreeMap::new(), updates);
    match edited {
        Ok(bytes) => Ok(String::from_utf8(bytes).unwrap()),
        Err(refusal) => Err(refusal.code()),
    }
}

const FILE: &str = "\
version: 1
defaults:
  defaultBaseImage:
    registry: docker.io
    repository: alpine
    tag: 3.18   # ours
images:
  one: {}
  two:
    baseImage: {tag: '3.17'}
  three:
    baseImage:
      registry: quay.io
      repository: \"acme/base\"
      tag: \"1.10\"
    releaseLocations:
      - {registry: reg.io, repository: acme/base, tag: \"1.10\"}
  four:
";

#[test]
fn p3_a_base_is_put_together_from_the_image_and_the_defaults() {
    assert_eq!(
        shown(FILE),
        [
            "8 docker.io/alpine:3.18",
            "10 docker.io/alpine:3.17",
            "15 quay.io/acme/base:1.10",
            "18 docker.io/alpine:3.18",
        ]
    );
    let crlf = format!("\u{feff}{}", FILE.replace('\n', "\r\n"));
    assert_eq!(shown(&crlf), shown(FILE));
}

#[test]
fn p3_only_the_tag_changes_where_it_is_written() {
    let one = |image: &str, from: &str, to: &str| edited(FILE, &[update(image, from, to, None)]);
    let expect = FILE.replace("tag: 3.18 ", "tag: 3.20.1 ");
    assert_eq!(one("docker.io/alpine", "3.18", "3.20.1"), Ok(expect));
    let expect = FILE.replace("'3.17'", "'3.18'");
    assert_eq!(one("docker.io/alpine", "3.17", "3.18"), Ok(expect));
    let expect = FILE.replace("tag: \"1.10\"\n", "tag: \"2\"\n");
    assert_eq!(one("quay.io/acme/base", "1.10", "2"), Ok(expect));
    assert_eq!(one("reg.io/acme/base", "1.10", "2"), Err("not-found"));
    // What would read as something else is not written.
    assert_eq!(one("docker.io/alpine", "3.18", "null"), Err("shared-arg"));
    let crlf = format!("\u{feff}# \u{e4}\r\n{}", FILE.replace('\n', "\r\n"));
    let updates = [update("docker.io/alpine", "3.18", "3.20", None)];
    let expect = crlf.replace("tag: 3.18 ", "tag: 3.20 ");
    assert_eq!(edited(&crlf, &updates), Ok(expect));
}

#[test]
fn p3_a_default_moves_all_that_inherit_it_or_nothing() {
    let file = "\
defaults: {defaultBaseImage: {registry: docker.io, repository: alpine, tag: '3'}}
images:
  a:
  b: {baseImage: {repository: debian}}
";
    let alpine = update("alpine", "3", "4", None);
    let debian = update("debian", "3", "4", None);
    assert_eq!(
        edited(file, std::slice::from_ref(&alpine)),
        Err("shared-arg")
    );
    assert_eq!(
        edited(file, &[alpine.clone(), debian]),
        Ok(file.replace("'3'", "'4'"))
    );
    assert_eq!(
        edited(file, &[alpine, update("debian", "3", "5", None)]),
        Err("shared-arg")
    );
    let scan = read(file);
    assert!(scan.references[0].shares_place(&scan.references[1]));
}

#[test]
fn p3_a_digest_behind_the_tag_follows_and_none_is_added() {
    let file = |tag: &str| {
        format!(
            "images:\n  a:\n    baseImage: {{registry: reg.io, repository: base, tag: {tag}}}\n"
        )
    };
    for quote in ["\"", "'", ""] {
        let before = file(&format!("{quote}1.0@{OLD}{quote}"));
        let both = update("reg.io/base", "1.0", "1.1", Some(NEW));
        assert_eq!(
            edited(&before, &[both]),
            Ok(file(&format!("{quote}1.1@{NEW}{quote}")))
        );
        let bare = update("reg.io/base", "1.0", "1.1", None);
        assert_eq!(edited(&before, &[bare]), Err("missing-digest"));
    }
    let pinned = update("reg.io/base", "1.0", "1.0", Some(NEW));
    assert_eq!(edited(&file("\"1.0\""), &[pinned]), Err("not-expressible"));
    assert_eq!(
        shown(&file("\"1.0@sha256:short\"")),
        ["3 reg.io/base:1.0@sha256:short ? invalid-reference"]
    );
}

#[test]
fn p3_what_cannot_be_edited_alone_is_not_edited() {
    let base = |tag: &str| {
        format!(
            "images:\n  a:\n    baseImage:\n      registry: reg.io\n      repository: b\n      tag: {tag}\n"
        )
    };
    for tag in [
        "&t '1'",
        "&t\n        '1'",
        "!!str\n        1",
        "!!str 1",
        "|\n        1",
        ">-\n        1",
        "\"1\\x2e0\"",
        "[1]",
        "{a: 1}",
    ] {
        let line = shown(&base(tag));
        assert_eq!(line.len(), 1, "{line:?}");
        assert!(
            line[0].ends_with("images.a.baseImage ? not-plain"),
            "{line:?}"
        );
    }
    for (file, expect) in [
        ("", "1!"),
        ("images: [a]\n", "1!"),
        ("a: 1\n", "1!"),
        ("images:\n  a: {}\n  a: {}\n", "3!"),
        ("images: {a: [\n", "1!"),
        ("x: &x {}\nimages: *x\n", "2!"),
        // Neither the image nor the defaults say a part.
        (
            "images:\n  a:\n    baseImage: {registry: r.io, repository: b}\n",
            "3!",
        ),
        ("images:\n  a:\n", "2!"),
        (
            "images:\n  a: {baseImage: {registry: ~, repository: b, tag: 1}}\n",
            "2!",
        ),
    ] {
        assert_eq!(shown(file), [expect], "{file:?}");
    }
    // What an alias may stand for is changed under nobody.
    let twice = "images:\n  a: {baseImage: &x {registry: r.io, repository: b, tag: '1'}}\n  b: {baseImage: *x}\n";
    assert_eq!(
        shown(twice),
        [
            "2 images.a.baseImage ? not-plain",
            "3 images.b.baseImage ? not-plain"
        ]
    );
    // Two tags in one text are not taken apart.
    assert_eq!(
        shown("images: {a: {baseImage: {registry: r.io, repository: 'b:1', tag: '2'}}}\n"),
        ["1 r.io/b:1:2 ? invalid-reference"]
    );
    // An image that may inherit the tag in a way that is not read: the default does not move under it.
    for odd in [
        "<<: *i",
        "baseImage: *i",
        "baseImage: {repository: \"\\x61\"}",
        "baseImage: {tag: &t '9'}",
    ] {
        let file = format!(
            "i: &i {{}}\ndefaults: {{defaultBaseImage: {{registry: r.io, repository: b, tag: '1'}}}}\nimages:\n  a: {{}}\n  b: {{{odd}}}\n"
        );
        assert_eq!(shown(&file)[0], "4 r.io/b:1", "{file}");
        assert!(shown(&file)[1].ends_with("not-plain"), "{file}");
        let updates = [update("r.io/b", "1", "2", None)];
        assert_eq!(edited(&file, &updates), Err("shared-arg"), "{file}");
    }
}

#[test]
fn comments_right_above_are_heard() {
    let file = "\
defaults:
  defaultBaseImage:
    registry: docker.io
    repository: alpine
    # imagebot: max=minor
    tag: 3.18
images:
  # imagebot: ignore
  a:
  b:
    baseImage:
      # why
      # imagebot: max=patch
      tag: 3.17
";
    let notes = |r: Located| {
        r.notes
            .into_iter()
            .map(|note| (note.line, note.text))
            .collect()
    };
    let notes: Vec<Vec<(usize, String)>> = read(file).references.into_iter().map(notes).collect();
    let texts = |at: usize| {
        notes[at]
            .iter()
            .map(|(_, text)| text.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (texts(0), texts(1)),
        (vec!["max=minor", "ignore"], vec!["max=patch"])
    );
    let lines: Vec<&str> = file.lines().collect();
    for (line, text) in notes.iter().flatten() {
        assert!(lines[line - 1].ends_with(text.as_str()), "{line}: {text}");
    }
}

#[test]
fn an_edit_of_ours_is_recognised() {
    let updates = [update("docker.io/alpine", "3.18", "3.20", None)];
    let after = edited(FILE, &updates).unwrap();
    let only = |after: &str| {
        let (before, after) = (FILE.as_bytes(), after.as_bytes());
        differs_only_by(
            Format::Gipgee,
            before,
            after,
            &BTreeMap::new(),
            &updates,
            &[],
        )
    };
    assert!(only(&after));
    assert!(!only(&after.replace("3.20", "3.21")));
    assert!(!only(&after.replace("alpine", "evil")));
    assert!(!only(&after.replace("acme/base", "evil/base")));
    assert!(!only(&format!("{after}x: 1\n")));
}

#[test]
fn p5_the_base_belongs_to_the_image_that_gipgee_builds_on_it() {
    let path = RepoPath::parse("gipgee.yml").unwrap();
    let text = "\
defaults: {defaultReleaseRegistry: reg.io, defaultContainerFile: Containerfile}
images:
  ruby:
    baseImage: {registry: reg.io, repository: acme/base, tag: '1'}
    releaseLocations: [{repository: acme/ruby, tag: a}, {registry: mirror.io, repository: ruby}]
  app:
    containerFile: app/Containerfile
    baseImage: {registry: reg.io, repository: acme/ruby, tag: a}
    releaseLocations: [{repository: acme/app}]
";
    let (images, findings) = gipgee(&path, text.as_bytes());
    assert!(findings.is_empty(), "{findings:?}");
    let mut member = Member {
        images,
        ..Member::new(RepoName::parse("acme/images").unwrap())
    };
    let tool =
        "ARG GIPGEE_BASE_IMAGE\nFROM $GIPGEE_BASE_IMAGE\nCOPY --from=reg.io/acme/tool:1 / /\n";
    for (file, format, text) in [
        ("gipgee.yml", Format::Gipgee, text),
        ("Containerfile", Format::Dockerfile, tool),
        ("app/Containerfile", Format::Dockerfile, "FROM scratch\n"),
    ] {
        let scanned = scan(format, text.as_bytes(), &BTreeMap::new()).unwrap();
        let path = RepoPath::parse(file).unwrap();
        for located in &scanned.references {
            member
                .stands_on
                .extend(located.reference().map(|reference| Stand {
                    image: reference.name.clone(),
                    id: located.id(&path),
                    line: located.line,
                }));
        }
        member.stages.insert(path, scanned.stages);
    }
    let edges = |graph: &Graph, members: &[Member]| -> Vec<String> {
        let edges = graph.edges().iter().map(|edge| {
            let name = |node| graph.name_of(node, members);
            let (parent, child) = (name(edge.parent), name(edge.child));
            format!("{parent} > {child} {}:{}", edge.path, edge.line)
        });
        let mut edges: Vec<String> = edges.collect();
        edges.sort();
        edges
    };
    let publishes = |globs: &[&str]| {
        let repo = Glob::parse("**").unwrap();
        let images: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
        Publishes::new(repo, &images, Arc::from("config.toml:1")).unwrap()
    };
    let members = [member];
    let graph = Graph::new(&members, &[publishes(&["reg.io/acme/**", "mirror.io/*"])]);
    assert_eq!(
        edges(&graph, &members),
        [
            "reg.io/acme/base > reg.io/acme/ruby gipgee.yml:4",
            "reg.io/acme/ruby > reg.io/acme/app gipgee.yml:8",
            "reg.io/acme/tool > reg.io/acme/ruby Containerfile:3",
        ]
    );
    assert!(graph.findings.is_empty(), "{:?}", graph.findings);
    let mirror = ImageName::parse("mirror.io/ruby").unwrap();
    let ruby = ImageName::parse("reg.io/acme/ruby").unwrap();
    assert_eq!(graph.node_of(&mirror), graph.node_of(&ruby));
    // A claim that the operator does not let it make has no effect, and is told with its line.
    let graph = Graph::new(&members, &[publishes(&["reg.io/acme/ruby*"])]);
    let told: Vec<String> = graph
        .findings
        .iter()
        .map(|finding| format!("{} {}", finding.place, finding.what.code()))
        .collect();
    assert_eq!(
        told,
        [
            "gipgee.yml:3 claim-not-allowed",
            "gipgee.yml:6 claim-not-allowed"
        ]
    );
}

fn scalar() -> impl Strategy<Value = (String, u8)> {
    ("[a-z0-9][a-z0-9.]{0,5}", 0..3_u8).prop_filter("no null", |(text, _)| text != "null")
}

fn quoted((text, quote): &(String, u8)) -> String {
    let quote = ["", "'", "\""][usize::from(*quote)];
    format!("{quote}{text}{quote}")
}

proptest! {
    /// Whatever the file: an edit gives exactly the planned references, and changes nothing but the tag.
    #[test]
    fn p3_an_edit_changes_the_tag_and_nothing_else(
        images in prop::collection::vec(
            (prop::option::of(0..3_usize), prop::option::of(scalar()), any::<bool>()), 1..6),
        default in scalar(),
        to in "[a-z0-9][a-z0-9.]{0,6}",
        crlf in any::<bool>(),
    ) {
        let mut text = format!(
            "# \u{fc}\ndefaults:\n  defaultBaseImage:\n    registry: r.io\n    repository: b0\n    tag: {}  # x\nimages:\n",
            quoted(&default)
        );
        for (index, (repository, tag, flow)) in images.iter().enumerate() {
            let mut parts: Vec<String> = repository.iter().map(|r| format!("repository: b{r}")).collect();
            parts.extend(tag.iter().map(|tag| format!("tag: {}", quoted(tag))));
            let base = match (parts.is_empty(), flow) {
                (true, _) => "    baseImage:\n".to_owned(),
                (_, true) => format!("    baseImage: {{{}}}\n", parts.join(", ")),
                (_, false) => format!("    baseImage:\n      {}\n", parts.join("\n      ")),
            };
            text.push_str(&format!("  i{index}:\n{base}"));
        }
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let before = read(&text);
        prop_assert_eq!(before.references.len(), images.len());
        let first = before.references[0].reference().unwrap().clone();
        let wanted = update(first.name.written(), first.tag.as_ref().unwrap().as_str(), &to, None);
        let Ok(after) = edited(&text, std::slice::from_ref(&wanted)) else {
            return Ok(());
        };
        let again = read(&after);
        for (old, new) in before.references.iter().zip(&again.references) {
            let mut expect = old.reference().unwrap().clone();
            if expect.name == first.name && expect.tag == first.tag {
                expect.tag.clone_from(&wanted.to_tag);
            }
            prop_assert_eq!(new.reference().unwrap().to_string(), expect.to_string());
            prop_assert_eq!(old.line, new.line);
        }
        let same = |(a, b): &(&str, &str)| a == b || (a.contains("tag: ") && b.contains(&to));
        let lines: Vec<_> = text.split('\n').zip(after.split('\n')).collect();
        prop_assert!(lines.iter().all(same), "{}\n{}", text, after);
        let only = differs_only_by(Format::Gipgee, text.as_bytes(), after.as_bytes(), &BTreeMap::new(), &[wanted], &[]);
        prop_assert!(only);
    }

    /// No bytes, however odd, make it panic, and what is edited reads as planned.
    #[test]
    fn any_text_is_read(text in "[a-c:{}\\[\\]&*!|>'\"\\\\ \n\t#,?~-]{0,80}", bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for tail in ["", "images:\n  a: {baseImage: {registry: r.io, repository: b, tag: '1'}}\n"] {
            let text = format!("{text}\n{tail}");
            let _ = scan(Format::Gipgee, text.as_bytes(), &BTreeMap::new());
            let _ = edited(&text, &[update("r.io/b", "1", "2", None)]);
            let _ = gipgee(&RepoPath::parse("gipgee.yml").unwrap(), text.as_bytes());
        }
        let _ = scan(Format::Gipgee, &bytes, &BTreeMap::new());
    }
}

#[test]
fn a_hostile_file_takes_no_time() {
    let deep = format!("images: {}", "[".repeat(100_000));
    let wide = format!(
        "\u{e4}: 1\nimages:\n{}",
        (0..30_000)
            .map(|i| format!("  i{i}: {{baseImage: x}}\n"))
            .collect::<String>()
    );
    let began = std::time::Instant::now();
    for file in [deep, wide] {
        let _ = read(&file);
    }
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}
