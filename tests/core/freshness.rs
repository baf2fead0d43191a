//! Freshness as values: one helper makes images of words, and each row is a case.

use imagebot::family::freshness::{
    Answer, Case, Code, Content, Freshness, FreshnessQuestion, HistoryStep, Parent, Parents,
    Published, Row, Rung, Then, believed_revision, judge, overall, parents_of,
};
use imagebot::image::{Digest, Platform, Reference};
use imagebot::repo::CommitId;
use imagebot::source::Role;
use std::collections::BTreeMap;

const NAME: &str = "org.opencontainers.image.base.name";
const DIGEST: &str = "org.opencontainers.image.base.digest";
const PLATFORM: &str = "linux/amd64";

fn digest(text: &str) -> Digest {
    Digest::sha256(text.as_bytes())
}

fn platform(text: &str) -> Platform {
    Platform::parse(text).unwrap()
}

/// An image of layers, each one word; a word with a `=` is a variable, one with a `!` is stored in another way.
fn image(words: &str) -> Content {
    let (mut layers, mut diff_ids, mut steps, mut env) = (vec![], vec![], vec![], vec![]);
    for word in words.split_whitespace() {
        let no_layer = word.contains('=');
        if no_layer {
            env.push(word.to_owned());
        } else {
            layers.push(digest(&format!("stored {word}")));
            diff_ids.push(digest(word.trim_end_matches('!')));
        }
        // `a-1` and `a-2` are one step, made twice.
        let (step, time) = word
            .trim_end_matches('!')
            .split_once('-')
            .unwrap_or((word, "0"));
        steps.push(HistoryStep {
            made_by: if no_layer {
                format!("ENV {step}")
            } else {
                format!("RUN {step}")
            },
            created: Some(format!("2026-01-01T00:00:0{time}Z")),
            no_layer,
        });
    }
    Content {
        manifest: digest(&format!("manifest {words}")),
        config: digest(&format!("config {}", words.replace('!', ""))),
        layers,
        diff_ids,
        steps,
        env,
        settings: BTreeMap::new(),
        labels: BTreeMap::new(),
        annotations: BTreeMap::new(),
    }
}

fn single(words: &str) -> Published {
    let content = image(words);
    Published {
        digest: content.manifest.clone(),
        is_index: false,
        entries: BTreeMap::from([(platform(PLATFORM), content.manifest.clone())]),
        contents: BTreeMap::from([(platform(PLATFORM), Ok(content))]),
    }
}

/// An index of images; `note` changes nothing but the index itself.
fn index(images: &[(&str, &str)], note: &str) -> Published {
    Published {
        digest: digest(&format!("{images:?} {note}")),
        is_index: true,
        entries: images
            .iter()
            .map(|(name, words)| (platform(name), image(words).manifest))
            .collect(),
        contents: images
            .iter()
            .map(|(name, words)| (platform(name), Ok(image(words))))
            .collect(),
    }
}

fn parent(reference: &str, role: Role, current: Published) -> Parent {
    let reference = Reference::parse(reference).unwrap();
    Parent {
        resolved: reference.name.clone(),
        reference,
        role,
        platform: None,
        current: Ok(current),
        older: Vec::new(),
        known: BTreeMap::new(),
    }
}

fn commit() -> CommitId {
    CommitId::parse(&"a".repeat(40)).unwrap()
}

fn then(role: Role, reference: &str) -> Then {
    Then {
        commit: commit(),
        parents: vec![(role, Reference::parse(reference).ok())],
    }
}

fn material(reference: &str, digest: Digest) -> Reference {
    Reference::parse(&format!("{reference}@{digest}")).unwrap()
}

/// What is said once `FreshnessQuestion::Content` is answered with what the parent knows, or with nothing.
#[track_caller]
fn answer(
    child: &Content,
    parent: &Parent,
    then: Option<&Then>,
    materials: &[Reference],
) -> Answer {
    let mut parent = parent.clone();
    loop {
        let case = Case {
            platform: &platform(PLATFORM),
            child,
            parent: &parent,
            then,
            materials: Some(materials),
        };
        match judge(&case) {
            Ok(answer) => return answer,
            Err(FreshnessQuestion::Content(digest)) => {
                assert!(!parent.known.contains_key(&digest), "asked twice");
                parent.known.insert(digest, None);
            }
            Err(FreshnessQuestion::Provenance) => panic!("provenance is there"),
        }
    }
}

