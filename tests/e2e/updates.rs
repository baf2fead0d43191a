//! What is proposed, and how it follows the registry and the default branch.

use super::world::{World, of, reasons, statuses};
use imagebot::repo::MergeRequestState;
use imagebot::run::family_graph;
use std::sync::Arc;

#[tokio::test]
async fn f63_a_newer_version_updates_the_open_merge_request_in_place() {
    let world = World::new().await;
    let one = world.push("base", "1.0.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\nRUN x\n"));
    assert_eq!(statuses(&world.pass().await, "app"), [""; 0]);
    let mut heads = Vec::new();
    for tag in ["1.1.0", "1.2.0"] {
        let digest = world.push("base", tag).await;
        world.pass().await;
        let mr = world.mr("app").await;
        assert_eq!(
            (mr.number, mr.title),
            (1, format!("Update base to {tag} (minor)"))
        );
        let source = mr.source.to_string();
        assert_eq!(world.commits("app", &source).len(), 1, "one commit");
        assert_eq!(
            world.file("app", &source, "Dockerfile"),
            format!("FROM {image}:{tag}@{digest}\nRUN x\n")
        );
        assert!(mr.description.contains(digest.as_str()));
        heads.push(world.head("app", &source));
    }
    assert_ne!(heads[0], heads[1]);
    assert_eq!(world.mrs("app").await.len(), 1);
}

#[tokio::test]
async fn f63_a_tag_that_moved_again_updates_the_same_merge_request() {
    let Some(world) = World::login().await else {
        return;
    };
    let one = world.push("base", "1.0.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\n"));
    for contents in ["rebuilt", "rebuilt again"] {
        let digest = world.move_tag("base", "1.0.0", contents).await;
        let report = world.pass().await;
        assert_eq!(reasons(&report, "app"), ["new-digest"]);
        let mr = world.mr("app").await;
        assert_eq!(
            (mr.number, mr.title),
            (1, "Update the digest of base".to_owned())
        );
        let source = mr.source.to_string();
        assert_eq!(world.commits("app", &source).len(), 1);
        assert_eq!(
            world.file("app", &source, "Dockerfile"),
            format!("FROM {image}:1.0.0@{digest}\n")
        );
    }
    // And back to what is pinned: nothing is proposed any more.
    world.move_tag("base", "1.0.0", "base 1.0.0").await;
    assert_eq!(statuses(&world.pass().await, "app"), ["close"]);
    assert_eq!(world.open_mrs("app").await, []);
}

/// A line that has ended is shown by the pass and by the graph, and proposes nothing.
#[tokio::test]
async fn a_line_that_has_ended_is_shown() {
    let world = World::new().await;
    for tag in ["1.25", "2.0.1"] {
        world.push("base", tag).await;
    }
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.25\n"));
    let report = world.pass().await;
    assert_eq!(reasons(&report, "app"), ["line-ended"]);
    assert_eq!(world.mrs("app").await, []);
    let setup = Arc::new(world.set_up(None).await.expect("a set-up"));
    let family_graph = family_graph(&setup, &world.options(None), false).await;
    let shown = family_graph.nodes.iter().map(|node| node.why.as_str());
    let ended = shown.filter(|why| why.starts_with("line-ended: ")).count();
    assert_eq!(ended, 1, "{family_graph:?}");
}

#[tokio::test]
async fn f39_a_platform_pin_stays_on_its_platform_and_f38_waits_for_it() {
    let world = World::new().await;
    let push = async |contents: &str, platform: &str| {
        world.server.image("base", None, contents, platform).await
    };
    let arm = push("one", "linux/arm64").await;
    let amd = push("one", "linux/amd64").await;
    let index = [("linux/amd64", &amd), ("linux/arm64", &arm)];
    world.server.index("base", "1.0.0", &index, "").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{arm}\n"));
    assert_eq!(reasons(&world.pass().await, "app"), ["up-to-date"]);
    // A new version without that platform is passed over, and said so.
    let amd2 = push("two", "linux/amd64").await;
    let lacking = [("linux/amd64", &amd2)];
    world.server.index("base", "1.1.0", &lacking, "").await;
    assert_eq!(reasons(&world.pass().await, "app"), ["missing-platform"]);
    assert_eq!(world.mrs("app").await, []);
    // Once it is there, the platform's own manifest is written.
    let arm2 = push("two", "linux/arm64").await;
    let whole = [("linux/amd64", &amd2), ("linux/arm64", &arm2)];
    world.server.index("base", "1.1.0", &whole, "").await;
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    assert_eq!(
        world.file("app", &source, "Dockerfile"),
        format!("FROM {image}:1.1.0@{arm2}\n")
    );
}

