//! The documented samples under `config/`, the schema and the parsers say the same.
#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says why"
)]

use imagebot::config::{
    Config, OPERATOR_STARTER, REPOSITORY_STARTER, operator_schema, parse, parse_repository,
    repository_schema,
};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

fn sample(name: &str) -> String {
    std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("config")
            .join(name),
    )
    .unwrap()
}

fn problems(text: &str) -> Vec<String> {
    parse("config.toml", text, Path::new("/etc"))
        .map_or_else(|problems| problems.lines(), |_| Vec::new())
}

/// The keys of a schema or of a TOML document, as paths.
fn schema_keys(schema: &Value, prefix: &str, keys: &mut BTreeSet<String>) {
    let table = if schema["type"] == "array" {
        &schema["items"]
    } else {
        schema
    };
    for (name, property) in table["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        // A secret's three forms are one key here.
        if property["maxProperties"] == 1
            || property.get("properties").is_none() && property["items"].get("properties").is_none()
        {
            keys.insert(path);
        } else {
            schema_keys(property, &format!("{path}."), keys);
        }
    }
}

fn document_keys(
    value: &toml::Value,
    prefix: &str,
    known: &BTreeSet<String>,
    keys: &mut BTreeSet<String>,
) {
    for (name, value) in value.as_table().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        let values = value
            .as_array()
            .cloned()
            .unwrap_or_else(|| vec![value.clone()]);
        if known.contains(&path) || !values.iter().any(toml::Value::is_table) {
            keys.insert(path);
        } else {
            for value in values {
                document_keys(&value, &format!("{path}."), known, keys);
            }
        }
    }
}

fn check_sample(text: &str, schema: &Value) {
    let (mut known, mut shown) = (BTreeSet::new(), BTreeSet::new());
    schema_keys(schema, "", &mut known);
    document_keys(
        &text.parse::<toml::Table>().unwrap().into(),
        "",
        &known,
        &mut shown,
    );
    // A rule takes every setting; the sample shows them under [defaults].
    let settings: BTreeSet<String> = known
        .iter()
        .filter_map(|key| key.strip_prefix("rule."))
        .map(str::to_owned)
        .collect();
    let everywhere = |key: &String| {
        key.strip_prefix("rule.")
            .is_none_or(|key| !settings.contains(key))
            || shown.contains(key)
    };
    let missing: Vec<&String> = known
        .iter()
        .filter(|key| everywhere(key) && !shown.contains(*key))
        .collect();
    assert!(
        missing.is_empty(),
        "keys without a line in the sample: {missing:?}"
    );
    let unknown: Vec<&String> = shown.difference(&known).collect();
    assert!(
        unknown.is_empty(),
        "keys of the sample without a place in the schema: {unknown:?}"
    );
    assert!(known.len() > 4, "the schema has keys");
}

#[test]
fn the_operators_sample_is_valid_and_complete() {
    let text = sample("config.toml");
    assert_eq!(problems(&text), Vec::<String>::new());
    check_sample(&text, &operator_schema());
}

#[test]
fn the_repositorys_sample_is_valid_and_complete() {
    let text = sample("imagebot.toml");
    let read = parse_repository("imagebot.toml", &text, &Config::default().schemes);
    assert!(read.is_ok(), "{}", read.unwrap_err());
    check_sample(&text, &repository_schema());
}

#[test]
fn the_starters_are_valid_also_with_every_comment_taken_away() {
    assert_eq!(problems(OPERATOR_STARTER), Vec::<String>::new());
    let bare: String = OPERATOR_STARTER
        .lines()
        .map(|line| match line.strip_prefix("# ") {
            Some(rest)
                if rest.starts_with("[[")
                    || rest
                        .split_once(" = ")
                        .is_some_and(|(key, _)| !key.contains(' ')) =>
            {
                rest
            }
            _ => line,
        })
        .fold(String::new(), |text, line| text + line + "\n");
    assert_eq!(problems(&bare), Vec::<String>::new(), "{bare}");
    assert!(
        parse_repository(
            "imagebot.toml",
            REPOSITORY_STARTER,
            &Config::default().schemes
        )
        .is_ok()
    );
}

