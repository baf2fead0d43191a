//! The life of a merge request on GitLab.

use super::{SOURCE, World};
use crate::conformance::{branch, request};
use crate::fake_gitlab::{Fault, ProjectOptions};
use imagebot::forge::{Forge, ForgeError, Merging};
use imagebot::repo::{
    CiStatus, MergeRequestEdit, MergeRequestMetadata, MergeRequestState, NewMergeRequest,
};
use std::sync::Arc;

#[tokio::test]
async fn everything_is_worn_from_the_first_request_on() {
    let world = World::new().await;
    let options = ProjectOptions {
        milestones: vec!["other".to_owned(), "v2".to_owned()],
        ..ProjectOptions::default()
    };
    world.fake.project("team/app", options);
    let ann = world.fake.user("ann", &[("team", 30)]);
    let ben = world.fake.user("ben", &[("team", 30)]);
    world
        .fake
        .commit("team/app", "main", &[("Dockerfile", "FROM node:1\n")]);
    world
        .fake
        .commit("team/app", SOURCE, &[("Dockerfile", "FROM node:2\n")]);
    let repo = world.listing().await.repositories.remove(0);
    world.fake.clear_log();
    let new = NewMergeRequest {
        metadata: MergeRequestMetadata {
            labels: vec!["a b".to_owned(), "c".to_owned()],
            assignees: vec!["ann".to_owned()],
            reviewers: vec!["Ben".to_owned(), "nobody".to_owned()],
            milestone: Some("v2".to_owned()),
            draft: true,
            squash: Some(true),
            remove_source_branch: true,
        },
        ..request(SOURCE, "Update node")
    };
    let created = world.forge.create(&repo, &new).await.unwrap();
    assert_eq!(
        (created.title.as_str(), created.draft),
        ("Update node", true)
    );
    assert_eq!(world.fake.writes().len(), 1, "{:?}", world.fake.writes());
    let there = world.there();
    assert_eq!(there.title, "Draft: Update node");
    assert_eq!(there.description, new.description);
    assert_eq!(there.labels, ["a b", "c"]);
    assert_eq!((there.assignees, there.reviewers), (vec![ann], vec![ben]));
    assert_eq!(there.milestone, Some(2));
    assert!(there.squash && there.remove_source);
    // Names are asked for once.
    world.fake.clear_log();
    world.forge.create(&repo, &new).await.unwrap();
    let asked = world.fake.requests();
    assert!(
        !asked.iter().any(|r| r.target.contains("/users")),
        "{asked:?}"
    );
    // A new title leaves a draft a draft, and a person's label stays away.
    world
        .fake
        .edit("team/app", created.number, |mr| mr.labels.clear());
    let edit = MergeRequestEdit {
        title: Some("Update node to 3".to_owned()),
        target: Some(branch("main")),
        ..MergeRequestEdit::default()
    };
    world
        .forge
        .edit(&repo, created.number, &edit)
        .await
        .unwrap();
    let there = world.there();
    assert_eq!(there.title, "Draft: Update node to 3");
    assert!(there.labels.is_empty());
    let seen = world.seen(&repo).await;
    assert_eq!(
        (seen.title.as_str(), seen.draft),
        ("Update node to 3", true)
    );
    assert_eq!(
        seen.created.unwrap().as_second(),
        there.created_at.as_second()
    );
}

#[tokio::test]
async fn any_author_all_states_all_pages() {
    let world = World::new().await;
    let repo = world.prepared().await;
    let other = world.fake.user("old-bot", &[]);
    for number in 0..230 {
        let iid = world.fake.open("team/app", SOURCE, other, None);
        if number < 229 {
            world.fake.edit("team/app", iid, |mr| mr.state = "closed");
        }
    }
    world
        .fake
        .open("team/app", "imagebot/other-00000000", 1, None);
    world.fake.open("team/app", "feature", 1, None);
    let sources = [branch(SOURCE)].into();
    let all = world.forge.merge_requests(&repo, &sources).await.unwrap();
    assert_eq!(all.len(), 230);
    assert!(all.is_sorted_by_key(|mr| mr.number));
    assert_eq!(world.fake.counts().graphql, 3);
    assert_eq!(world.fake.counts().rest, 0);
}

