//! Commits without a work tree.

use crate::bench::{Bench, change, on, path, push};
use crate::git_repos::Content;
use imagebot::git::{FileChange, Pushed, TreeEntryKind};

const SUBMODULE: &str = "1111111111111111111111111111111111111111";

#[tokio::test]
async fn t11_modes_are_kept_and_all_other_files_too() {
    let bench = Bench::new().await;
    let binary: Vec<u8> = (0..=255).collect();
    let head = bench.repos.commit_all(
        "app",
        "main",
        &[
            ("Dockerfile", Content::File(b"FROM a:1\r\nRUN x")),
            ("build.sh", Content::Executable(b"#!/bin/sh\n")),
            ("link", Content::Link("build.sh")),
            ("module", Content::Submodule(SUBMODULE)),
            ("binary", Content::File(&binary)),
            ("latin-1", Content::File(b"gr\xf6\xdfe")),
            (
                ".gitattributes",
                Content::File(b"* text eol=lf filter=evil\n"),
            ),
            ("deep/er/Dockerfile", Content::File(b"FROM b:1\n")),
        ],
        "all kinds",
    );
    let (cached, _) = bench.at_main("app").await;
    let script = FileChange {
        path: path("build.sh"),
        kind: TreeEntryKind::Executable,
        contents: b"#!/bin/sh\r\nexit\xff\n".to_vec(),
    };
    let commit = cached
        .commit(&on(
            &head,
            vec![script, change("deep/er/Dockerfile", "FROM b:2\n")],
        ))
        .await
        .unwrap();
    cached
        .push(&[push("imagebot/x", None, Some(&commit))])
        .await
        .unwrap();

    let (before, after) = (
        bench.repos.tree("app", "main"),
        bench.repos.tree("app", "imagebot/x"),
    );
    let changed: Vec<_> = after.iter().filter(|line| !before.contains(line)).collect();
    assert_eq!(before.len(), 8, "{before:?}");
    assert_eq!(after.len(), 8, "{after:?}");
    assert_eq!(changed.len(), 2, "{changed:?}");
    assert!(
        changed[0].starts_with("100755 ") && changed[0].ends_with("\tbuild.sh"),
        "{changed:?}"
    );
    assert!(
        changed[1].starts_with("100644 ") && changed[1].ends_with("\tdeep/er/Dockerfile"),
        "{changed:?}"
    );
    // No filter and no line ending of the attributes was applied.
    let size = bench
        .repos
        .git("app", &["cat-file", "-s", "imagebot/x:build.sh"]);
    assert_eq!(size, "17");
    let raw = bench
        .repos
        .git("app", &["cat-file", "commit", "imagebot/x"]);
    assert!(
        raw.contains("author imagebot <imagebot@example.org> 1700000000 +0100\n"),
        "{raw}"
    );
    assert!(
        raw.ends_with("Update node to 2\n\nImagebot-Change: x"),
        "{raw}"
    );
    assert_eq!(bench.repos.git("app", &["fsck", "--no-dangling"]), "");
}

#[tokio::test]
async fn the_same_change_gives_the_same_commit() {
    let (one, two) = (Bench::new().await, Bench::new().await);
    let mut ids = Vec::new();
    for bench in [&one, &two, &one] {
        if bench.repos.head("app", "main").is_none() {
            bench.repos.commit(
                "app",
                &[("Dockerfile", "FROM a:1\n"), ("b/Dockerfile", "FROM b:1\n")],
            );
        }
        let (cached, head) = bench.at_main("app").await;
        let mut files = vec![
            change("Dockerfile", "FROM a:2\n"),
            change("b/Dockerfile", "FROM b:2\n"),
        ];
        if ids.len() == 1 {
            files.reverse();
        }
        ids.push(cached.commit(&on(&head, files)).await.unwrap());
    }
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[0], ids[2]);
}

#[tokio::test]
async fn t11_a_link_is_never_written() {
    let bench = Bench::new().await;
    bench
        .repos
        .commit_all("app", "main", &[("link", Content::Link("x"))], "link");
    let (cached, head) = bench.at_main("app").await;
    for kind in [TreeEntryKind::Symlink, TreeEntryKind::Submodule] {
        let file = FileChange {
            path: path("link"),
            kind,
            contents: b"/etc/passwd".to_vec(),
        };
        let error = cached.commit(&on(&head, vec![file])).await.unwrap_err();
        assert!(error.to_string().contains("link is not a file"), "{error}");
    }
}

#[tokio::test]
async fn the_target_may_move_between_reading_and_pushing() {
    let bench = Bench::new().await;
    bench
        .repos
        .commit("app", &[("Dockerfile", "FROM a:1\n"), ("big", "x\n")]);
    let (cached, head) = bench.at_main("app").await;
    bench.repos.commit("app", &[("big", "y\n")]);
    bench.repos.amend("app", "main", &[("big", "z\n")]);
    let commit = cached
        .commit(&on(&head, vec![change("Dockerfile", "FROM a:2\n")]))
        .await
        .unwrap();
    let pushed = cached
        .push(&[push("imagebot/x", None, Some(&commit))])
        .await
        .unwrap();
    assert_eq!(pushed, [Pushed::Done]);
    assert_eq!(bench.repos.parents("app", "imagebot/x"), [head]);
    assert_eq!(bench.repos.git("app", &["fsck", "--no-dangling"]), "");
}
