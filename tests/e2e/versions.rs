//! Versions that rise in a merge request, and repositories with several images, with real git, forges and registries.

use super::forge::On;
use super::world::{World, of, reasons, statuses};
use imagebot::repo::MergeRequestState;

on_every_forge!(
    a_version_rises_once_whatever_becomes_of_the_merge_request,
    c12_a_broken_version_file_is_told_and_stops_only_its_image,
    c1_c2_c5_c14_a_monorepo_gets_one_merge_request_with_its_whole_cascade,
    a_closed_one_stays_closed_though_the_version_moved,
    a_persons_version_on_the_branch_is_a_persons_work,
);

/// `app` pins base 1.0.0 and keeps its own version in a file of an unusual mode.
async fn app(on: On) -> World {
    let world = World::on(on).await;
    world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    let image = world.image("base");
    world.forge.create("app");
    let config = format!(
        "[[image]]\nname = \"{}\"\nversion_file = \"meta/VERSION\"\nbump = \"patch\"\n",
        world.image("team/app")
    );
    let files: &[(&str, &str, &[u8])] = &[
        ("imagebot.toml", "100644", config.as_bytes()),
        (
            "Dockerfile",
            "100644",
            &format!("FROM {image}:1.0.0\nRUN x\nRUN y\n").into_bytes(),
        ),
        ("meta/VERSION", "100755", b"2.3.9\r\n"),
    ];
    world.commit_files("app", "main", files, "A person's commit\n");
    world
}

async fn a_version_rises_once_whatever_becomes_of_the_merge_request(on: On) {
    let world = app(on).await;
    world.pass().await;
    let mr = world.mr("app").await;
    let source = mr.source.to_string();
    let version = |branch: &str| world.file("app", branch, "meta/VERSION");
    assert_eq!(version(&source), "2.3.10\r\n");
    assert!(mr.title.ends_with("to 1.1.0 (minor)"), "{}", mr.title);
    assert!(
        mr.description
            .contains("`meta/VERSION`: `2.3.9` -> `2.3.10`"),
        "{}",
        mr.description
    );
    assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
    // Without any memory it is known as imagebot's all the same.
    world.forget();
    assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
    // A newer parent moves the same branch, and the version is the same.
    world.push("base", "1.2.0").await;
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    assert_eq!(version(&source), "2.3.10\r\n");
    // So does a base that moved under it.
    let text = world.file("app", "main", "Dockerfile");
    world.commit(
        "app",
        "Dockerfile",
        &text.replace("\nRUN x", " AS one\nRUN x"),
    );
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    assert_eq!(version(&source), "2.3.10\r\n");
    // A person's own release is where it rises from.
    let files: &[(&str, &str, &[u8])] = &[("meta/VERSION", "100755", b"3.0.0\r\n")];
    world.commit_files("app", "main", files, "Release\n");
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    assert_eq!(version(&source), "3.0.1\r\n");
    assert_eq!(world.commits("app", &source).len(), 1);
    assert_eq!(world.mr("app").await.number, mr.number);
    world.merge("app", mr.number).await;
    assert_eq!(version("main"), "3.0.1\r\n");
    assert!(
        world
            .file("app", "main", "Dockerfile")
            .contains(":1.2.0 AS one")
    );
    assert_eq!(statuses(&world.pass().await, "app"), [""; 0]);
    // The next one rises from there.
    world.push("base", "1.3.0").await;
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    assert_eq!(version(&source), "3.0.2\r\n");
}

async fn c12_a_broken_version_file_is_told_and_stops_only_its_image(on: On) {
    let world = app(on).await;
    let image = world.image("base");
    world.commit("app", "meta/VERSION", "soon\n");
    world.commit("app", "tools/Dockerfile", &format!("FROM {image}:1.0.0\n"));
    let report = world.any_pass().await;
    assert!(report.failed());
    assert_eq!(reasons(&report, "app"), ["version-file", "new-tag"]);
    let told = of(&report, "app");
    assert!(
        told.decisions[0]
            .detail
            .contains("meta/VERSION: line 1: \"soon\" is not a version"),
        "{told:#?}"
    );
    assert!(
        told.warnings
            .iter()
            .any(|line| line.contains("imagebot.toml:1")),
        "{told:#?}"
    );
    let mr = world.mr("app").await;
    let source = mr.source.to_string();
    assert!(
        world
            .file("app", &source, "tools/Dockerfile")
            .contains("1.1.0")
    );
    assert!(world.file("app", &source, "Dockerfile").contains("1.0.0"));
    // A link is not followed.
    let files: &[(&str, &str, &[u8])] = &[("meta/VERSION", "120000", b"../Dockerfile")];
    world.commit_files("app", "main", files, "A link\n");
    let report = world.any_pass().await;
    assert!(
        of(&report, "app").decisions[0].detail.contains("symlink"),
        "{report:#?}"
    );
}

