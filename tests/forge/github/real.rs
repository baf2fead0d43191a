//! What real GitHub servers do otherwise than one would think. The numbers are rows of the table of it.

use super::bench::{Bench, SOURCE, TOKEN, fleet};
use crate::conformance::{listed, request};
use crate::fake_github::{Effect, FakeGitHub, TokenOptions};
use imagebot::forge::{Forge, ForgeError, Repository};
use imagebot::repo::{MergeRequestEdit, MergeRequestMetadata, NewMergeRequest};
use serde_json::json;
use std::time::Duration;

fn graphql(bench: &Bench) -> usize {
    let log = bench.fake.take_log();
    let heads = log.iter().filter(|asked| asked.path == "Heads");
    heads.count()
}

/// A limit answers with 200, in several ways; each is waited for, and none leads to more requests.
#[tokio::test(flavor = "multi_thread")]
async fn row_10_a_limit_is_known_by_whatever_name() {
    let said = "API rate limit already exceeded for user ID 1.";
    let secondary = "You have exceeded a secondary rate limit. Please wait a few minutes.";
    for error in [
        json!({"type": "RATE_LIMIT", "code": "graphql_rate_limit", "message": said}),
        json!({"type": "RATE_LIMITED", "message": said}),
        json!({"extensions": {"code": "graphql_rate_limit"}, "message": "no"}),
        json!({"message": secondary}),
    ] {
        for operation in ["GRAPHQL Start", "GRAPHQL Heads"] {
            let bench = Bench::with(fleet(3).await, &["team/*"]);
            let limited = |body| Effect::Answer {
                status: 200,
                headers: Vec::new(),
                body,
            };
            let answer = json!({"errors": [error.clone()], "data": null});
            let hits = bench.fake.fail(operation, 1, limited(answer.clone()));
            assert_eq!(bench.listing().await.repositories.len(), 3);
            assert_eq!(hits.count(), 1);
            let slept = bench.fake.clock().slept();
            assert!(slept.contains(&Duration::from_secs(60)), "{error}");
            // For good: nothing else is asked, least of all each repository by itself.
            let hits = bench.fake.fail(operation, usize::MAX, limited(answer));
            bench.fake.take_log();
            let found = bench.github.discover(&Default::default()).await;
            assert!(matches!(found, Err(ForgeError::RateLimited(_))), "{error}");
            assert!(hits.count() <= 3, "{}", hits.count());
            let log = bench.fake.take_log();
            assert!(log.iter().all(|asked| !asked.path.contains("/branches/")));
        }
    }
}

/// What is wrong with the first request is not that there is no such API: each repository is not asked by itself.
#[tokio::test(flavor = "multi_thread")]
async fn row_10_a_failed_start_is_no_reason_to_ask_each_repository() {
    let bench = Bench::with(fleet(3).await, &["team/*"]);
    let hits = bench
        .fake
        .fail("GRAPHQL Start", usize::MAX, Effect::status(502, "no"));
    let found = bench.github.discover(&Default::default()).await;
    assert!(found.is_err());
    assert!(hits.count() >= 1);
    let log = bench.fake.take_log();
    assert!(log.iter().all(|asked| asked.path == "Start"), "{log:?}");
}

/// A query that takes too much ends early, with what there is by then: the rest is asked for in smaller pages.
#[tokio::test(flavor = "multi_thread")]
async fn row_11_a_page_that_was_cut_off_is_asked_for_again_in_smaller_ones() {
    for heavy in [0, 10, 1] {
        let bench = Bench::with(fleet(120).await, &["team/*"]);
        bench.fake.lock().heavy = heavy;
        bench.fake.take_log();
        let listing = bench.listing().await;
        assert_eq!(listing.repositories.len(), 120, "{:?}", listing.failed);
        let all = listing.repositories.iter();
        let whole =
            all.filter(|repo| repo.head.is_some() && repo.branches.as_ref().unwrap().len() == 1);
        assert_eq!(whole.count(), 120, "{heavy}");
        let asked = graphql(&bench);
        match heavy {
            0 => assert_eq!(asked, 3),
            10 => assert!(asked <= 30, "{asked}"),
            _ => assert!(asked <= 140, "{asked}"),
        }
    }
}

/// Whether the prefix of a branch is what was asked for, or `refs/heads/`, the documentation does not settle.
#[tokio::test(flavor = "multi_thread")]
async fn our_branches_are_known_whatever_their_prefix_is_said_to_be() {
    for plain in [false, true] {
        let bench = Bench::start().await;
        let repo = bench.prepared().await;
        bench.create(&repo, "a").await;
        bench.fake.lock().plain_prefix = plain;
        let repo = listed(&bench.github, "team/app").await;
        let branches = repo.branches.as_ref().unwrap().keys();
        let names: Vec<&str> = branches.map(|branch| branch.as_str()).collect();
        assert_eq!(names, [SOURCE], "{plain}");
        assert_eq!(repo.open.unwrap().len(), 1);
        assert_eq!(repo.head.unwrap().0.as_str(), "main");
    }
}

