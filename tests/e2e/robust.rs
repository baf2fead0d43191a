//! What kills, full disks, odd names and damaged copies leave behind (rows B7 to B18 of the robustness page). Each is a
//! sample of a kind; none stops another repository.

use super::fake_gitlab::Fault;
use super::forge::{On, TestForge};
use super::git_repos::write_program;
use super::world::{World, of, problems, statuses};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// A folder of repositories with one update for `app` and one for `tool`.
async fn two() -> World {
    let world = World::new().await;
    world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    for repo in ["app", "tool"] {
        world.repo(repo, &format!("FROM {}:1.0.0\n", world.image("base")));
    }
    world
}

fn made_an_hour_ago(path: &Path) {
    let file = std::fs::File::options()
        .write(true)
        .open(path)
        .expect("the file");
    let then = SystemTime::now() - Duration::from_secs(3700);
    file.set_modified(then).expect("a time");
}

fn lock(world: &World, name: &str) -> PathBuf {
    let path = world.dir("app").join(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(&path, "").expect("a lock");
    path
}

#[tokio::test]
async fn b7_a_lock_of_a_ref_is_named_and_a_stale_one_is_removed() {
    for name in ["refs/imagebot/mr/1.lock", "refs/heads/imagebot/base-%.lock"] {
        let world = two().await;
        // The branch's name is known once it was there.
        let name = match name.contains('%') {
            false => name.to_owned(),
            true => {
                let of_tool = world.pass().await;
                let branch = of(&of_tool, "app").proposals[0].branch.clone();
                world.reset("app", &branch, None);
                world.push("base", "1.2.0").await;
                format!("refs/heads/{branch}.lock")
            }
        };
        let lock = lock(&world, &name);
        let report = world.any_pass().await;
        let told: Vec<&str> = of(&report, "app")
            .problems
            .iter()
            .map(|p| p.message.as_str())
            .collect();
        if name.contains("heads") && told.is_empty() {
            // A branch that somebody deleted is not written again: nothing needed the lock.
            assert_eq!(statuses(&report, "app"), ["declined"]);
            continue;
        }
        assert!(report.failed(), "{name}: {report:?}");
        assert!(
            told.iter().any(|text| text.contains(".lock")),
            "{name}: {told:?}"
        );
        assert!(
            ["failed", "refused"].contains(&statuses(&report, "app")[0]),
            "{name}"
        );
        assert!(
            !problems(&report, "tool")
                .iter()
                .any(|code| code.contains("lock"))
        );
        made_an_hour_ago(&lock);
        let report = world.pass().await;
        let done = ["open", "update"].contains(&statuses(&report, "app")[0]);
        assert!(done, "{name}: {report:?}");
        assert!(!lock.exists(), "{name}");
    }
}

#[tokio::test]
async fn b8_whatever_is_wrong_with_a_cached_copy_it_is_fetched_anew_in_the_same_pass() {
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 9] = [
        ("shallow of zeros", |copy| {
            write(&copy.join("shallow"), &[0; 41])
        }),
        ("shallow of garbage", |copy| {
            write(&copy.join("shallow"), b"no commit\n")
        }),
        ("packed-refs of garbage", |copy| {
            write(&copy.join("packed-refs"), b"\x00\x01garbage")
        }),
        ("HEAD of garbage", |copy| {
            write(&copy.join("HEAD"), b"garbage")
        }),
        ("config of garbage", |copy| {
            write(&copy.join("config"), b"[[[")
        }),
        ("a file in its place", |copy| {
            std::fs::remove_dir_all(copy).expect("the copy");
            write(copy, b"");
        }),
        ("a file where the old copy goes", |copy| {
            write(&copy.with_extension("old"), b"")
        }),
        ("a folder where the lock is", |copy| {
            std::fs::remove_file(copy.with_extension("lock")).expect("the lock");
            std::fs::create_dir(copy.with_extension("lock")).expect("a folder");
        }),
        ("no objects", |copy| {
            std::fs::remove_dir_all(copy.join("objects")).expect("objects")
        }),
    ];
    for (what, damage) in damages {
        let world = two().await;
        world.pass().await;
        let folder = world.path("cache/git");
        let copies: Vec<PathBuf> = std::fs::read_dir(&folder)
            .expect("copies")
            .map(|entry| entry.expect("an entry").path())
            .filter(|path| path.extension().is_some_and(|e| e == "git"))
            .collect();
        assert_eq!(copies.len(), 2);
        copies.iter().for_each(|copy| damage(copy));
        world.push("base", "1.2.0").await;
        let report = world.any_pass().await;
        for repo in ["app", "tool"] {
            assert_eq!(problems(&report, repo), [""; 0], "{what}: {report:?}");
            assert_eq!(statuses(&report, repo), ["update"], "{what}");
        }
    }
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("a file");
}

