//! Opens, changes and closes merge requests, despite the races that GitLab is known for.

use super::answers::{BranchAnswer, DRAFT, Request, WithId, bare};
use super::api::Api;
use super::endpoints::{Get, built};
use super::requests::{by_rest, one};
use crate::forge::error::ForgeError;
use crate::repo::{
    Branch, MergeRequest, MergeRequestEdit, MergeRequestMetadata, MergeRequestState,
    NewMergeRequest,
};
use gitlab::api::projects::{merge_requests as endpoints, repository};
use gitlab::api::users;
use reqwest::StatusCode;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How often opening one is tried: the waits between add up to some 15 s.
const TRIES: u32 = 5;
/// How often it is tried while the pushed branch is not seen: the waits between add up to a minute. GitLab 19 validates
/// the branch, and on busy instances it was seen after some 40 s only.
const UNSEEN_TRIES: u32 = 8;

/// Ids of user names, kept for the run.
#[derive(Default)]
pub(super) struct People(Mutex<HashMap<String, Option<u64>>>);

impl People {
    /// The ids of these users. An unknown one is left out: a merge request without its reviewer is better than none.
    async fn ids(&self, api: &Api, names: &[String]) -> Result<Vec<u64>, ForgeError> {
        let mut ids = Vec::new();
        for name in names {
            let kept = self.lock().get(name).copied();
            let id = match kept {
                Some(id) => id,
                None => {
                    let endpoint = users::Users::builder().username(name.as_str()).build();
                    let found: Vec<WithId> = api.get(&built(endpoint)?).await?;
                    let id = found.first().map(|user| user.id);
                    if id.is_none() {
                        tracing::warn!(user = %name, "no such user on this GitLab");
                    }
                    self.lock().insert(name.clone(), id);
                    id
                }
            };
            ids.extend(id);
        }
        Ok(ids)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Option<u64>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Names of metadata as the ids that GitLab wants.
struct Ids {
    assignees: Vec<u64>,
    reviewers: Vec<u64>,
    milestone: Option<u64>,
}

async fn ids(
    api: &Api,
    people: &People,
    project: u64,
    metadata: &MergeRequestMetadata,
) -> Result<Ids, ForgeError> {
    let milestone = match &metadata.milestone {
        None => None,
        Some(title) => {
            let endpoint = Get::new(format!("projects/{project}/milestones"))
                .with("title", title.as_str())
                .with("include_ancestors", "true")
                // The same before GitLab 16.7.
                .with("include_parent_milestones", "true");
            let found: Vec<WithId> = api.get(&endpoint).await?;
            if found.is_empty() {
                tracing::warn!(milestone = %title, project, "no such milestone");
            }
            found.first().map(|milestone| milestone.id)
        }
    };
    Ok(Ids {
        assignees: people.ids(api, &metadata.assignees).await?,
        reviewers: people.ids(api, &metadata.reviewers).await?,
        milestone,
    })
}

/// Opens a merge request with everything in one request, or finds the open one.
pub(super) async fn create(
    api: &Api,
    people: &People,
    project: u64,
    new: &NewMergeRequest,
) -> Result<MergeRequest, ForgeError> {
    let ids = ids(api, people, project, &new.metadata).await?;
    let title = match new.metadata.draft {
        true => format!("{DRAFT}{}", new.title),
        false => new.title.clone(),
    };
    let mut builder = endpoints::CreateMergeRequest::builder();
    builder
        .project(project)
        .source_branch(new.source.as_str())
        .target_branch(new.target.as_str())
        .title(title)
        .description(new.description.as_str())
        .remove_source_branch(new.metadata.remove_source_branch);
    if !new.metadata.labels.is_empty() {
        builder.labels(new.metadata.labels.iter().map(String::as_str));
    }
    if !ids.assignees.is_empty() {
        builder.assignees(ids.assignees.into_iter());
    }
    if !ids.reviewers.is_empty() {
        builder.reviewers(ids.reviewers.into_iter());
    }
    if let Some(milestone) = ids.milestone {
        builder.milestone_id(milestone);
    }
    if let Some(squash) = new.metadata.squash {
        builder.squash(squash);
    }
    let endpoint = built(builder.build())?;
    let mut attempt = 0;
    loop {
        attempt += 1;
        let last = attempt >= TRIES;
        let answer = api.write(&endpoint).await;
        let response = match answer {
            Ok(response) if response.status.is_success() => {
                let request = api.decode::<Request>(&response);
                return match request {
                    Ok(request) => request.read(),
                    // It is open, though the answer can't be read.
                    Err(error) => open(api, project, new).await?.ok_or(error),
                };
            }
            Ok(response) => response,
            // F5: the answer is lost, and the merge request may be open.
            Err(error @ ForgeError::Unreachable(_)) => {
                if let Some(request) = open(api, project, new).await? {
                    return Ok(request);
                }
                if last {
                    return Err(error);
                }
                api.back_off(attempt).await;
                continue;
            }
            Err(error) => return Err(error),
        };
        let said = api.message(&response).to_ascii_lowercase();
        // F41: Gitaly shows the branch a little after the push was answered.
        let unseen = response.status == StatusCode::BAD_REQUEST
            && said.contains("source")
            && said.contains("exist")
            && !said.contains("already");
        let last = match unseen {
            true => attempt >= UNSEEN_TRIES,
            false => last,
        };
        let locked = api.is_locked(&response);
        let broken = response.status.is_server_error();
        let taken = response.status == StatusCode::CONFLICT && !locked;
        if (taken || broken)
            && let Some(request) = open(api, project, new).await?
        {
            return Ok(request);
        }
        if (unseen || locked || broken) && !last {
            api.back_off(attempt).await;
            continue;
        }
        return Err(match unseen {
            true => without_branch(api, project, &new.source).await,
            false => api.failed(&response),
        });
    }
}

/// What it means that GitLab finds no branch to open a merge request from.
async fn without_branch(api: &Api, project: u64, branch: &Branch) -> ForgeError {
    let endpoint = repository::branches::Branch::builder()
        .project(project)
        .branch(branch.as_str())
        .build();
    let found = match built(endpoint) {
        Ok(endpoint) => api.get::<BranchAnswer>(&endpoint).await,
        Err(error) => return error,
    };
    match found {
        Ok(_) => ForgeError::Conflict(format!(
            "GitLab does not see the pushed branch {branch} yet; the next pass opens the merge request"
        )),
        Err(ForgeError::NotFound(_)) => {
            ForgeError::NotFound(format!("there is no branch {branch}"))
        }
        Err(error) => error,
    }
}

/// The open merge request from the source branch, the one to the same target first.
async fn open(
    api: &Api,
    project: u64,
    new: &NewMergeRequest,
) -> Result<Option<MergeRequest>, ForgeError> {
    let state = endpoints::MergeRequestState::Opened;
    let mut all = by_rest(api, project, new.source.as_str(), Some(state)).await?;
    all.retain(|request| request.state == MergeRequestState::Open && request.source == new.source);
    all.sort_by_key(|request| (request.target != new.target, request.number));
    Ok(all.into_iter().next())
}

/// Changes an open merge request.
pub(super) async fn edit(
    api: &Api,
    people: &People,
    project: u64,
    number: u64,
    edit: &MergeRequestEdit,
) -> Result<(), ForgeError> {
    let now = one(api, project, number).await?;
    if *edit == MergeRequestEdit::default() {
        return Ok(());
    }
    let mut builder = endpoints::EditMergeRequest::builder();
    builder.project(project).merge_request(number);
    let metadata = edit.metadata.as_ref();
    let draft = now.draft || metadata.is_some_and(|metadata| metadata.draft);
    let title = edit.title.as_deref().unwrap_or(bare(&now.title));
    if edit.title.is_some() || draft != now.draft {
        builder.title(match draft {
            true => format!("{DRAFT}{title}"),
            false => title.to_owned(),
        });
    }
    if let Some(description) = &edit.description {
        builder.description(description.as_str());
    }
    if let Some(target) = edit.target.as_ref().map(Branch::as_str) {
        builder.target_branch(target);
    }
    let labels = metadata.map(|metadata| metadata.labels.as_slice());
    for label in edit.add_labels.iter().chain(labels.unwrap_or_default()) {
        builder.add_label(label.as_str());
    }
    if let Some(metadata) = metadata {
        let ids = ids(api, people, project, metadata).await?;
        if !ids.assignees.is_empty() {
            builder.assignees(ids.assignees.into_iter());
        }
        if !ids.reviewers.is_empty() {
            builder.reviewers(ids.reviewers.into_iter());
        }
        if let Some(milestone) = ids.milestone {
            builder.milestone_id(milestone);
        }
        if let Some(squash) = metadata.squash {
            builder.squash(squash);
        }
        builder.remove_source_branch(metadata.remove_source_branch);
    }
    let _: Request = api.change(&built(builder.build())?).await?;
    Ok(())
}

/// Opens or closes a merge request that is not merged.
pub(super) async fn set_open(
    api: &Api,
    project: u64,
    number: u64,
    open: bool,
) -> Result<(), ForgeError> {
    let (wanted, event) = match open {
        true => ("opened", endpoints::MergeRequestStateEvent::Reopen),
        false => ("closed", endpoints::MergeRequestStateEvent::Close),
    };
    let conflict =
        |state: &str| ForgeError::Conflict(format!("!{number} of project {project} is {state}"));
    let now = one(api, project, number).await?;
    if now.state == wanted {
        return Ok(());
    }
    if now.state == "merged" {
        return Err(conflict(&now.state));
    }
    let endpoint = endpoints::EditMergeRequest::builder()
        .project(project)
        .merge_request(number)
        .state_event(event)
        .build();
    let after: Request = api.change(&built(endpoint)?).await?;
    match after.state == wanted {
        true => Ok(()),
        false => Err(conflict(&after.state)),
    }
}
