//! What holds for every list of tags, whatever it holds.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use imagebot::image::ImageName;
use imagebot::scheme::{
    Allow, CodenameMode, Ignore, Level, RegexScheme, Rules, Scheme, TagVerdict, VariantMode,
    compare, read, select,
};
use jiff::civil::date;
use proptest::prelude::*;

/// Texts that look like tags, from few pieces, so that many of them are comparable.
fn tag() -> impl Strategy<Value = String> {
    let prefix = prop_oneof![
        6 => Just(""), 1 => Just("v"), 1 => Just("V"), 1 => Just("rel-"), 1 => Just("main-0a1b2c3-"),
        1 => Just("alpine"), 1 => Just("bookworm-"), 1 => Just("noble-"), 1 => Just("x86_64-"),
    ];
    let core = prop_oneof![
        2 => "[0-3](\\.[0-3]){0,3}",
        1 => "0?[0-9](\\.0?[0-9]){0,2}",
        1 => "20(19|2[0-9])(0[1-9]|1[0-3])([0-3][0-9])?(\\.[0-9])?",
        1 => "202[0-9][.-](0[1-9]|1[0-3])([.-][0-3][0-9])?(T[0-9]{2}-?[0-9]{2}Z)?",
        1 => "[0-9]{1,25}",
        1 => "[a-z]{0,5}",
    ];
    let piece = prop_oneof![
        Just(""),
        Just("-alpine3.18"),
        Just("-alpine3.19"),
        Just("-debian-11"),
        Just("-slim"),
        Just("-rc1"),
        Just("rc2"),
        Just("-beta"),
        Just("b1"),
        Just("-dev"),
        Just("-dev3"),
        Just("-b4"),
        Just("-r3"),
        Just("-1"),
        Just("_9"),
        Just(".post2"),
        Just("-3.4"),
        Just("-1475.1700000000"),
        Just("-20240115"),
        Just("-20240115T1030Z"),
        Just("-0a1b2c3"),
        Just("-1234567"),
        Just("-gabc1234"),
        Just("-security-01"),
        Just("-KB4487017"),
        Just("-amd64"),
        Just("-0ubuntu3.2"),
        Just(".."),
        Just("-"),
        Just("."),
        Just("_"),
        Just("é"),
    ];
    (prefix, core, proptest::collection::vec(piece, 0..4))
        .prop_map(|(prefix, core, tail)| format!("{prefix}{core}{}", tail.concat()))
}

fn any_tag() -> impl Strategy<Value = String> {
    prop_oneof![8 => tag(), 1 => "[A-Za-z0-9_][A-Za-z0-9._-]{0,20}", 1 => any::<String>()]
}

fn image() -> impl Strategy<Value = ImageName> {
    prop_oneof![2 => Just("registry.example.com/team/app"), 1 => Just("ubuntu"), 1 => Just("debian")]
        .prop_map(|name| ImageName::parse(name).unwrap())
}

fn scheme() -> impl Strategy<Value = Scheme> {
    let regex = |pattern| Scheme::Regex(RegexScheme::parse(pattern, &[]).unwrap());
    prop_oneof![
        6 => Just(Scheme::Auto),
        1 => Just(Scheme::Semver),
        1 => Just(Scheme::Floating),
        1 => Just(regex(
            r"v?(?<major>\d+)(\.(?<minor>\d+))?(\.(?<patch>\d+))?(?<prerelease>rc\d+)?(-(?<variant>.*))?"
        )),
        1 => Just(regex(r"(?<compatibility>.*?)(?<date>\d+(-\d+)*)(-(?<build>\d+))?")),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let modes = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        0..Level::ALL.len(),
    );
    let lists = (any::<bool>(), any::<bool>());
    (scheme(), modes, lists).prop_map(
        |(scheme, (prerelease, follow, codename, max), (allow, ignore))| Rules {
            scheme,
            max: Level::ALL[max],
            prerelease,
            variant: if follow {
                VariantMode::Follow
            } else {
                VariantMode::Keep
            },
            codename: if codename {
                CodenameMode::Follow
            } else {
                CodenameMode::Hold
            },
            allow: allow.then(|| Allow::parse("<3 || >=2020").unwrap()),
            ignore: if ignore {
                vec![Ignore::parse("/-1/").unwrap()]
            } else {
                Vec::new()
            },
        },
    )
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(1_500)
    }
}

