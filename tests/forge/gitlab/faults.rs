//! What goes wrong on the way to GitLab and on it. Each test runs once more without its fault.

use super::{SOURCE, World, failed, names};
use crate::conformance::{branch, request};
use crate::fake_gitlab::{Fault, FaultId};
use imagebot::forge::{Forge, ForgeError, KnownIds, Merging};
use imagebot::http::Gates;
use std::future::Future;

/// Opens a merge request while the first `times` matching requests go wrong, and once more without the fault: both
/// end with exactly one. Gives how many `POST`s there were with and without.
async fn opened_once(method: &str, part: &str, times: usize, fault: Fault) -> (usize, usize) {
    let mut posts = [0, 0];
    for (times, posts) in [times, 0].into_iter().zip(&mut posts) {
        let world = World::new().await;
        let repo = world.prepared().await;
        let id = world.fake.fail(method, part, times, fault.clone());
        let created = world.forge.create(&repo, &request(SOURCE, "one")).await;
        assert_eq!(created.unwrap().number, 1);
        assert_eq!(world.fake.happened(id), times);
        let there = world.fake.merge_requests("team/app");
        let states: Vec<_> = there.iter().map(|mr| (mr.iid, mr.state)).collect();
        assert_eq!(states, [(1, "opened")]);
        *posts = world.fake.writes().len();
    }
    (posts[0], posts[1])
}

#[tokio::test]
async fn f5_a_lost_answer_is_looked_for() {
    let requests = "/merge_requests";
    assert_eq!(
        opened_once("POST", requests, 1, Fault::DropAfter).await,
        (1, 1)
    );
    assert_eq!(
        opened_once("POST", requests, 1, Fault::DropBefore).await,
        (2, 1)
    );
    assert_eq!(
        opened_once("POST", requests, 2, Fault::status(502)).await,
        (3, 1)
    );
}

#[tokio::test]
async fn f5_the_one_that_is_there_is_adopted() {
    let world = World::new().await;
    let repo = world.prepared().await;
    let iid = world.fake.open("team/app", SOURCE, 7, None);
    let adopted = world
        .forge
        .create(&repo, &request(SOURCE, "one"))
        .await
        .unwrap();
    assert_eq!(
        (adopted.number, adopted.title.as_str()),
        (iid, "by a person")
    );
    assert_eq!(world.fake.merge_requests("team/app").len(), 1);
}

#[tokio::test]
async fn f41_a_branch_that_is_not_seen_yet_is_waited_for() {
    let fault = Fault::message(
        400,
        "source_branch \"imagebot/node-1a2b3c4d\" does not exist",
    );
    assert_eq!(
        opened_once("POST", "/merge_requests", 3, fault).await,
        (4, 1)
    );
}

#[tokio::test]
async fn f42_a_resource_lock_is_waited_for() {
    let fault = || Fault::message(409, "Resource lock");
    let posts = opened_once("POST", "/merge_requests", 3, fault()).await;
    assert_eq!(posts, (4, 1));
    for times in [2, 0] {
        let world = World::new().await;
        let (repo, number) = world.opened().await;
        let id = world.fake.fail("PUT", "/merge_requests/1", times, fault());
        world.forge.close(&repo, number).await.unwrap();
        assert_eq!(world.there().state, "closed");
        assert_eq!(world.fake.happened(id), times);
    }
}

#[tokio::test]
async fn f43_a_status_that_is_not_settled_is_waited_for() {
    for (settling, expect) in [(0, true), (2, true), (50, false)] {
        let world = World::new().await;
        let repo = world.prepared().await;
        world.fake.settle_after(settling);
        let number = world
            .forge
            .create(&repo, &request(SOURCE, "one"))
            .await
            .unwrap()
            .number;
        let head = world.source_head();
        world.fake.clear_log();
        let merging = world.forge.merge(&repo, number, &head).await.unwrap();
        match expect {
            true => assert_eq!(merging, Merging::Scheduled),
            false => assert_eq!(merging, Merging::NotYet("checking".to_owned())),
        }
        // Bound to the commit, each time.
        let asked = world.fake.requests();
        let merges = asked.iter().filter(|r| r.method == "PUT");
        assert!(merges.clone().all(|r| r.body.contains(head.as_str())));
        assert!((1..=5).contains(&merges.count()), "{asked:?}");
        assert_eq!(world.there().state, "opened");
    }
}