#[tokio::test]
async fn b12_what_could_not_be_pushed_is_not_reported_as_open() {
    let world = two().await;
    let hook = world.dir("app").join("hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().expect("a folder")).expect("a folder");
    write_program(
        &hook,
        "#!/bin/sh\nhead -c 6000000 /dev/zero | tr '\\0' x >&2\nexit 0\n",
    );
    let report = world.any_pass().await;
    assert!(report.failed());
    assert_eq!(problems(&report, "app"), ["git-too-talkative"]);
    assert_eq!(statuses(&report, "app"), ["failed"]);
    assert_eq!(statuses(&report, "tool"), ["open"]);
}

#[tokio::test]
async fn a_hook_that_does_not_end_is_stopped_with_all_that_it_started() {
    let world = two().await;
    let hook = world.dir("app").join("hooks/post-receive");
    std::fs::create_dir_all(hook.parent().expect("a folder")).expect("a folder");
    let mark = world.path("left-behind");
    let script = format!(
        "#!/bin/sh\n(sleep 14; touch {}) &\nexit 0\n",
        mark.display()
    );
    write_program(&hook, &script);
    let mut setup = world.set_up(None).await.expect("a set-up");
    setup.git = setup.git.map(|git| git.with_time(Duration::from_secs(8)));
    let report = world
        .pass_by(setup, imagebot::run::Checkpoint::default())
        .await;
    assert_eq!(problems(&report, "app"), ["git-timeout"]);
    assert_eq!(statuses(&report, "app"), ["failed"]);
    assert_eq!(statuses(&report, "tool"), ["open"]);
    // The branch is there; the next pass has nothing to push and opens the merge request.
    assert_eq!(statuses(&world.pass().await, "app"), ["open"]);
    tokio::time::sleep(Duration::from_secs(8)).await;
    assert!(!mark.exists(), "what the hook started was stopped with it");
}

#[tokio::test]
async fn b13_a_file_with_an_unreadable_name_is_reported() {
    let world = two().await;
    let image = world.image("base");
    let contents = format!("FROM {image}:1.0.0\n");
    let paths = ["tab\there/Dockerfile", "line\nbreak/Dockerfile"];
    let files = paths.map(|path| (path, "100644", contents.as_bytes()));
    world.commit_files("app", "main", &files, "odd names\n");
    let report = world.pass().await;
    let unread = &of(&report, "app").unread;
    let expect = [
        "line\\nbreak/Dockerfile: unreadable-name",
        "tab\\there/Dockerfile: unreadable-name",
    ];
    for line in expect {
        assert!(
            unread.iter().any(|unread| unread == line),
            "{line}: {unread:?}"
        );
    }
}

#[tokio::test]
async fn b14_a_head_that_names_a_missing_branch_is_an_error_with_its_fix() {
    let world = two().await;
    write(&world.dir("app").join("HEAD"), b"ref: refs/heads/master\n");
    let report = world.any_pass().await;
    assert!(report.failed());
    let text = format!("{report:?}");
    assert!(
        text.contains("HEAD names refs/heads/master, which does not exist"),
        "{text}"
    );
    assert_eq!(statuses(&report, "tool"), ["open"]);
}

#[tokio::test]
async fn b16_a_copy_that_another_process_holds_is_an_error_after_a_while() {
    let world = two().await;
    world.pass().await;
    let folder = world.path("cache/git");
    let locks: Vec<std::fs::File> = std::fs::read_dir(&folder)
        .expect("copies")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "lock"))
        .map(|path| std::fs::File::open(path).expect("a lock"))
        .collect();
    assert_eq!(locks.len(), 2);
    locks
        .iter()
        .for_each(|lock| lock.lock().expect("nobody holds it"));
    world.push("base", "1.2.0").await;
    let mut setup = world.set_up(None).await.expect("a set-up");
    setup.git = setup.git.map(|git| git.with_time(Duration::from_secs(3)));
    let report = world
        .pass_by(setup, imagebot::run::Checkpoint::default())
        .await;
    assert_eq!(problems(&report, "app"), ["git-copy-in-use"]);
    assert_eq!(statuses(&report, "app"), ["failed"]);
    drop(locks);
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
}

