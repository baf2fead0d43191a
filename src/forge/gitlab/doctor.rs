//! Whether imagebot can do its work on this GitLab, and with no more rights than it needs.

use super::answers::{Permissions, Project, WithId};
use super::api::{Api, date};
use super::endpoints::{Get, built};
use super::session::Session;
use crate::forge::error::ForgeError;
use crate::forge::traits::{DoctorFinding, DoctorLevel, Repository};
use crate::repo::Branch;
use gitlab::api::personal_access_tokens::PersonalAccessTokenSelf;
use gitlab::api::projects::{protected_branches, repository, variables};
use jiff::civil::Date;
use serde::Deserialize;
use std::collections::BTreeSet;

/// GitLab's level from which branches are pushed and merge requests opened.
const DEVELOPER: u64 = 30;
/// The level that may merge into a new project's default branch.
const MAINTAINER: u64 = 40;
/// A token that ends sooner is warned of, in days.
const SOON: i32 = 14;
/// The most seconds that both clocks may be apart.
const SKEW: i64 = 60;

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    expires_at: Option<String>,
}

#[derive(Deserialize)]
struct Protected {
    name: String,
}

/// A member of a project, by whatever way.
#[derive(Deserialize)]
struct Member {
    access_level: u64,
}

/// A branch, and what may be done with it.
#[derive(Deserialize)]
struct ProtectedBranch {
    #[serde(default)]
    protected: bool,
    #[serde(default)]
    can_push: bool,
    #[serde(default)]
    developers_can_merge: bool,
}

#[derive(Deserialize)]
struct Variable {
    key: String,
    #[serde(default)]
    protected: bool,
}

fn finding(level: DoctorLevel, what: impl Into<String>, help: Option<&str>) -> DoctorFinding {
    DoctorFinding {
        level,
        what: what.into(),
        help: help.map(str::to_owned),
    }
}

/// Looks at the instance and the token, and then at each repository.
pub(super) async fn doctor(
    api: &Api,
    session: Result<&Session, &ForgeError>,
    repos: &[Repository],
) -> Vec<DoctorFinding> {
    let mut findings = vec![finding(
        DoctorLevel::Ok,
        "least rights: a group's or project's access token, role Developer, scopes `api` and `write_repository`; \
         for automerge also allowed to merge into the default branch; Maintainer only where protected branches ask for it",
        None,
    )];
    match session {
        Ok(session) => {
            let graphql = match (session.graphql, session.limit) {
                (true, Some(limit)) => format!("GraphQL with complexity {limit}"),
                (true, None) => "GraphQL".to_owned(),
                (false, _) => "no GraphQL: every repository needs its own requests".to_owned(),
            };
            let level = if session.graphql {
                DoctorLevel::Ok
            } else {
                DoctorLevel::Warning
            };
            let what = format!("GitLab {}, {graphql}", session.version);
            findings.push(finding(level, what, None));
        }
        Err(error) => {
            findings.push(finding(
                DoctorLevel::Problem,
                error.to_string(),
                error.help(),
            ));
            return findings;
        }
    }
    findings.extend(token(api).await);
    let user = api.get::<WithId>(&Get::new("user")).await.ok();
    let user = user.map(|user| user.id);
    findings.extend(reach(repos));
    findings.push(finding(
        DoctorLevel::Ok,
        "a fork of a project that this token cannot see looks like an original: exclude such forks by name",
        None,
    ));
    for repo in repos {
        findings.extend(one(api, user, repo).await);
    }
    findings
}

