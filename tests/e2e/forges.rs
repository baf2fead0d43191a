//! What real forges do otherwise than one would think, and what a pass makes of it. The numbers are rows of the table of
//! what was found out about them.

use super::fake_gitlab::{FakeGitLab, Fault};
use super::forge::{On, TestForge};
use super::world::{World, of, problems, statuses};
use imagebot::repo::CiStatus;
use imagebot::run::pass;
use std::sync::Arc;

const AUTOMERGE: &str = "[defaults]\nmin_age = \"1h\"\nautomerge = \"minor\"\n";

fn gitlab(world: &World) -> &FakeGitLab {
    match &world.forge {
        TestForge::GitLab(fake, _) => fake,
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
    assert_eq!(world.forge.notices("app").await, [""; 0]);
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
    world.forge.ci("app", &head, CiStatus::Passed).await;
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
    world.forge.ci("app", &head, CiStatus::Passed).await;
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

/// Two passes at once in one process: one meets a token that is refused, and the other does its work.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f27_a_refused_token_stops_no_pass_beside_it() {
    let world = world(On::GitLab, "").await;
    let fault = Fault::message(401, "401 Unauthorized");
    let fault = gitlab(&world).fail("POST", "graphql", 1, fault);
    let setup = Arc::new(world.set_up(None).await.expect("a set-up"));
    let options = world.options(None);
    let (one, other) = tokio::join!(pass(&setup, &options), pass(&setup, &options));
    assert_eq!(gitlab(&world).happened(fault), 1);
    let (refused, whole) = match one.problems.is_empty() {
        true => (other, one),
        false => (one, other),
    };
    let codes: Vec<_> = refused.problems.iter().map(|p| p.code.as_str()).collect();
    assert_eq!(codes, ["forge-unauthorized"]);
    assert!(!whole.failed(), "{whole:#?}");
    assert_eq!(statuses(&whole, "app"), ["open"]);
    // The next pass of the same process asks again.
    let next = pass(&setup, &options).await;
    assert_eq!(statuses(&next, "app"), ["unchanged"]);
}

/// A new store: what a bot before left is found by a few requests for all, and taken away as before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_lost_store_knew_is_found_again() {
    for on in [On::GitLab, On::GitHub] {
        let world = apps(on, 3).await;
        world.commit("app-0", "imagebot.toml", "?");
        world.any_pass().await;
        assert_eq!(world.forge.notices("app-0").await.len(), 1);
        world.commit("app-0", "imagebot.toml", "enabled = true\n");
        world.forget();
        world.pass().await;
        assert_eq!(world.forge.notices("app-0").await, [""; 0], "{on:?}");
        assert_eq!(
            statuses(&world.pass().await, "app-2"),
            ["unchanged"],
            "{on:?}"
        );
    }
}

/// One that is being merged is `locked`, and in no list of open ones: it is asked for by its number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_37_one_that_is_being_merged_is_not_opened_again() {
    let world = world(On::GitLab, "").await;
    world.pass().await;
    let number = world.mr("app").await.number;
    gitlab(&world).edit("team/app", number, |mr| mr.state = "locked");
    assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
    gitlab(&world).edit("team/app", number, |mr| mr.state = "opened");
    world.merge("app", number).await;
    assert_eq!(statuses(&world.pass().await, "app"), [""; 0]);
    assert_eq!(world.mrs("app").await.len(), 1);
}

/// So many repositories `app-0`, … that pin base 1.0.0, with 1.1.0 there to be proposed.
async fn apps(on: On, count: usize) -> World {
    let world = World::on(on).await;
    world.configure("");
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    let text = format!("FROM {}:1.0.0@{one}\n", world.image("base"));
    for number in 0..count {
        world.repo(&format!("app-{number}"), &text);
    }
    world
}

/// How many of them have an open merge request.
async fn open(world: &World, count: usize) -> usize {
    let mut open = 0;
    for number in 0..count {
        open += world.open_mrs(&format!("app-{number}")).await.len();
    }
    open
}

