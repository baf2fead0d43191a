//! What CI says of a commit, and merging by it.
//!
//! GitHub's auto-merge waits only for what the branch's rules require; without required checks it is refused, or
//! merges at once. So it is used where something required is missing, and else imagebot merges when all checks have
//! succeeded. Either is bound to the head.

use super::api::{Api, halves, route};
use super::failure::Failure;
use crate::forge::error::ForgeError;
use crate::forge::traits::{Merging, Pipeline, Repository};
use crate::repo::CommitId;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

/// Everything that decides how a pull request is merged.
const STATE: &str = "
query Merge($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    databaseId autoMergeAllowed mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed
    pullRequest(number: $number) {
      id state isDraft headRefOid mergeable mergeStateStatus
      autoMergeRequest { enabledAt }
    }
  }
}";

const ENABLE: &str = "
mutation Enable($id: ID!, $head: GitObjectID!, $method: PullRequestMergeMethod!) {
  enablePullRequestAutoMerge(input: {pullRequestId: $id, expectedHeadOid: $head, mergeMethod: $method}) {
    pullRequest { number }
  }
}";

const DISABLE: &str = "
mutation Disable($id: ID!) {
  disablePullRequestAutoMerge(input: {pullRequestId: $id}) { pullRequest { number } }
}";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    #[serde(default)]
    auto_merge_allowed: bool,
    #[serde(default)]
    merge_commit_allowed: bool,
    #[serde(default)]
    squash_merge_allowed: bool,
    pull_request: Option<Pull>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pull {
    id: String,
    state: String,
    #[serde(default)]
    is_draft: bool,
    head_ref_oid: String,
    mergeable: String,
    merge_state_status: String,
    #[serde(default)]
    auto_merge_request: Option<Value>,
}

/// A check run, a workflow run or a status: what they have in common.
#[derive(Deserialize)]
struct Run {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    conclusion: Option<String>,
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
}

impl Api {
    /// What check runs and statuses say of a commit.
    pub(super) async fn ci(
        &self,
        repo: &Repository,
        head: &CommitId,
    ) -> Result<Pipeline, ForgeError> {
        let commit = route(&repo.name, &format!("/commits/{head}"));
        let runs = |runs: Runs| runs.check_runs;
        let checks = self.pages(&format!("{commit}/check-runs"), runs).await;
        let checks = match checks {
            // A fine-grained token cannot read checks everywhere; of Actions it can read the runs.
            Err(failure) if failure.status == Some(403) => {
                let route = route(&repo.name, &format!("/actions/runs?head_sha={head}"));
                self.pages(&route, runs).await?
            }
            checks => checks?,
        };
        let statuses = |found: Statuses| found.statuses;
        let statuses = self.pages(&format!("{commit}/status"), statuses).await?;
        let states = checks.iter().map(of_run);
        let states = states.chain(statuses.iter().map(of_status));
        // What failed is told at once, what runs before what has succeeded.
        let worst = states.max_by_key(|state| match state {
            Pipeline::None => 0,
            Pipeline::Success => 1,
            Pipeline::Running => 2,
            Pipeline::Failed => 3,
        });
        Ok(worst.unwrap_or(Pipeline::None))
    }

    /// Merges, or has GitHub merge, with this head and no other.
    pub(super) async fn merge_at(
        &self,
        repo: &Repository,
        number: u64,
        head: &CommitId,
    ) -> Result<Merging, ForgeError> {
        let state = self.merge_state(repo, number).await?;
        let moved = || {
            let text = format!(
                "#{number} of {} is no longer what imagebot wrote",
                repo.name
            );
            ForgeError::Conflict(text)
        };
        let Some(pull) = &state.pull_request else {
            let text = format!("{} has no #{number}", repo.name);
            return Err(ForgeError::NotFound(text));
        };
        let scheduled = pull.auto_merge_request.as_ref();
        let scheduled = scheduled.is_some_and(|found| !found.is_null());
        if pull.head_ref_oid != head.as_str() {
            if scheduled {
                // GitHub goes on with what anybody pushed who may write (T35).
                self.disable(pull).await?;
            }
            return Err(moved());
        }
        match pull.state.as_str() {
            "OPEN" => {}
            "MERGED" => return Ok(Merging::Merged),
            _ => {
                return Err(ForgeError::Conflict(format!(
                    "#{number} of {} is closed",
                    repo.name
                )));
            }
        }
        let not_yet = |why: &str| Ok(Merging::NotYet(why.to_owned()));
        if pull.is_draft {
            return not_yet("it is a draft");
        }
        if pull.mergeable == "CONFLICTING" {
            return not_yet("it is in conflict with its target");
        }
        if scheduled {
            return Ok(Merging::Scheduled);
        }
        let blocked = matches!(pull.merge_state_status.as_str(), "BLOCKED" | "BEHIND");
        if blocked && state.auto_merge_allowed {
            return self.enable(pull, &state, head, &moved).await;
        }
        if blocked {
            return not_yet(
                "the branch's rules are not fulfilled, and the repository does not allow auto-merge",
            );
        }
        match self.ci(repo, head).await? {
            Pipeline::Success => {}
            Pipeline::None => return Ok(Merging::no_pipeline()),
            Pipeline::Running => return not_yet("its checks are not done"),
            Pipeline::Failed => return Ok(Merging::failed()),
        }
        let body = json!({"sha": head.as_str(), "merge_method": state.method().1});
        let route = route(&repo.name, &format!("/pulls/{number}/merge"));
        let sent: Result<Value, Failure> = self.send(Method::PUT, &route, &body).await;
        let failure = match sent {
            Ok(_) => return Ok(Merging::Merged),
            Err(failure) => failure,
        };
        // It may have been merged, and only the answer lost.
        if failure.lost || failure.status == Some(405) {
            let now = self.merge_state(repo, number).await?.pull_request;
            let merged = |pull: &Pull| pull.state == "MERGED" && pull.head_ref_oid == head.as_str();
            if now.as_ref().is_some_and(merged) {
                return Ok(Merging::Merged);
            }
        }
        match failure.status {
            Some(405) => Ok(Merging::NotYet(failure.message)),
            Some(409) => Err(moved()),
            _ => Err(failure.error),
        }
    }