#[tokio::test]
async fn the_head_follows_pushes_until_it_is_closed() {
    let world = World::new().await;
    let (repo, number) = world.opened().await;
    let second = world.fake.commit("team/app", SOURCE, &[("x", "1\n")]);
    let sources = [branch(SOURCE)].into();
    let head = || async {
        let seen = world.forge.merge_requests(&repo, &sources).await.unwrap();
        seen[0].head.clone().unwrap().to_string()
    };
    assert_eq!(head().await, second);
    world.forge.close(&repo, number).await.unwrap();
    world.fake.commit("team/app", SOURCE, &[("x", "2\n")]);
    assert_eq!(head().await, second);
}

#[tokio::test]
async fn auto_merge_waits_for_the_pipeline_of_its_commit() {
    let world = World::new().await;
    let (repo, number) = world.opened().await;
    let head = world.source_head();
    assert_eq!(
        world.forge.commit_ci(&repo, &head).await.unwrap(),
        CiStatus::Running
    );
    let merging = world.forge.merge(&repo, number, &head).await.unwrap();
    assert_eq!(merging, Merging::Scheduled);
    let open = world.listing().await.repositories.remove(0).open.unwrap();
    assert!(open[0].auto_merge);
    world
        .fake
        .end_pipelines("team/app", head.as_str(), "success");
    let there = world.there();
    assert_eq!((there.state, there.approvals), ("merged", 0));
    // Asked again, as after a lost answer.
    let merging = world.forge.merge(&repo, number, &head).await.unwrap();
    assert_eq!(merging, Merging::Merged);
    assert!(
        !world
            .fake
            .requests()
            .iter()
            .any(|r| r.target.contains("approv"))
    );
}

/// T35: a person pushes between our look at the pipeline and the merge.
#[tokio::test]
async fn t35_what_is_pushed_meanwhile_is_not_merged() {
    for times in [1, 0] {
        let world = World::new().await;
        let (repo, number) = world.opened().await;
        let head = world.source_head();
        world
            .fake
            .end_pipelines("team/app", head.as_str(), "success");
        let people = world.fake.handle();
        let push = move || {
            people.commit("team/app", SOURCE, &[("evil", "x\n")]);
        };
        let fault = Fault::Before(Arc::new(push));
        let fault = world.fake.fail("PUT", "/merge", times, fault);
        let merging = world.forge.merge(&repo, number, &head).await;
        assert_eq!(world.fake.happened(fault), times);
        let there = world.there();
        match times {
            1 => {
                let error = merging.unwrap_err();
                assert!(matches!(error, ForgeError::Conflict(_)), "{error}");
                assert_eq!((there.state, there.auto_merge), ("opened", false));
                assert_eq!(world.fake.file("team/app", "main", "evil"), None);
            }
            _ => {
                assert_eq!(merging.unwrap(), Merging::Merged);
                assert_eq!(there.state, "merged");
            }
        }
    }
}

#[tokio::test]
async fn a_failed_pipeline_is_not_merged() {
    let world = World::new().await;
    let (repo, number) = world.opened().await;
    let head = world.source_head();
    world
        .fake
        .end_pipelines("team/app", head.as_str(), "failed");
    let merging = world.forge.merge(&repo, number, &head).await.unwrap();
    assert!(matches!(merging, Merging::NotYet(_)), "{merging:?}");
    assert_eq!(world.there().state, "opened");
}

#[tokio::test]
async fn a_merge_request_of_nobodys_is_a_conflict() {
    let world = World::new().await;
    let (repo, number) = world.opened().await;
    let head = world.source_head();
    world
        .fake
        .edit("team/app", number, |mr| mr.state = "closed");
    let error = world.forge.merge(&repo, number, &head).await.unwrap_err();
    assert!(matches!(error, ForgeError::Conflict(_)), "{error}");
}

