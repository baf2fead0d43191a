//! A family across repositories: what is coming above a child is waited for, what failed stops exactly what stands on it.

use super::forge::On;
use super::world::{World, of, reasons, statuses};
use imagebot::repo::CiStatus;
use imagebot::run::{family_graph, pass};
use std::sync::Arc;

on_every_forge!(
    f61_the_bottom_of_a_diamond_is_proposed_once_with_both_parents,
    f62_g10_a_red_pipeline_stops_exactly_its_descendants_and_goes_on_by_itself,
    f63_a_parent_that_is_released_again_updates_the_open_one_in_place,
    a_hold_that_runs_out_is_released_and_says_whom_it_waited_for,
    an_open_major_of_a_parent_holds_nobody,
    merged_and_not_released_holds_nobody,
    d7_a_dry_run_starts_no_clock,
    d2_a_reference_that_is_left_alone_does_not_hide_another_in_the_same_instruction,
    g5_what_is_not_registered_is_no_part_of_the_family,
    g9_c11_a_chain_is_rebuilt_one_after_the_other_each_once,
    a_parent_that_cannot_be_read_for_a_while_closes_nothing,
    what_the_forge_knows_of_an_unreadable_parent_counts,
    a_published_image_that_is_gone_stops_nobody_else,
    g6_the_graph_shows_how_every_image_stands,
    a_pass_over_one_repository_knows_its_whole_family,
    t37_images_that_stand_on_each_other_are_left_alone,
);

/// A folder has no address that a label could name.
mod on_servers {
    use super::{
        a_label_names_the_publisher_and_proves_what_is_new,
        a_label_that_is_read_late_holds_all_the_same,
    };

    on_every_server!(
        a_label_names_the_publisher_and_proves_what_is_new,
        a_label_that_is_read_late_holds_all_the_same,
    );
}

/// base → left, right → bottom; base → leaf. Every image at 1.0.0.
async fn diamond(on: On, more: &str) -> World {
    let world = World::on(on).await;
    world.configure_family(more);
    for image in ["base", "left", "right", "bottom", "leaf"] {
        world.push(&format!("acme/{image}"), "1.0.0").await;
    }
    let from = |image: &str| format!("{}:1.0.0", world.image(&format!("acme/{image}")));
    world.repo("base", "FROM scratch\n");
    for child in ["left", "right", "leaf"] {
        world.repo(child, &format!("FROM {}\n", from("base")));
    }
    let bottom = format!(
        "FROM {}\nCOPY --from={} /x /\n",
        from("left"),
        from("right")
    );
    world.repo("bottom", &bottom);
    world.pass().await;
    assert_eq!(opened(&world).await, [""; 0]);
    world
}

/// The open merge requests, `repo title`.
async fn opened(world: &World) -> Vec<String> {
    let mut all = Vec::new();
    for repo in world.forge.repos().await {
        let name = repo.rsplit('/').next().unwrap_or_default().to_owned();
        let open = world.open_mrs(&repo).await.into_iter();
        all.extend(open.map(|mr| format!("{name} {}", mr.title)));
    }
    let host = format!("{}/", world.server.host());
    all.sort();
    all.into_iter()
        .map(|line| line.replace(&host, ""))
        .collect()
}

/// Merges what is open in a repository, and CI runs on what came of it.
async fn merge(world: &World, repo: &str) {
    let mr = world.mr(repo).await;
    world.merge(repo, mr.number).await;
    ci(world, repo, CiStatus::Running).await;
}

/// CI says this of the default branch's head.
async fn ci(world: &World, repo: &str, state: CiStatus) {
    let head = world.head(repo, "main").expect("a head");
    world.forge.ci(repo, &head, state).await;
}

/// CI has built and published a repository's image.
async fn release(world: &World, repo: &str, tag: &str) {
    world.push(&format!("acme/{repo}"), tag).await;
    ci(world, repo, CiStatus::Passed).await;
}