#[tokio::test]
async fn b18_a_file_that_is_too_large_is_neither_fetched_nor_kept() {
    let world = two().await;
    let line = format!("FROM {}:1.0.0\n", world.image("base"));
    let huge = format!("{line}{}", "# a comment\n".repeat(400_000));
    world.commit("app", "large/Dockerfile", &huge);
    world.commit("app", "imagebot.toml", "[[rule]]\nmax = 'minor'\n");
    let report = world.pass().await;
    assert!(
        of(&report, "app")
            .unread
            .contains(&"large/Dockerfile: too-large".to_owned())
    );
    let kept: u64 = sizes(&world.path("cache"));
    assert!(kept < huge.len() as u64 / 20, "the cache has {kept} bytes");
}

/// The bytes of all files below a folder.
fn sizes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let size = |entry: std::fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_dir() => sizes(&entry.path()),
        _ => entry.metadata().map_or(0, |found| found.len()),
    };
    entries.map(size).sum()
}

#[tokio::test]
async fn a_merge_request_of_any_size_or_number_is_no_panic() {
    let world = two().await;
    world.pass().await;
    let state = world.dir("app");
    let git = |args: &[&str], input: &[u8]| {
        use std::io::Write as _;
        let mut child = std::process::Command::new("git")
            .arg("--git-dir")
            .arg(&state)
            .args([
                "-c",
                "safe.directory=*",
                "-c",
                "user.name=t",
                "-c",
                "user.email=t@t",
            ])
            .args(args)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("git");
        child
            .stdin
            .take()
            .expect("an input")
            .write_all(input)
            .expect("written");
        let output = child.wait_with_output().expect("git ends");
        assert!(output.status.success());
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    // Whoever may push can write a number that no other follows.
    let first = git(&["rev-parse", "refs/imagebot/mr/1"], b"");
    git(
        &[
            "update-ref",
            "refs/imagebot/mr/18446744073709551615",
            &first,
        ],
        b"",
    );
    world.push("base", "1.2.0").await;
    assert_eq!(statuses(&world.pass().await, "app"), ["update"]);
    // Or a description of many mebibytes.
    let blob = git(&["hash-object", "-w", "--stdin"], &vec![b'x'; 3 << 20]);
    let old = git(&["ls-tree", "refs/imagebot/mr/1"], b"");
    let tree: String = old
        .lines()
        .map(|line| match line.ends_with("description.md") {
            true => format!("100644 blob {blob}\tdescription.md\n"),
            false => format!("{line}\n"),
        })
        .collect();
    let tree = git(&["mktree"], tree.as_bytes());
    let commit = git(&["commit-tree", &tree, "-m", "huge"], b"");
    git(&["update-ref", "refs/imagebot/mr/1", &commit], b"");
    let report = world.any_pass().await;
    assert!(report.failed());
    assert!(
        format!("{report:?}").contains("has more than 1024 KiB"),
        "{report:?}"
    );
    assert_eq!(statuses(&report, "tool"), ["unchanged"]);
}

/// A repository that its server does not send keeps only itself, and what depends on it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_repository_that_is_read_slowly_delays_no_other() {
    let world = World::on(On::GitLab).await;
    world.configure_family("");
    let first = world.push("acme/slow", "1.0.0").await;
    world.push("acme/slow", "1.1.0").await;
    let base = world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    world.repo("slow", "FROM scratch\n");
    let from = |image: &str, digest| format!("FROM {}:1.0.0@{digest}\n", world.image(image));
    world.repo("child", &from("acme/slow", &first));
    world.repo("app", &from("base", &base));
    // Its server accepts the request, and sends nothing until the others are done.
    let released = Arc::new((Mutex::new(false), Condvar::new()));
    let wait = Arc::clone(&released);
    let TestForge::GitLab(fake, _) = &world.forge else {
        panic!("a GitLab");
    };
    let silent = Fault::Before(Arc::new(move || {
        // The thread's other tasks move to another one: an answer to somebody else may be among them.
        tokio::task::block_in_place(|| {
            let guard = lock_of(&wait.0);
            drop(wait.1.wait_while(guard, |released| !*released));
        });
    }));
    let asked = fake.fail("GET", "/slow.git/info/refs", 1, silent);
    let pass = world.any_pass();
    let watch = async {
        while world.open_mrs("app").await.is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let child = world.mrs("child").await.len();
        *lock_of(&released.0) = true;
        released.1.notify_all();
        child
    };
    let (report, child) = tokio::join!(pass, watch);
    assert_eq!((fake.happened(asked), child), (1, 0));
    // In the same pass: what waited for it goes on once it is there.
    assert_eq!(statuses(&report, "app"), ["open"]);
    assert_eq!(of(&report, "slow").problems, []);
    assert_eq!(statuses(&report, "child"), ["open"], "{report:#?}");
}

fn lock_of<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
