//! The server goes away behind every single change of a pass, with the change made or not: run again, and it ends as
//! if nothing had been.

use super::cable::Cut;
use super::forge::On;
use super::world::World;
use imagebot::repo::CiStatus;

on_every_server!(
    invariant_5_f1_f4_f5_f6_cut_off_while_opening,
    invariant_5_f4_cut_off_while_updating,
    invariant_5_f4_f20_cut_off_while_closing,
    invariant_5_f4_f9_cut_off_while_telling,
    invariant_5_f4_f50_cut_off_while_telling_of_settings,
    invariant_5_f4_f50_cut_off_while_taking_that_back,
    invariant_5_f4_f43_cut_off_while_merging,
);

/// Everything that a merge request can have.
const DRESSED: &str = "[defaults]\nlabels = [\"deps\", \"bot\"]\nassignees = [\"ada\"]\nreviewers = [\"grace\"]\n\
                       milestone = \"next\"\nsquash = true\n";

/// Cuts a pass off at each of its changes and runs again: the state is that of an undisturbed run, and one more pass
/// changes nothing. How many changes there are.
async fn survives(world: &World) -> usize {
    let whole = world.fork().await;
    whole.forge.writes();
    whole.any_pass().await;
    let changes = whole.forge.writes();
    whole.any_pass().await;
    assert_eq!(whole.forge.writes(), [""; 0], "one pass is enough");
    assert_eq!(whole.forge.lost(), 0, "nothing was cut off");
    let state = whole.state().await;
    for n in 1..=changes.len() {
        for how in [Cut::Done, Cut::NotDone, Cut::Once] {
            let shown = format!("{how:?} at {n} of {changes:#?}");
            let other = world.fork().await;
            other.forge.cut_at(n, how);
            let report = other.any_pass().await;
            assert!(report.failed() || how == Cut::Once, "{shown}: {report:#?}");
            assert!(other.forge.lost() > 0, "{shown}");
            other.forge.heal();
            if (n % 2 == 0) == (how == Cut::Done) {
                // F48: what was killed may have lost its memory too.
                other.forget();
            }
            other.any_pass().await;
            equal(&other.state().await, &state, &shown);
            other.forge.writes();
            other.any_pass().await;
            assert_eq!(other.forge.writes(), [""; 0], "{shown}");
        }
    }
    changes.len()
}

/// Which lines differ, rather than two states side by side.
#[track_caller]
fn equal(found: &[String], expect: &[String], shown: &str) {
    let only = |one: &[String], other: &[String]| -> Vec<String> {
        one.iter().filter(|l| !other.contains(l)).cloned().collect()
    };
    let (more, less) = (only(found, expect), only(expect, found));
    assert_eq!((more, less), (Vec::new(), Vec::new()), "{shown}");
    assert_eq!(found, expect, "{shown}");
}

/// A world with base 1.0.0 pinned by `app`, and these tags there to be proposed.
async fn world(on: On, rules: &str, tags: &[&str]) -> World {
    let world = World::on(on).await;
    world.configure(rules);
    let one = world.push("base", "1.0.0").await;
    for tag in tags {
        world.push("base", tag).await;
    }
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\nRUN x\n"));
    world
}

async fn invariant_5_f1_f4_f5_f6_cut_off_while_opening(on: On) {
    let world = world(on, DRESSED, &["1.1.0", "2.0.0"]).await;
    // One push, and each of the two opened and dressed.
    assert!(survives(&world).await >= 3);
}

async fn invariant_5_f4_cut_off_while_updating(on: On) {
    let world = world(on, DRESSED, &["1.1.0", "2.0.0"]).await;
    world.pass().await;
    world.push("base", "1.2.0").await;
    world.push("base", "2.1.0").await;
    assert!(survives(&world).await >= 3);
}

async fn invariant_5_f4_f20_cut_off_while_closing(on: On) {
    let world = world(on, DRESSED, &["1.1.0"]).await;
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    let text = world.file("app", &source, "Dockerfile");
    world.commit("app", "Dockerfile", &text);
    assert!(survives(&world).await >= 2);
}

async fn invariant_5_f4_f9_cut_off_while_telling(on: On) {
    let world = world(on, "", &["1.1.0"]).await;
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    let fix = [("fix.txt", "100644", b"x".as_slice())];
    world.commit_files("app", &source, &fix, "Make it work\n");
    assert!(survives(&world).await >= 1);
}

async fn invariant_5_f4_f50_cut_off_while_telling_of_settings(on: On) {
    let world = world(on, "", &["1.1.0"]).await;
    world.commit("app", "imagebot.toml", "enabled = 3\n");
    assert!(survives(&world).await >= 1);
}

async fn invariant_5_f4_f50_cut_off_while_taking_that_back(on: On) {
    let world = world(on, "", &[]).await;
    world.commit("app", "imagebot.toml", "enabled = 3\n");
    world.any_pass().await;
    world.commit("app", "imagebot.toml", "enabled = true\n");
    assert!(survives(&world).await >= 1);
}

async fn invariant_5_f4_f43_cut_off_while_merging(on: On) {
    let rules = "[defaults]\nmin_age = \"1h\"\nautomerge = \"minor\"\n";
    let world = world(on, rules, &["1.1.0"]).await;
    world.pass().await;
    world.wait(2);
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    let head = world.head("app", &source).expect("a head");
    world.forge.ci("app", &head, CiStatus::Passed).await;
    assert!(survives(&world).await >= 1);
}
