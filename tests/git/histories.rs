//! What stands between the target branch and a branch of ours.

use crate::bench::{Bench, change, on, push};
use crate::git_repos::Content;
use imagebot::git::{TreeChange, TreeEntryKind};
use imagebot::repo::{CommitId, ObjectId};
use std::collections::BTreeSet;

const OURS: &str = "imagebot/x";

/// A repository whose branch of ours has one commit of ours on `main`.
async fn with_ours(name: &str) -> (Bench, CommitId, CommitId) {
    let bench = Bench::new().await;
    bench.repos.commit(name, &[("start", "x\n")]);
    let base = bench.repos.commit(
        name,
        &[("Dockerfile", "FROM a:1\n"), ("b/Dockerfile", "FROM b:1\n")],
    );
    let (cached, _) = bench.at_main(name).await;
    let ours = cached
        .commit(&on(&base, vec![change("Dockerfile", "FROM a:2\n")]))
        .await
        .unwrap();
    cached.push(&[push(OURS, None, Some(&ours))]).await.unwrap();
    drop(cached);
    // The next pass may run elsewhere.
    std::fs::remove_dir_all(bench.copy()).unwrap();
    (bench, base, ours)
}

/// The commits between, newest first, and the paths that the last changes if it is the only one.
async fn seen(bench: &Bench, name: &str) -> (Vec<CommitId>, Vec<String>) {
    let (target, head) = (
        bench.repos.head(name, "main").unwrap(),
        bench.repos.head(name, OURS).unwrap(),
    );
    let mut cached = bench.open(name).await;
    cached
        .fetch_commits(&BTreeSet::from([target.clone(), head.clone()]))
        .await
        .unwrap();
    let commits = cached.between(&target, &head).await.unwrap();
    let mut paths = Vec::new();
    if let [commit] = &commits[..] {
        assert_eq!(
            Some(&commit.parent),
            bench.repos.parents(name, commit.id.as_str()).first()
        );
        let changes = cached.changes(&commit.parent, &commit.id).await.unwrap();
        paths = changes
            .iter()
            .map(|change| change.path.to_string())
            .collect();
        let ids = changes.iter().flat_map(|c| [&c.before, &c.after]).flatten();
        let ids = ids.map(|(_, id)| id.clone()).collect();
        cached.fetch_objects(&ids).await.unwrap();
        assert_eq!(cached.objects(&ids).await.unwrap().len(), ids.len());
    }
    (commits.into_iter().map(|commit| commit.id).collect(), paths)
}

#[tokio::test]
async fn our_commit_on_the_head_needs_no_history() {
    let (bench, _, ours) = with_ours("app").await;
    let (target, head) = (bench.repos.head("app", "main").unwrap(), ours.clone());
    let mut cached = bench.open("app").await;
    cached
        .fetch_commits(&BTreeSet::from([target.clone(), head.clone()]))
        .await
        .unwrap();
    let commits = cached.between(&target, &head).await.unwrap();
    assert_eq!(commits.len(), 1);
    assert_eq!(
        commits[0].message,
        "Update node to 2\n\nImagebot-Change: x\n"
    );
    let changes = cached.changes(&commits[0].parent, &ours).await.unwrap();
    let [
        TreeChange {
            path,
            before: Some((TreeEntryKind::File, _)),
            after: Some((TreeEntryKind::File, _)),
        },
    ] = &changes[..]
    else {
        panic!("{changes:?}");
    };
    assert_eq!(path.as_str(), "Dockerfile");
    assert!(!bench.copy().join("refs/imagebot").exists());
    assert_eq!(cached.between(&target, &target).await.unwrap(), []);
}

#[tokio::test]
async fn our_commit_when_the_target_moved_on() {
    let (bench, _, ours) = with_ours("app").await;
    for _ in 0..3 {
        bench.repos.commit("app", &[("other", "x\n")]);
        assert_eq!(
            seen(&bench, "app").await,
            (vec![ours.clone()], vec!["Dockerfile".to_owned()])
        );
    }
}

#[tokio::test]
async fn a_merge_of_the_target_into_our_branch_is_left_out() {
    let (bench, _, ours) = with_ours("app").await;
    for text in ["1\n", "2\n"] {
        bench.repos.commit("app", &[("other", text)]);
        bench.repos.merge("app", OURS, "main");
        assert_eq!(
            seen(&bench, "app").await,
            (vec![ours.clone()], vec!["Dockerfile".to_owned()])
        );
    }
    bench.repos.commit("app", &[("other", "3\n")]);
    assert_eq!(
        seen(&bench, "app").await,
        (vec![ours], vec!["Dockerfile".to_owned()])
    );
}

#[tokio::test]
async fn f9_a_second_commit_is_seen() {
    let (bench, _, ours) = with_ours("app").await;
    let theirs = bench.repos.commit_on("app", OURS, &[("fix", "x\n")]);
    assert_eq!(seen(&bench, "app").await.0, [theirs.clone(), ours.clone()]);
    bench.repos.commit("app", &[("other", "x\n")]);
    assert_eq!(seen(&bench, "app").await.0, [theirs, ours]);
    bench.repos.commit_many("app", OURS, 5);
    assert_eq!(seen(&bench, "app").await.0.len(), 2, "more are not read");
}