/// GitHub sees a branch some seconds after its push was answered.
#[tokio::test(flavor = "multi_thread")]
async fn row_13_a_branch_that_is_not_seen_yet_is_waited_for() {
    for late in [0, 20, 600] {
        let bench = Bench::start().await;
        bench.fake.lock().late = late;
        let repo = bench.prepared().await;
        let made = bench.github.create(&repo, &request(SOURCE, "a")).await;
        match late {
            600 => {
                let error = made.unwrap_err();
                assert!(matches!(error, ForgeError::Conflict(_)), "{error}");
                assert!(error.to_string().contains("the next pass"), "{error}");
            }
            _ => assert_eq!(bench.fake.pulls("team/app").len(), 1),
        }
    }
}

/// A person's own list shows what is public; what the bot is invited to is in its own.
#[tokio::test(flavor = "multi_thread")]
async fn row_20_private_repositories_of_people_are_found() {
    let fake = FakeGitHub::start().await;
    fake.token("imagebot", TOKEN, TokenOptions::default());
    fake.user("ada");
    for name in ["ada/private", "team/other"] {
        fake.repo(name);
        fake.commit(name, "main", &[("Dockerfile", "FROM a:1\n")]);
    }
    let bench = Bench::with(fake, &["ada/*"]);
    let listing = bench.listing().await;
    let names: Vec<_> = listing
        .repositories
        .iter()
        .map(|r| r.name.as_str())
        .collect();
    assert_eq!(names, ["ada/private"]);
}

/// A list with status 200 may lack the organisations that the token was not authorised for.
#[tokio::test(flavor = "multi_thread")]
async fn row_21_a_list_with_gaps_says_so() {
    let fake = fleet(2).await;
    fake.repo("saml/app");
    fake.commit("saml/app", "main", &[("Dockerfile", "FROM a:1\n")]);
    let bench = Bench::with(fake, &["**"]);
    assert_eq!(bench.listing().await.repositories.len(), 3);
    bench.fake.lock().sso = vec!["saml".to_owned()];
    let listing = bench.listing().await;
    assert_eq!(listing.repositories.len(), 2, "what is there is worked on");
    let [(what, error)] = listing.failed.as_slice() else {
        panic!("{:?}", listing.failed);
    };
    assert_eq!(
        (what.as_str(), error.code()),
        ("the token's repositories", "forge-forbidden")
    );
    assert!(error.to_string().contains("Configure SSO"), "{error}");
    let refused = Effect::with(
        403,
        &[(
            "x-github-sso",
            "required; url=https://github.com/orgs/saml/sso",
        )],
        "Resource protected by organization SAML enforcement.",
    );
    bench.fake.fail("GET /user/repos", 1, refused);
    let listing = bench.listing().await;
    assert!(listing.failed[0].1.to_string().contains("Configure SSO"));
}

#[tokio::test(flavor = "multi_thread")]
async fn row_28_without_pull_requests_a_repository_is_left_out() {
    let bench = Bench::with(fleet(2).await, &["team/*"]);
    bench
        .fake
        .set("team/r0001", |repo| repo.without_pulls = true);
    let listing = bench.listing().await;
    assert_eq!(listing.repositories.len(), 1);
    assert_eq!(listing.left_out.len(), 1);
    assert_eq!(listing.left_out[0].why, "no-merge-requests");
}

/// Issues are switched off, or an App may not write them: a pull request and its text do without.
#[tokio::test(flavor = "multi_thread")]
async fn row_29_without_issues_the_text_is_written_all_the_same() {
    for forbidden in [false, true] {
        let bench = Bench::start().await;
        let repo = bench.prepared().await;
        match forbidden {
            true => bench.fake.lock().tokens.get_mut(TOKEN).unwrap().no_issues = true,
            false => bench
                .fake
                .set("team/app", |repo| repo.without_issues = true),
        }
        let made = bench.github.create(&repo, &request(SOURCE, "a")).await;
        let made = made.unwrap();
        let (issue, _) = bench.fake.pull("team/app", made.number);
        assert_eq!(issue.body, "a: the text", "completed");
        let edit = MergeRequestEdit {
            description: Some("another".to_owned()),
            add_labels: vec!["x".to_owned()],
            ..MergeRequestEdit::default()
        };
        bench.github.edit(&repo, made.number, &edit).await.unwrap();
        assert_eq!(bench.fake.pull("team/app", 1).0.body, "another");
        if !forbidden {
            bench.github.notice(&repo, Some("broken")).await.unwrap();
            bench.github.notice(&repo, None).await.unwrap();
        }
    }
}