#[tokio::test]
async fn f35_a_platform_pin_follows_the_same_tag() {
    let world = World::new().await;
    let amd = world.server.image("base", None, "one", "linux/amd64").await;
    let arm = world.server.image("base", None, "one", "linux/arm64").await;
    let index = [("linux/amd64", &amd), ("linux/arm64", &arm)];
    world.server.index("base", "1.0.0", &index, "").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{amd}\n"));
    // The other platform was rebuilt alone: the pinned one is what it was.
    let arm2 = world.server.image("base", None, "two", "linux/arm64").await;
    let index = [("linux/amd64", &amd), ("linux/arm64", &arm2)];
    world.server.index("base", "1.0.0", &index, "").await;
    assert_eq!(reasons(&world.pass().await, "app"), ["up-to-date"]);
    // Now the pinned one, whose old digest no index names any more.
    let amd2 = world.server.image("base", None, "two", "linux/amd64").await;
    let index = [("linux/amd64", &amd2), ("linux/arm64", &arm2)];
    world.server.index("base", "1.0.0", &index, "").await;
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    assert_eq!(
        world.file("app", &source, "Dockerfile"),
        format!("FROM {image}:1.0.0@{amd2}\n")
    );
}

#[tokio::test]
async fn f39_an_index_pin_moves_to_an_index_and_equal_manifests_are_the_same_content() {
    let world = World::new().await;
    let amd = world.server.image("base", None, "one", "linux/amd64").await;
    let images = [("linux/amd64", &amd)];
    let first = world.server.index("base", "1.0.0", &images, "first").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{first}\n"));
    let wrapped = world.server.index("base", "1.0.0", &images, "second").await;
    assert_ne!(first, wrapped);
    assert_eq!(reasons(&world.pass().await, "app"), ["same-content"]);
    assert_eq!(world.mrs("app").await, []);
    let amd2 = world.server.image("base", None, "two", "linux/amd64").await;
    let images = [("linux/amd64", &amd2)];
    let next = world.server.index("base", "1.0.1", &images, "").await;
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    assert_eq!(
        world.file("app", &source, "Dockerfile"),
        format!("FROM {image}:1.0.1@{next}\n")
    );
}

#[tokio::test]
async fn f39_a_pin_that_vanished_is_treated_as_an_index() {
    let world = World::new().await;
    let amd = world.server.image("base", None, "one", "linux/amd64").await;
    let images = [("linux/amd64", &amd)];
    let index = world.server.index("base", "1.0.0", &images, "").await;
    let gone = imagebot::image::Digest::sha256(b"deleted by a clean-up");
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{gone}\n"));
    let report = world.pass().await;
    let (decision, _) = &of(&report, "app").traces[0];
    assert!(
        decision
            .steps
            .iter()
            .any(|step| step.starts_with("pin-vanished")),
        "{:?}",
        decision.steps
    );
    let source = world.mr("app").await.source.to_string();
    assert_eq!(
        world.file("app", &source, "Dockerfile"),
        format!("FROM {image}:1.0.0@{index}\n")
    );
}

