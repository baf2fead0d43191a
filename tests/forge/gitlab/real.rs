//! What real GitLab servers do otherwise than one would think. The numbers are rows of the table of it.

use super::{SOURCE, World, failed, left_out, names, settings};
use crate::conformance::request;
use crate::fake_gitlab::{FakeGitLab, Fault, NewToken, ProjectOptions};
use imagebot::forge::{Forge, ForgeError, GitLab, KnownIds};
use imagebot::repo::{MergeRequestMetadata, NewMergeRequest};
use std::time::Duration;

/// A 500 with JSON is about one project; a proxy's page is about the instance.
#[tokio::test]
async fn row_9_a_server_error_is_one_projects() {
    let html = vec![("content-type", "text/html".to_owned())];
    let page = Fault::Answer(502, html, "<html>Bad Gateway</html>".to_owned());
    let own = Fault::message(500, "500 Internal Server Error");
    for (fault, code, of_forge) in [
        (own, "forge-server-error", false),
        (page, "forge-unreachable", true),
    ] {
        let world = World::new().await;
        let repo = world.prepared().await;
        world.fake.fail("POST", "/merge_requests", 100, fault);
        let made = world.forge.create(&repo, &request(SOURCE, "one")).await;
        let error = made.unwrap_err();
        assert_eq!((error.code(), error.is_of_forge()), (code, of_forge));
    }
}

/// A page that takes too long comes in part, with an error: the rest is asked for in smaller pages.
#[tokio::test]
async fn row_11_a_page_that_timed_out_is_asked_for_again_in_smaller_ones() {
    for heavy in [0, 20, 1] {
        let world = World::new().await;
        world.projects(&["team/app"]);
        world.fake.seed("team/app", "team/more", 149);
        world.fake.slow(heavy);
        world.fake.clear_log();
        let listing = world.listing().await;
        assert_eq!(
            listing.repositories.len(),
            150,
            "{heavy}: {:?}",
            failed(&listing)
        );
        let asked = world.fake.counts().graphql;
        match heavy {
            0 => assert_eq!(asked, 3),
            20 => assert!(asked <= 20, "{asked}"),
            _ => assert!(asked <= 200, "{asked}"),
        }
    }
}

/// On busy instances a pushed branch is seen after some 40 s.
#[tokio::test]
async fn row_12_a_branch_that_is_seen_late_is_waited_for() {
    let unseen = r#"{"message": {"source_branch": ["does not exist"]}}"#;
    let json = vec![("content-type", "application/json".to_owned())];
    let unseen = Fault::Answer(400, json, unseen.to_owned());
    for (times, opens) in [(6, true), (100, false)] {
        let world = World::new().await;
        let repo = world.prepared().await;
        world
            .fake
            .fail("POST", "/merge_requests", times, unseen.clone());
        let before = world.clock.elapsed();
        let made = world.forge.create(&repo, &request(SOURCE, "one")).await;
        let waited = world.clock.elapsed() - before;
        assert!(waited > Duration::from_secs(40) && waited < Duration::from_secs(80));
        match opens {
            true => assert_eq!(made.unwrap().number, 1),
            // No problem: the branch is there.
            false => {
                let error = made.unwrap_err();
                assert!(matches!(error, ForgeError::Conflict(_)), "{error}");
                assert!(error.to_string().contains("the next pass"), "{error}");
            }
        }
    }
}

/// Limits of single endpoints name no time: that kind of request waits a minute, and then for the next pass.
#[tokio::test]
async fn row_24_a_limit_of_one_endpoint_is_not_the_instances() {
    let limited = Fault::message(
        429,
        "This endpoint has been requested too many times. Try again later.",
    );
    for (times, works) in [(1, true), (100, false)] {
        let world = World::new().await;
        let repo = world.prepared().await;
        let made = world.forge.create(&repo, &request(SOURCE, "one")).await;
        let number = made.unwrap().number;
        let fault = world.fake.fail("POST", "/notes", times, limited.clone());
        let before = world.clock.elapsed();
        let said = world.forge.comment(&repo, number, "stop", "text").await;
        let waited = world.clock.elapsed() - before;
        let minutes = if works { 1 } else { 2 };
        assert_eq!(waited.as_secs() / 60, minutes);
        assert_eq!(said.is_ok(), works);
        if let Err(error) = said {
            assert_eq!((error.code(), error.is_of_forge()), ("forge-busy", false));
            assert_eq!(world.fake.happened(fault), 3);
            let again = world.forge.comment(&repo, number, "other", "text").await;
            assert_eq!(again.unwrap_err().code(), "forge-busy");
            assert_eq!(
                world.fake.happened(fault),
                3,
                "it is skipped for the rest of this pass"
            );
        }
        world.forge.close(&repo, number).await.unwrap();
    }
}

