//! Merging as GitLab does it: by the merge request's own head and pipeline, which are linked to it late.
//! The numbers are rows of the table of what real forges do.

use super::{SOURCE, World};
use crate::fake_gitlab::Fault;
use imagebot::forge::{Forge, ForgeError, Merging, Repository};
use imagebot::repo::{CiStatus, CommitId};

/// An open merge request, its number and its head.
async fn opened(world: &World) -> (Repository, u64, CommitId) {
    let (repo, number) = world.opened().await;
    (repo, number, world.source_head())
}

fn state(world: &World) -> &'static str {
    world.there().state
}

fn puts(world: &World) -> usize {
    let asked = world.fake.requests();
    asked.iter().filter(|r| r.method == "PUT").count()
}

fn why(merging: Merging) -> String {
    match merging {
        Merging::NotYet(why) => why,
        other => panic!("{other:?}"),
    }
}

/// The commit has a pipeline and the merge request does not know of it: GitLab would merge without any CI.
#[tokio::test]
async fn row_2_nothing_is_merged_before_the_merge_request_has_its_pipeline() {
    for graphql in [true, false] {
        let world = World::new().await;
        world.fake.set_version("16.11.0", graphql);
        world.fake.lag(true, false);
        let (repo, number, head) = opened(&world).await;
        let pipeline = world.forge.commit_ci(&repo, &head).await.unwrap();
        assert_eq!(pipeline, CiStatus::Running, "of the commit");
        let merging = world.forge.merge(&repo, number, &head).await.unwrap();
        assert!(why(merging).starts_with("no-pipeline"), "{graphql}");
        assert_eq!((state(&world), puts(&world)), ("opened", 0));
        world.fake.catch_up("team/app");
        let merging = world.forge.merge(&repo, number, &head).await.unwrap();
        assert_eq!(merging, Merging::Scheduled);
        world
            .fake
            .end_pipelines("team/app", head.as_str(), "success");
        assert_eq!(state(&world), "merged");
    }
}

#[tokio::test]
async fn row_2_without_any_pipeline_nothing_is_merged() {
    let world = World::new().await;
    world.fake.pipelines_late(true);
    let (repo, number, head) = opened(&world).await;
    let merging = world.forge.merge(&repo, number, &head).await.unwrap();
    assert!(why(merging).starts_with("no-pipeline"));
    assert_eq!((state(&world), puts(&world)), ("opened", 0));
}

#[tokio::test]
async fn row_7_who_may_not_merge_is_told_and_nothing_fails() {
    for graphql in [true, false] {
        let world = World::new().await;
        world.fake.set_version("16.11.0", graphql);
        let (repo, number, head) = opened(&world).await;
        world
            .fake
            .change("team/app", |options| options.fully_protected = true);
        world
            .fake
            .end_pipelines("team/app", head.as_str(), "success");
        let merging = world.forge.merge(&repo, number, &head).await.unwrap();
        assert!(why(merging).contains("not allowed to merge into `main`"));
        assert_eq!((state(&world), puts(&world)), ("opened", 0));
    }
    // Where only the answer says so.
    let world = World::new().await;
    let (repo, number, head) = opened(&world).await;
    let refused = Fault::message(401, "401 Unauthorized");
    world.fake.fail("PUT", "/merge", 1, refused);
    let merging = world.forge.merge(&repo, number, &head).await.unwrap();
    assert!(why(merging).contains("not allowed to merge into `main`"));
}

#[tokio::test]
async fn row_15_a_skipped_pipeline_is_no_success() {
    for must_succeed in [false, true] {
        let world = World::new().await;
        let (repo, number, head) = opened(&world).await;
        world
            .fake
            .change("team/app", |options| options.must_succeed = must_succeed);
        world
            .fake
            .end_pipelines("team/app", head.as_str(), "skipped");
        let merging = world.forge.merge(&repo, number, &head).await.unwrap();
        assert!(why(merging).contains("its pipeline was skipped"));
        let there = world.there();
        assert_eq!((there.state, there.auto_merge), ("opened", false));
    }
}

/// GitLab knows of a push some time after it: until then that nobody else pushed is seen from the branch.
#[tokio::test]
async fn row_23_a_head_that_lags_is_not_somebody_elses() {
    for theirs in [false, true] {
        let world = World::new().await;
        let (repo, number, _) = opened(&world).await;
        world.fake.lag(false, true);
        world.fake.commit("team/app", SOURCE, &[("x", "ours\n")]);
        let ours = world.source_head();
        if theirs {
            world.fake.commit("team/app", SOURCE, &[("y", "theirs\n")]);
        }
        let merging = world.forge.merge(&repo, number, &ours).await;
        match theirs {
            false => assert!(why(merging.unwrap()).contains("has not processed")),
            true => assert!(matches!(merging, Err(ForgeError::Conflict(_)))),
        }
        assert_eq!(state(&world), "opened");
    }
    // The same where only the refusal says so.
    let world = World::new().await;
    let (repo, number, head) = opened(&world).await;
    let behind = Fault::message(409, "SHA does not match HEAD of source branch");
    world.fake.fail("PUT", "/merge", 1, behind);
    let merging = world.forge.merge(&repo, number, &head).await.unwrap();
    assert!(why(merging).contains("has not processed"));
}

#[tokio::test]
async fn row_26_a_pipeline_of_merged_results_counts() {
    for (status, expect) in [
        ("running", Merging::Scheduled),
        ("success", Merging::Merged),
    ] {
        let world = World::new().await;
        let (repo, number, head) = opened(&world).await;
        world.fake.merged_results("team/app", head.as_str(), status);
        let merging = world.forge.merge(&repo, number, &head).await.unwrap();
        assert_eq!(merging, expect);
    }
}
