//! References whose version another file gives, and references in definitions of CI.

use super::forge::On;
use super::world::{World, of, reasons, statuses};

on_every_forge!(
    a_version_is_changed_in_the_file_that_gives_it,
    comments_and_source_tables_are_updated,
    t18_ci_is_shown_and_changed_only_if_the_operator_says_so,
);

/// A Dockerfile whose base a compose file gives, and a compose file whose image `.env` gives.
async fn a_version_is_changed_in_the_file_that_gives_it(on: On) {
    let world = World::on(on).await;
    for image in ["base", "db"] {
        world.push(image, "1.0.0").await;
    }
    let (base, db) = (world.image("base"), world.image("db"));
    let dockerfile = format!("ARG BASE=0.9.0\nFROM {base}:${{BASE}}\n");
    let compose = |version: &str| {
        format!(
            "services:\r\n  web:\r\n    build:\r\n      context: .\r\n      args: {{BASE: '{version}'}} # 1.0.0\r\n  db:\r\n    image: \"{db}:${{DB:-0.1.0}}\"\r\n"
        )
    };
    world.repo("app", &dockerfile);
    world.commit("app", "compose.yaml", &compose("1.0.0"));
    world.commit("app", ".env", "# 1.0.0\nDB=1.0.0\n");
    let report = world.pass().await;
    assert_eq!(reasons(&report, "app"), ["up-to-date", "up-to-date"]);
    for tag in ["1.1.0", "1.2.0"] {
        for image in ["base", "db"] {
            world.push(image, tag).await;
        }
        world.pass().await;
        let mrs = world.open_mrs("app").await;
        assert_eq!(mrs.len(), 2, "one for each image, updated in place");
        for mr in mrs {
            let source = mr.source.to_string();
            assert_eq!(world.commits("app", &source).len(), 1);
            let is_base = mr.title.contains("base");
            let (of_base, of_db) = if is_base {
                (tag, "1.0.0")
            } else {
                ("1.0.0", tag)
            };
            assert_eq!(world.file("app", &source, "Dockerfile"), dockerfile);
            assert_eq!(world.file("app", &source, "compose.yaml"), compose(of_base));
            let env = format!("# 1.0.0\nDB={of_db}\n");
            assert_eq!(world.file("app", &source, ".env"), env);
            let changed = if is_base { "compose.yaml" } else { ".env" };
            assert!(mr.description.contains(changed), "{}", mr.description);
        }
        let report = world.pass().await;
        assert_eq!(statuses(&report, "app"), ["unchanged", "unchanged"]);
    }
    for mr in world.open_mrs("app").await {
        world.merge("app", mr.number).await;
    }
    let report = world.pass().await;
    assert_eq!(reasons(&report, "app"), ["up-to-date", "up-to-date"]);
    assert_eq!(world.open_mrs("app").await, []);
}

/// What CI runs on is shown with what is newer; a change needs the operator's rule, not the repository's.
async fn t18_ci_is_shown_and_changed_only_if_the_operator_says_so(on: On) {
    let world = World::on(on).await;
    world.push("ci", "1.0.0").await;
    world.push("ci", "1.1.0").await;
    let image = world.image("ci");
    let root = format!(
        "include: ci/jobs.yml\nvariables: {{V: 1.0.0}}\na: {{image: \"{image}:1.0.0\", script: x}}\n"
    );
    let included = format!("b:\n  image: {image}:$V\n  script: x\n");
    let workflow = format!("on: push\njobs:\n  a: {{runs-on: x, container: \"{image}:1.0.0\"}}\n");
    let files = [
        (".gitlab-ci.yml", &root),
        ("ci/jobs.yml", &included),
        (".github/workflows/a.yml", &workflow),
    ];
    world.repo("app", "FROM scratch\n");
    for (path, text) in files {
        world.commit("app", path, text);
    }
    let report = world.pass().await;
    assert_eq!(reasons(&report, "app"), ["ci-definition"; 3]);
    assert_eq!(world.mrs("app").await, []);
    world.commit("app", "imagebot.toml", "[[rule]]\nci = \"propose\"\n");
    let report = world.any_pass().await;
    assert_eq!(super::world::problems(&report, "app"), ["bad-config"]);
    assert_eq!(world.mrs("app").await, []);
    world.commit(
        "app",
        "imagebot.toml",
        "[[rule]]\nkinds = [\"gitlab-*\"]\nmax = \"minor\"\n",
    );
    world.configure("[[rule]]\nkinds = [\"gitlab-image\"]\nci = \"propose\"\n");
    let report = world.pass().await;
    let found = of(&report, "app").decisions.iter();
    let found: Vec<(&str, &str)> = found.map(|it| (it.path.as_str(), it.reason)).collect();
    assert_eq!(
        found,
        [
            (".github/workflows/a.yml", "ci-definition"),
            (".gitlab-ci.yml", "new-tag"),
            ("ci/jobs.yml", "new-tag"),
        ]
    );
    let source = world.mr("app").await.source.to_string();
    let changed = world.file("app", &source, ".gitlab-ci.yml");
    assert!(
        changed.contains("V: 1.1.0") && changed.contains("ci:1.1.0"),
        "{changed}"
    );
    assert_eq!(world.file("app", &source, "ci/jobs.yml"), included);
    assert_eq!(
        world.file("app", &source, ".github/workflows/a.yml"),
        workflow
    );
    assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
}

