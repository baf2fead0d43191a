//! One line for each rule: how a tag is read, which tag is above which, and the explanation.

use std::cmp::Ordering::{self, Equal, Greater, Less};

use jiff::civil::date;

use super::*;

fn image(name: &str) -> ImageName {
    ImageName::parse(name).expect("a test names a valid image")
}

fn shown(tag: &str, scheme: &Scheme) -> String {
    read(tag, scheme).map_or("-".to_owned(), |reading| reading.to_string())
}

fn regex(pattern: &str) -> Scheme {
    Scheme::Regex(RegexScheme::parse(pattern, &[]).expect("a test names a valid pattern"))
}

#[test]
fn reads_tags() {
    for (tag, expect) in [
        ("1.2.3", "version 1.2.3"),
        ("v1.2.3-rc.2", "version 1.2.3 · prerelease rc 2"),
        (
            "1.2.3-alpine3.18-r4",
            "version 1.2.3 · variant alpine3.18 · build r4",
        ),
        (
            "1.2.3-debian-11-r69",
            "version 1.2.3 · variant debian-11 · build r69",
        ),
        ("17.0.9_9-jre", "version 17.0.9 · variant jre · build 9"),
        ("jdk-17.0.1", "prefix jdk- · version 17.0.1"),
        ("8u312-b07-jdk", "version 8 · variant jdk · build u312 b7"),
        (
            "main-0a1b2c3-1700000000",
            "prefix main-…- · version 1700000000",
        ),
        ("1.2.3-5-gabc1234", "version 1.2.3 · build 5 · commit hash"),
        (
            "20240115T1030Z",
            "calendar version 20240115 · build 10 30 0",
        ),
        (
            "RELEASE.2024-01-16T16-07-38Z",
            "prefix RELEASE. · calendar version 2024-01-16 · build 16 7 38",
        ),
        (
            "6.0-ubi8-20231120T000000Z",
            "version 6.0 · variant ubi8 · build 20231120 0 0 0",
        ),
        (
            "1.0.4-20200608160520Z",
            "version 1.0.4 · build 20200608160520",
        ),
        ("3.7.0b1", "version 3.7.0 · prerelease beta 1"),
        ("3.7.0-b1", "version 3.7.0 · build b1"),
        ("1.0-ea-32", "version 1.0 · prerelease nightly 32"),
        ("1.0-M3", "version 1.0 · prerelease milestone 3"),
        ("1.0rc1.dev3", "version 1.0 · prerelease rc 1 dev 3"),
        ("3.12-dev", "version 3.12 · variant dev"),
        ("3.12.dev3", "version 3.12 · prerelease dev 3"),
        (
            "1.0-nightly-20240101",
            "version 1.0 · prerelease nightly · build 20240101",
        ),
        (
            "1.0-nightly20240101",
            "version 1.0 · prerelease nightly · build 20240101",
        ),
        (
            "1.0.dev20240101",
            "version 1.0 · variant dev · build 20240101",
        ),
        ("2.39-0ubuntu8.3", "version 2.39 · build 0 ubuntu8 3"),
        (
            "1.0-1-ubuntu22.04",
            "version 1.0 · variant ubuntu22.04 · build 1",
        ),
        (
            "3.3-alpine-202209221209",
            "version 3.3 · variant alpine · build 202209221209",
        ),
        (
            "1.0-alpine-1635498622",
            "version 1.0 · variant alpine · build 1635498622",
        ),
        (
            "1.0-alpine-2024-01-15",
            "version 1.0 · variant alpine · build 2024 1 15",
        ),
        (
            "1.0-alpine-20240101.2",
            "version 1.0 · variant alpine · build 20240101 2",
        ),
        ("9.5.3-security-01", "version 9.5.3 · build security 1"),
        ("1.28.3-k3s1", "version 1.28.3 · build k3s1"),
        ("1.28.3_rke2r2", "version 1.28.3 · build rke2r2"),
        ("1.0-build.17", "version 1.0 · build build17"),
        (
            "1.0-rev3-sp2-hf7-fp1-ls9-post4",
            "version 1.0 · build rev3 sp2 hf7 fp1 ls9 post4",
        ),
        ("1.0p7", "version 1.0 · build p7"),
        ("1.0u7", "version 1.0 · build u7"),
        ("1.0-u7", "version 1.0 · variant u7"),
        ("7.2.0-v10", "version 7.2.0 · build v10"),
        ("1.2-arm-v7", "version 1.2 · variant arm-v7"),
        (
            "1.2-x86_64_v3-2",
            "version 1.2 · variant x86_64_v3 · build 2",
        ),
        (
            "x86_64-ubuntu-11.0.2",
            "prefix x86_64-ubuntu- · version 11.0.2",
        ),
        ("k8s-1.28.3", "prefix k8s- · version 1.28.3"),
        ("alpine3.18", "prefix alpine · version 3.18"),
        ("b240220.03", "prefix b · version 240220.03"),
        ("20240101a", "calendar version 20240101 · prerelease alpha"),
        ("2024.48.1", "calendar version 2024.48.1"),
        ("2024.48.1.2", "version 2024.48.1.2"),
        ("2024.13.1", "calendar version 2024.13.1"),
        ("2024.54.1", "version 2024.54.1"),
        ("2024.01.15-3", "calendar version 2024.01.15 · build 3"),
        ("2024-13-slim", "version 2024 · variant slim · build 13"),
        ("2100.1", "version 2100.1"),
        ("22.04", "version 22.04"),
        ("1..2", "version 1 · variant .2"),
        ("latest", "-"),
        ("0a1b2c3", "-"),
        ("sha-0a1b2c3", "-"),
        ("g1234567", "-"),
        ("main-abc1234", "-"),
        ("bookworm-arm64v8", "-"),
        ("deadbeef", "-"),
        ("", "-"),
    ] {
        // A doubled dot leaves an empty word, which is shown as nothing.
        let got = shown(tag, &Scheme::Auto);
        if tag == "1..2" {
            assert!(got.starts_with("version 1 · variant"), "{got}");
        } else {
            assert_eq!(got, expect, "{tag}");
        }
    }
}