/// base ← ruby ← app in numbered contexts, without an `imagebot.toml`.
async fn monorepo(on: On) -> World {
    let world = World::on(on).await;
    world.push("os", "1").await;
    world.push("os", "2").await;
    let os = world.image("os");
    world.forge.create("images");
    let froms = [
        ("01-base", format!("FROM {os}:1\n")),
        ("02-ruby", "FROM ${REGISTRY}/base:1.0.0\nRUN x".to_owned()),
        (
            "03-app",
            "FROM --platform=$BUILDPLATFORM ${REGISTRY}/ruby:1.0.0\n".to_owned(),
        ),
    ];
    for (folder, from) in froms {
        let dockerfile = format!("ARG REGISTRY\n{from}");
        world.commit(
            "images",
            &format!("contexts/{folder}/Dockerfile"),
            &dockerfile,
        );
        let info = "; mine\n{:version \"1.0.0\", :platforms [\"linux/amd64\"]}";
        world.commit("images", &format!("contexts/{folder}/info.edn"), info);
    }
    world
}

async fn c1_c2_c5_c14_a_monorepo_gets_one_merge_request_with_its_whole_cascade(on: On) {
    let world = monorepo(on).await;
    world.commit("images", "contexts/09-torn/info.edn", "{}");
    let report = world.pass().await;
    let warnings = &of(&report, "images").warnings;
    assert!(
        warnings[0].contains("contexts/09-torn: Dockerfile is missing"),
        "{warnings:?}"
    );
    assert_eq!(of(&report, "images").unread, [""; 0]);
    let mr = world.mr("images").await;
    let source = mr.source.to_string();
    let file = |path: &str| world.file("images", &source, &format!("contexts/{path}"));
    for folder in ["01-base", "02-ruby", "03-app"] {
        let info = file(&format!("{folder}/info.edn"));
        assert_eq!(
            info,
            "; mine\n{:version \"1.0.1\", :platforms [\"linux/amd64\"]}"
        );
    }
    assert!(file("01-base/Dockerfile").contains("/os:2\n"));
    assert_eq!(
        file("02-ruby/Dockerfile"),
        "ARG REGISTRY\nFROM ${REGISTRY}/base:1.0.1\nRUN x"
    );
    assert!(file("03-app/Dockerfile").ends_with("${REGISTRY}/ruby:1.0.1\n"));
    assert_eq!(statuses(&world.pass().await, "images"), ["unchanged"]);
    world.forget();
    assert_eq!(statuses(&world.pass().await, "images"), ["unchanged"]);
    world.merge("images", mr.number).await;
    assert_eq!(
        statuses(&world.pass().await, "images"),
        [""; 0],
        "nothing is left to follow"
    );
    // A root that a person raises is followed down.
    world.commit(
        "images",
        "contexts/01-base/info.edn",
        "{:version \"2.0.0\"}\n",
    );
    world.pass().await;
    let mr = world.mr("images").await;
    assert!(
        mr.source.as_str().starts_with("imagebot/family-"),
        "{}",
        mr.source
    );
    let source = mr.source.to_string();
    let file = |path: &str| world.file("images", &source, &format!("contexts/{path}"));
    assert!(file("02-ruby/Dockerfile").contains("/base:2.0.0\n"));
    assert!(file("03-app/Dockerfile").contains("/ruby:1.0.2\n"));
    assert!(file("03-app/info.edn").contains("\"1.0.2\""));
    assert_eq!(file("01-base/info.edn"), "{:version \"2.0.0\"}\n");
}

async fn a_closed_one_stays_closed_though_the_version_moved(on: On) {
    let world = monorepo(on).await;
    world.pass().await;
    let mr = world.mr("images").await;
    world.close("images", mr.number).await;
    assert_eq!(statuses(&world.pass().await, "images"), ["declined"]);
    world.commit(
        "images",
        "contexts/03-app/info.edn",
        "{:version \"1.5.0\"}\n",
    );
    assert_eq!(statuses(&world.pass().await, "images"), ["declined"]);
    let all = world.mrs("images").await;
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].state, MergeRequestState::Closed);
}

async fn a_persons_version_on_the_branch_is_a_persons_work(on: On) {
    let world = app(on).await;
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    let files: &[(&str, &str, &[u8])] = &[("meta/VERSION", "100755", b"9.9.9\r\n")];
    let head = world.commit_files("app", &source, files, "My own version\n");
    assert_eq!(statuses(&world.pass().await, "app"), ["foreign"]);
    world.push("base", "1.2.0").await;
    assert_eq!(statuses(&world.pass().await, "app"), ["foreign"]);
    assert_eq!(world.head("app", &source), Some(head));
}

