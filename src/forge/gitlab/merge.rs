//! Pipelines, and merging: always bound to the commit that imagebot wrote, never approving.

use super::answers::{BranchAnswer, PipelineAnswer, Request};
use super::api::Api;
use super::endpoints::{AutoMerge, built};
use super::mergeable::{Mergeable, mergeable};
use super::requests::one;
use super::session::Session;
use crate::forge::error::ForgeError;
use crate::forge::traits::Merging;
use crate::repo::{CiStatus, CommitId};
use gitlab::api::projects::{pipelines, repository::branches};
use reqwest::StatusCode;

/// How often merging is tried while GitLab still looks at the merge request (F43).
const TRIES: u32 = 5;

/// The state of the newest pipeline of a commit.
pub(super) async fn commit_ci(
    api: &Api,
    project: u64,
    head: &CommitId,
) -> Result<CiStatus, ForgeError> {
    let endpoint = pipelines::Pipelines::builder()
        .project(project)
        .sha(head.as_str())
        .build();
    let found: Vec<PipelineAnswer> = api.get(&built(endpoint)?).await?;
    Ok(
        match found.first().map(|pipeline| pipeline.status.as_str()) {
            None => CiStatus::None,
            Some("success" | "skipped") => CiStatus::Passed,
            Some("failed" | "canceled" | "canceling") => CiStatus::Failed,
            // Running, waiting in one of many ways, or for a person (`manual`).
            Some(_) => CiStatus::Running,
        },
    )
}

/// Whether a project has, or ever had, a pipeline.
pub(super) async fn has_pipelines(api: &Api, project: u64) -> Result<bool, ForgeError> {
    let endpoint = pipelines::Pipelines::builder().project(project).build();
    let found: Vec<PipelineAnswer> = api.get(&built(endpoint)?).await?;
    Ok(!found.is_empty())
}

/// Tells GitLab to merge it when the pipeline succeeds. Without a pipeline GitLab would merge at once, so this waits
/// until the merge request itself has one for this head.
pub(super) async fn merge(
    api: &Api,
    session: &Session,
    project: u64,
    number: u64,
    head: &CommitId,
) -> Result<Merging, ForgeError> {
    let there = mergeable(api, session, project, number).await?;
    match hindrance(api, project, number, head, &there).await? {
        Some(merging) => Ok(merging),
        None => ask(api, project, number, head).await,
    }
}

/// The outcome, where it is clear without a request to merge.
async fn hindrance(
    api: &Api,
    project: u64,
    number: u64,
    head: &CommitId,
    there: &Mergeable,
) -> Result<Option<Merging>, ForgeError> {
    let ours = there.head.as_deref() == Some(head.as_str());
    match there.state.as_str() {
        "opened" | "locked" => {}
        "merged" => return merged(number, there.head.as_deref(), head).map(Some),
        state => {
            return Err(ForgeError::Conflict(format!(
                "!{number} of project {project} is {state}"
            )));
        }
    }
    if !ours {
        return behind(api, project, number, head, &there.source)
            .await
            .map(Some);
    }
    if there.scheduled || there.state == "locked" {
        return Ok(Some(Merging::Scheduled));
    }
    let not_yet = |why: &str| Ok(Some(Merging::NotYet(why.to_owned())));
    if there.may_merge == Some(false) {
        return Ok(Some(forbidden(&there.target)));
    }
    match there.pipeline.as_deref() {
        None => Ok(Some(Merging::no_pipeline())),
        Some("failed" | "canceled" | "canceling") => Ok(Some(Merging::failed())),
        Some("skipped") => {
            not_yet("its pipeline was skipped, which GitLab does not count as a success")
        }
        Some(_) => Ok(None),
    }
}

/// The user may propose but not merge: the pass hasn't failed.
fn forbidden(target: &str) -> Merging {
    Merging::NotYet(format!(
        "the token's user is not allowed to merge into `{target}`; allow it to in the settings of the protected branch"
    ))
}

/// The merge request shows another head than ours: the branch says whether someone pushed, or GitLab lags.
async fn behind(
    api: &Api,
    project: u64,
    number: u64,
    head: &CommitId,
    source: &str,
) -> Result<Merging, ForgeError> {
    let endpoint = branches::Branch::builder()
        .project(project)
        .branch(source)
        .build();
    let branch = api.get::<BranchAnswer>(&built(endpoint)?).await;
    match branch {
        Ok(branch) if branch.commit.id == head.as_str() => Ok(Merging::NotYet(
            "GitLab has not processed the last push yet; will retry next run".to_owned(),
        )),
        Ok(_) | Err(ForgeError::NotFound(_)) => Err(ForgeError::Conflict(format!(
            "!{number} of project {project} is no longer what imagebot wrote"
        ))),
        Err(error) => Err(error),
    }
}

async fn ask(api: &Api, project: u64, number: u64, head: &CommitId) -> Result<Merging, ForgeError> {
    let endpoint = AutoMerge {
        project,
        number,
        head: head.as_str(),
    };
    let mut why = String::new();
    for attempt in 1..=TRIES {
        let response = api.write_raw(&endpoint).await?;
        let said = api.message(&response);
        match response.status {
            status if status.is_success() => {
                let request: Request = api.decode(&response)?;
                return Ok(outcome(&request));
            }
            // Here 401 means that the user may not merge; the token is valid.
            StatusCode::UNAUTHORIZED => {
                let request = one(api, project, number).await?;
                return Ok(forbidden(&request.target_branch));
            }
            _ if api.is_locked(&response) => why = said,
            StatusCode::CONFLICT => {
                let request = one(api, project, number).await?;
                return behind(api, project, number, head, &request.source_branch).await;
            }
            StatusCode::METHOD_NOT_ALLOWED => {
                let request = one(api, project, number).await?;
                if request.state == "merged" {
                    return merged(number, request.sha.as_deref(), head);
                }
                let status = request.detailed_merge_status.unwrap_or_default();
                if request.state != "opened" {
                    return Err(ForgeError::Conflict(format!(
                        "!{number} of project {project} is {}",
                        request.state
                    )));
                }
                // GitLab checks some time after it was opened; every other status takes a person or time.
                let soon = ["unchecked", "checking", "preparing", "approvals_syncing"];
                let soon =
                    soon.contains(&status.as_str()) || (attempt == 1 && status == "mergeable");
                if !soon {
                    return Ok(Merging::NotYet(status));
                }
                why = status;
            }
            StatusCode::UNPROCESSABLE_ENTITY | StatusCode::NOT_ACCEPTABLE => {
                return Ok(Merging::NotYet(said));
            }
            _ => return Err(api.failed(&response)),
        }
        api.back_off(attempt).await;
    }
    Ok(Merging::NotYet(why))
}

fn outcome(request: &Request) -> Merging {
    match (request.state.as_str(), request.merge_when_pipeline_succeeds) {
        ("merged", _) => Merging::Merged,
        (_, true) | ("locked", _) => Merging::Scheduled,
        (_, false) => Merging::NotYet(request.detailed_merge_status.clone().unwrap_or_default()),
    }
}

/// The outcome of an earlier request whose answer was lost.
fn merged(number: u64, with: Option<&str>, head: &CommitId) -> Result<Merging, ForgeError> {
    match with == Some(head.as_str()) {
        true => Ok(Merging::Merged),
        false => Err(ForgeError::Conflict(format!(
            "!{number} was merged with another head than {head}"
        ))),
    }
}