/// What the references of a repository wait for.
fn waits(report: &imagebot::run::Report, repo: &str) -> Vec<String> {
    let decisions = of(report, repo).decisions.iter();
    let waits = decisions.filter_map(|decision| {
        let by = decision.waits_for.as_deref()?;
        let by = by.rsplit('/').next().unwrap_or_default();
        Some(format!("{} by {by}", decision.reason))
    });
    waits.collect()
}

async fn f61_the_bottom_of_a_diamond_is_proposed_once_with_both_parents(on: On) {
    let world = diamond(on, "").await;
    world.push("acme/base", "1.1.0").await;
    world.pass().await;
    let first =
        ["leaf", "left", "right"].map(|repo| format!("{repo} Update acme/base to 1.1.0 (minor)"));
    assert_eq!(opened(&world).await, first);
    merge(&world, "left").await;
    release(&world, "left", "1.1.0").await;
    // left is out; right is still to come.
    let report = world.pass().await;
    assert_eq!(waits(&report, "bottom"), ["held by right"]);
    merge(&world, "right").await;
    world.push("acme/right", "1.1.0").await;
    let report = world.pass().await;
    assert_eq!(waits(&report, "bottom"), ["held by right", "held by right"]);
    assert!(
        of(&report, "bottom").decisions[1]
            .detail
            .contains("its pipeline is running")
    );
    assert_eq!(
        opened(&world).await,
        ["leaf Update acme/base to 1.1.0 (minor)"]
    );
    ci(&world, "right", CiStatus::Passed).await;
    world.pass().await;
    assert_eq!(world.mr("bottom").await.title, "Update 2 images (minor)");
    merge(&world, "bottom").await;
    let file = world.file("bottom", "main", "Dockerfile");
    assert_eq!(file.matches(":1.1.0").count(), 2, "{file}");
    assert_eq!(world.mrs("bottom").await.len(), 1);
}

async fn f62_g10_a_red_pipeline_stops_exactly_its_descendants_and_goes_on_by_itself(on: On) {
    let world = diamond(on, "").await;
    world.push("acme/base", "1.1.0").await;
    world.pass().await;
    for repo in ["left", "right", "leaf"] {
        merge(&world, repo).await;
    }
    // right publishes, and then its pipeline fails.
    world.push("acme/right", "1.1.0").await;
    ci(&world, "right", CiStatus::Failed).await;
    release(&world, "leaf", "1.1.0").await;
    release(&world, "left", "1.1.0").await;
    let report = world.pass().await;
    assert_eq!(waits(&report, "bottom"), ["blocked by right"]);
    assert_eq!(reasons(&report, "bottom"), ["new-tag", "blocked"]);
    let mr = world.mr("bottom").await;
    let host = format!("{}/", world.server.host());
    assert_eq!(
        mr.title.replace(&host, ""),
        "Update acme/left to 1.1.0 (minor)"
    );
    assert!(mr.description.contains("waits for"), "{}", mr.description);
    // Nothing more is written as long as nothing changes.
    let before = world.state().await;
    world.pass().await;
    assert_eq!(world.state().await, before);
    ci(&world, "right", CiStatus::Passed).await;
    world.pass().await;
    let mr = world.mr("bottom").await;
    assert_eq!(mr.title, "Update 2 images (minor)");
    assert!(!mr.description.contains("waits for"), "{}", mr.description);
    assert_eq!(world.mrs("bottom").await.len(), 1);
}

async fn f63_a_parent_that_is_released_again_updates_the_open_one_in_place(on: On) {
    let world = diamond(on, "").await;
    let image = world.image("acme/base");
    let first = world.move_tag("acme/base", "2.0", "one").await;
    world.commit("leaf", "Dockerfile", &format!("FROM {image}:2.0@{first}\n"));
    world.move_tag("acme/base", "2.0", "two").await;
    world.pass().await;
    let number = world.mr("leaf").await.number;
    let again = world.move_tag("acme/base", "2.0", "three").await;
    world.pass().await;
    let mr = world.mr("leaf").await;
    assert_eq!(mr.number, number);
    assert!(
        world
            .file("leaf", mr.source.as_str(), "Dockerfile")
            .contains(again.as_str())
    );
    // While something is coming above it, what is proposed already stays as it is.
    let head = world.head("leaf", mr.source.as_str());
    world.move_tag("acme/base", "2.0", "four").await;
    ci(&world, "base", CiStatus::Running).await;
    let report = world.pass().await;
    assert_eq!(waits(&report, "leaf"), ["held by base"]);
    assert_eq!(world.head("leaf", mr.source.as_str()), head);
    assert!(world.mr("leaf").await.description.contains("waits for"));
    ci(&world, "base", CiStatus::Passed).await;
    world.pass().await;
    assert_ne!(world.head("leaf", mr.source.as_str()), head);
    assert_eq!(world.mrs("leaf").await.len(), 1);
}

