//! `run`, `check`, `update`, `mr`, `demo`: the commands that do the work.

use super::docker_registry::{DockerRegistry, PASSWORD, USER};
use super::fake_registry::FakeRegistry;
use super::place::{Place, Ran};
use imagebot::image::Digest;
use insta::assert_snapshot;
use serde_json::json;
use std::os::unix::fs::PermissionsExt as _;

/// A place with a registry, a repository `app` on `base:1.0.0`, and a configuration that names both.
pub(crate) struct Bot {
    pub(crate) place: Place,
    pub(crate) fake: FakeRegistry,
    first: Digest,
}

impl Bot {
    pub(crate) async fn new() -> Self {
        let fake = FakeRegistry::start().await;
        let push = |tag| {
            fake.push(
                "base",
                tag,
                json!({"org.opencontainers.image.source": "https://example.com/base"}),
            )
        };
        let first = push("1.0.0");
        push("1.1.0");
        push("2.0.0-rc1");
        let place = Place::new();
        let host = fake.address();
        place.write(
            "config.toml",
            format!(
                "cache = \"cache\"\npublic_registries = false\n\n[[forge]]\nkind = \"local\"\npath = \"repos\"\n\n\
                 [[registry]]\nhost = \"{host}\"\nplain_http = true\n"
            ),
        );
        let bot = Self { place, fake, first };
        bot.repo("app", &bot.dockerfile());
        bot
    }

    fn dockerfile(&self) -> String {
        format!(
            "FROM {}/base:1.0.0@{}\nRUN x\n",
            self.fake.address(),
            self.first
        )
    }

    pub(crate) fn repo(&self, name: &str, dockerfile: &str) {
        let input = format!(
            "commit refs/heads/main\ncommitter a developer <dev@example.com> 1700000000 +0000\ndata 6\nFirst\n\nM 100644 inline Dockerfile\ndata {}\n{dockerfile}\n",
            dockerfile.len()
        );
        self.place.write("input", input);
        let line = format!(
            "mkdir -p repos && git init -q --bare --initial-branch=main repos/{name}.git && git --git-dir repos/{name}.git fast-import --quiet < input"
        );
        self.place.shell(&line).expect(0);
    }

    pub(crate) fn run(&self, args: &[&str]) -> Ran {
        self.place
            .run(&[args, &["--config", "config.toml"]].concat())
    }

