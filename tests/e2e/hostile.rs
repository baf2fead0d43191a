//! Hostile repositories and registries beside two good ones, with the real executable (B1 to B5, B18, T13, T14, T26).
//!
//! For every row: the good repositories are done soon, memory and output stay small, nothing panics.

#[path = "hostile/caps.rs"]
mod caps;
#[path = "hostile/rows.rs"]
mod rows;

use super::world::World;
use rows::Row;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How soon the good repositories are done: ten seconds of a release build. A debug build is some five times slower,
/// and a test machine may be busy.
const SOON: Duration = Duration::from_secs(if cfg!(debug_assertions) { 40 } else { 10 });
/// How soon the whole pass has ended.
const ENDED: Duration = Duration::from_secs(if cfg!(debug_assertions) { 180 } else { 60 });
/// The most memory, in KiB. A debug build needs somewhat more.
const MEMORY: u64 = if cfg!(debug_assertions) { 300 } else { 200 } << 10;
/// The most output, in bytes.
const OUTPUT: usize = 100_000;

/// What a pass came to.
struct Ran {
    good_after: Option<Duration>,
    peak: u64,
    output: String,
    code: Option<i32>,
}

/// The most memory that a process had so far, in KiB.
fn peak_of(child: &Child) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

async fn run(world: &World) -> Ran {
    let (out, err) = (world.path("stdout"), world.path("stderr"));
    let file = |path| std::fs::File::create(path).expect("a file");
    let started = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_imagebot"))
        .args(["run", "--config"])
        .arg(world.config())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", world.path("home"))
        .stdin(Stdio::null())
        .stdout(file(&out))
        .stderr(file(&err))
        .spawn()
        .expect("imagebot starts");
    let is_good = |repo: &str| {
        let refs = world.refs_of(repo);
        refs.iter()
            .any(|name| name.starts_with("refs/imagebot/mr/"))
    };
    let (mut good_after, mut peak, mut ended) = (None, 0, false);
    while !ended && started.elapsed() < ENDED {
        peak = peak.max(peak_of(&child).unwrap_or(0));
        ended = matches!(child.try_wait(), Ok(Some(_)));
        if good_after.is_none() && is_good("good-a") && is_good("good-b") {
            good_after = Some(started.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // One that has ended is not there any more.
    let _ = child.kill();
    let status = child.wait();
    let code = status
        .ok()
        .and_then(|status| status.code())
        .filter(|_| ended);
    let read =
        |path| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
    Ran {
        good_after,
        peak,
        output: read(out) + &read(err),
        code,
    }
}

async fn check(row: Row) {
    let world = World::new().await;
    world.push("base", "1.0.0").await;
    world.push("base", "1.1.0").await;
    for repo in ["good-a", "good-b"] {
        world.repo(repo, &format!("FROM {}:1.0.0\n", world.image("base")));
    }
    let name = row.name;
    let kept = row.prepare(&world).await;
    let ran = run(&world).await;
    let beginning: String = ran.output.chars().take(3_000).collect();
    assert!(
        ran.code.is_some(),
        "{name}: the pass did not end: {beginning}"
    );
    assert!(
        matches!(ran.code, Some(0 | 1)),
        "{name}: exit {:?}: {beginning}",
        ran.code
    );
    assert!(!ran.output.contains("panicked"), "{name}: {beginning}");
    let soon = ran.good_after.is_some_and(|after| after < SOON);
    assert!(
        soon,
        "{name}: the good ones were done after {:?}: {beginning}",
        ran.good_after
    );
    assert!(ran.peak < MEMORY, "{name}: {} MiB", ran.peak >> 10);
    assert!(
        ran.output.len() < OUTPUT,
        "{name}: {} bytes: {beginning}",
        ran.output.len()
    );
    if let Some(says) = row.says {
        assert!(
            ran.output.contains(says),
            "{name}: nothing says {says:?}: {beginning}"
        );
    }
    drop(kept);
}

macro_rules! rows {
    ($($name:ident),* $(,)?) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            check(rows::$name()).await;
        })*
    };
}

rows!(
    b1_a_glob_of_twenty_thousand_levels,
    b2_a_mebibyte_of_from_lines_of_one_image,
    b2_a_mebibyte_of_from_lines_of_different_images,
    b2_one_instruction_with_twenty_thousand_mounts,
    b2_eighteen_thousand_rules_and_twenty_thousand_references,
    b2_forty_thousand_patterns,
    b2_a_hundred_thousand_unknown_keys,
    b2_five_thousand_comments_with_regular_expressions,
    b2_twenty_thousand_images_in_a_gipgee_file,
    b2_five_thousand_dockerfiles,
    b3_a_circle_of_a_thousand_own_images,
    b3_a_reference_of_a_mebibyte,
    b3_a_list_of_four_mebibytes_of_projects,
    b4_a_registry_that_asks_for_a_minute_each_time,
    b4_a_registry_that_sends_a_page_and_stalls,
    b5_four_thousand_newer_tags_that_are_gone,
    a_hundred_and_fifty_thousand_hostile_tags,
    b18_a_dockerfile_of_twenty_mebibytes,
    a_hook_that_hangs,
);
