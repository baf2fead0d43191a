//! The life of a merge request under the operator's rules, on every forge.

use super::forge::On;
use super::world::{World, of, problems, statuses};
use imagebot::repo::{CiStatus, MergeRequestState};

on_every_forge!(
    f16_a_deleted_branch_is_declined_until_there_is_a_newer_version,
    f17_f18_the_target_moved_without_and_with_a_conflict,
    f19_the_default_branch_is_renamed,
    f20_what_was_proposed_is_there_already,
    f21_another_target_is_a_persons_choice,
    labels_that_people_remove_stay_away_and_new_ones_are_added,
    a_label_stops_and_another_keeps_it_on_top,
    min_age_holds_back_and_takes_nothing_back,
    t39_limits_hold_back_and_say_so,
    templates_are_the_operators,
    f50_broken_settings_are_told_once_on_the_repository,
    automerge_waits_for_a_pipeline_and_merges_its_own_commit,
    t35_a_persons_commit_is_not_merged,
    t35_what_was_scheduled_is_called_off,
    t36_nothing_is_merged_that_may_be_minutes_old,
    f59_a_push_rule_is_told_with_its_cure,
);

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

async fn f16_a_deleted_branch_is_declined_until_there_is_a_newer_version(on: On) {
    let world = world(on, "").await;
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    world.reset("app", &source, None);
    for round in 0..3 {
        if round == 1 {
            world.forget();
        }
        // Where the server closes it by itself, it is closed; where it stays open, it is left alone.
        let report = world.pass().await;
        // GitLab closes it a little later; until then its list shows the head that was, and nothing is written on that.
        let expect = match (on, round) {
            (On::GitLab, 0) => "unchanged",
            _ => "declined",
        };
        assert_eq!(statuses(&report, "app"), [expect], "{round}");
        assert_eq!(world.head("app", &source), None, "not written again");
    }
    world.push("base", "1.2.0").await;
    world.pass().await;
    assert!(world.mr("app").await.title.ends_with("to 1.2.0 (minor)"));
    assert!(world.head("app", &source).is_some());
}

async fn f17_f18_the_target_moved_without_and_with_a_conflict(on: On) {
    let world = world(on, "").await;
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    let head = world.head("app", &source);
    world.commit("app", "README.md", "hello\n");
    assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
    assert_eq!(world.head("app", &source), head, "no conflict: it stays");
    let text = world.file("app", "main", "Dockerfile");
    world.commit(
        "app",
        "Dockerfile",
        &text.replace("\nRUN x", " AS one\nRUN x"),
    );
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    assert_eq!(world.commits("app", &source).len(), 1, "one commit always");
    let text = world.file("app", &source, "Dockerfile");
    assert!(
        text.contains(":1.1.0@") && text.contains(" AS one"),
        "{text}"
    );
    assert_eq!(world.mr("app").await.number, 1);
}

async fn f19_the_default_branch_is_renamed(on: On) {
    let world = world(on, "").await;
    world.pass().await;
    let before = world.mr("app").await;
    world.forge.rename_default("app", "trunk");
    world.pass().await;
    world.pass().await;
    let mr = world.mr("app").await;
    assert_eq!(mr.target.as_str(), "trunk");
    assert_ne!(mr.number, before.number);
    let all = world.mrs("app").await;
    assert_eq!(all.len(), 2, "{all:#?}");
    assert_eq!(world.head("app", before.source.as_str()), None);
}

async fn f20_what_was_proposed_is_there_already(on: On) {
    let world = world(on, "").await;
    world.pass().await;
    let mr = world.mr("app").await;
    let text = world.file("app", mr.source.as_str(), "Dockerfile");
    world.commit("app", "Dockerfile", &text);
    assert_eq!(statuses(&world.pass().await, "app"), ["close"]);
    assert_eq!(world.mrs("app").await[0].state, MergeRequestState::Closed);
    assert_eq!(world.head("app", mr.source.as_str()), None);
    assert_eq!(statuses(&world.pass().await, "app"), [""; 0]);
}

