//! What a repository may try: nothing of it is executed on our side (T15, T16, T9).

use crate::bench::{Bench, change, on, push, read};
use crate::git_repos::{Content, write_program};
use imagebot::git::Pushed;
use imagebot::repo::Branch;
use std::collections::BTreeSet;

/// The variables that git is started with, always and sometimes. Nothing else of ours may reach it.
const ALWAYS: [&str; 11] = [
    "GIT_ALLOW_PROTOCOL",
    "GIT_ATTR_NOSYSTEM",
    "GIT_CONFIG_GLOBAL",
    "GIT_CONFIG_NOSYSTEM",
    "GIT_CONFIG_SYSTEM",
    "GIT_NO_LAZY_FETCH",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OPTIONAL_LOCKS",
    "GIT_TERMINAL_PROMPT",
    "HOME",
    "LC_ALL",
];
const SOMETIMES: [&str; 10] = [
    "GIT_AUTHOR_DATE",
    "GIT_AUTHOR_EMAIL",
    "GIT_AUTHOR_NAME",
    "GIT_COMMITTER_DATE",
    "GIT_COMMITTER_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_CONFIG_COUNT",
    "GIT_DEFAULT_REF_FORMAT",
    "GIT_INDEX_FILE",
    "PATH",
];
/// What a shell adds by itself.
const SHELL: [&str; 4] = ["PWD", "OLDPWD", "SHLVL", "_"];

#[tokio::test]
async fn t9_git_gets_the_listed_environment_and_no_more() {
    let (bench, recorder) = Bench::recorded().await;
    let head = bench.repos.commit("app", &[("Dockerfile", "FROM a:1\n")]);
    let mut cached = bench.open("app").await;
    read(&mut cached, &head, &["Dockerfile"]).await.unwrap();
    let secret = "FROM a:2 # not for argv\n";
    let commit = cached
        .commit(&on(&head, vec![change("Dockerfile", secret)]))
        .await
        .unwrap();
    let pushed = cached
        .push(&[push("imagebot/x", None, Some(&commit))])
        .await
        .unwrap();
    assert_eq!(pushed, [Pushed::Done]);
    let target = bench.repos.commit("app", &[("other", "x\n")]);
    cached
        .fetch_commits(&BTreeSet::from([target.clone()]))
        .await
        .unwrap();
    cached.between(&target, &commit).await.unwrap();

    let started = recorder.take();
    assert!(started.len() > 10);
    for started in &started {
        let said = format!("{} {:?}", started.action(), started.args);
        let names: BTreeSet<&str> = started.env.iter().map(|(name, _)| name.as_str()).collect();
        for name in ALWAYS {
            assert!(names.contains(name), "{said} without {name}");
        }
        for name in names {
            let setting =
                name.starts_with("GIT_CONFIG_KEY_") || name.starts_with("GIT_CONFIG_VALUE_");
            let listed = setting
                || ALWAYS.contains(&name)
                || SOMETIMES.contains(&name)
                || SHELL.contains(&name);
            assert!(listed, "{said} with {name}");
        }
        let value = |name: &str| {
            started
                .env
                .iter()
                .find(|(n, _)| n == name)
                .map(|(_, v)| v.as_str())
        };
        let protocol = if started.action() == "init" {
            "none"
        } else {
            "file"
        };
        assert_eq!(value("GIT_ALLOW_PROTOCOL"), Some(protocol), "{said}");
        assert_eq!(value("GIT_CONFIG_SYSTEM"), Some("/dev/null"), "{said}");
        for text in ["not for argv", "Update node", "imagebot@example.org"] {
            assert!(!started.args.iter().any(|arg| arg.contains(text)), "{said}");
        }
    }
    let said: Vec<_> = started.iter().map(|s| s.action().to_owned()).collect();
    insta::assert_snapshot!(said.join(" "), @"init cat-file fetch ls-tree cat-file fetch cat-file hash-object read-tree update-index write-tree cat-file commit-tree push cat-file fetch cat-file fetch rev-list cat-file");
}

