//! Merging: bound to a head, and never before there is a check.

use super::bench::{Bench, REPO, SOURCE, TOKEN, settings};
use crate::fake_github::Effect;
use imagebot::forge::{Forge, ForgeError, GitHub, GitHubSettings, Merging};
use imagebot::repo::CiStatus;
use std::time::Duration;

fn is_merged(bench: &Bench, number: u64) -> bool {
    bench.fake.pull(REPO, number).1.merged.is_some()
}

/// A client that switches on GitHub's own auto-merge.
fn with_auto_merge(bench: &Bench) -> GitHub {
    let settings = GitHubSettings {
        auto_merge: true,
        ..settings(&bench.fake, &["team/*"])
    };
    GitHub::new(settings).unwrap()
}

/// Some minutes pass.
fn wait(bench: &Bench) {
    bench.fake.clock().advance(Duration::from_secs(240));
}

fn why(merging: Merging) -> String {
    match merging {
        Merging::NotYet(why) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_required_checks_github_merges_where_that_is_wanted() {
    let bench = Bench::start().await;
    let (repo, number, head) = bench.opened().await;
    bench.fake.require_checks(REPO, "main", &["build"]);
    bench.fake.set(REPO, |repo| repo.allow_auto_merge = true);
    bench.fake.check(REPO, head.as_str(), "build", None);
    let github = with_auto_merge(&bench);
    let merging = github.merge(&repo, number, &head).await.unwrap();
    assert_eq!(merging, Merging::Scheduled);
    assert!(bench.listing().await.repositories[0].open.as_ref().unwrap()[0].auto_merge);
    bench.fake.take_log();
    let again = github.merge(&repo, number, &head).await.unwrap();
    assert_eq!(again, Merging::Scheduled);
    assert!(bench.fake.writes().is_empty(), "asked for once");
    assert!(!is_merged(&bench, number));
    bench
        .fake
        .check(REPO, head.as_str(), "build", Some("success"));
    assert!(is_merged(&bench, number));
    assert_eq!(
        github.merge(&repo, number, &head).await.unwrap(),
        Merging::Merged
    );
}

/// A writer's push keeps auto-merge on: what is not bound to the commit is not used unless it is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn row_4_imagebot_merges_its_commit_itself_once_what_is_required_is_there() {
    for theirs in [false, true] {
        let bench = Bench::start().await;
        let (repo, number, head) = bench.opened().await;
        bench.fake.require_checks(REPO, "main", &["build"]);
        bench.fake.set(REPO, |repo| repo.allow_auto_merge = true);
        bench.fake.check(REPO, head.as_str(), "build", None);
        let merging = bench.github.merge(&repo, number, &head).await.unwrap();
        assert!(why(merging).contains("does not meet the rules"));
        let mut newest = head.clone();
        if theirs {
            newest = bench.fake.commit(REPO, SOURCE, &[("y", "theirs")]);
        }
        bench
            .fake
            .check(REPO, newest.as_str(), "build", Some("success"));
        assert!(!is_merged(&bench, number), "GitHub was not told to");
        wait(&bench);
        let merging = bench.github.merge(&repo, number, &head).await;
        match theirs {
            false => assert_eq!(merging.unwrap(), Merging::Merged),
            true => assert!(matches!(merging, Err(ForgeError::Conflict(_)))),
        }
        assert_eq!(is_merged(&bench, number), !theirs);
    }
}

/// Checks appear one by one: that the first has succeeded says nothing of those to come.
#[tokio::test(flavor = "multi_thread")]
async fn row_3_checks_that_have_not_appeared_yet_are_waited_for() {
    let bench = Bench::start().await;
    let (repo, number, head) = bench.opened().await;
    bench
        .fake
        .check(REPO, head.as_str(), "dco", Some("success"));
    let merge = || async { bench.github.merge(&repo, number, &head).await.unwrap() };
    assert!(why(merge().await).contains("others may follow"));
    wait(&bench);
    // Actions has its suite, whose runs are to come; another App has one in which nothing ever runs.
    let sha = head.as_str();
    bench.fake.suite(REPO, sha, "github-actions", "queued");
    bench.fake.suite(REPO, sha, "idle-app", "queued");
    assert!(why(merge().await).contains("`github-actions` have not finished"));
    bench.fake.suite(REPO, sha, "github-actions", "completed");
    assert!(why(merge().await).contains("`idle-app` have not finished"));
    bench.fake.clock().advance(Duration::from_secs(3600));
    bench.fake.suite(REPO, sha, "github-actions", "requested");
    bench.fake.clock().advance(Duration::from_secs(3600));
    assert!(why(merge().await).contains("`github-actions` have not finished"));
    assert!(!is_merged(&bench, number));
    bench.fake.suite(REPO, sha, "github-actions", "completed");
    assert_eq!(merge().await, Merging::Merged);
}

/// The runs of Actions are not all checks: a failed one of another App is not seen by such a token.
#[tokio::test(flavor = "multi_thread")]
async fn row_3_who_sees_only_actions_merges_only_by_required_checks() {
    for required in [false, true] {
        let bench = Bench::start().await;
        let (repo, number, head) = bench.opened().await;
        if let Some(token) = bench.fake.lock().tokens.get_mut(TOKEN) {
            token.checks = false;
        }
        let sha = head.as_str();
        bench.passed(&head);
        if required {
            bench.fake.require_checks(REPO, "main", &["build"]);
        } else {
            bench
                .fake
                .app_check(REPO, sha, "scan", "scanner", "failure");
        }
        wait(&bench);
        let merging = bench.github.merge(&repo, number, &head).await.unwrap();
        match required {
            true => assert_eq!(merging, Merging::Merged),
            false => assert!(why(merging).contains("GitHub Actions only")),
        }
        assert_eq!(is_merged(&bench, number), required);
    }
}

/// A branch with a queue is merged into by the queue; a token that may go past it does not.
#[tokio::test(flavor = "multi_thread")]
async fn row_5_a_merge_queue_is_used_and_never_passed() {
    for bypass in [false, true] {
        let bench = Bench::start().await;
        let (repo, number, head) = bench.opened().await;
        bench
            .fake
            .set(REPO, |repo| (repo.queue, repo.bypass) = (true, bypass));
        let merge = || async { bench.github.merge(&repo, number, &head).await.unwrap() };
        assert!(why(merge().await).starts_with("no-pipeline"));
        bench.passed(&head);
        assert_eq!(merge().await, Merging::Scheduled);
        assert!(!is_merged(&bench, number), "it is in the queue");
        bench.fake.take_log();
        assert_eq!(merge().await, Merging::Scheduled);
        assert!(bench.fake.writes().is_empty(), "asked for once");
        bench.github.call_off(&repo, number).await.unwrap();
        assert!(!bench.fake.pull(REPO, number).1.queued);
        assert_eq!(merge().await, Merging::Scheduled);
        let theirs = bench.fake.commit(REPO, SOURCE, &[("y", "theirs")]);
        let error = bench.github.merge(&repo, number, &head).await.unwrap_err();
        assert!(matches!(error, ForgeError::Conflict(_)), "{error}");
        bench.passed(&theirs);
        let merging = bench.github.merge(&repo, number, &theirs).await.unwrap();
        assert_eq!(merging, Merging::Scheduled);
        bench.fake.run_queue(REPO);
        assert!(is_merged(&bench, number));
        let methods = bench.fake.lock().repo_named(REPO).unwrap().methods.clone();
        assert_eq!(methods, ["queue"]);
    }
}

/// Rulesets show which ways are allowed; classic protection only refuses the others.
#[tokio::test(flavor = "multi_thread")]
async fn row_16_it_is_merged_in_a_way_that_the_rules_allow() {
    for (allowed, linear, squash, expect) in [
        (None, false, true, Some("merge")),
        (Some(vec!["squash", "rebase"]), false, true, Some("squash")),
        (Some(vec!["rebase"]), false, true, Some("rebase")),
        (None, true, true, Some("squash")),
        (None, true, false, Some("rebase")),
        (Some(vec!["merge"]), true, true, None),
    ] {
        let bench = Bench::start().await;
        let (repo, number, head) = bench.opened().await;
        bench.passed(&head);
        bench.fake.set(REPO, |repo| {
            let allowed = allowed.map(|all| all.into_iter().map(str::to_owned).collect());
            repo.allowed_methods = allowed;
            (repo.linear, repo.allow_squash) = (linear, squash);
        });
        let merging = bench.github.merge(&repo, number, &head).await.unwrap();
        let methods = bench.fake.lock().repo_named(REPO).unwrap().methods.clone();
        assert_eq!(methods, expect.as_slice());
        match expect {
            Some(_) => assert_eq!(merging, Merging::Merged),
            None => assert!(why(merging).contains("not allowed")),
        }
    }
}

/// Older Enterprise Servers have a field behind a preview, and others not at all.
#[tokio::test(flavor = "multi_thread")]
async fn row_17_older_servers_are_asked_for_what_they_have() {
    for (preview, without_queues) in [(true, false), (false, true)] {
        let bench = Bench::start().await;
        let (repo, number, head) = bench.opened().await;
        bench.passed(&head);
        {
            let mut state = bench.fake.lock();
            (state.preview, state.without_queues) = (preview, without_queues);
        }
        let merging = bench.github.merge(&repo, number, &head).await.unwrap();
        assert_eq!(merging, Merging::Merged, "{preview}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_them_imagebot_merges_when_all_have_succeeded() {
    let bench = Bench::start().await;
    let (repo, number, head) = bench.opened().await;
    for (build, test, expect) in [
        (None, None, "its checks have not finished"),
        (Some("success"), None, "its checks have not finished"),
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
    wait(&bench);
    assert_eq!(
        bench.github.merge(&repo, number, &head).await.unwrap(),
        Merging::Merged
    );
    assert!(is_merged(&bench, number));
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_that_are_not_fulfilled_and_no_auto_merge() {
    let bench = Bench::start().await;
    let (repo, number, head) = bench.opened().await;
    bench.fake.require_checks(REPO, "main", &["never-runs"]);
    bench
        .fake
        .check(REPO, head.as_str(), "build", Some("success"));
    let merging = bench.github.merge(&repo, number, &head).await.unwrap();
    assert!(why(merging).contains("does not meet the rules"));
    assert!(!is_merged(&bench, number));
}

#[tokio::test(flavor = "multi_thread")]
async fn t35_what_a_person_pushed_in_between_is_not_merged() {
    for on in [true, false] {
        let bench = Bench::start().await;
        let (repo, number, head) = bench.opened().await;
        bench.passed(&head);
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
    let (repo, number, head) = bench.opened().await;
    bench.fake.require_checks(REPO, "main", &["build"]);
    bench.fake.set(REPO, |repo| repo.allow_auto_merge = true);
    bench.fake.check(REPO, head.as_str(), "build", None);
    let github = with_auto_merge(&bench);
    let merging = github.merge(&repo, number, &head).await.unwrap();
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
        let (repo, number, head) = bench.opened().await;
        bench.passed(&head);
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
    let (repo, _, head) = bench.opened().await;
    if let Some(token) = bench.fake.lock().tokens.get_mut(TOKEN) {
        token.checks = false;
    }
    assert_eq!(
        bench.github.commit_ci(&repo, &head).await.unwrap(),
        CiStatus::None
    );
    bench
        .fake
        .check(REPO, head.as_str(), "build", Some("success"));
    assert_eq!(
        bench.github.commit_ci(&repo, &head).await.unwrap(),
        CiStatus::Passed
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn drafts_and_conflicts_wait() {
    let bench = Bench::start().await;
    let (repo, number, head) = bench.opened().await;
    bench.passed(&head);
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
