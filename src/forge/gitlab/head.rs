//! Whether the listed head is that of the default branch.
//!
//! GraphQL looks up the default branch by its bare name, and if there is a tag of that name, finds the tag. So anyone
//! who may push a tag could pass off any commit as the protected branch.

use super::answers::BranchAnswer;
use super::api::Api;
use super::endpoints::{Get, built};
use crate::forge::error::ForgeError;
use crate::repo::{Branch, CommitId, RepoName};
use gitlab::api::projects::repository::branches;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::IgnoredAny;

/// An error if the branch has another head than the listing says.
pub(super) async fn verify(
    api: &Api,
    project: u64,
    name: &RepoName,
    branch: &Branch,
    listed: &CommitId,
) -> Result<(), ForgeError> {
    let endpoint = branches::Branch::builder()
        .project(project)
        .branch(branch.as_str())
        .build();
    let now: BranchAnswer = api.get(&built(endpoint)?).await?;
    if now.commit.id == listed.as_str() {
        return Ok(());
    }
    let tag = utf8_percent_encode(branch.as_str(), NON_ALPHANUMERIC);
    let tag = Get::new(format!("projects/{project}/repository/tags/{tag}"));
    Err(match api.get::<IgnoredAny>(&tag).await {
        Ok(_) => ForgeError::Ambiguous(format!(
            "{name} has a tag `{branch}` besides its default branch `{branch}`, and GitLab shows the tag's commit as \
             the branch's"
        )),
        Err(ForgeError::NotFound(_)) => ForgeError::Conflict(format!(
            "`{branch}` changed during this run; will retry next run"
        )),
        Err(error) => error,
    })
}