/// Two images in one repository below a base in another, all with real names.
async fn family() -> World {
    let world = World::new().await;
    let host = world.server.host();
    let forge = world.forge.config();
    let registry =
        format!("[[registry]]\nhost = \"{host}\"\nplain_http = true\nrate = \"10000/s\"\n");
    let publishes = format!(
        "publishes = [{{ repo = \"**\", images = [\"{host}/acme/{{name}}\", \"{host}/acme/*\"] }}]\n"
    );
    world.configure_forge(&format!("{forge}\n{publishes}"), &registry);
    for image in ["base", "x", "y"] {
        world.push(&format!("acme/{image}"), "1.0.0").await;
    }
    world.repo("base", "FROM scratch\n");
    world.forge.create("two");
    let image = |name: &str| world.image(&format!("acme/{name}"));
    let config = ["x", "y"].map(|name| {
        format!(
            "[[image]]\nname = \"{}\"\ncontext = \"{name}\"\nversion_file = \"{name}/package.json\"\nbump = \"same\"\n",
            image(name)
        )
    });
    world.commit("two", "imagebot.toml", &config.concat());
    for (name, parent) in [("x", "base"), ("y", "x")] {
        let dockerfile = format!("FROM {}:1.0.0\n", image(parent));
        world.commit("two", &format!("{name}/Dockerfile"), &dockerfile);
        let json = "{\n\t\"version\": \"1.0.0\"\n}\n";
        world.commit("two", &format!("{name}/package.json"), json);
    }
    world
}

#[tokio::test]
async fn a_parent_in_another_repository_is_followed_down_in_one_family_merge_request() {
    let world = family().await;
    let report = world.pass().await;
    assert_eq!(reasons(&report, "two"), ["up-to-date", "inner-current"]);
    world.push("acme/base", "1.1.0").await;
    let report = world.pass().await;
    assert_eq!(reasons(&report, "two"), ["new-tag", "inner-follows"]);
    let mr = world.mr("two").await;
    assert!(
        mr.source.as_str().starts_with("imagebot/family-"),
        "{}",
        mr.source
    );
    let file = |path: &str| world.file("two", mr.source.as_str(), path);
    // As far as the parent's change, which is a minor one.
    assert!(file("x/package.json").contains("\t\"version\": \"1.1.0\"\n"));
    assert!(file("y/Dockerfile").ends_with("/acme/x:1.1.0\n"));
    assert!(file("y/package.json").contains("\"1.1.0\""));
    world.merge("two", mr.number).await;
    // Neither is published yet; nobody asks the registry for a newer x, and nothing is unknown.
    let report = world.pass().await;
    assert_eq!(reasons(&report, "two"), ["up-to-date", "inner-current"]);
    world.push("acme/x", "9.0.0").await;
    assert_eq!(
        statuses(&world.pass().await, "two"),
        [""; 0],
        "the version file is the truth"
    );
}

#[tokio::test]
async fn an_inner_digest_is_added_once_its_version_is_published_and_raises_nothing() {
    let world = family().await;
    let x = world.image("acme/x");
    let rule = format!("[[rule]]\nimages = [\"{x}\"]\ndigest = \"pin\"\n");
    let config = world.file("two", "main", "imagebot.toml");
    world.commit("two", "imagebot.toml", &format!("{config}{rule}"));
    world.pass().await;
    let mr = world.mr("two").await;
    let file = |path: &str| world.file("two", mr.source.as_str(), path);
    assert!(file("y/Dockerfile").contains("x:1.0.0@sha256:"));
    assert!(file("y/package.json").contains("\"1.0.0\""));
    world.merge("two", mr.number).await;
    assert_eq!(statuses(&world.pass().await, "two"), [""; 0]);
    // x rises: its digest goes, for the new one is not there yet.
    world.push("acme/base", "1.0.1").await;
    world.pass().await;
    let mr = world.mr("two").await;
    assert!(
        world
            .file("two", mr.source.as_str(), "y/Dockerfile")
            .ends_with("x:1.0.1\n")
    );
    world.merge("two", mr.number).await;
    assert_eq!(
        statuses(&world.pass().await, "two"),
        [""; 0],
        "not published yet"
    );
    let digest = world.push("acme/x", "1.0.1").await;
    world.pass().await;
    let mr = world.mr("two").await;
    let text = world.file("two", mr.source.as_str(), "y/Dockerfile");
    assert!(text.ends_with(&format!("x:1.0.1@{digest}\n")), "{text}");
    assert!(
        world
            .file("two", mr.source.as_str(), "y/package.json")
            .contains("\"1.0.1\"")
    );
}