#[track_caller]
fn says(answer: &Answer, code: Code, rung: Option<Rung>) {
    assert_eq!((answer.code, answer.rung), (code, rung), "{answer:?}");
}

/// The base now, the image, and what is said without any name.
#[track_caller]
fn layers(base: &str, child: &str, code: Code, rung: Option<Rung>) {
    let parent = parent("base:1", Role::Base, single(base));
    says(&answer(&image(child), &parent, None, &[]), code, rung);
}

const LAYERS: Option<Rung> = Some(Rung::Layers);
const HISTORY: Option<Rung> = Some(Rung::History);

/// The prefix test of P15, on stored layers, and on what is in them where they are compressed in another way.
#[test]
fn p15_the_parents_layers_are_the_first_ones() {
    layers("a b", "a b c", Code::LayersMatch, LAYERS);
    layers("a b", "a b", Code::LayersMatch, LAYERS);
    layers("a! b!", "a b c", Code::LayersMatch, LAYERS);
    layers("a b", "a", Code::LayersDiffer, None);
    layers("a b", "a x c", Code::LayersDiffer, None);
    layers("a b", "b a c", Code::NoSharedLayers, None);
    // Squashed, flattened, or FROM scratch and COPY --from: never stale.
    layers("a b", "abc", Code::NoSharedLayers, None);
    layers("a b", "", Code::NoSharedLayers, None);
}

/// Per platform, and an error of one says nothing of the other.
#[test]
fn p15_every_platform_for_itself() {
    let mut now = index(&[("linux/amd64", "a"), ("linux/arm64", "b2")], "");
    let mut base = parent("base:1", Role::Base, now.clone());
    base.older = vec![digest("old")];
    let old = index(&[("linux/amd64", "a"), ("linux/arm64", "b1")], "");
    base.known.insert(digest("old"), Some(old));
    let ask = |base: &Parent, on: &str, child: &str| {
        let case = Case {
            platform: &platform(on),
            child: &image(child),
            parent: base,
            then: None,
            materials: Some(&[]),
        };
        judge(&case).unwrap()
    };
    says(&ask(&base, "linux/amd64", "a x"), Code::LayersMatch, LAYERS);
    says(
        &ask(&base, "linux/arm64", "b1 x"),
        Code::OlderLayers,
        LAYERS,
    );
    says(
        &ask(&base, "linux/s390x", "c x"),
        Code::ParentLacksPlatform,
        None,
    );
    let s390x = platform("linux/s390x");
    now.entries.insert(s390x.clone(), digest("s390x"));
    now.contents.insert(s390x, Err("it broke off".to_owned()));
    base.current = Ok(now);
    says(&ask(&base, "linux/s390x", "c x"), Code::LookupFailed, None);
    says(&ask(&base, "linux/amd64", "a x"), Code::LayersMatch, LAYERS);
}

#[test]
fn a_change_of_the_parents_configuration_alone_is_seen() {
    layers("a X=1", "a X=1 b", Code::LayersMatch, LAYERS);
    layers("a X=2", "a X=1 b", Code::MetadataChanged, HISTORY);
    layers("a X=1 Y=1", "a X=1 b", Code::MetadataChanged, HISTORY);
    // Something taken away from the parent leaves its trace too.
    layers("a Y=1", "a X=1 Y=1 b", Code::MetadataChanged, HISTORY);
    // What the child sets behind it is its own.
    layers("a X=1", "a X=1 X=2 b", Code::LayersMatch, LAYERS);
    let base = parent("base:1", Role::Base, single("a P=1 X=2"));
    let mut child = image("a P=1 X=1 b");
    // A builder that keeps no history of the base proves nothing by it; nor does one that hands on no variables.
    child.steps.truncate(1);
    says(&answer(&child, &base, None, &[]), Code::LayersMatch, LAYERS);
    child.env.clear();
    says(&answer(&child, &base, None, &[]), Code::LayersMatch, LAYERS);
    child.env.push("P=1".to_owned());
    says(
        &answer(&child, &base, None, &[]),
        Code::MetadataChanged,
        HISTORY,
    );
    // Labels and build arguments of the parent change nothing in a child.
    let with = |step: &str| {
        let mut content = image("a");
        content.steps.push(HistoryStep {
            made_by: step.to_owned(),
            created: None,
            no_layer: true,
        });
        content
    };
    let mut base = single("a");
    base.contents = BTreeMap::from([(platform(PLATFORM), Ok(with("LABEL v=2")))]);
    let base = parent("base:1", Role::Base, base);
    let child = with("/bin/sh -c #(nop)  LABEL v=1");
    says(&answer(&child, &base, None, &[]), Code::LayersMatch, LAYERS);
}

