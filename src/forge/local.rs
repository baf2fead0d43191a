//! A folder of bare repositories as a forge.
//!
//! A merge request is the ref `refs/imagebot/mr/<n>`: a commit whose tree holds `state.toml`, `description.md` and
//! `comments.md`, changed only by compare-and-swap. The state of CI for a commit is the ref
//! `refs/imagebot/ci/<commit>`. So everything is in git, and `git log refs/imagebot/mr/1` tells a merge request's
//! story. People play the reviewer with `imagebot mr`.

mod folders;
mod requests;

use self::folders::folders;
use self::requests::{Kept, Requests, State, TRIES};
use super::error::ForgeError;
use super::traits::{Forge, Listing, MergeRequestEdit, NewMergeRequest, Repository};
use crate::git::{Git, Remote};
use crate::repo::{Branch, CommitId, MergeRequest, MergeRequestState, RepoGlobs, RepoName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const CI_STATES: &str = "refs/imagebot/ci/";

/// A folder of bare repositories.
#[derive(Debug, Clone)]
pub struct Local {
    git: Git,
    root: PathBuf,
    owners: Vec<u32>,
    repos: RepoGlobs,
}

/// What CI says of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CiState {
    /// It runs.
    Running,
    /// It succeeded.
    Success,
    /// It failed.
    Failed,
}

impl CiState {
    /// The state's name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
        }
    }

    fn of(text: &str) -> Option<Self> {
        [Self::Running, Self::Success, Self::Failed]
            .into_iter()
            .find(|state| state.code() == text)
    }
}

impl Local {
    /// The bare repositories below `root` that `repos` selects. Each must belong to the user who runs imagebot or to
    /// one of `owners` (user ids).
    pub fn new(git: Git, root: &Path, owners: Vec<u32>, repos: RepoGlobs) -> Self {
        Self {
            git,
            root: root.to_owned(),
            owners,
            repos,
        }
    }

    /// The comments of a merge request, Markdown.
    pub async fn comments(&self, repo: &Repository, number: u64) -> Result<String, ForgeError> {
        Ok(self.requests(repo).one(number).await?.1.comments)
    }

