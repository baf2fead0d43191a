//! The tutorial: its commands work, one after the other, as they are printed.

use crate::place::Place;

const TUTORIAL: &str = include_str!("../../docs/tutorial.md");

/// The lines of all shell blocks, in order.
fn commands() -> String {
    let mut script = String::from("set -eu\n");
    let mut is_shell = false;
    for line in TUTORIAL.lines() {
        match line.strip_prefix("```") {
            Some(language) => is_shell = language == "sh",
            None if is_shell => script.push_str(&format!("{line}\n")),
            None => {}
        }
    }
    script
}

#[test]
fn the_tutorial_leads_to_a_merged_update() {
    let mut place = Place::new();
    for (name, value) in [
        ("GIT_AUTHOR_NAME", "Reader"),
        ("GIT_AUTHOR_EMAIL", "reader@example.com"),
        ("GIT_COMMITTER_NAME", "Reader"),
        ("GIT_COMMITTER_EMAIL", "reader@example.com"),
    ] {
        place.set(name, value);
    }
    let ran = place.shell(&commands()).expect(0);
    for said in [
        // The graph, the answer of --why, the run, the merge.
        "acme/base:1.1.0",
        "the tag in use",
        "opened !1 Update acme/base to 1.1.0 (minor)",
        "1 closed by someone",
        "/acme/base:1.1.0\n",
    ] {
        assert!(ran.stdout.contains(said), "{said}:\n{}", ran.stdout);
    }
    assert!(ran.stderr.contains("merged !1 of web"), "{}", ran.stderr);
}
