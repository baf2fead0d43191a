//! One repository's, image's or host's failure never stops another's, and closes nothing.

use super::fake_registry::{FakeRegistry, Fault};
use super::world::{World, of, problems, reasons, statuses};
use imagebot::run::Checkpoint;
use std::sync::atomic::{AtomicBool, Ordering};

/// A world with the fake registry and two repositories to update.
async fn two() -> World {
    let world = World::new().await;
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    let image = world.image("base");
    for repo in ["app", "tool"] {
        world.repo(repo, &format!("FROM {image}:1.0.0@{one}\n"));
    }
    world
}

#[tokio::test]
async fn invariants_7_8_f22_f30_an_answer_that_is_missing_closes_nothing() {
    let world = two().await;
    world.pass().await;
    let refs = world.refs().await;
    let faults = [
        ("GET /v2/base/tags", Fault::status(500)),
        ("GET /v2/base/tags", Fault::status(404)),
        ("GET /v2/base/tags", Fault::status(403)),
        ("GET /v2/base/tags", Fault::html()),
        ("GET /v2/base/tags", Fault::Short),
        ("GET /v2/base/tags", Fault::Garbage),
        ("HEAD /v2/base/manifests", Fault::status(502)),
        ("HEAD /v2/base/manifests", Fault::status(403)),
    ];
    for (number, (request, fault)) in faults.into_iter().enumerate() {
        let shown = format!("{request} {fault:?}");
        world.server.fake().fail(request, 100, fault);
        if number % 2 == 1 {
            world.forget();
        }
        let report = world.any_pass().await;
        assert!(report.failed(), "{shown}");
        assert_eq!(reasons(&report, "app"), ["lookup-failed"], "{shown}");
        let outcome = of(&report, "app").decisions[0].outcome;
        assert_eq!(outcome, "unknown", "{shown}");
        assert_eq!(statuses(&report, "app"), ["kept"], "{shown}");
        assert_eq!(world.refs().await, refs, "{shown}");
        world.server.fake().heal();
        assert_eq!(
            statuses(&world.pass().await, "app"),
            ["unchanged"],
            "{shown}"
        );
    }
}

/// The minor version's look-up works, the major one's fails: its merge request stays, and the failure is told.
#[tokio::test]
async fn invariants_7_8_half_an_answer_closes_nothing_and_is_told() {
    let world = World::new().await;
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    world.push("base", "2.0.0").await;
    world.repo(
        "app",
        &format!("FROM {}:1.0.0@{one}\n", world.image("base")),
    );
    assert_eq!(statuses(&world.pass().await, "app"), ["open", "open"]);
    let refs = world.refs().await;
    world
        .server
        .fake()
        .fail("HEAD /v2/base/manifests/2.0.0", 100, Fault::status(403));
    let report = world.any_pass().await;
    assert!(report.failed());
    assert_eq!(
        of(&report, "app").decisions[0].missing,
        Some("lookup-failed")
    );
    let mut found = statuses(&report, "app");
    found.sort_unstable();
    assert_eq!(found, ["kept", "unchanged"]);
    assert_eq!(world.refs().await, refs);
}

/// One of two images of a group cannot be looked up: its change stays in the merge request, whatever is new for the
/// other one.
#[tokio::test]
async fn a_merge_request_keeps_what_could_not_be_judged() {
    let world = World::new().await;
    world.configure("[[rule]]\ngroup = \"all\"\n");
    for tag in ["1.0.0", "1.1.0"] {
        world.push("base", tag).await;
        world.push("tool", tag).await;
    }
    let text = ["base", "tool"].map(|image| format!("FROM {}:1.0.0\n", world.image(image)));
    world.repo("app", &text.concat());
    world.pass().await;
    let before = world.state().await;
    world.push("base", "1.2.0").await;
    let fake = world.server.fake();
    fake.fail("GET /v2/tool/tags", 100, Fault::status(500));
    let report = world.any_pass().await;
    assert_eq!(reasons(&report, "app"), ["new-tag", "lookup-failed"]);
    assert_eq!(statuses(&report, "app"), ["kept"]);
    assert_eq!(world.state().await, before);
    fake.heal();
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    let source = world.mr("app").await.source.to_string();
    let text = world.file("app", &source, "Dockerfile");
    assert!(
        text.contains("base:1.2.0") && text.contains("tool:1.1.0"),
        "{text}"
    );
}

