//! Whether imagebot can do its work on this GitLab, and with no more rights than it needs.

mod publishing;
mod repository;

use super::answers::WithId;
use super::api::Api;
use super::endpoints::{Get, built};
use super::session::Session;
use crate::forge::doctor::DoctorFinding;
use crate::forge::error::ForgeError;
use crate::forge::traits::Repository;
use crate::forge::wire::server_time;
use gitlab::api::personal_access_tokens::PersonalAccessTokenSelf;
use jiff::civil::Date;
use serde::Deserialize;
use std::collections::BTreeSet;

/// The rights that the work needs.
const LEAST: &str = "least rights: a group's or project's access token, role Developer, scopes `api` and `write_repository`; \
    for automerge also allowed to merge into the default branch; Maintainer only where protected branches ask for it";
/// The days before a token's end in which there is a warning.
const SOON: i32 = 14;
/// The most seconds that both clocks may differ by.
const SKEW: i64 = 60;

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    expires_at: Option<String>,
}

/// Checks the instance and the token, and then each repository.
pub(super) async fn doctor(
    api: &Api,
    session: Result<&Session, &ForgeError>,
    repos: &[Repository],
) -> Vec<DoctorFinding> {
    let mut findings = Vec::new();
    match session {
        Ok(session) => {
            let graphql = match (session.graphql, session.limit) {
                (true, Some(limit)) => format!("GraphQL with complexity {limit}"),
                (true, None) => "GraphQL".to_owned(),
                (false, _) => "no GraphQL: every repository needs its own requests".to_owned(),
            };
            let what = format!("GitLab {}, {graphql}", session.version);
            findings.push(match session.graphql {
                true => DoctorFinding::ok(what),
                false => DoctorFinding::warning(what),
            });
        }
        Err(error) => {
            findings
                .push(DoctorFinding::problem(error.to_string()).with_help(error.help_in_doctor()));
            return findings;
        }
    }
    findings.extend(token(api).await);
    let user = api.get::<WithId>(&Get::new("user")).await.ok();
    let user = user.map(|user| user.id);
    findings.extend(reach(repos));
    findings.push(DoctorFinding::ok("a fork of a project that this token cannot see looks like an original: exclude such forks by name"));
    for repo in repos {
        findings.extend(repository::doctor(api, user, repo).await);
    }
    findings.push(DoctorFinding::ok(LEAST));
    findings
}

/// The token's scopes and end, and the clocks.
async fn token(api: &Api) -> Vec<DoctorFinding> {
    let mut findings = Vec::new();
    let endpoint = match built(PersonalAccessTokenSelf::builder().build()) {
        Ok(endpoint) => endpoint,
        Err(error) => return vec![DoctorFinding::problem(error.to_string())],
    };
    let response = match api.ask(&endpoint, None).await {
        Ok(response) => response,
        Err(error) => {
            return vec![
                DoctorFinding::problem(error.to_string()).with_help(error.help_in_doctor()),
            ];
        }
    };
    let now = api.clock().now();
    if let Some(theirs) = server_time(&response) {
        let apart = (theirs.as_second() - now.as_second()).abs();
        if apart > SKEW {
            let what = format!("this machine's clock and GitLab's are {apart} s apart");
            let help = "correct this machine's clock: min_age and hold_for depend on it";
            findings.push(DoctorFinding::warning(what).with_help(help));
        }
    }
    let token = api
        .good(response)
        .and_then(|response| api.decode::<Token>(&response));
    let token = match token {
        Ok(token) => token,
        Err(error) => {
            let what = format!("cannot read the token's scopes and expiry: {error}");
            findings.push(DoctorFinding::warning(what));
            return findings;
        }
    };
    let has = |scope: &str| token.scopes.iter().any(|has| has == scope);
    if !has("api") {
        let what = "the token lacks the scope `api`: no merge request can be opened with it";
        let help = "create a new token with the scopes `api` and `write_repository`";
        findings.push(DoctorFinding::problem(what).with_help(help));
    }
    if !has("api") && !has("write_repository") {
        let what = "the token lacks the scope `write_repository`: no branch can be pushed with it";
        findings.push(DoctorFinding::problem(what));
    }
    for scope in ["sudo", "admin_mode"] {
        if has(scope) {
            let what = format!("the token has the scope `{scope}`, which imagebot never needs");
            findings.push(DoctorFinding::warning(what).with_help("create a new token without it"));
        }
    }
    findings.push(expiry(token.expires_at.as_deref(), now));
    findings
}

fn expiry(expires_at: Option<&str>, now: jiff::Timestamp) -> DoctorFinding {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let Some(text) = expires_at else {
        return DoctorFinding::ok("the token does not expire");
    };
    let Ok(end) = text.parse::<Date>() else {
        return DoctorFinding::warning("cannot read when the token expires");
    };
    let days = today.until(end).map_or(0, |span| span.get_days());
    match days {
        ..SOON => {
            let what = format!("the token expires on {end}, in {days} days");
            DoctorFinding::warning(what).with_help("rotate it before that day")
        }
        _ => DoctorFinding::ok(format!("the token expires on {end}")),
    }
}

/// A warning if one token covers groups that perhaps mustn't see each other.
fn reach(repos: &[Repository]) -> Option<DoctorFinding> {
    let top = |repo: &Repository| repo.name.as_str().split('/').next().map(str::to_owned);
    let groups: BTreeSet<String> = repos.iter().filter_map(top).collect();
    if groups.len() < 2 {
        return None;
    }
    let names: Vec<&str> = groups.iter().map(String::as_str).collect();
    Some(DoctorFinding::warning(format!("one token covers the top-level groups {}", names.join(", "))).with_help("give each group its own token under `tokens`, so that no group can read another's images"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::forge::doctor::DoctorLevel;

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
