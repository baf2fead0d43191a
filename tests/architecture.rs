//! The architecture, as an ordinary test: every arrow runs down, no circles, no `mod.rs`, no long files.
#![allow(
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says why"
)]

#[path = "architecture/paths.rs"]
mod paths;

use paths::{FromRoot, defined_in, module_of, named_in};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The modules from the top to the bottom. A module imports only modules below it.
const MODULES: [&str; 21] = [
    "cli", "demo", "run", "convert", "config", "registry", "forge", "git", "store", "http",
    "redact", "process", "fleet", "plan", "policy", "family", "source", "scheme", "repo", "image",
    "coded",
];
/// The first module of the core: no I/O, no clock, no environment, and no edge.
const CORE: [&str; 9] = [
    "fleet", "plan", "policy", "family", "source", "scheme", "repo", "image", "coded",
];
/// Modules of the edges in one row: they do not know each other, but for the arrows named here.
const EDGES: [&str; 7] = [
    "registry", "forge", "git", "store", "http", "redact", "process",
];
const BETWEEN_EDGES: [(&str, &str); 9] = [
    ("registry", "http"),
    ("registry", "redact"),
    ("registry", "process"),
    ("forge", "git"),
    ("forge", "http"),
    ("forge", "redact"),
    ("git", "redact"),
    ("git", "process"),
    ("store", "redact"),
];
/// What an edge may know of the core: values, never the plan or what is allowed.
const VALUES: [&str; 3] = ["image", "repo", "coded"];

struct SourceFile {
    path: PathBuf,
    module: String,
    text: String,
    /// The text before the tests, comments left out.
    code: String,
    /// The paths of the crate that it names.
    named: BTreeSet<FromRoot>,
}

fn files() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut waiting = vec![root.clone()];
    let mut files = Vec::new();
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let relative = path.strip_prefix(&root).unwrap().to_owned();
                let first = relative
                    .components()
                    .next()
                    .unwrap()
                    .as_os_str()
                    .to_str()
                    .unwrap();
                let text = std::fs::read_to_string(&path).unwrap();
                // Tests in a file of their own end nothing here.
                let code = text.replace("#[cfg(test)]\nmod tests;\n", "");
                let code = code.split("#[cfg(test)]").next().unwrap();
                // A file of tests beside the code is no part of the module.
                if relative.file_name().is_some_and(|name| name == "tests.rs") {
                    continue;
                }
                let code: Vec<&str> = code
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"))
                    .collect();
                let module = first.trim_end_matches(".rs").to_owned();
                files.push(SourceFile {
                    module,
                    code: code.join("\n"),
                    named: named_in(&module_of(&relative), &text),
                    path: relative,
                    text,
                });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The modules that a file names, however it does.
fn imports(file: &SourceFile) -> BTreeSet<String> {
    let firsts = file.named.iter().filter_map(|path| path.first());
    let others = firsts.filter(|first| MODULES.contains(&first.as_str()) && **first != file.module);
    others.cloned().collect()
}

