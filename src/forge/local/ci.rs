//! What CI says of commits: a ref each, a blob with one word.

use super::values;
use crate::coded::coded;
use crate::forge::error::ForgeError;
use crate::forge::traits::Repository;
use crate::git::Git;
use crate::repo::CommitId;
use serde::Deserialize;

const CI_STATES: &str = "refs/imagebot/ci/";

coded! {
    /// What CI says of a commit.
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    pub enum CiState {
        /// It runs.
        Running = "running";
        /// It succeeded.
        Success = "success";
        /// It failed.
        Failed = "failed";
    }
}

impl CiState {
    fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == text)
    }
}

/// What CI says of a commit.
pub(super) async fn read(
    git: &Git,
    repo: &Repository,
    commit: &CommitId,
) -> Result<Option<CiState>, ForgeError> {
    let text = values::read(git, repo, &format!("{CI_STATES}{commit}")).await?;
    Ok(text.and_then(|text| CiState::of(text.trim())))
}

/// Whether CI ever said anything of a repository.
pub(super) async fn any(git: &Git, repo: &Repository) -> Result<bool, ForgeError> {
    let states = git.refs(&repo.remote, &[CI_STATES]).await?;
    Ok(!states.is_empty())
}

/// Says what CI says of a commit.
pub(super) async fn write(
    git: &Git,
    repo: &Repository,
    commit: &CommitId,
    state: CiState,
) -> Result<(), ForgeError> {
    let name = format!("{CI_STATES}{commit}");
    values::write(git, repo, &name, Some(state.code())).await
}
