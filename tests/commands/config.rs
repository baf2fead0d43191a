//! `config check|show|schema` and `init`: the manners of the configuration.

use super::place::Place;
use insta::assert_snapshot;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;

const OPERATOR: &str = "\
cache = \"cache\"

[[forge]]
kind = \"local\"
path = \"repos\"

[[registry]]
host = \"registry.example.com\"

[defaults]
max = \"minor\"

[[rule]]
images = [\"**/postgres\"]
max = \"patch\"
reason = \"the data folder\"
";

#[test]
fn check_reports_every_problem_at_once_with_line_caret_and_nearest_key() {
    let place = Place::with(&[(
        "config.toml",
        "cahce = \"x\"\npublic_registries = \"yes\"\n\n[[forge]]\nkind = \"locla\"\npath = 3\n\n\
         [[registry]]\nhost = \"https://a/b\"\nplain_http = 1\n\n[[rule]]\nimages = [\"[\"]\nmax = \"huge\"\nhold = \"family\"\n",
    )]);
    assert_snapshot!(place.run(&["config", "check", "--config", "config.toml"]).all(), @r#"
    exit 2
    --- stderr
    error: unknown key `cahce`
     --> config.toml:1:1
      |
    1 | cahce = "*"
      | ^^^^^
      |
      = help: did you mean `cache`?

    error: `public_registries` must be true or false, not string
     --> config.toml:2:21
      |
    2 | public_registries = "yes"
      |                     ^^^^^

    error: `kind` must be one of local, gitlab, github
     --> config.toml:5:8
      |
    5 | kind = "locla"
      |        ^^^^^^^
      |
      = help: did you mean "local"?

    error: `path` must be a string in quotes, not integer
     --> config.toml:6:8
      |
    6 | path = 3
      |        ^

    error: "https://a/b" is not a registry host; write host or host:port, without scheme, user or path
     --> config.toml:9:8
      |
    9 | host = "https://a/b"
      |        ^^^^^^^^^^^^^

    error: `plain_http` must be true or false, not integer
      --> config.toml:10:14
       |
    10 | plain_http = 1
       |              ^

    error: unclosed character class; missing ']'
      --> config.toml:13:11
       |
    13 | images = ["["]
       |           ^^^

    error: `max` must be one of digest, build, patch, minor, major
      --> config.toml:14:7
       |
    14 | max = "huge"
       |       ^^^^^^
    "#);
}

#[test]
fn check_says_what_is_right() {
    let place = Place::with(&[
        ("config.toml", OPERATOR),
        ("imagebot.toml", "[args]\nA = \"1\"\n"),
        ("repos/README", ""),
    ]);
    let args = [
        "config",
        "check",
        "--config",
        "config.toml",
        "imagebot.toml",
    ];
    assert_snapshot!(place.run(&args).all(), @r"
    exit 0
    --- stderr
    config.toml is valid: 1 forge, 12 registries (11 public), 2 rules
    imagebot.toml is valid: 0 rules, 1 argument
    ");
    assert_snapshot!(place.run(&["config", "check"]).all(), @r"
    exit 0
    --- stderr
    config.toml is valid: 1 forge, 12 registries (11 public), 2 rules
    ");
}

#[test]
fn a_key_of_a_later_version_is_named_as_such() {
    let place = Place::with(&[("config.toml", "store = \"postgres://x\"\n")]);
    assert_snapshot!(place.run(&["config", "check", "--config", "config.toml"]).all(), @r#"
    exit 2
    --- stderr
    error: `store` is not supported by this version yet
     --> config.toml:1:1
      |
    1 | store = "************"
      | ^^^^^
      |
      = help: remove the key; it would have no effect
    "#);
}

#[test]
fn t4_a_repository_names_no_host_credential_variable_or_command() {
    let mut place = Place::new();
    for text in [
        "[[registry]]\nhost = \"evil.invalid\"\n",
        "[registry]\nhost = \"evil.invalid\"\n",
        "[[forge]]\nkind = \"local\"\npath = \"/\"\n",
        "[login]\npassword = { env = \"GITHUB_TOKEN\" }\n",
        "token = { env = \"GITHUB_TOKEN\" }\n",
        "cache = \"/\"\n",
        "public_registries = true\n",
        "[args]\nA = { env = \"GITHUB_TOKEN\" }\n",
        "[args]\nA = { command = [\"touch\", \"marker\"] }\n",
        "include = [\"../x\"]\n",
        "automerge = \"major\"\n",
        "[[rule]]\nmin_age = \"a while\"\n",
        "[[rule]]\nreviewers = [\"@everyone\"]\n",
        "[ceiling]\nautomerge = \"major\"\n",
        "[merge_request]\ntitle = \"x\"\n",
        "[limits]\nmax_open = 9999\n",
        "[[scheme]]\nname = \"x\"\npattern = \"(\"\n",
        "[defaults]\nmax = \"major\"\n",
        "proxy = \"http://evil.invalid\"\n",
    ] {
        place.write("imagebot.toml", text);
        let ran = place.run(&["config", "check", "imagebot.toml"]);
        assert_eq!(ran.code, 2, "{text}: {}", ran.all());
        assert!(
            ran.stderr.contains("imagebot.toml:"),
            "{text}: {}",
            ran.stderr
        );
    }
    assert!(!place.path("marker").exists());
    // What looks like a variable is text.
    place.set("SECRET", "leaked/image");
    place.write("imagebot.toml", "[args]\nA = \"${SECRET}\"\n");
    place.write("Dockerfile", "ARG A\nFROM $A\n");
    let ran = place.run(&["scan", ".", "--format", "json"]).expect(0);
    assert!(!ran.stdout.contains("leaked"), "{}", ran.stdout);
    place.write("imagebot.toml", "[registry]\nhost = \"evil.invalid\"\n");
    assert_snapshot!(place.run(&["check", "."]).all(), @r"
    exit 2
    --- stderr
    error: unknown key `registry`
     --> ./imagebot.toml:1:2
      |
    1 | [registry]
      |  ^^^^^^^^
      |
      = help: expected one of: enabled, include, exclude, vendored, discover, image, depends, source, args, rule
    ");
}

#[test]
fn an_imagebot_toml_that_is_no_text_is_an_error() {
    let place = Place::with(&[("Dockerfile", "FROM a:1\n")]);
    for bytes in [&b"\xff\xfe"[..], b"[[rule]]\nreason = \"\xff\"\n", b"\0"] {
        place.write("imagebot.toml", bytes);
        for args in [
            &["config", "check", "imagebot.toml"][..],
            &["scan", "."],
            &["check", "."],
        ] {
            let ran = place.run(args).expect(2);
            assert!(
                ran.stderr.contains("imagebot.toml"),
                "{args:?}: {}",
                ran.stderr
            );
            assert_eq!(ran.stdout, "", "{args:?}");
        }
    }
}

#[test]
fn show_considers_rules_for_kinds() {
    let rule = "[[rule]]\nkinds = [\"gitlab-*\"]\nmax = \"minor\"\n";
    let place = Place::with(&[("config.toml", rule)]);
    let show = ["config", "show", "--config", "config.toml"];
    let ran = place.run(&show).expect(0);
    assert!(ran.stdout.contains("max = \"major\""), "{}", ran.stdout);
    let kind = ["--kind", "gitlab-image"];
    let ran = place.run(&[&show[..], &kind].concat()).expect(0);
    assert!(ran.stdout.contains("max = \"minor\""), "{}", ran.stdout);
    let ran = place.run(&[&show[..], &["--kind", "x"]].concat()).expect(2);
    assert!(ran.stderr.contains("k8s-image"), "{}", ran.stderr);
}

#[test]
fn show_names_the_line_of_every_value() {
    let fleet = format!("{OPERATOR}\n\n[limits]\nmax_open = 50\n[budget]\nlookups = 300\n");
    let place = Place::with(&[("config.toml", &fleet)]);
    let args = [
        "config",
        "show",
        "--config",
        "config.toml",
        "--image",
        "postgres:15",
    ];
    assert_snapshot!(place.run(&args).all(), @r#"
    exit 0
    --- stdout
    enabled = true                           # built in
    scheme = "auto"                          # built in
    max = "patch"                            # config.toml:15
    separate_major = true                    # built in
    prerelease = false                       # built in
    variant = "keep"                         # built in
    codename = "hold"                        # built in
    digest = "refresh"                       # built in
    pin_args = false                         # built in
    platforms = []                           # built in
    allow = ""                               # built in
    ignore = []                              # built in
    group = ""                               # built in
    labels = ["imagebot"]                    # built in
    assignees = []                           # built in
    reviewers = []                           # built in
    milestone = ""                           # built in
    draft = false                            # built in
    squash = "the repository's own setting"  # built in
    remove_source_branch = true              # built in
    min_age = "0 days"                       # built in
    min_age_trust = "seen"                   # built in
    automerge = "never"                      # built in
    max_open = 5                             # built in
    hold = "family"                          # built in
    hold_for = "24h"                         # built in
    hold_majors = false                      # built in
    settle = "10min"                         # built in
    ci = "report"                            # built in
    reason = "the data folder"               # config.toml:16
    limits.max_open = 50                     # config.toml:20
    limits.max_new_per_hour = 20             # built in
    budget.references = 2000                 # built in
    budget.lookups = 300                     # config.toml:22
    budget.candidates = 20                   # built in
    budget.lookup_time = "120 s"             # built in
    budget.host_time = "600 s"               # built in
    budget.git_time = "120 s"                # built in
    "#);
    let json = place
        .run(&[&args[..], &["--format", "json"]].concat())
        .expect(0)
        .json();
    assert_eq!(json["max"]["value"], "patch");
    assert_eq!(json["budget.lookups"]["from"], "config.toml:22");
    assert_eq!(json["limits.max_new_per_hour"]["from"], "built in");
    assert!(
        json["max"]["from"]
            .as_str()
            .is_some_and(|from| from.ends_with("config.toml:15"))
    );
    place.run(&["config", "show", "--image", "a b"]).expect(2);
    place.run(&["config", "show", "--repo", "../x"]).expect(2);
}

/// Keys in a document, at every depth, that the schema does not know; what it knows must have the right type.
fn strangers(value: &Value, schema: &Value, root: &Value, path: &str, found: &mut Vec<String>) {
    let schema = match schema["$ref"].as_str().and_then(|at| at.strip_prefix('#')) {
        Some(pointer) => root
            .pointer(pointer)
            .expect("the reference leads somewhere"),
        None => schema,
    };
    for choice in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[choice].as_array() {
            let fits = choices.iter().any(|schema| {
                let mut found = Vec::new();
                strangers(value, schema, root, path, &mut found);
                found.is_empty()
            });
            if !fits {
                found.push(format!("{path}: fits none of {choice}"));
            }
            return;
        }
    }
    let is = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::Null => "null",
    };
    let allowed = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect(),
        _ => vec![is],
    };
    if !allowed.contains(&is) {
        found.push(format!("{path}: {is}, not {allowed:?}"));
    }
    if let Some(values) = schema["enum"].as_array()
        && !values.contains(value)
    {
        found.push(format!("{path}: {value} is none of {values:?}"));
    }
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match (&schema["properties"][key], &schema["additionalProperties"]) {
                    (Value::Null, Value::Object(_)) => {
                        strangers(
                            value,
                            &schema["additionalProperties"],
                            root,
                            &format!("{path}.{key}"),
                            found,
                        );
                    }
                    (Value::Null, _) => found.push(format!("{path}.{key}: unknown")),
                    (known, _) => strangers(value, known, root, &format!("{path}.{key}"), found),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                strangers(item, &schema["items"], root, &format!("{path}[]"), found);
            }
        }
        _ => {}
    }
}

const SAMPLE_OPERATOR: &str = r#"
cache = "/var/cache/imagebot"
public_registries = true
[git]
name = "imagebot"
email = "imagebot@example.com"
[[forge]]
kind = "local"
path = "/srv/git"
owners = [1000]
repos = ["platform/**", "!apps/legacy-*"]
[[registry]]
host = "registry.example.com"
login = { username = "bot", password = { env = "REGISTRY_PASSWORD" }, repos = ["platform/**"] }
auth_realms = ["https://gitlab.example.com"]
plain_http = false
rate = "50/s"
concurrency = 8
aliases = ["gitlab.example.com/*/dependency_proxy/containers"]
rebase_links = false
[[scheme]]
name = "el-build"
pattern = '^v(?<major>\d+)\.(?<minor>\d+)\.(?<patch>\d+)-b(?<build>\d+)-(?<variant>el\d+)$'
[defaults]
enabled = true
scheme = "auto"
max = "major"
separate_major = true
prerelease = false
variant = "keep"
codename = "hold"
digest = "refresh"
pin_args = false
platforms = []
allow = ""
ignore = []
group = ""
labels = ["imagebot"]
[[rule]]
images = ["registry.example.com/acme/**"]
repos = ["**"]
paths = ["**"]
kinds = ["from"]
tags = ["*"]
scheme = "el-build"
reason = "because"
"#;

const SAMPLE_REPOSITORY: &str = r#"
enabled = true
include = ["**/Dockerfile*"]
exclude = ["examples/**"]
[args]
REGISTRY = "registry.example.com/acme"
[[rule]]
images = ["docker.io/library/node"]
max = "minor"
"#;

#[test]
fn the_schema_knows_every_documented_key_and_no_other() {
    let place = Place::new();
    for (args, sample) in [
        (&["config", "schema", "--operator"][..], SAMPLE_OPERATOR),
        (&["config", "schema"], SAMPLE_REPOSITORY),
    ] {
        let schema = place.run(args).expect(0).json();
        let mut value: Value = serde_json::to_value(
            toml::from_str::<toml::Table>(sample).expect("the sample is TOML"),
        )
        .expect("JSON");
        let mut found = Vec::new();
        strangers(&value, &schema, &schema, "", &mut found);
        assert_eq!(found, [""; 0], "{args:?}");
        value["unheard_of"] = "x".into();
        value["rule"][0]["max"] = "huge".into();
        strangers(&value, &schema, &schema, "", &mut found);
        assert_eq!(found.len(), 2, "{found:?}");
    }
    place.write("config.toml", SAMPLE_OPERATOR);
    place.write("imagebot.toml", SAMPLE_REPOSITORY);
    place
        .run(&[
            "config",
            "check",
            "--config",
            "config.toml",
            "imagebot.toml",
        ])
        .expect(0);
}

#[test]
fn init_writes_what_config_check_accepts_and_overwrites_nothing() {
    let place = Place::new();
    for (args, file) in [
        (&["init"][..], "imagebot.toml"),
        (&["init", "--operator"], "config.toml"),
    ] {
        let ran = place.run(args).expect(0);
        assert!(
            ran.stderr.contains(&format!("wrote ./{file}")),
            "{}",
            ran.stderr
        );
        let written = place.read(file);
        place.write(file, format!("{written}\n# mine\n"));
        place.run(args).expect(2);
        assert_eq!(place.read(file), format!("{written}\n# mine\n"));
    }
    place
        .run(&[
            "config",
            "check",
            "--config",
            "config.toml",
            "imagebot.toml",
        ])
        .expect(0);
    assert_snapshot!(place.run(&["init"]).all(), @r"
    exit 2
    --- stderr
    error: ./imagebot.toml already exists
    help: move it away or choose another folder
    ");
    let ran = place.run(&["init", "--operator", "nowhere"]).expect(2);
    assert!(
        ran.stderr.contains("nowhere is not a folder"),
        "{}",
        ran.stderr
    );
    // A link is not followed either.
    std::os::unix::fs::symlink("elsewhere", place.path("home/imagebot.toml")).expect("a link");
    place.run(&["init", "home"]).expect(2);
    assert!(!place.path("home/elsewhere").exists());
}

#[test]
fn init_writes_what_its_options_say() {
    let mut place = Place::new();
    place.set("IMAGEBOT_GITLAB_TOKEN", "x");
    place.set("IMAGEBOT_GITHUB_TOKEN", "x");
    // The shell makes the file first.
    place
        .shell("imagebot init --operator --gitlab https://gitlab.acme.com/ --group platform --group apps/web --registry harbor.acme.com - > config.toml")
        .expect(0);
    let text = place.read("config.toml");
    for line in [
        "url = \"https://gitlab.acme.com\"",
        "repos = [\"platform/**\", \"apps/web/**\"]",
        "host = \"harbor.acme.com\"",
    ] {
        assert!(text.contains(line), "{text}");
    }
    place.run(&["config", "check"]).expect(0);
    place.write("config.toml", "");
    place
        .run(&["init", "--operator", "--github", "acme"])
        .expect(0);
    assert!(place.read("config.toml").contains("repos = [\"acme/**\"]"));
    place.run(&["config", "check"]).expect(0);
    for bad in [
        &["--gitlab", "not a url"][..],
        &["--registry", "https://harbor.acme.com/x"],
        &["--gitlab", "https://gitlab.acme.com", "--group", "/"],
    ] {
        let ran = place
            .run(&[&["init", "--operator", "-"][..], bad].concat())
            .expect(2);
        assert_eq!(ran.stdout, "", "{bad:?}");
    }
    place
        .run(&["init", "--gitlab", "https://gitlab.acme.com"])
        .expect(2);
}

#[test]
fn init_converts_the_configuration_of_another_system() {
    let renovate = r#"{ "schedule": "daily", "packageRules": [{ "matchPackageNames": ["node"], "enabled": false }] }"#;
    let place = Place::with(&[
        (".github/renovate.json", renovate),
        ("contexts/01-base/Dockerfile", "FROM debian:12\n"),
        ("contexts/01-base/info.edn", "{:version \"1.0.0\"}\n"),
        ("broken.json", "{\n  \"a\": [\n"),
        ("notes.txt", "x"),
        ("empty/x", "x"),
    ]);
    let ran = place
        .run(&["init", "--from", ".github/renovate.json"])
        .expect(0);
    assert_snapshot!(ran.all(), @r"
    exit 0
    --- stderr
    wrote ./imagebot.toml
    2 settings were carried over; 1 comment says what was not, and why
    next:
      imagebot config check ./imagebot.toml
      imagebot check .
    ");
    assert_snapshot!(place.read("imagebot.toml"), @r#"
    # imagebot: settings of this repository, made from renovate.json. `imagebot check .` shows their effect.

    # packageRules[0] (line 1)
    [[rule]]
    images = ["docker.io/library/node"]
    enabled = false

    # Not carried over:
    # - schedule (line 1): there are no schedules yet; start `imagebot run` at the times at which updates are wanted
    "#);
    place.run(&["config", "check", "imagebot.toml"]).expect(0);
    // What is there is kept.
    place
        .run(&["init", "--from", ".github/renovate.json"])
        .expect(2);
    for folder in ["contexts", "."] {
        let ran = place.run(&["init", "--from", folder, "-"]).expect(0);
        assert!(ran.stdout.contains("# REGISTRY = "), "{}", ran.all());
        assert!(ran.stderr.contains("(1 image)"), "{}", ran.all());
    }
    for (file, why) in [
        ("broken.json", "broken.json:"),
        ("notes.txt", "help: name one of renovate.json"),
        ("empty", "empty has no folder contexts"),
        ("nowhere.json", "nowhere.json cannot be read"),
    ] {
        let ran = place.run(&["init", "--from", file, "-"]).expect(2);
        assert!(
            ran.stderr.contains(why) && ran.stdout.is_empty(),
            "{}",
            ran.all()
        );
    }
    place
        .run(&["init", "--operator", "--from", "broken.json"])
        .expect(2);
}

#[test]
fn check_looks_at_the_configuration_as_a_whole() {
    let mut place = Place::with(&[
        ("token", "x"),
        ("home/ca.pem", "x"),
        ("empty", " \n"),
        ("open", "x"),
        ("readable", "x"),
    ]);
    for (file, mode) in [("token", 0o600), ("open", 0o606), ("readable", 0o604)] {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(place.path(file), mode).expect("set");
    }
    place.set("HOME", &place.path("home").display().to_string());
    let check = |place: &Place, text: &str| {
        place.write("config.toml", text);
        let ran = place.run(&["config", "check", "--config", "config.toml"]);
        (ran.code, ran.stderr.clone())
    };
    let forge = "[[forge]]\nkind = \"gitlab\"\nurl = \"https://gitlab.example.com\"\n";
    let good = format!("{forge}token = {{ file = \"token\" }}\nca_file = \"~/ca.pem\"\n");
    assert_eq!(check(&place, &good).0, 0, "{:?}", check(&place, &good));
    let at = |url: &str| {
        format!("[[forge]]\nkind = \"gitlab\"\nurl = \"{url}\"\ntoken = {{ env = \"T\" }}\n")
    };
    for (text, says, help) in [
        (
            String::new(),
            "the configuration has no [[forge]]",
            "init --operator",
        ),
        (
            format!("{forge}token = {{ file = \"nowhere\" }}\n"),
            "nowhere does not exist",
            "correct the path",
        ),
        (
            format!("{good}[[registry]]\nhost = \"r.example.com\"\nca_file = \"~/none.pem\"\n"),
            "none.pem does not exist",
            "correct",
        ),
        (
            format!("{good}[[rule]]\nimages = [\"**/node\"]\nautomerge = \"patch\"\n"),
            "automerge needs min_age",
            "min_age = \"3 days\"",
        ),
        (
            at("https://gitlab.com/team"),
            "name the group in `repos`",
            "team/**",
        ),
        (at("http://gitlab.example.com"), "in plain text", "https://"),
        (
            format!("{good}repos = [\"https://gitlab.example.com/team/**\"]\n"),
            "",
            "repos = [\"team/**\"]",
        ),
        (
            format!("{good}[[rule]]\nimages = [\"postgres:16\"]\nmax = \"minor\"\n"),
            "",
            "images = [\"postgres\"], tags = [\"16\"]",
        ),
        (
            format!("{forge}token = {{ file = \"empty\" }}\n"),
            "the secret is empty",
            "write the secret",
        ),
        (
            format!("{forge}token = {{ file = \"open\" }}\n"),
            "world-writable",
            "chmod 600",
        ),
        (
            at("https://api.github.com"),
            "this is an API address",
            "url = \"https://github.com\"",
        ),
        (
            at("https://git.example.com:8443/root/api/v4/"),
            "this is an API address",
            "url = \"https://git.example.com:8443/root\"",
        ),
        (
            at("https://api.acme.ghe.com"),
            "this is an API address",
            "url = \"https://acme.ghe.com\"",
        ),
        (
            "[[forge]]\nkind = \"local\"\npath = \"home\"\n[[forge]]\nkind = \"local\"\npath = \"./home/\"\n".to_owned(),
            "is the folder of another [[forge]]",
            "keep one of them",
        ),
        (
            format!("{good}[[registry]]\nhost = \"r.example.com\"\nredirects = [\"https://*.example.com\"]\n"),
            "`redirects` takes no wildcards",
            "list each origin",
        ),
        (
            format!("{good}[[registry]]\nhost = \"r.example.com\"\nauth_realms = [\"https://*.example.com\"]\n"),
            "`auth_realms` takes no wildcards",
            "list each origin",
        ),
        (
            format!("{good}[[registry]]\nhost = \"r.example.com\"\nlogin = \"bot:pw\"\n"),
            "`login` must be a table",
            "write login = { username = \"bot\"",
        ),
        (
            format!("{good}[defaults]\nlabels = [\"a,b\"]\n"),
            "a label must not contain a comma",
            "",
        ),
        (
            format!("{good}[defaults]\nlabels = [\"a\\nb\"]\n"),
            "one line without control characters",
            "",
        ),
        (
            format!("{good}[merge_request]\nstop_label = \"a\\u0007b\"\n"),
            "one line without control characters",
            "",
        ),
        (
            format!("{good}[defaults]\nmilestone = \"a\\nb\"\n"),
            "one line without control characters",
            "",
        ),
        (
            format!("{good}[[rule]]\nimages = [\"**\"]\nlabels = [\"imagebot:stop\"]\n"),
            "is a command label for imagebot",
            "remove it from `labels`",
        ),
        (
            format!("{good}[merge_request]\nrebase_label = \"again\"\n[defaults]\nlabels = [\"again\"]\n"),
            "is a command label for imagebot",
            "rebase_label",
        ),
        (
            format!("{good}[limits]\nmax_open = 1_000_000\n"),
            "must be a whole number from 0 to 100000, not 1000000",
            "",
        ),
        (
            format!("{good}automerge = \"patch\"\n"),
            "unknown key `automerge`",
            "`automerge` belongs to [ceiling] or [defaults] or [[rule]]; `auto_merge`, which is valid here, is a different key",
        ),
        (
            format!("{good}[defaults]\nauto_merge = true\n"),
            "unknown key `auto_merge`",
            "`auto_merge` belongs to [[forge]]; `automerge`, which is valid here, is a different key",
        ),
        (
            format!("{good}max_open = 7\n"),
            "unknown key `max_open`",
            "`max_open` belongs to [limits] or [defaults] or [[rule]]",
        ),
        (
            format!("{good}[defaults]\nmaxx = \"minor\"\n"),
            "unknown key `maxx`",
            "did you mean `max`?",
        ),
    ] {
        let (code, said) = check(&place, &text);
        assert_eq!(code, 2, "{text}: {said}");
        assert!(said.contains(says) && said.contains(help), "{text}: {said}");
    }
    // What may be right where imagebot runs is a warning.
    for (text, says, help) in [
        (
            "[[forge]]\nkind = \"local\"\npath = \"gone\"\n".to_owned(),
            "gone does not exist",
            "create the folder",
        ),
        (
            "[[forge]]\nkind = \"local\"\npath = \"token\"\n".to_owned(),
            "token cannot be read",
            "create the folder",
        ),
        (
            format!("{forge}token = {{ env = \"NOT_SET_HERE\" }}\n"),
            "NOT_SET_HERE is not set",
            "the environment that imagebot runs in",
        ),
        (
            format!("{forge}token = {{ file = \"readable\" }}\n"),
            "is world-readable",
            "chmod 600",
        ),
        (
            format!(
                "{}token = {{ file = \"token\" }}\n",
                forge.replace("example.com", "example.com/team")
            ),
            "the address has the path /team",
            "repos = [\"team/**\"]",
        ),
    ] {
        let (code, said) = check(&place, &text);
        assert_eq!(code, 0, "{text}: {said}");
        let warns = said.contains("warning: ") && said.contains(says) && said.contains(help);
        assert!(warns, "{text}: {said}");
    }
    // With a general min_age a rule may merge.
    let merges = "[defaults]\nmin_age = \"3 days\"\n[[rule]]\nimages = [\"**/node\"]\nautomerge = \"patch\"\n";
    assert_eq!(check(&place, &format!("{good}{merges}")).0, 0);
}

#[test]
fn a_syntax_error_hides_nothing_that_can_be_said_and_adds_nothing_that_is_not_so() {
    let place = Place::with(&[
        (
            "config.toml",
            "cahce = 1\n[[forge]\nkind = \"locl\"\n[defaults]\nmax = \"huge\"\n[merge_request]\nnotices = \"x\"\n",
        ),
        ("imagebot.toml", "exclud = []\n"),
    ]);
    let args = ["config", "check", "--config", "config.toml"];
    let ran = place
        .run(&[&args[..], &["imagebot.toml"]].concat())
        .expect(2);
    for said in [
        "unknown key `cahce`",
        "unclosed array table",
        "unknown key `exclud`",
    ] {
        assert!(ran.stderr.contains(said), "{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("must be a table"), "{}", ran.stderr);
    place.write(
        "config.toml",
        "[[forge]]\nkind = \"gitlab\"\nurl = \"https://gitlab.example.com\"\ntoken = \"T\n[defaults]\nmax = \"huge\"\n",
    );
    let ran = place.run(&args).expect(2);
    assert!(
        ran.stderr.contains("`max` must be one of"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("needs `token`"), "{}", ran.stderr);
}

#[test]
fn commands_on_repositories_say_where_no_forge_is_configured() {
    let place = Place::with(&[("config.toml", "[defaults]\nmax = \"minor\"\n")]);
    for command in [
        &["run"][..],
        &["forge", "doctor"],
        &["repos", "list"],
        &["graph"],
        &["mr", "list"],
        &["check", "nope"],
    ] {
        let ran = place
            .run(&[command, &["--config", "config.toml"]].concat())
            .expect(2);
        let says = ran.stderr.contains("config.toml has no [[forge]]")
            && ran.stderr.contains("help: add one");
        assert!(says, "{command:?}: {}", ran.stderr);
    }
    assert_snapshot!(place.run(&["check", "nope"]).all(), @r#"
    exit 2
    --- stderr
    error: nope is not a file or folder, and no configuration was found that registers repositories
    help: correct the path, or name the configuration that registers nope with --config FILE
    "#);
}