#[test]
fn orders_tags() {
    let image = image("registry.example.com/team/app");
    for (current, other, expect) in [
        ("1.2.3", "1.2.4", Some(Greater)),
        ("1.2.3", "1.02.3", Some(Equal)),
        ("1.2.3", "v1.2.4", Some(Greater)),
        ("1.2.3", "1.2", None),
        ("1.2.3-alpine", "1.2.4_alpine", None),
        ("1.0rc1", "1.0rc1.dev3", Some(Less)),
        ("1.0.dev3", "1.0a1", Some(Greater)),
        ("1.0-ea", "1.0-canary", Some(Equal)),
        ("1.0-m1", "1.0-pre1", Some(Greater)),
        ("1.0-cr2", "1.0-rc1", Some(Less)),
        ("1.0-rc1", "1.0-rc", Some(Less)),
        ("1.0-1", "1.0", Some(Less)),
        ("1.0", "1.0-1", Some(Less)),
        ("1.0", "1.0-security-1", Some(Greater)),
        ("20240115", "20240115.1", Some(Greater)),
        ("2024.1", "2024.1-1", Some(Less)),
        ("2024-01-15", "2024-01-15.1", Some(Greater)),
        ("20240115T09", "20240115T0930", Some(Greater)),
        ("20240115T16-07-38Z", "20240115T160739", Some(Greater)),
        ("20240115", "202401151030", None),
        ("1.0-r4", "1.0-R5", Some(Greater)),
        ("1.0-r4", "1.0-5", None),
        ("1.2.3", "1.2.4-0a1b2c3", None),
        ("1.2.3-5-gabc1234", "1.2.3-9-gdef5678", Some(Greater)),
        (
            "main-0a1b2c3-1700000000",
            "main-1b2c3d4-1700000001",
            Some(Greater),
        ),
        ("9999", "1000000", None),
        ("10000", "1000000", Some(Greater)),
        ("1.0", "latest", None),
    ] {
        let got: Option<Ordering> = compare(&image, current, other, &Rules::default());
        assert_eq!(got, expect, "{current} {other}");
    }
}

