//! Nothing in a report grows with hostile input: one table of every list in the JSON of `run` and `check`. A list that
//! is not in the table fails, so nobody adds one without a cap.

use crate::world::World;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Command;

/// What bounds a list.
#[derive(Debug, Clone, Copy)]
enum Cap {
    /// A number, which the hostile repositories reach.
    Reached(usize),
    /// A number.
    Most(usize),
    /// What the operator registers or writes: one entry for each.
    Operators,
}
use Cap::{Most, Operators, Reached};

/// `budget.references`, its default.
const REFERENCES: usize = 2_000;
/// `budget.lookups`: as many images of a repository can have something newer.
const LOOKUPS: usize = 60;
/// The changes of one merge request: those of its references, and the versions that rise with them.
const CHANGES: usize = REFERENCES + 1_000;

/// Every list of `run --format json`.
const RUN: &[(&str, Cap)] = &[
    ("repositories", Operators),
    ("repositories.decisions", Reached(REFERENCES)),
    ("repositories.decisions.wanted", Most(2)),
    ("repositories.proposals", Reached(LOOKUPS)),
    ("repositories.proposals.changes", Most(CHANGES)),
    ("repositories.unread", Reached(201)),
    ("repositories.problems", Most(51)),
    ("repositories.warnings", Most(51)),
    ("repositories.unused_rules", Reached(51)),
    ("left_out", Operators),
    ("problems", Operators),
    ("warnings", Most(101)),
    ("unused_rules", Operators),
    ("unmatched", Operators),
];

/// Every list of `check REPO --format json`.
const CHECK: &[(&str, Cap)] = &[
    ("references", Reached(REFERENCES)),
    ("references.wanted", Most(2)),
    ("references.settings", Most(40)),
    ("references.steps", Most(50)),
    // Only with --all-tags, for which somebody asks.
    ("references.verdicts", Most(0)),
    ("references.hints", Most(5)),
    ("proposals", Reached(LOOKUPS)),
    ("proposals.changes", Most(CHANGES)),
    ("unread", Most(201)),
    ("problems", Most(51)),
];

/// The images that have something newer.
const IMAGES: usize = 80;
/// The longest text in a report, in characters.
const LONGEST: usize = 1_500;
/// The most bytes for people.
const FOR_PEOPLE: usize = 100_000;

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, number| {
        let _ = writeln!(text, "{}", line(number));
        text
    })
}

/// Hostile repositories, each with the kind of list that it fills.
fn hostile(base: &str) -> Vec<(&'static str, Vec<(String, String)>)> {
    let one = |path: &str, text: String| vec![(path.to_owned(), text)];
    let long = "x".repeat(200_000);
    vec![
        (
            "references",
            one(
                "Dockerfile",
                lines(9_000, |n| format!("FROM nowhere.example/x{n}:1")),
            ),
        ),
        (
            "updates",
            one("Dockerfile", lines(9_000, |_| format!("FROM {base}:1.0.0"))),
        ),
        (
            "passed-over",
            one(
                "Dockerfile",
                format!(
                    "FROM scratch\n{}",
                    lines(9_000, |n| format!("NONSENSE {n}"))
                ),
            ),
        ),
        (
            "unread",
            (0..1_000)
                .map(|n| (format!("d{n}/Dockerfile"), "\0".to_owned()))
                .collect(),
        ),
        (
            "rules",
            vec![
                ("Dockerfile".to_owned(), format!("FROM {base}:1.0.0\n")),
                (
                    "imagebot.toml".to_owned(),
                    lines(400, |n| {
                        format!("[[rule]]\nimages = ['**/x{n}']\nmax = 'minor'")
                    }),
                ),
            ],
        ),
        (
            "unknown-keys",
            one("imagebot.toml", lines(9_000, |n| format!("k{n} = 1"))),
        ),
        (
            "comments",
            one(
                "Dockerfile",
                lines(4_000, |n| {
                    format!("# imagebot: nonsense{n}=1\nFROM {base}:1.0.0")
                }),
            ),
        ),
        (
            "projects",
            one(".gitlab-deps", lines(9_000, |n| format!("team/project{n}"))),
        ),
        (
            "images",
            one(
                "imagebot.toml",
                lines(3_000, |n| {
                    format!("[[image]]\nname = 'other.example/i{n}'\ncontext = 'd{n}'")
                }),
            ),
        ),
        (
            "arguments",
            one(
                "Dockerfile",
                lines(3_000, |n| {
                    format!("ARG V{n}=1\nFROM nowhere.example/a${{V{n}}}${{W{n}}}:1")
                }),
            ),
        ),
        (
            "long",
            vec![
                (
                    "Dockerfile".to_owned(),
                    format!(
                        "FROM {base}/{long}:1\nFROM $A{long}\n# imagebot: {long}=1\nFROM {base}:1.0.0\n"
                    ),
                ),
                (
                    "imagebot.toml".to_owned(),
                    format!("include = ['{}']\n", "y".repeat(50_000)),
                ),
            ],
        ),
        (
            "proposals",
            one(
                "Dockerfile",
                lines(IMAGES, |n| format!("FROM {base}{n}:1.0.0")),
            ),
        ),
        ("tags", one("Dockerfile", "FROM TAGS:1.0.0\n".to_owned())),
    ]
}

