//! A folder of bare repositories as a forge.
//!
//! A merge request is the ref `refs/imagebot/mr/<n>`: a commit whose tree holds `state.toml`, `description.md` and
//! `comments.md`, changed only by compare-and-swap. The state of CI for a commit is the ref
//! `refs/imagebot/ci/<commit>`. So everything is in git, and `git log refs/imagebot/mr/1` tells a merge request's
//! story. People play the reviewer with `imagebot mr`.

mod ci;
mod folders;
mod requests;
mod values;

pub use ci::CiState;

use self::folders::folders;
use self::requests::{Kept, MERGE_REQUESTS, Requests, State, TRIES};
use super::error::ForgeError;
use super::mark::{NOTICE, is_marked, marked};
use super::traits::{
    Finding, Forge, Known, Level, Listing, MergeRequestEdit, Merging, NewMergeRequest, Pipeline,
    Repository,
};
use crate::git::{Git, Remote};
use crate::http::Gates;
use crate::repo::{Branch, CommitId, MergeRequest, MergeRequestState, RepoGlobs, RepoName};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const NOTICE_REF: &str = "refs/imagebot/notice";

/// A folder of bare repositories.
#[derive(Debug, Clone)]
pub struct Local {
    git: Git,
    root: PathBuf,
    owners: Vec<u32>,
    repos: RepoGlobs,
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

    /// All merge requests from our branches, in all states, the oldest first.
    pub async fn all(&self, repo: &Repository) -> Result<Vec<MergeRequest>, ForgeError> {
        let all = self.requests(repo).all().await?;
        Ok(all
            .into_iter()
            .filter(|(_, (_, kept))| kept.state.source.is_ours())
            .map(|(number, (_, kept))| kept.into_merge_request(number))
            .collect())
    }

    /// What imagebot says of the repository's settings, if it has to say something.
    pub async fn said(&self, repo: &Repository) -> Result<Option<String>, ForgeError> {
        values::read(&self.git, repo, NOTICE_REF).await
    }

    /// Merges an open merge request with a merge commit, and deletes its branch: what a person does.
    pub async fn merge_now(&self, repo: &Repository, number: u64) -> Result<CommitId, ForgeError> {
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
        ci::read(&self.git, repo, commit).await
    }

    /// Says what CI says of a commit.
    pub async fn set_ci(
        &self,
        repo: &Repository,
        commit: &CommitId,
        state: CiState,
    ) -> Result<(), ForgeError> {
        ci::write(&self.git, repo, commit, state).await
    }

    /// The repository of a folder below the root.
    async fn repository(&self, name: &RepoName, path: &Path) -> Result<Repository, ForgeError> {
        let remote = Remote::local(path, &self.owners)?;
        let refs = self
            .git
            .refs(&remote, &["refs/heads/", MERGE_REQUESTS])
            .await?;
        let has_requests = refs
            .iter()
            .any(|found| found.name.starts_with(MERGE_REQUESTS));
        // Branches of ours alone are no reason to expect another.
        let is_theirs = |found: &crate::git::Ref| {
            let branch = found.name.strip_prefix("refs/heads/");
            branch.is_some_and(|branch| !branch.starts_with(Branch::OURS))
        };
        let has_branches = refs.iter().any(is_theirs);
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
                        "{name}: the name of the default branch is not allowed: {:?}",
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
        if head.is_none() && has_branches {
            let named = self.git.named_by_head(&remote).await?;
            let named = named.unwrap_or_else(|| "no branch".to_owned());
            return Err(ForgeError::Refused(format!(
                "{name}: HEAD names {named}, which does not exist; `git symbolic-ref HEAD refs/heads/BRANCH` in the \
                 repository sets the default branch"
            )));
        }
        let mut repository = Repository {
            id: name.to_string(),
            name: name.clone(),
            remote,
            head,
            branches: Some(branches),
            open: Some(Vec::new()),
            why: "in the forge's folder, matched by `repos`".to_owned(),
            registry: None,
        };
        if has_requests {
            let mut open = self.all(&repository).await?;
            open.retain(|mr| mr.state == MergeRequestState::Open);
            repository.open = Some(open);
        }
        Ok(repository)
    }

