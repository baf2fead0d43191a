//! Two fetches, and what a tree holds.

use crate::bench::{Bench, change, on, programs, push, read};
use crate::git_repos::Content;
use imagebot::git::{Git, GitError, Pushed, Remote, TreeEntryKind};
use std::collections::BTreeSet;

#[tokio::test]
async fn a_repository_is_read_and_written_with_every_git_of_this_machine() {
    for program in programs() {
        for sha256 in [false, true] {
            let bench = Bench::with(&program).await;
            let repos = &bench.repos;
            if sha256 {
                repos.create_sha256("team/app");
            }
            repos.commit(
                "team/app",
                &[("Dockerfile", "FROM a:1\n"), ("big", "not wanted\n")],
            );
            let head = repos.head("team/app", "main").unwrap();
            let said = format!("{} {head}", program.display());
            let mut cached = bench.open("team/app").await;
            let files = read(&mut cached, &head, &["Dockerfile"]).await.unwrap();
            assert_eq!(
                files,
                [("Dockerfile".to_owned(), "FROM a:1\n".to_owned())],
                "{said}"
            );

            let commit = cached
                .commit(&on(&head, vec![change("Dockerfile", "FROM a:2\n")]))
                .await
                .unwrap();
            let pushed = cached
                .push(&[push("imagebot/a-1", None, Some(&commit))])
                .await
                .unwrap();
            assert_eq!(pushed, [Pushed::Done], "{said}");
            assert_eq!(
                repos.head("team/app", "imagebot/a-1").as_ref(),
                Some(&commit),
                "{said}"
            );
            assert_eq!(
                repos
                    .file_at("team/app", "imagebot/a-1", "Dockerfile")
                    .as_deref(),
                Some("FROM a:2\n")
            );
            assert_eq!(
                repos.file_at("team/app", "imagebot/a-1", "big").as_deref(),
                Some("not wanted\n")
            );

            // The target moves on, and the branch is still told apart.
            let moved = repos.commit("team/app", &[("other", "x\n")]);
            cached
                .fetch_commits(&BTreeSet::from([moved.clone(), commit.clone()]))
                .await
                .unwrap();
            let between = cached.between(&moved, &commit).await.unwrap();
            assert_eq!(
                between
                    .iter()
                    .map(|c| (&c.id, &c.parent))
                    .collect::<Vec<_>>(),
                [(&commit, &head)],
                "{said}"
            );
            let changes = cached.changes(&head, &commit).await.unwrap();
            assert_eq!(
                changes.iter().map(|c| c.path.as_str()).collect::<Vec<_>>(),
                ["Dockerfile"],
                "{said}"
            );
            // The parent's tree is read where only the commit was fetched.
            let changes = cached.changes(&moved, &commit).await.unwrap();
            assert_eq!(
                changes.iter().map(|c| c.path.as_str()).collect::<Vec<_>>(),
                ["Dockerfile", "other"],
                "{said}"
            );
            let pushed = cached
                .push(&[push("imagebot/a-1", Some(&commit), None)])
                .await
                .unwrap();
            assert_eq!(pushed, [Pushed::Done], "{said}");
            assert_eq!(repos.head("team/app", "imagebot/a-1"), None, "{said}");
        }
    }
}

