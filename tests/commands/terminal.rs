//! What a terminal shows, on a real pseudo-terminal, and where the configuration is found.

use crate::place::{Place, Ran};
use insta::assert_snapshot;

/// Runs the executable on a terminal of some columns; what it prints on either stream is in `stdout`.
fn on_terminal(place: &Place, columns: usize, environment: &str, line: &str) -> Ran {
    let inner = format!("stty cols {columns} rows 24; {environment} imagebot {line}");
    let mut ran = place.shell(&format!("script -qec '{inner}' /dev/null </dev/null"));
    ran.stdout = ran.stdout.replace('\r', "");
    ran
}

const TAGS: &str = "20\n20.1\n22\n22-rc1\n";

#[test]
fn a_terminal_gets_colours_and_lines_that_fit() {
    let place = Place::with(&[("tags", TAGS)]);
    let ran = on_terminal(
        &place,
        60,
        "LC_ALL=C.UTF-8 TERM=xterm",
        "tags node:20 --tags-from tags",
    );
    assert!(
        ran.stdout.contains("\u{1b}[32m22\u{1b}[0m"),
        "{:?}",
        ran.stdout
    );
    let plain = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    let plain = plain.replace_all(&ran.stdout, "").into_owned();
    let longest = plain.lines().map(|line| line.chars().count()).max();
    assert!(longest.is_some_and(|longest| longest <= 60), "{plain}");
    // The same words as in a file.
    let file = place
        .run(&["tags", "node:20", "--tags-from", "tags"])
        .expect(0);
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(words(&plain), words(&file.stdout));
    assert!(!file.stdout.contains('\u{1b}'), "a file has no colours");
}

#[test]
fn colours_are_decided_by_the_option_and_the_environment() {
    let mut place = Place::with(&[("tags", TAGS)]);
    let args = ["tags", "node:20", "--tags-from", "tags"];
    let coloured = |ran: &Ran| ran.stdout.contains('\u{1b}');
    let with = |more: &[&str]| place.run(&[&args[..], more].concat()).expect(0);
    assert!(coloured(&with(&["--color", "always"])));
    assert!(!coloured(&with(&["--color", "auto"])));
    let line = "tags node:20 --tags-from tags";
    assert!(!coloured(&on_terminal(
        &place,
        80,
        "TERM=xterm NO_COLOR=1",
        line
    )));
    assert!(!coloured(&on_terminal(&place, 80, "TERM=dumb", line)));
    let line = format!("{line} --color never");
    assert!(!coloured(&on_terminal(
        &place,
        80,
        "TERM=xterm CLICOLOR_FORCE=1",
        &line
    )));
    place.set("CLICOLOR_FORCE", "1");
    assert!(coloured(&place.run(&args).expect(0)));
}

#[test]
fn without_a_utf_8_locale_a_terminal_gets_ascii() {
    let place = Place::with(&[("tags", TAGS)]);
    let line = "tags node:20 --tags-from tags";
    let ran = on_terminal(&place, 80, "TERM=xterm LC_ALL=C", line);
    assert!(ran.stdout.is_ascii(), "{:?}", ran.stdout);
}

#[test]
fn errors_of_a_configuration_are_coloured_and_its_escape_codes_are_not() {
    let place = Place::with(&[(
        "config.toml",
        "[[forge]]\nkind = \"\u{202e}git\u{1b}[31mlab\"\n",
    )]);
    let args = [
        "config",
        "check",
        "--config",
        "config.toml",
        "--color",
        "always",
    ];
    let ran = place.run(&args).expect(2);
    assert!(ran.stderr.contains("\u{1b}["), "{:?}", ran.stderr);
    assert!(!ran.stderr.contains("\u{1b}[31mlab"), "{:?}", ran.stderr);
    assert!(!ran.stderr.contains('\u{202e}'), "{:?}", ran.stderr);
}

const OURS: &str =
    "[[registry]]\nhost = \"reg.example.com\"\n\n[[forge]]\nkind = \"local\"\npath = \"repos\"\n";

#[test]
fn the_configuration_is_found() {
    let mut place = Place::with(&[("repos/.keep", ""), ("elsewhere.toml", OURS)]);
    assert_snapshot!(place.run(&["repos", "list"]).expect(2).stderr, @r"
    error: no configuration found: none of ./imagebot-config.toml, ./config.toml, [DIR]/home/.config/imagebot/config.toml, /etc/imagebot/config.toml is one
    help: `imagebot init --operator` writes a commented one; name it with --config FILE or IMAGEBOT_CONFIG
    ");
    place.write("config.toml", "[build]\ntarget = \"x86_64\"\n");
    assert_snapshot!(place.run(&["repos", "list"]).expect(2).stderr, @r"
    error: no configuration found: none of ./imagebot-config.toml, ./config.toml, [DIR]/home/.config/imagebot/config.toml, /etc/imagebot/config.toml is one
    help: `imagebot init --operator` writes a commented one; name it with --config FILE or IMAGEBOT_CONFIG
    help: config.toml here is not used: it has neither [[forge]] nor [[registry]]; --config config.toml uses it
    ");
    place.write("config.toml", OURS);
    place.run(&["repos", "list"]).expect(0);
    place.write("imagebot-config.toml", "[[forge]\n");
    let ran = place.run(&["repos", "list"]).expect(2);
    assert!(
        ran.stderr.contains("imagebot-config.toml:1"),
        "{}",
        ran.stderr
    );
    place.set("IMAGEBOT_CONFIG", "elsewhere.toml");
    place.run(&["repos", "list"]).expect(0);
    place.set("IMAGEBOT_CONFIG", "gone.toml");
    let ran = place.run(&["repos", "list"]).expect(2);
    assert!(
        ran.stderr.contains("gone.toml cannot be read"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_configuration_that_may_belong_to_a_cloned_repository_is_not_used_unasked() {
    let place = Place::with(&[
        (
            "config.toml",
            "[defaults]\nenabled = false\n[[forge]]\nkind = \"local\"\npath = \"x\"\n",
        ),
        (".git/HEAD", "ref: refs/heads/main\n"),
        ("Dockerfile", "FROM 127.0.0.1:1/x:1\n"),
    ]);
    let ran = place.run(&["check", "."]);
    assert!(!ran.stdout.contains("[disabled]"), "{}", ran.stdout);
    assert_snapshot!(ran.stderr, @r"
    note: config.toml here is not used: it may be part of the repository that is checked; --config config.toml uses it
    ");
    let ran = place.run(&["check", ".", "--config", "config.toml"]);
    assert!(ran.stdout.contains("[disabled]"), "{}", ran.stdout);
}
