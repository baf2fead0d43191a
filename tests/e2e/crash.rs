//! Killed at any point, twice at once, without memory: the forge ends in the same state.

use super::forge::On;
use super::world::{World, statuses};
use imagebot::run::Checkpoint;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

on_every_forge!(
    invariant_5_f1_f2_f3_killed_while_opening,
    invariant_5_killed_while_updating,
    invariant_5_f20_killed_while_closing,
    invariant_5_f9_killed_while_telling,
    f12_a_reason_that_was_written_and_no_longer_holds_is_taken_back,
    f7_two_bots_at_once_make_one_branch_and_one_merge_request,
    f6_a_push_whose_answer_was_lost_is_found_done,
    f48_without_its_memory_the_bot_ends_in_the_same_state,
);

/// A checkpoint that ends the process, as far as a test can, behind the n-th step and every later one.
fn killed_behind(n: usize) -> (Checkpoint, Arc<AtomicUsize>) {
    let reached = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&reached);
    let checkpoint = Checkpoint::new(move |step| {
        let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
        assert!(number < n, "killed behind {step}");
    });
    (checkpoint, reached)
}

/// The steps of an uninterrupted pass, in order.
async fn steps(world: &World) -> Vec<&'static str> {
    let steps = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&steps);
    let note = move |step| seen.lock().expect("a list").push(step);
    world.pass_with(Checkpoint::new(note)).await;
    super::world::lock(&steps).clone()
}

/// Kills a pass behind each of its steps and runs again: the state is that of the uninterrupted pass, and one more
/// pass does nothing.
async fn survives(world: &World, expect: &[&str]) {
    let whole = world.fork().await;
    let found = steps(&whole).await;
    assert_eq!(found, expect);
    let state = whole.state().await;
    for n in 1..=found.len() {
        let other = world.fork().await;
        let (checkpoint, reached) = killed_behind(n);
        let report = other.pass_with(checkpoint).await;
        assert!(report.failed(), "it was killed");
        assert!(reached.load(Ordering::SeqCst) >= n);
        if n % 2 == 0 {
            // F48: what was killed may have lost its memory too.
            other.forget();
        }
        other.pass().await;
        assert_eq!(other.state().await, state, "killed behind step {n}");
        let refs = other.refs().await;
        other.pass().await;
        assert_eq!(other.refs().await, refs, "a third pass does nothing");
    }
}

async fn invariant_5_f1_f2_f3_killed_while_opening(on: On) {
    let world = World::on(on).await;
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    world.push("base", "2.0.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\n"));
    survives(&world, &["committed", "pushed", "opened", "opened"]).await;
}

async fn invariant_5_killed_while_updating(on: On) {
    let world = World::on(on).await;
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\n"));
    world.pass().await;
    world.push("base", "1.2.0").await;
    survives(&world, &["committed", "pushed", "edited"]).await;
}

async fn invariant_5_f20_killed_while_closing(on: On) {
    let world = World::on(on).await;
    let one = world.push("base", "1.0.0").await;
    let two = world.push("base", "1.1.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\n"));
    world.pass().await;
    world.commit("app", "Dockerfile", &format!("FROM {image}:1.1.0@{two}\n"));
    survives(&world, &["reason written", "committed", "pushed", "closed"]).await;
}

async fn invariant_5_f9_killed_while_telling(on: On) {
    let world = World::on(on).await;
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\n"));
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    let fix = [("fix.txt", "100644", b"x".as_slice())];
    world.commit_files("app", &source, &fix, "Make it work\n");
    let whole = world.fork().await;
    assert_eq!(steps(&whole).await, ["commented", "edited"]);
    for n in 1..=2 {
        let other = world.fork().await;
        other.pass_with(killed_behind(n).0).await;
        for _ in 0..2 {
            assert_eq!(statuses(&other.pass().await, "app"), ["foreign"]);
        }
        let comments = other.comments("app", 1).await;
        assert_eq!(
            comments.matches("commits that are not imagebot's").count(),
            1,
            "killed behind {n}"
        );
        assert_eq!(other.state().await, whole.state().await);
    }
}

