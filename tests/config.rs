//! The documented samples under `config/`, the schema and the parsers say the same.
#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says why"
)]

use imagebot::config::{
    Config, REPOSITORY_STARTER, Starter, operator_schema, parse, parse_repository, renovate_keys,
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
    assert_eq!(problems(&Starter::default().text()), Vec::<String>::new());
    let bare: String = Starter::default()
        .text()
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
        "docker_config = [\"/root/.docker/config.json\"]\n",
        "docker_helpers = true\n",
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
fn a_login_has_one_source_that_fits_the_registry() {
    let check = |host: &str, login: &str| {
        let text = format!("[[registry]]\nhost = \"{host}\"\nlogin = {{ {login} }}\n");
        match parse("config.toml", &text, Path::new("/etc")) {
            Ok(_) => "fits".to_owned(),
            Err(problems) => problems.to_string(),
        }
    };
    let password = "username = \"u\", password = { env = \"P\" }";
    for (host, login, expect) in [
        ("r.example", password, "fits"),
        (
            "r.example",
            "helper = \"ecr-login\", repos = [\"a/**\"]",
            "fits",
        ),
        (
            "r.example",
            "helper = \"/bin/sh\"",
            "lower-case letters, digits",
        ),
        ("r.example", "helper = \"../x\"", "such as ecr-login"),
        ("r.example", "helper = 7", "must be a string"),
        ("gcr.io", "google = \"metadata\"", "fits"),
        ("eu.gcr.io", "google = \"metadata\"", "fits"),
        (
            "europe-west3-docker.pkg.dev",
            "google = \"metadata\"",
            "fits",
        ),
        (
            "gcr.io",
            "google = \"metadate\"",
            "did you mean \"metadata\"?",
        ),
        (
            "r.example",
            "google = \"metadata\"",
            "r.example is not a registry of Google",
        ),
        (
            "gcr.io.evil.example",
            "google = \"metadata\"",
            "must not receive a token",
        ),
        (
            "evilgcr.io",
            "google = \"metadata\"",
            "must not receive a token",
        ),
        (
            "gcr.io:444",
            "google = \"metadata\"",
            "must not receive a token",
        ),
        (
            "gcr.io",
            "google = \"metadata\", helper = \"gcloud\"",
            "keep one of them",
        ),
        (
            "r.example",
            &format!("helper = \"x\", {password}"),
            "keep one of them",
        ),
        (
            "r.example",
            "username = \"u\"",
            "never written in plain text",
        ),
        ("r.example", "repos = [\"a\"]", "login needs `username`"),
    ] {
        let found = check(host, login);
        assert!(found.contains(expect), "{host} {login}: {found}");
    }
    let docker = "docker_config = [\"auth.json\", \"/run/x\"]\ndocker_helpers = true\n";
    let config = parse("config.toml", docker, Path::new("/etc")).unwrap();
    let files = config.docker_config.unwrap();
    assert_eq!(files, [Path::new("/etc/auth.json"), Path::new("/run/x")]);
    assert!(config.docker_helpers);
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
        &["the [[image]] in line 1 already has this name"],
    );
    check(
        "[[image]]\nname = \"base\"\n",
        &["write the name with its registry"],
    );
    check("[[image]]\ncontext = \"a\"\n", &["[[image]] needs `name`"]);
    check(
        "[[image]]\nname = \"reg.io/a\"\ncontext = \"../a\"\n",
        &["not a path in a repository"],
    );
    check(
        "[[image]]\nname = \"reg.io/a\"\nwatch = [\"/etc/**\"]\n",
        &["it can never match"],
    );
    check("[[depends]]\n", &["takes either `repo` or `image`"]);
    check(
        "[[depends]]\nrepo = \"a/b\"\nimage = \"reg.io/a\"\n",
        &["takes either `repo` or `image`"],
    );
    check("[[depends]]\nrepo = \"../b\"\n", &["is not a repository"]);
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
        (
            "{ repo = \"a\", images = [\"No Name\"] }",
            "neither an image name nor a glob",
        ),
    ] {
        let told = operator(publishes);
        assert!(told.len() == 1 && told[0].contains(expect), "{told:?}");
    }
}

