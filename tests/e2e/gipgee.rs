//! Repositories that gipgee builds: their bases stand in `gipgee.yml`.

use super::forge::On;
use super::world::{World, of, reasons, statuses};

on_every_forge!(
    p3_a_merge_request_changes_the_tag_in_gipgee_yml,
    p8_a_merge_request_holds_only_the_children_of_images_that_watch_what_it_changes,
);

async fn p3_a_merge_request_changes_the_tag_in_gipgee_yml(on: On) {
    let world = World::on(on).await;
    let one = world.push("os", "1.0.0").await;
    let host = world.server.host();
    let file = |default: &str, pinned: &str| {
        format!(
            "version: 1\r\ndefaults:\n  defaultBaseImage: {{registry: \"{host}\", repository: os, tag: '{default}'}} # 1.0.0\nimages:\n  a:\n  b:\n    baseImage:\n      tag: {pinned}\n"
        )
    };
    world.repo("app", "ARG GIPGEE_BASE_IMAGE\nFROM $GIPGEE_BASE_IMAGE\n");
    world.commit(
        "app",
        "gipgee.yml",
        &file("1.0.0", &format!("\"1.0.0@{one}\"")),
    );
    // What CI is made of is nothing to edit, whatever it says.
    let ci = format!("a: {{image: \"{host}/os:1.0.0\"}}\n");
    world.commit("app", ".gipgee-gitlab-ci.yml", &ci);
    assert_eq!(statuses(&world.pass().await, "app"), [""; 0]);
    let mut head = None;
    for tag in ["1.1.0", "1.2.0"] {
        let digest = world.push("os", tag).await;
        let report = world.pass().await;
        let lines: Vec<(&str, usize)> = of(&report, "app")
            .decisions
            .iter()
            .map(|decision| (decision.path.as_str(), decision.line))
            .collect();
        assert_eq!(
            lines,
            [("Dockerfile", 2), ("gipgee.yml", 5), ("gipgee.yml", 8)]
        );
        let mr = world.mr("app").await;
        assert_eq!(mr.number, world.mrs("app").await[0].number);
        let source = mr.source.to_string();
        assert_eq!(world.commits("app", &source).len(), 1, "one commit");
        assert_eq!(
            world.file("app", &source, "gipgee.yml"),
            file(tag, &format!("\"{tag}@{digest}\""))
        );
        assert_eq!(world.file("app", &source, ".gipgee-gitlab-ci.yml"), ci);
        assert_ne!(head, world.head("app", &source), "updated in place");
        head = world.head("app", &source);
    }
    assert_eq!(world.mrs("app").await.len(), 1);
    let number = world.mr("app").await.number;
    world.merge("app", number).await;
    let report = world.pass().await;
    assert_eq!(world.open_mrs("app").await, []);
    assert_eq!(
        reasons(&report, "app"),
        ["not-editable", "up-to-date", "up-to-date"]
    );
}

async fn p8_a_merge_request_holds_only_the_children_of_images_that_watch_what_it_changes(on: On) {
    let world = World::on(on).await;
    let host = world.server.host();
    let forge = world.forge.config();
    world.configure_forge(
        &format!("{forge}\npublishes = [{{ repo = \"**\", images = [\"{host}/acme/**\"] }}]\n"),
        &format!("[[registry]]\nhost = \"{host}\"\nplain_http = true\nrate = \"10000/s\"\n"),
    );
    let file = format!(
        "defaults:
  defaultBaseImage: {{registry: \"{host}\", repository: os, tag: 1.0.0}}
  defaultReleaseRegistry: \"{host}\"
images:
  one: {{containerFile: Dockerfile, assetsToWatch: [one/*], releaseLocations: [{{repository: acme/one}}]}}
  two: {{containerFile: two/Containerfile, assetsToWatch: [two/*], releaseLocations: [{{repository: acme/two}}]}}
"
    );
    for image in ["os", "tool", "acme/one", "acme/two"] {
        world.push(image, "1.0.0").await;
    }
    world.repo("images", "ARG GIPGEE_BASE_IMAGE\nFROM $GIPGEE_BASE_IMAGE\n");
    world.commit("images", "gipgee.yml", &file);
    let two = format!(
        "ARG GIPGEE_BASE_IMAGE\nFROM $GIPGEE_BASE_IMAGE\nCOPY --from={host}/tool:1.0.0 / /\n"
    );
    world.commit("images", "two/Containerfile", &two);
    for image in ["one", "two"] {
        world.repo(
            &format!("child-{image}"),
            &format!("FROM {host}/acme/{image}:1.0.0\n"),
        );
    }
    let report = world.pass().await;
    assert_eq!(reasons(&report, "child-one"), ["up-to-date"]);
    for image in ["tool", "acme/one", "acme/two"] {
        world.push(image, "1.1.0").await;
    }
    let report = world.pass().await;
    assert_eq!(
        world.mr("images").await.title,
        "Update tool to 1.1.0 (minor)"
    );
    assert_eq!(reasons(&report, "child-one"), ["new-tag"]);
    assert_eq!(reasons(&report, "child-two"), ["held"]);
}