fn fail_on(problems: &[String]) {
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_room_is_known() {
    let known: BTreeSet<&str> = MODULES.into_iter().chain(["lib", "main"]).collect();
    let files = files();
    let found: BTreeSet<&str> = files.iter().map(|file| file.module.as_str()).collect();
    assert_eq!(
        found, known,
        "a new module has its place in the list: MODULES here, and the crate's documentation"
    );
}

#[test]
fn every_arrow_runs_down() {
    let layer = |module: &str| MODULES.iter().position(|known| *known == module).unwrap();
    let mut problems = Vec::new();
    for file in files()
        .iter()
        .filter(|file| !matches!(file.module.as_str(), "lib" | "main"))
    {
        for below in imports(file) {
            if layer(&below) < layer(&file.module) {
                problems.push(format!(
                    "{}: {} imports {below}, which is above it",
                    file.path.display(),
                    file.module
                ));
            }
        }
    }
    fail_on(&problems);
}

#[test]
fn the_core_knows_no_edge_and_an_edge_only_values() {
    let mut problems = Vec::new();
    for file in &files() {
        let module = file.module.as_str();
        for below in imports(file) {
            let below = below.as_str();
            let allowed = if CORE.contains(&module) {
                CORE.contains(&below)
            } else if EDGES.contains(&module) {
                VALUES.contains(&below) || BETWEEN_EDGES.contains(&(module, below))
            } else {
                true
            };
            if !allowed {
                problems.push(format!(
                    "{}: {module} may not know {below}",
                    file.path.display()
                ));
            }
        }
    }
    fail_on(&problems);
}

/// Invariant 12: the core does no I/O and reads no clock and no environment.
#[test]
fn the_core_is_pure() {
    let impure = [
        "std::fs",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "ToSocketAddrs",
        "std::env",
        "std::process",
        "std::time",
        "std::thread",
        "tokio::",
        "reqwest::",
        "rusqlite::",
        "Zoned::now",
        "Timestamp::now",
        "SystemTime",
        "Instant::now",
        "tracing::",
        "println!",
        "rand::",
    ];
    let mut problems = Vec::new();
    for file in files()
        .iter()
        .filter(|file| CORE.contains(&file.module.as_str()))
    {
        for word in impure.iter().filter(|word| file.code.contains(*word)) {
            problems.push(format!("{}: the core uses {word}", file.path.display()));
        }
    }
    fail_on(&problems);
}

/// Invariant 12: the core never panics. Indexing is checked by the property tests; the words that panic are not there.
#[test]
fn the_core_holds_no_word_that_panics() {
    let mut problems = Vec::new();
    for file in files()
        .iter()
        .filter(|file| CORE.contains(&file.module.as_str()))
    {
        for word in [
            "panic!(",
            ".unwrap()",
            "unreachable!(",
            "todo!(",
            "unimplemented!(",
            ".expect(",
        ] {
            for line in file.code.lines().filter(|line| line.contains(word)) {
                problems.push(format!(
                    "{}: {word} in {}",
                    file.path.display(),
                    line.trim()
                ));
            }
        }
    }
    fail_on(&problems);
}

/// Git is built in one place, and nothing else is ever started but the operator's own secret commands and credential
/// helpers.
#[test]
fn processes_are_started_in_three_places() {
    let starters: BTreeSet<String> = files()
        .iter()
        .filter(|file| file.code.contains("process::Command"))
        .map(|file| file.path.display().to_string())
        .collect();
    assert_eq!(
        starters,
        BTreeSet::from([
            "config/secret.rs".to_owned(),
            "git/command.rs".to_owned(),
            "registry/helper.rs".to_owned(),
        ])
    );
}

/// A secret in a plain `String` stands only in what a file is parsed into, and that can be neither printed nor written.
#[test]
fn secrets_cannot_be_printed() {
    let mut problems = Vec::new();
    for file in &files() {
        for (before, body) in file
            .code
            .match_indices("struct ")
            .map(|(at, _)| file.code.split_at(at))
        {
            let body = body.split("\n}").next().unwrap();
            let derives = before.rsplit("\n\n").next().unwrap();
            let printable = derives.contains("Debug") || derives.contains("Serialize");
            let secret = ["password: String", "token: String", "secret: String"]
                .iter()
                .any(|word| body.contains(word));
            if secret && printable {
                problems.push(format!(
                    "{}: a secret that can be printed: {body}",
                    file.path.display()
                ));
            }
        }
    }
    fail_on(&problems);
}

/// A parent declares its children; shared pieces stand in a child, so that no circle goes through the parent.
#[test]
fn no_child_imports_its_parent_file() {
    let all = files();
    let mut problems = Vec::new();
    for parent in &all {
        let module = module_of(&parent.path);
        let defined = defined_in(&parent.text);
        let children = all.iter().filter(|file| {
            let path = module_of(&file.path);
            !module.is_empty() && path.len() > module.len() && path.starts_with(&module)
        });
        for child in children {
            let of_parent = child.named.iter().filter_map(|path| {
                let name = path.strip_prefix(&module[..])?.first()?;
                (defined.contains(name) || name == "*").then_some(name)
            });
            let of_parent: BTreeSet<&String> = of_parent.collect();
            problems.extend(of_parent.iter().map(|name| {
                format!(
                    "{}: names {name} of {}, its parent",
                    child.path.display(),
                    parent.path.display()
                )
            }));
        }
    }
    fail_on(&problems);
}

/// Every form in which a path may be written is seen.
#[test]
fn every_form_of_a_path_is_read() {
    let module = ["plan".to_owned(), "decide".to_owned()];
    for (text, expect) in [
        ("use crate::run::Report;", "run::Report"),
        ("use crate::{run, repo};", "repo run"),
        (
            "use crate::{\n    repo::{Branch, CommitId},\n    run::act as other,\n};",
            "repo::Branch repo::CommitId run::act",
        ),
        ("use crate::*;", "*"),
        (
            "pub(crate) use super::{\n    Action,\n    key::Key,\n};",
            "plan::Action plan::key::Key",
        ),
        ("use super::super::run::Setup;", "run::Setup"),
        ("use self::tail::Tail;", "plan::decide::tail::Tail"),
        (
            "fn f(a: &crate::run::Setup) -> u8 { super::hash(a) }",
            "plan::hash run::Setup",
        ),
        (
            "fn f() { print!(\"{}\", crate::run::name(super::hash::<u8>())) }",
            "plan::hash run::name",
        ),
        ("fn f() { one![return crate::run::X; 2] }", "run::X"),
        (
            "mod inner { use super::Case; fn f() { super::super::run::g() } }",
            "plan::decide::Case plan::run::g",
        ),
        ("use std::fmt; use serde::{de, ser};", ""),
        ("#[cfg(test)]\nmod tests { use crate::run; }", ""),
        ("// use crate::run;\nconst X: &str = \"crate::run::X\";", ""),
    ] {
        let found = named_in(&module, text);
        let found: Vec<String> = found.iter().map(|path| path.join("::")).collect();
        assert_eq!(found.join(" "), expect, "{text}");
    }
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut problems = Vec::new();
    for file in &files() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src")
            .join(&file.path);
        let text = std::fs::read_to_string(path).unwrap();
        let lines = text.split("#[cfg(test)]").next().unwrap().lines().count();
        if lines > 500 {
            problems.push(format!(
                "{}: {lines} lines before its tests; two modules in one?",
                file.path.display()
            ));
        }
        if !text.starts_with("//!") {
            problems.push(format!(
                "{}: does not begin with what it is for",
                file.path.display()
            ));
        }
        if file.path.file_name().is_some_and(|name| name == "mod.rs") {
            problems.push(format!(
                "{}: modules are foo.rs and foo/",
                file.path.display()
            ));
        }
    }
    fail_on(&problems);
}

