//! What a pass asks for, how often, and what it makes of answers that come in part.

use super::bench::{Bench, fleet, settings};
use crate::conformance::{branch, left_out, names, request};
use crate::fake_github::{Effect, RepoOptions};
use imagebot::forge::{Forge, ForgeError, GitHub, KnownIds};
use imagebot::repo::{Branch, RepoName};

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_pass_is_a_handful_of_requests() {
    for (count, rest, graphql) in [
        (1, 1, 2),
        (50, 1, 2),
        (51, 1, 3),
        (100, 1, 3),
        (101, 2, 4),
        (1000, 10, 21),
    ] {
        let bench = Bench::with(fleet(count).await, &["team/*"]);
        let first = bench.listing().await;
        assert_eq!(first.repositories.len(), count);
        // With pull requests open it costs no more.
        for repo in first.repositories.iter().take(3) {
            bench
                .github
                .create(repo, &request("imagebot/a", "a"))
                .await
                .unwrap();
        }
        bench.fake.counts();
        let listing = bench.listing().await;
        assert_eq!(
            bench.fake.counts(),
            (rest, graphql, 0),
            "{count} repositories"
        );
        assert_eq!(listing.repositories.len(), count);
        let open: usize = listing
            .repositories
            .iter()
            .filter_map(|r| r.open.as_ref())
            .map(Vec::len)
            .sum();
        assert_eq!(open, count.min(3));
        assert!(listing.repositories.iter().all(|repo| {
            repo.branches
                .as_ref()
                .is_some_and(|found| found.contains_key(&branch("imagebot/a")))
        }));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_heads_costs_few_points() {
    let bench = Bench::with(fleet(50).await, &["team/*"]);
    bench.listing().await;
    // Of 5,000 in an hour.
    assert_eq!(bench.fake.lock().last_cost, 21);
}

#[tokio::test(flavor = "multi_thread")]
async fn past_twenty_branches_it_is_one_more_request() {
    for (branches, more) in [(20, 0), (21, 1), (120, 1), (121, 2)] {
        let bench = Bench::with(fleet(2).await, &["team/*"]);
        for number in 1..branches {
            bench
                .fake
                .branch("team/r0001", &format!("imagebot/b{number:03}"));
        }
        bench.fake.counts();
        let listing = bench.listing().await;
        assert_eq!(bench.fake.counts(), (1, 2 + more, 0), "{branches} branches");
        let repo = &listing.repositories[1];
        assert_eq!(
            repo.branches.as_ref().map(|found| found.len()),
            Some(branches)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_did_not_come_along_is_not_told() {
    let bench = Bench::with(fleet(1).await, &["team/*"]);
    let repo = bench.listing().await.repositories.remove(0);
    let first = bench
        .github
        .create(&repo, &request("imagebot/a", "one"))
        .await
        .unwrap();
    // A second one from the same branch, opened by a person.
    bench.fake.set("team/r0000", |repo| {
        let mut other = repo.issues[&first.number].clone();
        other.number = 2;
        other.pull.as_mut().unwrap().target = "release".to_owned();
        repo.issues.insert(2, other);
    });
    let listed = bench.listing().await.repositories.remove(0);
    assert_eq!(listed.open, None, "one of two came along");
    let branches = [branch("imagebot/a")].into();
    let all = bench
        .github
        .merge_requests(&listed, &branches)
        .await
        .unwrap();
    assert_eq!(all.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_fails_is_halved() {
    for on in [true, false] {
        let bench = Bench::with(fleet(50).await, &["team/*"]);
        let fault = Effect::FailPageWith("team/r0007".to_owned());
        let times = if on { usize::MAX } else { 0 };
        let hits = bench.fake.fail("GRAPHQL Heads", times, fault);
        let listing = bench.listing().await;
        // 50, 25, 12, 6, 3, 2, 1: that one is asked for over REST.
        assert_eq!(hits.count(), if on { 7 } else { 0 });
        assert_eq!(listing.repositories.len(), 50);
        let repo = listing
            .repositories
            .iter()
            .find(|r| r.name.as_str() == "team/r0007")
            .unwrap();
        assert!(repo.head.is_some());
        assert_eq!(repo.branches.as_ref().unwrap().len(), 1);
        assert_eq!(repo.open.is_none(), on, "REST tells no pull requests along");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn null_with_an_error_is_unknown() {
    for on in [true, false] {
        let bench = Bench::with(fleet(10).await, &["team/*"]);
        let fault = Effect::NullNode("team/r0003".to_owned());
        let hits = bench.fake.fail("GRAPHQL Heads", usize::from(on), fault);
        let listing = bench.listing().await;
        assert_eq!(hits.count(), usize::from(on));
        assert_eq!(listing.repositories.len(), 10 - hits.count());
        let failed: Vec<_> = listing
            .failed
            .iter()
            .map(|(name, error)| (name.as_str(), error.code()))
            .collect();
        let expect: &[_] = if on {
            &[("team/r0003", "forge-unreachable")]
        } else {
            &[]
        };
        assert_eq!(failed, expect);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_down_is_not_asked_for_each_repository() {
    for on in [true, false] {
        let bench = Bench::with(fleet(50).await, &["team/*"]);
        let times = if on { usize::MAX } else { 0 };
        let hits = bench
            .fake
            .fail("GRAPHQL Heads", times, Effect::status(502, "down"));
        let listing = bench.listing().await;
        assert_eq!(hits.count(), if on { 12 } else { 0 });
        let known = listing.repositories.len();
        assert_eq!(known + listing.failed.len(), 50);
        assert!(
            listing
                .failed
                .iter()
                .all(|(_, error)| matches!(error, ForgeError::Unreachable(_)))
        );
        assert_eq!(listing.failed.is_empty(), !on);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_graphql_everything_is_asked_over_rest() {
    let bench = Bench::with(fleet(3).await, &["team/*"]);
    let with = bench.listing().await;
    bench
        .github
        .create(&with.repositories[0], &request("imagebot/a", "a"))
        .await
        .unwrap();
    bench.fake.lock().graphql_off = true;
    let without = bench.listing().await;
    for (with, without) in with.repositories.iter().zip(&without.repositories) {
        assert_eq!(
            (&with.id, &with.head, &with.branches),
            (&without.id, &without.head, &without.branches)
        );
        assert_eq!(without.open, None);
    }
    let branches = [branch("imagebot/a")].into();
    let all = bench
        .github
        .merge_requests(&without.repositories[0], &branches)
        .await
        .unwrap();
    assert_eq!(all.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_breaks_off_is_no_list() {
    for on in [true, false] {
        let bench = Bench::with(fleet(101).await, &["team/*", "other/x"]);
        bench.fake.repo("other/x");
        bench.fake.commit("other/x", "main", &[("x", "x")]);
        bench.listing().await;
        // The second page: the first was answered.
        let hits = bench
            .fake
            .fail("GET /orgs/team/repos", 0, Effect::DropAfter);
        drop(hits);
        let hits = bench.fake.fail(
            "GET /orgs/team/repos",
            if on { 9 } else { 0 },
            Effect::status(403, "no"),
        );
        let listing = bench.listing().await;
        assert_eq!(hits.count(), usize::from(on));
        let expect = if on { 1 } else { 102 };
        assert_eq!(listing.repositories.len(), expect);
        assert_eq!(
            listing.failed.len(),
            usize::from(on),
            "{:?}",
            listing.failed
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t20_what_is_left_out_is_told_with_its_reason() {
    let fake = fleet(1).await;
    let with = |change: &dyn Fn(&mut RepoOptions)| {
        let mut options = RepoOptions::default();
        change(&mut options);
        options
    };
    fake.repo_with("team/old", with(&|o| o.archived = true));
    fake.repo_with("team/fork", with(&|o| o.fork = true));
    fake.repo_with("team/named-fork", with(&|o| o.fork = true));
    fake.repo_with("team/mirror", with(&|o| o.mirror = true));
    fake.repo_with("team/secret", RepoOptions::default());
    fake.repo("apps/web");
    let globs = ["team/*", "!team/secret", "team/named-fork", "apps/*"];
    let mut settings = settings(&fake, &globs);
    settings.server.deeper = vec!["apps/".to_owned()];
    let github = GitHub::new(settings.clone()).unwrap();
    let listing = github.discover(&KnownIds::new()).await.unwrap();
    assert_eq!(names(&listing), ["team/named-fork", "team/r0000"]);
    let expect = [
        ("team/fork", "fork"),
        ("team/mirror", "mirror"),
        ("team/old", "archived"),
        ("team/secret", "excluded"),
    ];
    assert_eq!(left_out(&listing), expect);
    let why: Vec<&str> = listing
        .repositories
        .iter()
        .map(|repo| repo.why.as_str())
        .collect();
    assert_eq!(why, ["repos = \"team/named-fork\"", "repos = \"team/*\""]);

    settings.server.include_archived = true;
    settings.server.include_forks = true;
    settings.server.include_mirrors = true;
    let github = GitHub::new(settings.clone()).unwrap();
    let listing = github.discover(&KnownIds::new()).await.unwrap();
    assert_eq!(left_out(&listing), [("team/secret", "excluded")]);

    // The client of the deeper prefix sees the rest.
    settings.server.prefix = "apps/".to_owned();
    settings.server.deeper.clear();
    let github = GitHub::new(settings).unwrap();
    let listing = github.discover(&KnownIds::new()).await.unwrap();
    assert_eq!(names(&listing), ["apps/web"]);
}

/// It is in the list: the start, the list and the heads are all that is sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_named_repository_that_a_list_shows_costs_no_request() {
    for (globs, expect) in [
        (vec!["team/*", "team/r0001"], (1, 2, 0)),
        (vec!["team/r0000", "team/r0001"], (0, 3, 0)),
    ] {
        let bench = Bench::with(fleet(2).await, &globs);
        let listing = bench.listing().await;
        assert_eq!(names(&listing), ["team/r0000", "team/r0001"]);
        assert_eq!(bench.fake.counts(), expect, "{globs:?}");
        assert_eq!(listing.repositories[1].why, "repos = \"team/r0001\"");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_select_among_what_the_globs_do() {
    let fake = fleet(2).await;
    let options = RepoOptions {
        topics: vec!["containers".to_owned()],
        ..RepoOptions::default()
    };
    fake.repo_with("team/topic", options.clone());
    fake.repo_with("other/topic", options);
    let mut settings = settings(&fake, &["team/*", "other/*"]);
    settings.server.repos = imagebot::repo::RepoGlobs::parse(&["team/*", "team/r0001"]).unwrap();
    settings.server.topics = vec!["containers".to_owned(), "images".to_owned()];
    let github = GitHub::new(settings).unwrap();
    let listing = github.discover(&KnownIds::new()).await.unwrap();
    assert_eq!(names(&listing), ["team/topic"]);
    assert_eq!(
        listing.repositories[0].why,
        "repos = \"team/*\", topics = \"containers\""
    );
    assert_eq!(
        left_out(&listing),
        [("team/r0000", "topic"), ("team/r0001", "topic")]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn people_and_everything_can_be_listed_too() {
    let fake = fleet(1).await;
    fake.user("imagebot");
    fake.user("ada");
    let public = RepoOptions {
        private: false,
        ..RepoOptions::default()
    };
    fake.repo_with("ada/shown", public);
    fake.repo("ada/hidden");
    fake.repo("imagebot/own");
    for (globs, expect) in [
        (vec!["ada/*"], vec!["ada/hidden", "ada/shown"]),
        (vec!["imagebot/*"], vec!["imagebot/own"]),
        (
            vec!["**"],
            vec!["ada/hidden", "ada/shown", "imagebot/own", "team/r0000"],
        ),
        (vec!["*/own", "team/*"], vec!["imagebot/own", "team/r0000"]),
    ] {
        let github = GitHub::new(settings(&fake, &globs)).unwrap();
        let listing = github.discover(&KnownIds::new()).await.unwrap();
        assert_eq!(names(&listing), expect, "{globs:?}");
        assert!(listing.failed.is_empty(), "{:?}", listing.failed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t19_a_named_repository_is_followed_by_its_id_and_never_confused() {
    let fake = fleet(3).await;
    let globs = ["team/r0000", "team/r0001", "team/r0002"];
    let bench = Bench::with(fake, &globs);
    let first = bench.listing().await;
    assert_eq!(first.repositories.len(), 3);
    // One request for the names, one for the heads, one for the start.
    assert_eq!(bench.fake.counts(), (0, 3, 0));
    let known: KnownIds = first
        .repositories
        .iter()
        .map(|r| (r.name.clone(), r.id.clone()))
        .collect();

    bench.fake.rename("team/r0000", "other/renamed");
    bench.fake.rename("team/r0001", "team/moved");
    // Somebody takes the name that was given up.
    bench.fake.repo("team/r0001");
    bench
        .fake
        .commit("team/r0001", "main", &[("Dockerfile", "FROM evil:1\n")]);
    bench.fake.delete_repo("team/r0002");
    bench.fake.repo("team/r0002");
    let listing = bench.github.discover(&known).await.unwrap();
    assert_eq!(names(&listing), ["other/renamed", "team/moved"]);
    for (repo, name) in listing
        .repositories
        .iter()
        .zip(["team/r0000", "team/r0001"])
    {
        assert_eq!(repo.id, known[&RepoName::parse(name).unwrap()]);
        assert_eq!(repo.why, format!("repos = {name:?}"));
        assert_eq!(
            repo.remote.url(),
            format!("{}/{}.git", bench.fake.url(), repo.name)
        );
    }
    let failed: Vec<_> = listing
        .failed
        .iter()
        .map(|(name, e)| (name.as_str(), e.code()))
        .collect();
    assert_eq!(failed, [("team/r0002", "forge-not-found")]);
    // In the middle of a pass: nothing is written where another stands by now.
    let stale = &first.repositories[1];
    let branches = [Branch::parse("imagebot/a").unwrap()].into();
    let error = bench
        .github
        .merge_requests(stale, &branches)
        .await
        .unwrap_err();
    assert!(matches!(error, ForgeError::Conflict(_)), "{error}");
    let stale = &first.repositories[0];
    bench.fake.take_log();
    let error = bench
        .github
        .create(stale, &request("imagebot/a", "a"))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ForgeError::Conflict(_)),
        "a write follows no redirect: {error}"
    );
    assert!(bench.fake.pulls("other/renamed").is_empty());
}