async fn f12_a_reason_that_was_written_and_no_longer_holds_is_taken_back(on: On) {
    let world = World::on(on).await;
    let one = world.push("base", "1.0.0").await;
    let two = world.push("base", "1.1.0").await;
    let image = world.image("base");
    let text = format!("FROM {image}:1.0.0@{one}\n");
    world.repo("app", &text);
    world.pass().await;
    world.commit("app", "Dockerfile", &format!("FROM {image}:1.1.0@{two}\n"));
    // Killed between the reason and the closing; meanwhile the file goes back.
    world.pass_with(killed_behind(1).0).await;
    world.commit("app", "Dockerfile", &text);
    world.pass().await;
    // So it is a person who closes it, and that counts.
    world.close("app", 1).await;
    assert_eq!(statuses(&world.pass().await, "app"), ["declined"]);
}

async fn f7_two_bots_at_once_make_one_branch_and_one_merge_request(on: On) {
    let world = World::on(on).await;
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    world.push("base", "2.0.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\n"));
    world.repo("tool", &format!("FROM {image}:1.0.0@{one}\n"));
    let alone = world.fork().await;
    alone.pass().await;
    // They share nothing but the repositories: each has a cache of its own.
    let others = world.path("cache2");
    let one = world.pass();
    let two = world.pass_in(&others);
    let (one, two) = tokio::join!(one, two);
    for report in [&one, &two] {
        for repo in ["app", "tool"] {
            let known = ["open", "update", "unchanged", "moved"];
            assert!(
                statuses(report, repo)
                    .iter()
                    .all(|status| known.contains(status)),
                "{report:#?}"
            );
        }
    }
    assert_eq!(world.state().await, alone.state().await);
    // And with one cache, while there is something to update.
    world.push("base", "1.2.0").await;
    alone.pass().await;
    tokio::join!(world.any_pass(), world.any_pass());
    world.pass().await;
    assert_eq!(world.state().await, alone.state().await);
}

async fn f6_a_push_whose_answer_was_lost_is_found_done(on: On) {
    let world = World::on(on).await;
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    world.repo(
        "app",
        &format!("FROM {}:1.0.0@{one}\n", world.image("base")),
    );
    let whole = world.fork().await;
    whole.pass().await;
    let source = whole.mr("app").await.source.to_string();
    // The push arrived, and the bot never learned of it: behind its back the same commit is there already.
    let (from, to) = (whole.dir("app"), world.dir("app"));
    let name = format!("refs/heads/{source}");
    let checkpoint = Checkpoint::new(move |step| {
        if step == "committed" {
            let spec = format!("{name}:{name}");
            let from = from.display().to_string();
            super::bare::git(Some(&to), &["fetch", "-q", &from, &spec], b"");
        }
    });
    let report = world.pass_with(checkpoint).await;
    assert!(!report.failed(), "{report:#?}");
    assert_eq!(world.state().await, whole.state().await);
}

async fn f48_without_its_memory_the_bot_ends_in_the_same_state(on: On) {
    let world = World::on(on).await;
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\n"));
    let other = world.fork().await;
    for round in 0..4 {
        match round {
            1 => drop(world.push("base", "1.2.0").await),
            2 => {
                world.merge("app", 1).await;
                other.merge("app", 1).await;
                world.push("base", "1.3.0").await;
            }
            _ => {}
        }
        world.pass().await;
        other.pass().await;
        other.forget();
        // A store that is damaged is made anew.
        std::fs::create_dir_all(other.path("cache")).expect("a folder");
        std::fs::write(
            other.path("cache/store.sqlite"),
            b"no database, whatever it says",
        )
        .expect("written");
    }
    for (branch, tag) in [
        ("main", "1.2.0"),
        (world.mr("app").await.source.as_str(), "1.3.0"),
    ] {
        let text = world.file("app", branch, "Dockerfile");
        assert!(text.starts_with(&format!("FROM {image}:{tag}@")), "{text}");
        assert_eq!(other.file("app", branch, "Dockerfile"), text);
        assert_eq!(
            other.commits("app", branch).len(),
            world.commits("app", branch).len()
        );
    }
    let titles = async |world: &World| -> Vec<_> {
        let mrs = world.mrs("app").await.into_iter();
        mrs.map(|mr| (mr.number, mr.state, mr.title)).collect()
    };
    assert_eq!(titles(&world).await, titles(&other).await);
    assert_eq!(titles(&world).await.len(), 2);
}