#[tokio::test]
async fn row_28_without_merge_requests_a_project_is_left_out() {
    for globs in [["**"], ["team/off"]] {
        let world = World::of(&globs, |_| {}).await;
        world.projects(&["team/off"]);
        assert_eq!(names(&world.listing().await), ["team/off"]);
        world
            .fake
            .change("team/off", |options| options.without_requests = true);
        let listing = world.listing().await;
        assert_eq!(names(&listing), [""; 0]);
        assert_eq!(left_out(&listing), [("team/off", "no-merge-requests")]);
    }
}

/// A group's milestone is found by whatever the version calls the parameter.
#[tokio::test]
async fn row_32_milestones_of_groups_are_asked_for_by_both_names() {
    let world = World::new().await;
    let options = ProjectOptions {
        milestones: vec!["v1".to_owned()],
        ..ProjectOptions::default()
    };
    world.fake.project("team/app", options);
    world.fake.commit("team/app", "main", &[("a", "1\n")]);
    world.fake.commit("team/app", SOURCE, &[("a", "2\n")]);
    let repo = world.listing().await.repositories.remove(0);
    let new = NewMergeRequest {
        metadata: MergeRequestMetadata {
            milestone: Some("v1".to_owned()),
            ..MergeRequestMetadata::default()
        },
        ..request(SOURCE, "one")
    };
    world.forge.create(&repo, &new).await.unwrap();
    assert!(world.there().milestone.is_some());
    let log = world.fake.requests();
    let asked = log
        .iter()
        .find(|r| r.target.contains("/milestones"))
        .unwrap();
    for name in ["include_ancestors=true", "include_parent_milestones=true"] {
        assert!(asked.target.contains(name), "{}", asked.target);
    }
}

/// The list of projects shows a project's own flag only; GraphQL also that of its groups.
#[tokio::test]
async fn row_36_projects_of_an_archived_group_are_archived() {
    let world = World::new().await;
    world.projects(&["old/app", "team/app"]);
    world.fake.archive_group("old");
    let listing = world.listing().await;
    assert_eq!(names(&listing), ["team/app"]);
    assert_eq!(left_out(&listing), [("old/app", "archived")]);
}

/// A fork shows its parent only to those who may see it. That cannot be told from here; it is said.
#[tokio::test]
async fn row_22_forks_of_hidden_projects_are_spoken_of() {
    let world = World::new().await;
    world.projects(&["team/app"]);
    let fake = FakeGitLab::start().await;
    fake.allow(1, "team", 30);
    let token = fake.token(NewToken::default());
    let parent = fake.project("hidden/app", ProjectOptions::default());
    let fork = ProjectOptions {
        fork_of: Some(parent),
        ..ProjectOptions::default()
    };
    fake.project("team/fork", fork);
    fake.commit("team/fork", "main", &[("Dockerfile", "FROM a:1\n")]);
    for (globs, expect) in [(["team/**", "**"], 1), (["team/**", "!team/fork"], 0)] {
        let forge = GitLab::new(settings(&fake, &token, &globs)).unwrap();
        let listing = forge.discover(&KnownIds::new()).await.unwrap();
        assert_eq!(
            listing.repositories.len(),
            expect,
            "an original, by all that is shown"
        );
    }
    let listing = world.listing().await;
    let found = world.forge.doctor(&listing.repositories, false).await;
    assert!(
        found
            .iter()
            .any(|f| f.what.contains("looks like an original"))
    );
}