/// One project whose every merge request fails with 500 stops no other; several different ones in a row do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_9_one_projects_server_error_stops_no_other() {
    let world = apps(On::GitLab, 6).await;
    let fake = gitlab(&world);
    let broken = Fault::message(500, "500 Internal Server Error");
    let part = format!("/projects/{}/merge_requests", fake.id("team/app-2"));
    fake.fail("POST", &part, usize::MAX, broken.clone());
    for _ in 0..2 {
        let report = world.any_pass().await;
        assert_eq!(problems(&report, "app-2"), ["forge-server-error"]);
        assert_eq!(open(&world, 6).await, 5);
    }
    let world = apps(On::GitLab, 40).await;
    let fake = gitlab(&world);
    let fault = fake.fail("POST", "/merge_requests", usize::MAX, broken);
    world.any_pass().await;
    // Some are under way when the third one fails; each is tried several times.
    assert!(
        fake.happened(fault) < 40 * 5 / 2,
        "{}",
        fake.happened(fault)
    );
    assert_eq!(open(&world, 40).await, 0);
}

/// Git over HTTP is limited as well: the host is left alone for the pass.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_25_git_that_is_limited_is_not_asked_for_each_repository() {
    for (status, code) in [(429, "git-rate-limited"), (403, "git-forbidden")] {
        let world = apps(On::GitLab, 40).await;
        let fake = gitlab(&world);
        let fault = fake.fail(
            "GET",
            "service=git-upload-pack",
            usize::MAX,
            Fault::status(status),
        );
        let report = world.any_pass().await;
        let mut codes: Vec<&str> = (0..40)
            .flat_map(|number| problems(&report, &format!("app-{number}")))
            .collect();
        assert_eq!(codes.len(), 40);
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(
            codes,
            ["forge-unreachable", code],
            "the others were not tried"
        );
        assert!(fake.happened(fault) < 20, "{}", fake.happened(fault));
    }
}

/// GitHub refuses a branch of an App where the default branch has got a newer workflow than the branch's base has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_35_workflows_that_changed_meanwhile_are_no_missing_right() {
    let world = world(On::GitHub, "").await;
    let TestForge::GitHub(fake) = &world.forge else {
        panic!("a world on GitHub");
    };
    let said =
        "refusing to allow a GitHub App to create or update workflow '.github/workflows/ci.yml'";
    fake.refuse_pushes("team/app", "imagebot/", said);
    let report = world.pass().await;
    assert_eq!(statuses(&report, "app"), ["moved"]);
}

/// GitHub takes 65,536 characters: a text about hundreds of references is shortened, and what is remembered is whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_14_a_text_about_hundreds_of_references_fits() {
    for (count, template) in [(150, ""), (500, ""), (150, "body = \"{{ default }}\"")] {
        let world = World::on(On::GitHub).await;
        world.configure(&format!("[merge_request]\n{template}\n"));
        let one = world.push("base", "1.0.0").await;
        world.push("base", "1.1.0").await;
        let text = format!("FROM {}:1.0.0@{one}\n", world.image("base"));
        world.forge.create("app");
        let names: Vec<String> = (0..count)
            .map(|number| format!("a-rather-long-name-of-a-folder/{number}/Dockerfile"))
            .collect();
        let files: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), "100644", text.as_bytes()))
            .collect();
        world.commit_files("app", "main", &files, "many\n");
        assert_eq!(statuses(&world.pass().await, "app"), ["open"]);
        let mr = world.mr("app").await;
        let length = mr.description.chars().count();
        assert!(
            (40_000..=65_536).contains(&length) || count == 150,
            "{length}"
        );
        assert!(mr.description.contains("more: see the changes") || count == 150);
        assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
        world.push("base", "1.2.0").await;
        assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
        world.close("app", mr.number).await;
        assert_eq!(statuses(&world.pass().await, "app"), ["declined"]);
    }
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
    world.forge.create("app");
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