/// A format has a folder of cases, or is part of one that has; and all of them are read by `tests/core/sources.rs`.
#[test]
fn every_format_has_its_cases() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("src/source/format.rs")).unwrap();
    let variants = text.split("pub enum Format {").nth(1).unwrap();
    let variants = variants.split("\n}").next().unwrap().lines();
    let variants: Vec<&str> = variants
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("//"))
        .map(|line| line.trim_end_matches(','))
        .collect();
    let folders: &[(&str, &[(&str, usize)])] = &[
        ("Dockerfile", &[]),
        ("Gipgee", &[]),
        ("Compose", &[("compose", 25)]),
        ("DotEnv", &[("compose", 25)]),
        ("Makefile", &[("annotations", 8)]),
        ("Bake", &[("bake", 25)]),
        ("GitlabCi", &[("gitlab-ci", 25)]),
        ("Workflow", &[("workflows", 25)]),
        ("Action", &[("workflows", 25)]),
        ("Kustomize", &[("kustomize", 25)]),
        ("HelmValues", &[("helm", 25)]),
        ("HelmChart", &[("helm", 25)]),
        (
            "Manifest",
            &[("kubernetes", 25), ("flux", 8), ("tekton", 8), ("argo", 8)],
        ),
        ("Woodpecker", &[("woodpecker", 8)]),
        ("Circleci", &[("circleci", 8)]),
        ("Azure", &[("azure", 8)]),
        ("Bitbucket", &[("bitbucket", 8)]),
        ("Devcontainer", &[("devcontainer", 25)]),
        ("HomeAssistant", &[("home-assistant", 8)]),
        ("Quadlet", &[("quadlet", 8)]),
    ];
    let mut problems = Vec::new();
    for variant in &variants {
        if !folders.iter().any(|(known, _)| known == variant) {
            problems.push(format!("{variant}: no folder of cases is named here"));
        }
    }
    for (variant, of_variant) in folders {
        if !variants.contains(variant) {
            problems.push(format!("{variant}: there is no such format"));
        }
        for (folder, least) in *of_variant {
            let cases = std::fs::read_dir(root.join("fixtures/sources").join(folder));
            let count = cases.map_or(0, Iterator::count);
            if count < *least {
                problems.push(format!("{folder}: {count} cases, not {least}"));
            }
        }
    }
    fail_on(&problems);
}
