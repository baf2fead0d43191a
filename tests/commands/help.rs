//! `--help` of every command, `--version`, `completions`, usage errors.

use super::place::Place;
use clap::CommandFactory as _;
use insta::assert_snapshot;

/// Every command that does something, as clap knows them: a new one is in it without anybody's help.
fn commands() -> Vec<Vec<String>> {
    fn leaves(command: &clap::Command, path: &[String], all: &mut Vec<Vec<String>>) {
        let below: Vec<_> = command
            .get_subcommands()
            .filter(|sub| sub.get_name() != "help" && !sub.is_hide_set())
            .collect();
        if below.is_empty() {
            all.push(path.to_vec());
        }
        for sub in below {
            let path = [path, &[sub.get_name().to_owned()]].concat();
            leaves(sub, &path, all);
        }
    }
    let mut all = Vec::new();
    leaves(&imagebot::cli::Cli::command(), &[], &mut all);
    all
}

#[test]
fn every_help_begins_with_its_purpose_and_ends_with_an_example() {
    let place = Place::new();
    let all = commands();
    assert!(all.len() >= 20, "{all:?}");
    for command in &all {
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let help = place
            .run(&[&words[..], &["--help"]].concat())
            .expect(0)
            .stdout;
        let first = help.lines().next().unwrap_or_default();
        assert!(
            first.len() > 20 && !first.starts_with("Usage"),
            "{command:?}: {first}"
        );
        assert!(help.contains("\nUsage: imagebot "), "{help}");
        let line = format!("imagebot {}", command.join(" "));
        let (_, example) = help.split_once("Example").expect("an example");
        assert!(example.contains(&line), "{command:?}: {example}");
    }
    let help = place.run(&["--help"]).expect(0).stdout;
    for command in &all {
        assert!(
            help.contains(&format!("\n  {}", command[0])),
            "{command:?}: {help}"
        );
    }
}

/// The line below `Example` in a command's help.
fn example(place: &Place, command: &[&str]) -> String {
    let help = place.run(&[command, &["--help"]].concat()).expect(0).stdout;
    let (_, example) = help.split_once("Example").expect("an example");
    let line = example.lines().nth(1).expect("a line").trim();
    line.to_owned()
}

#[test]
fn every_example_that_needs_no_server_works_as_it_stands() {
    let place = Place::with(&[
        ("Dockerfile", "FROM node:20\n"),
        ("imagebot.toml", "enabled = true\n"),
    ]);
    for command in [
        &["scan"][..],
        &["tags"],
        &["edit"],
        &["config", "check"],
        &["config", "show"],
        &["config", "schema"],
        &["demo"],
    ] {
        let line = example(&place, command);
        place.shell(&line).expect(0);
    }
    std::fs::remove_file(place.path("imagebot.toml")).expect("removed");
    place.shell(&example(&place, &["init"])).expect(0);
    let schema: serde_json::Value =
        serde_json::from_str(&place.read("imagebot.schema.json")).expect("a schema");
    assert!(schema["$schema"].is_string());
}

#[test]
fn every_example_about_merge_requests_works_in_the_folder_that_the_demo_leaves() {
    let place = Place::new();
    place
        .run(&["demo", "--keep", "kept", "--fail", "app"])
        .expect(0);
    for command in [["mr", "list"], ["mr", "show"], ["mr", "merge"]] {
        let line = example(&place, &command);
        place.shell(&format!("cd kept && {line}")).expect(0);
    }
    // The registry of the demo is gone: that is reported, and the command itself is right.
    let line = example(&place, &["run"]);
    let ran = place.shell(&format!("cd kept && {line}")).expect(1);
    assert!(ran.stdout.contains("lookup-failed"), "{}", ran.stdout);
}

#[test]
fn version_and_completions() {
    let place = Place::new();
    let ran = place.run(&["--version"]).expect(0);
    assert_eq!(
        ran.stdout,
        format!("imagebot {}\n", env!("CARGO_PKG_VERSION"))
    );
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = place.run(&["completions", shell]).expect(0);
        assert!(ran.stdout.contains("doctor"), "{shell}");
    }
    let ran = place
        .shell("imagebot completions bash > c && bash -n c")
        .expect(0);
    assert_eq!(ran.stderr, "");
}

#[test]
fn wrong_usage_exits_2_and_names_the_nearest() {
    let place = Place::new();
    assert_snapshot!(place.run(&["scna", "."]).all(), @r#"
    exit 2
    --- stderr
    error: unrecognized subcommand 'scna'

      tip: a similar subcommand exists: 'scan'

    Usage: imagebot [OPTIONS] <COMMAND>

    For more information, try '--help'.
    "#);
    place.run(&["tags"]).expect(2);
    place.run(&["completions", "tcl"]).expect(2);
    place.run(&[]).expect(2);
}
