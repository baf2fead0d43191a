//! Merging, bound to the head.
//!
//! GitHub's auto-merge isn't: it stays on when someone with write access pushes to the branch, and then merges what
//! they pushed. So imagebot merges by itself, naming the commit, once the rules are fulfilled and all checks have
//! succeeded; auto-merge is switched on only where the operator asks for it. A branch with a merge queue is never
//! merged into past the queue.

use super::api::{Api, halves, route};
use super::ci::{Rules, ready, rules};
use super::failure::Failure;
use super::requests::same;
use crate::forge::error::ForgeError;
use crate::forge::traits::{Merging, Repository};
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
      id state isDraft headRefOid mergeable mergeStateStatus isMergeQueueEnabled isInMergeQueue
      autoMergeRequest { enabledAt }
    }
  }
}";

/// The same for a server that lacks the newer fields; such a one has no merge queues.
const OLDER: &str = "
query Merge($owner: String!, $name: String!, $number: Int!) {
  repository(owner: $owner, name: $name) {
    databaseId autoMergeAllowed mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed
    pullRequest(number: $number) {
      id state isDraft headRefOid mergeable
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

const ENQUEUE: &str = "
mutation Enqueue($id: ID!, $head: GitObjectID!) {
  enqueuePullRequest(input: {pullRequestId: $id, expectedHeadOid: $head}) { clientMutationId }
}";

const DEQUEUE: &str = "
mutation Dequeue($id: ID!) {
  dequeuePullRequest(input: {id: $id}) { clientMutationId }
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
    #[serde(default)]
    rebase_merge_allowed: bool,
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
    #[serde(default)]
    merge_state_status: String,
    #[serde(default)]
    is_merge_queue_enabled: bool,
    #[serde(default)]
    is_in_merge_queue: bool,
    #[serde(default)]
    auto_merge_request: Option<Value>,
}

/// A merge method, as either API names it.
type Way = (&'static str, &'static str);

impl Pull {
    /// Whether GitHub has checked, and found the rules of the target branch fulfilled.
    fn is_fulfilled(&self) -> bool {
        let state = self.merge_state_status.as_str();
        matches!(state, "CLEAN" | "HAS_HOOKS" | "UNSTABLE")
    }

    /// Whether GitHub merges it by itself.
    fn is_scheduled(&self) -> bool {
        let request = self.auto_merge_request.as_ref();
        self.is_in_merge_queue || request.is_some_and(|found| !found.is_null())
    }
}

/// Merges, or lets GitHub merge, with this head and no other.
pub(super) async fn merge(
    api: &Api,
    repo: &Repository,
    number: u64,
    head: &CommitId,
) -> Result<Merging, ForgeError> {
    let state = merge_state(api, repo, number).await?;
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
    if pull.head_ref_oid != head.as_str() {
        // GitHub would merge whatever someone with write access pushed (T35).
        unschedule(api, pull).await?;
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
        return not_yet("it conflicts with its target branch");
    }
    if pull.is_scheduled() {
        return Ok(Merging::Scheduled);
    }
    let rules = rules(api, repo).await?;
    if pull.is_merge_queue_enabled {
        return match ready(api, repo, head, &rules, pull.is_fulfilled()).await? {
            Some(merging) => Ok(merging),
            None => enqueue(api, pull, head, &moved).await,
        };
    }
    let ways = state.ways(&rules);
    if matches!(pull.merge_state_status.as_str(), "BLOCKED" | "BEHIND") {
        return match (api.settings.auto_merge, ways.first()) {
            (true, Some(way)) if state.auto_merge_allowed => {
                enable(api, pull, *way, head, &moved).await
            }
            _ => not_yet("it does not meet the rules of its target branch"),
        };
    }
    if let Some(merging) = ready(api, repo, head, &rules, pull.is_fulfilled()).await? {
        return Ok(merging);
    }
    put(api, repo, number, head, &ways, &moved).await
}

/// Merges with the first method that GitHub accepts. Classic protection shows the others only by refusing them.
async fn put(
    api: &Api,
    repo: &Repository,
    number: u64,
    head: &CommitId,
    ways: &[Way],
    moved: &(dyn Fn() -> ForgeError + Sync),
) -> Result<Merging, ForgeError> {
    let mut why = "the repository allows no merge method".to_owned();
    for (_, way) in ways {
        let body = json!({"sha": head.as_str(), "merge_method": way});
        let route = route(&repo.name, &format!("/pulls/{number}/merge"));
        let sent: Result<Value, Failure> = api.send(Method::PUT, &route, &body).await;
        let failure = match sent {
            Ok(_) => return Ok(Merging::Merged),
            Err(failure) => failure,
        };
        // It may have been merged, and only the answer lost.
        if failure.lost || failure.status == Some(405) {
            let now = merge_state(api, repo, number).await?.pull_request;
            let merged = |pull: &Pull| pull.state == "MERGED" && pull.head_ref_oid == head.as_str();
            if now.as_ref().is_some_and(merged) {
                return Ok(Merging::Merged);
            }
        }
        match failure.status {
            Some(405) => {
                let other = failure.says("not allowed on this repository");
                why = failure.message;
                if !other {
                    break;
                }
            }
            Some(409) => return Err(moved()),
            _ => return Err(failure.error),
        }
    }
    Ok(Merging::NotYet(why))
}

/// Stops GitHub from merging it by itself.
pub(super) async fn call_off(api: &Api, repo: &Repository, number: u64) -> Result<(), ForgeError> {
    let state = merge_state(api, repo, number).await?;
    match &state.pull_request {
        Some(pull) => unschedule(api, pull).await,
        None => Ok(()),
    }
}

async fn unschedule(api: &Api, pull: &Pull) -> Result<(), ForgeError> {
    if pull.is_in_merge_queue {
        api.graphql(DEQUEUE, &json!({"id": pull.id})).await?;
    }
    let request = pull.auto_merge_request.as_ref();
    if request.is_some_and(|found| !found.is_null()) {
        api.graphql(DISABLE, &json!({"id": pull.id})).await?;
    }
    Ok(())
}

async fn merge_state(api: &Api, repo: &Repository, number: u64) -> Result<State, ForgeError> {
    let (owner, name) = halves(&repo.name);
    let variables = json!({"owner": owner, "name": name, "number": number});
    let mut answer = api.graphql(STATE, &variables).await;
    if let Err(failure) = &answer
        && failure.says("doesn't exist on type")
    {
        answer = api.graphql(OLDER, &variables).await;
    }
    let answer = match answer {
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
    same(repo, found.get("databaseId").and_then(Value::as_u64))?;
    serde_json::from_value(found).map_err(|error| Failure::unreadable(&error.to_string()).error)
}

/// Puts it into the merge queue.
async fn enqueue(
    api: &Api,
    pull: &Pull,
    head: &CommitId,
    moved: &(dyn Fn() -> ForgeError + Sync),
) -> Result<Merging, ForgeError> {
    let variables = json!({"id": pull.id, "head": head.as_str()});
    schedule(api, ENQUEUE, &variables, moved).await
}

/// Lets GitHub merge as soon as all requirements are met.
async fn enable(
    api: &Api,
    pull: &Pull,
    way: Way,
    head: &CommitId,
    moved: &(dyn Fn() -> ForgeError + Sync),
) -> Result<Merging, ForgeError> {
    let variables = json!({"id": pull.id, "head": head.as_str(), "method": way.0});
    schedule(api, ENABLE, &variables, moved).await
}

async fn schedule(
    api: &Api,
    document: &str,
    variables: &Value,
    moved: &(dyn Fn() -> ForgeError + Sync),
) -> Result<Merging, ForgeError> {
    let failure = match api.graphql(document, variables).await {
        Ok(_) => return Ok(Merging::Scheduled),
        Err(failure) => failure,
    };
    if failure.says("head sha") || failure.says("expected head") {
        return Err(moved());
    }
    match failure.error {
        // "Pull request is in clean status": all requirements were met meanwhile; the next pass merges.
        ForgeError::Refused(_) => Ok(Merging::NotYet(failure.message)),
        error => Err(error),
    }
}

impl State {
    /// The merge methods that the repository and its rules allow, the preferred one first.
    fn ways(&self, rules: &Rules) -> Vec<Way> {
        let all = [
            (
                self.merge_commit_allowed && !rules.linear,
                ("MERGE", "merge"),
            ),
            (self.squash_merge_allowed, ("SQUASH", "squash")),
            (self.rebase_merge_allowed, ("REBASE", "rebase")),
        ];
        let allowed = |way: &Way| {
            let methods = rules.methods.as_ref();
            methods.is_none_or(|methods| methods.iter().any(|method| method == way.1))
        };
        let ways = all.into_iter().filter_map(|(has, way)| has.then_some(way));
        ways.filter(allowed).collect()
    }
}
