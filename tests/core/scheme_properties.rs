//! What holds for every list of tags, whatever it holds.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use imagebot::image::ImageName;
use imagebot::scheme::{
    Allow, CodenameMode, Ignore, Level, RegexScheme, Rules, Scheme, VariantMode, Verdict, compare,
    read, select,
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
        let chosen: Vec<_> = seen.iter().filter(|(_, verdict)| **verdict == Verdict::Chosen).collect();
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
            left.reject(&best, Verdict::TooYoung);
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
