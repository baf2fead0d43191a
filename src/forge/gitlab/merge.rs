//! Pipelines, and merging: always bound to the commit that imagebot wrote, never approving.

use super::answers::{PipelineAnswer, Request};
use super::api::Api;
use super::endpoints::{AutoMerge, built};
use super::requests::one;
use crate::forge::error::ForgeError;
use crate::forge::traits::{Merging, Pipeline};
use crate::repo::CommitId;
use gitlab::api::projects::pipelines;
use reqwest::StatusCode;

/// How often merging is tried while GitLab still looks at the merge request (F43).
const TRIES: u32 = 5;

/// The state of the newest pipeline of a commit.
pub(super) async fn pipeline(
    api: &Api,
    project: u64,
    head: &CommitId,
) -> Result<Pipeline, ForgeError> {
    let endpoint = pipelines::Pipelines::builder()
        .project(project)
        .sha(head.as_str())
        .build();
    let found: Vec<PipelineAnswer> = api.get(&built(endpoint)?).await?;
    Ok(
        match found.first().map(|pipeline| pipeline.status.as_str()) {
            None => Pipeline::None,
            Some("success" | "skipped") => Pipeline::Success,
            Some("failed" | "canceled" | "canceling") => Pipeline::Failed,
            // Running, waiting in one of many ways, or for a person (`manual`).
            Some(_) => Pipeline::Running,
        },
    )
}

/// Has it merged when the pipeline succeeds.
pub(super) async fn merge(
    api: &Api,
    project: u64,
    number: u64,
    head: &CommitId,
) -> Result<Merging, ForgeError> {
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
            // Here 401 says that the user may not merge; the token is good.
            StatusCode::UNAUTHORIZED => {
                return Err(ForgeError::Forbidden(format!(
                    "!{number} of project {project} may not be merged with this token"
                )));
            }
            _ if api.is_locked(&response) => why = said,
            StatusCode::METHOD_NOT_ALLOWED => {
                let request = one(api, project, number).await?;
                if request.state == "merged" {
                    return merged(&request, head);
                }
                let status = request.detailed_merge_status.unwrap_or_default();
                if request.state != "opened" {
                    return Err(ForgeError::Conflict(format!(
                        "!{number} of project {project} is {}",
                        request.state
                    )));
                }
                // Right after it was opened GitLab has not looked yet; what else there is takes a person or time.
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

/// What was asked for before, and whose answer was lost.
fn merged(request: &Request, head: &CommitId) -> Result<Merging, ForgeError> {
    match request.sha.as_deref() == Some(head.as_str()) {
        true => Ok(Merging::Merged),
        false => Err(ForgeError::Conflict(format!(
            "!{} was merged with another head than {head}",
            request.iid
        ))),
    }
}