#[test]
fn levels_follow_the_first_difference() {
    for (current, next, expect) in [
        ("1.2.3", "2.0.0", Level::Major),
        ("1.2.3", "1.3.0", Level::Minor),
        ("1.2.3.4", "1.2.3.5", Level::Patch),
        ("1.2.3-rc1", "1.2.3-rc2", Level::Patch),
        ("1.2.3-r1", "1.2.3-r2", Level::Build),
        ("16-3.4", "16-3.5", Level::Minor),
        ("16-3", "16-3.5", Level::Minor),
        ("9.3-1475.1700000000", "9.3-1552.1716471860", Level::Build),
        ("9.3-1475", "9.3-1552.1716471860", Level::Build),
        ("1.0-r3.1", "1.0-r3.2", Level::Build),
        ("20240115.2", "20240115.3", Level::Build),
        ("20240115", "20250115", Level::Minor),
        ("123456789", "123456790", Level::Minor),
        ("12345678", "12345679", Level::Major),
        ("2024.1", "2025.1", Level::Major),
    ] {
        let image = image("registry.example.com/team/app");
        let today = date(2026, 11, 21);
        let selection = select(&image, Some(current), &[next], &Rules::default(), today);
        let selection = selection.expect("the rules are the default");
        let got = selection.best_within(Level::Major);
        assert_eq!(
            got.map(|c| (c.tag, c.level)),
            Some((next, expect)),
            "{current}"
        );
    }
}

#[test]
fn semver_is_strict() {
    for (tag, expect) in [
        ("1.2.3", "version 1.2.3"),
        ("v1.2.3-rc.1", "version 1.2.3 · prerelease rc 1"),
        ("1.2.3-0", "version 1.2.3 · prerelease 0"),
        ("1.2.3-a--b.-", "version 1.2.3 · prerelease a--b -"),
        ("1.2.3+build.01", "version 1.2.3"),
        (
            "99999999999999999999.0.0",
            // Above 64 bits, as the crate decides.
            "-",
        ),
        ("1.2", "-"),
        ("1.2.3.4", "-"),
        ("01.2.3", "-"),
        ("1.2.3-01", "-"),
        ("1.2.3-", "-"),
        ("1.2.3-a..b", "-"),
        ("1.2.3-a_b", "-"),
        ("1.2.3+", "-"),
        ("vv1.2.3", "-"),
        ("", "-"),
    ] {
        assert_eq!(shown(tag, &Scheme::Semver), expect, "{tag}");
    }
}

#[test]
fn patterns_are_checked_when_they_are_read() {
    for (pattern, order, expect) in [
        (r"(?<major>\d+)", &[][..], None),
        (r"(?P<major>[0-9]+|7)(?<compatibility>.*)", &[], None),
        (r"(?<date>\d{8})-(?<build>\d+)", &["build", "date"], None),
        (r"\d+", &[], Some("no-group")),
        (r"(?<Major>\d+)", &[], Some("unknown-group")),
        (r"(?<major>\w+)", &[], Some("not-a-number-group")),
        (r"(?<major>\d*\.?)", &[], Some("not-a-number-group")),
        (r"(?<major>v(\d+))", &[], Some("not-a-number-group")),
        (r"(?<major>\d+)(?!-rc)", &[], Some("look-around")),
        (r"(?<major>\d+", &[], Some("bad-pattern")),
        (r"(?<major>\d+))|(a", &[], Some("bad-pattern")),
        (r"(?<major>\d+)(?<major>\d+)", &[], Some("bad-pattern")),
        (r"(?<major>(\d{1000}){1000})", &[], Some("bad-pattern")),
        (r"(?<major>\d+)", &["minor"], Some("bad-order")),
        (r"(?<major>\d+)", &["major", "major"], Some("bad-order")),
        (
            r"(?<major>\d+)(?<variant>x)",
            &["variant"],
            Some("bad-order"),
        ),
    ] {
        let order: Vec<_> = order.iter().map(|name| (*name).to_owned()).collect();
        let got = RegexScheme::parse(pattern, &order).err();
        assert_eq!(got.map(|error| error.code()), expect, "{pattern}");
    }
    let deep = format!("(?<major>{}1{})", "(".repeat(200), ")".repeat(200));
    let long = format!("(?<major>{})", "1".repeat(5_000));
    for pattern in [deep, long] {
        let error = RegexScheme::parse(&pattern, &[]).expect_err("it is too much");
        assert_eq!(error.code(), "bad-pattern");
    }
    let error = RegexScheme::parse(r"(?<major>\d+)(?<foo>x)", &[]).expect_err("no such group");
    assert_eq!(error.span(), Some(16..19));
}