/// What is open in a repository that cannot be read counts against the limit of the whole fleet.
#[tokio::test]
async fn an_unreadable_repository_keeps_its_place_under_max_open() {
    let world = two().await;
    world.configure("[limits]\nmax_open = 1\n");
    let mut first = world.pass().await.repositories;
    first.retain(|repo| repo.proposals.iter().any(|p| p.status == "open"));
    let (open, other) = match first[0].repo.as_str() {
        "app" => ("app", "tool"),
        _ => ("tool", "app"),
    };
    assert_eq!(first.len(), 1);
    world.commit(open, "imagebot.toml", "[[rule\n");
    let report = world.any_pass().await;
    assert_eq!(problems(&report, open), ["bad-config"]);
    assert_eq!(statuses(&report, other), ["limited"]);
    assert_eq!(world.open_mrs(other).await, []);
}

/// A Dockerfile that can no longer be read is not one without references.
#[tokio::test]
async fn a_file_that_is_no_longer_read_closes_nothing() {
    let world = two().await;
    world.pass().await;
    let text = "# ".to_owned() + &"x".repeat(2 << 20);
    world.commit("app", "Dockerfile", &text);
    let report = world.pass().await;
    assert_eq!(statuses(&report, "app"), ["kept"]);
    assert_eq!(of(&report, "app").unread, ["Dockerfile: too-large"]);
}

#[tokio::test]
async fn f31_f32_f33_a_list_that_is_empty_or_older_closes_and_downgrades_nothing() {
    let world = World::new().await;
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\n"));
    world.repo("newer", &format!("FROM {image}:9.9.9\n"));
    world.pass_with(Checkpoint::default()).await;
    let refs = world.refs().await;
    let list = |tags: &str| {
        let body = format!("{{\"name\":\"base\",\"tags\":{tags}}}").into_bytes();
        Fault::Answer(
            200,
            vec![("content-type", "application/json".to_owned())],
            body,
        )
    };
    for tags in ["[]", "null"] {
        world.server.fake().fail("GET /v2/base/tags", 1, list(tags));
        let report = world.any_pass().await;
        assert_eq!(reasons(&report, "app"), ["tag-vanished"], "{tags}");
        assert_eq!(reasons(&report, "newer"), ["tag-vanished"], "{tags}");
        assert_eq!(world.refs().await, refs, "{tags}");
    }
    assert_eq!(world.mrs("newer").await, [], "never a downgrade");
    // F32: what is pinned was deleted, and something newer is there.
    let fault = list("[\"1.1.0\"]");
    world.server.fake().fail("GET /v2/base/tags", 1, fault);
    let report = world.any_pass().await;
    assert_eq!(reasons(&report, "app"), ["new-tag"]);
    assert_eq!(statuses(&report, "app"), ["unchanged"]);
}

#[tokio::test]
async fn f34_a_tag_whose_manifest_is_not_there_yet_gives_way_to_the_next_lower_one() {
    let world = two().await;
    world.push("base", "1.2.0").await;
    let fake = world.server.fake();
    fake.fail("HEAD /v2/base/manifests/1.2.0", 1, Fault::status(404));
    world.pass().await;
    assert!(world.mr("app").await.title.ends_with("to 1.1.0 (minor)"));
    world.pass().await;
    assert!(world.mr("app").await.title.ends_with("to 1.2.0 (minor)"));
}

#[tokio::test]
async fn one_broken_host_never_stops_another() {
    let world = two().await;
    let broken = FakeRegistry::start().await;
    world.configure(&format!(
        "[[registry]]\nhost = \"{0}\"\nplain_http = true\n",
        broken.address()
    ));
    broken.fail("", 1000, Fault::status(403));
    world.repo(
        "hurt",
        &format!(
            "FROM {}/x:1\nFROM {}:1.0.0\n",
            broken.address(),
            world.image("base")
        ),
    );
    let report = world.any_pass().await;
    assert!(report.failed());
    assert_eq!(statuses(&report, "app"), ["open"]);
    assert_eq!(reasons(&report, "hurt"), ["lookup-failed", "new-tag"]);
    assert_eq!(
        statuses(&report, "hurt"),
        ["open"],
        "its other image goes on"
    );
}