#[test]
fn a_parent_without_layers_is_compared_by_its_steps() {
    layers("X=1", "X=1 a", Code::StepsMatch, HISTORY);
    layers("X=2", "X=1 a", Code::NoLayers, None);
    layers("", "X=1 a", Code::NoLayers, None);
}

/// Of layers alone an image is stale only with positive evidence.
#[test]
fn the_same_steps_from_another_build_are_an_older_content() {
    layers("a-2", "a-1 b", Code::OlderSteps, HISTORY);
    layers("g a-2", "g a-1 b", Code::OlderSteps, HISTORY);
    // Other steps may be a squashed part.
    layers("g a2", "g a1 b", Code::LayersDiffer, None);
    // The same times may be one build whose layers were rewritten, or builds that say 1970.
    let base = parent("base:1", Role::Base, single("a-1"));
    let mut child = image("a-1 b");
    child.layers.rotate_left(1);
    child.diff_ids.rotate_left(1);
    says(
        &answer(&child, &base, None, &[]),
        Code::NoSharedLayers,
        None,
    );
    // A history that does not fit the layers tells nothing.
    let mut child = image("a-3 b");
    child.diff_ids = vec![digest("squashed")];
    child.layers = vec![digest("stored squashed")];
    says(
        &answer(&child, &base, None, &[]),
        Code::NoSharedLayers,
        None,
    );
}

#[test]
fn what_the_tag_stood_for_before_is_positive_evidence() {
    let mut base = parent("base:1", Role::Base, single("a2"));
    base.older = vec![digest("gone"), digest("old"), digest("older")];
    base.known.insert(digest("old"), Some(single("a1")));
    says(
        &answer(&image("a1 b"), &base, None, &[]),
        Code::OlderLayers,
        LAYERS,
    );
    says(
        &answer(&image("squashed"), &base, None, &[]),
        Code::NoSharedLayers,
        None,
    );
}

/// The parent now, what stood at the commit, what the digest there stood for, and what is said.
#[track_caller]
fn pinned(at: &str, was: Option<Published>, now: &Published, child: &str, code: Code, rung: Rung) {
    let mut base = parent("base:1", Role::Base, now.clone());
    let then = then(Role::Base, at);
    if let Some((_, Some(reference))) = then.parents.first()
        && let Some(digest) = &reference.digest
    {
        base.known.insert(digest.clone(), was);
    }
    let found = answer(&image(child), &base, Some(&then), &[]);
    says(&found, code, Some(rung));
}

#[test]
fn the_pin_in_git_decides() {
    let now = index(&[(PLATFORM, "a"), ("linux/arm64", "b")], "");
    let at = |digest: &Digest| format!("base:1@{digest}");
    let pin = Rung::GitPin;
    let manifest = image("a").manifest;
    pinned(
        &at(&now.digest),
        None,
        &now,
        "squashed",
        Code::SameDigest,
        pin,
    );
    pinned(
        &at(&manifest),
        None,
        &now,
        "squashed",
        Code::SameDigest,
        pin,
    );
    // Another index with the same image for this platform; compressed in another way.
    let arm = index(&[(PLATFORM, "a"), ("linux/arm64", "b0")], "");
    pinned(
        &at(&arm.digest),
        Some(arm.clone()),
        &now,
        "a c",
        Code::SameContent,
        pin,
    );
    let gzip = single("a!");
    pinned(
        &at(&gzip.digest),
        Some(gzip.clone()),
        &now,
        "x",
        Code::SameContent,
        pin,
    );
    let old = single("a0");
    pinned(
        &at(&old.digest),
        Some(old.clone()),
        &now,
        "a0 c",
        Code::OtherContent,
        pin,
    );
    pinned(
        &at(&old.digest),
        Some(old.clone()),
        &now,
        "squashed",
        Code::OtherContent,
        pin,
    );
    // Gone: the layers may still say that it is fresh.
    pinned(
        &at(&old.digest),
        None,
        &now,
        "squashed",
        Code::OtherDigest,
        pin,
    );
    pinned(
        &at(&old.digest),
        None,
        &now,
        "a c",
        Code::LayersMatch,
        Rung::Layers,
    );
    // A tag alone decides nothing, another tag or image does.
    pinned("base:1", None, &now, "a c", Code::LayersMatch, Rung::Layers);
    pinned("base:0", None, &now, "squashed", Code::ParentChanged, pin);
    pinned("base:0", None, &now, "a c", Code::LayersMatch, Rung::Layers);
    pinned("other:1", None, &now, "x c", Code::ParentChanged, pin);
}