#[tokio::test]
async fn f10_an_amended_commit_has_other_changes() {
    let (bench, _, _) = with_ours("app").await;
    let amended = bench.repos.amend("app", OURS, &[("fix", "x\n")]);
    let (commits, paths) = seen(&bench, "app").await;
    assert_eq!(commits, [amended]);
    assert_eq!(paths, ["Dockerfile", "fix"]);
}

#[tokio::test]
async fn a_rebased_commit_is_one_commit() {
    let (bench, _, _) = with_ours("app").await;
    let main = bench.repos.commit("app", &[("other", "x\n")]);
    bench.repos.branch("app", OURS, main.as_str());
    let rebased = bench
        .repos
        .commit_on("app", OURS, &[("Dockerfile", "FROM a:2\n")]);
    bench.repos.commit("app", &[("other", "y\n")]);
    assert_eq!(
        seen(&bench, "app").await,
        (vec![rebased], vec!["Dockerfile".to_owned()])
    );
}

#[tokio::test]
async fn a_branch_far_behind_is_read_to_the_end() {
    for (merged, count) in [(false, 30), (false, 450), (true, 450)] {
        let (bench, _, ours) = with_ours("app").await;
        bench.repos.commit_many("app", "main", count);
        if merged {
            // "Update branch", long after the commit was made.
            bench.repos.merge("app", OURS, "main");
            bench.repos.commit("app", &[("other", "x\n")]);
        }
        let said = (vec![ours], vec!["Dockerfile".to_owned()]);
        assert_eq!(seen(&bench, "app").await, said, "{merged} {count}");
        assert_eq!(seen(&bench, "app").await, said, "again, {merged} {count}");
    }
}

#[tokio::test]
async fn a_repository_with_a_long_history_before_ours_is_not_read_to_its_end() {
    let bench = Bench::new().await;
    bench.repos.create("app");
    bench.repos.commit_many("app", "main", 450);
    let base = bench.repos.commit("app", &[("Dockerfile", "FROM a:1\n")]);
    bench.repos.branch("app", OURS, base.as_str());
    let ours = bench
        .repos
        .commit_on("app", OURS, &[("Dockerfile", "FROM a:2\n")]);
    bench.repos.commit("app", &[("other", "x\n")]);
    assert_eq!(
        seen(&bench, "app").await,
        (vec![ours], vec!["Dockerfile".to_owned()])
    );
    assert!(
        bench.copy().join("shallow").exists(),
        "all of it was fetched"
    );
}

#[tokio::test]
async fn unrelated_histories_are_somebodys_work() {
    let (bench, _, _) = with_ours("app").await;
    bench.repos.delete_branch("app", OURS);
    bench.repos.commit_on("app", OURS, &[("a", "x\n")]);
    bench.repos.commit_on("app", OURS, &[("b", "x\n")]);
    assert_eq!(seen(&bench, "app").await.0.len(), 2);
    // The branch was reset to an older commit of the target: there is nothing on it.
    let old = bench.repos.git("app", &["rev-parse", "main^"]);
    bench.repos.branch("app", OURS, &old);
    assert_eq!(seen(&bench, "app").await.0, []);
}

#[tokio::test]
async fn a_single_root_commit_is_its_own_parent_and_changes_nothing() {
    let (bench, _, _) = with_ours("app").await;
    bench.repos.delete_branch("app", OURS);
    let root = bench
        .repos
        .commit_on("app", OURS, &[("Dockerfile", "FROM a:2\n")]);
    let (target, head) = (bench.repos.head("app", "main").unwrap(), root.clone());
    let mut cached = bench.open("app").await;
    cached
        .fetch_commits(&BTreeSet::from([target.clone(), head.clone()]))
        .await
        .unwrap();
    let commits = cached.between(&target, &head).await.unwrap();
    assert_eq!((commits.len(), &commits[0].parent), (1, &root));
    assert_eq!(
        cached
            .changes(&commits[0].parent, &commits[0].id)
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn changes_tell_kinds_and_never_leave_a_path_out() {
    let bench = Bench::new().await;
    bench
        .repos
        .commit("app", &[("a", "x\n"), ("b", "x\n"), ("c", "x\n")]);
    let files = [
        ("a", Content::Executable(b"x\n")),
        ("b", Content::Gone),
        ("c", Content::Link("a")),
        ("d", Content::File(b"x\n")),
    ];
    bench.repos.branch("app", OURS, "main");
    bench.repos.commit_all("app", OURS, &files, "kinds");
    let (before, after) = (
        bench.repos.head("app", "main").unwrap(),
        bench.repos.head("app", OURS).unwrap(),
    );
    let mut cached = bench.open("app").await;
    let changes = cached.changes(&before, &after).await.unwrap();
    let kind = |side: &Option<(TreeEntryKind, ObjectId)>| side.as_ref().map(|(kind, _)| *kind);
    let kinds: Vec<_> = changes
        .iter()
        .map(|c| (c.path.as_str(), kind(&c.before), kind(&c.after)))
        .collect();
    use TreeEntryKind::{Executable, File, Symlink};
    assert_eq!(
        kinds,
        [
            ("a", Some(File), Some(Executable)),
            ("b", Some(File), None),
            ("c", Some(File), Some(Symlink)),
            ("d", None, Some(File)),
        ]
    );
    bench.repos.commit_on("app", OURS, &[("new\nline", "x\n")]);
    let after = bench.repos.head("app", OURS).unwrap();
    let error = cached.changes(&before, &after).await.unwrap_err();
    assert!(error.to_string().contains("invalid path"), "{error}");
}