async fn a_hold_that_runs_out_is_released_and_says_whom_it_waited_for(on: On) {
    let world = diamond(on, "").await;
    world.push("acme/base", "1.1.0").await;
    world.pass().await;
    merge(&world, "left").await;
    release(&world, "left", "1.1.0").await;
    assert_eq!(waits(&world.pass().await, "bottom"), ["held by right"]);
    world.wait(25);
    let report = world.pass().await;
    assert_eq!(reasons(&report, "bottom"), ["hold-expired", "up-to-date"]);
    let mr = world.mr("bottom").await;
    assert!(
        mr.description.contains("it waited long enough for"),
        "{}",
        mr.description
    );
    // The open one of right has been there for too long to hold anything; what comes of it goes into the same one.
    merge(&world, "right").await;
    release(&world, "right", "1.1.0").await;
    world.pass().await;
    assert_eq!(world.mr("bottom").await.number, mr.number);
}

async fn an_open_major_of_a_parent_holds_nobody(on: On) {
    let world = diamond(on, "").await;
    world.push("acme/base", "2.0.0").await;
    world.pass().await;
    assert!(world.mr("left").await.title.ends_with("to 2.0.0 (major)"));
    release(&world, "left", "1.1.0").await;
    let report = world.pass().await;
    assert_eq!(reasons(&report, "bottom"), ["new-tag", "up-to-date"]);
    assert_eq!(statuses(&report, "bottom"), ["open"]);
}

async fn merged_and_not_released_holds_nobody(on: On) {
    let world = diamond(on, "").await;
    world.push("acme/base", "1.1.0").await;
    world.pass().await;
    for repo in ["left", "right"] {
        merge(&world, repo).await;
    }
    release(&world, "left", "1.1.0").await;
    // right's pipeline succeeds, and publishes nothing.
    ci(&world, "right", CiStatus::Passed).await;
    let report = world.pass().await;
    assert_eq!(reasons(&report, "bottom"), ["new-tag", "up-to-date"]);
    assert_eq!(statuses(&report, "bottom"), ["open"]);
}

async fn d7_a_dry_run_starts_no_clock(on: On) {
    let world = diamond(on, "").await;
    world.push("acme/base", "1.1.0").await;
    let setup = std::sync::Arc::new(world.set_up(None).await.expect("a set-up"));
    let dry = imagebot::run::Options {
        dry_run: true,
        ..world.options(None)
    };
    imagebot::run::pass(&setup, &dry).await;
    world.push("acme/left", "1.1.0").await;
    // A day later the merge requests above are opened: from now on they hold, not since somebody had a look.
    world.wait(25);
    let report = world.pass().await;
    assert_eq!(reasons(&report, "bottom")[0], "held");
}

