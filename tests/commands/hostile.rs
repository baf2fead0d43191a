//! Folders that mean no good (T53, T55): nothing is run, followed or believed, and nothing hangs.

use super::place::Place;
use std::os::unix::fs::PermissionsExt as _;

const COMMANDS: [&[&str]; 3] = [
    &["scan", "tree"],
    &["check", "tree"],
    &["update", "tree", "--dry-run"],
];

/// A tree with one honest file.
fn tree() -> Place {
    Place::with(&[
        ("tree/Dockerfile", "FROM scratch\n"),
        ("tree/x/Dockerfile", "FROM $A\n"),
    ])
}

#[test]
fn t53_no_git_is_started_in_a_folder() {
    let place = tree();
    let marker = place.path("marker").display().to_string();
    place.shell("git init -q tree").expect(0);
    for key in [
        "core.fsmonitor",
        "core.sshCommand",
        "core.pager",
        "core.editor",
        "filter.x.smudge",
    ] {
        place
            .shell(&format!("git -C tree config {key} 'touch {marker}'"))
            .expect(0);
    }
    place.write(
        "tree/.git/hooks/post-checkout",
        format!("#!/bin/sh\ntouch {marker}\n"),
    );
    place.write("tree/.git/Dockerfile", "FROM hidden:1\n");
    place.write("tree/.GIT/Dockerfile", "FROM hidden:1\n");
    for command in COMMANDS {
        let ran = place.run(command).expect(0);
        assert!(!ran.stdout.contains("hidden"), "{}", ran.stdout);
        assert!(!place.path("marker").exists(), "{command:?} started git");
    }
}

#[test]
fn t53_links_are_not_followed() {
    let place = tree();
    place.write("outside/Dockerfile", "FROM outside:1\n");
    let link =
        |from: &str, to: &str| std::os::unix::fs::symlink(to, place.path(from)).expect("a link");
    link("tree/Dockerfile.link", "../outside/Dockerfile");
    link("tree/folder", "../outside");
    link("tree/loop", ".");
    link("tree/Dockerfile.gone", "nowhere");
    for command in COMMANDS {
        let ran = place.run(command).expect(0);
        assert!(!ran.stdout.contains("outside"), "{}", ran.stdout);
    }
    let ran = place.run(COMMANDS[0]).expect(0);
    for link in ["Dockerfile.link", "Dockerfile.gone"] {
        assert!(
            ran.stdout.contains(&format!("not read: {link}: symlink")),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn t53_a_pipe_or_a_folder_of_that_name_does_not_hang() {
    let place = tree();
    place
        .shell("mkfifo tree/Dockerfile.pipe imagebot.pipe && mkdir tree/Dockerfile.d")
        .expect(0);
    for command in COMMANDS {
        place.run(command).expect(0);
    }
    let ran = place.run(COMMANDS[0]).expect(0);
    assert!(
        ran.stdout
            .contains("not read: Dockerfile.pipe: no-regular-file"),
        "{}",
        ran.stdout
    );
    // Named itself, it is an error.
    for command in ["scan", "check", "update"] {
        let ran = place.run(&[command, "./imagebot.pipe"]).expect(2);
        assert!(
            ran.stderr.contains("neither a folder nor a regular file"),
            "{}",
            ran.stderr
        );
    }
    place.shell("mkfifo tree/imagebot.toml").expect(0);
    for command in COMMANDS {
        let ran = place.run(command).expect(2);
        assert!(ran.stderr.contains("imagebot.toml"), "{}", ran.stderr);
    }
}

#[test]
fn t55_names_that_move_the_cursor_are_written_out() {
    let place = tree();
    let names = [
        "\u{1b}[31mred.Dockerfile",
        "\u{202e}elif.Dockerfile",
        "a\nb.Dockerfile",
    ];
    for name in names {
        place.write(&format!("tree/{name}"), "FROM named:1\n");
    }
    place.write(
        "tree/y/Dockerfile",
        "FROM a:1\u{1b}[2J\nFROM \u{202e}b:1\n# imagebot: max=\u{1b}[31m\nFROM c:1\n",
    );
    for command in COMMANDS {
        let ran = place.run(command);
        for text in [&ran.stdout, &ran.stderr] {
            assert!(
                !text
                    .chars()
                    .any(|c| c == '\u{1b}' || c == '\u{202e}' || c == '\r'),
                "{command:?}: {text:?}"
            );
        }
    }
    place.write(
        "other/imagebot.toml",
        "\"\u{202e}key\" = \"\u{9b}31m\"\nenabled = \"\u{1b}[2J\"\n",
    );
    let ran = place.run(&["scan", "other"]).expect(2);
    assert!(
        !ran.stderr
            .chars()
            .any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')),
        "{:?}",
        ran.stderr
    );
    // None of them is passed over in silence.
    let ran = place.run(COMMANDS[0]).expect(0);
    assert!(ran.stdout.contains("red.Dockerfile"), "{}", ran.stdout);
    assert!(ran.stdout.contains("b.Dockerfile"), "{}", ran.stdout);
}

#[test]
fn t13_files_that_are_too_large_or_no_text_are_named_and_the_rest_is_read() {
    let place = tree();
    place.write("tree/Dockerfile.large", vec![b'#'; 2 << 20]);
    place.write("tree/Dockerfile.nul", b"FROM a:1\0\n");
    place.write("tree/Dockerfile.utf16", b"\xff\xfeF\0R\0O\0M\0");
    place.write("tree/Dockerfile.latin1", b"# Gr\xf6\xdfe\nFROM $LATIN\n");
    let ran = place.run(COMMANDS[0]).expect(0);
    for line in [
        "not read: Dockerfile.large: too-large",
        "not read: Dockerfile.nul: not-text",
        "not read: Dockerfile.utf16: not-text",
        "Dockerfile.latin1:2",
        "x/Dockerfile:1",
    ] {
        assert!(ran.stdout.contains(line), "{line}: {}", ran.stdout);
    }
    for command in COMMANDS {
        place.run(command).expect(0);
    }
}

#[test]
fn a_file_or_folder_without_the_right_to_read_it_is_named() {
    let place = tree();
    let close = |path: &str, mode: u32| {
        std::fs::set_permissions(place.path(path), std::fs::Permissions::from_mode(mode))
            .expect("set");
    };
    place.write("tree/Dockerfile.secret", "FROM a:1\n");
    place.write("tree/locked/Dockerfile", "FROM a:1\n");
    close("tree/Dockerfile.secret", 0o000);
    close("tree/locked", 0o000);
    // The one who may read everything cannot be shown what it is like.
    let may_read = std::fs::read(place.path("tree/Dockerfile.secret")).is_ok();
    let ran = place.run(COMMANDS[0]).expect(0);
    assert!(ran.stdout.contains("x/Dockerfile:1"), "{}", ran.stdout);
    if !may_read {
        for name in ["Dockerfile.secret", "locked"] {
            assert!(
                ran.stdout.contains(&format!("not read: {name}: ")),
                "{}",
                ran.stdout
            );
        }
    }
    close("tree/locked", 0o755);
    close("tree/Dockerfile.secret", 0o644);
}
