//! What CI says about commits: a ref each, a blob with one word.

use super::values;
use crate::forge::error::ForgeError;
use crate::forge::traits::Repository;
use crate::git::Git;
use crate::repo::{CiStatus, CommitId};

const CI_STATES: &str = "refs/imagebot/ci/";

/// The words that a ref can hold, as `docs/forges.md` promises them to a CI for local repositories.
const WORDS: [(&str, CiStatus); 3] = [
    ("running", CiStatus::Running),
    ("success", CiStatus::Passed),
    ("failed", CiStatus::Failed),
];

/// What CI says about a commit.
pub(super) async fn read(
    git: &Git,
    repo: &Repository,
    commit: &CommitId,
) -> Result<CiStatus, ForgeError> {
    let text = values::read(git, repo, &format!("{CI_STATES}{commit}")).await?;
    let word = text.as_deref().map(str::trim);
    let found = WORDS.into_iter().find(|(known, _)| word == Some(known));
    Ok(found.map_or(CiStatus::None, |(_, status)| status))
}

/// Whether CI ever said anything about a repository.
pub(super) async fn any(git: &Git, repo: &Repository) -> Result<bool, ForgeError> {
    let states = git.refs(&repo.remote, &[CI_STATES]).await?;
    Ok(!states.is_empty())
}

/// Records what CI says about a commit. A status that isn't a pipeline's removes what was recorded.
pub(super) async fn write(
    git: &Git,
    repo: &Repository,
    commit: &CommitId,
    status: CiStatus,
) -> Result<(), ForgeError> {
    let name = format!("{CI_STATES}{commit}");
    let word = WORDS.into_iter().find(|(_, known)| *known == status);
    values::write(git, repo, &name, word.map(|(word, _)| word)).await
}