/// The lists of a document: the length of the longest with each name, and the longest text with its place.
#[derive(Debug, Default)]
struct Found {
    lists: BTreeMap<String, usize>,
    longest: (usize, String),
}

impl Found {
    fn walk(&mut self, value: &Value, place: &str) {
        match value {
            Value::Array(items) => {
                let length = self.lists.entry(place.to_owned()).or_default();
                *length = items.len().max(*length);
                items.iter().for_each(|item| self.walk(item, place));
            }
            Value::Object(fields) => {
                for (key, value) in fields {
                    let dot = if place.is_empty() { "" } else { "." };
                    self.walk(value, &format!("{place}{dot}{key}"));
                }
            }
            Value::String(text) => {
                let found = (text.chars().count(), place.to_owned());
                self.longest = found.max(std::mem::take(&mut self.longest));
            }
            _ => {}
        }
    }

    /// What is wrong about the lists.
    fn faults(&self, table: &[(&str, Cap)]) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, length) in &self.lists {
            let cap = table.iter().find(|(known, _)| known == name);
            match cap.map(|(_, cap)| *cap) {
                None => faults.push(format!("{name} has no cap in the table")),
                Some(Reached(most) | Most(most)) if *length > most => {
                    faults.push(format!("{name} has {length} entries, more than {most}"));
                }
                Some(Reached(most)) if *length < most => {
                    faults.push(format!(
                        "{name} has {length} entries: nothing reaches its cap of {most}"
                    ));
                }
                Some(_) => {}
            }
        }
        for (name, _) in table
            .iter()
            .filter(|(name, _)| !self.lists.contains_key(*name))
        {
            faults.push(format!("{name} is in the table, and no report has it"));
        }
        let (length, place) = &self.longest;
        if *length > LONGEST {
            faults.push(format!("{place} has a text of {length} characters"));
        }
        faults
    }
}

fn imagebot(world: &World, args: &[&str]) -> (String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_imagebot"))
        .args(args)
        .arg("--config")
        .arg(world.config())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", world.path("home"))
        .output()
        .expect("imagebot starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_list_of_a_report_has_a_cap() {
    let world = World::new().await;
    world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    world.push("tags", "1.0.0").await;
    world.configure(&format!("[budget]\nlookups = {LOOKUPS}\n"));
    let fake = world.server.fake();
    fake.list(
        "tags",
        (0..20_000).map(|n| format!("1.0.{n}-{}", "x".repeat(100))),
    );
    for number in 0..IMAGES {
        for tag in ["1.0.0", "1.1.0"] {
            fake.push(&format!("base{number}"), tag, serde_json::json!({}));
        }
    }
    let (base, tags) = (world.image("base"), world.image("tags"));
    let mut names: Vec<&str> = Vec::new();
    for (name, files) in hostile(&base) {
        world.repo(name, "FROM scratch\n");
        let files: Vec<(String, String)> = files
            .into_iter()
            .map(|(path, text)| (path, text.replace("TAGS", &tags)))
            .collect();
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_str(), "100644", text.as_bytes()))
            .collect();
        world.commit_files(name, "main", &files, "hostile\n");
        names.push(name);
    }
    let (out, err) = imagebot(&world, &["run", "--dry-run"]);
    let people = out + &err;
    let beginning: String = people.chars().take(2_000).collect();
    assert!(
        people.len() < FOR_PEOPLE,
        "{} bytes: {beginning}",
        people.len()
    );
    let (json, errors) = imagebot(
        &world,
        &["run", "--dry-run", "--format", "json", "--repo", "**"],
    );
    let report: Value =
        serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {errors}"));
    assert_eq!(
        report["repositories"].as_array().map(Vec::len),
        Some(names.len())
    );
    let mut found = Found::default();
    found.walk(&report, "");
    let mut faults = found.faults(RUN);
    let mut found = Found::default();
    for name in ["references", "proposals"] {
        let (json, errors) = imagebot(
            &world,
            &["check", &format!("repo:{name}"), "--format", "json"],
        );
        let report: Value =
            serde_json::from_str(&json).unwrap_or_else(|error| panic!("{name}: {error}: {errors}"));
        found.walk(&report, "");
    }
    faults.extend(found.faults(CHECK));
    assert_eq!(faults, [""; 0], "{}", faults.join("\n"));
}