/// A canary as tokens look.
const CANARY: &str = "glpat-CANARYx93hRtoken";

#[test]
fn b10_no_problem_repeats_a_secret_in_whatever_way_it_was_written() {
    let forge = "[[forge]]\nkind = \"gitlab\"\nurl = \"https://gitlab.example.com\"\n";
    let registry = "[[registry]]\nhost = \"registry.example.com\"\n";
    let forms = [
        format!("{forge}token = \"{CANARY}\"\n"),
        format!("{forge}token = '{CANARY}'\n"),
        format!("{forge}token = '''{CANARY}'''\n"),
        format!("{forge}token = \"\"\"\n{CANARY}\n\"\"\"\n"),
        format!("{forge}token = {CANARY}\n"),
        format!("{forge}token = [\"{CANARY}\"]\n"),
        format!("{forge}token = {{ value = \"{CANARY}\" }}\n"),
        format!("{forge}token = {{ env = \"{CANARY}\" }}\nmaxx = 1\n"),
        format!("{forge}token = {{ env = \"{CANARY}\", file = \"x\" }}\n"),
        format!("{forge}token = {{ command = [\"echo\", \"{CANARY}\"], env = \"X\" }}\n"),
        format!("{forge}tokn = \"{CANARY}\"\n"),
        format!("{forge}Token = \"{CANARY}\"\n"),
        format!("{forge}access_token = \"{CANARY}\"\n"),
        format!("{forge}[forge.app]\nid = 1\nkey = '''\n{CANARY}\n'''\n"),
        format!("{forge}app = \"{CANARY}\"\n"),
        format!("{forge}tokens = [{{ prefix = \"a\", token = \"{CANARY}\" }}]\n"),
        format!(
            "[[forge]]\nkind = \"gitlab\"\nurl = \"https://bot:{CANARY}@gitlab.example.com\"\n"
        ),
        format!(
            "[[forge]]\nkind = \"gitlab\"\nurl = \"https://{CANARY}@gitlab.example.com\"\nx = 1"
        ),
        format!("{registry}login = \"u:{CANARY}\"\n"),
        format!("{registry}login = {{ username = \"u\", password = \"{CANARY}\" }}\n"),
        format!("{registry}login = {{ username = \"u\", pasword = \"{CANARY}\" }}\n"),
        format!("{registry}auth = \"{CANARY}\"\n"),
        format!("{registry}[registry.login]\nusername = \"u\"\npassword = \"{CANARY}\n"),
        format!("{registry}auth_realms = [\"https://u:{CANARY}@x.example.com\"]\n"),
        format!("host = \"x\" # token: {CANARY}\n"),
        format!("[secrets]\nx = \"{CANARY}\"\n"),
        format!("[[forge]] token = \"{CANARY}\"\n"),
        format!("[[forge]]\ntoken = {{ env = \"A\" }} \"{CANARY}\"\n"),
    ];
    for form in forms {
        let problems = parse("config.toml", &form, Path::new("/etc")).unwrap_err();
        for text in [
            problems.to_string(),
            problems.lines().join("\n"),
            format!("{problems:?}"),
        ] {
            assert!(!text.contains("CANARY"), "{form}\n{text}");
        }
    }
}

#[test]
fn b10_what_is_harmless_is_still_shown() {
    let text = "[[forge]]\nkind = \"gitlub\"\nurl = \"https://gitlab.example.com\"\n[defaults]\nmax = \"mayor\"\n";
    let shown = parse("config.toml", text, Path::new("/etc"))
        .unwrap_err()
        .to_string();
    for line in ["kind = \"gitlub\"", "max = \"mayor\""] {
        assert!(shown.contains(line), "{shown}");
    }
}