/// The token's scopes and end, and the clocks.
async fn token(api: &Api) -> Vec<DoctorFinding> {
    let mut findings = Vec::new();
    let endpoint = match built(PersonalAccessTokenSelf::builder().build()) {
        Ok(endpoint) => endpoint,
        Err(error) => return vec![finding(DoctorLevel::Problem, error.to_string(), None)],
    };
    let response = match api.ask(&endpoint, None).await {
        Ok(response) => response,
        Err(error) => {
            return vec![finding(
                DoctorLevel::Problem,
                error.to_string(),
                error.help(),
            )];
        }
    };
    let now = api.clock().now();
    if let Some(theirs) = response.header("date").and_then(date) {
        let apart = (theirs.as_second() - now.as_second()).abs();
        if apart > SKEW {
            let what = format!("this machine's clock and GitLab's are {apart} s apart");
            let help = "correct this machine's clock: min_age and hold_for depend on it";
            findings.push(finding(DoctorLevel::Warning, what, Some(help)));
        }
    }
    let token = api
        .good(response)
        .and_then(|response| api.decode::<Token>(&response));
    let token = match token {
        Ok(token) => token,
        Err(error) => {
            let what = format!("cannot read the token's scopes and expiry: {error}");
            findings.push(finding(DoctorLevel::Warning, what, None));
            return findings;
        }
    };
    let has = |scope: &str| token.scopes.iter().any(|has| has == scope);
    if !has("api") {
        let what = "the token lacks the scope `api`: no merge request can be opened with it";
        let help = "create a new token with the scopes `api` and `write_repository`";
        findings.push(finding(DoctorLevel::Problem, what, Some(help)));
    }
    if !has("api") && !has("write_repository") {
        let what = "the token lacks the scope `write_repository`: no branch can be pushed with it";
        findings.push(finding(DoctorLevel::Problem, what, None));
    }
    for scope in ["sudo", "admin_mode"] {
        if has(scope) {
            let what = format!("the token has the scope `{scope}`, which imagebot never needs");
            findings.push(finding(
                DoctorLevel::Warning,
                what,
                Some("create a new token without it"),
            ));
        }
    }
    findings.push(expiry(token.expires_at.as_deref(), now));
    findings
}

fn expiry(expires_at: Option<&str>, now: jiff::Timestamp) -> DoctorFinding {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let Some(text) = expires_at else {
        return finding(DoctorLevel::Ok, "the token does not expire", None);
    };
    let Ok(end) = text.parse::<Date>() else {
        return finding(
            DoctorLevel::Warning,
            "cannot read when the token expires",
            None,
        );
    };
    let days = today.until(end).map_or(0, |span| span.get_days());
    match days {
        ..SOON => {
            let what = format!("the token expires on {end}, in {days} days");
            finding(
                DoctorLevel::Warning,
                what,
                Some("rotate it before that day"),
            )
        }
        _ => finding(DoctorLevel::Ok, format!("the token expires on {end}"), None),
    }
}

/// Whether one token spans groups that perhaps must not see each other.
fn reach(repos: &[Repository]) -> Option<DoctorFinding> {
    let top = |repo: &Repository| repo.name.as_str().split('/').next().map(str::to_owned);
    let groups: BTreeSet<String> = repos.iter().filter_map(top).collect();
    if groups.len() < 2 {
        return None;
    }
    let names: Vec<&str> = groups.iter().map(String::as_str).collect();
    Some(finding(
        DoctorLevel::Warning,
        format!("one token covers the top-level groups {}", names.join(", ")),
        Some(
            "give each group its own token under `tokens`, so that no group can read another's images",
        ),
    ))
}

/// What may hinder imagebot in one repository.
async fn one(api: &Api, session_user: Option<u64>, repo: &Repository) -> Vec<DoctorFinding> {
    let mut findings = Vec::new();
    let name = &repo.name;
    let project: Project = match api.get(&Get::new(format!("projects/{}", repo.id))).await {
        Ok(project) => project,
        Err(error) => {
            let what = format!("{name}: {error}");
            return vec![finding(DoctorLevel::Problem, what, error.help())];
        }
    };
    let level = level(api, session_user, &project).await;
    if level < DEVELOPER {
        let what = format!(
            "{name}: the token's user has level {level}; branches and merge requests need Developer (30)"
        );
        findings.push(finding(
            DoctorLevel::Problem,
            what,
            Some("give the user the role Developer there"),
        ));
    }
    let id = project.id;
    findings.extend(protection(api, repo, id, level).await);
    findings.extend(merging(api, repo, id, level).await);
    findings.extend(tags_only(api, repo, id).await);
    if findings.iter().all(|found| found.level == DoctorLevel::Ok) {
        findings.push(finding(
            DoctorLevel::Ok,
            format!("{name}: branches and merge requests"),
            None,
        ));
    }
    findings
}