    /// The repositories in the folder, or those of them that are wanted: git is started for each.
    async fn listed(&self, wanted: Option<&Known>) -> Result<Listing, ForgeError> {
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
        let is_wanted = |name: &RepoName| wanted.is_none_or(|wanted| wanted.contains_key(name));
        let selected = found.repositories.into_iter();
        let selected = selected.filter(|(name, _)| is_wanted(name));
        let failed = std::mem::take(&mut listing.failed).into_iter();
        let is_named = |name: &str| RepoName::parse(name).is_ok_and(|name| is_wanted(&name));
        listing.failed = failed
            .filter(|(name, _)| wanted.is_none() || is_named(name))
            .collect();
        let mut all = futures::stream::iter(selected.map(read)).buffered(8);
        while let Some((name, repository)) = all.next().await {
            match repository {
                Ok(repository) => listing.repositories.push(repository),
                Err(error) => listing.failed.push((name.to_string(), error)),
            }
        }
        Ok(listing)
    }

    async fn our_heads(&self, repo: &Repository) -> Result<BTreeMap<Branch, CommitId>, ForgeError> {
        let ours = format!("refs/heads/{}", Branch::OURS);
        let refs = self.git.refs(&repo.remote, &[&ours]).await?;
        let branch = |found: crate::git::Ref| {
            let name = found.name.strip_prefix("refs/heads/")?;
            Some((Branch::parse(name).ok()?, found.id))
        };
        Ok(refs.into_iter().filter_map(branch).collect())
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

    fn for_pass(&self, _: &Gates) -> Arc<dyn Forge> {
        Arc::new(self.clone())
    }

    fn noun(&self) -> &'static str {
        "merge request"
    }

    async fn discover(&self, _: &Known) -> Result<Listing, ForgeError> {
        self.listed(None).await
    }

    async fn look(&self, wanted: &Known) -> Result<Listing, ForgeError> {
        self.listed(Some(wanted)).await
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
                labels: new.attributes.labels.clone(),
                assignees: new.attributes.assignees.clone(),
                reviewers: new.attributes.reviewers.clone(),
                milestone: new.attributes.milestone.clone(),
                draft: new.attributes.draft,
                head: None,
                merged_as: None,
            };
            let kept = Kept {
                state,
                description: new.dressed.clone(),
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
            let worn = edit
                .attributes
                .iter()
                .flat_map(|attributes| &attributes.labels);
            for label in edit.add_labels.iter().chain(worn) {
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

    async fn close(&self, repo: &Repository, number: u64) -> Result<(), ForgeError> {
        if self.requests(repo).one(number).await?.1.state.state == MergeRequestState::Closed {
            return Ok(());
        }
        self.requests(repo)
            .change(number, "closed", |kept| {
                kept.state.state = MergeRequestState::Closed
            })
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

    async fn pipeline(&self, repo: &Repository, head: &CommitId) -> Result<Pipeline, ForgeError> {
        Ok(match self.ci(repo, head).await? {
            None => Pipeline::None,
            Some(CiState::Running) => Pipeline::Running,
            Some(CiState::Success) => Pipeline::Success,
            Some(CiState::Failed) => Pipeline::Failed,
        })
    }

    async fn has_pipelines(&self, repo: &Repository) -> Result<bool, ForgeError> {
        ci::any(&self.git, repo).await
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
        match self.pipeline(repo, head).await? {
            Pipeline::Success => self.merge_now(repo, number).await.map(|_| Merging::Merged),
            Pipeline::None => Ok(Merging::no_pipeline()),
            Pipeline::Failed => Ok(Merging::failed()),
            Pipeline::Running => Ok(Merging::NotYet("its CI has not succeeded yet".to_owned())),
        }
    }

    async fn call_off(&self, _: &Repository, _: u64) -> Result<(), ForgeError> {
        // It is merged at once or not at all.
        Ok(())
    }

    async fn notice(&self, repo: &Repository, text: Option<&str>) -> Result<(), ForgeError> {
        let wanted = text.map(|text| marked(NOTICE, text));
        values::write(&self.git, repo, NOTICE_REF, wanted.as_deref()).await
    }

    async fn doctor(&self, repos: &[Repository]) -> Vec<Finding> {
        vec![Finding {
            level: Level::Ok,
            what: format!("{} repositories below {}", repos.len(), self.root.display()),
            help: None,
        }]
    }
}