/// Files of a repository that cost more than they say.
fn hostile() -> Vec<(&'static str, String)> {
    let deep = format!("{}{}", "{a,".repeat(20_000), "}".repeat(20_000));
    let shallow = format!("{}{}", "{a,".repeat(300), "}".repeat(300));
    let mut all = Vec::new();
    for glob in [deep, shallow, "?".repeat(70_000), "[".repeat(900)] {
        for key in ["include", "exclude"] {
            all.push(("glob", format!("{key} = ['{glob}']\n")));
        }
        for key in ["images", "repos", "paths", "tags"] {
            all.push((
                "glob",
                format!("[[rule]]\nmax = \"minor\"\n{key} = ['**/{glob}']\n"),
            ));
        }
        all.push((
            "glob",
            format!("[[image]]\nname = \"x.io/a\"\nwatch = ['{glob}']\n"),
        ));
    }
    let deep_regex = format!("/{}a{}/", "(".repeat(30_000), ")".repeat(30_000));
    all.push((
        "regex",
        format!("[[rule]]\nimages = ['**/x']\nallow = '{deep_regex}'\n"),
    ));
    all.push((
        "regex",
        format!("[[rule]]\nimages = ['**/x']\nignore = ['{deep_regex}']\n"),
    ));
    let version = "[[image]]\nname = \"x.io/a\"\nbump = \"patch\"\nversion_file = ";
    let pattern = "(".repeat(30_000);
    all.push((
        "regex",
        format!("{version}{{ path = \"v\", kind = \"regex\", pattern = '{pattern}' }}\n"),
    ));
    let many = |count: usize, one: &str| one.repeat(count);
    all.push(("rules", many(18_000, "[[rule]]\nmax='minor'\n")));
    all.push(("rules", many(4_000, "[[rule]]\nmax='minor'\n")));
    all.push((
        "patterns",
        format!(
            "[[rule]]\nmax='minor'\nignore = [{}]\n",
            many(9_000, "'/\\w{50}x/',")
        ),
    ));
    all.push((
        "patterns",
        format!(
            "[[rule]]\nmax='minor'\nignore = [{}]\n",
            many(9_000, "'/(a|b){100}/',")
        ),
    ));
    all.push((
        "patterns",
        format!("include = [{}]\n", many(12_000, "'**/*a*',")),
    ));
    let keys: String = (0..12_000).map(|n| format!("k{n}=1\n")).collect();
    all.push(("keys", keys));
    let keys: String = (0..116_000).map(|n| format!("k{n}=1\n")).collect();
    all.push(("size", keys));
    all.push(("keys", format!("{} = 1\n", "k".repeat(100_000))));
    all.push(("nesting", format!("include = {}\n", "[".repeat(100_000))));
    all.push(("nesting", format!("a{} = 1\n", ".a".repeat(50_000))));
    all.push((
        "nesting",
        format!("x = {}1{}\n", "{a=".repeat(30_000), "}".repeat(30_000)),
    ));
    all.push(("long line", format!("max = '{}'\n", "x".repeat(100_000))));
    let args: String = (0..9_000).map(|n| format!("K{n}=''\n")).collect();
    all.push(("args", format!("[args]\n{args}")));
    let images: String = (0..3_000)
        .map(|n| format!("[[image]]\nname='x.io/{n}'\n"))
        .collect();
    all.push(("images", images));
    all.push(("depends", many(4_000, "[[depends]]\nrepo='a/b'\n")));
    all
}

#[test]
fn b1_b2_a_hostile_file_of_a_repository_is_a_short_list_of_problems() {
    for (kind, text) in hostile() {
        let beginning: String = text.chars().take(60).collect();
        let read = parse_repository("imagebot.toml", &text, &Config::default().schemes);
        let problems = read.expect_err(&format!("{kind}: {beginning}"));
        let (shown, lines) = (problems.to_string(), problems.lines());
        assert!(
            lines.len() <= 21,
            "{kind}: {} lines for {beginning}",
            lines.len()
        );
        assert!(
            shown.len() < 20_000,
            "{kind}: {} bytes for {beginning}",
            shown.len()
        );
        assert!(lines.join("").len() < 20_000, "{kind}: {beginning}");
        assert!(
            shown.lines().all(|line| line.len() < 1_000),
            "{kind}: {beginning}"
        );
    }
}