async fn f21_another_target_is_a_persons_choice(on: On) {
    let world = world(on, "").await;
    world.pass().await;
    let mr = world.mr("app").await;
    let main = world.head("app", "main").expect("a head");
    world.reset("app", "release", Some(&main));
    world.forge.retarget("app", mr.number, "release").await;
    assert_eq!(statuses(&world.pass().await, "app"), ["retargeted"]);
    // Also when nothing is proposed any more.
    let text = world.file("app", mr.source.as_str(), "Dockerfile");
    world.commit("app", "Dockerfile", &text);
    world.forge.writes();
    assert_eq!(statuses(&world.pass().await, "app"), ["retargeted"]);
    assert_eq!(world.forge.writes(), [""; 0]);
    assert_eq!(world.mr("app").await.target.as_str(), "release");
}

async fn labels_that_people_remove_stay_away_and_new_ones_are_added(on: On) {
    let world = world(on, "[defaults]\nlabels = [\"deps\", \"bot\"]\n").await;
    world.pass().await;
    let labels = async || {
        let mut labels = world.mr("app").await.labels;
        labels.sort();
        labels
    };
    assert_eq!(labels().await, ["bot", "deps"]);
    world.forge.label("app", 1, &["bot", "theirs"]).await;
    world.push("base", "1.2.0").await;
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    assert_eq!(
        labels().await,
        ["bot", "theirs"],
        "what was removed stays away"
    );
    world.configure("[defaults]\nlabels = [\"deps\", \"bot\", \"new\"]\n");
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    assert_eq!(labels().await, ["bot", "new", "theirs"]);
    assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
}

async fn a_label_stops_and_another_keeps_it_on_top(on: On) {
    let world = world(on, "").await;
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    let head = world.head("app", &source);
    world.forge.label("app", 1, &["imagebot:stop"]).await;
    world.push("base", "1.2.0").await;
    assert_eq!(statuses(&world.pass().await, "app"), ["stopped"]);
    assert_eq!(world.head("app", &source), head);
    world.forge.label("app", 1, &["imagebot:rebase"]).await;
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    world.commit("app", "README.md", "hello\n");
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    assert_eq!(world.file("app", &source, "README.md"), "hello\n");
    assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
}

async fn min_age_holds_back_and_takes_nothing_back(on: On) {
    let world = world(on, "[defaults]\nmin_age = \"3 days\"\n").await;
    let report = world.pass().await;
    assert_eq!(super::world::reasons(&report, "app"), ["too-young"]);
    assert_eq!(world.mrs("app").await, [], "and no branch");
    assert_eq!(
        world
            .refs()
            .await
            .keys()
            .filter(|r| r.contains("imagebot"))
            .count(),
        0
    );
    world.wait(71);
    world.pass().await;
    assert_eq!(world.mrs("app").await, []);
    world.wait(1);
    world.push("base", "1.2.0").await;
    assert_eq!(statuses(&world.pass().await, "app"), ["open"]);
    let mr = world.mr("app").await;
    assert!(
        mr.title.ends_with("to 1.1.0 (minor)"),
        "the newer one waits: {}",
        mr.title
    );
    // Everything that was remembered is lost: what is proposed stays, and it is said.
    world.forget();
    let report = world.pass().await;
    assert_eq!(statuses(&report, "app"), ["unchanged"]);
    assert_eq!(report.warnings.len(), 1, "{report:#?}");
    world.wait(72);
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    assert!(world.mr("app").await.title.ends_with("to 1.2.0 (minor)"));
}