#[tokio::test]
async fn two_fetches_and_only_the_blobs_that_were_asked_for() {
    let (bench, recorder) = Bench::recorded().await;
    let big = "x".repeat(3_000_000);
    bench.repos.commit(
        "team/app",
        &[
            ("Dockerfile", "FROM a:1\n"),
            ("a/Dockerfile", "FROM b:1\n"),
            ("big", &big),
        ],
    );
    bench
        .repos
        .commit("team/app", &[("Dockerfile", "FROM a:2\n")]);
    let files = bench
        .read("team/app", &["Dockerfile", "a/Dockerfile"])
        .await;
    assert_eq!(files.len(), 2);
    insta::assert_snapshot!(recorder.actions().join(" "), @"init cat-file fetch ls-tree cat-file fetch cat-file");

    let cached = bench.open("team/app").await;
    assert!(!cached.filter_ignored());
    drop(cached);
    let all = bench.repos.git("team/app", &["rev-parse", "HEAD:big"]);
    let objects = std::process::Command::new("git")
        .args([
            "--git-dir",
            &bench.copy().display().to_string(),
            "cat-file",
            "--batch-all-objects",
            "--batch-check",
        ])
        .output()
        .unwrap();
    let objects = String::from_utf8(objects.stdout).unwrap();
    assert!(
        !objects.contains(&all),
        "a blob that nobody asked for:\n{objects}"
    );
    assert_eq!(
        objects
            .lines()
            .filter(|line| line.contains("commit"))
            .count(),
        1,
        "{objects}"
    );

    recorder.take();
    bench
        .read("team/app", &["Dockerfile", "a/Dockerfile"])
        .await;
    insta::assert_snapshot!(recorder.actions().join(" "), @"cat-file ls-tree cat-file cat-file");

    // A head whose files are there already costs one fetch, and is not taken for a filter that was ignored.
    bench.repos.commit("team/app", &[("other", "y\n")]);
    let head = bench.repos.head("team/app", "main").unwrap();
    let mut cached = bench.open("team/app").await;
    recorder.take();
    read(&mut cached, &head, &["Dockerfile"]).await.unwrap();
    assert_eq!(
        recorder.actions().join(" "),
        "cat-file fetch ls-tree cat-file cat-file"
    );
    assert!(!cached.filter_ignored());
}

#[tokio::test]
async fn a_server_that_ignores_the_filter_is_told_once_and_read() {
    let bench = Bench::new().await;
    let head = bench
        .repos
        .commit("app", &[("Dockerfile", "FROM a:1\n"), ("big", "x\n")]);
    bench
        .repos
        .git("app", &["config", "uploadpack.allowFilter", "false"]);
    let mut cached = bench.open("app").await;
    let files = read(&mut cached, &head, &["Dockerfile"]).await.unwrap();
    assert_eq!(files[0].1, "FROM a:1\n");
    assert!(cached.filter_ignored());
    drop(cached);

    let head = bench.repos.commit("app", &[("Dockerfile", "FROM a:2\n")]);
    let mut cached = bench.open("app").await;
    let files = read(&mut cached, &head, &["Dockerfile"]).await.unwrap();
    assert_eq!(files[0].1, "FROM a:2\n");
    assert!(!cached.filter_ignored(), "it was told already");
    let commit = cached
        .commit(&on(&head, vec![change("Dockerfile", "FROM a:3\n")]))
        .await
        .unwrap();
    let pushed = cached
        .push(&[push("imagebot/a", None, Some(&commit))])
        .await
        .unwrap();
    assert_eq!(pushed, [Pushed::Done]);
}

#[tokio::test]
async fn a_server_that_sends_more_than_the_cap_is_refused() {
    let mut bench = Bench::new().await;
    bench.git = bench.git.clone().with_cap(100_000);
    // Text that cannot be compressed below the cap.
    let mut number = 1_u64;
    let noise: String = (0..300_000)
        .map(|_| {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(b' ' + (number >> 40) as u8 % 90)
        })
        .collect();
    let head = bench
        .repos
        .commit("app", &[("Dockerfile", "FROM a:1\n"), ("big", &noise)]);
    // The filter keeps it out.
    let mut cached = bench.open("app").await;
    read(&mut cached, &head, &["Dockerfile"]).await.unwrap();
    cached.remove().unwrap();
    drop(cached);

    bench
        .repos
        .git("app", &["config", "uploadpack.allowFilter", "false"]);
    let mut cached = bench.open("app").await;
    let error = read(&mut cached, &head, &["Dockerfile"]).await.unwrap_err();
    assert!(matches!(error, GitError::TooLarge { .. }), "{error}");
    drop(cached);
    let size = bench.repos.beside("cache").join("git");
    let left: Vec<_> = std::fs::read_dir(size)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 1, "only the lock is left: {left:?}");
}

#[tokio::test]
async fn a_server_that_does_not_stop_sending_is_stopped() {
    let mut bench = Bench::new().await;
    let head = bench.repos.commit("app", &[("Dockerfile", "FROM a:1\n")]);
    // A git whose fetch writes more than the cap and does not end.
    let program = bench.repos.beside("endless-git");
    let copies = bench.repos.beside("cache").join("git");
    crate::git_repos::write_program(
        &program,
        &format!(
            "case \"$*\" in *' fetch '*) cd '{}'/*.git/objects/pack && head -c 300000 /dev/zero > tmp_pack_x; exec sleep 600;; esac\nexec git \"$@\"",
            copies.display()
        ),
    );
    let cache = bench.repos.beside("cache");
    let git = Git::with_program(&program, &cache, crate::bench::identity());
    bench.git = git.await.unwrap().with_cap(100_000);
    let mut cached = bench.open("app").await;
    let error = cached
        .fetch_commits(&BTreeSet::from([head]))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "git-too-large", "{error}");
}