    /// Switches auto-merge off, if it is on.
    pub(super) async fn call_off(&self, repo: &Repository, number: u64) -> Result<(), ForgeError> {
        let state = self.merge_state(repo, number).await?;
        let scheduled = |pull: &&Pull| {
            let request = pull.auto_merge_request.as_ref();
            request.is_some_and(|found| !found.is_null())
        };
        match state.pull_request.as_ref().filter(scheduled) {
            Some(pull) => self.disable(pull).await,
            None => Ok(()),
        }
    }

    async fn disable(&self, pull: &Pull) -> Result<(), ForgeError> {
        self.graphql(DISABLE, &json!({"id": pull.id})).await?;
        Ok(())
    }

    async fn merge_state(&self, repo: &Repository, number: u64) -> Result<State, ForgeError> {
        let (owner, name) = halves(&repo.name);
        let variables = json!({"owner": owner, "name": name, "number": number});
        let answer = match self.graphql(STATE, &variables).await {
            Ok(answer) => answer,
            Err(failure) if failure.says("could not resolve") => {
                return Err(ForgeError::NotFound(failure.message));
            }
            Err(failure) => return Err(failure.error),
        };
        if let Some(why) = answer.trouble("repository/pullRequest") {
            return Err(ForgeError::NotFound(why.to_owned()));
        }
        let found = answer.data.get("repository").cloned().unwrap_or_default();
        self.same(repo, found.get("databaseId").and_then(Value::as_u64))?;
        serde_json::from_value(found).map_err(|error| Failure::unreadable(&error.to_string()).error)
    }

    /// Has GitHub merge as soon as everything that is required is there.
    async fn enable(
        &self,
        pull: &Pull,
        state: &State,
        head: &CommitId,
        moved: &(dyn Fn() -> ForgeError + Sync),
    ) -> Result<Merging, ForgeError> {
        let variables = json!({"id": pull.id, "head": head.as_str(), "method": state.method().0});
        let failure = match self.graphql(ENABLE, &variables).await {
            Ok(_) => return Ok(Merging::Scheduled),
            Err(failure) => failure,
        };
        if failure.says("head sha") || failure.says("expected head") {
            return Err(moved());
        }
        match failure.error {
            // "Pull request is in clean status": everything came together meanwhile; the next pass merges.
            ForgeError::Refused(_) => Ok(Merging::NotYet(failure.message)),
            error => Err(error),
        }
    }
}

impl State {
    /// The way to merge that the repository allows, as either API names it.
    fn method(&self) -> (&'static str, &'static str) {
        match (self.merge_commit_allowed, self.squash_merge_allowed) {
            (true, _) => ("MERGE", "merge"),
            (false, true) => ("SQUASH", "squash"),
            (false, false) => ("REBASE", "rebase"),
        }
    }
}

fn of_run(run: &Run) -> Pipeline {
    match (run.status.as_deref(), run.conclusion.as_deref()) {
        (Some("completed"), Some("success" | "neutral" | "skipped")) => Pipeline::Success,
        (Some("completed"), _) => Pipeline::Failed,
        _ => Pipeline::Running,
    }
}

fn of_status(status: &Status) -> Pipeline {
    match status.state.as_str() {
        "success" => Pipeline::Success,
        "pending" => Pipeline::Running,
        _ => Pipeline::Failed,
    }
}
