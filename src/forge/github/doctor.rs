//! Whether the token can do the work, and has no more rights than that.

use super::api::{Api, halves, quoted, route};
use super::ci::requires_checks;
use super::failure::Failure;
use crate::forge::doctor::DoctorFinding;
use crate::forge::traits::Repository;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;

/// The rights that the work needs.
const LEAST: &str = "least rights of a fine-grained token or an App: Metadata read, Contents read and write, \
    Pull requests read and write, Issues read and write (labels, notices), Checks and Commit statuses read \
    (or Actions read), Members read of the organisation for reviews by teams; of a classic token: repo, and \
    read:packages for the registry";
/// How many workflow files of a repository are read.
const MAX_WORKFLOWS: usize = 20;
/// A clock that is this wrong makes signatures and waits wrong, in seconds.
const MAX_SKEW: i64 = 60;

#[derive(Deserialize)]
struct Rights {
    #[serde(default)]
    permissions: Option<Permissions>,
    #[serde(default)]
    allow_auto_merge: Option<bool>,
}

#[derive(Deserialize)]
struct Permissions {
    #[serde(default)]
    push: bool,
}

#[derive(Deserialize)]
struct Entry {
    path: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    content: String,
}

/// Checks the token, and then each repository.
pub(super) async fn doctor(
    api: &Api,
    repos: &[Repository],
    changes_ci: bool,
) -> Vec<DoctorFinding> {
    let mut found = Vec::new();
    examine_token(api, changes_ci, &mut found).await;
    let owners: BTreeSet<&str> = repos.iter().map(|repo| halves(&repo.name).0).collect();
    if owners.len() > 1 {
        let owners: Vec<&str> = owners.into_iter().collect();
        found.push(DoctorFinding::warning(format!("one token reaches several owners: {}", owners.join(", "))).with_help("a leaked token would expose all of them; give each owner its own token with a prefix"));
    }
    for repo in repos {
        examine_repository(api, repo, &mut found).await;
    }
    found.push(DoctorFinding::ok(LEAST.to_owned()));
    found
}

async fn examine_token(api: &Api, changes_ci: bool, found: &mut Vec<DoctorFinding>) {
    let asked: Result<Value, Failure> = api.get("/rate_limit").await;
    // An Enterprise Server without limits, which is its default, has no such answer.
    let asked = match asked {
        Err(failure) if failure.status == Some(404) => api.get(least_route(api)).await,
        asked => asked,
    };
    if let Err(failure) = asked {
        found.push(
            DoctorFinding::problem(failure.to_string()).with_help(
                failure
                    .error
                    .help_in_doctor()
                    .unwrap_or("check `url` and `token`"),
            ),
        );
        return;
    }
    let seen = api.seen();
    found.push(DoctorFinding::ok(match &seen.version {
        Some(version) => format!("GitHub Enterprise Server {version}"),
        None => "github.com, or a server that does not report its version".to_owned(),
    }));
    if let Some(skew) = seen.skew.filter(|skew| skew.abs() > MAX_SKEW) {
        found.push(
            DoctorFinding::warning(format!(
                "this machine's clock is {skew} s behind the server's"
            ))
            .with_help("correct the clock: GitHub refuses an App's signature otherwise"),
        );
    }
    match (&seen.scopes, &seen.permissions) {
        (_, Some(permissions)) => examine_permissions(permissions, changes_ci, found),
        (Some(scopes), _) => examine_scopes(scopes, changes_ci, found),
        (None, None) => found.push(DoctorFinding::ok("a fine-grained token: GitHub does not report its rights; a missing one shows up as 403".to_owned())),
    }
    examine_registry(api, found);
    match &seen.expires {
        Some(time) => found.push(expiry(api, time)),
        None if api.login().is_app() => {
            found.push(DoctorFinding::ok(
                "the App's tokens are refreshed within a run".to_owned(),
            ));
        }
        None => found.push(
            DoctorFinding::warning("the token never expires".to_owned())
                .with_help("give it an expiry date, or use a GitHub App"),
        ),
    }
}

/// What every token of its kind can read.
fn least_route(api: &Api) -> &'static str {
    match api.login().is_app() {
        true => "/installation/repositories?per_page=1",
        false => "/user",
    }
}

/// GitHub's registry takes classic tokens only.
fn examine_registry(api: &Api, found: &mut Vec<DoctorFinding>) {
    if let Some(host) = api.settings.registry_host()
        && !api.login().is_classic()
    {
        found.push(DoctorFinding::warning(format!("{host} accepts neither Apps nor fine-grained tokens; imagebot uses it without a login")).with_help("for private images there, give it a classic token with `read:packages` in [[registry]]"));
    }
}

/// GitHub writes `2026-12-01 10:00:00 UTC`, or an offset in place of the zone.
fn expiry(api: &Api, time: &str) -> DoctorFinding {
    let text = format!("the token expires {time}");
    let iso = time
        .replacen(' ', "T", 1)
        .replace(" UTC", "Z")
        .replace(' ', "");
    let ends = iso.parse::<jiff::Timestamp>().ok();
    let soon = api.settings.server.clock.now() + jiff::SignedDuration::from_hours(24 * 14);
    match ends {
        Some(ends) if ends < soon => {
            DoctorFinding::warning(text).with_help("create a new one before then")
        }
        _ => DoctorFinding::ok(text),
    }
}