async fn t39_limits_hold_back_and_say_so(on: On) {
    let world = World::on(on).await;
    world.configure("[limits]\nmax_open = 3\nmax_new_per_hour = 2\n[defaults]\nmax_open = 1\n");
    let one = world.push("base", "1.0.0").await;
    for tag in ["1.1.0", "2.0.0"] {
        world.push("base", tag).await;
    }
    let image = world.image("base");
    for repo in ["a", "b", "c"] {
        world.repo(repo, &format!("FROM {image}:1.0.0@{one}\n"));
    }
    let open = async || {
        let mut open = Vec::new();
        for repo in ["a", "b", "c"] {
            open.push(world.open_mrs(repo).await.len());
        }
        open
    };
    // Minor changes come first; then the hour is used up.
    let report = world.pass().await;
    assert_eq!(open().await, [1, 1, 0]);
    assert!(world.mr("a").await.title.ends_with("to 1.1.0 (minor)"));
    assert_eq!(statuses(&report, "c"), ["limited", "limited"]);
    let why =
        |report: &imagebot::run::Report, repo: &str| of(report, repo).proposals[0].detail.clone();
    assert!(
        why(&report, "c").contains("max_new_per_hour = 2"),
        "{report:#?}"
    );
    let major = &of(&report, "a").proposals[1];
    assert!(major.detail.contains("max_open = 1"), "{major:?}");
    world.pass().await;
    assert_eq!(open().await, [1, 1, 0]);
    world.wait(2);
    world.pass().await;
    assert_eq!(open().await, [1, 1, 1]);
    // No branch stands without a merge request.
    let branches = world.refs().await;
    assert_eq!(
        branches
            .keys()
            .filter(|r| r.contains("heads/imagebot/"))
            .count(),
        3
    );
}

async fn templates_are_the_operators(on: On) {
    let rules = "[merge_request]\ntitle = \"deps({{ changes[0].path }}): {{ default }}\"\n\
                 body = \"Hello.\\n\\n/close {{ repo }}\\n{{ default }}\"\n[git]\ncommit_prefix = \"chore: \"\n";
    let world = world(on, rules).await;
    world.pass().await;
    let mr = world.mr("app").await;
    assert!(
        mr.title.starts_with("deps(Dockerfile): Update "),
        "{}",
        mr.title
    );
    assert!(
        mr.description.contains("\n\\/close `"),
        "{}",
        mr.description
    );
    assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
    let dir = world.dir("app");
    let name = format!("refs/heads/{}", mr.source);
    let message = super::bare::git(Some(&dir), &["log", "-1", "--format=%B", &name], b"");
    assert!(message.starts_with(b"chore: Update "));
    world.push("base", "1.2.0").await;
    assert_eq!(
        statuses(&world.pass().await, "app"),
        ["update"],
        "its own commit is still its own"
    );
}

async fn f50_broken_settings_are_told_once_on_the_repository(on: On) {
    let world = world(on, "").await;
    let bad = "enabled = 3\n# @all /close #1\n[[rule]]\nimages = [\"@all\"]\n";
    world.commit("app", "imagebot.toml", bad);
    for round in 0..3 {
        if round == 2 {
            world.forget();
        }
        world.forge.writes();
        let report = world.any_pass().await;
        assert_eq!(problems(&report, "app"), ["bad-config"]);
        let notices = world.forge.notices("app").await;
        assert_eq!(notices.len(), 1, "{notices:?}");
        assert!(notices[0].contains("`enabled`"), "{notices:?}");
        let writes = world.forge.writes();
        assert!(round == 0 || writes.is_empty(), "{writes:?}");
    }
    world.commit("app", "imagebot.toml", "enabled = 4\n");
    world.any_pass().await;
    assert_eq!(world.forge.notices("app").await.len(), 1);
    world.commit("app", "imagebot.toml", "enabled = true\n");
    world.pass().await;
    assert_eq!(world.forge.notices("app").await, [""; 0]);
    assert_eq!(world.open_mrs("app").await.len(), 1);
}

const AUTOMERGE: &str = "[defaults]\nmin_age = \"1h\"\nautomerge = \"minor\"\n";