#[test]
fn filters_are_checked_when_they_are_read() {
    for (text, allow, ignore) in [
        ("<2", None, None),
        ("=11 || =17", None, None),
        ("/^1\\./", None, None),
        ("1.2", None, None),
        ("!/^1/", None, Some("bad-range")),
        ("1.2-rc1", Some("bad-range"), None),
        ("latest", Some("bad-range"), None),
        ("", Some("bad-range"), Some("bad-range")),
        ("//", Some("bad-pattern"), Some("bad-pattern")),
        ("/a", Some("bad-range"), Some("bad-range")),
        ("/(/", Some("bad-pattern"), Some("bad-pattern")),
        ("/a(?=b)/", Some("look-around"), Some("look-around")),
        (
            "/(a{1000}){1000}/",
            Some("bad-pattern"),
            Some("bad-pattern"),
        ),
        ("<1, >2", Some("bad-range"), Some("bad-range")),
    ] {
        let code = |error: SchemeError| error.code();
        assert_eq!(Allow::parse(text).err().map(code), allow, "allow {text}");
        assert_eq!(Ignore::parse(text).err().map(code), ignore, "ignore {text}");
    }
    let error = Allow::parse("!/ab(?=c)/").expect_err("it looks ahead");
    assert_eq!(
        error.span(),
        Some(4..7),
        "where it stands in the whole text"
    );
}

#[test]
fn distributions_have_releases() {
    use TagVerdict as V;
    let hold = Rules::default;
    let follow = || Rules {
        codename: CodenameMode::Follow,
        ..Rules::default()
    };
    for (name, rules, current, tag, expect) in [
        ("ubuntu", hold(), "24.04", "26.04", V::Chosen),
        ("ubuntu", hold(), "24.04", "26.10", V::NotLts),
        ("ubuntu", hold(), "24.04", "27.04", V::Prerelease),
        ("ubuntu", hold(), "24.04", "noble-20240605", V::OtherPrefix),
        ("ubuntu", hold(), "noble", "resolute", V::OtherCodename),
        ("ubuntu", hold(), "noble", "devel", V::NotAVersion),
        ("ubuntu", follow(), "noble", "devel", V::Prerelease),
        ("ubuntu", follow(), "noble", "questing", V::NotLts),
        ("ubuntu", follow(), "noble", "jammy", V::OlderOrEqual),
        ("ubuntu", follow(), "questing", "resolute", V::Chosen),
        (
            "ubuntu",
            follow(),
            "noble",
            "resolute-20260501",
            V::OtherPrecision,
        ),
        (
            "ubuntu",
            follow(),
            "team-noble-1",
            "resolute",
            V::NotAVersion,
        ),
        ("team/ubuntu", follow(), "noble", "resolute", V::NotAVersion),
        ("team/ubuntu", hold(), "24.04", "24.10", V::Chosen),
        (
            "debian",
            follow(),
            "bookworm-slim",
            "trixie-slim",
            V::Chosen,
        ),
        (
            "debian",
            follow(),
            "bookworm-slim",
            "trixie",
            V::OtherVariant,
        ),
        ("debian", follow(), "trixie", "forky", V::Prerelease),
        ("debian", follow(), "trixie", "sid", V::Prerelease),
        ("debian", hold(), "sid-20240101", "sid-20240612", V::Chosen),
        (
            "debian",
            hold(),
            "bookworm-20240101-slim",
            "bookworm-20240612-slim",
            V::Chosen,
        ),
        ("debian", hold(), "12.5", "13.0", V::Chosen),
    ] {
        let selection = select(
            &image(name),
            Some(current),
            &[tag],
            &rules,
            date(2026, 11, 21),
        );
        let selection = selection.expect("the rules fit");
        let got = selection.verdicts().next().map(|judged| judged.verdict);
        assert_eq!(got, Some(expect), "{name} {current} {tag}");
    }
}

#[test]
fn a_pattern_matches_the_whole_tag() {
    let scheme = regex(r"a|(?<major>\d+)");
    assert!(read("12", &scheme).is_some());
    assert!(read("12b", &scheme).is_none());
    assert!(read("ab", &scheme).is_none());
}