/// F27: a token that is refused stops everything for this forge, with few requests and a clear message.
#[tokio::test]
async fn f27_a_refused_token_is_not_tried_again() {
    for (name, refuse) in [("revoked", true), ("expired", true), ("well", false)] {
        let world = World::new().await;
        let repo = world.prepared().await;
        match name {
            "revoked" => world.fake.revoke(&world.token),
            "expired" => world.fake.expire(&world.token),
            _ => {}
        }
        let created = world.forge.create(&repo, &request(SOURCE, "one")).await;
        assert_eq!(created.is_err(), refuse);
        if !refuse {
            continue;
        }
        // Nothing more is asked in this pass.
        let sources = [branch(SOURCE)].into();
        for _ in 0..5 {
            let error = world
                .forge
                .merge_requests(&repo, &sources)
                .await
                .unwrap_err();
            assert!(matches!(error, ForgeError::Unauthorized(_)), "{error}");
            assert!(!error.to_string().contains("glpat"), "{error}");
        }
        assert!(
            world.fake.requests().len() == 1,
            "{:?}",
            world.fake.requests()
        );
        let error = world.forge.discover(&KnownIds::new()).await.unwrap_err();
        assert!(matches!(error, ForgeError::Unauthorized(_)), "{error}");
        assert!(world.fake.merge_requests("team/app").is_empty());
    }
}

/// Passes may run side by side in one process: a refusal ends with the pass that met it, and stops no other.
#[tokio::test]
async fn f27_a_refused_token_stops_its_own_pass_only() {
    let sources = [branch(SOURCE)].into();
    for times in [1, 0] {
        let world = World::new().await;
        let repo = world.prepared().await;
        let [refused, other] = [(); 2].map(|()| world.forge.for_pass(&Gates::new()));
        let fault = Fault::message(401, "401 Unauthorized");
        let fault = world.fake.fail("POST", "/merge_requests", times, fault);
        let created = refused.create(&repo, &request(SOURCE, "one")).await;
        assert_eq!(created.is_err(), times == 1);
        assert_eq!(world.fake.happened(fault), times);
        // The other begins, and goes on, whatever the first one met.
        let listing = other.discover(&KnownIds::new()).await.unwrap();
        assert_eq!(names(&listing), ["team/app"]);
        let created = other.create(&repo, &request(SOURCE, "one")).await;
        assert_eq!(created.unwrap().number, 1);
        // Nor is the first one let in again by that.
        world.fake.clear_log();
        let found = refused.merge_requests(&repo, &sources).await;
        match times {
            1 => assert!(
                matches!(found, Err(ForgeError::Unauthorized(_))),
                "{found:?}"
            ),
            _ => assert_eq!(found.unwrap().len(), 1),
        }
        assert_eq!(world.fake.requests().is_empty(), times == 1);
        let later = world.forge.for_pass(&Gates::new());
        let found = later.merge_requests(&repo, &sources).await;
        assert_eq!(found.unwrap().len(), 1);
    }
}

/// The pace of changes belongs to the token: passes side by side keep to it together.
#[tokio::test]
async fn passes_side_by_side_keep_one_pace() {
    let world = World::new().await;
    let repo = world.prepared().await;
    let number = world.forge.create(&repo, &request(SOURCE, "one")).await;
    let number = number.unwrap().number;
    let before = world.clock.elapsed();
    for code in ["one", "two", "three"] {
        let pass = world.forge.for_pass(&Gates::new());
        pass.comment(&repo, number, code, code).await.unwrap();
    }
    let waited = (world.clock.elapsed() - before).as_millis();
    assert!(waited >= 1_500, "{waited} ms");
}

#[tokio::test]
async fn a_missing_scope_is_named() {
    let world = World::new().await;
    world.projects(&["team/app"]);
    let new = crate::fake_gitlab::NewToken {
        scopes: vec!["read_repository"],
        ..Default::default()
    };
    let token = world.fake.token(new);
    let forge = world.client(&["**"], |settings| settings.token = token.into());
    let error = forge.discover(&KnownIds::new()).await.unwrap_err();
    assert!(matches!(error, ForgeError::Forbidden(_)), "{error}");
    assert!(error.to_string().contains("scope"), "{error}");
}

/// F28, F29: one repository's refusal is its own.
#[tokio::test]
async fn f28_f29_one_repository_fails_alone() {
    for times in [1, 0] {
        let world = World::of(&["team/**"], |_| {}).await;
        world.projects(&["team/a", "team/b"]);
        for path in ["team/a", "team/b"] {
            world
                .fake
                .commit(path, SOURCE, &[("Dockerfile", "FROM node:2\n")]);
        }
        let repos = world.listing().await.repositories;
        let part = format!("/projects/{}/merge_requests", repos[0].id);
        let fault = world
            .fake
            .fail("POST", &part, times, Fault::message(403, "403 Forbidden"));
        let first = world.forge.create(&repos[0], &request(SOURCE, "one")).await;
        assert_eq!(first.is_err(), times == 1);
        if let Err(error) = first {
            assert!(matches!(error, ForgeError::Forbidden(_)), "{error}");
            assert!(!error.is_of_forge());
        }
        world
            .forge
            .create(&repos[1], &request(SOURCE, "one"))
            .await
            .unwrap();
        assert_eq!(world.fake.happened(fault), times);
        if times == 1 {
            world.fake.delete_project("team/a");
            let sources = [branch(SOURCE)].into();
            let gone = world
                .forge
                .merge_requests(&repos[0], &sources)
                .await
                .unwrap_err();
            assert!(matches!(gone, ForgeError::NotFound(_)), "{gone}");
            let gone = world
                .forge
                .create(&repos[0], &request(SOURCE, "one"))
                .await
                .unwrap_err();
            assert!(matches!(gone, ForgeError::NotFound(_)), "{gone}");
            assert_eq!(names(&world.listing().await), ["team/b"]);
        }
    }
}