#[test]
fn every_problem_is_found_at_once_with_its_place_and_cure() {
    let text = r#"
cache = 7
[defaults]
maxx = "minor"
max = "mayor"
min_age = "3 dayz"
allow = ">=x"
[[registry]]
host = "https://registry.example.com"
login = { username = "bot", password = "hunter2" }
[[registry]]
rate = "fast"
[[forge]]
kind = "gitlab"
[[rule]]
images = ["node*"]
digest = "pin"
[[rule]]
images = ["**/x"]
"#;
    let problems = parse("config.toml", text, Path::new("/etc")).unwrap_err();
    insta::assert_snapshot!(problems.to_string());
}

/// T4: a repository's file has a smaller schema; nothing in it can reach a host, a credential or the environment.
#[test]
fn t4_a_repository_cannot_name_hosts_credentials_or_the_environment() {
    for text in [
        "[[registry]]\nhost = \"evil.example\"\n",
        "[[forge]]\nkind = \"local\"\npath = \"/\"\n",
        "cache = \"/tmp\"\n",
        "[[rule]]\nimages = [\"**/x\"]\nlogin = { username = \"a\", password = { env = \"GITLAB_TOKEN\" } }\n",
        "[[scheme]]\nname = \"x\"\npattern = \"(?<major>1)\"\n",
        "[git]\nname = \"x\"\n",
        "[args]\nTOKEN = { env = \"GITLAB_TOKEN\" }\n",
    ] {
        let read = parse_repository("imagebot.toml", text, &Config::default().schemes);
        assert!(read.is_err(), "{text}");
        assert!(!read.unwrap_err().list.is_empty(), "{text}");
    }
    let args = "[args]\nREGISTRY = \"${GITLAB_TOKEN}\"\n";
    let read = parse_repository("imagebot.toml", args, &Config::default().schemes).unwrap();
    assert_eq!(
        read.args["REGISTRY"], "${GITLAB_TOKEN}",
        "nothing is put in for a variable"
    );
}

#[test]
fn what_is_wrong_about_the_family_is_told_with_its_place() {
    let check = |text: &str, expect: &[&str]| {
        let schemes = Config::default().schemes;
        let told = parse_repository("imagebot.toml", text, &schemes)
            .map_or_else(|problems| problems.lines(), |_| Vec::new());
        assert_eq!(told.len(), expect.len(), "{told:?}");
        for (told, expect) in told.iter().zip(expect) {
            assert!(told.contains(expect), "{told}\n{expect}");
        }
    };
    let image = "[[image]]\nname = \"reg.io/a/base\"\n";
    check(image, &[]);
    check(&format!("{image}{image}"), &["imagebot.toml:4"]);
    check(
        &format!("{image}[[image]]\nname = \"reg.io/b\"\npublished = [\"reg.io/a/base\"]\n"),
        &["the [[image]] in line 1 has this name already"],
    );
    check(
        "[[image]]\nname = \"base\"\n",
        &["write the name with its registry"],
    );
    check("[[image]]\ncontext = \"a\"\n", &["[[image]] needs `name`"]);
    check(
        "[[image]]\nname = \"reg.io/a\"\ncontext = \"../a\"\n",
        &["no path inside a repository"],
    );
    check(
        "[[image]]\nname = \"reg.io/a\"\nwatch = [\"/etc/**\"]\n",
        &["it can never match"],
    );
    check("[[depends]]\n", &["names one thing"]);
    check(
        "[[depends]]\nrepo = \"a/b\"\nimage = \"reg.io/a\"\n",
        &["names one thing"],
    );
    check("[[depends]]\nrepo = \"../b\"\n", &["is no repository"]);
    let forge = "[[forge]]\nkind = \"local\"\npath = \"x\"\n";
    let operator = |publishes: &str| problems(&format!("{forge}publishes = [{publishes}]\n"));
    assert_eq!(
        operator("{ repo = \"**\", images = [\"reg.io/{repo}\"] }"),
        [""; 0]
    );
    for (publishes, expect) in [
        ("{ images = [\"reg.io/a\"] }", "publishes needs `repo`"),
        ("{ repo = \"a\" }", "publishes needs `images`"),
        (
            "{ repo = \"a\", images = [\"base*\"] }",
            "write it with its host",
        ),
        ("{ repo = \"a\", images = [\"No Name\"] }", "no image name"),
    ] {
        let told = operator(publishes);
        assert!(told.len() == 1 && told[0].contains(expect), "{told:?}");
    }
}