#[tokio::test]
async fn f28_f29_a_broken_repository_never_stops_the_others() {
    let world = two().await;
    world.repo("broken", "FROM scratch\n");
    world.repo("corrupt", "FROM scratch\n");
    std::fs::write(world.dir("broken").join("HEAD"), "garbage\n").expect("written");
    // The objects are gone, the refs are not.
    std::fs::remove_dir_all(world.dir("corrupt").join("objects")).expect("removed");
    std::fs::create_dir_all(world.dir("corrupt").join("objects")).expect("made");
    let report = world.any_pass().await;
    assert!(report.failed());
    for repo in ["app", "tool"] {
        assert_eq!(statuses(&report, repo), ["open"]);
    }
    for repo in ["broken", "corrupt"] {
        assert!(of(&report, repo).failed(), "{:#?}", of(&report, repo));
    }
}

#[tokio::test]
async fn f50_a_broken_imagebot_toml_stops_its_own_repository_only_and_closes_nothing() {
    let world = two().await;
    world.pass().await;
    let before = world.mrs("app").await;
    let texts: [&[u8]; 6] = [
        b"[[rule]]\nreason = \"\xff\"\n",
        b"enabeld = true\n",
        b"enabled = \n",
        b"[[rule]]\nmax = \"\xff\"\n",
        b"# T4\n[registry]\nhost = \"evil.invalid\"\n",
        b"\x00\x01",
    ];
    for text in texts {
        world.commit_files(
            "app",
            "main",
            &[("imagebot.toml", "100644", text)],
            "Set up\n",
        );
        let report = world.any_pass().await;
        let shown = String::from_utf8_lossy(text);
        assert_eq!(problems(&report, "app"), ["bad-config"], "{shown:?}");
        let message = &of(&report, "app").problems[0].message;
        assert!(message.contains("app:imagebot.toml:"), "{message}");
        assert_eq!(statuses(&report, "app"), [""; 0]);
        assert_eq!(world.mrs("app").await, before);
        assert_eq!(statuses(&report, "tool"), ["unchanged"]);
    }
    world.commit("app", "imagebot.toml", "enabled = true\n");
    assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
}

#[tokio::test]
async fn f50_an_imagebot_toml_that_is_a_link_is_an_error_and_not_the_defaults() {
    let world = two().await;
    let files: [(&str, &str, &[u8]); 2] = [
        ("real.toml", "100644", b"enabled = false\n"),
        ("imagebot.toml", "120000", b"real.toml"),
    ];
    world.commit_files("app", "main", &files, "Set up\n");
    let report = world.any_pass().await;
    assert_eq!(problems(&report, "app"), ["bad-config"]);
    assert_eq!(world.mrs("app").await, []);
}

#[tokio::test]
async fn f51_a_panic_in_one_repository_is_reported_there_and_stops_nothing_else() {
    let world = two().await;
    let armed = AtomicBool::new(true);
    let checkpoint = Checkpoint::new(move |step| {
        assert!(!armed.swap(false, Ordering::SeqCst), "a bug behind {step}");
    });
    let report = world.pass_with(checkpoint).await;
    let mut codes: Vec<_> = ["app", "tool"]
        .into_iter()
        .map(|repo| (problems(&report, repo), statuses(&report, repo)))
        .collect();
    codes.sort();
    assert_eq!(codes, [(vec![], vec!["open"]), (vec!["bug"], vec![])]);
    world.pass().await;
    for repo in ["app", "tool"] {
        assert_eq!(world.open_mrs(repo).await.len(), 1);
    }
}

#[tokio::test]
async fn t22_tags_that_are_no_tags_never_reach_a_file() {
    let world = two().await;
    let evil = [
        "2.0.0\nRUN curl evil",
        "1.9.0 AS x",
        "$(id)",
        "../1.9.0",
        "1.9.0\u{202e}",
    ];
    world.server.fake().list("base", evil);
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    let text = world.file("app", &source, "Dockerfile");
    assert!(
        text.contains(":1.1.0@") && text.lines().count() == 1,
        "{text}"
    );
}