/// F45: a limit that is used up is waited for where that is soon, else the forge is left alone.
#[tokio::test]
async fn f45_a_used_up_limit_is_waited_for_or_given_up() {
    for (left, seconds, expect) in [(1, 60, Some(60)), (1, 3600, None), (1000, 60, Some(0))] {
        let world = World::new().await;
        world.projects(&["team/app"]);
        world.fake.set_rate(left, seconds);
        let (fake, clock) = (&world.fake, &world.clock);
        let before = clock.elapsed();
        let listing = with_time(fake_clock(&world), world.forge.discover(&KnownIds::new())).await;
        let waited = (clock.elapsed() - before).as_secs() as i64;
        match expect {
            Some(expect) => {
                assert_eq!(names(&listing.unwrap()), ["team/app"]);
                assert!((expect - 1..=expect).contains(&waited), "{waited}");
            }
            None => {
                let error = listing.unwrap_err();
                assert!(matches!(error, ForgeError::RateLimited(_)), "{error}");
                assert!(waited < 5);
                assert_eq!(fake.requests().len(), 1);
            }
        }
    }
}

/// Moves the server's clock along with ours.
fn fake_clock(world: &World) -> impl Fn() + '_ {
    let moved = std::cell::Cell::new(0);
    move || {
        let now = world.clock.elapsed().as_secs() as i64;
        world.fake.advance(now - moved.get());
        moved.set(now);
    }
}

/// Runs a future and moves the server's clock whenever it yields.
async fn with_time<T>(step: impl Fn(), future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(|context| {
        step();
        future.as_mut().poll(context)
    })
    .await
}

#[tokio::test]
async fn a_429_is_waited_for() {
    for times in [2, 0] {
        let world = World::new().await;
        world.projects(&["team/app"]);
        let fault = world
            .fake
            .fail("GET", "/projects", times, Fault::retry_after(429, "30"));
        let listing = world.listing().await;
        assert_eq!(names(&listing), ["team/app"]);
        assert_eq!(world.fake.happened(fault), times);
        assert_eq!(world.clock.elapsed().as_secs() >= 60, times == 2);
    }
}

/// A GraphQL answer with half of the merge requests is none: what is not told would be opened a second time.
#[tokio::test]
async fn half_an_answer_about_merge_requests_is_none() {
    for times in [1, 0] {
        let world = World::new().await;
        let (repo, _) = world.opened().await;
        let id: u64 = repo.id.parse().unwrap();
        let fault = world.fake.fail("", "", times, Fault::FailPageWith(id));
        let sources = [branch(SOURCE)].into();
        let found = world.forge.merge_requests(&repo, &sources).await;
        assert_eq!(world.fake.happened(fault), times);
        match times {
            1 => assert!(matches!(found.unwrap_err(), ForgeError::Unreachable(_))),
            _ => assert_eq!(found.unwrap().len(), 1),
        }
    }
}

/// The open merge requests cannot be listed: they are not known, which is not the same as none.
#[tokio::test]
async fn open_merge_requests_that_are_not_told_are_not_none() {
    for times in [1, 0] {
        let world = World::new().await;
        world.projects(&["team/app"]);
        let fault = world.fake.fail(
            "GET",
            "/merge_requests",
            times,
            Fault::message(403, "403 Forbidden"),
        );
        let listing = world.listing().await;
        assert_eq!(failed(&listing), []);
        assert_eq!(listing.repositories[0].open.is_none(), times == 1);
        assert_eq!(world.fake.happened(fault), times);
    }
}

/// A server error on one page of heads does not lose the fleet.
#[tokio::test]
async fn a_gateway_error_is_repeated() {
    for times in [2, 0] {
        let world = World::new().await;
        world.projects(&["team/app"]);
        let fault = world
            .fake
            .fail("POST", "query Heads", times, Fault::status(502));
        assert_eq!(names(&world.listing().await), ["team/app"]);
        assert_eq!(world.fake.happened(fault), times);
    }
}

#[tokio::test]
async fn comments_are_written_once_though_the_answer_is_lost() {
    for times in [1, 0] {
        let world = World::new().await;
        let (repo, number) = world.opened().await;
        let fault: FaultId = world.fake.fail("POST", "/notes", times, Fault::DropAfter);
        let first = world.forge.comment(&repo, number, "stop", "said").await;
        assert_eq!(first.is_err(), times == 1);
        world
            .forge
            .comment(&repo, number, "stop", "said")
            .await
            .unwrap();
        assert_eq!(world.there().notes.len(), 1);
        assert_eq!(world.fake.happened(fault), times);
    }
}