    fn refs(&self) -> String {
        let line = "for r in repos/*.git; do echo $r; git --git-dir $r for-each-ref; done";
        let ran = self.place.shell(line).expect(0);
        String::from_utf8(ran.out).expect("text")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_reports_for_people_and_machines() {
    let bot = Bot::new().await;
    bot.repo("other", "FROM elsewhere.invalid/x:1\n");
    assert_snapshot!(bot.run(&["run"]).all(), @r#"
    exit 0
    --- stdout
    app
      opened !1 Update base to 1.1.0 (minor)
        Dockerfile:1 base: 1.0.0@sha256:[SHORT] → 1.1.0@sha256:[SHORT] (minor)
    other
      skipped: Dockerfile:1 elsewhere.invalid/x:1: elsewhere.invalid is not listed [registry-not-configured]
        help:
          [[registry]]
          host = "elsewhere.invalid"
    2 repositories, 2 references: 1 update, 1 skipped
    merge requests: 1 opened
    "#);
    assert_snapshot!(bot.run(&["run"]).all(), @r#"
    exit 0
    --- stdout
    other
      skipped: Dockerfile:1 elsewhere.invalid/x:1: elsewhere.invalid is not listed [registry-not-configured]
        help:
          [[registry]]
          host = "elsewhere.invalid"
    2 repositories, 2 references: 1 update, 1 skipped
    merge requests: 1 unchanged
    -v lists the merge requests that did not change
    "#);
    let ran = bot.run(&["run", "--format", "json"]).expect(0);
    let report = ran.json();
    assert_eq!(
        (&report["version"], &report["dry_run"]),
        (&json!(1), &json!(false))
    );
    assert_eq!(
        report["repositories"][0]["proposals"][0]["status"],
        "unchanged"
    );
    assert_eq!(ran.stderr, "", "people are told only in the human form");
    let ran = bot
        .run(&["run", "--format", "json", "--repo", "oth*"])
        .expect(0);
    let repos = ran.json()["repositories"].as_array().map(Vec::len);
    assert_eq!(repos, Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_writes_summaries_for_ci_jobs() {
    let bot = Bot::new().await;
    let from = format!(
        "FROM {}/now`here:1\nFROM {}/nowhere:1\n",
        "x",
        bot.fake.address()
    );
    bot.repo("hurt", &from);
    assert_snapshot!(bot.run(&["run", "--format", "markdown"]).stdout, @r"
    ### imagebot

    2 repositories, 3 references: 1 update, 1 skipped, 1 could not be checked  
    merge requests: 1 opened

    | repository | merge request | changes |
    |---|---|---|
    | `app` | opened !1 `Update base to 1.1.0 (minor)` | `Dockerfile:1 base: 1.0.0@sha256:[SHORT] → 1.1.0@sha256:[SHORT] (minor)` |

    | repository | problem | code |
    |---|---|---|
    | `hurt` | `Dockerfile:2` `[HOST]/nowhere:1: image not found on [HOST], or this login cannot see it` | `lookup-failed` |
    ");
    let junit = bot.run(&["run", "--dry-run", "--format", "junit"]).stdout;
    assert_snapshot!(junit, @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuite name="imagebot" tests="2" failures="1" skipped="0">
      <testcase classname="imagebot" name="app">
      </testcase>
      <testcase classname="imagebot" name="hurt">
        <failure message="Dockerfile:2: [HOST]/nowhere:1: image not found on [HOST], or this login cannot see it [lookup-failed]">Dockerfile:2: [HOST]/nowhere:1: image not found on [HOST], or this login cannot see it [lookup-failed]</failure>
      </testcase>
    </testsuite>
    "#);
    let totals = bot.run(&["run", "--format", "json"]).json()["totals"].clone();
    assert_eq!(totals["merge_requests"], json!({"unchanged": 1}));
    assert_eq!(totals["failed_repositories"], json!(1));
    let quiet = bot.run(&["run", "-q", "--fail-on", "never"]);
    assert!(
        quiet.stdout.starts_with("hurt\n  could not check: "),
        "{}",
        quiet.stdout
    );
    assert_eq!(quiet.stdout.lines().count(), 2, "{}", quiet.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn diff_compares_two_images() {
    let bot = Bot::new().await;
    let image = |tag: &str| format!("{}/base:{tag}", bot.fake.address());
    let (old, new) = (image("1.0.0"), image("1.1.0"));
    assert_snapshot!(bot.run(&["diff", &old, &new]).all(), @r"
    exit 0
    --- stdout
    [HOST]/base:1.0.0 → [HOST]/base:1.1.0
      layers: 0 of 1 are in both
    ");
    let json = bot.run(&["diff", &old, &new, "--format", "json"]).json();
    assert_eq!(json["version"], 1);
    assert_snapshot!(bot.run(&["diff", &old, &image("9.9")]).all(), @r"
    exit 1
    --- stderr
    error: [HOST]/base:9.9 does not exist, or this login may not see it [not-found]
    ");
    assert_snapshot!(bot.run(&["diff", &old, "elsewhere.invalid/x:1"]).all(), @r#"
    exit 1
    --- stderr
    error: elsewhere.invalid is not a listed registry, so it is not contacted [registry-not-configured]
    help: [[registry]]
    host = "elsewhere.invalid"
    "#);
    bot.run(&["diff", &old, "not an image"]).expect(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_says_why_a_tag_is_not_proposed() {
    let bot = Bot::new().await;
    bot.place.write("work/Dockerfile", bot.dockerfile());
    for tag in ["2.0.0-rc1", "1.1.0", "9.9"] {
        let ran = bot.run(&["check", "work", "--why", tag]).expect(0);
        assert!(ran.stdout.contains(&format!("  {tag}: ")), "{}", ran.stdout);
    }
    assert_snapshot!(bot.run(&["check", "work", "--why", "2.0.0-rc1"]).stdout, @r"
    Dockerfile:1 [HOST]/base 1.0.0
      2.0.0-rc1: version 2.0.0 · prerelease rc 1: a prerelease or not released yet, and the policy allows only releases [prerelease]
    ");
    assert_snapshot!(bot.run(&["check", "work", "--why", "9.9"]).stdout, @r"
    Dockerfile:1 [HOST]/base 1.0.0
      9.9: the registry does not list the tag 9.9 [not-listed]
    ");
    let json = bot
        .run(&["check", "app", "--why", "1.1.0", "--format", "json"])
        .json();
    assert_eq!(json["references"][0]["why"]["verdict"], "chosen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn invariant_10_dry_run_and_the_other_lookers_write_nothing() {
    let bot = Bot::new().await;
    bot.place.write("work/Dockerfile", bot.dockerfile());
    let refs = bot.refs();
    let before = bot.place.everything();
    for args in [
        &["run", "--dry-run"][..],
        &["run", "--dry-run", "--format", "json"],
        &["check", "app"],
        &["check", "work", "--all-tags"],
        &["update", "work", "--dry-run"],
        &["mr", "list"],
        &["config", "show"],
    ] {
        bot.run(args).expect(0);
        let mut after = bot.place.everything();
        after.retain(|(path, _)| !path.starts_with(bot.place.path("cache")));
        assert!(after == before, "{args:?} wrote something");
    }
    assert_eq!(bot.refs(), refs);
    let ran = bot.run(&["run", "--dry-run"]).expect(0);
    assert!(ran.stdout.contains("would open Update"), "{}", ran.stdout);
    bot.run(&["run"]).expect(0);
    assert_ne!(bot.refs(), refs, "without it, it does");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn run_exits_1_where_something_failed_and_2_where_nothing_can_be_done() {
    let bot = Bot::new().await;
    bot.repo("hurt", &format!("FROM {}/nowhere:1\n", bot.fake.address()));
    let ran = bot.run(&["run"]).expect(1);
    assert_snapshot!(ran.all(), @r"
    exit 1
    --- stdout
    app
      opened !1 Update base to 1.1.0 (minor)
        Dockerfile:1 base: 1.0.0@sha256:[SHORT] → 1.1.0@sha256:[SHORT] (minor)
    hurt
      could not check: Dockerfile:1 [HOST]/nowhere:1: image not found on [HOST], or this login cannot see it [lookup-failed]
    2 repositories, 2 references: 1 update, 1 could not be checked
    merge requests: 1 opened
    ");
    let empty = Place::new();
    let ran = empty.run(&["run"]).expect(2);
    assert_snapshot!(ran.stderr, @r"
    error: no configuration found: none of ./imagebot-config.toml, ./config.toml, [DIR]/home/.config/imagebot/config.toml, /etc/imagebot/config.toml is one
    help: `imagebot init --operator` writes a commented one; name it with --config FILE or IMAGEBOT_CONFIG
    ");
    let ran = bot
        .place
        .run(&["run", "--config", "nowhere.toml"])
        .expect(2);
    assert_snapshot!(ran.stderr, @r#"
    error: the configuration nowhere.toml cannot be read: No such file or directory (os error 2)
    "#);
    bot.run(&["run", "--repo", "["]).expect(2);
    bot.place.write(
        "config.toml",
        "[[forge]]\nkind = \"local\"\npath = \"gone\"\n",
    );
    let ran = bot.run(&["run"]).expect(1);
    assert!(ran.stdout.contains("forge-unreachable"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_shows_the_whole_trace_of_a_folder_and_of_a_repository() {
    let bot = Bot::new().await;
    bot.place.write("work/Dockerfile", bot.dockerfile());
    assert_snapshot!(bot.run(&["check", "work", "--all-tags"]).all(), @r"
    exit 0
    --- stdout
    Dockerfile:1 from
      | FROM [HOST]/base:1.0.0@sha256:[DIGEST]
      update: The registry has a newer tag [new-tag]
      → 1.1.0@sha256:[SHORT] (minor)
        step: 1.0.0 is parsed as version 1.0.0 (scheme auto)
        step: [HOST]/base has 3 tags
        step: 1.1.0 is chosen (minor): sha256:[SHORT]
        1.1.0      chosen      version 1.1.0: the next tag
        2.0.0-rc1  prerelease  version 2.0.0 · prerelease rc 1: a prerelease or not released yet, and the policy allows only releases
        1.0.0      current     version 1.0.0: the tag in use

    merge request would open: Update base to 1.1.0 (minor)
      on imagebot/[KEY]
      Dockerfile:1 base: 1.0.0@sha256:[SHORT] → 1.1.0@sha256:[SHORT] (minor)
    work: 1 reference: 1 update
    ");
    let repo = bot.run(&["check", "app"]).expect(0);
    let path = bot.run(&["check", "path:work"]).expect(0);
    assert!(repo.stdout.contains("new-tag") && path.stdout.contains("new-tag"));
    let value = bot
        .run(&["check", "app", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(value["references"][0]["reason"], "new-tag");
    assert_eq!(value["references"][0]["verdicts"], json!([]));
    let value = bot
        .run(&["check", "app", "--all-tags", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(
        value["references"][0]["verdicts"].as_array().map(Vec::len),
        Some(3)
    );
    let ran = bot.run(&["check", "nobody"]).expect(2);
    assert_snapshot!(ran.stderr, @r#"
    error: nobody is not registered: no [[forge]] of the configuration lists it
    help: `imagebot repos list` shows the registered repositories; for a folder, write ./nobody
    "#);
    // A single file whatever its name, and one whose registry does not answer.
    bot.place.write("work/build.txt", bot.dockerfile());
    let ran = bot.run(&["check", "work/build.txt"]).expect(0);
    assert!(ran.stdout.contains("new-tag"), "{}", ran.stdout);
    bot.fake
        .fail("GET", 100, super::fake_registry::Fault::status(403));
    let ran = bot.run(&["check", "work"]).expect(1);
    assert!(ran.stdout.contains("[lookup-failed]"), "{}", ran.stdout);
}

#[tokio::test(flavor = "multi_thread")]
async fn update_leaves_what_a_comment_excludes() {
    let bot = Bot::new().await;
    let text = bot.dockerfile();
    let from = text.lines().next().unwrap();
    let place = &bot.place;
    let twins = |second: &str| format!("{from} AS a\n# imagebot: {second}\n{from} AS b\n");
    place.write("work/Dockerfile", twins("ignore"));
    bot.run(&["update", "work"]).expect(0);
    let after = place.read("work/Dockerfile");
    let lines: Vec<&str> = after.lines().collect();
    assert!(lines[0].contains("base:1.1.0@sha256:"), "{after}");
    assert_eq!(lines[2], format!("{from} AS b"), "{after}");
    place.write("work/Dockerfile", twins("maximum=1"));
    let ran = bot.run(&["update", "work"]).expect(1);
    assert!(ran.stderr.contains("bad-note"), "{}", ran.stderr);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn update_writes_keeps_modes_and_refuses_links() {
    let bot = Bot::new().await;
    let text = bot.dockerfile();
    let place = &bot.place;
    place.write("work/Dockerfile", &text);
    place.write("work/sub/app.Dockerfile", &text);
    place.write("victim", &text);
    let mode = |path: &str| {
        let metadata = std::fs::metadata(place.path(path)).expect("the file");
        metadata.permissions().mode() & 0o777
    };
    let chmod = |path: &str, mode: u32| {
        std::fs::set_permissions(place.path(path), std::fs::Permissions::from_mode(mode))
            .expect("set");
    };
    chmod("work/Dockerfile", 0o754);
    std::os::unix::fs::symlink(place.path("victim"), place.path("work/Dockerfile.link"))
        .expect("a link");
    assert_snapshot!(bot.run(&["update", "work", "--dry-run"]).all(), @r"
    exit 0
    --- stdout
    Dockerfile:1 base: 1.0.0@sha256:[SHORT] → 1.1.0@sha256:[SHORT] (minor)
    sub/app.Dockerfile:1 base: 1.0.0@sha256:[SHORT] → 1.1.0@sha256:[SHORT] (minor)
    --- stderr
    2 changes would be made
    ");
    assert_eq!(place.read("work/Dockerfile"), text);
    bot.run(&["update", "work"]).expect(0);
    for path in ["work/Dockerfile", "work/sub/app.Dockerfile"] {
        assert!(place.read(path).contains("base:1.1.0@sha256:"), "{path}");
        assert!(place.read(path).ends_with("\nRUN x\n"));
    }
    assert_eq!(
        (mode("work/Dockerfile"), mode("work/sub/app.Dockerfile")),
        (0o754, 0o644)
    );
    assert_eq!(place.read("victim"), text, "no link is followed");
    let ran = bot.run(&["update", "work"]).expect(0);
    assert!(ran.stderr.contains("0 changes made"), "{}", ran.stderr);
    // A link that is named is refused, and left alone.
    std::os::unix::fs::symlink(place.path("victim"), place.path("Dockerfile")).expect("a link");
    bot.run(&["update", "Dockerfile"]).expect(2);
    assert_eq!(place.read("victim"), text);
    bot.run(&["update", "nowhere"]).expect(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn update_goes_on_after_a_file_that_cannot_be_written_and_says_which_are() {
    let bot = Bot::new().await;
    let text = bot.dockerfile();
    let long = format!("{text}{}", "# a comment of some length\n".repeat(20_000));
    bot.place.write("work/a/Dockerfile", &long);
    bot.place.write("work/b/Dockerfile", &text);
    // A limit on the size of files, which also holds for root.
    let line = "trap '' XFSZ; ulimit -f 500; imagebot update work --config config.toml";
    let ran = bot.place.shell(line).expect(1);
    assert!(bot.place.read("work/b/Dockerfile").contains("base:1.1.0@"));
    assert_eq!(bot.place.read("work/a/Dockerfile"), long);
    assert!(ran.stdout.starts_with("b/Dockerfile:1 "), "{}", ran.all());
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.all());
    for said in [
        "work/a/Dockerfile cannot be written",
        "1 change made",
        "1 change not made",
    ] {
        assert!(ran.stderr.contains(said), "{said}: {}", ran.all());
    }
    bot.run(&["update", "work"]).expect(0);
    assert!(bot.place.read("work/a/Dockerfile").contains("base:1.1.0@"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_checked_moves_no_turn_of_look_ups() {
    let bot = Bot::new().await;
    bot.fake.push("other", "1.0.0", json!({}));
    let (config, host) = (bot.place.read("config.toml"), bot.fake.address());
    bot.place
        .write("config.toml", format!("{config}\n[budget]\nlookups = 1\n"));
    let text = format!("FROM {host}/base:1.0.0\nFROM {host}/other:1.0.0\n");
    bot.place.write("work/Dockerfile", text);
    let first = bot.run(&["check", "work"]);
    assert!(first.stdout.contains("over-budget"), "{}", first.all());
    for _ in 0..2 {
        assert_eq!(bot.run(&["check", "work"]).stdout, first.stdout);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mr_says_why_a_registered_repository_cannot_be_read() {
    let bot = Bot::new().await;
    bot.run(&["run"]).expect(0);
    bot.place
        .shell("git --git-dir repos/app.git symbolic-ref HEAD refs/heads/gone")
        .expect(0);
    for command in ["show", "merge", "close"] {
        let ran = bot.run(&["mr", command, "app", "1"]).expect(2);
        assert!(ran.stderr.contains("app cannot be read"), "{}", ran.all());
        assert!(!ran.stderr.contains("is not registered"), "{}", ran.all());
    }
    let ran = bot.run(&["mr", "show", "nope", "1"]).expect(2);
    assert!(
        ran.stderr.contains("nope is not registered"),
        "{}",
        ran.all()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mr_plays_the_reviewer() {
    let bot = Bot::new().await;
    bot.run(&["run"]).expect(0);
    assert_snapshot!(bot.run(&["mr", "list"]).all(), @r"
    exit 0
    --- stdout
    app  !1  open  -  Update base to 1.1.0 (minor)
    ");
    let shown = bot.run(&["mr", "show", "app", "1"]).expect(0).stdout;
    let state = regex::Regex::new("imagebot:state [^ ]+|begin [0-9a-f]+").expect("a pattern");
    assert_snapshot!(state.replace_all(&shown, "[STATE]"), @r"
    app !1 (open)
    Update base to 1.1.0 (minor)
    imagebot/[KEY] → main
    labels: imagebot

    <!-- imagebot:[STATE] -->
    | image | from | to | change | where |
    |---|---|---|---|---|
    | `[HOST]/base` | `1.0.0@sha256:[DIGEST]` | `1.1.0@sha256:[DIGEST]` | minor | `Dockerfile:1` |

    Why:

    - `[HOST]/base`: `1.1.0` is the newest that the policy allows here

    What changed in the images:

    - `[HOST]/base`: built on 2026-11-01, the one before on 2026-11-01
      - 0 of 1 layers unchanged
      - labels: source <https://example.com/base>

    Close this merge request to skip these versions; reopen it to get them back. Push to its branch to take it over: imagebot then stops updating it. The label `imagebot:rebase` keeps the branch rebased on its target, `imagebot:stop` stops all changes by imagebot.
    <!-- [STATE] -->
    <!-- imagebot:end -->
    ");
    let value = bot
        .run(&["mr", "list", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(
        (
            &value["merge_requests"][0]["number"],
            &value["merge_requests"][0]["state"]
        ),
        (&json!(1), &json!("open"))
    );
    bot.run(&["mr", "merge", "app", "1"]).expect(0);
    let ran = bot.run(&["mr", "merge", "app", "1"]).expect(2);
    assert_snapshot!(ran.stderr, @r#"
    error: !1 of app is merged
    "#);
    assert_eq!(bot.run(&["mr", "list"]).expect(0).stdout, "");
    assert!(
        bot.run(&["mr", "list", "--all"])
            .expect(0)
            .stdout
            .contains("merged")
    );
    bot.fake.push("base", "1.2.0", json!({}));
    bot.run(&["run"]).expect(0);
    bot.run(&["mr", "close", "app", "2"]).expect(0);
    let ran = bot.run(&["run"]).expect(0);
    assert!(ran.stdout.contains("1 closed by someone"), "{}", ran.stdout);
    let ran = bot.run(&["run", "-v"]).expect(0);
    assert!(ran.stdout.contains("  declined Update"), "{}", ran.stdout);
    bot.run(&["mr", "reopen", "app", "2"]).expect(0);
    let ran = bot.run(&["run"]).expect(0);
    assert!(ran.stdout.contains("1 unchanged"), "{}", ran.stdout);
    for args in [
        ["show", "app", "9"],
        ["merge", "nobody", "1"],
        ["close", "app", "x"],
    ] {
        bot.run(&[&["mr"][..], &args].concat()).expect(2);
    }
}

#[tokio::test]
async fn t8_a_login_from_the_environment_goes_nowhere_but_to_its_registry() {
    let Some(registry) = DockerRegistry::start(true) else {
        return;
    };
    let mut place = Place::new();
    place.set("REGISTRY_PASSWORD", PASSWORD);
    place.write(
        "config.toml",
        format!(
            "cache = \"cache\"\npublic_registries = false\n[[registry]]\nhost = \"{}\"\nplain_http = true\n\
             login = {{ username = \"{USER}\", password = {{ env = \"REGISTRY_PASSWORD\" }} }}\n",
            registry.address()
        ),
    );
    let image = format!("{}/nothing:1", registry.address());
    // -vvv logs everything that there is to log.
    for args in [
        &["tags", &image, "--config", "config.toml", "-vvv"][..],
        &[
            "registry",
            "doctor",
            &image,
            "--config",
            "config.toml",
            "-vvv",
        ],
    ] {
        let ran = place.run(args).expect(1);
        assert!(!ran.stderr.is_empty());
        assert!(!ran.all().contains("unauthorized"), "{}", ran.all());
    }
    place.set("REGISTRY_PASSWORD", "CANARY-wrong");
    let ran = place
        .run(&["tags", &image, "--config", "config.toml", "-vvv"])
        .expect(1);
    assert!(ran.stderr.contains("unauthorized"), "{}", ran.stderr);
}

#[test]
fn demo_goes_through_no_proxy_and_says_what_a_system_without_certificates_lacks() {
    let mut place = Place::new();
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        place.set(name, "http://127.0.0.1:1");
    }
    let ran = place.run(&["demo", "--generations", "2"]).expect(0);
    let published = "a new base is published: acme/base:1.1.0";
    assert!(ran.stdout.contains(published), "{}", ran.all());
    for name in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
        place.set(name, "/nonexistent");
    }
    let ran = place.run(&["demo"]).expect(2);
    assert!(ran.stderr.contains("CA certificates"), "{}", ran.all());
    assert!(ran.stderr.contains("help: install"), "{}", ran.all());
}

#[test]
fn demo_tells_the_story_and_keeps_what_it_is_told_to_keep() {
    let place = Place::new();
    let ran = place.run(&["demo", "--keep", "kept"]).expect(0);
    assert_snapshot!(ran.all(), @r"
    exit 0
    --- stdout
    a family of 3 repositories:
      base from scratch
      ruby on base
      app on ruby
    each has a Dockerfile built on its parents' images, and CI that tests, builds and publishes

    a new base is published: acme/base:1.1.0 (sha256:[SHORT])

    pass 1 of imagebot
      ruby !1 opened: Update acme/base to 1.1.0 (minor)
          Dockerfile acme/base: 1.0.0@sha256:[SHORT] → 1.1.0@sha256:[SHORT]
      ruby !1 tested by the CI of ruby: green
      ruby !1 merged
      the CI of ruby built and published acme/ruby:1.0.1 on acme/base:1.1.0@sha256:[SHORT]

    pass 2 of imagebot
      app !1 opened: Update acme/ruby to 1.0.1 (patch)
          Dockerfile acme/ruby: 1.0.0@sha256:[SHORT] → 1.0.1@sha256:[SHORT]
      app !1 tested by the CI of app: green
      app !1 merged
      the CI of app built and published acme/app:1.0.1 on acme/ruby:1.0.1@sha256:[SHORT]

    pass 3 of imagebot
      nothing to propose

    builds done: 2, builds needed: 2

    to explore:
      git --git-dir [DIR]/kept/repos/app.git log -p main
      imagebot mr list --all --config [DIR]/kept/config.toml
    to start its registry again, in another terminal:
      imagebot demo --keep [DIR]/kept
    and then:
      imagebot graph --config [DIR]/kept/config.toml
      imagebot check app --config [DIR]/kept/config.toml
      imagebot run --config [DIR]/kept/config.toml
    ");
    assert!(place.path("kept/repos/app.git/HEAD").exists());
    std::fs::create_dir_all(place.path("full/of")).unwrap();
    let ran = place.run(&["demo", "--keep", "full"]).expect(2);
    assert!(ran.stderr.contains("is not empty"), "{}", ran.stderr);
    let ran = place.run(&["demo", "--fail", "nobody"]).expect(2);
    assert_snapshot!(ran.stderr, @r#"
    error: unknown repository "nobody": this demo has base, ruby, app
    "#);
    for (more, builds) in [
        (&["--diamond"][..], "builds done: 3, builds needed: 3"),
        (
            &["--diamond", "--fail", "node"],
            "builds done: 4, builds needed: 4",
        ),
        (&["--fail", "ruby"], "builds done: 2, builds needed: 2"),
        (&["--generations", "6"], "builds done: 5, builds needed: 5"),
        (&["--monorepo"], "builds done: 3, builds needed: 3"),
    ] {
        let arguments = [&["demo"], more].concat();
        let ran = place.run(&arguments).expect(0);
        assert!(ran.stdout.contains(builds), "{more:?}\n{}", ran.stdout);
    }
    let ran = place.run(&["demo", "--diamond"]).expect(0);
    assert!(
        ran.stdout.contains("app: acme/ruby waits for node"),
        "{}",
        ran.stdout
    );
    let ran = place
        .run(&["demo", "--keep", "red", "--fail", "ruby"])
        .expect(0);
    assert!(ran.stdout.contains("builds done: 0"), "{}", ran.stdout);
    assert!(ran.stdout.contains("ruby is red"), "{}", ran.stdout);
    let red = "  nothing to propose; ruby !1 is open and red\n";
    assert_eq!(ran.stdout.matches("nothing to propose").count(), 1);
    assert!(ran.stdout.contains(red), "{}", ran.stdout);
}

#[test]
fn graph_draws_the_family_also_when_its_registry_is_silent() {
    let place = Place::new();
    place
        .run(&["demo", "--keep", "kept", "--diamond"])
        .expect(0);
    let draw = |more: &[&str]| {
        let arguments = [&["graph", "--config", "kept/config.toml"], more].concat();
        place.run(&arguments)
    };
    // Nothing is up to date that could not be looked at.
    let tree = draw(&[]).expect(1).stdout;
    assert_eq!(tree.matches("unknown").count(), 4, "{tree}");
    assert!(
        tree.contains("(see above)") || tree.matches("acme/app").count() == 2,
        "{tree}"
    );
    let part = draw(&["ruby", "--down"]).expect(1).stdout;
    assert!(
        part.contains("acme/app") && !part.contains("acme/node"),
        "{part}"
    );
    let part = draw(&["repo:app", "--up"]).expect(1).stdout;
    assert_eq!(part.lines().count(), 5, "{part}");
    let json: serde_json::Value =
        serde_json::from_str(&draw(&["--format", "json"]).expect(1).stdout).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["edges"].as_array().unwrap().len(), 4);
    assert_eq!(json["nodes"][3]["repo"], "app");
    assert_eq!(json["nodes"][3]["generation"], 2);
    for (format, expect) in [
        ("dot", "digraph family {"),
        ("mermaid", "flowchart LR"),
        ("svg", "<svg xmlns="),
    ] {
        let drawn = draw(&["--format", format]).expect(1).stdout;
        assert!(
            drawn.starts_with(expect) && drawn.contains("acme/node"),
            "{drawn}"
        );
    }
    let svg = draw(&["--format", "svg"]).expect(1).stdout;
    assert_eq!(svg.matches("<path").count(), 4);
    let lost = draw(&["nobody"]).expect(2).stderr;
    assert!(lost.contains("named \"nobody\" in the family"), "{lost}");
}
