//! One push with a lease for each branch.

use crate::bench::{Bench, change, on, push, refused};
use imagebot::git::{Cached, Pushed};
use imagebot::repo::CommitId;

/// A repository with a Dockerfile, and commits of imagebot's on it.
async fn with_commits(bench: &Bench, count: usize) -> (Cached, Vec<CommitId>) {
    let head = bench.repos.commit("app", &[("Dockerfile", "FROM a:0\n")]);
    let (cached, _) = bench.at_main("app").await;
    let mut commits = Vec::new();
    for number in 1..=count {
        let file = change("Dockerfile", &format!("FROM a:{number}\n"));
        commits.push(cached.commit(&on(&head, vec![file])).await.unwrap());
    }
    (cached, commits)
}

#[tokio::test]
async fn f11_a_branch_that_somebody_moved_is_left_alone() {
    let bench = Bench::new().await;
    let (cached, commits) = with_commits(&bench, 2).await;
    cached
        .push(&[push("imagebot/x", None, Some(&commits[0]))])
        .await
        .unwrap();
    let theirs = bench
        .repos
        .commit_on("app", "imagebot/x", &[("fix", "by a person\n")]);
    let move_on = push("imagebot/x", Some(&commits[0]), Some(&commits[1]));
    assert_eq!(cached.push(&[move_on]).await.unwrap(), [Pushed::Moved]);
    let delete = push("imagebot/x", Some(&commits[0]), None);
    assert_eq!(cached.push(&[delete]).await.unwrap(), [Pushed::Moved]);
    assert_eq!(bench.repos.head("app", "imagebot/x"), Some(theirs));
}

#[tokio::test]
async fn f7_a_branch_that_must_not_exist_is_not_overwritten() {
    let bench = Bench::new().await;
    let (cached, commits) = with_commits(&bench, 2).await;
    bench.repos.branch("app", "imagebot/x", "main");
    let pushed = cached
        .push(&[push("imagebot/x", None, Some(&commits[0]))])
        .await
        .unwrap();
    assert_eq!(pushed, [Pushed::Moved]);
    assert_eq!(
        bench.repos.head("app", "imagebot/x"),
        bench.repos.head("app", "main")
    );
    // Somebody deleted what was to be moved.
    let pushed = cached
        .push(&[push("imagebot/y", Some(&commits[0]), Some(&commits[1]))])
        .await
        .unwrap();
    assert_eq!(pushed, [Pushed::Moved]);
    assert_eq!(bench.repos.head("app", "imagebot/y"), None);
}

#[tokio::test]
async fn f6_a_push_whose_answer_was_lost_can_be_repeated() {
    let bench = Bench::new().await;
    let (cached, commits) = with_commits(&bench, 2).await;
    for _ in 0..2 {
        let create = push("imagebot/x", None, Some(&commits[0]));
        assert_eq!(cached.push(&[create]).await.unwrap(), [Pushed::Done]);
    }
    for _ in 0..2 {
        let change = push("imagebot/x", Some(&commits[0]), Some(&commits[1]));
        assert_eq!(cached.push(&[change]).await.unwrap(), [Pushed::Done]);
    }
    for _ in 0..2 {
        let delete = push("imagebot/x", Some(&commits[1]), None);
        assert_eq!(cached.push(&[delete]).await.unwrap(), [Pushed::Done]);
    }
    assert_eq!(bench.repos.head("app", "imagebot/x"), None);
}

#[tokio::test]
async fn f58_a_hook_refuses_one_branch_and_the_others_go_through() {
    let bench = Bench::new().await;
    let (cached, commits) = with_commits(&bench, 4).await;
    cached
        .push(&[push("imagebot/moved", None, Some(&commits[0]))])
        .await
        .unwrap();
    let theirs = bench
        .repos
        .commit_on("app", "imagebot/moved", &[("fix", "x\n")]);
    cached
        .push(&[push("imagebot/old", None, Some(&commits[0]))])
        .await
        .unwrap();
    bench.repos.hook(
        "app",
        "update",
        "case $1 in */locked) echo 'GH013: the branch is locked by rule 7' >&2; exit 1;; esac",
    );
    let pushed = cached
        .push(&[
            push("imagebot/new", None, Some(&commits[1])),
            push("imagebot/locked", None, Some(&commits[2])),
            push("imagebot/moved", Some(&commits[0]), Some(&commits[3])),
            push("imagebot/old", Some(&commits[0]), None),
        ])
        .await
        .unwrap();
    assert_eq!(pushed[0], Pushed::Done);
    insta::assert_snapshot!(refused(&pushed[1]), @"hook declined; GH013: the branch is locked by rule 7; error: hook declined to update refs/heads/imagebot/locked");
    assert_eq!(pushed[2], Pushed::Moved);
    assert_eq!(pushed[3], Pushed::Done);
    let head = |branch: &str| bench.repos.head("app", branch);
    assert_eq!(head("imagebot/new").as_ref(), Some(&commits[1]));
    assert_eq!(head("imagebot/locked"), None);
    assert_eq!(head("imagebot/moved"), Some(theirs));
    assert_eq!(head("imagebot/old"), None);
}