async fn d2_a_reference_that_is_left_alone_does_not_hide_another_in_the_same_instruction(on: On) {
    let world = World::on(on).await;
    world.configure_family("");
    for image in ["base", "left", "other", "mid", "bottom"] {
        world.push(&format!("acme/{image}"), "1.0.0").await;
    }
    let image = |name: &str| format!("{}:1.0.0", world.image(&format!("acme/{name}")));
    world.repo("base", "FROM scratch\n");
    world.repo("other", "FROM scratch\n");
    world.repo("left", &format!("FROM {}\n", image("base")));
    let mounts = ["other", "left"]
        .map(|name| format!("--mount=type=bind,from={},target=/{name}", image(name)));
    world.repo(
        "mid",
        &format!("FROM scratch\nRUN {} true\n", mounts.join(" ")),
    );
    let off = "[[rule]]\nimages = [\"**/other\"]\nenabled = false\n";
    world.commit("mid", "imagebot.toml", off);
    let bottom = format!(
        "FROM {}\nCOPY --from={} /x /\n",
        image("mid"),
        image("base")
    );
    world.repo("bottom", &bottom);
    world.push("acme/base", "1.1.0").await;
    let report = world.pass().await;
    assert_eq!(statuses(&report, "left"), ["open"]);
    // What is new in base comes to bottom through left and mid as well.
    assert_eq!(reasons(&report, "bottom"), ["up-to-date", "held"]);
    assert_eq!(statuses(&report, "bottom"), [""; 0]);
}

async fn a_label_names_the_publisher_and_proves_what_is_new(on: On) {
    let world = World::on(on).await;
    let push = |image: &str, tag: &str, revision: &str| {
        let source = format!("{}/team/base.git", world.forge.url());
        let labels = serde_json::json!({
            "org.opencontainers.image.source": source,
            "org.opencontainers.image.revision": revision,
        });
        world.server.fake().push(image, tag, labels);
    };
    push("elsewhere/base", "1.0", "");
    world.repo("base", "FROM scratch\n");
    world.repo(
        "app",
        &format!("FROM {}:1.0\n", world.image("elsewhere/base")),
    );
    world.pass().await;
    push("elsewhere/base", "1.1", "somewhere else");
    ci(&world, "base", CiStatus::Running).await;
    let report = world.pass().await;
    assert_eq!(waits(&report, "app"), ["held by base"]);
    assert!(of(&report, "app").decisions[0].parent.is_some());
    // The pipeline still runs, but the image says that it is made from the newest commit.
    let head = world.head("base", "main").expect("a head");
    push("elsewhere/base", "1.2", &head);
    let report = world.pass().await;
    assert_eq!(reasons(&report, "app"), ["new-tag"]);
    assert!(world.mr("app").await.title.ends_with("to 1.2 (minor)"));
}

/// The publisher is acted on at once; the child waits for a slow registry, and its label is read after that.
async fn a_label_that_is_read_late_holds_all_the_same(on: On) {
    let world = World::on(on).await;
    let slow = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let slow = slow.expect("a socket");
    let host = slow.local_addr().expect("an address");
    tokio::spawn(async move {
        let first = slow.accept().await;
        tokio::time::sleep(std::time::Duration::from_secs(6)).await;
        drop(first);
        // Later ones get no answer at all.
        while slow.accept().await.is_ok() {}
    });
    world.configure(&format!(
        "[[registry]]\nhost = \"{host}\"\nplain_http = true\n"
    ));
    world.push("outer", "1.0").await;
    world.push("outer", "1.1").await;
    let source = format!("{}/team/base.git", world.forge.url());
    let labels = serde_json::json!({ "org.opencontainers.image.source": source });
    world
        .server
        .fake()
        .push("elsewhere/base", "1.0", labels.clone());
    world.server.fake().push("elsewhere/base", "1.1", labels);
    world.repo("base", &format!("FROM {}:1.0\n", world.image("outer")));
    let of_app = [world.image("elsewhere/base"), format!("{host}/x")];
    world.repo(
        "app",
        &of_app.map(|image| format!("FROM {image}:1.0\n")).concat(),
    );
    let report = world.any_pass().await;
    assert_eq!(statuses(&report, "base"), ["open"]);
    assert_eq!(waits(&report, "app"), ["held by base"]);
    assert_eq!(reasons(&report, "app"), ["held", "lookup-failed"]);
}