#[test]
fn rejected_candidates_leave_the_next_one() {
    let tags = ["v1.2.4", "1.2.5", "1.2.6", "1.3.0-rc1"];
    let mut selection = select(
        &image("team/app"),
        Some("v1.2.3"),
        &tags,
        &Rules::default(),
        date(2026, 11, 21),
    )
    .expect("the rules are the default");
    assert_eq!(selection.best(), Some("v1.2.4"));
    selection.reject("v1.2.4", TagVerdict::TooYoung);
    assert_eq!(
        selection.best(),
        Some("1.2.6"),
        "the other style, for want of the own"
    );
    selection.reject("1.2.6", TagVerdict::SameContent);
    selection.reject("1.3.0-rc1", TagVerdict::TooYoung);
    let verdicts: Vec<_> = selection
        .verdicts()
        .map(|j| (j.tag, j.verdict.code()))
        .collect();
    insta::assert_debug_snapshot!(verdicts, @r##"
    [
        (
            "v1.2.4",
            "too-young",
        ),
        (
            "1.2.6",
            "same-content",
        ),
        (
            "1.2.5",
            "chosen",
        ),
        (
            "1.3.0-rc1",
            "prerelease",
        ),
    ]
    "##);
}

#[test]
fn says_why_and_what_could_be_done() {
    let check = |rules: Rules, current: &str, tags: &[&str]| {
        let selection = select(
            &image("team/app"),
            Some(current),
            tags,
            &rules,
            date(2026, 11, 21),
        )
        .expect("the rules fit");
        let lines = selection
            .verdicts()
            .map(|judged| format!("{} {}: {}", judged.tag, judged.verdict, judged.why()));
        let hints = selection.hints().iter();
        let hints = hints.map(|hint| format!("! {}: {}", hint.code, hint.text));
        lines.chain(hints).collect::<Vec<_>>().join("\n")
    };
    let semver = || Rules {
        scheme: Scheme::Semver,
        ..Rules::default()
    };
    let ranged = || Rules {
        ignore: vec![Ignore::parse("<2").expect("a range")],
        max: Level::Patch,
        ..Rules::default()
    };
    insta::assert_snapshot!(
        check(Rules::default(), "3.12-alpine3.18", &["3.13-alpine3.19", "3.12-alpine3.17", "latest"]),
        @r##"
        latest not-a-version: not a version
        3.12-alpine3.17 other-variant: version 3.12 · variant alpine3.17: the current tag has variant "alpine3.18"
        3.13-alpine3.19 other-variant: version 3.13 · variant alpine3.19: the current tag has variant "alpine3.18"; its words are the same, with a higher number: `variant = "follow"` takes it
        ! variant-ended: nothing newer has this variant, but "3.13-alpine3.19" has the same words with higher numbers; `variant = "follow"` takes it
        "##
    );
    insta::assert_snapshot!(
        check(Rules::default(), "1803-XB17-r2", &["1803-XB18-r1", "rel-1809"]),
        @r##"
        rel-1809 other-prefix: prefix rel- · version 1809: the current tag has no prefix
        1803-XB18-r1 other-variant: version 1803 · variant XB18 · build r1: the current tag has variant "XB17"; its words are the same, with a higher number: `variant = "follow"` takes it; imagebot does not know the word "XB18", `[[scheme]]` with `pattern = '(?<major>\d+)-XB(?<build>\d+)-r(?<revision>\d+)'` frees it
        ! unknown-word: imagebot does not know the word "XB17", so its number stays as it is, though "1803-XB18-r1" exists; `[[scheme]]` with `pattern = '(?<major>\d+)-XB(?<build>\d+)-r(?<revision>\d+)'` frees it
        "##
    );
    insta::assert_snapshot!(
        check(Rules::default(), "1.25", &["1.25.3", "2.0.1", "1.24", "2.0.1-rootless"]),
        @r#"
        1.24 older-or-equal: version 1.24: not newer than the current tag
        2.0.1-rootless other-variant: version 2.0.1 · variant rootless: the current tag has no variant
        1.25.3 other-precision: version 1.25.3: the current tag's version is 1.25
        2.0.1 other-precision: version 2.0.1: the current tag's version is 1.25
        ! line-ended: no newer tag has the format of "1.25", but newer tags exist with another count of numbers: "2.0.1"; `[[scheme]]` with `pattern = '(?<major>\d+)\.(?<minor>\d+)(?:\.\d+)*'` takes it
        "#
    );
    insta::assert_snapshot!(
        check(Rules::default(), "1.8.2-3.11", &["1.8.2-3.12", "1.9.0-3.12", "2.20240105.0-3.11"]),
        @r#"
        1.8.2-3.12 other-variant: version 1.8.2 · build 3 12: its second version is another than the current tag's, and higher: `variant = "follow"` takes it
        1.9.0-3.12 other-variant: version 1.9.0 · build 3 12: its second version is another than the current tag's, and higher: `variant = "follow"` takes it
        2.20240105.0-3.11 far-off: version 2.20240105.0 · build 3 11: a number is far from those of "1.8.2"; it is probably a date, a year or a build number
        ! variant-ended: nothing newer has this variant, but "1.9.0-3.12" has the same words with higher numbers; `variant = "follow"` takes it
        "#
    );
    insta::assert_snapshot!(check(semver(), "1.2.3-alpine", &["1.2.4"]), @r##"
    1.2.4 chosen: version 1.2.4: the next tag
    ! semver-drops-variant: to `semver` "alpine" in "1.2.3-alpine" is a prerelease, so the next stable version drops it; `scheme = "auto"` keeps it
    "##);
    insta::assert_snapshot!(check(ranged(), "bookworm", &["trixie"]), @r#"
    trixie not-a-version: not a version
    ! range-fits-nothing: the range "<2" cannot be compared with any tag in the list; write an exact tag or `/…/`
    "#);
    insta::assert_snapshot!(check(ranged(), "1.2.3", &["1.9.0", "2.4.0"]), @r#"
    2.4.0 above-allowed-level: version 2.4.0: a major change, and `max` is "patch"
    1.9.0 ignored: version 1.9.0: `ignore` excludes "<2"
    "#);
}

#[test]
fn verdict_codes_are_public() {
    let list: Vec<_> = TagVerdict::ALL
        .iter()
        .map(|verdict| format!("{}: {}", verdict.code(), verdict.describe()))
        .collect();
    assert!(TagVerdict::ALL.is_sorted());
    for verdict in TagVerdict::ALL {
        let json = serde_json::to_string(&verdict).expect("a code");
        assert_eq!(json, format!("{:?}", verdict.code()));
    }
    insta::assert_snapshot!(list.join("\n"), @r##"
    current: the tag in use
    not-a-version: not a version
    unmatched: it does not match the scheme's pattern
    not-compared: a version, but the current tag is not one or the scheme is `floating`
    other-prefix: the text before the version differs
    other-variant: the rest of the tag differs
    other-codename: it belongs to another codename
    other-precision: the version has more or fewer numbers
    other-calendar: one of the two versions is a date, the other is not
    far-off: a number is far from the current tag's; it is probably a date, a year or a build number
    older-or-equal: not newer than the current tag
    prerelease: a prerelease or not released yet, and the policy allows only releases
    not-lts: an interim release; a long-term release is updated only to the next long-term release
    ignored: excluded by the policy's `ignore`
    not-allowed: not accepted by the policy's `allow`
    above-allowed-level: the change is larger than the policy's `max`
    too-young: younger than `min_age`
    missing-platform: a required platform is missing
    same-content: a newer name for the pinned digest
    chosen: the next tag
    newer-but-lower: newer, but not the newest
    "##);
}

#[test]
fn levels_read_what_they_show() {
    for level in Level::ALL {
        assert_eq!(level.to_string().parse(), Ok(level));
    }
    assert!("huge".parse::<Level>().is_err());
}

#[test]
fn letters_that_are_no_ascii_are_read_like_any_other() {
    let auto = Scheme::Auto;
    for tag in [
        "alpine0-debian-11é",
        "alpine-3.19-v4é1",
        "ubuntu-18.04-é1.2",
        "al2é.20240101é",
        "é1.2.3é-r4é",
        "1.2.3-5-gabc1234é",
        "2024-01-15é",
    ] {
        // Registries list such names; nothing about them may panic.
        let _ = shown(tag, &auto);
        let tags = [tag, "alpine0-debian-12é", "1.2.4"];
        let chosen = select(
            &image("registry.example.com/a"),
            Some(tag),
            &tags,
            &Rules::default(),
            date(2026, 11, 21),
        );
        assert!(chosen.is_ok(), "{tag}");
    }
}