#[tokio::test]
async fn f58_a_hook_refuses_the_whole_push_and_says_why() {
    let bench = Bench::new().await;
    let (cached, commits) = with_commits(&bench, 1).await;
    let marker = bench.repos.beside("hook-ran");
    bench.repos.hook(
        "app",
        "pre-receive",
        &format!(
            "touch '{}'; echo 'Only Ada may push.' >&2; exit 1",
            marker.display()
        ),
    );
    let pushed = cached
        .push(&[push("imagebot/x", None, Some(&commits[0]))])
        .await
        .unwrap();
    insta::assert_snapshot!(refused(&pushed[0]), @"pre-receive hook declined; Only Ada may push.");
    assert!(marker.exists(), "the server's own hooks run");
    assert_eq!(bench.repos.head("app", "imagebot/x"), None);

    bench.repos.hook("app", "pre-receive", "exit 0");
    bench
        .repos
        .git("app", &["config", "receive.denyDeletes", "true"]);
    cached
        .push(&[push("imagebot/x", None, Some(&commits[0]))])
        .await
        .unwrap();
    let pushed = cached
        .push(&[push("imagebot/x", Some(&commits[0]), None)])
        .await
        .unwrap();
    insta::assert_snapshot!(refused(&pushed[0]), @"deletion prohibited; error: denying ref deletion for refs/heads/imagebot/x");
}

#[tokio::test]
async fn t17_a_branch_in_the_way_is_named() {
    let bench = Bench::new().await;
    let (cached, commits) = with_commits(&bench, 1).await;
    bench.repos.branch("app", "imagebot", "main");
    let pushed = cached
        .push(&[
            push("imagebot/x", None, Some(&commits[0])),
            push("other", None, Some(&commits[0])),
        ])
        .await
        .unwrap();
    insta::assert_snapshot!(refused(&pushed[0]), @"the branch `imagebot` blocks `imagebot/x`: git cannot store both, so rename `imagebot`");
    assert_eq!(pushed[1], Pushed::Done);
    bench.repos.delete_branch("app", "imagebot");
    bench.repos.branch("app", "imagebot/x/y", "main");
    let pushed = cached
        .push(&[push("imagebot/x", None, Some(&commits[0]))])
        .await
        .unwrap();
    insta::assert_snapshot!(refused(&pushed[0]), @"the branch `imagebot/x/y` blocks `imagebot/x`: git cannot store both, so rename `imagebot/x/y`");
}

#[tokio::test]
async fn t17_a_tag_of_the_same_name_does_not_disturb() {
    let bench = Bench::new().await;
    let (cached, commits) = with_commits(&bench, 2).await;
    bench
        .repos
        .git("app", &["update-ref", "refs/tags/imagebot/x", "main"]);
    bench
        .repos
        .git("app", &["update-ref", "refs/tags/main", "main"]);
    bench
        .repos
        .git("app", &["update-ref", "refs/remotes/x/imagebot/x", "main"]);
    let tags = bench.repos.git("app", &["for-each-ref", "refs/tags"]);
    for (from, to) in [
        (None, Some(&commits[0])),
        (Some(&commits[0]), Some(&commits[1])),
        (Some(&commits[1]), None),
    ] {
        assert_eq!(
            cached.push(&[push("imagebot/x", from, to)]).await.unwrap(),
            [Pushed::Done]
        );
        assert_eq!(bench.repos.head("app", "imagebot/x").as_ref(), to);
    }
    assert_eq!(bench.repos.git("app", &["for-each-ref", "refs/tags"]), tags);
}

#[tokio::test]
async fn a_server_that_is_gone_is_an_error_and_not_an_answer() {
    let bench = Bench::new().await;
    let (cached, commits) = with_commits(&bench, 1).await;
    std::fs::rename(bench.repos.path("app"), bench.repos.path("elsewhere")).unwrap();
    let error = cached
        .push(&[push("imagebot/x", None, Some(&commits[0]))])
        .await
        .unwrap_err();
    assert_eq!(error.code(), "git-unreadable", "{error}");
    std::fs::rename(bench.repos.path("elsewhere"), bench.repos.path("app")).unwrap();
    let pushed = cached
        .push(&[push("imagebot/x", None, Some(&commits[0]))])
        .await
        .unwrap();
    assert_eq!(pushed, [Pushed::Done]);
    assert_eq!(cached.push(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn a_commit_that_the_server_threw_away_is_written_anew() {
    for prune in [false, true] {
        let bench = Bench::new().await;
        let (mut cached, commits) = with_commits(&bench, 1).await;
        cached
            .push(&[push("imagebot/x", None, Some(&commits[0]))])
            .await
            .unwrap();
        drop(cached);
        // Another machine's copy has it from the server.
        std::fs::remove_dir_all(bench.copy()).unwrap();
        (cached, _) = bench.at_main("app").await;
        cached
            .fetch_commits(&commits.iter().cloned().collect())
            .await
            .unwrap();
        drop(cached);
        bench.repos.delete_branch("app", "imagebot/x");
        if prune {
            bench.repos.git("app", &["gc", "--quiet", "--prune=now"]);
        }
        let (cached, head) = bench.at_main("app").await;
        let file = change("Dockerfile", "FROM a:1\n");
        let commit = cached.commit(&on(&head, vec![file])).await.unwrap();
        assert_eq!(commit, commits[0]);
        let pushed = cached
            .push(&[push("imagebot/x", None, Some(&commit))])
            .await
            .unwrap();
        assert_eq!(pushed, [Pushed::Done]);
        assert_eq!(bench.repos.git("app", &["fsck", "--no-dangling"]), "");
    }
}