/// The states of the graph, `image state`.
async fn states(world: &World) -> Vec<String> {
    let setup = Arc::new(world.set_up(None).await.expect("a set-up"));
    let family_graph = family_graph(&setup, &world.options(None), false).await;
    let told = family_graph
        .problems
        .iter()
        .all(|problem| problem.code == "lookup-failed");
    assert!(told, "{family_graph:?}");
    let host = format!("{}/acme/", world.server.host());
    let nodes = family_graph.nodes.iter().map(|node| {
        let by = node.held_by.as_deref().map(|by| format!(" {by}"));
        let by = by.map(|by| by.replace("team/", "")).unwrap_or_default();
        let tag = node.tag.as_deref().unwrap_or("-");
        format!("{} {tag} {}{by}", node.name(), node.state.code()).replace(&host, "")
    });
    nodes.collect()
}

async fn g6_the_graph_shows_how_every_image_stands(on: On) {
    let world = diamond(on, "").await;
    assert_eq!(
        states(&world).await,
        [
            "base 1.0.0 current",
            "leaf 1.0.0 current",
            "left 1.0.0 current",
            "right 1.0.0 current",
            "bottom 1.0.0 current"
        ]
    );
    world.push("acme/base", "1.1.0").await;
    assert_eq!(
        states(&world).await[1..3],
        ["leaf 1.0.0 update-available", "left 1.0.0 update-available"]
    );
    world.pass().await;
    let before = world.state().await;
    assert_eq!(
        states(&world).await[1..3],
        ["leaf 1.0.0 update-open", "left 1.0.0 update-open"]
    );
    merge(&world, "left").await;
    release(&world, "left", "1.1.0").await;
    merge(&world, "leaf").await;
    let mr = world.mr("right").await;
    let head = world.head("right", mr.source.as_str()).expect("a head");
    world.forge.ci("right", &head, CiStatus::Failed).await;
    assert_eq!(
        states(&world).await,
        [
            "base 1.1.0 current",
            "leaf 1.0.0 building",
            "left 1.1.0 current",
            "right 1.0.0 failed",
            "bottom 1.0.0 update-available"
        ]
    );
    world.forge.ci("right", &head, CiStatus::Running).await;
    assert_ne!(world.state().await, before);
}

async fn a_pass_over_one_repository_knows_its_whole_family(on: On) {
    let world = diamond(on, "").await;
    world.push("acme/base", "1.1.0").await;
    world.pass().await;
    merge(&world, "left").await;
    release(&world, "left", "1.1.0").await;
    let only = imagebot::repo::RepoGlobs::parse(&["**/bottom", "bottom"]).expect("globs");
    let setup = Arc::new(world.set_up(None).await.expect("a set-up"));
    let report = pass(&setup, &world.options(Some(only))).await;
    assert_eq!(report.repositories.len(), 1, "{report:#?}");
    assert_eq!(waits(&report, "bottom"), ["held by right"]);
    assert_eq!(reasons(&report, "bottom"), ["held", "up-to-date"]);
}

async fn g5_what_is_not_registered_is_no_part_of_the_family(on: On) {
    let world = diamond(on, "").await;
    world.configure_family_of("repos = [\"**\", \"!right\", \"!**/right\"]\n", "");
    world.push("acme/base", "1.1.0").await;
    world.pass().await;
    merge(&world, "left").await;
    release(&world, "left", "1.1.0").await;
    // Nobody waits for a repository that imagebot does not work on.
    let report = world.pass().await;
    assert_eq!(reasons(&report, "bottom"), ["new-tag", "up-to-date"]);
    assert!(
        states(&world)
            .await
            .iter()
            .any(|line| line == "right 1.0.0 outside")
    );
}

async fn g9_c11_a_chain_is_rebuilt_one_after_the_other_each_once(on: On) {
    let world = World::on(on).await;
    world.configure_family("");
    let names = ["one", "two", "three", "four"];
    for (index, name) in names.iter().enumerate() {
        world.push(&format!("acme/{name}"), "1.0.0").await;
        let parent = index.checked_sub(1).map(|index| names[index]);
        let from = parent.map(|parent| format!("{}:1.0.0", world.image(&format!("acme/{parent}"))));
        world.repo(
            name,
            &format!("FROM {}\n", from.as_deref().unwrap_or("scratch")),
        );
    }
    world.pass().await;
    world.push("acme/one", "1.1.0").await;
    for child in &names[1..] {
        world.pass().await;
        let parent = names[names.iter().position(|name| name == child).expect("there") - 1];
        assert_eq!(
            opened(&world).await,
            [format!("{child} Update acme/{parent} to 1.1.0 (minor)")]
        );
        merge(&world, child).await;
        assert_eq!(opened(&world).await, [""; 0]);
        world.pass().await;
        assert_eq!(opened(&world).await, [""; 0]);
        release(&world, child, "1.1.0").await;
    }
    world.pass().await;
    assert_eq!(opened(&world).await, [""; 0]);
    for name in names {
        assert!(world.mrs(name).await.len() <= 1);
    }
}

