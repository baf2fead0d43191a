//! Freshness of images that `buildah` really built and pushed to a real registry, with their parents moved afterwards.

use super::buildah::Buildah;
use super::images::Server;
use super::world::World;
use imagebot::image::Reference;
use imagebot::run::{FreshnessReport, ImageState, family_graph, freshness, publishers};
use std::path::Path;
use std::sync::Arc;

/// A world whose repositories each publish `acme/<name>`, and a builder.
struct Line {
    world: World,
    builder: Buildah,
}

/// How an image is pushed: with `docker` nothing of it names its base.
const DOCKER: &[&str] = &["--format", "docker"];

impl Line {
    async fn new() -> Option<Self> {
        let builder = Buildah::new()?;
        let world = World::debian().await?;
        world.configure_family("");
        Some(Self { world, builder })
    }

    fn name(&self, image: &str) -> String {
        self.world.image(&format!("acme/{image}"))
    }

    /// Builds and pushes; `{}` in a Dockerfile stands before the name of an image.
    fn publish(&self, image: &str, dockerfile: &str, files: &[&str], push: &[&str]) {
        self.publish_with(image, dockerfile, files, &[], push);
    }

    fn publish_with(
        &self,
        image: &str,
        dockerfile: &str,
        files: &[&str],
        build: &[&str],
        push: &[&str],
    ) {
        let name = self.name(image);
        self.builder
            .build(&name, &self.dockerfile(dockerfile), files, build);
        self.builder.push(&name, push);
    }

    fn dockerfile(&self, text: &str) -> String {
        text.replace("{}", &self.name(""))
    }

    /// `base:1` with a file that holds `contents`.
    fn base(&self, contents: &str) {
        let file = format!("a={contents}");
        self.publish("base:1", "FROM scratch\nADD a /a\n", &[&file], &[]);
    }

    /// A repository `app` with this Dockerfile, built and pushed as `app:1`.
    fn app(&self, dockerfile: &str, build: &[&str], push: &[&str]) {
        self.world.repo("app", &self.dockerfile(dockerfile));
        self.publish_with("app:1", dockerfile, &["c=app"], build, push);
    }

    async fn look_at(&self, images: &[&str], cache: Option<&Path>) -> Vec<FreshnessReport> {
        let setup = Arc::new(self.world.set_up(cache).await.expect("a set-up"));
        let publishers = publishers(&setup, None).await;
        assert_eq!(publishers.problems, []);
        let subjects = images.iter().map(|image| {
            let reference = Reference::parse(&self.name(image)).expect("a reference");
            publishers.of_image(&setup, &reference)
        });
        let subjects = subjects.collect();
        let reports = freshness(&setup, subjects, self.world.now(), &|_, _| ()).await;
        self.world.note(format!("{reports:?}"));
        reports
    }

    async fn look_in(&self, image: &str, cache: Option<&Path>) -> FreshnessReport {
        let reports = self.look_at(&[image], cache).await;
        reports.into_iter().next().expect("a report")
    }

    /// What is said of an image: `fresh`, then a line for each platform and parent.
    async fn look(&self, image: &str) -> Vec<String> {
        self.lines(&self.look_in(image, None).await)
    }

    fn lines(&self, report: &FreshnessReport) -> Vec<String> {
        let rows = report.platforms.iter().map(|row| {
            let parent = row.parent.as_deref().unwrap_or("-");
            let parent = parent.replace(&self.name(""), "");
            let parent = parent.split('@').next().unwrap_or_default();
            let rung = row.rung.unwrap_or("-");
            let platform = row.platform.as_deref().unwrap_or("-");
            let arch = platform.rsplit('/').next().unwrap_or_default();
            let native = if arch == native() { "" } else { arch };
            format!("{native} {parent} {} {} {rung}", row.answer, row.code)
                .trim()
                .to_owned()
        });
        std::iter::once(report.answer.to_owned())
            .chain(rows)
            .collect()
    }
}

/// What buildah builds for, if nobody says.
fn native() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

