//! Merging, as a person's click does it.

use super::requests::{Kept, Requests, TRIES};
use crate::forge::error::ForgeError;
use crate::repo::{Branch, CommitId, MergeRequestState};

impl Requests<'_> {
    /// Merges an open merge request with a merge commit, and deletes its branch: what a person does.
    pub(super) async fn merge(&self, number: u64) -> Result<CommitId, ForgeError> {
        let repo = self.repo;
        for _ in 0..TRIES {
            let (_, kept) = self.open(number).await?;
            let heads = self.git.refs(&repo.remote, &["refs/heads/"]).await?;
            let head = |branch: &Branch| {
                heads
                    .iter()
                    .find(|r| r.name == branch.full())
                    .map(|r| r.id.clone())
            };
            let missing = |branch: &Branch| {
                ForgeError::NotFound(format!("branch {branch} of {} is gone", repo.name))
            };
            let target = head(&kept.state.target).ok_or_else(|| missing(&kept.state.target))?;
            let source = head(&kept.state.source).ok_or_else(|| missing(&kept.state.source))?;
            let message = format!(
                "Merge branch '{}' into '{}'\n\n{}\n",
                kept.state.source, kept.state.target, kept.state.title
            );
            // A merge that was cut short after it moved the target is only recorded.
            let done = self.git.is_ancestor(&repo.remote, &source, &target).await?;
            let merged = if done {
                Some(target.clone())
            } else {
                self.git
                    .merge(&repo.remote, &target, &source, &message)
                    .await?
            };
            let Some(merged) = merged else {
                return Err(ForgeError::Conflict(format!(
                    "!{number} of {} conflicts with {}; `imagebot run` rebuilds it",
                    repo.name, kept.state.target
                )));
            };
            if done
                || self
                    .git
                    .move_ref(
                        &repo.remote,
                        &kept.state.target.full(),
                        Some(&target),
                        Some(&merged),
                    )
                    .await?
            {
                let state = |kept: &mut Kept| {
                    kept.state.state = MergeRequestState::Merged;
                    kept.state.head = Some(source.clone());
                    kept.state.merged_as = Some(merged.clone());
                };
                self.change(number, "merged", state).await?;
                self.git
                    .move_ref(&repo.remote, &kept.state.source.full(), Some(&source), None)
                    .await?;
                return Ok(merged);
            }
        }
        Err(ForgeError::Conflict(format!(
            "the target branch of {} moves too often",
            repo.name
        )))
    }
}