proptest! {
    #![proptest_config(config())]

    /// The choice does not depend on the order of the list, and every tag has one verdict.
    #[test]
    fn one_verdict_a_tag_and_one_choice_a_list(
        image in image(),
        rules in rules(),
        (current, tags, other) in proptest::collection::vec(any_tag(), 0..14).prop_flat_map(|tags| {
            let shuffled = Just(tags.clone()).prop_shuffle();
            let current = prop_oneof![
                1 => Just(None),
                2 => any_tag().prop_map(Some),
                6 => (0..tags.len().max(1)).prop_map({
                    let tags = tags.clone();
                    move |at| tags.get(at).cloned()
                }),
            ];
            (current, Just(tags), shuffled)
        }),
    ) {
        let today = date(2026, 11, 21);
        let current = current.as_deref();
        let run = |tags: &[String]| select(&image, current, tags, &rules, today);
        let (Ok(selection), Ok(again)) = (run(&tags), run(&other)) else {
            prop_assert!(run(&tags).is_err() && run(&other).is_err());
            return Ok(());
        };
        let all = |selection: &imagebot::scheme::Selection| {
            selection
                .verdicts()
                .map(|judged| (judged.tag.to_owned(), judged.verdict, judged.why()))
                .collect::<Vec<_>>()
        };
        prop_assert_eq!(all(&selection), all(&again));
        prop_assert_eq!(selection.hints(), again.hints());

        let mut seen = BTreeMap::new();
        for (tag, verdict, _) in all(&selection) {
            prop_assert!(seen.insert(tag, verdict).is_none());
        }
        prop_assert!(seen.keys().eq(tags.iter().collect::<std::collections::BTreeSet<_>>()));

        // Only the choice is chosen, and it is a step up, never down.
        let chosen: Vec<_> = seen.iter().filter(|(_, verdict)| **verdict == TagVerdict::Chosen).collect();
        prop_assert_eq!(chosen.iter().map(|(tag, _)| tag.as_str()).next(), selection.best());
        prop_assert!(chosen.len() <= 1);
        prop_assert!(current.is_some() || selection.best().is_none());
        for candidate in selection.candidates() {
            prop_assert!(candidate.level <= rules.max);
            let order = compare(&image, current.unwrap(), candidate.tag, &rules);
            // A hash without letters is known by its list only.
            prop_assert!(order != Some(Ordering::Less) && order != Some(Ordering::Equal));
        }

        // A lower level answers as if the policy had named it.
        for level in Level::ALL {
            let lowered = Rules { max: rules.max.min(level), ..rules.clone() };
            let again = select(&image, current, &tags, &lowered, today).unwrap();
            prop_assert_eq!(selection.best_within(level).map(|c| c.tag), again.best());
        }

        // Candidates can be taken out until none is left.
        let mut left = selection.clone();
        for _ in 0..=tags.len() {
            let Some(best) = left.best().map(str::to_owned) else { break };
            left.reject(&best, TagVerdict::TooYoung);
            prop_assert!(left.best() != Some(best.as_str()));
        }
        prop_assert_eq!(left.best(), None);
    }

    /// The order of any two tags is the reverse of the other way round where both are rolling names
    /// or neither is, and the same for every third.
    #[test]
    fn the_order_is_antisymmetric_and_transitive(
        scheme in scheme(),
        tags in [tag(), tag(), tag()],
    ) {
        let image = ImageName::parse("registry.example.com/team/app").unwrap();
        let rules = Rules { scheme, ..Rules::default() };
        let order = |left: usize, right: usize| compare(&image, &tags[left], &tags[right], &rules);
        for at in 0..3 {
            if let Some(order) = order(at, at) {
                prop_assert_eq!(order, Ordering::Equal);
            }
        }
        if let (Some(there), Some(back)) = (order(0, 1), order(1, 0)) {
            // From a rolling name to its build is no step up, nor is it back: both stay.
            prop_assert!(there == back.reverse() || (there, back) == (Ordering::Less, Ordering::Less));
        }
        if let (Some(Ordering::Greater), Some(Ordering::Greater), Some(last)) =
            (order(0, 1), order(1, 2), order(0, 2))
        {
            prop_assert!(last == Ordering::Greater || last == Ordering::Less && has_counters(&tags));
        }
    }

    /// No text makes reading fail, and what is read can be shown.
    #[test]
    fn nothing_panics(text in prop_oneof![any::<String>(), any_tag()], scheme in scheme()) {
        if let Some(reading) = read(&text, &scheme) {
            let _ = reading.to_string();
        }
        let _ = Allow::parse(&text);
        let _ = Ignore::parse(&text);
        let _ = RegexScheme::parse(&text, std::slice::from_ref(&text));
    }
}

/// Whether a rolling name and builds are mixed, whose order depends on where one stands.
fn has_counters(tags: &[String; 3]) -> bool {
    let counted = |tag: &String| {
        read(tag, &Scheme::Auto).is_some_and(|reading| reading.to_string().contains("build "))
    };
    tags.iter().any(counted) && !tags.iter().all(counted)
}