/// What the token's user may do there. The project shows direct members, and members of its group; who has come in by a
/// group that was invited shows among all members only.
async fn level(api: &Api, user: Option<u64>, project: &Project) -> u64 {
    let shown = project.permissions.as_ref().map_or(0, Permissions::level);
    let Some(user) = user.filter(|_| shown < DEVELOPER) else {
        return shown;
    };
    let path = format!("projects/{}/members/all/{user}", project.id);
    let member = api.get::<Member>(&Get::new(path)).await;
    member.map_or(shown, |member| member.access_level.max(shown))
}

/// Whether the user may merge into the default branch, which only automerge needs. A new project lets Maintainers only.
async fn merging(api: &Api, repo: &Repository, id: u64, level: u64) -> Option<DoctorFinding> {
    let (branch, _) = repo.head.as_ref()?;
    let endpoint = repository::branches::Branch::builder()
        .project(id)
        .branch(branch.as_str())
        .build();
    let found: ProtectedBranch = api.get(&built(endpoint).ok()?).await.ok()?;
    let may = !found.protected
        || found.can_push
        || (found.developers_can_merge && level >= DEVELOPER)
        || level >= MAINTAINER;
    (!may).then(|| {
        finding(
            DoctorLevel::Warning,
            format!(
                "{}: the token's user is not allowed to merge into `{branch}`: it can propose there, and automerge cannot \
                 merge",
                repo.name
            ),
            Some(
                "for automerge, allow it to merge under Settings > Repository > Protected branches; proposing needs nothing more",
            ),
        )
    })
}

/// Whether pipelines of `imagebot/*` get the variables that others get.
async fn protection(api: &Api, repo: &Repository, id: u64, level: u64) -> Vec<DoctorFinding> {
    let name = &repo.name;
    let mut findings = Vec::new();
    let protected = match built(
        protected_branches::ProtectedBranches::builder()
            .project(id)
            .build(),
    ) {
        Ok(endpoint) => api.pages::<Protected>(&endpoint).await,
        Err(error) => Err(error),
    };
    if protected.is_err() {
        let what = format!(
            "{name}: this token cannot read the protected branches, so imagebot cannot check whether `imagebot/*` is protected"
        );
        findings.push(finding(DoctorLevel::Ok, what, None));
    }
    let protected = protected.ok();
    let ours = protected.as_ref().map(|protected| {
        let covers = |glob: &Protected| covers_ours(&glob.name);
        protected.iter().any(covers)
    });
    if ours == Some(true) && level < 40 {
        let what = format!(
            "{name}: `imagebot/*` is a protected branch, and pushing there may need Maintainer"
        );
        let help = "allow the bot to push to the protected branch `imagebot/*`, and to force-push";
        findings.push(finding(DoctorLevel::Warning, what, Some(help)));
    }
    let listed = match built(variables::ProjectVariables::builder().project(id).build()) {
        Ok(endpoint) => api.pages::<Variable>(&endpoint).await.ok(),
        Err(_) => None,
    };
    let hidden: Vec<String> = listed
        .iter()
        .flatten()
        .filter(|v| v.protected)
        .map(|v| v.key.clone())
        .collect();
    if !hidden.is_empty() && ours == Some(false) {
        let what = format!(
            "{name}: pipelines of `imagebot/*` do not get the protected variables {}",
            hidden.join(", ")
        );
        let help = "make sure their build works without them, or protect the branches `imagebot/*`";
        findings.push(finding(DoctorLevel::Warning, what, Some(help)));
    }
    findings
}

/// Whether a protected branch's name, where `*` stands for anything, covers branches of ours.
fn covers_ours(name: &str) -> bool {
    let Some((start, rest)) = name.split_once('*') else {
        return name.starts_with(Branch::OURS);
    };
    // What stands before the first star decides, as far as our names are known.
    let ends = rest.is_empty() || rest.contains('*') || !rest.contains('/');
    (Branch::OURS.starts_with(start) || start.starts_with(Branch::OURS)) && ends
}