async fn examine_repository(api: &Api, repo: &Repository, found: &mut Vec<DoctorFinding>) {
    let name = &repo.name;
    let rights: Rights = match api.get(&route(name, "")).await {
        Ok(rights) => rights,
        Err(failure) => {
            found.push(
                DoctorFinding::problem(format!("{name}: {failure}")).with_help(
                    failure
                        .error
                        .help()
                        .unwrap_or("check the token's repositories"),
                ),
            );
            return;
        }
    };
    if !api.login().is_app() && !rights.permissions.is_some_and(|rights| rights.push) {
        found.push(
            DoctorFinding::problem(format!("{name}: the token may not push"))
                .with_help("give it Contents read and write"),
        );
    }
    let required = requires_checks(api, repo).await;
    let auto = rights.allow_auto_merge.unwrap_or(false);
    found.push(DoctorFinding::ok(match (required, auto) {
        (Some(true), true) => format!("{name}: GitHub merges when its required checks succeed"),
        (Some(true), false) => format!(
            "{name}: checks are required and auto-merge is off: imagebot merges when all of them succeed"
        ),
        (Some(false), _) => format!("{name}: no check is required: imagebot merges when all have succeeded"),
        (None, _) => format!("{name}: GitHub does not show whether checks are required"),
    }));
    if only_on_tags(api, repo).await == Some(true) {
        found.push(
            DoctorFinding::warning(format!(
                "{name}: its workflows seem to publish images for tags only"
            ))
            .with_help(
                "a merge alone publishes no image: create a tag, or bump a version with the update",
            ),
        );
    }
}

/// Whether every workflow that pushes images runs for tags only: a guess from the text.
async fn only_on_tags(api: &Api, repo: &Repository) -> Option<bool> {
    let folder = route(&repo.name, "/contents/.github/workflows");
    let entries: Vec<Entry> = api.get(&folder).await.ok()?;
    let (mut publishing, mut on_branches) = (false, false);
    let files = entries.iter().filter(|entry| entry.kind == "file");
    for entry in files.take(MAX_WORKFLOWS) {
        let path: Vec<String> = entry.path.split('/').map(quoted).collect();
        let file: File = api
            .get(&route(&repo.name, &format!("/contents/{}", path.join("/"))))
            .await
            .ok()?;
        let text = decoded(&file.content)?;
        if text.contains("docker push")
            || text.contains("push: true")
            || text.contains("buildah push")
        {
            publishing = true;
            let tags_only = text.contains("tags:") && !text.contains("branches:");
            on_branches |= !tags_only && text.contains("push");
        }
    }
    Some(publishing && !on_branches)
}

fn decoded(content: &str) -> Option<String> {
    use base64::Engine as _;
    let bare: String = content.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(bare)
        .ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn examine_scopes(scopes: &str, changes_ci: bool, found: &mut Vec<DoctorFinding>) {
    let all: BTreeSet<&str> = scopes
        .split(',')
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .collect();
    if !all.contains("repo") && !all.contains("public_repo") {
        found.push(
            DoctorFinding::problem(format!("the token's scopes are {all:?}: `repo` is missing"))
                .with_help("create a token with `repo`, or better a fine-grained one"),
        );
    } else {
        found.push(DoctorFinding::ok(format!(
            "a classic token with the scopes {all:?}"
        )));
    }
    let idle: Vec<&&str> = all
        .iter()
        .filter(|scope| {
            let is_needed = matches!(
                **scope,
                "repo" | "public_repo" | "read:packages" | "read:org"
            );
            !is_needed && (!changes_ci || **scope != "workflow")
        })
        .collect();
    if !idle.is_empty() {
        found.push(
            DoctorFinding::warning(format!(
                "the token has more rights than imagebot needs: {idle:?}"
            ))
            .with_help("create a token without these scopes"),
        );
    }
    match (changes_ci, all.contains("workflow")) {
        (false, true) => found.push(
            DoctorFinding::warning("the token may change workflows".to_owned())
                .with_help("imagebot needs `workflow` only if a rule says ci = \"propose\""),
        ),
        (true, false) => found.push(
            DoctorFinding::problem("the token may not change workflows".to_owned())
                .with_help("a rule says ci = \"propose\": add the scope `workflow`"),
        ),
        _ => {}
    }
}

fn examine_permissions(
    given: &serde_json::Map<String, Value>,
    changes_ci: bool,
    found: &mut Vec<DoctorFinding>,
) {
    let has = |name: &str, level: &str| {
        let value = given.get(name).and_then(Value::as_str).unwrap_or_default();
        value == level || value == "write" || value == "admin"
    };
    for (name, level) in [
        ("contents", "write"),
        ("pull_requests", "write"),
        ("issues", "write"),
        ("checks", "read"),
        ("statuses", "read"),
    ] {
        if !has(name, level) {
            found.push(
                DoctorFinding::problem(format!("the App's installation lacks {name}: {level}"))
                    .with_help(
                        "add it to the App's permissions, and accept them in the organisation",
                    ),
            );
        }
    }
    match (changes_ci, has("workflows", "write")) {
        (false, true) => found.push(
            DoctorFinding::warning("the App may change workflows".to_owned())
                .with_help("remove `workflows`: no rule says ci = \"propose\""),
        ),
        (true, false) => found.push(
            DoctorFinding::problem("the App may not change workflows".to_owned())
                .with_help("a rule says ci = \"propose\": add `workflows: write`"),
        ),
        _ => {}
    }
}