#[tokio::test]
async fn t51_a_login_serves_only_the_repositories_that_its_globs_cover() {
    let Some(world) = World::login().await else {
        return;
    };
    let one = world.push("secret/base", "1.0.0").await;
    world.push("secret/base", "1.1.0").await;
    let image = world.image("secret/base");
    world.configure_all(&format!(
        "[[registry]]\nhost = \"{}\"\nplain_http = true\nlogin = {{ username = \"bot\", password = {{ file = \"secret\" }}, repos = [\"in*\"] }}\n",
        world.server.host()
    ));
    for repo in ["inside", "stranger"] {
        world.repo(repo, &format!("FROM {image}:1.0.0@{one}\n"));
    }
    let report = world.any_pass().await;
    assert_eq!(statuses(&report, "inside"), ["open"]);
    assert_eq!(reasons(&report, "stranger"), ["lookup-failed"]);
    assert_eq!(world.mrs("stranger").await, []);
    let told = format!("{:?}", of(&report, "stranger"));
    assert!(
        !told.contains("1.1.0"),
        "nothing of the answer crosses over: {told}"
    );
}

#[tokio::test]
async fn t9_t12_nothing_in_a_repository_is_followed_or_run() {
    let world = two().await;
    let victim = world.path("victim");
    let text = format!("FROM {}:1.0.0\n", world.image("base"));
    std::fs::write(&victim, &text).expect("written");
    let link = victim.display().to_string();
    let marker = world.path("marker").display().to_string();
    let attributes = format!("* filter=evil\n# {marker}\n");
    let files: [(&str, &str, &[u8]); 4] = [
        ("link/Dockerfile", "120000", link.as_bytes()),
        (".gitattributes", "100644", attributes.as_bytes()),
        ("a b/Dockerfile-x", "100755", text.as_bytes()),
        ("[skip ci] @all/Dockerfile", "100644", text.as_bytes()),
    ];
    world.commit_files("app", "main", &files, "Hostile\n");
    let report = world.pass().await;
    assert!(
        of(&report, "app")
            .unread
            .contains(&"link/Dockerfile: symlink".to_owned())
    );
    let source = world.mr("app").await.source.to_string();
    let modes = super::bare::git(
        Some(&world.dir("app")),
        &[
            "ls-tree",
            "-r",
            "--format=%(objectmode) %(path)",
            &format!("refs/heads/{source}"),
        ],
        b"",
    );
    let modes = String::from_utf8(modes).expect("text");
    assert!(modes.contains("100755 a b/Dockerfile-x"), "{modes}");
    assert!(modes.contains("120000 link/Dockerfile"), "{modes}");
    assert_eq!(std::fs::read_to_string(&victim).expect("the file"), text);
    // T33: the path says nothing to a forge.
    let name = format!("refs/heads/{source}");
    let message = super::bare::git(
        Some(&world.dir("app")),
        &["log", "-1", "--format=%B", &name],
        b"",
    );
    let message = String::from_utf8(message).expect("text");
    assert!(!message.contains("[skip"), "{message}");
}

#[tokio::test]
async fn t8_what_git_is_configured_with_holds_no_credential() {
    let Some(world) = World::login().await else {
        return;
    };
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\n"));
    // The folders that git has for its configuration live no longer than the pass.
    let scratch = world.path("cache/scratch");
    let searched = std::sync::Arc::new(AtomicBool::new(false));
    let seen = std::sync::Arc::clone(&searched);
    let checkpoint = Checkpoint::new(move |_| {
        let entries = std::fs::read_dir(&scratch).expect("a folder");
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with("git-") {
                assert_eq!(super::canary::below(&entry.path(), &[]), [""; 0]);
                seen.store(true, Ordering::SeqCst);
            }
        }
    });
    let report = world.pass_with(checkpoint).await;
    assert!(!report.failed(), "{report:#?}");
    assert_eq!(statuses(&report, "app"), ["open"]);
    assert!(searched.load(Ordering::SeqCst));
}