#[tokio::test]
async fn f17_a_default_branch_that_moved_elsewhere_leaves_the_branch_alone() {
    let world = World::new().await;
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    let image = world.image("base");
    let text = format!("FROM {image}:1.0.0@{one}\nRUN a\nRUN b\nRUN c\n");
    world.repo("app", &text);
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    let before = world.head("app", &source);
    world.commit("app", "README.md", "hello\n");
    world.commit("app", "Dockerfile", &text.replace("RUN c", "RUN d"));
    for _ in 0..2 {
        assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
        assert_eq!(world.head("app", &source), before);
    }
    // Also without the store.
    world.forget();
    assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
    assert_eq!(world.head("app", &source), before);
    world.merge("app", 1).await;
    assert!(
        world
            .file("app", "main", "Dockerfile")
            .ends_with("RUN a\nRUN b\nRUN d\n")
    );
}

#[tokio::test]
async fn f18_a_default_branch_in_conflict_gets_one_new_commit() {
    let world = World::new().await;
    let one = world.push("base", "1.0.0").await;
    let two = world.push("base", "1.1.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\nRUN a\n"));
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    let before = world.head("app", &source);
    world.commit(
        "app",
        "Dockerfile",
        &format!("FROM {image}:1.0.0@{one} AS build\nRUN a\n"),
    );
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    assert_ne!(world.head("app", &source), before);
    assert_eq!(world.commits("app", &source).len(), 1);
    assert_eq!(
        world.file("app", &source, "Dockerfile"),
        format!("FROM {image}:1.1.0@{two} AS build\nRUN a\n")
    );
    assert_eq!(world.mr("app").await.number, 1);
    world.merge("app", 1).await;
}

#[tokio::test]
async fn f13_f20_an_update_that_is_there_already_closes_with_a_reason_and_deletes_the_branch() {
    let world = World::new().await;
    let one = world.push("base", "1.0.0").await;
    let two = world.push("base", "1.1.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\n"));
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    world.commit("app", "Dockerfile", &format!("FROM {image}:1.1.0@{two}\n"));
    assert_eq!(statuses(&world.pass().await, "app"), ["close"]);
    let mrs = world.mrs("app").await;
    assert_eq!(mrs[0].state, MergeRequestState::Closed);
    let block = imagebot::plan::block_of(&mrs[0].description).expect("the state block");
    assert_eq!(block.state.closed.as_deref(), Some("obsolete"));
    assert_eq!(world.head("app", &source), None);
    assert_eq!(statuses(&world.pass().await, "app"), [""; 0]);
    // It was not closed by a person: should the file go back, it is proposed again.
    world.commit("app", "Dockerfile", &format!("FROM {image}:1.0.0@{one}\n"));
    assert_eq!(statuses(&world.pass().await, "app"), ["open"]);
}

#[tokio::test]
async fn t17_a_branch_in_the_way_is_an_error_that_names_it() {
    let world = World::new().await;
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    world.repo(
        "app",
        &format!("FROM {}:1.0.0@{one}\n", world.image("base")),
    );
    let head = world.head("app", "main").expect("a head");
    world.reset("app", "imagebot", Some(&head));
    let report = world.any_pass().await;
    assert_eq!(statuses(&report, "app"), ["refused"]);
    let problem = &of(&report, "app").problems[0];
    assert_eq!(problem.code, "push-refused");
    assert!(
        problem.message.contains("rename `imagebot`"),
        "{}",
        problem.message
    );
    assert_eq!(world.mrs("app").await, []);
    // A tag of the branch's name is in nobody's way.
    world.reset("app", "imagebot", None);
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    let dir = world.dir("app");
    let tag = format!("refs/tags/{source}");
    super::bare::git(Some(&dir), &["update-ref", &tag, &head], b"");
    world.push("base", "1.2.0").await;
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    assert_eq!(world.commits("app", &source).len(), 1);
}

#[tokio::test]
async fn separate_classes_are_separate_merge_requests_of_one_push() {
    let world = World::new().await;
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    world.push("base", "2.0.0").await;
    let image = world.image("base");
    world.repo("app", &format!("FROM {image}:1.0.0@{one}\n"));
    world.pass().await;
    let titles: Vec<String> = world
        .mrs("app")
        .await
        .into_iter()
        .map(|mr| mr.title)
        .collect();
    assert_eq!(
        titles,
        [
            "Update base to 1.1.0 (minor)",
            "Update base to 2.0.0 (major)"
        ]
    );
}
