//! What servers do to a fleet: repositories that move, vanish or refuse, answers that are none.

use super::faults::{At, EVERYTHING, Trouble};
use super::forge::On;
use super::world::{World, of, problems, statuses};
use imagebot::repo::RepoName;
use imagebot::run::Checkpoint;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

on_every_server!(
    t18_what_ci_is_defined_in_is_not_changed,
    t19_another_repository_at_a_known_path_is_left_alone,
    t19_a_renamed_repository_is_found_again_with_its_merge_request,
    t20_forks_and_archived_ones_are_left_out_and_told,
    t40_long_and_odd_names_give_branches_that_git_takes,
    f27_a_token_that_ends_in_the_middle_of_a_pass_stops_the_forge,
    f28_one_repository_that_forbids_is_reported_and_the_others_go_on,
    f29_one_that_is_gone_is_reported_and_the_others_go_on,
    f30_a_sign_in_page_changes_nothing,
    f44_a_secondary_limit_only_takes_time,
    f47_a_cache_that_cannot_be_written_ends_it_before_anything_is_written,
    f49_t13_a_repository_that_is_too_large_is_its_own_problem,
    f58_a_protected_branch_is_told_and_tried_once,
    f60_git_that_is_hung_up_on_is_tried_again,
);

/// A world in which these repositories have an update to be proposed.
async fn fleet(on: On, repos: &[&str]) -> World {
    let world = World::on(on).await;
    let one = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    let image = world.image("base");
    for repo in repos {
        world.repo(repo, &format!("FROM {image}:1.0.0@{one}\n"));
    }
    world
}

/// Opening a merge request of `app`.
const OPENING: At = At {
    gitlab: ("POST", "/merge_requests"),
    github: "POST /repos/team/app/pulls",
};

async fn t18_what_ci_is_defined_in_is_not_changed(on: On) {
    let world = fleet(on, &["app"]).await;
    let text = world.file("app", "main", "Dockerfile");
    let claimed = [".github/workflows/Dockerfile", "ci/Dockerfile.yml"];
    for path in claimed.into_iter().chain(["web/Dockerfile"]) {
        world.commit("app", path, &text);
    }
    // What a repository includes goes no further than that.
    world.commit("app", "imagebot.toml", "include = [\"**\"]\n");
    world.pass().await;
    let source = world.mr("app").await.source.to_string();
    for path in claimed {
        assert_eq!(world.file("app", &source, path), text, "{path}");
    }
    for path in ["Dockerfile", "web/Dockerfile"] {
        assert!(world.file("app", &source, path).contains(":1.1.0@"));
    }
}

async fn t19_another_repository_at_a_known_path_is_left_alone(on: On) {
    for replaced in [true, false] {
        let world = fleet(on, &["app", "tool"]).await;
        world.pass().await;
        let text = world.file("app", "main", "Dockerfile");
        if replaced {
            world.forge.delete("app");
            world.repo("app", &text);
        }
        world.forge.writes();
        for _ in 0..2 {
            let report = world.any_pass().await;
            let expect: &[&str] = if replaced { &["repo-replaced"] } else { &[] };
            assert_eq!(problems(&report, "app"), expect);
            assert_eq!(statuses(&report, "tool"), ["unchanged"]);
        }
        assert_eq!(world.forge.writes(), [""; 0]);
        assert_eq!(world.mrs("app").await.len(), usize::from(!replaced));
        // The operator says that it is meant.
        let name = RepoName::parse("team/app").expect("a name");
        let setup = world.set_up(None).await.expect("a set-up");
        assert!(imagebot::run::forget(&setup, &name));
        let expect = if replaced { "open" } else { "unchanged" };
        assert_eq!(statuses(&world.pass().await, "app"), [expect]);
    }
}

async fn t19_a_renamed_repository_is_found_again_with_its_merge_request(on: On) {
    let world = fleet(on, &["app"]).await;
    world.pass().await;
    world.forge.rename("app", "renamed");
    world.forge.writes();
    assert_eq!(statuses(&world.pass().await, "renamed"), ["unchanged"]);
    assert_eq!(world.forge.writes(), [""; 0]);
    world.push("base", "1.2.0").await;
    assert_eq!(statuses(&world.pass().await, "renamed"), ["update"]);
    let mr = world.mr("renamed").await;
    assert!(
        mr.number == 1 && mr.title.ends_with("to 1.2.0 (minor)"),
        "{mr:?}"
    );
}

async fn t20_forks_and_archived_ones_are_left_out_and_told(on: On) {
    let world = fleet(on, &["app", "fork", "old"]).await;
    world.forge.mark("fork", true, false);
    world.forge.mark("old", false, true);
    let report = world.pass().await;
    let left: Vec<_> = report.left_out.iter().map(|l| l.repo.as_str()).collect();
    assert_eq!(left, ["team/fork", "team/old"]);
    assert_eq!(report.repositories.len(), 1, "{report:#?}");
    for repo in ["fork", "old"] {
        assert_eq!(world.mrs(repo).await, []);
        world.forge.mark(repo, false, false);
    }
    let report = world.pass().await;
    assert_eq!(report.left_out.len(), 0);
    assert_eq!(report.repositories.len(), 3, "{report:#?}");
    assert_eq!(statuses(&report, "fork"), ["open"]);
}

