//! A folder of bare repositories as a forge.
//!
//! A merge request is the ref `refs/imagebot/mr/<n>`: a commit whose tree holds `state.toml`, `description.md` and
//! `comments.md`, changed only by compare-and-swap. The state of CI for a commit is the ref
//! `refs/imagebot/ci/<commit>`. So everything is in git, and `git log refs/imagebot/mr/1` shows a merge request's
//! history. `imagebot mr` is the reviewer's side of it.

mod ci;
mod folders;
mod listing;
mod merge;
mod requests;
mod values;

use self::listing::Folder;
use self::requests::{Kept, Requests, State, TRIES};
use super::doctor::DoctorFinding;
use super::error::ForgeError;
use super::mark::{NOTICE, is_marked, marked};
use super::traits::{Forge, KnownIds, Listing, Merging, Repository};
use crate::git::Git;
use crate::http::Gates;
use crate::repo::{
    Branch, CiStatus, CommitId, MergeRequest, MergeRequestEdit, MergeRequestState, NewMergeRequest,
    RepoGlobs, RepoName,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use url::Url;

const NOTICE_REF: &str = "refs/imagebot/notice";

/// A folder of bare repositories.
#[derive(Debug, Clone)]
pub struct Local {
    folder: Folder,
}

impl Local {
    /// The bare repositories below `root` that `repos` selects. Each must belong to the user who runs imagebot or to
    /// one of `owners` (user ids).
    pub fn new(git: Git, root: &Path, owners: Vec<u32>, repos: RepoGlobs) -> Self {
        let root = root.to_owned();
        Self {
            folder: Folder {
                git,
                root,
                owners,
                repos,
            },
        }
    }

    /// The comments of a merge request, Markdown.
    pub async fn comments(&self, repo: &Repository, number: u64) -> Result<String, ForgeError> {
        Ok(self.requests(repo).one(number).await?.1.comments)
    }

    /// All merge requests from our branches, in all states, the oldest first.
    pub async fn all(&self, repo: &Repository) -> Result<Vec<MergeRequest>, ForgeError> {
        self.requests(repo).of_our_branches().await
    }

    /// Merges an open merge request with a merge commit, and deletes its branch, as a reviewer does.
    pub async fn merge_now(&self, repo: &Repository, number: u64) -> Result<CommitId, ForgeError> {
        self.requests(repo).merge(number).await
    }

    /// The notice about the repository's settings, if there is one.
    pub async fn notice_text(&self, repo: &Repository) -> Result<Option<String>, ForgeError> {
        values::read(&self.folder.git, repo, NOTICE_REF).await
    }

    /// Records what CI says about a commit; a status that isn't a pipeline's removes what was recorded.
    pub async fn set_ci(
        &self,
        repo: &Repository,
        commit: &CommitId,
        status: CiStatus,
    ) -> Result<(), ForgeError> {
        ci::write(&self.folder.git, repo, commit, status).await
    }

    async fn our_heads(&self, repo: &Repository) -> Result<BTreeMap<Branch, CommitId>, ForgeError> {
        let ours = format!("refs/heads/{}", Branch::OURS);
        let refs = self.folder.git.refs(&repo.remote, &[&ours]).await?;
        let branch = |found: crate::git::Ref| {
            let name = found.name.strip_prefix("refs/heads/")?;
            Some((Branch::parse(name).ok()?, found.id))
        };
        Ok(refs.into_iter().filter_map(branch).collect())
    }

    fn requests<'a>(&'a self, repo: &'a Repository) -> Requests<'a> {
        Requests {
            git: &self.folder.git,
            repo,
        }
    }
}

#[async_trait::async_trait]
impl Forge for Local {
    fn name(&self) -> &str {
        "local"
    }

    fn for_pass(&self, _: &Gates) -> Arc<dyn Forge> {
        Arc::new(self.clone())
    }

    fn noun(&self) -> &'static str {
        "merge request"
    }

    fn web_url(&self, _: &RepoName, _: u64) -> Option<Url> {
        None
    }

    async fn discover(&self, _: &KnownIds) -> Result<Listing, ForgeError> {
        self.folder.listed(None).await
    }

    async fn look(&self, wanted: &KnownIds) -> Result<Listing, ForgeError> {
        self.folder.listed(Some(wanted)).await
    }

    async fn branches(&self, repo: &Repository) -> Result<BTreeMap<Branch, CommitId>, ForgeError> {
        self.our_heads(repo).await
    }

    async fn merge_requests(
        &self,
        repo: &Repository,
        branches: &BTreeSet<Branch>,
    ) -> Result<Vec<MergeRequest>, ForgeError> {
        let mut all = self.all(repo).await?;
        all.retain(|mr| branches.contains(&mr.source));
        Ok(all)
    }

    async fn create(
        &self,
        repo: &Repository,
        new: &NewMergeRequest,
    ) -> Result<MergeRequest, ForgeError> {
        let heads = self
            .folder
            .git
            .refs(&repo.remote, &[&new.source.full()])
            .await?;
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
                labels: new.metadata.labels.clone(),
                assignees: new.metadata.assignees.clone(),
                reviewers: new.metadata.reviewers.clone(),
                milestone: new.metadata.milestone.clone(),
                draft: new.metadata.draft,
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
            "cannot reserve a merge request number in {}",
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
            let state = &mut kept.state;
            state.title = edit.title.clone().unwrap_or_else(|| state.title.clone());
            state.target = edit.target.clone().unwrap_or_else(|| state.target.clone());
            let labels = edit.metadata.iter().flat_map(|metadata| &metadata.labels);
            for label in edit.add_labels.iter().chain(labels) {
                if !state.labels.contains(label) {
                    state.labels.push(label.clone());
                }
            }
            kept.description = edit
                .description
                .clone()
                .unwrap_or_else(|| kept.description.clone());
        };
        self.requests(repo).change(number, "edited", change).await
    }

    async fn merge_request(
        &self,
        repo: &Repository,
        number: u64,
    ) -> Result<MergeRequest, ForgeError> {
        let (_, kept) = self.requests(repo).one(number).await?;
        Ok(kept.into_merge_request(number))
    }

    async fn close(&self, repo: &Repository, number: u64) -> Result<(), ForgeError> {
        let state = MergeRequestState::Closed;
        self.requests(repo).set_state(number, "closed", state).await
    }

    async fn reopen(&self, repo: &Repository, number: u64) -> Result<(), ForgeError> {
        let state = MergeRequestState::Open;
        self.requests(repo)
            .set_state(number, "reopened", state)
            .await
    }

    async fn comment(
        &self,
        repo: &Repository,
        number: u64,
        code: &str,
        text: &str,
    ) -> Result<(), ForgeError> {
        let change = |kept: &mut Kept| {
            if is_marked(code, &kept.comments) {
                return;
            }
            if !kept.comments.is_empty() {
                kept.comments.push_str("\n---\n\n");
            }
            kept.comments.push_str(&marked(code, text));
            kept.comments.push('\n');
        };
        self.requests(repo)
            .change(number, "commented", change)
            .await
    }

    async fn commit_ci(
        &self,
        repo: &Repository,
        commit: &CommitId,
    ) -> Result<CiStatus, ForgeError> {
        ci::read(&self.folder.git, repo, commit).await
    }

    async fn has_pipelines(&self, repo: &Repository) -> Result<bool, ForgeError> {
        ci::any(&self.folder.git, repo).await
    }

    async fn merge(
        &self,
        repo: &Repository,
        number: u64,
        head: &CommitId,
    ) -> Result<Merging, ForgeError> {
        let (_, kept) = self.requests(repo).open(number).await?;
        if self.our_heads(repo).await?.get(&kept.state.source) != Some(head) {
            let why = format!("the branch of !{number} of {} has moved", repo.name);
            return Err(ForgeError::Conflict(why));
        }
        match self.commit_ci(repo, head).await? {
            CiStatus::Passed => self.merge_now(repo, number).await.map(|_| Merging::Merged),
            CiStatus::Failed => Ok(Merging::failed()),
            CiStatus::Running => Ok(Merging::NotYet("its CI has not succeeded yet".to_owned())),
            CiStatus::None | CiStatus::Never | CiStatus::Unseen | CiStatus::Unknown => {
                Ok(Merging::no_pipeline())
            }
        }
    }

    async fn call_off(&self, _: &Repository, _: u64) -> Result<(), ForgeError> {
        // It is merged at once or not at all.
        Ok(())
    }

    async fn notice(&self, repo: &Repository, text: Option<&str>) -> Result<(), ForgeError> {
        let wanted = text.map(|text| marked(NOTICE, text));
        values::write(&self.folder.git, repo, NOTICE_REF, wanted.as_deref()).await
    }

    async fn doctor(&self, repos: &[Repository], _changes_ci: bool) -> Vec<DoctorFinding> {
        let count = match repos.len() {
            1 => "1 repository".to_owned(),
            count => format!("{count} repositories"),
        };
        let root = self.folder.root.display();
        vec![DoctorFinding::ok(format!("{count} below {root}"))]
    }
}
