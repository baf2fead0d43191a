//! Labels, assignees, reviewers and milestone of a pull request, which take requests of their own.

use super::api::{Api, route};
use super::failure::Failure;
use super::pull::{INCOMPLETE, Pull};
use crate::forge::error::ForgeError;
use crate::forge::mark::unmarked;
use crate::forge::traits::Repository;
use crate::repo::{MergeRequest, MergeRequestMetadata};
use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// An issue, as far as it shows the metadata of a pull request.
#[derive(Deserialize)]
struct Issue {
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    labels: Vec<Named>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Asks for reviews, then sets labels, assignees, milestone and text at once. Until that is done, the mark in the text
/// says that it is not.
pub(super) async fn complete(
    api: &Api,
    repo: &Repository,
    mr: &mut MergeRequest,
    metadata: &MergeRequestMetadata,
    text: &str,
) -> Result<(), ForgeError> {
    let text = unmarked(INCOMPLETE, text);
    ask_reviewers(api, repo, mr.number, &metadata.reviewers).await?;
    let labels: BTreeSet<&String> = mr.labels.iter().chain(&metadata.labels).collect();
    let mut body = Map::new();
    body.insert("labels".to_owned(), json!(labels));
    if !metadata.assignees.is_empty() {
        body.insert("assignees".to_owned(), json!(metadata.assignees));
    }
    if let Some(title) = &metadata.milestone {
        match milestone(api, repo, title).await? {
            Some(number) => drop(body.insert("milestone".to_owned(), number.into())),
            None => {
                tracing::warn!(repo = %repo.name, milestone = %title, "no open milestone has this title");
            }
        }
    }
    body.insert("body".to_owned(), text.as_str().into());
    let route = route(&repo.name, &format!("/issues/{}", mr.number));
    let mut sent: Result<Issue, Failure> = api.send(Method::PATCH, &route, &body).await;
    if sent
        .as_ref()
        .is_err_and(|failure| failure.status == Some(422))
    {
        // Somebody cannot be assigned: the rest is worth having.
        if let Err(failure) = &sent {
            tracing::warn!(repo = %repo.name, number = mr.number, error = %failure, "the forge refused the assignees or the milestone");
        }
        body.remove("assignees");
        body.remove("milestone");
        sent = api.send(Method::PATCH, &route, &body).await;
    }
    let issue = match sent {
        // Issues are disabled, or the App may not write them: then only the text is set, so that it isn't tried in
        // every pass.
        Err(failure) if matches!(failure.status, Some(403 | 404 | 410)) => {
            tracing::warn!(repo = %repo.name, number = mr.number, error = %failure, "labels and assignees cannot be set");
            return write_text(api, repo, mr, text).await;
        }
        sent => sent?,
    };
    mr.labels = issue.labels.into_iter().map(|label| label.name).collect();
    (mr.description, mr.incomplete) = (issue.body.unwrap_or(text), false);
    Ok(())
}

async fn write_text(
    api: &Api,
    repo: &Repository,
    mr: &mut MergeRequest,
    text: String,
) -> Result<(), ForgeError> {
    let route = route(&repo.name, &format!("/pulls/{}", mr.number));
    let _: Pull = api
        .send(Method::PATCH, &route, &json!({"body": text}))
        .await?;
    (mr.description, mr.incomplete) = (text, false);
    Ok(())
}

async fn ask_reviewers(
    api: &Api,
    repo: &Repository,
    number: u64,
    reviewers: &[String],
) -> Result<(), ForgeError> {
    if reviewers.is_empty() {
        return Ok(());
    }
    let failure = match ask_at_once(api, repo, number, reviewers).await {
        Ok(()) => return Ok(()),
        Err(failure) if failure.error.is_of_forge() => return Err(failure.error),
        Err(failure) => failure,
    };
    if reviewers.len() == 1 {
        tracing::warn!(repo = %repo.name, number, reviewer = %reviewers[0], error = %failure, "the forge refused the reviewer");
        return Ok(());
    }
    // One who is refused takes all others along.
    for reviewer in reviewers {
        match ask_at_once(api, repo, number, std::slice::from_ref(reviewer)).await {
            Err(failure) if failure.error.is_of_forge() => return Err(failure.error),
            Err(failure) => {
                tracing::warn!(repo = %repo.name, number, reviewer = %reviewer, error = %failure, "the forge refused the reviewer");
            }
            Ok(()) => {}
        }
    }
    Ok(())
}

async fn ask_at_once(
    api: &Api,
    repo: &Repository,
    number: u64,
    reviewers: &[String],
) -> Result<(), Failure> {
    // A team is written with its organisation.
    let (teams, people): (Vec<&String>, Vec<&String>) =
        reviewers.iter().partition(|name| name.contains('/'));
    let team = |name: &&String| name.rsplit('/').next().unwrap_or_default().to_owned();
    let teams: Vec<String> = teams.iter().map(team).collect();
    let body = json!({"reviewers": people, "team_reviewers": teams});
    let route = route(&repo.name, &format!("/pulls/{number}/requested_reviewers"));
    let _: Value = api.send(Method::POST, &route, &body).await?;
    Ok(())
}

async fn milestone(api: &Api, repo: &Repository, title: &str) -> Result<Option<u64>, ForgeError> {
    #[derive(Deserialize)]
    struct Milestone {
        number: u64,
        title: String,
    }
    let route = route(&repo.name, "/milestones?state=open");
    let all = api.pages(&route, |found: Vec<Milestone>| found).await?;
    let same = all.into_iter().find(|found| found.title == title);
    Ok(same.map(|found| found.number))
}