async fn t40_long_and_odd_names_give_branches_that_git_takes(on: On) {
    let world = World::on(on).await;
    world.configure("[defaults]\nmax_open = 10\n");
    let long = ["a-long-name-of-a-folder"; 8].join("/");
    let names = ["x/y.lock", "a__b", "a--b", "a.b/c.d", "head", long.as_str()];
    let mut text = String::new();
    for name in names {
        let one = world.push(name, "1.0.0").await;
        world.push(name, "1.1.0").await;
        text += &format!("FROM {}:1.0.0@{one}\n", world.image(name));
    }
    world.repo("app", &text);
    let report = world.pass().await;
    assert_eq!(statuses(&report, "app"), ["open"; 6]);
    for mr in world.open_mrs("app").await {
        let full = format!("refs/heads/{}", mr.source);
        super::bare::git(None, &["check-ref-format", &full], b"");
        assert!(mr.source.as_str().len() <= 200, "{}", mr.source);
        assert!(mr.title.len() <= 255, "{}", mr.title);
    }
    assert_eq!(statuses(&world.pass().await, "app"), ["unchanged"; 6]);
}

async fn f27_a_token_that_ends_in_the_middle_of_a_pass_stops_the_forge(on: On) {
    let names: Vec<String> = (0..24).map(|number| format!("r{number:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for ends in [true, false] {
        let world = fleet(on, &names).await;
        world.configure("[limits]\nmax_new_per_hour = 100\n");
        let revoke = Mutex::new(Some(world.forge.revoker()));
        let opened = std::sync::Arc::new(AtomicUsize::new(0));
        let counter = std::sync::Arc::clone(&opened);
        let checkpoint = Checkpoint::new(move |step| {
            if step == "opened" {
                counter.fetch_add(1, Ordering::SeqCst);
                let revoke = super::world::lock(&revoke).take().filter(|_| ends);
                revoke.inspect(|revoke| revoke());
            }
        });
        world.forge.writes();
        let report = world.pass_with(checkpoint).await;
        assert_eq!(report.failed(), ends, "{report:#?}");
        let opened = opened.load(Ordering::SeqCst);
        if !ends {
            assert_eq!(opened, names.len());
            continue;
        }
        // Those that were under way when it ended learn of it by themselves; the others are not tried.
        assert!(opened <= 8, "{opened}");
        let tried = |repo: &&&str| {
            let told = &of(&report, repo).problems;
            told.iter()
                .any(|p| !p.message.starts_with("skipped: the forge failed"))
        };
        let tried = names.iter().filter(tried).count();
        assert!((1..=16).contains(&tried), "{tried}");
        world.forge.writes();
        // The next pass asks a few things and writes nothing.
        let report = world.any_pass().await;
        assert!(report.failed());
        assert!(world.forge.asked() <= 4, "{}", world.forge.asked());
        assert_eq!(world.forge.writes(), [""; 0]);
        assert_eq!(report.problems[0].code, "forge-unauthorized");
    }
}

async fn f28_one_repository_that_forbids_is_reported_and_the_others_go_on(on: On) {
    for times in [1, 0] {
        let world = fleet(on, &["app", "tool"]).await;
        let trouble = Trouble::Status(403, "Resource not accessible");
        let happened = world.forge.fail(OPENING, times, trouble);
        let report = world.any_pass().await;
        assert_eq!(happened(), times);
        let told: Vec<_> = ["app", "tool"]
            .iter()
            .flat_map(|repo| problems(&report, repo))
            .collect();
        assert_eq!(told, vec!["forge-forbidden"; times]);
        let open = world.open_mrs("app").await.len() + world.open_mrs("tool").await.len();
        assert_eq!(open, 2 - times);
        world.pass().await;
        assert_eq!(world.open_mrs("app").await.len(), 1);
    }
}

async fn f29_one_that_is_gone_is_reported_and_the_others_go_on(on: On) {
    let world = fleet(on, &["app", "tool"]).await;
    let forge = world.forge.config() + "repos = [\"team/app\", \"team/tool\"]\n";
    let registry = format!(
        "[[registry]]\nhost = \"{}\"\nplain_http = true\n",
        world.server.host()
    );
    world.configure_forge(&forge, &registry);
    assert_eq!(statuses(&world.pass().await, "app"), ["open"]);
    world.forge.delete("app");
    for _ in 0..2 {
        let report = world.any_pass().await;
        assert_eq!(problems(&report, "app"), ["forge-not-found"]);
        assert_eq!(statuses(&report, "tool"), ["unchanged"]);
    }
}

async fn f30_a_sign_in_page_changes_nothing(on: On) {
    let world = fleet(on, &["app"]).await;
    world.pass().await;
    let state = world.state().await;
    world.push("base", "1.2.0").await;
    world.forge.writes();
    let happened = world.forge.fail(EVERYTHING, usize::MAX, Trouble::Html);
    let report = world.any_pass().await;
    assert!(happened() > 0);
    drop(happened);
    assert_eq!(report.problems[0].code, "not-a-forge", "{report:#?}");
    assert_eq!(world.forge.writes(), [""; 0]);
    assert_eq!(world.state().await, state);
    world.forge.heal();
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
}

async fn f44_a_secondary_limit_only_takes_time(on: On) {
    for times in [2, 0] {
        let world = fleet(on, &["app"]).await;
        let trouble = match on {
            On::GitHub => Trouble::Status(403, "You have exceeded a secondary rate limit."),
            _ => Trouble::Status(429, "Retry later"),
        };
        let happened = world.forge.fail(OPENING, times, trouble);
        assert_eq!(statuses(&world.pass().await, "app"), ["open"]);
        assert_eq!(happened(), times);
        assert_eq!(world.mrs("app").await.len(), 1);
    }
}

async fn f47_a_cache_that_cannot_be_written_ends_it_before_anything_is_written(on: On) {
    // Where a folder must be made there is a file: nobody can write there, whatever their rights.
    for (blocked, code) in [("cache", None), ("cache/git", Some("git-io")), ("", None)] {
        let world = fleet(on, &["app"]).await;
        world.forge.writes();
        match blocked {
            "" => drop(world.pass().await),
            "cache" => {
                std::fs::write(world.path(blocked), b"").expect("written");
                let error = world.set_up(None).await.err().expect("no set-up");
                assert!(error.to_string().contains("is not writable"), "{error}");
            }
            _ => {
                std::fs::create_dir_all(world.path("cache")).expect("made");
                std::fs::write(world.path(blocked), b"").expect("written");
                let report = world.any_pass().await;
                assert_eq!(problems(&report, "app"), code.as_slice());
            }
        }
        assert_eq!(world.forge.writes().is_empty(), !blocked.is_empty());
    }
}

async fn f49_t13_a_repository_that_is_too_large_is_its_own_problem(on: On) {
    for huge in [true, false] {
        let world = fleet(on, &["app", "tool"]).await;
        // Bytes that no packing makes small.
        let noise = (0..1_u32 << 20).map(|n| n.wrapping_mul(2_654_435_761).rotate_left(n % 31));
        let bytes: Vec<u8> = match huge {
            true => noise.flat_map(u32::to_be_bytes).collect(),
            false => b"FROM scratch\n".to_vec(),
        };
        let files = [("huge/Dockerfile", "100644", bytes.as_slice())];
        world.commit_files("app", "main", &files, "Much\n");
        let mut setup = world.set_up(None).await.expect("a set-up");
        setup.git = setup.git.map(|git| git.with_cap(1 << 20));
        let report = world.pass_by(setup, Checkpoint::default()).await;
        let expect: &[&str] = if huge { &["git-too-large"] } else { &[] };
        assert_eq!(problems(&report, "app"), expect);
        assert_eq!(statuses(&report, "tool"), ["open"]);
    }
}

async fn f58_a_protected_branch_is_told_and_tried_once(on: On) {
    for protected in [true, false] {
        let world = fleet(on, &["app", "tool"]).await;
        if protected {
            world.forge.protect("app");
        }
        world.forge.writes();
        let report = world.any_pass().await;
        let expect: &[&str] = if protected { &["push-refused"] } else { &[] };
        assert_eq!(problems(&report, "app"), expect);
        assert_eq!(statuses(&report, "tool"), ["open"]);
        assert_eq!(world.mrs("app").await.len(), usize::from(!protected));
        let writes = world.forge.writes();
        let pushes = writes.iter().filter(|w| w.contains("team/app.git"));
        assert_eq!(pushes.count(), 1, "{writes:?}");
        let help = of(&report, "app").problems.first();
        let help = help.and_then(|problem| problem.help.as_deref());
        assert_eq!(
            help.is_some_and(|help| help.contains("imagebot/")),
            protected
        );
    }
}

async fn f60_git_that_is_hung_up_on_is_tried_again(on: On) {
    let steps = [
        ("GET", "info/refs?service=git-upload-pack"),
        ("POST", "git-upload-pack"),
        ("GET", "info/refs?service=git-receive-pack"),
        ("POST", "git-receive-pack"),
    ];
    for (number, gitlab) in steps.into_iter().enumerate() {
        for times in [2, 0] {
            let world = fleet(on, &["app"]).await;
            let github = [
                "GIT team/app.git/info/refs?service=git-upload-pack",
                "GIT team/app.git/git-upload-pack",
                "GIT team/app.git/info/refs?service=git-receive-pack",
                "GIT team/app.git/git-receive-pack",
            ][number];
            let at = At { gitlab, github };
            let happened = world.forge.fail(at, times, Trouble::HangUp);
            let report = world.any_pass().await;
            assert_eq!(happened(), times, "{gitlab:?}");
            assert!(!report.failed(), "{gitlab:?}: {report:#?}");
            assert_eq!(statuses(&report, "app"), ["open"]);
        }
    }
}