/// Files of other names: what a comment above a value and what `[[source]]` name is updated like any other reference.
async fn comments_and_source_tables_are_updated(on: On) {
    let world = World::on(on).await;
    for image in ["tool", "app"] {
        world.push(image, "1.0.0").await;
        world.push(image, "1.1.0").await;
    }
    let (tool, app) = (world.image("tool"), world.image("app"));
    let makefile = |version: &str| {
        format!(
            "# imagebot: image={tool}\nTOOL_VERSION ?= {version} # pinned\nall:\n\tmake 1.0.0\n"
        )
    };
    let data =
        |version: &str| format!("{{\"image\": \"{app}:{version}\", \"other\": \"1.0.0\"}}\n");
    let config = "[[source]]\nfiles = [\"Makefile\"]\n[[source]]\nfiles = [\"deploy/*.json\"]\nformat = \"json\"\nat = \"image\"\n";
    world.repo("app", "FROM scratch\n");
    world.commit("app", "Makefile", &makefile("1.0.0"));
    world.commit("app", "deploy/x.json", &data("1.0.0"));
    // Nothing reads them until the configuration names them.
    assert_eq!(reasons(&world.pass().await, "app"), [] as [&str; 0]);
    world.commit("app", "imagebot.toml", config);
    let report = world.pass().await;
    assert_eq!(reasons(&report, "app"), ["new-tag", "new-tag"]);
    let mrs = world.open_mrs("app").await;
    assert_eq!(mrs.len(), 2);
    for mr in mrs {
        let source = mr.source.to_string();
        let is_tool = mr.title.contains("tool");
        let (of_tool, of_app) = if is_tool {
            ("1.1.0", "1.0.0")
        } else {
            ("1.0.0", "1.1.0")
        };
        assert_eq!(world.file("app", &source, "Makefile"), makefile(of_tool));
        assert_eq!(world.file("app", &source, "deploy/x.json"), data(of_app));
    }
    // The branches are recognised as imagebot's own.
    let report = world.pass().await;
    assert_eq!(statuses(&report, "app"), ["unchanged", "unchanged"]);
    for mr in world.open_mrs("app").await {
        world.merge("app", mr.number).await;
    }
    let report = world.pass().await;
    assert_eq!(reasons(&report, "app"), ["up-to-date", "up-to-date"]);
}

/// A Dockerfile whose name only a build gives is fetched, read and edited.
#[tokio::test]
async fn a_dockerfile_of_another_name_is_read_if_a_build_names_it() {
    let world = World::new().await;
    world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    let base = world.image("base");
    world.repo("app", "FROM scratch\n");
    let compose = "services:\n  web: {build: {context: ., dockerfile: docker/web.build}}\n";
    world.commit("app", "compose.yaml", compose);
    world.commit("app", "docker/web.build", &format!("FROM {base}:1.0.0\n"));
    world.commit("app", "docker/other.build", &format!("FROM {base}:1.0.0\n"));
    let report = world.pass().await;
    assert_eq!(reasons(&report, "app"), ["new-tag"]);
    let source = world.mr("app").await.source.to_string();
    assert_eq!(
        world.file("app", &source, "docker/web.build"),
        format!("FROM {base}:1.1.0\n")
    );
    assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
}
