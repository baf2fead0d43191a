//! 100,000 tags read and chosen among: the target is under 50 ms on one core
//! (`docs/tag-schemes.md`, "Cost").
#![allow(
    clippy::unwrap_used,
    reason = "a bench that panics has failed, and says why"
)]

use divan::Bencher;
use imagebot::image::ImageName;
use imagebot::scheme::{Rules, select};

#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

/// A list as registries hold them: versions, variants, builds, commits, words.
fn tags(count: usize) -> Vec<String> {
    let tails = [
        "",
        "-alpine",
        "-alpine3.18",
        "-slim-bookworm",
        "-debian-11-r7",
        "-rc1",
        "-amd64",
        "-5-g0a1b2c3",
        "-20240115",
        "-ls12",
    ];
    (0..count)
        .map(|at| {
            let (major, minor, patch) = (at / 2_000, at / 100 % 20, at / 10 % 10);
            match at % 50 {
                0 => format!("sha-{at:07x}a"),
                1 => format!("main-{at:07x}-17000{at:05}"),
                _ => format!("{major}.{minor}.{patch}{}", tails[at % 10]),
            }
        })
        .collect()
}

/// How a mixed list is chosen among.
#[divan::bench]
fn mixed(bencher: Bencher<'_, '_>) {
    run(bencher, "1.2.3-alpine3.18", &tags(100_000));
}

/// How a list of which every tag is a candidate is chosen among: the most that is kept and sorted.
#[divan::bench]
fn all_newer(bencher: Bencher<'_, '_>) {
    let tags: Vec<_> = (0..100_000_u64)
        .map(|at| {
            let mixed = at * 7_919 % 100_000;
            format!(
                "1.{}.{}-alpine3.18-r{}",
                mixed / 1_000 + 1,
                mixed / 10 % 100,
                mixed % 10
            )
        })
        .collect();
    run(bencher, "1.0.0-alpine3.18-r0", &tags);
}

fn run(bencher: Bencher<'_, '_>, current: &str, tags: &[String]) {
    let image = ImageName::parse("registry.example.com/team/app").unwrap();
    let today = jiff::civil::date(2026, 11, 21);
    let rules = Rules::default();
    bencher.bench(|| select(&image, Some(current), divan::black_box(tags), &rules, today).unwrap());
}

/// How 200,000 tags that are made to be expensive are chosen among: the target is under 2 s.
#[divan::bench(args = ["digits", "numbers", "padding", "places", "prereleases", "short", "words"])]
fn hostile(bencher: Bencher<'_, '_>, kind: &str) {
    let tags: Vec<String> = (0..200_000_u64)
        .map(|at| match kind {
            "digits" => format!("{}{at:07}", "9".repeat(60)),
            "numbers" => format!("1{}.{at}", ".0".repeat(50)),
            "padding" => format!("1.{}1-{}", "0".repeat(at as usize % 80), at % 2),
            "places" if at < 40 => format!("1.0{}-a{at:06}", "-1234567".repeat(at as usize % 14)),
            "places" => format!("1.0{}-{at}", "-1234567".repeat(13)),
            "prereleases" => format!("1.{}.{}-rc{}", at % 7, at / 7, at % 3),
            "short" => format!(
                "1.{}{}",
                at / 4,
                [".0", "", ".0.0-rc1", ".0.0"][at as usize % 4]
            ),
            _ => format!("{at}.0-a{}-b{}{}", at % 997, at % 991, "-c1".repeat(20)),
        })
        .collect();
    let current = match kind {
        "places" => "1.0-1234567-1".to_owned(),
        "prereleases" => "1.0.0-rc1".to_owned(),
        "digits" | "numbers" => tags[0].clone(),
        "words" => format!("0.0-a0-b0{}", "-c1".repeat(20)),
        _ => "1.0".to_owned(),
    };
    run(bencher, &current, &tags);
}