/// Two digests of one parent: what a child inherits makes them different, what it does not inherit does not.
#[test]
fn what_a_child_would_not_notice_is_the_same_content() {
    let now = single("a");
    let check = |change: &dyn Fn(&mut Content), code| {
        let mut was = image("a");
        was.manifest = digest("was");
        was.config = digest("config of was");
        change(&mut was);
        let mut published = now.clone();
        published.digest = was.manifest.clone();
        published.entries = BTreeMap::from([(platform(PLATFORM), was.manifest.clone())]);
        published.contents = BTreeMap::from([(platform(PLATFORM), Ok(was))]);
        let at = format!("base:1@{}", published.digest);
        pinned(&at, Some(published), &now, "squashed", code, Rung::GitPin);
    };
    let revision = "org.opencontainers.image.revision";
    check(
        &|was| drop(was.labels.insert(revision.into(), "b".into())),
        Code::SameContent,
    );
    check(&|was| was.steps.clear(), Code::SameContent);
    check(&|was| was.layers = vec![digest("gzip")], Code::SameContent);
    check(
        &|was| was.diff_ids = vec![digest("other")],
        Code::OtherContent,
    );
    check(&|was| was.env.push("X=1".into()), Code::OtherContent);
    check(
        &|was| drop(was.settings.insert("User".into(), "0".into())),
        Code::OtherContent,
    );
}

#[test]
fn from_scratch_then_is_another_parent() {
    let base = parent("base:1", Role::Base, single("a"));
    let then = Then {
        commit: commit(),
        parents: Vec::new(),
    };
    let found = answer(&image("x"), &base, Some(&then), &[]);
    says(&found, Code::ParentChanged, Some(Rung::GitPin));
    let unread = Then {
        commit: commit(),
        parents: vec![(Role::Base, None)],
    };
    let found = answer(&image("x"), &base, Some(&unread), &[]);
    says(&found, Code::NoSharedLayers, None);
}

#[test]
fn a_name_that_the_layers_refute_is_not_believed() {
    let now = single("a2");
    let mut base = parent("base:1", Role::Base, now);
    let old = single("a1");
    base.known.insert(old.digest.clone(), Some(old.clone()));
    let mut child = image("a2 c");
    child.annotations = BTreeMap::from([
        (NAME.to_owned(), "base:1".to_owned()),
        (DIGEST.to_owned(), old.digest.to_string()),
    ]);
    says(&answer(&child, &base, None, &[]), Code::LayersMatch, LAYERS);
}

#[test]
fn provenance_tells_of_stages_too() {
    let provenance = Some(Rung::Provenance);
    let now = index(&[(PLATFORM, "a")], "");
    let builder = parent("docker.io/library/golang:1", Role::Stage, now.clone());
    let child = image("bin");
    let said = |materials: &[Reference]| answer(&child, &builder, None, materials);
    says(&said(&[]), Code::NoTrace, None);
    says(
        &said(&[material("alpine:1", digest("x"))]),
        Code::NoTrace,
        None,
    );
    let same = material("golang:1", now.digest.clone());
    says(
        &said(std::slice::from_ref(&same)),
        Code::SameDigest,
        provenance,
    );
    let other = material("golang:1", digest("gone"));
    says(
        &said(std::slice::from_ref(&other)),
        Code::OtherDigest,
        provenance,
    );
    // Two builds of one name: either may be meant.
    says(&said(&[other, same]), Code::SameDigest, provenance);
    // Of two, one with other content and one that is gone, either may be meant; layers that would tell there are none.
    let mut known = builder.clone();
    let old = single("a0");
    known.known.insert(old.digest.clone(), Some(old.clone()));
    let two = [
        material("golang:1", old.digest.clone()),
        material("golang:1", digest("gone")),
    ];
    says(
        &answer(&child, &known, None, &two[..1]),
        Code::OtherContent,
        provenance,
    );
    says(
        &answer(&child, &known, None, &two),
        Code::OtherDigest,
        provenance,
    );
    // A tag that is no longer named.
    let was = material("golang:0", digest("gone"));
    says(&said(&[was]), Code::ParentChanged, provenance);
}