async fn a_parent_that_cannot_be_read_for_a_while_closes_nothing(on: On) {
    let world = World::on(on).await;
    world.configure_family_of("", "");
    let host = world.server.host();
    let forge = world.forge.config();
    let publishes = format!("publishes = [{{ repo = \"**\", images = [\"{host}/acme/*\"] }}]");
    let registry =
        format!("[[registry]]\nhost = \"{host}\"\nplain_http = true\nrate = \"10000/s\"\n");
    world.configure_forge(&format!("{forge}\n{publishes}\n"), &registry);
    world.push("acme/one", "1.0.0").await;
    let own = format!("[[image]]\nname = \"{host}/acme/one\"\n");
    world.repo("base", "FROM scratch\n");
    world.commit("base", "imagebot.toml", &own);
    world.repo("app", &format!("FROM {}:1.0.0\n", world.image("acme/one")));
    world.push("acme/one", "1.1.0").await;
    world.pass().await;
    world.wait(1);
    world.pass().await;
    let before = world.mr("app").await;
    assert!(before.source.to_string().contains("family"), "{before:?}");
    // Its own words cannot be read: what it publishes is not known now, and is what it was.
    world.commit("base", "imagebot.toml", "[[image\n");
    world.any_pass().await;
    assert_eq!(world.mr("app").await.source, before.source);
    assert_eq!(world.mrs("app").await.len(), 1);
}

/// A repository without CI has nothing to wait for; one that had a pipeline gets one for its new commit.
#[tokio::test]
async fn a_repository_that_never_had_a_pipeline_settles_at_once() {
    for on in [On::Local, On::GitLab] {
        for had_one in [false, true] {
            let world = diamond(on, "").await;
            if had_one {
                ci(&world, "right", CiStatus::Passed).await;
            }
            world.commit("right", "README", "new");
            world.push("acme/left", "1.1.0").await;
            let reason = reasons(&world.pass().await, "bottom")[0];
            let expect = if had_one { "held" } else { "new-tag" };
            assert_eq!(reason, expect, "{on:?} {had_one}");
            world.wait(1);
            assert_eq!(reasons(&world.pass().await, "bottom")[0], "new-tag");
        }
    }
}

/// Its settings are broken; what is open and what runs there is known all the same.
async fn what_the_forge_knows_of_an_unreadable_parent_counts(on: On) {
    let world = diamond(on, "").await;
    world.push("acme/base", "1.1.0").await;
    world.pass().await;
    let unreadable = world.commit("right", "imagebot.toml", "[[rule\n");
    merge(&world, "left").await;
    release(&world, "left", "1.1.0").await;
    let report = world.any_pass().await;
    assert_eq!(waits(&report, "bottom"), ["held by right"]);
    // Closed by hand, and a pipeline runs: that holds only the reference to its own image.
    let number = world.mr("right").await.number;
    world.close("right", number).await;
    world
        .forge
        .ci("right", &unreadable, CiStatus::Running)
        .await;
    let report = world.any_pass().await;
    assert_eq!(waits(&report, "bottom"), ["held by right"]);
    world.forge.ci("right", &unreadable, CiStatus::Passed).await;
    let report = world.any_pass().await;
    assert_eq!(reasons(&report, "bottom"), ["new-tag", "up-to-date"]);
}

