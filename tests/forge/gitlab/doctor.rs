//! What `forge doctor` finds on a GitLab.

use super::{World, settings};
use crate::fake_gitlab::{FakeGitLab, NewToken, ProjectOptions};
use imagebot::forge::{DoctorFinding, DoctorLevel, Forge, GitLab, KnownIds};

async fn findings(fake: &FakeGitLab, token: &str) -> Vec<DoctorFinding> {
    let forge = GitLab::new(settings(fake, token, &["**"])).unwrap();
    let listing = forge.discover(&KnownIds::new()).await;
    let repos = listing.map(|listing| listing.repositories);
    forge.doctor(&repos.unwrap_or_default(), false).await
}

/// The findings that are not as they should be.
fn bad(findings: &[DoctorFinding]) -> Vec<&str> {
    let bad = findings
        .iter()
        .filter(|finding| finding.level > DoctorLevel::Ok);
    bad.map(|finding| finding.what.as_str()).collect()
}

#[tokio::test]
async fn all_is_well() {
    let world = World::new().await;
    world.projects(&["team/app"]);
    let found = findings(&world.fake, &world.token).await;
    assert_eq!(bad(&found), Vec::<&str>::new());
    let text: Vec<&str> = found.iter().map(|f| f.what.as_str()).collect();
    let text = text.join("\n");
    for word in [
        "least rights",
        "GitLab 19.5.0-ee",
        "expires on 2027-06-01",
        "team/app",
    ] {
        assert!(text.contains(word), "{word} in {text}");
    }
    assert!(world.fake.writes().is_empty());
}

#[tokio::test]
async fn the_token_is_looked_at() {
    let world = World::new().await;
    world.projects(&["team/app", "other/app"]);
    let token = world.fake.token(NewToken {
        scopes: vec!["api", "sudo"],
        expires_at: Some("2026-11-30"),
        ..NewToken::default()
    });
    world.fake.advance(3600);
    let found = findings(&world.fake, &token).await;
    let bad = bad(&found);
    for word in [
        " s apart",
        "`sudo`",
        "expires on 2026-11-30, in 9 days",
        "top-level groups other, team",
    ] {
        assert!(
            bad.iter().any(|what| what.contains(word)),
            "{word} in {bad:?}"
        );
    }
    assert_eq!(bad.len(), 4, "{bad:?}");
}

#[tokio::test]
async fn a_repository_that_cannot_be_written_is_a_problem() {
    let fake = FakeGitLab::start().await;
    fake.allow(1, "", 20);
    let token = fake.token(NewToken::default());
    fake.project("team/app", ProjectOptions::default());
    fake.commit("team/app", "main", &[("Dockerfile", "FROM a:1\n")]);
    let found = findings(&fake, &token).await;
    let problems: Vec<_> = found
        .iter()
        .filter(|f| f.level == DoctorLevel::Problem)
        .collect();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].what.contains("level 20"), "{problems:?}");
}

#[tokio::test]
async fn pipelines_and_tags_are_looked_at() {
    let fake = FakeGitLab::start().await;
    fake.allow(1, "", 40);
    let token = fake.token(NewToken::default());
    let ci = "build:\n  script:\n    - docker push $IMAGE\n  only:\n    - tags\n";
    let options = ProjectOptions {
        variables: vec![
            ("REGISTRY_PASSWORD".to_owned(), true),
            ("COLOUR".to_owned(), false),
        ],
        ..ProjectOptions::default()
    };
    fake.project("team/app", options);
    fake.commit("team/app", "main", &[(".gitlab-ci.yml", ci)]);
    let found = findings(&fake, &token).await;
    let bad = bad(&found);
    assert_eq!(bad.len(), 2, "{bad:?}");
    assert!(
        bad[0].contains("protected variables REGISTRY_PASSWORD"),
        "{bad:?}"
    );
    assert!(bad[1].contains("a guess from .gitlab-ci.yml"), "{bad:?}");
    fake.change("team/app", |options| {
        options.protected = vec!["imagebot/*".to_owned()]
    });
    let found = findings(&fake, &token).await;
    assert!(
        !found.iter().any(|f| f.what.contains("protected variables")),
        "{found:?}"
    );
}

#[tokio::test]
async fn a_token_that_is_refused_is_the_one_finding_that_counts() {
    let world = World::new().await;
    world.fake.revoke(&world.token);
    let found = findings(&world.fake, &world.token).await;
    let problems: Vec<_> = found
        .iter()
        .filter(|f| f.level == DoctorLevel::Problem)
        .collect();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].help.is_some());
}

/// Proposing needs Developer; merging into a new project's default branch needs more.
#[tokio::test]
async fn row_7_who_may_not_merge_is_told_before_automerge_fails() {
    for (protected, level, warned) in [(true, 30, true), (true, 40, false), (false, 30, false)] {
        let fake = FakeGitLab::start().await;
        fake.allow(1, "", level);
        let token = fake.token(NewToken::default());
        let options = ProjectOptions {
            fully_protected: protected,
            ..ProjectOptions::default()
        };
        fake.project("team/app", options);
        fake.commit("team/app", "main", &[("Dockerfile", "FROM a:1\n")]);
        let found = findings(&fake, &token).await;
        let bad = bad(&found);
        assert_eq!(bad.len(), usize::from(warned), "{bad:?}");
        assert!(
            bad.iter()
                .all(|what| what.contains("not allowed to merge into `main`"))
        );
    }
}

/// With the recommended role the protected branches cannot be read: that is said, and not taken for none.
#[tokio::test]
async fn row_33_what_cannot_be_read_is_said() {
    for (level, readable) in [(30, false), (40, true)] {
        let fake = FakeGitLab::start().await;
        fake.allow(1, "", level);
        let token = fake.token(NewToken::default());
        fake.project("team/app", ProjectOptions::default());
        fake.commit("team/app", "main", &[("Dockerfile", "FROM a:1\n")]);
        let found = findings(&fake, &token).await;
        let said = found
            .iter()
            .any(|f| f.what.contains("cannot read the protected branches"));
        assert_eq!(said, !readable, "{found:#?}");
        assert_eq!(bad(&found), [""; 0]);
    }
}

/// A member by an invited group shows among all members, not with the project.
#[tokio::test]
async fn row_34_members_by_an_invited_group_count() {
    for invited in [false, true] {
        let fake = FakeGitLab::start().await;
        fake.allow(1, "", 20);
        let token = fake.token(NewToken::default());
        fake.project("team/app", ProjectOptions::default());
        fake.commit("team/app", "main", &[("Dockerfile", "FROM a:1\n")]);
        if invited {
            fake.invite("team/app", 1, 30);
        }
        let found = findings(&fake, &token).await;
        let problem = found.iter().any(|f| f.level == DoctorLevel::Problem);
        assert_eq!(problem, !invited, "{found:#?}");
    }
}
