//! The vectors of `fixtures/vectors/select.json`: which tag is next, and why not the others?

use std::collections::BTreeMap;
use std::path::Path;

use imagebot::image::ImageName;
use imagebot::scheme::{
    Allow, CodenameMode, Ignore, Level, RegexScheme, Rules, Scheme, SchemeError, Selection,
    VariantMode, select,
};
use jiff::civil::{Date, date};
use serde::Deserialize;

const TODAY: Date = date(2026, 11, 21);

/// Vectors that contradict the specification: each must go on failing, with the reason beside it.
const DISPUTED: [(&str, &str); 1] = [(
    "big-windows-servercore-10-0-14393-206-max-patch",
    "the list holds 10.0.14393.3025, which is newer than the 10.0.14393.2969 that is expected",
)];

#[derive(Deserialize)]
struct Vector {
    id: String,
    image: String,
    current: Option<String>,
    tags: Option<Vec<String>>,
    tags_file: Option<String>,
    #[serde(default)]
    policy: Policy,
    expect: Expect,
    why: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Policy {
    max: Option<Level>,
    prerelease: bool,
    variant: VariantMode,
    codename: CodenameMode,
    allow: Option<String>,
    ignore: Vec<String>,
    scheme: Option<PolicyScheme>,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum PolicyScheme {
    Auto,
    Semver,
    Floating,
    Regex {
        pattern: String,
        #[serde(default)]
        order: Vec<String>,
    },
}

#[derive(Deserialize)]
struct Expect {
    best: Option<String>,
    #[serde(default, deserialize_with = "present")]
    best_minor: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    best_patch: Option<Option<String>>,
    #[serde(default)]
    verdicts: BTreeMap<String, String>,
    config_error: Option<String>,
}

#[derive(Deserialize)]
struct TagsFile {
    tags: Vec<String>,
}

/// Tells `null` from a key that is absent.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn rules(policy: &Policy) -> Result<Rules, SchemeError> {
    Ok(Rules {
        scheme: match &policy.scheme {
            None | Some(PolicyScheme::Auto) => Scheme::Auto,
            Some(PolicyScheme::Semver) => Scheme::Semver,
            Some(PolicyScheme::Floating) => Scheme::Floating,
            Some(PolicyScheme::Regex { pattern, order }) => {
                Scheme::Regex(RegexScheme::parse(pattern, order)?)
            }
        },
        max: policy.max.unwrap_or(Level::Major),
        prerelease: policy.prerelease,
        variant: policy.variant,
        codename: policy.codename,
        allow: policy.allow.as_deref().map(Allow::parse).transpose()?,
        ignore: policy
            .ignore
            .iter()
            .map(|text| Ignore::parse(text))
            .collect::<Result<_, _>>()?,
    })
}

fn run(vector: &Vector, tags: &[String], rules: &Rules) -> Result<Selection, SchemeError> {
    let image = ImageName::parse(&vector.image).expect("vectors hold valid names");
    select(&image, vector.current.as_deref(), tags, rules, TODAY)
}

/// Everything in which the answer differs from the vector.
fn differences(vector: &Vector, tags: &[String]) -> Vec<String> {
    let answer = rules(&vector.policy).and_then(|rules| Ok((run(vector, tags, &rules)?, rules)));
    let expect = &vector.expect;
    let (selection, own) = match (answer, &expect.config_error) {
        (Ok(_), Some(code)) => return vec![format!("no error, expected {code}")],
        (Err(error), Some(code)) if error.code() == code => return Vec::new(),
        (Err(error), _) => return vec![format!("error {}: {error}", error.code())],
        (Ok(answer), None) => answer,
    };
    let mut wrong = Vec::new();
    let mut compare = |what: &str, expect: Option<&str>, got: Option<&str>| {
        if expect != got {
            wrong.push(format!("{what}: expected {expect:?}, got {got:?}"));
        }
    };
    compare("best", expect.best.as_deref(), selection.best());
    let lowered = [
        (Level::Minor, &expect.best_minor),
        (Level::Patch, &expect.best_patch),
    ];
    for (level, expect) in lowered {
        let Some(expect) = expect else { continue };
        let within = selection.best_within(level).map(|candidate| candidate.tag);
        compare(&format!("best within {level}"), expect.as_deref(), within);
        let rules = Rules {
            max: own.max.min(level),
            ..own.clone()
        };
        let again = run(vector, tags, &rules).expect("the rules fitted before");
        compare(&format!("best at {level}"), expect.as_deref(), again.best());
    }
    let verdicts: BTreeMap<_, _> = selection
        .verdicts()
        .map(|judged| (judged.tag, judged))
        .collect();
    for (tag, code) in &expect.verdicts {
        let got = verdicts.get(tag.as_str());
        if got.map(|judged| judged.verdict.code()) != Some(code.as_str()) {
            let got = got.map(|judged| format!("{} ({})", judged.verdict, judged.why()));
            wrong.push(format!("{tag}: expected {code}, got {got:?}"));
        }
    }
    wrong
}

/// The same list in another order, the same one every time.
fn shuffled(tags: &[String], seed: u64) -> Vec<String> {
    let mut tags = tags.to_vec();
    let mut state = seed;
    for at in (1..tags.len()).rev() {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        tags.swap(at, (state >> 33) as usize % (at + 1));
    }
    tags
}

#[test]
fn answers_every_vector_whatever_the_order_of_the_list() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/vectors");
    let read =
        |path: &Path| std::fs::read_to_string(path).expect("the vectors are in the repository");
    let vectors: Vec<Vector> =
        serde_json::from_str(&read(&folder.join("select.json"))).expect("the vectors are JSON");
    assert!(vectors.len() > 400, "the vectors are all there");
    let mut failures = Vec::new();
    for vector in &vectors {
        let tags = match (&vector.tags, &vector.tags_file) {
            (Some(tags), _) => tags.clone(),
            (None, Some(file)) => {
                let text = read(&folder.join("tags").join(file));
                serde_json::from_str::<TagsFile>(&text).expect("JSON").tags
            }
            (None, None) => panic!("{} has no tags", vector.id),
        };
        let disputed = DISPUTED.iter().find(|(id, _)| *id == vector.id);
        for (name, tags) in [
            ("as listed", tags.clone()),
            ("shuffled", shuffled(&tags, 7)),
            ("shuffled otherwise", shuffled(&tags, 4_711)),
        ] {
            let wrong = differences(vector, &tags);
            match disputed {
                Some((id, why)) if wrong.is_empty() => {
                    failures.push(format!("{id} is disputed ({why}) but passes"));
                }
                Some(_) => {}
                None if wrong.is_empty() => {}
                None => {
                    failures.push(format!(
                        "{} [{name}] # {}\n    current {:?}\n    {}",
                        vector.id,
                        vector.why,
                        vector.current,
                        wrong.join("\n    ")
                    ));
                    break;
                }
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} vectors fail:\n{}",
        failures.len(),
        vectors.len(),
        failures.join("\n")
    );
}