const CHILD: &str = "FROM {}base:1\nENV Y=1\nADD c /c\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_annotated_image_is_fresh_until_its_parent_moves() {
    let Some(line) = Line::new().await else {
        return;
    };
    line.base("one");
    line.app(CHILD, &[], &[]);
    let fresh = ["fresh", "base:1 fresh same-digest annotation"];
    assert_eq!(line.look("app:1").await, fresh);
    line.base("two");
    let stale = ["stale", "base:1 stale other-content annotation"];
    assert_eq!(line.look("app:1").await, stale);
    // Rebuilt, it is fresh again.
    line.publish("app:1", CHILD, &["c=app"], &[]);
    assert_eq!(line.look("app:1").await, fresh);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p15_layers_tell_where_nothing_names_the_base() {
    let Some(line) = Line::new().await else {
        return;
    };
    line.base("one");
    line.app(CHILD, &[], DOCKER);
    let fresh = ["fresh", "base:1 fresh layers-match layers"];
    assert_eq!(line.look("app:1").await, fresh);
    line.base("two");
    // What the tag stood for before is remembered; whoever does not know it cannot tell this from a squashed image.
    let stale = ["stale", "base:1 stale older-layers layers"];
    assert_eq!(line.look("app:1").await, stale);
    let elsewhere = line
        .look_in("app:1", Some(&line.world.path("elsewhere")))
        .await;
    let unknown = ["unknown", "base:1 unknown no-shared-layers -"];
    assert_eq!(line.lines(&elsewhere), unknown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p15_a_parent_that_was_compressed_anew_has_the_same_content() {
    let Some(line) = Line::new().await else {
        return;
    };
    line.base("one");
    line.app(CHILD, &[], &[]);
    line.publish("app:plain", CHILD, &["c=app"], DOCKER);
    let before = line.look_in("app:plain", None).await;
    line.world.server.compress_anew("acme/base", "1").await;
    let same = ["fresh", "base:1 fresh same-content annotation"];
    assert_eq!(line.look("app:1").await, same);
    let layers = ["fresh", "base:1 fresh layers-match layers"];
    assert_eq!(line.look("app:plain").await, layers);
    assert_eq!(line.lines(&before), layers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p15_a_squashed_image_is_unknown_and_never_stale() {
    let Some(line) = Line::new().await else {
        return;
    };
    line.base("one");
    line.app(CHILD, &["--squash"], DOCKER);
    let unknown = ["unknown", "base:1 unknown no-shared-layers -"];
    assert_eq!(line.look("app:1").await, unknown);
    line.base("two");
    assert_eq!(line.look("app:1").await, unknown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_stages_the_base_leaves_layers_and_the_others_no_trace() {
    let Some(line) = Line::new().await else {
        return;
    };
    line.base("one");
    let tool = |contents: &str| {
        let file = format!("t={contents}");
        line.publish("tool:1", "FROM scratch\nADD t /t\n", &[&file], &[]);
    };
    tool("one");
    line.app(
        "FROM {}tool:1 AS build\nFROM {}nowhere:1 AS unused\nFROM {}base:1\nCOPY --from=build /t /t\n",
        &[],
        DOCKER,
    );
    let unknown = [
        "unknown",
        "base:1 fresh layers-match layers",
        "tool:1 unknown no-trace -",
    ];
    assert_eq!(line.look("app:1").await, unknown);
    tool("two");
    assert_eq!(line.look("app:1").await, unknown);
    line.base("two");
    let stale = line.look("app:1").await;
    assert_eq!(stale[..2], ["stale", "base:1 stale older-layers layers"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_scratch_and_copied_is_unknown_unless_the_commit_tells() {
    let Some(line) = Line::new().await else {
        return;
    };
    line.base("one");
    let file = "FROM scratch\nCOPY --from={}base:1 /a /a\n";
    line.app(file, &[], &[]);
    let unknown = ["unknown", "base:1 unknown no-trace -"];
    assert_eq!(line.look("app:1").await, unknown);
    line.base("two");
    assert_eq!(line.look("app:1").await, unknown);
    // A pin, and a label that says from which commit it was built.
    let digest = line.look_in("base:1", None).await.digest.expect("a digest");
    let pinned = file.replace("base:1", &format!("base:1@{digest}"));
    let commit = line
        .world
        .commit("app", "Dockerfile", &line.dockerfile(&pinned));
    let label = format!("org.opencontainers.image.revision={commit}");
    line.publish_with("app:1", &pinned, &[], &["--label", &label], &[]);
    let fresh = ["fresh", "base:1 fresh same-digest git-pin"];
    assert_eq!(line.look("app:1").await, fresh);
    // The pin is read at the commit of the image, not at the head.
    line.base("three");
    let stale = ["stale", "base:1 stale other-content git-pin"];
    assert_eq!(line.look("app:1").await, stale);
    let digest = line.look_in("base:1", None).await.digest.expect("a digest");
    let moved = file.replace("base:1", &format!("base:1@{digest}"));
    line.world
        .commit("app", "Dockerfile", &line.dockerfile(&moved));
    assert_eq!(line.look("app:1").await, stale);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_stale_platform_of_an_index_makes_the_image_stale() {
    let Some(line) = Line::new().await else {
        return;
    };
    let base = |arm: &str| {
        let arm = format!("a={arm}");
        let platforms: [(&str, &[&str]); 2] =
            [("linux/amd64", &["a=amd"]), ("linux/arm64", &[&arm])];
        let name = line.name("base:1");
        line.builder
            .publish_index(&name, "FROM scratch\nADD a /a\n", &platforms);
    };
    base("one");
    line.world.repo("app", &line.dockerfile(CHILD));
    let platforms: [(&str, &[&str]); 2] =
        [("linux/amd64", &["c=app"]), ("linux/arm64", &["c=app"])];
    let name = line.name("app:1");
    line.builder
        .publish_index(&name, &line.dockerfile(CHILD), &platforms);
    let codes = |report: &FreshnessReport| -> Vec<(String, &'static str)> {
        let rows = report.platforms.iter();
        let platform = |row: &imagebot::run::PlatformReport| row.platform.clone();
        rows.map(|row| (platform(row).unwrap_or_default(), row.answer))
            .collect()
    };
    let both = |amd, arm| {
        vec![
            ("linux/amd64".to_owned(), amd),
            ("linux/arm64".to_owned(), arm),
        ]
    };
    let report = line.look_in("app:1", None).await;
    assert_eq!(codes(&report), both("fresh", "fresh"), "{report:#?}");
    assert_eq!(report.answer, "fresh");
    base("two");
    let report = line.look_in("app:1", None).await;
    assert_eq!(codes(&report), both("fresh", "stale"), "{report:#?}");
    assert_eq!(report.answer, "stale");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_that_is_inherited_is_not_believed() {
    let Some(line) = Line::new().await else {
        return;
    };
    let deep = |contents: &str| {
        let file = format!("d={contents}");
        line.publish("deep:1", "FROM scratch\nADD d /d\n", &[&file], DOCKER);
    };
    deep("one");
    let digest = line.look_in("deep:1", None).await.digest.expect("a digest");
    // The base's builder says in labels what it stands on; its children inherit them.
    let base = format!(
        "FROM {{}}deep:1\nADD a /a\nLABEL org.opencontainers.image.base.name={{}}deep:1\nLABEL org.opencontainers.image.base.digest={digest}\n"
    );
    line.world.repo("base", &line.dockerfile(&base));
    line.publish("base:1", &base, &["a=one"], DOCKER);
    line.app(CHILD, &[], DOCKER);
    let of_base = ["fresh", "deep:1 fresh same-digest annotation"];
    assert_eq!(line.look("base:1").await, of_base);
    let fresh = ["fresh", "base:1 fresh layers-match layers"];
    assert_eq!(line.look("app:1").await, fresh);
    deep("two");
    assert_eq!(line.look("base:1").await[0], "stale");
    assert_eq!(line.look("app:1").await, fresh);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_parents_configuration_has_changed() {
    let Some(line) = Line::new().await else {
        return;
    };
    let base = |env: &str| {
        let file = format!("FROM scratch\nADD a /a\nENV X={env}\n");
        let same = ["--timestamp", "0"];
        line.publish_with("base:1", &file, &["a=one"], &same, DOCKER);
    };
    base("1");
    line.app(CHILD, &[], DOCKER);
    let fresh = ["fresh", "base:1 fresh layers-match layers"];
    assert_eq!(line.look("app:1").await, fresh);
    base("2");
    let stale = ["stale", "base:1 stale metadata-changed history"];
    assert_eq!(line.look("app:1").await, stale);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_parents_steps_from_another_build_need_no_memory() {
    let Some(line) = Line::new().await else {
        return;
    };
    let base = |time: &str| {
        let file = "FROM scratch\nADD a /a\n";
        let at = ["--timestamp", time];
        line.publish_with("base:1", file, &["a=one"], &at, DOCKER);
    };
    base("1000");
    line.app(CHILD, &[], DOCKER);
    base("2000");
    let stale = ["stale", "base:1 stale older-steps history"];
    assert_eq!(line.look("app:1").await, stale);
    // Squashed, the steps are not told any more.
    line.publish_with("app:1", CHILD, &["c=app"], &["--squash"], DOCKER);
    base("3000");
    let unknown = ["unknown", "base:1 unknown no-shared-layers -"];
    assert_eq!(line.look("app:1").await, unknown);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p15_a_second_run_asks_for_the_digests_of_tags_only() {
    let Some(line) = Line::new().await else {
        return;
    };
    line.base("one");
    line.app(CHILD, &[], &[]);
    let Server::Open(registry) = &*line.world.server else {
        panic!("a real registry")
    };
    let asked_since = |before: usize| registry.log().split_off(before);
    let before = registry.log().len();
    let first = line.look("app:1").await;
    let requests = asked_since(before);
    // Of each image its tag's digest, the manifest and the configuration: no layer.
    let gets = requests
        .iter()
        .filter(|line| line.starts_with("GET /v2/acme/"));
    assert_eq!(gets.count(), 4, "{requests:#?}");
    let before = registry.log().len();
    assert_eq!(line.look("app:1").await, first);
    assert_eq!(
        asked_since(before),
        [
            "HEAD /v2/acme/app/manifests/1",
            "HEAD /v2/acme/base/manifests/1"
        ]
    );
    // However many images stand on a base, its tag is asked for once.
    let before = registry.log().len();
    line.look_at(&["app:1", "app:1", "base:1"], None).await;
    let requests = asked_since(before);
    assert_eq!(requests.len(), 2, "{requests:#?}");
    // Moved: the new base is read, and nothing else.
    line.base("two");
    let before = registry.log().len();
    assert_eq!(line.look("app:1").await[0], "stale");
    let requests = asked_since(before);
    let gets = requests.iter().filter(|line| line.starts_with("GET "));
    assert_eq!(gets.count(), 2, "{requests:#?}");
}

/// What is published counts in the graph, where that is asked for: files that want nothing say nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_graph_knows_what_is_published() {
    let Some(line) = Line::new().await else {
        return;
    };
    line.world.configure_family("[[rule]]\ndigest = \"off\"\n");
    line.world.repo("base", "FROM scratch\n");
    line.base("one");
    line.app(CHILD, &[], &[]);
    let states = async |published: bool| -> Vec<(String, ImageState, Option<&'static str>)> {
        let setup = Arc::new(line.world.set_up(None).await.expect("a set-up"));
        let family_graph = family_graph(&setup, &line.world.options(None), published).await;
        let nodes = family_graph.nodes.into_iter();
        nodes
            .map(|node| {
                let name = node.image.unwrap_or_default();
                (name.replace(&line.name(""), ""), node.state, node.freshness)
            })
            .collect()
    };
    let named = |name: &str, state, freshness| (name.to_owned(), state, freshness);
    let fresh = Some("fresh");
    assert_eq!(
        states(true).await,
        [
            named("base", ImageState::Current, fresh),
            named("app", ImageState::Current, fresh)
        ]
    );
    line.base("two");
    assert_eq!(
        states(true).await,
        [
            named("base", ImageState::Current, fresh),
            named("app", ImageState::Stale, Some("stale"))
        ]
    );
    assert_eq!(
        states(false).await[1],
        named("app", ImageState::Current, None)
    );
}

/// An image that cannot be looked at stops no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn p15_an_error_is_one_images_and_never_fatal() {
    let Some(line) = Line::new().await else {
        return;
    };
    line.base("one");
    line.app(CHILD, &[], &[]);
    line.world.repo("lost", &line.dockerfile("FROM {}gone:1\n"));
    line.publish("lost:1", CHILD, &["c=lost"], &[]);
    let setup = Arc::new(line.world.set_up(None).await.expect("a set-up"));
    let publishers = publishers(&setup, None).await;
    let subject = |name: &str| {
        let reference = Reference::parse(&line.name(name)).expect("a reference");
        publishers.of_image(&setup, &reference)
    };
    let mut subjects = vec![subject("nothing:1"), subject("lost:1"), subject("app:1")];
    let elsewhere = Reference::parse("other.example/app:1").expect("a reference");
    subjects.push(publishers.of_image(&setup, &elsewhere));
    let reports = freshness(&setup, subjects, line.world.now(), &|_, _| ()).await;
    let told: Vec<Vec<String>> = reports.iter().map(|report| line.lines(report)).collect();
    assert_eq!(
        told,
        [
            vec!["unknown", "- - unknown not-published -"],
            vec!["unknown", "gone:1 unknown parent-vanished -"],
            vec!["fresh", "base:1 fresh same-digest annotation"],
            vec!["unknown", "- - unknown registry-not-configured -"],
        ]
    );
    // A repository without a tag: the newest version.
    let of_repo = publishers.of_repo(&imagebot::repo::RepoName::parse("app").expect("a name"));
    let reports = freshness(
        &setup,
        of_repo.expect("registered"),
        line.world.now(),
        &|_, _| (),
    )
    .await;
    let tags: Vec<_> = reports.iter().map(|report| report.tag.as_deref()).collect();
    assert_eq!(tags, [Some("1")]);
}