proptest! {
    #![proptest_config(config())]

    /// `semver` reads what the `semver` crate reads, and orders as its precedence does.
    #[test]
    fn semver_is_the_crates(
        tags in proptest::array::uniform2(
            "(0|[1-9][0-9]{0,19})(\\.(0|[1-9])){1,2}(-[0-9a-z]{1,2}(\\.[0-9a-z]{1,2}){0,2})?(\\+[a-z0-9]{1,2})?"
        ),
    ) {
        let image = ImageName::parse("registry.example.com/team/app").unwrap();
        let rules = Rules { scheme: Scheme::Semver, ..Rules::default() };
        let versions = tags.each_ref().map(|tag| semver::Version::parse(tag));
        for (tag, version) in tags.iter().zip(&versions) {
            prop_assert_eq!(read(tag, &Scheme::Semver).is_some(), version.is_ok());
        }
        if let [Ok(left), Ok(right)] = &versions {
            let order = compare(&image, &tags[0], &tags[1], &rules);
            prop_assert_eq!(order, Some(right.cmp_precedence(left)));
        }
    }
}

/// Lists that are made to be expensive: each tag is a shape, a prefix, a counter, a hash of its own, or nearly equal to all
/// others.
fn hostile(count: u64) -> Vec<(&'static str, String, Vec<String>)> {
    let long = |at: u64| format!("{}{at:07}", "9".repeat(60));
    let dots = |at: u64| format!("1{}.{at}", ".0".repeat(50));
    let letters = |mut at: u64| {
        let mut text = String::new();
        for _ in 0..5 {
            text.push(char::from(b'g' + (at % 20) as u8));
            at /= 20;
        }
        text
    };
    type Make<'f> = &'f dyn Fn(u64) -> String;
    let kinds: [(&str, String, Make<'_>); 14] = [
        ("all newer", "1.0".to_owned(), &|at| format!("1.{}", at + 1)),
        ("long digits", long(0), &long),
        ("many numbers", dots(0), &dots),
        ("prefixes", "a-1".to_owned(), &|at| {
            format!("{}-{at}", letters(at))
        }),
        ("words", "1.0".to_owned(), &|at| {
            format!("{at}.0-{}-{}", letters(at), letters(at / 7))
        }),
        ("second versions", "1.0-20".to_owned(), &|at| {
            format!("1.{}-{}", at / 40, at % 40 + 2)
        }),
        ("counters", "1.0-2-2-2-2".to_owned(), &|at| {
            format!("1.0{}", format!("-{}", at % 99 + 2).repeat(20))
        }),
        ("equal", "1.0".to_owned(), &|at| {
            format!("1.{}1-{}", "0".repeat(at as usize % 80), at % 2)
        }),
        ("prereleases", "1.0.0-rc1".to_owned(), &|at| {
            format!("1.{}.{}-rc{}", at % 7, at / 7, at % 3)
        }),
        ("short names", "1.0".to_owned(), &|at| {
            format!(
                "1.{}{}{}",
                at / 4,
                [".0", "", ".0.0", ".0.0.0"][at as usize % 4],
                ["-rc1", ""][at as usize % 2]
            )
        }),
        ("hashes", "1.0-abc1234".to_owned(), &|at| {
            format!("1.0-{at:07x}-{:07}a-{at:07}", at * 3 % 9_999_999)
        }),
        (
            "digits in places of hashes",
            "1.0-abc1234-1".to_owned(),
            &|at| match at {
                0..40 => format!("1.0{}-a{at:06}", "-1234567".repeat(at as usize % 14)),
                _ => format!("1.0{}-{at}", "-1234567".repeat(13)),
            },
        ),
        ("dates", "20240101".to_owned(), &|at| {
            format!("20240101{}.{at}", "-20240101T1010Z".repeat(6))
        }),
        ("systems", "alpine-3.1-v1".to_owned(), &|at| {
            format!("alpine-3{}-v{at}", ".1".repeat(40))
        }),
    ];
    let made = kinds.map(|(name, current, make)| (name, current, (0..count).map(make).collect()));
    made.to_vec()
}

/// What a list costs does not depend on what its tags are: each is read at most twice, and sorting compares n log n pairs;
/// taking every candidate out, one after another, looks at each a fixed number of times.
#[test]
fn hostile_lists_cost_what_their_length_allows() {
    let image = ImageName::parse("registry.example.com/team/app").unwrap();
    for count in [1_000_u64, 20_000] {
        for (name, current, tags) in hostile(count) {
            for variant in [VariantMode::Keep, VariantMode::Follow] {
                let rules = Rules {
                    variant,
                    ..Rules::default()
                };
                let mut selection =
                    select(&image, Some(&current), &tags, &rules, date(2026, 11, 21)).unwrap();
                let mut rejected = 0;
                while let Some(best) = selection.best().map(str::to_owned) {
                    selection.reject(&best, TagVerdict::TooYoung);
                    rejected += 1;
                }
                let work = selection.work();
                let log = 64 - u64::from(count.leading_zeros());
                assert!(work.readings <= 2 * count, "{name}: {work:?}");
                assert!(work.comparisons <= 3 * count * log, "{name}: {work:?}");
                assert!(
                    work.looks <= 12 * count,
                    "{name}: {work:?}, {rejected} rejected"
                );
            }
        }
    }
}
