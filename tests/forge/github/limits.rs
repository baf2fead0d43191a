//! Limits, tokens that end, and what answers in GitHub's place.

use super::bench::{Bench, SOURCE, TOKEN, settings};
use crate::conformance::{listed, request};
use crate::fake_github::{Effect, FakeGitHub, Options, TokenOptions};
use imagebot::forge::{Forge, ForgeError, GitHub, KnownIds};
use std::time::Duration;

const NO: &str =
    "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";

fn seconds(bench: &Bench) -> Vec<u64> {
    bench
        .fake
        .clock()
        .slept()
        .iter()
        .map(Duration::as_secs)
        .filter(|s| *s > 1)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn f44_a_secondary_limit_is_waited_for() {
    for on in [true, false] {
        for status in [403, 429] {
            let bench = Bench::start().await;
            let repo = bench.prepared().await;
            let times = if on { 2 } else { 0 };
            let hits = bench.fake.fail(
                "POST /repos/team/app/pulls",
                times,
                Effect::status(status, NO),
            );
            let created = bench.create(&repo, "a").await;
            assert_eq!(hits.count(), times);
            assert_eq!(seconds(&bench), if on { vec![60, 120] } else { vec![] });
            assert_eq!(bench.fake.pulls("team/app").len(), 1);
            assert_eq!(bench.fake.pull("team/app", created.number).0.title, "a");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f44_a_limit_beyond_patience_stops_the_forge() {
    for on in [true, false] {
        for (fault, waits) in [
            (Effect::status(429, NO), vec![60, 120]),
            (
                Effect::with(403, &[("retry-after", "30")], NO),
                vec![30; 20],
            ),
            (Effect::with(429, &[("retry-after", "3600")], NO), vec![]),
        ] {
            let bench = Bench::start().await;
            let repo = bench.prepared().await;
            let times = if on { 20 } else { 0 };
            let hits = bench.fake.fail("POST /repos/team/app/pulls", times, fault);
            let outcome = bench.github.create(&repo, &request(SOURCE, "a")).await;
            assert_eq!(seconds(&bench), if on { waits.clone() } else { vec![] });
            if !on {
                assert_eq!(hits.count(), 0);
                outcome.unwrap();
            } else if waits.len() == 20 {
                // The server named each wait, and none was too long.
                outcome.unwrap();
            } else {
                let error = outcome.unwrap_err();
                assert!(matches!(error, ForgeError::RateLimited(_)), "{error}");
                bench.fake.take_log();
                let again = bench.github.close(&repo, 1).await.unwrap_err();
                assert!(matches!(again, ForgeError::RateLimited(_)), "{again}");
                assert!(bench.fake.take_log().is_empty(), "it is not hammered");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f44_writes_are_a_pause_apart() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    for number in 0..4 {
        let source = format!("imagebot/w{number}");
        bench
            .fake
            .commit("team/app", &source, &[("Dockerfile", &source)]);
    }
    bench.fake.take_log();
    let creators = (0..4).map(|n| {
        let new = request(&format!("imagebot/w{n}"), "w");
        let (github, repo) = (&bench.github, &repo);
        async move { github.create(repo, &new).await }
    });
    let before = bench.fake.clock().elapsed();
    for created in futures::future::join_all(creators).await {
        created.unwrap();
    }
    let writes = bench.fake.writes().len() as u32;
    assert_eq!(writes, 8);
    // None before the first; what is more is the gate's.
    let took = bench.fake.clock().elapsed() - before;
    let least = Duration::from_secs(1) * (writes - 1);
    assert!(
        took >= least && took < least + Duration::from_secs(1),
        "{took:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f45_used_up_points_are_waited_for_within_patience() {
    for on in [true, false] {
        for (reset, expect) in [(90, Some(91)), (3000, None)] {
            let bench = Bench::start().await;
            let repo = bench.prepared().await;
            if on {
                bench.fake.set_budget("core", 0, reset);
            }
            bench.fake.take_log();
            let outcome = bench.github.create(&repo, &request(SOURCE, "a")).await;
            match (on, expect) {
                (true, Some(wait)) => {
                    outcome.unwrap();
                    assert_eq!(seconds(&bench), [wait]);
                }
                (true, None) => {
                    let error = outcome.unwrap_err();
                    assert!(matches!(error, ForgeError::RateLimited(_)), "{error}");
                    assert_eq!(bench.fake.take_log().len(), 1, "asked once, then never");
                    let again = bench.github.create(&repo, &request(SOURCE, "a")).await;
                    assert!(matches!(again, Err(ForgeError::RateLimited(_))));
                    assert!(bench.fake.take_log().is_empty());
                    assert!(bench.fake.pulls("team/app").is_empty());
                }
                (false, _) => {
                    outcome.unwrap();
                    assert!(seconds(&bench).is_empty());
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f45_the_last_point_is_noticed_before_the_refusal() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    bench.fake.set_budget("core", 1, 100);
    bench.github.branches(&repo).await.unwrap();
    bench.fake.take_log();
    bench.github.branches(&repo).await.unwrap();
    assert_eq!(seconds(&bench), [101]);
    assert_eq!(bench.fake.take_log().len(), 1, "not refused first");
}

#[tokio::test(flavor = "multi_thread")]
async fn f27_a_token_that_ends_stops_the_forge() {
    for on in [true, false] {
        let bench = Bench::start().await;
        let repo = bench.prepared().await;
        if on {
            bench.fake.revoke(TOKEN);
        }
        bench.fake.take_log();
        let outcome = bench.github.create(&repo, &request(SOURCE, "a")).await;
        let listing = bench.github.discover(&KnownIds::new()).await;
        if on {
            for error in [outcome.unwrap_err(), listing.unwrap_err()] {
                assert!(matches!(error, ForgeError::Unauthorized(_)), "{error}");
                assert!(error.help().is_some());
            }
            assert_eq!(bench.fake.take_log().len(), 2, "one request each");
        } else {
            outcome.unwrap();
            listing.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f28_f29_what_is_wrong_with_one_repository_is_its_own() {
    for (status, code) in [
        (403, "forge-forbidden"),
        (404, "forge-not-found"),
        (451, "forge-forbidden"),
    ] {
        for on in [true, false] {
            let bench = Bench::start().await;
            let repo = bench.prepared().await;
            bench.fake.repo("team/other");
            bench.fake.commit("team/other", "main", &[("x", "x")]);
            bench.fake.commit("team/other", SOURCE, &[("x", "y")]);
            let other = listed(&bench.github, "team/other").await;
            let fault = Effect::status(status, "Resource not accessible by integration");
            let hits = bench
                .fake
                .fail("POST /repos/team/app", if on { 9 } else { 0 }, fault);
            let outcome = bench.github.create(&repo, &request(SOURCE, "a")).await;
            assert_eq!(hits.count(), usize::from(on));
            match on {
                true => assert_eq!(outcome.unwrap_err().code(), code),
                false => drop(outcome.unwrap()),
            }
            bench
                .github
                .create(&other, &request(SOURCE, "a"))
                .await
                .unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f30_a_page_for_people_is_no_forge() {
    for on in [true, false] {
        for prefix in ["GET /orgs/team/repos", "GRAPHQL Start", "GRAPHQL Heads"] {
            let bench = Bench::start().await;
            bench.prepared().await;
            let hits = bench.fake.fail(prefix, usize::from(on), Effect::Html(200));
            let outcome = bench.github.discover(&KnownIds::new()).await;
            assert_eq!(hits.count(), usize::from(on));
            match on {
                true => assert!(matches!(outcome.unwrap_err(), ForgeError::NotAForge(_))),
                false => assert_eq!(outcome.unwrap().repositories.len(), 1),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_may_stand_below_a_path() {
    let fake = Bench::below("/hub").await;
    fake.repo("team/app");
    let bench = Bench::with(fake, &["team/*"]);
    let repo = bench.prepared().await;
    assert_eq!(
        repo.remote.url(),
        format!("{}/team/app.git", bench.fake.url())
    );
    assert!(bench.fake.url().ends_with("/hub"));
    bench.create(&repo, "a").await;
    // A renamed one is followed when it is read.
    bench.fake.rename("team/app", "team/new");
    assert_eq!(bench.github.branches(&repo).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_server_is_refused_at_the_start() {
    for (version, fits) in [
        ("3.9.1", false),
        ("2.22.0", false),
        ("3.10.0", true),
        ("4.0.0", true),
    ] {
        let options = Options {
            version: Some(version.to_owned()),
            ..Options::default()
        };
        let fake = FakeGitHub::start_with(options).await;
        fake.token("imagebot", TOKEN, TokenOptions::default());
        fake.org("team");
        let github = GitHub::new(settings(&fake, &["team/*"])).unwrap();
        let outcome = github.discover(&KnownIds::new()).await;
        assert_eq!(outcome.is_ok(), fits, "{version}");
        if let Err(error) = outcome {
            assert!(error.to_string().contains("too old"), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_up_is_unreachable_and_reading_is_tried_again() {
    for on in [true, false] {
        let bench = Bench::start().await;
        let repo = bench.prepared().await;
        let hits = bench.fake.fail(
            "GET /repos/team/app/git",
            if on { 2 } else { 0 },
            Effect::DropAfter,
        );
        assert_eq!(bench.github.branches(&repo).await.unwrap().len(), 1);
        assert_eq!(hits.count(), if on { 2 } else { 0 });
        let hits = bench.fake.fail(
            "GET /repos/team/app/git",
            if on { 3 } else { 0 },
            Effect::status(503, "x"),
        );
        let outcome = bench.github.branches(&repo).await;
        assert_eq!(hits.count(), if on { 3 } else { 0 });
        assert_eq!(
            outcome.is_err_and(|e| matches!(e, ForgeError::Server(_))),
            on
        );
    }
}
