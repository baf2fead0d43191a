//! The life of a pull request, with everything that GitHub and people do in between.

use super::bench::{Bench, SOURCE};
use crate::conformance::{branch, request};
use crate::fake_github::Effect;
use imagebot::forge::{Forge, ForgeError};
use imagebot::git::{Git, Identity, Push, Pushed};
use imagebot::repo::{MergeRequestEdit, MergeRequestMetadata, MergeRequestState, NewMergeRequest};

fn with_metadata() -> NewMergeRequest {
    NewMergeRequest {
        metadata: MergeRequestMetadata {
            labels: vec!["imagebot".to_owned()],
            assignees: vec!["ada".to_owned()],
            reviewers: vec!["grace".to_owned()],
            milestone: Some("autumn".to_owned()),
            draft: true,
            squash: None,
            remove_source_branch: true,
        },
        ..request(SOURCE, "Update a to 2")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_request_is_complete_with_the_last_request() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    bench.fake.set("team/app", |repo| {
        repo.milestones = vec!["spring".to_owned(), "autumn".to_owned()]
    });
    bench.fake.take_log();
    let made = bench.github.create(&repo, &with_metadata()).await.unwrap();
    let log = bench.fake.take_log();
    let lines: Vec<String> = log.iter().map(|entry| entry.line()).collect();
    assert_eq!(
        lines,
        [
            "POST /repos/team/app/pulls",
            "POST /repos/team/app/pulls/1/requested_reviewers",
            "GET /repos/team/app/milestones",
            "PATCH /repos/team/app/issues/1"
        ]
    );
    let first = log[0].body["body"].as_str().unwrap();
    assert_ne!(first, with_metadata().description, "the text tells");
    let (issue, pull) = bench.fake.pull("team/app", 1);
    assert_eq!(
        (issue.body.as_str(), issue.milestone),
        (with_metadata().description.as_str(), Some(2))
    );
    assert_eq!(
        (issue.labels, issue.assignees),
        (vec!["imagebot".to_owned()], vec!["ada".to_owned()])
    );
    assert_eq!(
        (pull.reviewers, pull.draft),
        (vec!["grace".to_owned()], true)
    );
    assert_eq!(
        (made.description, made.draft),
        (with_metadata().description, true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_does_not_stop_the_rest() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    bench.fake.set("team/app", |repo| repo.drafts = false);
    let mut new = with_metadata();
    new.metadata.assignees = vec!["stranger".to_owned()];
    new.metadata.reviewers = vec!["stranger".to_owned(), "team/ops".to_owned()];
    let made = bench.github.create(&repo, &new).await.unwrap();
    let (issue, pull) = bench.fake.pull("team/app", made.number);
    assert_eq!(
        (issue.body.as_str(), pull.draft),
        (new.description.as_str(), false)
    );
    assert_eq!(issue.labels, ["imagebot"]);
    assert!(issue.assignees.is_empty() && pull.reviewers.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn f3_what_was_cut_short_is_completed_later() {
    for on in [true, false] {
        let bench = Bench::start().await;
        let repo = bench.prepared().await;
        let new = request(SOURCE, "a");
        let hits = bench.fake.fail(
            "PATCH /repos/team/app/issues",
            usize::from(on),
            Effect::status(400, "no"),
        );
        let outcome = bench.github.create(&repo, &new).await;
        assert_eq!((hits.count(), outcome.is_err()), (usize::from(on), on));
        let found = bench
            .listing()
            .await
            .repositories
            .remove(0)
            .open
            .unwrap()
            .remove(0);
        assert!(found.description.starts_with(&new.description));
        assert_eq!(found.incomplete, on);
        if on {
            // A label that somebody gave meanwhile stays.
            bench.fake.change("team/app", found.number, |issue| {
                issue.labels.push("theirs".to_owned())
            });
            let text = MergeRequestEdit {
                description: Some(found.description.clone()),
                ..MergeRequestEdit::default()
            };
            bench.github.edit(&repo, found.number, &text).await.unwrap();
            let again = bench.listing().await.repositories.remove(0).open.unwrap();
            assert!(again[0].incomplete, "its text alone does not complete it");
            let edit = MergeRequestEdit {
                metadata: Some(new.metadata.clone()),
                ..text
            };
            bench.github.edit(&repo, found.number, &edit).await.unwrap();
        }
        let (issue, _) = bench.fake.pull("team/app", found.number);
        assert_eq!(issue.body, new.description);
        assert_eq!(issue.labels.contains(&"theirs".to_owned()), on);
        assert!(
            new.metadata
                .labels
                .iter()
                .all(|label| issue.labels.contains(label))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f5_a_lost_answer_is_looked_for() {
    for on in [true, false] {
        for (effect, done) in [
            (Effect::DropAfter, true),
            (Effect::status(502, "bad gateway"), false),
        ] {
            let bench = Bench::start().await;
            let repo = bench.prepared().await;
            let hits = bench
                .fake
                .fail("POST /repos/team/app/pulls", usize::from(on), effect);
            bench.fake.take_log();
            let made = bench.create(&repo, "a").await;
            assert_eq!(hits.count(), usize::from(on));
            let posts = bench.fake.writes();
            let posts = posts
                .iter()
                .filter(|line| line.as_str() == "POST /repos/team/app/pulls")
                .count();
            assert_eq!(posts, if on && !done { 2 } else { 1 });
            assert_eq!(bench.fake.pulls("team/app").len(), 1);
            let (issue, _) = bench.fake.pull("team/app", made.number);
            assert_eq!(
                issue.body,
                request(SOURCE, "a").description,
                "it is completed all the same"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f5_somebody_elses_open_one_is_taken_as_it_is() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    let first = bench.create(&repo, "theirs").await;
    bench.fake.change("team/app", first.number, |issue| {
        issue.user = "ada".to_owned();
        issue.body = "written by a person".to_owned();
        issue.labels.clear();
    });
    let second = bench.create(&repo, "ours").await;
    assert_eq!(second.number, first.number);
    let (issue, _) = bench.fake.pull("team/app", first.number);
    assert_eq!(
        (issue.body.as_str(), issue.labels.len()),
        ("written by a person", 0)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_a_long_story_is_read() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    let first = bench.create(&repo, "a").await;
    bench.fake.set("team/app", |repo| {
        let old = repo.issues[&first.number].clone();
        for number in 2..=130 {
            let mut issue = old.clone();
            issue.number = number;
            issue.open = false;
            repo.issues.insert(number, issue);
        }
    });
    let fork = bench
        .fake
        .pull_from_fork("team/app", SOURCE, &"a".repeat(40));
    bench.fake.counts();
    let branches = [branch(SOURCE), branch("imagebot/none")].into();
    let all = bench.github.merge_requests(&repo, &branches).await.unwrap();
    assert_eq!(bench.fake.counts(), (0, 3, 0));
    assert_eq!(all.len(), 130);
    assert!(
        all.iter().all(|mr| mr.number != fork),
        "from a fork: not ours"
    );
    assert!(all.windows(2).all(|pair| pair[0].number < pair[1].number));
}

#[tokio::test(flavor = "multi_thread")]
async fn f16_a_branch_that_is_deleted_closes() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    let made = bench.create(&repo, "a").await;
    bench.fake.delete_branch("team/app", SOURCE);
    let branches = [branch(SOURCE)].into();
    let all = bench.github.merge_requests(&repo, &branches).await.unwrap();
    assert_eq!(
        (all[0].number, all[0].state),
        (made.number, MergeRequestState::Closed)
    );
    assert!(
        bench.listing().await.repositories[0]
            .open
            .as_ref()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f21_a_target_that_people_change_is_told() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    let made = bench.create(&repo, "a").await;
    bench.fake.branch("team/app", "release");
    bench.fake.retarget("team/app", made.number, "release");
    let open = bench.listing().await.repositories.remove(0).open.unwrap();
    assert_eq!(open[0].target, branch("release"));
    let edit = MergeRequestEdit {
        target: Some(branch("main")),
        add_labels: vec!["stop".to_owned()],
        ..MergeRequestEdit::default()
    };
    bench.github.edit(&repo, made.number, &edit).await.unwrap();
    let (issue, pull) = bench.fake.pull("team/app", made.number);
    assert_eq!(pull.target, "main");
    assert_eq!(issue.labels.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_a_person_closed_stays_closed_for_what_it_said() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    bench.github.notice(&repo, Some("line 1")).await.unwrap();
    bench.fake.close("team/app", 1);
    bench.fake.take_log();
    bench.github.notice(&repo, Some("line 1")).await.unwrap();
    assert!(bench.fake.writes().is_empty());
    bench.github.notice(&repo, Some("line 2")).await.unwrap();
    assert!(bench.fake.lock().repo_named("team/app").unwrap().issues[&1].open);
    assert_eq!(
        bench
            .fake
            .lock()
            .repo_named("team/app")
            .unwrap()
            .issues
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn f6_f58_git_reaches_it_and_is_told_why_not() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    let cache = tempfile::tempdir().unwrap();
    let who = Identity {
        name: "imagebot".to_owned(),
        email: "imagebot@example.org".to_owned(),
    };
    let git = Git::new(cache.path(), who).await.unwrap();
    bench.fake.counts();
    let (_, base) = repo.head.clone().unwrap();
    let mut cached = git.open(&repo.remote, &base).await.unwrap();
    let head = bench.fake.head("team/app", SOURCE).unwrap();
    cached
        .fetch_commits(&[base.clone(), head.clone()].into())
        .await
        .unwrap();
    let push = |name: &str| Push {
        branch: branch(name),
        from: None,
        to: Some(head.clone()),
    };
    let pushed = cached.push(&[push("imagebot/b")]).await.unwrap();
    assert_eq!(pushed, [Pushed::Done]);
    assert_eq!(
        bench.fake.head("team/app", "imagebot/b"),
        Some(head.clone())
    );
    let (rest, graphql, asked) = bench.fake.counts();
    assert_eq!((rest, graphql), (0, 0));
    assert!(asked > 0);
    bench.fake.refuse_pushes(
        "team/app",
        "imagebot/c",
        "Cannot create ref due to creations being restricted.",
    );
    let pushed = cached.push(&[push("imagebot/c")]).await.unwrap();
    let [Pushed::Refused(why)] = pushed.as_slice() else {
        panic!("{pushed:?}");
    };
    assert!(
        why.contains("GH013") || why.contains("hook declined"),
        "{why}"
    );
    assert_eq!(bench.fake.head("team/app", "imagebot/c"), None);
    bench.fake.revoke(super::bench::TOKEN);
    let error = cached
        .fetch_commits(&["0".repeat(40).try_into().unwrap()].into())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "git-unauthorized", "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_a_reader_may_not_do() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    if let Some(token) = bench.fake.lock().tokens.get_mut(super::bench::TOKEN) {
        token.read_only = true;
    }
    let error = bench
        .github
        .create(&repo, &request(SOURCE, "a"))
        .await
        .unwrap_err();
    assert!(matches!(error, ForgeError::Forbidden(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn t33_what_fires_in_a_text_is_noticed() {
    let bench = Bench::start().await;
    let repo = bench.prepared().await;
    let inert = NewMergeRequest {
        description:
            "| `@team/ops` | <!-- Closes #1 --> | node@sha256:aa | @\u{200b}ada #\u{200b}1 |"
                .to_owned(),
        ..request(SOURCE, "Update a to 2")
    };
    let made = bench.github.create(&repo, &inert).await.unwrap();
    bench
        .github
        .comment(&repo, made.number, "x", "`#1`")
        .await
        .unwrap();
    assert!(bench.fake.fired().is_empty());
    for text in ["by @ada", "Fixes #12", "see team/app#1"] {
        let edit = MergeRequestEdit {
            description: Some(text.to_owned()),
            ..MergeRequestEdit::default()
        };
        bench.github.edit(&repo, made.number, &edit).await.unwrap();
        assert!(!bench.fake.fired().is_empty(), "{text}");
    }
}
