//! What a report says beyond the single repository: what is new about a problem, what was asked for and is not there, and
//! the limits of the fleet in a pass over a part of it.

use super::fake_registry::Fault;
use super::world::{World, of, reasons, statuses};
use imagebot::repo::RepoGlobs;
use imagebot::run::{Options, Report, pass};
use std::sync::Arc;

async fn two() -> World {
    let world = World::new().await;
    world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    for repo in ["app", "tool"] {
        world.repo(repo, &format!("FROM {}:1.0.0\n", world.image("base")));
    }
    world
}

/// A pass over the repositories that a glob selects.
async fn only(world: &World, glob: &str) -> Report {
    let setup = Arc::new(world.set_up(None).await.expect("a set-up"));
    let options = world.options(RepoGlobs::parse(&[glob]).ok());
    pass(&setup, &options).await
}

#[tokio::test]
async fn a_problem_that_was_there_in_the_last_pass_is_no_news() {
    let world = two().await;
    let fail = || {
        world
            .server
            .fake()
            .fail("GET /v2/base/tags", 1_000, Fault::status(403))
    };
    fail();
    let first = world.any_pass().await;
    assert!(first.failed() && first.failed_anew());
    world.wait(2);
    let second = world.any_pass().await;
    assert!(second.failed() && !second.failed_anew());
    let since = of(&second, "app").decisions[0].since.expect("a time");
    assert_eq!(world.now().duration_since(since).as_hours(), 2);
    world.server.fake().heal();
    assert!(!world.pass().await.failed());
    fail();
    assert!(world.any_pass().await.failed_anew());
    // A pass over one repository forgets nothing of the others, and a dry run nothing at all.
    assert!(!only(&world, "app").await.failed_anew());
    let setup = Arc::new(world.set_up(None).await.expect("a set-up"));
    world.server.fake().heal();
    let dry = Options {
        dry_run: true,
        force: false,
        ..world.options(None)
    };
    assert!(!pass(&setup, &dry).await.failed());
    fail();
    assert!(!world.any_pass().await.failed_anew());
}

#[tokio::test]
async fn what_is_asked_for_and_not_there_is_listed() {
    let world = two().await;
    assert_eq!(only(&world, "app").await.unmatched, [""; 0]);
    assert_eq!(only(&world, "nothere/**").await.unmatched, ["nothere/**"]);
    let forge = format!(
        "{}repos = [\"app\", \"typo\", \"team/*\"]\n",
        world.forge.config()
    );
    let host = world.server.host();
    world.configure_forge(
        &forge,
        &format!("[[registry]]\nhost = \"{host}\"\nplain_http = true\n"),
    );
    let warnings = world.pass().await.warnings.join("\n");
    assert!(warnings.contains("\"typo\"] of [[forge]]"), "{warnings}");
    assert!(warnings.contains("\"team/*\"] of [[forge]]"), "{warnings}");
    assert!(!warnings.contains("\"app\""), "{warnings}");
}

#[tokio::test]
async fn d1_the_fleets_limits_hold_in_a_pass_over_one_repository() {
    for (limit, says) in [
        ("max_open = 1", "max_open = 1"),
        ("max_new_per_hour = 1", "max_new_per_hour = 1"),
    ] {
        let world = two().await;
        world.configure(&format!("[limits]\n{limit}\n"));
        assert_eq!(statuses(&only(&world, "app").await, "app"), ["open"]);
        let report = only(&world, "tool").await;
        assert_eq!(statuses(&report, "tool"), ["limited"], "{limit}");
        assert!(
            of(&report, "tool").proposals[0].detail.contains(says),
            "{report:?}"
        );
        assert_eq!(world.open_mrs("tool").await.len(), 0);
        // Somebody insists, and it counts.
        let setup = Arc::new(world.set_up(None).await.expect("a set-up"));
        let forced = Options {
            force: true,
            ..world.options(RepoGlobs::parse(&["tool"]).ok())
        };
        assert_eq!(statuses(&pass(&setup, &forced).await, "tool"), ["open"]);
        world.repo("third", &format!("FROM {}:1.0.0\n", world.image("base")));
        assert_eq!(statuses(&world.pass().await, "third"), ["limited"]);
    }
}

#[tokio::test]
async fn b5_the_search_for_a_newer_tag_goes_on_where_it_stopped() {
    let world = World::new().await;
    world.push("base", "1.0.0").await;
    world.push("base", "1.5.0").await;
    let gone = (6..=60).map(|n| format!("1.{n}.0"));
    let names = gone.chain(["1.0.0".to_owned(), "1.5.0".to_owned()]);
    world.server.fake().list("base", names);
    world.repo("app", &format!("FROM {}:1.0.0\n", world.image("base")));
    for _ in 0..2 {
        let report = world.pass().await;
        assert_eq!(reasons(&report, "app"), ["over-budget"]);
        let heads = world.server.fake().take_log();
        let heads = heads
            .iter()
            .filter(|line| line.method == "HEAD" && !line.target.ends_with("/1.0.0"))
            .count();
        assert_eq!(heads, 20, "each tag is tried once");
    }
    let report = world.pass().await;
    assert_eq!(statuses(&report, "app"), ["open"]);
    assert!(world.mr("app").await.title.contains("1.5.0"));
}

#[tokio::test]
async fn images_beyond_the_budget_have_their_turn_in_later_passes() {
    let world = World::new().await;
    world.configure("[budget]\nlookups = 2\n");
    let mut text = String::new();
    for name in ["a", "b", "c", "d", "e"] {
        world.push(name, "1.0.0").await;
        world.push(name, "1.1.0").await;
        text += &format!("FROM {}:1.0.0\n", world.image(name));
    }
    world.repo("app", &text);
    let mut opened = 0;
    for count in [2, 4, 5] {
        let report = world.pass().await;
        let held = reasons(&report, "app")
            .iter()
            .filter(|reason| **reason == "over-budget")
            .count();
        assert_eq!(held, 3);
        opened = world.open_mrs("app").await.len();
        assert_eq!(opened, count);
    }
    assert_eq!(opened, 5);
}