/// Whether images are published only for tags, as far as `.gitlab-ci.yml` shows: then a merge alone publishes nothing.
async fn tags_only(api: &Api, repo: &Repository, id: u64) -> Option<DoctorFinding> {
    let endpoint = repository::files::FileRaw::builder()
        .project(id)
        .file_path(".gitlab-ci.yml")
        .build();
    let response = api.ask(&built(endpoint).ok()?, None).await.ok()?;
    let text = String::from_utf8_lossy(&api.good(response).ok()?.body).into_owned();
    publishes_only_tags(&text).then(|| {
        finding(
            DoctorLevel::Warning,
            format!(
                "{}: a guess from .gitlab-ci.yml: images are published only for tags",
                repo.name
            ),
            Some("create a tag after each merge; child images wait until then"),
        )
    })
}

/// A guess by words: something is pushed or released, and the only condition that is named is a tag.
fn publishes_only_tags(text: &str) -> bool {
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with('#'))
        .collect();
    let has = |words: &[&str]| {
        lines
            .iter()
            .any(|line| words.iter().any(|word| line.contains(word)))
    };
    let publishes = has(&[
        "docker push",
        "buildah push",
        "crane push",
        "podman push",
        "--push",
        "--destination",
        "skopeo copy",
    ]);
    let list = |at: usize| lines.get(at + 1).is_some_and(|next| *next == "- tags");
    let tags = lines.iter().enumerate().any(|(at, line)| {
        matches!(*line, "only: tags" | "only: [tags]") || (*line == "only:" && list(at))
    }) || has(&[
        "if: $CI_COMMIT_TAG",
        "if: \"$CI_COMMIT_TAG",
        "if: '$CI_COMMIT_TAG",
    ]);
    let branches = has(&[
        "$CI_COMMIT_BRANCH",
        "$CI_DEFAULT_BRANCH",
        "- main",
        "- master",
        "- branches",
    ]);
    publishes && tags && !branches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_guessed_from_words() {
        let build = "build:\n  script:\n    - docker push $IMAGE\n";
        for (rules, expect) in [
            ("  only: tags\n", true),
            ("  only:\n    - tags\n", true),
            ("  rules:\n    - if: $CI_COMMIT_TAG\n", true),
            (
                "  rules:\n    - if: $CI_COMMIT_TAG\n    - if: $CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH\n",
                false,
            ),
            ("  only:\n    - main\n    - tags\n", false),
            ("", false),
        ] {
            assert_eq!(
                publishes_only_tags(&format!("{build}{rules}")),
                expect,
                "{rules}"
            );
        }
        assert!(!publishes_only_tags(
            "test:\n  script: make test\n  only: tags\n"
        ));
    }

    #[test]
    fn row_33_protected_names_are_globs() {
        for (name, expect) in [
            ("*", true),
            ("i*", true),
            ("imagebot*", true),
            ("imagebot/*", true),
            ("imagebot/node-*", true),
            ("imagebot/node-1a2b3c4d", true),
            ("*-1a2b3c4d", true),
            ("main", false),
            ("imagebot", false),
            ("release/*", false),
            ("im*/stable/x", false),
        ] {
            assert_eq!(covers_ours(name), expect, "{name}");
        }
    }

    #[test]
    fn a_token_that_ends_soon_is_warned_of() {
        let now: jiff::Timestamp = "2026-11-21T12:00:00Z".parse().expect("a time");
        for (end, level) in [
            (Some("2026-12-04"), DoctorLevel::Warning),
            (Some("2026-12-05"), DoctorLevel::Ok),
            (Some("2026-11-01"), DoctorLevel::Warning),
            (Some("soon"), DoctorLevel::Warning),
            (None, DoctorLevel::Ok),
        ] {
            assert_eq!(expiry(end, now).level, level, "{end:?}");
        }
    }
}