/// One reviewer who is refused takes no other along.
#[tokio::test(flavor = "multi_thread")]
async fn row_30_those_who_can_review_are_asked() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    let new = NewMergeRequest {
        metadata: MergeRequestMetadata {
            reviewers: ["ada", "stranger", "grace"].map(str::to_owned).into(),
            ..MergeRequestMetadata::default()
        },
        ..request(SOURCE, "a")
    };
    let made = bench.github.create(&repo, &new).await.unwrap();
    let (_, pull) = bench.fake.pull("team/app", made.number);
    assert_eq!(pull.reviewers, ["ada", "grace"]);
}

/// The list of branches has no pages: all that begins so comes at once, and only what is ours is taken.
#[tokio::test(flavor = "multi_thread")]
async fn row_40_all_of_our_branches_come_at_once() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    for number in 0..130 {
        bench
            .fake
            .branch("team/app", &format!("imagebot/b{number}"));
    }
    bench.fake.take_log();
    let branches = bench.github.branches(&repo).await.unwrap();
    assert_eq!(branches.len(), 131);
    assert_eq!(bench.fake.take_log().len(), 1);
}

/// A 500 about one repository is that repository's.
#[tokio::test(flavor = "multi_thread")]
async fn row_9_a_server_error_is_one_repositorys() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    let broken = Effect::status(500, "Server Error");
    bench
        .fake
        .fail("POST /repos/team/app/pulls", usize::MAX, broken);
    let error = bench.github.create(&repo, &request(SOURCE, "a")).await;
    let error = error.unwrap_err();
    assert_eq!(
        (error.code(), error.is_of_forge()),
        ("forge-server-error", false)
    );
    bench.fake.heal();
    bench
        .fake
        .fail("POST /repos/team/app/pulls", usize::MAX, Effect::Html(502));
    let error = bench.github.create(&repo, &request(SOURCE, "a")).await;
    assert!(error.unwrap_err().is_of_forge(), "a proxy's page");
}

/// GitHub bans whoever makes more than some 500 things in an hour.
#[tokio::test(flavor = "multi_thread")]
async fn row_31_what_has_no_room_in_an_hour_is_put_off() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    let made = bench.github.create(&repo, &request(SOURCE, "a")).await;
    let number = made.unwrap().number;
    bench.fake.take_log();
    let mut put_off = None;
    for at in 0..500 {
        let said = bench
            .github
            .comment(&repo, number, &format!("c{at}"), "x")
            .await;
        if let Err(error) = said {
            put_off = Some(error);
            break;
        }
    }
    let error = put_off.expect("not 500 in a quarter of an hour");
    assert_eq!((error.code(), error.is_of_forge()), ("forge-busy", false));
    assert!(bench.fake.writes().len() < 500);
    bench.github.branches(&repo).await.unwrap();
    bench.fake.clock().advance(Duration::from_secs(3_600));
    bench
        .github
        .comment(&repo, number, "later", "x")
        .await
        .unwrap();
}

/// What a bot before left is asked of many repositories at once, and only an answer takes one out.
#[tokio::test(flavor = "multi_thread")]
async fn open_notices_are_found_fifty_at_once() {
    let bench = Bench::with(fleet(101).await, &["team/*"]);
    let listing = bench.listing().await;
    let repos: Vec<&Repository> = listing.repositories.iter().collect();
    let (noticed, closed) = (repos[7], repos[60]);
    for repo in [noticed, closed] {
        bench.github.notice(repo, Some("broken")).await.unwrap();
    }
    bench.github.notice(closed, None).await.unwrap();
    bench.fake.take_log();
    let with = bench.github.with_notices(&repos).await.unwrap().unwrap();
    assert_eq!(with, [noticed.id.clone()].into());
    assert_eq!(bench.fake.take_log().len(), 3);
    // What is not told is not concluded from.
    bench
        .fake
        .fail("GRAPHQL Notices", 1, Effect::status(500, "no"));
    let with = bench.github.with_notices(&repos).await.unwrap().unwrap();
    assert_eq!(with.len(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn row_14_notices_and_comments_fit_as_well() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    let made = bench.github.create(&repo, &request(SOURCE, "a")).await;
    let number = made.unwrap().number;
    let long = "a line of it\n".repeat(10_000);
    bench.github.notice(&repo, Some(&long)).await.unwrap();
    let said = bench.github.comment(&repo, number, "long", &long).await;
    said.unwrap();
    bench.fake.take_log();
    bench.github.notice(&repo, Some(&long)).await.unwrap();
    assert!(bench.fake.writes().is_empty(), "the same again");
}