/// T32, T33: the fake runs quick actions and notes mentions; what the client itself adds sets nothing off.
#[tokio::test]
async fn t32_t33_the_fake_fires_and_the_client_does_not() {
    let world = World::new().await;
    let (repo, number) = world.opened().await;
    for code in ["foreign-commit", "stop"] {
        let said = world
            .forge
            .comment(&repo, number, code, "a person's work is here")
            .await;
        said.unwrap();
    }
    world
        .forge
        .notice(&repo, Some("`imagebot.toml`, line 1: unknown key"))
        .await
        .unwrap();
    world.forge.notice(&repo, None).await.unwrap();
    assert_eq!(world.fake.fired(), []);
    let hostile = [
        ("/merge", "quick-action"),
        ("text\n/close", "quick-action"),
        ("hello @everyone", "mention"),
        ("see !12", "reference"),
        ("see group/project#1", "reference"),
        ("Closes #1", "closing"),
        ("![x](http://a.example/x.png)", "image"),
    ];
    for (at, (text, kind)) in hostile.into_iter().enumerate() {
        let code = format!("hostile-{at}");
        world.comment(&repo, number, &code, text).await;
        let fired = world.fake.fired();
        assert!(
            fired.iter().any(|fired| fired.kind == kind),
            "{text}: {fired:?}"
        );
    }
    let calm = world.fake.fired().len();
    let harmless = [
        "`/merge`",
        "```\n/merge\n@everyone\n```",
        " /merge",
        "a/merge",
        "@\u{200b}everyone",
        "`@everyone` and ``a ` @b``",
        "mail@example.org",
        "#\u{200b}1",
        "sha256:abc #x",
        "100%",
    ];
    for (at, text) in harmless.into_iter().enumerate() {
        let code = format!("harmless-{at}");
        world.comment(&repo, number, &code, text).await;
        assert_eq!(
            world.fake.fired().len(),
            calm,
            "{text}: {:?}",
            world.fake.fired().last()
        );
    }
}

#[tokio::test]
async fn writes_come_one_after_another_with_a_pause() {
    let world = World::new().await;
    let (repo, number) = world.opened().await;
    let before = world.clock.elapsed();
    let all = (0..5).map(|code| {
        let code = code.to_string();
        let forge = &world.forge;
        let repo = &repo;
        async move { forge.comment(repo, number, &code, &code).await }
    });
    for done in futures::future::join_all(all).await {
        done.unwrap();
    }
    let waited = world.clock.elapsed() - before;
    assert_eq!(waited.as_millis(), 5 * 500);
}

/// What other tests stand on: people and GitLab itself write our commit anew, and the merge request follows.
#[tokio::test]
async fn rebased_and_amended_heads_are_seen() {
    let world = World::new().await;
    let (repo, number) = world.opened().await;
    world.fake.commit("team/app", "main", &[("other", "x\n")]);
    let sources = [branch(SOURCE)].into();
    for sha in [
        world.fake.rebase("team/app", number),
        world.fake.amend("team/app", SOURCE, "more", "y\n"),
    ] {
        assert_eq!(sha.len(), 40);
    }
    let head = world.fake.head("team/app", SOURCE).unwrap();
    let seen = world.forge.merge_requests(&repo, &sources).await.unwrap();
    assert_eq!(seen[0].head.as_ref().unwrap().as_str(), head);
    for (file, text) in [("other", "x"), ("more", "y"), ("Dockerfile", "FROM node:2")] {
        let found = world.fake.file("team/app", SOURCE, file);
        assert_eq!(found.as_deref(), Some(text), "{file}");
    }
}

#[tokio::test]
async fn a_merge_that_was_pushed_is_seen() {
    let world = World::new().await;
    let (repo, _) = world.opened().await;
    world.fake.commit("team/app", "main", &[("other", "x\n")]);
    assert_eq!(world.there().state, "opened");
    let merged = world.fake.push_merge("team/app", 1);
    let seen = world.seen(&repo).await;
    assert_eq!(seen.state, MergeRequestState::Merged);
    assert_eq!(seen.merged_as.unwrap().as_str(), merged);
}