    /// Merges an open merge request with a merge commit, and deletes its branch.
    pub async fn merge(&self, repo: &Repository, number: u64) -> Result<CommitId, ForgeError> {
        for _ in 0..TRIES {
            let (_, kept) = self.requests(repo).open(number).await?;
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
            // A merge that was cut short after it moved the target is only told of.
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
                    "!{number} of {} is in conflict with {}; `imagebot run` writes it anew",
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
                self.requests(repo).change(number, "merged", state).await?;
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

    /// What CI says of a commit.
    pub async fn ci(
        &self,
        repo: &Repository,
        commit: &CommitId,
    ) -> Result<Option<CiState>, ForgeError> {
        let contents = self
            .git
            .read_names(&repo.remote, &[format!("{CI_STATES}{commit}")])
            .await?;
        let text = contents.into_iter().next().flatten().unwrap_or_default();
        Ok(CiState::of(String::from_utf8_lossy(&text).trim()))
    }

    /// Says what CI says of a commit.
    pub async fn set_ci(
        &self,
        repo: &Repository,
        commit: &CommitId,
        state: CiState,
    ) -> Result<(), ForgeError> {
        let name = format!("{CI_STATES}{commit}");
        let blob = self
            .git
            .write_blob(&repo.remote, state.code().as_bytes())
            .await?;
        for _ in 0..TRIES {
            let before = self
                .git
                .refs(&repo.remote, &[&name])
                .await?
                .into_iter()
                .next()
                .map(|r| r.id);
            if self
                .git
                .move_ref(&repo.remote, &name, before.as_ref(), Some(&blob))
                .await?
            {
                return Ok(());
            }
        }
        Err(ForgeError::Conflict(format!(
            "the CI state of {commit} moves too often"
        )))
    }

    /// The repository of a folder below the root.
    async fn repository(&self, name: &RepoName, path: &Path) -> Result<Repository, ForgeError> {
        let remote = Remote::local(path, &self.owners)?;
        let refs = self.git.refs(&remote, &["refs/heads/"]).await?;
        let mut head = None;
        let mut branches = BTreeMap::new();
        for found in refs {
            let branch = found
                .name
                .strip_prefix("refs/heads/")
                .and_then(|name| Branch::parse(name).ok());
            let Some(branch) = branch else {
                if found.is_head {
                    return Err(ForgeError::Refused(format!(
                        "{name}: the name of the default branch is refused: {:?}",
                        found.name
                    )));
                }
                continue;
            };
            if branch.is_ours() {
                branches.insert(branch.clone(), found.id.clone());
            }
            if found.is_head {
                head = Some((branch, found.id));
            }
        }
        Ok(Repository {
            id: name.to_string(),
            name: name.clone(),
            remote,
            head,
            branches,
        })
    }

    fn requests<'a>(&'a self, repo: &'a Repository) -> Requests<'a> {
        Requests {
            git: &self.git,
            repo,
        }
    }
}

#[async_trait::async_trait]
impl Forge for Local {
    fn name(&self) -> &str {
        "local"
    }

    async fn repositories(&self) -> Result<Listing, ForgeError> {
        let (root, repos) = (self.root.clone(), self.repos.clone());
        let found = tokio::task::spawn_blocking(move || folders(&root, &repos)).await;
        let found = found.map_err(|error| ForgeError::Unreachable(error.to_string()))??;
        let mut listing = Listing {
            failed: found.failed,
            ..Listing::default()
        };
        let read = |(name, path): (RepoName, PathBuf)| async move {
            let repository = self.repository(&name, &path).await;
            (name, repository)
        };
        use futures::StreamExt as _;
        let mut all = futures::stream::iter(found.repositories.into_iter().map(read)).buffered(8);
        while let Some((name, repository)) = all.next().await {
            match repository {
                Ok(repository) => listing.repositories.push(repository),
                Err(error) => listing.failed.push((name.to_string(), error)),
            }
        }
        Ok(listing)
    }

    async fn merge_requests(&self, repo: &Repository) -> Result<Vec<MergeRequest>, ForgeError> {
        let all = self.requests(repo).all().await?;
        Ok(all
            .into_iter()
            .filter(|(_, (_, kept))| kept.state.source.is_ours())
            .map(|(number, (_, kept))| kept.into_merge_request(number))
            .collect())
    }

    async fn create(
        &self,
        repo: &Repository,
        new: &NewMergeRequest,
    ) -> Result<MergeRequest, ForgeError> {
        let heads = self.git.refs(&repo.remote, &[&new.source.full()]).await?;
        if heads.is_empty() {
            return Err(ForgeError::NotFound(format!(
                "{} has no branch {}",
                repo.name, new.source
            )));
        }
        for _ in 0..TRIES {
            let all = self.requests(repo).all().await?;
            let same = all.iter().find(|(_, (_, kept))| {
                kept.state.state == MergeRequestState::Open && kept.state.source == new.source
            });
            if let Some((number, (_, kept))) = same {
                return Ok(kept.clone().into_merge_request(*number));
            }
            let number = all.keys().next_back().map_or(1, |last| last + 1);
            let state = State {
                state: MergeRequestState::Open,
                source: new.source.clone(),
                target: new.target.clone(),
                title: new.title.clone(),
                labels: new.labels.clone(),
                head: None,
                merged_as: None,
            };
            let kept = Kept {
                state,
                description: new.description.clone(),
                comments: String::new(),
            };
            if self
                .requests(repo)
                .write(number, None, &kept, "opened")
                .await?
            {
                return Ok(kept.into_merge_request(number));
            }
        }
        Err(ForgeError::Conflict(format!(
            "no number for a merge request of {} could be had",
            repo.name
        )))
    }

    async fn edit(
        &self,
        repo: &Repository,
        number: u64,
        edit: &MergeRequestEdit,
    ) -> Result<(), ForgeError> {
        let change = |kept: &mut Kept| {
            kept.state.title = edit
                .title
                .clone()
                .unwrap_or_else(|| kept.state.title.clone());
            kept.description = edit
                .description
                .clone()
                .unwrap_or_else(|| kept.description.clone());
        };
        self.requests(repo).change(number, "edited", change).await
    }

    async fn close(&self, repo: &Repository, number: u64) -> Result<(), ForgeError> {
        self.requests(repo)
            .change(number, "closed", |kept| {
                kept.state.state = MergeRequestState::Closed
            })
            .await
    }

    async fn comment(&self, repo: &Repository, number: u64, text: &str) -> Result<(), ForgeError> {
        let change = |kept: &mut Kept| {
            if kept.comments.contains(text) {
                return;
            }
            if !kept.comments.is_empty() {
                kept.comments.push_str("\n---\n\n");
            }
            kept.comments.push_str(text);
            kept.comments.push('\n');
        };
        self.requests(repo)
            .change(number, "commented", change)
            .await
    }
}