#[tokio::test]
async fn t11_links_and_submodules_are_told_and_never_followed() {
    let bench = Bench::new().await;
    let submodule = "1111111111111111111111111111111111111111";
    let head = bench.repos.commit_all(
        "app",
        "main",
        &[
            ("Dockerfile", Content::Link("/etc/passwd")),
            ("up/Dockerfile", Content::Link("../../../etc/passwd")),
            ("loop/Dockerfile", Content::Link("Dockerfile")),
            ("folder", Content::Link("real")),
            ("real/Dockerfile", Content::Executable(b"FROM a:1\n")),
            ("module", Content::Submodule(submodule)),
            (
                ".gitmodules",
                Content::File(
                    b"[submodule \"module\"]\n\tpath = module\n\turl = ext::sh -c touch% pwned\n",
                ),
            ),
        ],
        "links",
    );
    let mut cached = bench.open("app").await;
    cached
        .fetch_commits(&BTreeSet::from([head.clone()]))
        .await
        .unwrap();
    let entries = cached.tree(&head).await.unwrap().entries;
    let kinds: Vec<_> = entries.iter().map(|e| (e.path.as_str(), e.kind)).collect();
    assert_eq!(
        kinds,
        [
            (".gitmodules", TreeEntryKind::File),
            ("Dockerfile", TreeEntryKind::Symlink),
            ("folder", TreeEntryKind::Symlink),
            ("loop/Dockerfile", TreeEntryKind::Symlink),
            ("module", TreeEntryKind::Submodule),
            ("real/Dockerfile", TreeEntryKind::Executable),
            ("up/Dockerfile", TreeEntryKind::Symlink),
        ]
    );
    // A link's own contents is its target's name, never what is there.
    let link = entries[1].id.clone();
    cached
        .fetch_objects(&BTreeSet::from([link.clone()]))
        .await
        .unwrap();
    let objects = cached
        .objects(&BTreeSet::from([link.clone()]))
        .await
        .unwrap();
    assert_eq!(objects[&link], b"/etc/passwd");
}

#[tokio::test]
async fn t12_t16_odd_paths_are_read_and_paths_that_are_none_are_left_out() {
    let bench = Bench::new().await;
    let odd = [
        "-x/Dockerfile",
        "a b/Dockerfile",
        "größe/Dockerfile",
        "\"q\"/Dockerfile",
        "--upload-pack=touch pwned",
    ];
    let mut files: Vec<(&str, &str)> = odd.iter().map(|path| (*path, "FROM a:1\n")).collect();
    files.push(("line\nbreak/Dockerfile", "FROM a:1\n"));
    let head = bench.repos.commit("app", &files);
    let read_files = bench.read("app", &odd).await;
    let mut paths: Vec<_> = read_files.iter().map(|(path, _)| path.as_str()).collect();
    paths.sort_unstable();
    let mut expect = odd;
    expect.sort_unstable();
    assert_eq!(paths, expect);
    let (cached, _) = bench.at_main("app").await;
    assert_eq!(cached.tree(&head).await.unwrap().entries.len(), odd.len());

    // They are written as they are read, and what was left out stays in the tree.
    let changes = odd.iter().map(|path| change(path, "FROM a:2\n")).collect();
    let commit = cached.commit(&on(&head, changes)).await.unwrap();
    cached
        .push(&[push("imagebot/odd", None, Some(&commit))])
        .await
        .unwrap();
    for path in odd {
        assert_eq!(
            bench.repos.file_at("app", "imagebot/odd", path).as_deref(),
            Some("FROM a:2\n"),
            "{path}"
        );
    }
    assert_eq!(
        bench.repos.files("app", "imagebot/odd").len(),
        odd.len() + 1
    );
}