#[test]
fn what_an_ordinary_repository_writes_is_within_the_bounds() {
    let rule =
        "[[rule]]\nimages = [\"**/node\", \"**/redis\"]\nallow = \"<22\"\nignore = [\"18.0.1\"]\n";
    let text = rule.repeat(200);
    let read = parse_repository("imagebot.toml", &text, &Config::default().schemes);
    assert_eq!(read.unwrap().rules.len(), 200);
}

/// What the error for a key of Renovate says.
fn help_for(key: &str) -> String {
    let text = format!("[[rule]]\n{key} = [\"x\"]\nenabled = false\n");
    let problems = parse_repository("imagebot.toml", &text, &[].into()).unwrap_err();
    let [problem] = problems.list.as_slice() else {
        panic!("{key}: {problems}");
    };
    assert_eq!(problem.message, format!("unknown key `{key}`"));
    problem.help.clone().unwrap()
}

#[test]
fn a_key_of_renovate_is_answered_with_ours() {
    for (key, ours) in [
        ("packageRules", "[[rule]]"),
        ("matchPackageNames", "`images`"),
        ("matchDepNames", "`images`"),
        ("matchPackagePatterns", "`images`"),
        ("excludePackageNames", "`images`"),
        ("matchFileNames", "`paths`"),
        ("matchManagers", "`kinds`"),
        ("enabledManagers", "`kinds`"),
        ("matchDatasources", "leave it out"),
        ("matchRepositories", "`repos`"),
        ("matchCurrentValue", "`tags`"),
        ("matchUpdateTypes", "`max`"),
        ("allowedVersions", "`allow`"),
        ("ignoreDeps", "`enabled = false`"),
        ("ignorePaths", "`exclude`"),
        ("includePaths", "`include`"),
        ("groupName", "`group`"),
        ("minimumReleaseAge", "`min_age`"),
        ("stabilityDays", "`min_age`"),
        ("pinDigests", "`digest = \"pin\"`"),
        ("addLabels", "`labels`"),
        ("additionalReviewers", "`reviewers`"),
        ("draftPR", "`draft = true`"),
        ("prConcurrentLimit", "`max_open`"),
        ("prHourlyLimit", "`max_new_per_hour`"),
        ("versioning", "`scheme`"),
        ("ignoreUnstable", "`prerelease = true`"),
        ("separateMajorMinor", "`separate_major`"),
        ("schedule", "there are no schedules yet"),
        ("hostRules", "[[registry]]"),
        ("registryAliases", "`aliases`"),
        ("customManagers", "[[source]]"),
        ("extends", "init --from"),
        ("baseBranches", "default branch"),
        ("dependencyDashboard", "imagebot check"),
        ("commitMessagePrefix", "`commit_prefix`"),
    ] {
        let help = help_for(key);
        assert!(help.contains(ours), "{key}: {help}");
        assert!(
            help.starts_with(&format!("`{key}` is a key of Renovate; here: ")),
            "{help}"
        );
    }
}

/// A key has one answer, and none of ours is taken for Renovate's.
#[test]
fn keys_of_renovate_are_unique_and_not_ours() {
    let all: Vec<&str> = renovate_keys().collect();
    let unique: BTreeSet<&str> = all.iter().copied().collect();
    assert_eq!(unique.len(), all.len());
    let mut ours = BTreeSet::new();
    schema_keys(&repository_schema(), "", &mut ours);
    schema_keys(&operator_schema(), "", &mut ours);
    let ours: BTreeSet<&str> = ours
        .iter()
        .filter_map(|path| path.rsplit('.').next())
        .collect();
    assert_eq!(
        unique.intersection(&ours).collect::<Vec<_>>(),
        Vec::<&&str>::new()
    );
}
