//! What is done when there is nothing to do, and how much is asked.

use super::forge::On;
use super::images::Server;
use super::world::{World, statuses};
use std::collections::BTreeMap;

fn log(world: &World) -> Vec<String> {
    let mut lines: Vec<String> = world
        .server
        .fake()
        .take_log()
        .iter()
        .map(|logged| format!("{} {}", logged.method, logged.target))
        .collect();
    lines.sort();
    lines
}

/// One of everything: to open, foreign, declined, reverted, in conflict, up to date, unreadable.
async fn everything(world: &World) {
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    world.push("base", "2.0.0").await;
    let image = world.image("base");
    for repo in ["open", "foreign", "declined", "reverted", "moved"] {
        world.repo(repo, &format!("FROM {image}:1.0.0@{one}\nRUN x\n"));
    }
    world.repo("pinless", &format!("FROM {image}:1.0.0\n"));
    world.repo(
        "unknown",
        &format!("FROM {}:1.0.0\n", world.image("nowhere")),
    );
    world.repo("other", "FROM elsewhere.invalid/x:1\n");
    world.repo("bad", "FROM scratch\n");
    world.commit("bad", "imagebot.toml", "enabled = 3\n");
    world.any_pass().await;
    let source = world.open_mrs("foreign").await[0].source.to_string();
    let fix = [("fix.txt", "100644", b"x".as_slice())];
    world.commit_files("foreign", &source, &fix, "Make it work\n");
    for mr in world.open_mrs("declined").await {
        world.close("declined", mr.number).await;
    }
    let before = world.file("reverted", "main", "Dockerfile");
    let first = world.open_mrs("reverted").await[0].number;
    world.merge("reverted", first).await;
    world.commit("reverted", "Dockerfile", &before);
    world.commit("moved", "README.md", "hello\n");
    world.any_pass().await;
}

on_every_forge!(invariant_4_t38_run_twice_and_the_second_changes_nothing);

async fn invariant_4_t38_run_twice_and_the_second_changes_nothing(on: On) {
    let world = World::on(on).await;
    everything(&world).await;
    world.server.fake().take_log();
    for forgetful in [false, true, false] {
        if forgetful {
            world.forget();
        }
        let state = world.state().await;
        world.forge.writes();
        let report = world.any_pass().await;
        assert_eq!(world.forge.writes(), [""; 0]);
        assert_eq!(world.state().await, state);
        // Only reading: the fake takes no other method, and here is that it was asked at all.
        let asked = log(&world);
        assert!(
            asked
                .iter()
                .all(|l| l.starts_with("GET ") || l.starts_with("HEAD "))
        );
        assert!(!asked.is_empty());
        for (repo, status) in [
            ("open", ["unchanged", "unchanged"]),
            ("declined", ["declined", "declined"]),
            ("reverted", ["reverted", "unchanged"]),
            ("moved", ["unchanged", "unchanged"]),
        ] {
            assert_eq!(statuses(&report, repo), status, "{repo}");
        }
        assert!(statuses(&report, "foreign").contains(&"foreign"));
    }
}

#[tokio::test]
async fn the_requests_of_a_pass_are_those_of_the_images_whatever_the_number_of_repositories() {
    let mut logs = Vec::new();
    for count in [1, 20] {
        let world = World::new().await;
        let image = (
            world.push("base", "1.0.0").await,
            world.push("tool", "3.1").await,
        );
        world.push("base", "1.1.0").await;
        for number in 0..count {
            let text = format!(
                "FROM {}:1.0.0@{}\nCOPY --from={}:3.1@{} /a /b\n",
                world.image("base"),
                image.0,
                world.image("tool"),
                image.1
            );
            world.repo(&format!("r{number:02}"), &text);
        }
        world.server.fake().take_log();
        let mut counts = Vec::new();
        for forgotten in [false, false, true] {
            if forgotten {
                world.forget();
            }
            world.pass().await;
            counts.push(log(&world));
        }
        assert_eq!(
            world
                .refs()
                .await
                .keys()
                .filter(|r| r.contains("/mr/"))
                .count(),
            count
        );
        logs.push(counts);
    }
    assert_eq!(logs[0], logs[1], "identical logs");
    let [cold, warm, _] = &logs[0][..] else {
        unreachable!("three passes")
    };
    let lists: Vec<&String> = warm.iter().filter(|l| l.contains("/tags/list")).collect();
    assert_eq!(lists.len(), 2, "{warm:#?}");
    assert!(
        warm.iter()
            .all(|l| l.contains("/tags/list") || l.starts_with("HEAD ")),
        "a warm pass lists tags and asks for digests: {warm:#?}"
    );
    // What each image costs, so that a change of it is noticed.
    assert_eq!((cold.len(), warm.len()), (9, 5), "{cold:#?}\n{warm:#?}");
}

#[tokio::test]
async fn a_repository_costs_one_push_and_an_unchanged_one_none() {
    let world = World::new().await;
    let one = world.push("base", "1.0.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\n"));
    world.push("base", "1.1.0").await;
    world.push("base", "2.0.0").await;
    // Counted where it arrives: the repository's own hook notes each push.
    let hooks = world.dir("app").join("hooks");
    std::fs::create_dir_all(&hooks).expect("a folder");
    let hook = hooks.join("post-receive");
    std::fs::write(&hook, "#!/bin/sh\necho push >> pushes\n").expect("written");
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .expect("set");
    let pushes = || {
        std::fs::read_to_string(world.dir("app").join("pushes"))
            .unwrap_or_default()
            .lines()
            .count()
    };
    world.pass().await;
    assert_eq!((world.open_mrs("app").await.len(), pushes()), (2, 1));
    world.pass().await;
    assert_eq!(pushes(), 1);
    // One branch is written anew and another deleted, with one push.
    let two = world
        .server
        .image("base", None, "base 2.0.0", "linux/amd64")
        .await;
    world.commit("app", "Dockerfile", &format!("FROM {image}:2.0.0@{two}\n"));
    world.push("base", "2.1.0").await;
    world.push("base", "3.0.0").await;
    world.pass().await;
    assert_eq!(pushes(), 2);
}

#[tokio::test]
async fn debians_registry_logs_the_same_requests_for_one_and_for_five_repositories() {
    let mut counts: Vec<BTreeMap<String, usize>> = Vec::new();
    for count in [1, 5] {
        let Some(world) = World::debian().await else {
            return;
        };
        let one = world.push("base", "1.0.0").await;
        world.push("base", "1.1.0").await;
        for number in 0..count {
            let text = format!("FROM {}:1.0.0@{one}\n", world.image("base"));
            world.repo(&format!("r{number}"), &text);
        }
        let Server::Open(registry) = &*world.server else {
            unreachable!("it is open")
        };
        let before = registry.log().len();
        world.pass().await;
        let mut asked = BTreeMap::new();
        for line in &registry.log()[before..] {
            *asked.entry(line.clone()).or_default() += 1;
        }
        counts.push(asked);
    }
    assert_eq!(counts[0], counts[1]);
    assert!(!counts[0].is_empty(), "the log is read");
    assert!(counts[0].values().all(|times| *times == 1), "{counts:#?}");
}