async fn automerge_waits_for_a_pipeline_and_merges_its_own_commit(on: On) {
    let world = world(on, AUTOMERGE).await;
    world.pass().await;
    world.wait(2);
    let report = world.pass().await;
    assert_eq!(statuses(&report, "app"), ["open"]);
    let detail = |report: &imagebot::run::Report| of(report, "app").proposals[0].detail.clone();
    assert!(detail(&report).contains("no-pipeline"), "{report:#?}");
    assert!(detail(&world.pass().await).contains("no-pipeline"));
    let source = world.mr("app").await.source.to_string();
    // Another commit of the target: what is to be merged is written on top of it first.
    let main = world.commit("app", "README.md", "hello\n");
    world.pass().await;
    assert_eq!(world.file("app", &source, "README.md"), "hello\n");
    let head = world.head("app", &source).expect("a head");
    world.forge.ci("app", &head, CiStatus::Failed).await;
    assert!(detail(&world.pass().await).contains("failed"));
    assert_eq!(world.head("app", "main"), Some(main));
    world.forge.ci("app", &head, CiStatus::Passed).await;
    assert_eq!(statuses(&world.pass().await, "app"), ["merged"]);
    assert_eq!(world.mrs("app").await[0].state, MergeRequestState::Merged);
    assert!(world.file("app", "main", "Dockerfile").contains(":1.1.0@"));
    assert_eq!(statuses(&world.pass().await, "app"), [""; 0]);
}

async fn t35_a_persons_commit_is_not_merged(on: On) {
    let world = world(on, AUTOMERGE).await;
    world.pass().await;
    world.wait(2);
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    let fix = [("fix.txt", "100644", b"x".as_slice())];
    let theirs = world.commit_files("app", &source, &fix, "Make it work\n");
    world.forge.ci("app", &theirs, CiStatus::Passed).await;
    let main = world.head("app", "main");
    for _ in 0..2 {
        assert_eq!(statuses(&world.pass().await, "app"), ["foreign"]);
    }
    assert_eq!(world.head("app", "main"), main);
    assert_eq!(world.mr("app").await.state, MergeRequestState::Open);
}

async fn t35_what_was_scheduled_is_called_off(on: On) {
    let world = world(on, AUTOMERGE).await;
    // GitHub's own auto-merge is used where it is asked for.
    let text = std::fs::read_to_string(world.config()).unwrap();
    let text = text.replace("pause = \"0s\"", "pause = \"0s\"\nauto_merge = true");
    std::fs::write(world.config(), text).unwrap();
    world.forge.require_ci("app");
    world.pass().await;
    world.wait(2);
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    let ours = world.head("app", &source).expect("a head");
    world.forge.ci("app", &ours, CiStatus::Running).await;
    for _ in 0..2 {
        assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"]);
        assert_eq!(world.mr("app").await.auto_merge, on != On::Local);
    }
    let main = world.head("app", "main");
    let fix = [("fix.txt", "100644", b"x".as_slice())];
    let theirs = world.commit_files("app", &source, &fix, "Make it work\n");
    assert_eq!(statuses(&world.pass().await, "app"), ["foreign"]);
    assert!(!world.mr("app").await.auto_merge);
    world.forge.ci("app", &theirs, CiStatus::Passed).await;
    world.forge.writes();
    assert_eq!(statuses(&world.pass().await, "app"), ["foreign"]);
    assert_eq!(world.forge.writes(), [""; 0]);
    assert_eq!(world.head("app", "main"), main);
}

async fn t36_nothing_is_merged_that_may_be_minutes_old(on: On) {
    let world = world(on, "[defaults]\nautomerge = \"major\"\n").await;
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    let head = world.head("app", &source).expect("a head");
    world.forge.ci("app", &head, CiStatus::Passed).await;
    let report = world.pass().await;
    assert_eq!(statuses(&report, "app"), ["unchanged"]);
    let detail = &of(&report, "app").proposals[0].detail;
    assert!(detail.starts_with("automerge-needs-min-age"), "{detail}");
}

async fn f59_a_push_rule_is_told_with_its_cure(on: On) {
    let world = world(on, "").await;
    world.forge.push_rule("app", true);
    let report = world.any_pass().await;
    assert_eq!(problems(&report, "app"), ["push-refused"]);
    let problem = &of(&report, "app").problems[0];
    let help = problem.help.as_deref().unwrap_or_default();
    assert!(help.contains("commit_prefix"), "{problem:?}");
    assert_eq!(world.mrs("app").await, []);
    world.forge.push_rule("app", false);
    assert_eq!(statuses(&world.pass().await, "app"), ["open"]);
}
