//! Opens pull requests, changes and closes them.

use super::api::{Api, route};
use super::failure::Failure;
use super::metadata::complete;
use super::pull::{INCOMPLETE, Pull};
use super::refs::branches;
use super::requests::by_rest;
use crate::forge::error::ForgeError;
use crate::forge::mark::marked;
use crate::forge::traits::Repository;
use crate::forge::wire::back_off;
use crate::repo::{Branch, MergeRequest, MergeRequestEdit, MergeRequestState, NewMergeRequest};
use http::Method;
use serde_json::{Map, Value, json};

/// How often opening is tried when the answer is lost.
const TRIES: u32 = 3;
/// How often it is tried while the pushed branch is not seen yet: the waits between add up to half a minute.
const UNSEEN_TRIES: u32 = 6;

/// Opens a pull request, or takes the open one; a lost answer is looked for before anything is tried again.
pub(super) async fn create(
    api: &Api,
    repo: &Repository,
    new: &NewMergeRequest,
) -> Result<MergeRequest, ForgeError> {
    let mut draft = new.metadata.draft;
    let (mut tries, mut unseen) = (0, 0);
    let (mut mr, ours) = loop {
        tries += 1;
        let body = json!({
            "title": new.title,
            "head": new.source.as_str(),
            "base": new.target.as_str(),
            "body": marked(INCOMPLETE, &new.description),
            "draft": draft,
        });
        let sent: Result<Pull, Failure> = api
            .send(Method::POST, &route(&repo.name, "/pulls"), &body)
            .await;
        let failure = match sent {
            Ok(pull) => break (read(pull)?, true),
            Err(failure) => failure,
        };
        if failure.lost || failure.says("already exists") {
            if let Some(mr) = open(api, repo, &new.source).await? {
                // Our own, whose answer was lost, has no metadata yet.
                let ours = failure.lost && mr.incomplete;
                break (mr, ours);
            }
            if failure.lost && tries < TRIES {
                continue;
            }
        }
        if failure.status == Some(422) && draft && failure.says("draft") {
            tracing::warn!(repo = %repo.name, "drafts are not supported there; the pull request is not a draft");
            draft = false;
            continue;
        }
        let no_branch = failure.says("\"field\":\"head\"") || failure.says("head invalid");
        if failure.status == Some(422) && no_branch {
            unseen += 1;
            // A branch is seen a little later than its push was answered.
            if unseen < UNSEEN_TRIES {
                back_off(&api.settings.server.clock, unseen).await;
                continue;
            }
            return Err(without_branch(api, repo, &new.source).await?);
        }
        return Err(failure.error);
    };
    if ours {
        complete(api, repo, &mut mr, &new.metadata, &new.description).await?;
    }
    Ok(mr)
}

/// What it means that GitHub finds no branch to open a pull request from.
async fn without_branch(
    api: &Api,
    repo: &Repository,
    branch: &Branch,
) -> Result<ForgeError, Failure> {
    let there = branches(api, &repo.name).await?;
    Ok(match there.contains_key(branch) {
        true => ForgeError::Conflict(format!(
            "GitHub does not see the pushed branch {branch} yet; the next pass opens the pull request"
        )),
        false => ForgeError::NotFound(format!("{} has no branch {branch}", repo.name)),
    })
}

fn read(pull: Pull) -> Result<MergeRequest, ForgeError> {
    let number = pull.number;
    pull.merge_request().ok_or_else(|| {
        let text = format!("GitHub gave an invalid answer about the new pull request #{number}");
        ForgeError::Unreachable(text)
    })
}

async fn open(
    api: &Api,
    repo: &Repository,
    branch: &Branch,
) -> Result<Option<MergeRequest>, Failure> {
    let open = by_rest(api, repo, branch, "open").await?;
    Ok(open.into_iter().min_by_key(|mr| mr.number))
}

/// Changes what is given.
pub(super) async fn edit(
    api: &Api,
    repo: &Repository,
    number: u64,
    edit: &MergeRequestEdit,
) -> Result<(), ForgeError> {
    let mut body = Map::new();
    if let Some(title) = &edit.title {
        body.insert("title".to_owned(), title.as_str().into());
    }
    if let Some(target) = &edit.target {
        body.insert("base".to_owned(), target.as_str().into());
    }
    // With metadata the text goes along with it, so that both are there or neither.
    if let (Some(text), None) = (&edit.description, &edit.metadata) {
        body.insert("body".to_owned(), text.as_str().into());
    }
    let pull = route(&repo.name, &format!("/pulls/{number}"));
    if !body.is_empty() {
        let _: Pull = api.send(Method::PATCH, &pull, &body).await?;
    }
    if let Some(metadata) = &edit.metadata {
        let found: Pull = api.get(&pull).await?;
        let mut mr = read(found)?;
        let mut metadata = metadata.clone();
        metadata.labels.extend(edit.add_labels.iter().cloned());
        let text = edit.description.clone();
        let text = text.unwrap_or_else(|| mr.description.clone());
        return complete(api, repo, &mut mr, &metadata, &text).await;
    }
    if !edit.add_labels.is_empty() {
        let route = route(&repo.name, &format!("/issues/{number}/labels"));
        let body = json!({"labels": edit.add_labels});
        let sent: Result<Value, Failure> = api.send(Method::POST, &route, &body).await;
        match sent {
            Err(failure) if matches!(failure.status, Some(403 | 410)) => {
                tracing::warn!(repo = %repo.name, number, error = %failure, "labels cannot be set");
            }
            sent => drop(sent?),
        }
    } else if body.is_empty() {
        // Nothing changes, but a missing one is still an error.
        let _: Pull = api.get(&pull).await?;
    }
    Ok(())
}

/// One pull request by its number.
pub(super) async fn one(
    api: &Api,
    repo: &Repository,
    number: u64,
) -> Result<MergeRequest, ForgeError> {
    read(
        api.get(&route(&repo.name, &format!("/pulls/{number}")))
            .await?,
    )
}

/// Opens or closes a pull request; one that was merged in the meantime is a conflict.
pub(super) async fn set_open(
    api: &Api,
    repo: &Repository,
    number: u64,
    open: bool,
) -> Result<(), ForgeError> {
    match (one(api, repo, number).await?.state, open) {
        (MergeRequestState::Merged, _) => Err(ForgeError::Conflict(format!(
            "#{number} of {} is already merged",
            repo.name
        ))),
        (MergeRequestState::Open, true) | (MergeRequestState::Closed, false) => Ok(()),
        _ => {
            let body = json!({"state": if open { "open" } else { "closed" }});
            let pull = route(&repo.name, &format!("/pulls/{number}"));
            let _: Pull = api.send(Method::PATCH, &pull, &body).await?;
            Ok(())
        }
    }
}