#[tokio::test]
async fn t15_nothing_of_a_repository_is_executed() {
    let bench = Bench::new().await;
    let repos = &bench.repos;
    let marker = repos.beside("pwned");
    let evil = repos.beside("evil");
    write_program(
        &evil,
        &format!("echo \"$0 $*\" >> '{}'\nexit 1", marker.display()),
    );
    let evil = evil.display().to_string();
    let gitmodules =
        format!("[submodule \"m\"]\n\tpath = m\n\turl = ext::{evil}\n\tupdate = !{evil}\n");
    let head = repos.commit_all(
        "app",
        "main",
        &[
            (
                ".gitattributes",
                Content::File(b"* filter=evil diff=evil merge=evil\n"),
            ),
            (".gitmodules", Content::File(gitmodules.as_bytes())),
            (".lfsconfig", Content::File(b"[lfs]\n\turl = ext::evil\n")),
            (
                "m",
                Content::Submodule("1111111111111111111111111111111111111111"),
            ),
            (
                "Dockerfile",
                Content::File(
                    b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
                ),
            ),
        ],
        "evil",
    );
    // What its owner may have configured for others runs nowhere on our side either.
    for (key, value) in [
        ("core.fsmonitor", evil.as_str()),
        ("core.pager", &evil),
        ("core.editor", &evil),
        ("core.sshCommand", &evil),
        ("core.gitProxy", &evil),
        ("core.askPass", &evil),
        ("diff.external", &evil),
        ("diff.evil.textconv", &evil),
        ("diff.evil.command", &evil),
        ("filter.evil.clean", &evil),
        ("filter.evil.smudge", &evil),
        ("filter.evil.process", &evil),
        ("filter.evil.required", "true"),
        ("merge.evil.driver", &evil),
        ("gpg.program", &evil),
        ("commit.gpgSign", "true"),
        ("credential.helper", &evil),
        ("uploadpack.packObjectsHook", &evil),
        ("remote.origin.url", &format!("ext::{evil}")),
        ("remote.origin.uploadpack", &evil),
        ("remote.origin.receivepack", &evil),
        ("remote.origin.promisor", "true"),
        ("url.ext::evil.insteadOf", "file://"),
        ("alias.ls-tree", &format!("!{evil}")),
    ] {
        repos.git("app", &["config", key, value]);
    }
    std::fs::create_dir_all(repos.path("app").join("info")).unwrap();
    std::fs::write(
        repos.path("app").join("info/attributes"),
        "* filter=evil diff=evil merge=evil\n",
    )
    .unwrap();
    for hook in [
        "post-checkout",
        "pre-push",
        "pre-commit",
        "commit-msg",
        "prepare-commit-msg",
        "post-commit",
        "reference-transaction-of-ours",
        "post-index-change",
        "fsmonitor-watchman",
        "post-merge",
    ] {
        repos.hook("app", hook, &format!("'{evil}' {hook}"));
    }

    let mut cached = bench.open("app").await;
    let files = read(&mut cached, &head, &["Dockerfile", ".gitmodules"])
        .await
        .unwrap();
    assert_eq!(files.len(), 2);
    let commit = cached
        .commit(&on(&head, vec![change("Dockerfile", "FROM a:2\n")]))
        .await
        .unwrap();
    let pushed = cached
        .push(&[push("imagebot/x", None, Some(&commit))])
        .await
        .unwrap();
    assert_eq!(pushed, [Pushed::Done]);
    cached.changes(&head, &commit).await.unwrap();

    // What the local forge does in the repository itself.
    let remote = bench.remote("app");
    bench.git.refs(&remote, &["refs/"]).await.unwrap();
    let written = bench
        .git
        .write_files(&remote, &[("a", b"x")], None, "m\n")
        .await
        .unwrap();
    assert!(
        bench
            .git
            .move_ref(&remote, "refs/imagebot/mr/1", None, Some(&written))
            .await
            .unwrap()
    );
    let missing = "2222222222222222222222222222222222222222".to_owned();
    let names = [missing, format!("{written}:a")];
    let read = bench.git.read_names(&remote, &names).await.unwrap();
    assert_eq!(read, [None, Some(b"x".to_vec())]);
    let other = repos.commit("app", &[("Dockerfile", "FROM a:3\n")]);
    assert_eq!(
        bench
            .git
            .merge(&remote, &other, &commit, "m\n")
            .await
            .unwrap(),
        None,
        "a conflict"
    );
    let other = repos.commit_on("app", "clean", &[("x", "y\n")]);
    repos.branch("app", "side", head.as_str());
    let other2 = repos.commit_on("app", "side", &[("y", "z\n")]);
    assert!(
        bench
            .git
            .merge(&remote, &commit, &other2, "m\n")
            .await
            .unwrap()
            .is_some()
    );
    assert!(other != other2);

    let ran = std::fs::read_to_string(&marker).unwrap_or_default();
    assert_eq!(ran, "", "these ran");
}

#[tokio::test]
async fn t15_alternates_of_a_repository_are_the_servers_business() {
    let bench = Bench::new().await;
    bench
        .repos
        .commit("secret", &[("Dockerfile", "FROM secret:1\n")]);
    let head = bench.repos.commit("app", &[("Dockerfile", "FROM a:1\n")]);
    let alternates = format!("{}\n", bench.repos.path("secret").join("objects").display());
    let info = bench.repos.path("app").join("objects/info");
    std::fs::create_dir_all(&info).unwrap();
    std::fs::write(info.join("alternates"), alternates).unwrap();
    let mut cached = bench.open("app").await;
    read(&mut cached, &head, &["Dockerfile"]).await.unwrap();
    drop(cached);
    assert!(!bench.copy().join("objects/info/alternates").exists());
    let config = std::fs::read_to_string(bench.copy().join("config")).unwrap();
    assert!(!config.contains("secret"), "{config}");
}

#[tokio::test]
async fn t16_names_like_options_are_no_names() {
    for name in [
        "--upload-pack=touch pwned",
        "-x",
        "x y",
        "x..y",
        "refs/heads/../x",
    ] {
        assert!(Branch::parse(name).is_err(), "{name}");
    }
    // A branch that git allows and that looks like another ref.
    let bench = Bench::new().await;
    let head = bench.repos.commit("app", &[("Dockerfile", "FROM a:1\n")]);
    let (cached, _) = bench.at_main("app").await;
    let commit = cached
        .commit(&on(&head, vec![change("Dockerfile", "FROM a:2\n")]))
        .await
        .unwrap();
    for name in [
        "refs/heads/main",
        "refs/tags/x",
        "heads/main",
        "größe/ü",
        "a=b",
        "x;touch-pwned",
        "$(id)",
        "+x",
        "#x",
    ] {
        let pushed = cached
            .push(&[push(name, None, Some(&commit))])
            .await
            .unwrap();
        assert_eq!(pushed, [Pushed::Done], "{name}");
        assert_eq!(
            bench.repos.head("app", name).as_ref(),
            Some(&commit),
            "{name}"
        );
    }
    assert_eq!(bench.repos.head("app", "main"), Some(head));
    assert_eq!(bench.repos.git("app", &["for-each-ref", "refs/tags"]), "");
}
