//! What CI says about a commit.
//!
//! Check suites and their runs appear one by one, some time after a push. If all of them have succeeded, others may
//! still follow. So [`ready`] asks for more before a merge: the last one ended a while ago, and no suite is running.

use super::api::{Api, quoted, route};
use super::failure::Failure;
use crate::forge::error::ForgeError;
use crate::forge::traits::{Merging, Repository};
use crate::repo::{CiStatus, CommitId};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

/// How long nothing else may have started after the last check.
const QUIET: SignedDuration = SignedDuration::from_mins(3);
/// How long to wait for a suite without runs. Many Apps make one for every push and never run anything in it.
const IDLE: SignedDuration = SignedDuration::from_mins(30);
/// The App that makes a suite only if something runs in it.
const ACTIONS: &str = "github-actions";

/// A check run, a workflow run or a status: what they have in common.
#[derive(Deserialize)]
struct Run {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    conclusion: Option<String>,
    #[serde(default)]
    started_at: Option<Timestamp>,
    #[serde(default)]
    completed_at: Option<Timestamp>,
    /// Of a workflow run.
    #[serde(default)]
    updated_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Runs {
    #[serde(alias = "workflow_runs")]
    check_runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Statuses {
    #[serde(default)]
    statuses: Vec<Status>,
}

#[derive(Deserialize)]
struct Status {
    state: String,
    #[serde(default)]
    updated_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Suites {
    #[serde(default)]
    check_suites: Vec<Suite>,
}

#[derive(Deserialize)]
struct Suite {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    app: Option<SuiteApp>,
    #[serde(default)]
    latest_check_runs_count: u64,
    #[serde(default)]
    created_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct SuiteApp {
    #[serde(default)]
    slug: Option<String>,
}

/// What the rules of the target branch say, as far as rulesets show it.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// The merge methods that are allowed; `None`: no rule restricts them.
    pub(super) methods: Option<Vec<String>>,
    /// Whether merge commits are refused.
    pub(super) linear: bool,
    /// Whether checks are required.
    pub(super) checks: bool,
}

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    parameters: Value,
}

#[derive(Deserialize)]
struct BranchState {
    #[serde(default)]
    protection: Option<Value>,
}

/// What the token sees of a commit's checks.
struct Checks {
    status: CiStatus,
    /// When the last of them began or ended.
    last: Option<Timestamp>,
    /// Whether it sees the checks of all Apps, and not only those of Actions.
    whole: bool,
}

/// What check runs and statuses say about a commit.
pub(super) async fn commit_ci(
    api: &Api,
    repo: &Repository,
    head: &CommitId,
) -> Result<CiStatus, ForgeError> {
    Ok(checks(api, repo, head).await?.status)
}

async fn checks(api: &Api, repo: &Repository, head: &CommitId) -> Result<Checks, ForgeError> {
    let commit = route(&repo.name, &format!("/commits/{head}"));
    let runs = |runs: Runs| runs.check_runs;
    let runs_of_all = api.pages(&format!("{commit}/check-runs"), runs).await;
    let (runs, whole) = match runs_of_all {
        // A fine-grained token can't read checks everywhere, but it can read the runs of Actions.
        Err(failure) if failure.status == Some(403) => {
            let route = route(&repo.name, &format!("/actions/runs?head_sha={head}"));
            (api.pages(&route, runs).await?, false)
        }
        runs => (runs?, true),
    };
    let statuses = |found: Statuses| found.statuses;
    let statuses = api.pages(&format!("{commit}/status"), statuses).await?;
    let states = runs.iter().map(of_run);
    let states = states.chain(statuses.iter().map(of_status));
    // A failure counts at once, and what runs counts more than what has succeeded.
    let worst = states.max_by_key(|state| match state {
        CiStatus::Failed => 3,
        CiStatus::Running => 2,
        CiStatus::Passed => 1,
        CiStatus::None | CiStatus::Never | CiStatus::Unseen | CiStatus::Unknown => 0,
    });
    let of_runs = runs
        .iter()
        .flat_map(|run| [run.started_at, run.completed_at, run.updated_at]);
    let of_statuses = statuses.iter().map(|status| status.updated_at);
    Ok(Checks {
        status: worst.unwrap_or(CiStatus::None),
        last: of_runs.chain(of_statuses).flatten().max(),
        whole,
    })
}

/// Why a commit can't be merged yet; `None`: CI has succeeded. `fulfilled`: GitHub says that the rules of the target
/// branch are met, which means nothing for a token that may bypass them.
pub(super) async fn ready(
    api: &Api,
    repo: &Repository,
    head: &CommitId,
    rules: &Rules,
    fulfilled: bool,
) -> Result<Option<Merging>, ForgeError> {
    let not_yet = |why: String| Ok(Some(Merging::NotYet(why)));
    let checks = checks(api, repo, head).await?;
    match checks.status {
        CiStatus::Passed => {}
        CiStatus::Failed => return Ok(Some(Merging::failed())),
        CiStatus::Running => return not_yet("its checks have not finished".to_owned()),
        CiStatus::None | CiStatus::Never | CiStatus::Unseen | CiStatus::Unknown => {
            return Ok(Some(Merging::no_pipeline()));
        }
    }
    // GitHub itself waits for what is required.
    let required = match checks.whole {
        true => rules.checks,
        false => rules.checks || requires_checks(api, repo).await == Some(true),
    };
    if fulfilled && required {
        return Ok(None);
    }
    if !checks.whole {
        return not_yet(
            "its token sees the runs of GitHub Actions only, and other checks may have failed: use a GitHub App or a \
             classic token, or require the checks that count"
                .to_owned(),
        );
    }
    let now = api.settings.server.clock.now();
    if checks.last.is_some_and(|last| last + QUIET > now) {
        return not_yet(format!(
            "its last check is younger than {} min, and others may follow",
            QUIET.as_mins()
        ));
    }
    match suite_under_way(api, repo, head, now).await? {
        Some(app) => not_yet(format!("the checks of `{app}` have not finished")),
        None => Ok(None),
    }
}

/// The App whose check suite is under way.
async fn suite_under_way(
    api: &Api,
    repo: &Repository,
    head: &CommitId,
    now: Timestamp,
) -> Result<Option<String>, ForgeError> {
    let route = route(&repo.name, &format!("/commits/{head}/check-suites"));
    let suites = api
        .pages(&route, |found: Suites| found.check_suites)
        .await?;
    let slug = |suite: &Suite| {
        let app = suite.app.as_ref();
        app.and_then(|app| app.slug.clone()).unwrap_or_default()
    };
    let under_way = |suite: &&Suite| {
        let young = suite.created_at.is_some_and(|made| made + IDLE > now);
        let to_come = suite.latest_check_runs_count > 0 || young || slug(suite) == ACTIONS;
        suite.status.as_deref() != Some("completed") && to_come
    };
    Ok(suites.iter().find(under_way).map(slug))
}

/// The rules of the default branch; none if the server has none or doesn't show them.
pub(super) async fn rules(api: &Api, repo: &Repository) -> Result<Rules, ForgeError> {
    let Some((branch, _)) = &repo.head else {
        return Ok(Rules::default());
    };
    let branch = quoted(branch.as_str());
    let route = route(&repo.name, &format!("/rules/branches/{branch}"));
    let found: Result<Vec<Rule>, Failure> = api.pages(&route, |found| found).await;
    let found = match found {
        Ok(found) => found,
        Err(failure) if failure.error.is_of_forge() => return Err(failure.error),
        Err(_) => Vec::new(),
    };
    let mut rules = Rules::default();
    for rule in found {
        match rule.kind.as_str() {
            "required_status_checks" => rules.checks = true,
            "required_linear_history" => rules.linear = true,
            "pull_request" => {
                let methods = rule.parameters.get("allowed_merge_methods");
                let methods = methods.and_then(Value::as_array);
                let text = |method: &Value| method.as_str().map(str::to_owned);
                let Some(methods) = methods else { continue };
                let methods: Vec<String> = methods.iter().filter_map(text).collect();
                match &mut rules.methods {
                    // Two rulesets both apply.
                    Some(all) => all.retain(|method| methods.contains(method)),
                    none => *none = Some(methods),
                }
            }
            _ => {}
        }
    }
    Ok(rules)
}

/// Whether the default branch requires checks, by its rules or by its older protection.
pub(super) async fn requires_checks(api: &Api, repo: &Repository) -> Option<bool> {
    let (branch, _) = repo.head.as_ref()?;
    let branch = quoted(branch.as_str());
    let rules = api
        .get::<Vec<Rule>>(&route(&repo.name, &format!("/rules/branches/{branch}")))
        .await;
    let by_rule = rules.map(|rules| rules.iter().any(|r| r.kind == "required_status_checks"));
    if let Ok(true) = by_rule {
        return Some(true);
    }
    let state = api
        .get::<BranchState>(&route(&repo.name, &format!("/branches/{branch}")))
        .await
        .ok()?;
    let checks = state
        .protection?
        .pointer("/required_status_checks/contexts")?
        .clone();
    Some(checks.as_array().is_some_and(|checks| !checks.is_empty()))
}

fn of_run(run: &Run) -> CiStatus {
    match (run.status.as_deref(), run.conclusion.as_deref()) {
        (Some("completed"), Some("success" | "neutral" | "skipped")) => CiStatus::Passed,
        (Some("completed"), _) => CiStatus::Failed,
        _ => CiStatus::Running,
    }
}

fn of_status(status: &Status) -> CiStatus {
    match status.state.as_str() {
        "success" => CiStatus::Passed,
        "pending" => CiStatus::Running,
        _ => CiStatus::Failed,
    }
}