/// Nobody knows whether something is open or running in a repository that its forge cannot list.
#[tokio::test]
async fn a_parent_that_is_not_listed_now_is_not_taken_for_settled() {
    let world = diamond(On::Local, "").await;
    let head = world.dir("right").join("HEAD");
    let text = std::fs::read(&head).expect("a HEAD");
    world.push("acme/left", "1.1.0").await;
    std::fs::write(&head, "garbage\n").expect("written");
    let report = world.any_pass().await;
    assert!(of(&report, "right").failed());
    assert_eq!(waits(&report, "bottom"), ["held by right"]);
    let detail = &of(&report, "bottom").decisions[0].detail;
    assert!(detail.contains("it could not be read"), "{detail}");
    let setup = Arc::new(world.set_up(None).await.expect("a set-up"));
    let graph = family_graph(&setup, &world.options(None), false).await;
    let right = graph
        .nodes
        .iter()
        .find(|node| node.name().ends_with("/right"));
    let right = right.expect("it is in the family");
    assert_eq!(right.state.code(), "unknown", "{right:?}");
    let order = imagebot::run::build_order_of_all(&setup, &world.options(None)).await;
    let step = order
        .steps
        .iter()
        .find(|step| step.image.path().ends_with("/right"));
    let whys = &step.expect("it is in the order").whys;
    assert!(whys.iter().any(|why| why.code == "not-read"), "{whys:?}");
    let publishers = imagebot::run::publishers(&setup, None).await;
    let all = publishers.all();
    let right = all
        .iter()
        .find(|(_, subject)| subject.image.path().ends_with("/right"));
    assert!(
        right.is_some_and(|(_, subject)| subject.built.is_none()),
        "{all:?}"
    );
    // It does not hold for ever, and a repository that is read again is judged by what goes on there.
    world.wait(25);
    let report = world.any_pass().await;
    assert_eq!(reasons(&report, "bottom"), ["hold-expired", "up-to-date"]);
    std::fs::write(&head, text).expect("written");
    world.push("acme/left", "1.2.0").await;
    let report = world.pass().await;
    assert_eq!(reasons(&report, "bottom"), ["new-tag", "up-to-date"]);
}

async fn a_published_image_that_is_gone_stops_nobody_else(on: On) {
    let world = diamond(on, "").await;
    world.repo("ghost", "FROM scratch\n");
    let ghost = world.image("acme/ghost");
    let base = world.image("acme/base");
    world.commit(
        "leaf",
        "Dockerfile",
        &format!("FROM {base}:1.0.0\nCOPY --from={ghost}:1.0.0 /x /\n"),
    );
    world.push("acme/base", "1.1.0").await;
    let report = world.any_pass().await;
    assert!(report.failed());
    assert_eq!(reasons(&report, "leaf"), ["new-tag", "lookup-failed"]);
    let all =
        ["leaf", "left", "right"].map(|repo| format!("{repo} Update acme/base to 1.1.0 (minor)"));
    assert_eq!(opened(&world).await, all);
    let states = states(&world).await;
    assert!(states.contains(&"ghost - current".to_owned()), "{states:?}");
}

async fn t37_images_that_stand_on_each_other_are_left_alone(on: On) {
    let world = World::on(on).await;
    world.configure_family("");
    let from = |image: &str, tag: u32| format!("FROM {}:1.{tag}\n", world.image(image));
    world.repo("one", &from("acme/two", 0));
    world.repo("two", &from("acme/one", 0));
    world.repo("own", &from("acme/own", 0));
    for image in ["acme/one", "acme/two", "acme/own"] {
        world.push(image, "1.0").await;
    }
    for turn in 1..5 {
        for image in ["acme/one", "acme/two", "acme/own"] {
            world.push(image, &format!("1.{turn}")).await;
        }
        let report = world.pass().await;
        assert_eq!(reasons(&report, "one"), ["family-cycle"]);
        assert_eq!(reasons(&report, "own"), ["own-image"]);
        assert_eq!(report.warnings.len(), 1, "{:?}", report.warnings);
        assert!(report.warnings[0].contains("acme/one") && report.warnings[0].contains("acme/two"));
    }
    assert_eq!(opened(&world).await, [""; 0]);
}