#[tokio::test]
async fn a_folder_whose_name_needs_quoting_is_reached() {
    for name in [
        "a b",
        "50%20off",
        "größe",
        "quo\"te",
        "back\\slash",
        "semi;colon",
        "star*",
        "q?x#y",
    ] {
        let bench = Bench::new().await;
        bench.repos.commit(name, &[("Dockerfile", "FROM a:1\n")]);
        let files = bench.read(name, &["Dockerfile"]).await;
        assert_eq!(files[0].1, "FROM a:1\n", "{name}");
    }
}

#[tokio::test]
async fn what_is_no_repository_or_has_no_such_commit_is_unreadable() {
    let bench = Bench::new().await;
    let head = bench.repos.commit("app", &[("Dockerfile", "FROM a:1\n")]);
    let gone = Remote::local(&bench.repos.path("nothing"), &[]).unwrap_err();
    assert_eq!(gone.code(), "git-io", "{gone}");
    std::fs::create_dir(bench.repos.path("empty")).unwrap();
    let mut cached = bench.git.open(&bench.remote("empty"), &head).await.unwrap();
    let error = cached
        .fetch_commits(&BTreeSet::from([head.clone()]))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "git-unreadable", "{error}");
    drop(cached);
    let other = bench.repos.commit("other", &[("x", "y\n")]);
    let mut cached = bench.open("app").await;
    let error = cached
        .fetch_commits(&BTreeSet::from([other]))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "git-unreadable", "{error}");
    // The copy is still good.
    read(&mut cached, &head, &["Dockerfile"]).await.unwrap();
}

#[tokio::test]
async fn faults_of_old_commits_do_not_matter() {
    let bench = Bench::new().await;
    bench.repos.create("app");
    let tree = {
        bench.repos.commit("app", &[("Dockerfile", "FROM a:1\n")]);
        bench.repos.git("app", &["rev-parse", "main^{tree}"])
    };
    for (who, date) in [
        ("Ada <ada@example.org>", "1700000000 +051800"),
        ("Ada <ada@example.org>", "99999999999999999999 +0100"),
        ("Ada<ada@example.org>", "1700000000 +0100"),
        ("<>", "1700000000 +0100"),
    ] {
        let raw = format!("tree {tree}\nauthor {who} {date}\ncommitter {who} {date}\n\nold\n");
        let file = bench.repos.beside("raw");
        std::fs::write(&file, raw).unwrap();
        let args = [
            "hash-object",
            "--literally",
            "-t",
            "commit",
            "-w",
            &file.display().to_string(),
        ];
        let id = bench.repos.git("app", &args);
        bench.repos.branch("app", "main", &id);
        let (cached, head) = bench.at_main("app").await;
        let new = on(&head, vec![change("Dockerfile", "FROM a:2\n")]);
        let commit = cached.commit(&new).await.unwrap();
        let name = format!("imagebot/{}", head.short());
        let pushed = cached
            .push(&[push(&name, None, Some(&commit))])
            .await
            .unwrap();
        assert_eq!(pushed, [Pushed::Done], "{who} {date}");
    }
}

#[tokio::test]
async fn an_old_git_is_refused() {
    let bench = Bench::new().await;
    for (version, works) in [
        ("git version 2.30.2", false),
        ("git version 1.9", false),
        ("git version 2.38.0", true),
        ("git version 3.0.0-rc1", true),
        ("git version 2.39.5 (Apple Git-154)", true),
        ("something else", false),
    ] {
        let program = bench.repos.beside("old-git");
        crate::git_repos::write_program(&program, &format!("echo '{version}'"));
        let git = Git::with_program(
            &program,
            &bench.repos.beside("cache"),
            crate::bench::identity(),
        )
        .await;
        match git {
            Ok(_) => assert!(works, "{version}"),
            Err(error) => {
                assert!(!works, "{version}");
                assert_eq!(error.code(), "git-version");
                assert!(
                    error.to_string().contains(version) && error.to_string().contains("2.38"),
                    "{error}"
                );
            }
        }
    }
    let none = Git::with_program(
        std::path::Path::new("/nowhere/git"),
        &bench.repos.beside("c"),
        crate::bench::identity(),
    )
    .await;
    let none = none.unwrap_err();
    assert_eq!(none.code(), "git-version");
    let said = "git cannot be started (No such file or directory (os error 2)); imagebot needs git 2.38 or newer";
    assert!(none.to_string().starts_with(said), "{none}");
}