#[test]
fn a_builders_platform_is_the_builders_business() {
    let now = index(&[("linux/amd64", "a"), ("linux/arm64", "b")], "");
    let mut builder = parent("golang:1", Role::Stage, now.clone());
    let pin = |digest: &Digest| then(Role::Stage, &format!("golang:1@{digest}"));
    let arm = image("b").manifest;
    let child = image("bin");
    builder.known.insert(arm.clone(), Some(single("b")));
    // On another platform's digest the pin is another one, unless the builder's platform is free.
    builder.platform = Some("linux/arm64".to_owned());
    let said = answer(&child, &builder, Some(&pin(&arm)), &[]);
    says(&said, Code::SameDigest, Some(Rung::GitPin));
    builder.platform = Some("$BUILDPLATFORM".to_owned());
    let said = answer(&child, &builder, Some(&pin(&arm)), &[]);
    says(&said, Code::SameDigest, Some(Rung::GitPin));
    let old = index(&[("linux/amd64", "a"), ("linux/arm64", "b0")], "");
    builder.known.insert(old.digest.clone(), Some(old.clone()));
    let said = answer(&child, &builder, Some(&pin(&old.digest)), &[]);
    says(&said, Code::NoTrace, None);
    builder.platform = Some("linux/arm64".to_owned());
    let said = answer(&child, &builder, Some(&pin(&old.digest)), &[]);
    says(&said, Code::OtherContent, Some(Rung::GitPin));
}

/// Name and digest as annotations or labels, what the parent's own labels say, and what is said of a squashed image.
#[track_caller]
fn annotated(place: &str, name: &str, digest: &Digest, of_parent: Option<&Digest>, code: Code) {
    let mut now = single("a");
    if let (Some(digest), Some(Ok(content))) = (of_parent, now.contents.values_mut().next()) {
        content.labels.insert(DIGEST.to_owned(), digest.to_string());
    }
    let base = parent("host.example/base:1", Role::Base, now);
    let mut child = image("squashed");
    let all = BTreeMap::from([
        (NAME.to_owned(), name.to_owned()),
        (DIGEST.to_owned(), digest.to_string()),
    ]);
    match place {
        "annotation" => child.annotations = all,
        _ => child.labels = all,
    }
    let found = answer(&child, &base, None, &[]);
    assert_eq!(found.code, code, "{place} {name}: {found:?}");
}

#[test]
fn a_base_that_may_be_inherited_is_not_believed() {
    let old = digest("old");
    let now = image("a").manifest;
    let name = "host.example/base:1";
    for place in ["annotation", "label"] {
        annotated(place, name, &now, None, Code::SameDigest);
        annotated(place, name, &old, None, Code::OtherDigest);
        // The parent's parent, from the base's labels.
        annotated(
            place,
            "host.example/debian:12",
            &old,
            None,
            Code::NoSharedLayers,
        );
        annotated(place, "", &old, None, Code::NoSharedLayers);
        // Nobody has its own digest to hand on.
        annotated(place, "", &now, None, Code::SameDigest);
    }
    annotated(
        "annotation",
        "host.example/base:0",
        &old,
        None,
        Code::ParentChanged,
    );
    // Another tag of the same name may be the parent's parent; so may the same one, if the parent says it of itself.
    annotated(
        "label",
        "host.example/base:0",
        &old,
        None,
        Code::NoSharedLayers,
    );
    annotated("label", name, &old, Some(&old), Code::NoSharedLayers);
}

