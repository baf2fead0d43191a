//! What real forges do otherwise than one would think, and what a pass makes of it. The numbers are rows of the table of
//! what was found out about them.

use super::fake_gitlab::{FakeGitLab, Fault};
use super::hub::{Hub, On};
use super::world::{World, of, problems, statuses};
use imagebot::forge::Pipeline;
use std::sync::Arc;

const AUTOMERGE: &str = "[defaults]\nmin_age = \"1h\"\nautomerge = \"minor\"\n";

fn gitlab(world: &World) -> &FakeGitLab {
    match &world.hub {
        Hub::GitLab(fake, _) => fake,
        _ => panic!("a world on GitLab"),
    }
}

/// A world with base 1.0.0 pinned by `app`, and 1.1.0 there to be proposed.
async fn world(on: On, rules: &str) -> World {
    let world = World::on(on).await;
    world.configure(rules);
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\nRUN x\n"));
    world
}

fn our_branches(world: &World) -> Vec<String> {
    let refs = super::bare::refs(&world.dir("app"));
    let ours = refs.into_keys().filter(|name| name.contains("imagebot/"));
    ours.collect()
}

/// Who may push a tag and not the branch has a commit of his own taken for the branch's head.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_1_nothing_is_written_on_the_commit_of_a_tag_named_like_the_branch() {
    let world = world(On::GitLab, "").await;
    let fake = gitlab(&world);
    let theirs = fake.commit("team/app", "theirs", &[("evil.sh", "x\n")]);
    fake.tag("team/app", "main", Some(&theirs));
    for _ in 0..2 {
        let report = world.any_pass().await;
        assert_eq!(problems(&report, "app"), ["ambiguous-default-branch"]);
        let problem = &of(&report, "app").problems[0];
        assert!(problem.message.contains("a tag `main`"), "{problem:?}");
        assert!(problem.help.as_ref().unwrap().contains("tag"));
        assert_eq!(our_branches(&world), [""; 0]);
        assert_eq!(world.mrs("app").await, []);
    }
    // Nor is a notice written because of what is said there.
    let theirs = fake.commit("team/app", "theirs", &[("imagebot.toml", "?")]);
    fake.tag("team/app", "main", Some(&theirs));
    let report = world.any_pass().await;
    assert!(problems(&report, "app").contains(&"ambiguous-default-branch"));
    assert_eq!(world.hub.notices("app").await, [""; 0]);
    fake.tag("team/app", "main", None);
    assert_eq!(statuses(&world.pass().await, "app"), ["open"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_1_nothing_is_merged_by_a_tag_named_like_the_branch() {
    let world = world(On::GitLab, AUTOMERGE).await;
    world.pass().await;
    world.wait(2);
    world.pass().await;
    let mr = world.mr("app").await;
    let head = world.head("app", mr.source.as_str()).unwrap();
    world.hub.ci("app", &head, Pipeline::Success).await;
    // A tag at the branch's own commit, and then the branch goes on.
    let main = world.head("app", "main").unwrap();
    gitlab(&world).tag("team/app", "main", Some(&main));
    let main = world.commit("app", "README.md", "hello\n");
    let report = world.any_pass().await;
    assert_eq!(problems(&report, "app"), ["ambiguous-default-branch"]);
    assert_eq!(world.head("app", "main"), Some(main));
    gitlab(&world).tag("team/app", "main", None);
    world.pass().await;
    let head = world.head("app", mr.source.as_str()).unwrap();
    world.hub.ci("app", &head, Pipeline::Success).await;
    assert_eq!(statuses(&world.pass().await, "app"), ["merged"]);
}

/// The branch moved between the listing and the first write: the next pass looks again, and nothing is wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_1_a_branch_that_moved_meanwhile_is_no_problem() {
    let world = world(On::GitLab, "").await;
    let people = gitlab(&world).handle();
    let push = move || drop(people.commit("team/app", "main", &[("README.md", "hello\n")]));
    let fault = Fault::Before(Arc::new(push));
    gitlab(&world).fail("GET", "/repository/branches/main", 1, fault);
    let report = world.pass().await;
    assert_eq!(statuses(&report, "app"), ["moved"]);
    assert_eq!(our_branches(&world), [""; 0]);
    assert_eq!(statuses(&world.pass().await, "app"), ["open"]);
}

/// A pipeline of merged results runs on a commit of GitLab's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_26_merged_results_are_merged() {
    let world = world(On::GitLab, AUTOMERGE).await;
    world.pass().await;
    world.wait(2);
    world.pass().await;
    let head = world.head("app", world.mr("app").await.source.as_str());
    gitlab(&world).merged_results("team/app", &head.unwrap(), "success");
    assert_eq!(statuses(&world.pass().await, "app"), ["merged"]);
}

/// GitLab makes pipelines for the first four refs of a push, deletions counted, and runs hooks for three.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_6_every_branch_gets_its_pipeline_and_its_hooks() {
    let world = World::on(On::GitLab).await;
    world.configure("[defaults]\nmax_open = 20\n");
    world.hub.create("app");
    let fake = gitlab(&world);
    fake.change("team/app", |options| options.without_ci = false);
    let mut text = String::new();
    for name in ["one", "two", "three", "four", "five", "six"] {
        let pinned = world.push(name, "1.0.0").await;
        world.push(name, "1.1.0").await;
        text.push_str(&format!("FROM {}:1.0.0@{pinned}\n", world.image(name)));
    }
    world.commit("app", "Dockerfile", &text);
    let report = world.pass().await;
    assert_eq!(statuses(&report, "app"), ["open"; 6]);
    let mrs = world.mrs("app").await;
    for mr in &mrs {
        let head = world.head("app", mr.source.as_str()).unwrap();
        assert_eq!(
            fake.pipelines("team/app", &head),
            ["running"],
            "{}",
            mr.source
        );
    }
    assert_eq!(fake.unhooked("team/app"), 0);
    // Four branches go and the others move, in one pass.
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("/five:") || line.contains("/six:"))
        .collect();
    world.push("five", "1.2.0").await;
    world.push("six", "1.2.0").await;
    world.commit("app", "Dockerfile", &format!("{}\n", kept.join("\n")));
    world.pass().await;
    for mr in world.open_mrs("app").await {
        let head = world.head("app", mr.source.as_str()).unwrap();
        assert_eq!(
            fake.pipelines("team/app", &head),
            ["running"],
            "{}",
            mr.source
        );
    }
    assert_eq!(our_branches(&world).len(), 2);
    assert_eq!(fake.unhooked("team/app"), 0);
}
