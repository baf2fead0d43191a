//! Merging: bound to a head, and never before there is a check.

use super::bench::{Bench, TOKEN};
use crate::conformance::{listed, request};
use crate::fake_github::Effect;
use imagebot::forge::{Forge, ForgeError, Merging, Pipeline, Repository};
use imagebot::repo::CommitId;

const SOURCE: &str = "imagebot/a";
const REPO: &str = "team/app";

/// An open pull request: its repository, number and head.
async fn opened(bench: &Bench) -> (Repository, u64, CommitId) {
    bench
        .fake
        .commit(REPO, "main", &[("Dockerfile", "FROM a:1\n")]);
    let head = bench
        .fake
        .commit(REPO, SOURCE, &[("Dockerfile", "FROM a:2\n")]);
    let repo = listed(&bench.github, REPO).await;
    let made = bench
        .github
        .create(&repo, &request(SOURCE, "a"))
        .await
        .unwrap();
    (repo, made.number, head)
}

fn is_merged(bench: &Bench, number: u64) -> bool {
    bench.fake.pull(REPO, number).1.merged.is_some()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_required_checks_github_merges() {
    let bench = Bench::start().await;
    let (repo, number, head) = opened(&bench).await;
    bench.fake.require_checks(REPO, "main", &["build"]);
    bench.fake.set(REPO, |repo| repo.allow_auto_merge = true);
    bench.fake.check(REPO, head.as_str(), "build", None);
    let merging = bench.github.merge(&repo, number, &head).await.unwrap();
    assert_eq!(merging, Merging::Scheduled);
    assert!(bench.listing().await.repositories[0].open.as_ref().unwrap()[0].auto_merge);
    bench.fake.take_log();
    let again = bench.github.merge(&repo, number, &head).await.unwrap();
    assert_eq!(again, Merging::Scheduled);
    assert!(bench.fake.writes().is_empty(), "asked for once");
    assert!(!is_merged(&bench, number));
    bench
        .fake
        .check(REPO, head.as_str(), "build", Some("success"));
    assert!(is_merged(&bench, number));
    assert_eq!(
        bench.github.merge(&repo, number, &head).await.unwrap(),
        Merging::Merged
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_them_imagebot_merges_when_all_have_succeeded() {
    let bench = Bench::start().await;
    let (repo, number, head) = opened(&bench).await;
    for (build, test, expect) in [
        (None, None, "its checks are not done"),
        (Some("success"), None, "its checks are not done"),
        (Some("success"), Some("failure"), "its pipeline failed"),
    ] {
        bench.fake.check(REPO, head.as_str(), "build", build);
        bench.fake.status(REPO, head.as_str(), "test", test);
        let merging = bench.github.merge(&repo, number, &head).await.unwrap();
        assert_eq!(merging, Merging::NotYet(expect.to_owned()));
        assert!(!is_merged(&bench, number));
    }
    bench
        .fake
        .status(REPO, head.as_str(), "test", Some("success"));
    bench
        .fake
        .check(REPO, head.as_str(), "lint", Some("skipped"));
    assert_eq!(
        bench.github.merge(&repo, number, &head).await.unwrap(),
        Merging::Merged
    );
    assert!(is_merged(&bench, number));
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_are_not_fulfilled_and_no_auto_merge() {
    let bench = Bench::start().await;
    let (repo, number, head) = opened(&bench).await;
    bench.fake.require_checks(REPO, "main", &["never-runs"]);
    bench
        .fake
        .check(REPO, head.as_str(), "build", Some("success"));
    let merging = bench.github.merge(&repo, number, &head).await.unwrap();
    assert!(matches!(merging, Merging::NotYet(why) if why.contains("auto-merge")));
    assert!(!is_merged(&bench, number));
}

#[tokio::test(flavor = "multi_thread")]
async fn t35_what_a_person_pushed_in_between_is_not_merged() {
    for on in [true, false] {
        let bench = Bench::start().await;
        let (repo, number, head) = opened(&bench).await;
        bench
            .fake
            .check(REPO, head.as_str(), "build", Some("success"));
        let status = Effect::status(
            409,
            "Head branch was modified. Review and try the merge again.",
        );
        let hits = bench
            .fake
            .fail("PUT /repos/team/app/pulls/1/merge", usize::from(on), status);
        let outcome = bench.github.merge(&repo, number, &head).await;
        assert_eq!(hits.count(), usize::from(on));
        match on {
            true => assert!(matches!(outcome.unwrap_err(), ForgeError::Conflict(_))),
            false => assert_eq!(outcome.unwrap(), Merging::Merged),
        }
        assert_eq!(is_merged(&bench, number), !on);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t35_auto_merge_is_switched_off_where_the_head_is_foreign() {
    let bench = Bench::start().await;
    let (repo, number, head) = opened(&bench).await;
    bench.fake.require_checks(REPO, "main", &["build"]);
    bench.fake.set(REPO, |repo| repo.allow_auto_merge = true);
    bench.fake.check(REPO, head.as_str(), "build", None);
    let merging = bench.github.merge(&repo, number, &head).await.unwrap();
    assert_eq!(merging, Merging::Scheduled);
    let theirs = bench.fake.commit(REPO, SOURCE, &[("y", "theirs")]);
    let error = bench.github.merge(&repo, number, &head).await.unwrap_err();
    assert!(matches!(error, ForgeError::Conflict(_)), "{error}");
    bench
        .fake
        .check(REPO, theirs.as_str(), "build", Some("success"));
    assert!(!is_merged(&bench, number));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_whose_answer_is_lost_is_seen() {
    for on in [true, false] {
        let bench = Bench::start().await;
        let (repo, number, head) = opened(&bench).await;
        bench
            .fake
            .check(REPO, head.as_str(), "build", Some("success"));
        let hits = bench.fake.fail(
            "PUT /repos/team/app/pulls/1/merge",
            usize::from(on),
            Effect::DropAfter,
        );
        assert_eq!(
            bench.github.merge(&repo, number, &head).await.unwrap(),
            Merging::Merged
        );
        assert_eq!(hits.count(), usize::from(on));
        assert!(is_merged(&bench, number));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_cannot_read_checks_reads_runs() {
    let bench = Bench::start().await;
    let (repo, _, head) = opened(&bench).await;
    if let Some(token) = bench.fake.lock().tokens.get_mut(TOKEN) {
        token.checks = false;
    }
    assert_eq!(
        bench.github.pipeline(&repo, &head).await.unwrap(),
        Pipeline::None
    );
    bench
        .fake
        .check(REPO, head.as_str(), "build", Some("success"));
    assert_eq!(
        bench.github.pipeline(&repo, &head).await.unwrap(),
        Pipeline::Success
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_and_conflicts_wait() {
    let bench = Bench::start().await;
    let (repo, number, head) = opened(&bench).await;
    bench
        .fake
        .check(REPO, head.as_str(), "build", Some("success"));
    bench.fake.change(REPO, number, |issue| {
        issue.pull.as_mut().unwrap().draft = true
    });
    let merging = bench.github.merge(&repo, number, &head).await.unwrap();
    assert_eq!(merging, Merging::NotYet("it is a draft".to_owned()));
    bench.fake.change(REPO, number, |issue| {
        issue.pull.as_mut().unwrap().draft = false
    });
    bench
        .fake
        .commit(REPO, "main", &[("Dockerfile", "FROM a:3\n")]);
    let merging = bench.github.merge(&repo, number, &head).await.unwrap();
    assert!(matches!(merging, Merging::NotYet(why) if why.contains("conflict")));
    assert!(!is_merged(&bench, number));
}