#[test]
fn provenance_is_asked_for_only_where_the_pin_does_not_tell() {
    let now = single("a");
    let base = parent("base:1", Role::Base, now.clone());
    let child = image("a b");
    let ask = |then: Option<&Then>| {
        judge(&Case {
            platform: &platform(PLATFORM),
            child: &child,
            parent: &base,
            then,
            materials: None,
        })
    };
    assert_eq!(ask(None), Err(FreshnessQuestion::Provenance));
    let pin = then(Role::Base, &format!("base:1@{}", now.digest));
    assert!(ask(Some(&pin)).is_ok());
    let other = then(Role::Base, &format!("base:1@{}", digest("x")));
    assert_eq!(
        ask(Some(&other)),
        Err(FreshnessQuestion::Content(digest("x")))
    );
}

/// Why a revision is believed or not.
#[test]
fn a_revision_may_be_inherited() {
    let check = |labels: &[(&str, &str)], of_parent: &[(&str, &str)]| {
        let with = |all: &[(&str, &str)]| {
            let mut content = image("a");
            let named = |(name, value): &(&str, &str)| {
                (
                    format!("org.opencontainers.image.{name}"),
                    (*value).to_owned(),
                )
            };
            content.labels = all.iter().map(named).collect();
            content
        };
        let (child, parent) = (with(labels), with(of_parent));
        believed_revision(&child, &[&parent], "team/app").is_ok()
    };
    let a = "a".repeat(40);
    let b = "b".repeat(40);
    assert!(check(&[("revision", &a)], &[]));
    assert!(check(&[("revision", &a)], &[("revision", &b)]));
    assert!(!check(&[("revision", &a)], &[("revision", &a)]));
    assert!(!check(&[("revision", "main")], &[]));
    assert!(!check(&[], &[]));
    for source in [
        "https://git.example/team/app",
        "https://git.example/team/app.git",
        "git@git.example:team/app.git",
        "https://git.example/Team/App/",
    ] {
        assert!(
            check(&[("revision", &a), ("source", source)], &[]),
            "{source}"
        );
    }
    for source in [
        "https://git.example/team/base",
        "https://git.example/xteam/app",
    ] {
        assert!(
            !check(&[("revision", &a), ("source", source)], &[]),
            "{source}"
        );
    }
}

#[test]
fn without_a_repository_annotations_and_provenance_name_the_parents() {
    let check =
        |annotation: Option<&str>, label: Option<&str>, materials: &[&str], expect: &str| {
            let mut child = image("a");
            let one = |value: Option<&str>| {
                value
                    .map(|value| (NAME.to_owned(), value.to_owned()))
                    .into_iter()
                    .collect()
            };
            child.annotations = one(annotation);
            child.labels = one(label);
            let materials: Vec<Reference> = materials
                .iter()
                .map(|name| material(name, digest(name)))
                .collect();
            let found = match parents_of(&child, &materials) {
                Parents::Known(all) => all
                    .iter()
                    .map(|(role, reference)| format!("{} {reference}", role.code()))
                    .collect::<Vec<_>>()
                    .join(", "),
                Parents::Unknown(_) => "unknown".to_owned(),
            };
            assert_eq!(found, expect);
        };
    check(Some("a/base:1"), None, &[], "base a/base:1");
    check(None, Some("a/base:1"), &[], "unknown");
    check(None, None, &["alpine:3"], "base alpine:3");
    check(
        None,
        None,
        &["alpine:3", "golang:1", "docker/dockerfile:1"],
        "stage alpine:3, stage golang:1",
    );
    check(
        Some("docker.io/library/alpine:3"),
        None,
        &["alpine:3", "golang:1"],
        "base docker.io/library/alpine:3, stage golang:1",
    );
    check(Some(""), None, &[], "unknown");
}

#[test]
fn an_image_is_stale_if_it_is_so_anywhere() {
    let row = |code| Row {
        platform: None,
        parent: None,
        answer: Answer::bare(code, String::new()),
    };
    let all = |codes: &[Code]| overall(&codes.iter().copied().map(row).collect::<Vec<_>>());
    assert_eq!(
        all(&[Code::SameDigest, Code::LayersMatch]),
        Freshness::Fresh
    );
    assert_eq!(all(&[Code::SameDigest, Code::NoTrace]), Freshness::Unknown);
    assert_eq!(all(&[Code::NoTrace, Code::OlderLayers]), Freshness::Stale);
    assert_eq!(all(&[]), Freshness::Unknown);
}
