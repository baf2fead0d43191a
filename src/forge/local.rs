//! A folder of bare repositories as a forge.
//!
//! A merge request is the ref `refs/imagebot/mr/<n>`: a commit whose tree holds `state.toml`, `description.md` and
//! `comments.md`, changed only by compare-and-swap. The state of CI for a commit is the ref
//! `refs/imagebot/ci/<commit>`. So everything is in git, and `git log refs/imagebot/mr/1` tells a merge request's
//! story. People play the reviewer with `imagebot mr`.

use super::error::ForgeError;
use super::traits::{Forge, Listing, MergeRequestEdit, NewMergeRequest, Repository};
use crate::git::{Git, Remote};
use crate::repo::{Branch, CommitId, MergeRequest, MergeRequestState, RepoGlobs, RepoName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How deep repositories may lie in the folder.
const MAX_DEPTH: usize = 8;
/// How often a lost compare-and-swap is tried again.
const TRIES: usize = 16;
const MERGE_REQUESTS: &str = "refs/imagebot/mr/";
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

/// `state.toml` of a merge request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    state: MergeRequestState,
    source: Branch,
    target: Branch,
    title: String,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    head: Option<CommitId>,
    #[serde(default)]
    merged_as: Option<CommitId>,
}

/// A merge request as it is kept.
#[derive(Debug, Clone)]
struct Kept {
    state: State,
    description: String,
    comments: String,
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

    /// The folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The comments of a merge request, Markdown.
    pub async fn comments(&self, repo: &Repository, number: u64) -> Result<String, ForgeError> {
        Ok(self.kept(repo, number).await?.1.comments)
    }

    /// Merges an open merge request with a merge commit, and deletes its branch.
    pub async fn merge(&self, repo: &Repository, number: u64) -> Result<CommitId, ForgeError> {
        for _ in 0..TRIES {
            let (_, kept) = self.open_one(repo, number).await?;
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
            let Some(merged) = self
                .git
                .merge(&repo.remote, &target, &source, &message)
                .await?
            else {
                return Err(ForgeError::Conflict(format!(
                    "!{number} of {} is in conflict with {}; `imagebot run` writes it anew",
                    repo.name, kept.state.target
                )));
            };
            if self
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
                self.change(repo, number, "merged", state).await?;
                self.git
                    .move_ref(&repo.remote, &kept.state.source.full(), Some(&source), None)
                    .await?;
                return Ok(merged);
            }
        }
        Err(ForgeError::Conflict(format!(
            "{} of {} moves too often",
            "the target branch", repo.name
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

    /// The folders that hold a bare repository, links not followed.
    fn folders(&self) -> Result<Vec<(RepoName, PathBuf)>, ForgeError> {
        let mut found = Vec::new();
        let mut waiting = vec![(self.root.clone(), 0)];
        while let Some((folder, depth)) = waiting.pop() {
            let entries = std::fs::read_dir(&folder).map_err(|error| {
                ForgeError::Unreachable(format!(
                    "the folder {} cannot be read: {error}",
                    folder.display()
                ))
            })?;
            for entry in entries.flatten() {
                let path = entry.path();
                if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    continue;
                }
                if path.join("HEAD").is_file() && path.join("objects").is_dir() {
                    let name = path
                        .strip_prefix(&self.root)
                        .ok()
                        .and_then(Path::to_str)
                        .map(|n| n.trim_end_matches(".git"));
                    if let Some(name) = name.and_then(|name| RepoName::parse(name).ok()) {
                        found.push((name, path));
                    }
                } else if depth < MAX_DEPTH {
                    waiting.push((path, depth + 1));
                }
            }
        }
        found.sort();
        found.retain(|(name, _)| self.repos.select(name));
        Ok(found)
    }

    /// All merge requests of a repository, by number.
    async fn all(&self, repo: &Repository) -> Result<BTreeMap<u64, (CommitId, Kept)>, ForgeError> {
        let refs = self.git.refs(&repo.remote, &[MERGE_REQUESTS]).await?;
        let numbered: Vec<(u64, CommitId)> = refs
            .into_iter()
            .filter_map(|found| {
                Some((
                    found.name.strip_prefix(MERGE_REQUESTS)?.parse().ok()?,
                    found.id,
                ))
            })
            .collect();
        let files = ["state.toml", "description.md", "comments.md"];
        let names: Vec<String> = numbered
            .iter()
            .flat_map(|(_, id)| files.map(|file| format!("{id}:{file}")))
            .collect();
        let contents = self.git.read_names(&repo.remote, &names).await?;
        let text = |contents: &Option<Vec<u8>>| {
            contents
                .as_ref()
                .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
                .unwrap_or_default()
        };
        let mut all = BTreeMap::new();
        for ((number, id), files) in numbered.into_iter().zip(contents.chunks(files.len())) {
            let [state, description, comments] = files else {
                continue;
            };
            let state = toml::from_str(&text(state)).map_err(|error| {
                ForgeError::Refused(format!(
                    "{MERGE_REQUESTS}{number} of {} is damaged: {error}",
                    repo.name
                ))
            })?;
            all.insert(
                number,
                (
                    id,
                    Kept {
                        state,
                        description: text(description),
                        comments: text(comments),
                    },
                ),
            );
        }
        Ok(all)
    }

    async fn kept(&self, repo: &Repository, number: u64) -> Result<(CommitId, Kept), ForgeError> {
        let found = self.all(repo).await?.remove(&number);
        found.ok_or_else(|| {
            ForgeError::NotFound(format!("{} has no merge request !{number}", repo.name))
        })
    }

    async fn open_one(
        &self,
        repo: &Repository,
        number: u64,
    ) -> Result<(CommitId, Kept), ForgeError> {
        let (id, kept) = self.kept(repo, number).await?;
        match kept.state.state {
            MergeRequestState::Open => Ok((id, kept)),
            state => Err(ForgeError::Conflict(format!(
                "!{number} of {} is {}",
                repo.name,
                state.code()
            ))),
        }
    }

    /// Changes an open merge request, again from the start if somebody else was faster.
    async fn change(
        &self,
        repo: &Repository,
        number: u64,
        what: &str,
        change: impl Fn(&mut Kept) + Send + Sync,
    ) -> Result<(), ForgeError> {
        for _ in 0..TRIES {
            let (before, mut kept) = self.open_one(repo, number).await?;
            change(&mut kept);
            if self.write(repo, number, Some(&before), &kept, what).await? {
                return Ok(());
            }
        }
        Err(ForgeError::Conflict(format!(
            "!{number} of {} changes too often",
            repo.name
        )))
    }

    async fn write(
        &self,
        repo: &Repository,
        number: u64,
        before: Option<&CommitId>,
        kept: &Kept,
        what: &str,
    ) -> Result<bool, ForgeError> {
        let state = toml::to_string(&kept.state).map_err(|error| {
            ForgeError::Refused(format!("the state of !{number} cannot be written: {error}"))
        })?;
        let files = [
            ("comments.md", kept.comments.as_bytes()),
            ("description.md", kept.description.as_bytes()),
            ("state.toml", state.as_bytes()),
        ];
        let message = format!("!{number}: {what}\n");
        let commit = self
            .git
            .write_files(&repo.remote, &files, before, &message)
            .await?;
        Ok(self
            .git
            .move_ref(
                &repo.remote,
                &format!("{MERGE_REQUESTS}{number}"),
                before,
                Some(&commit),
            )
            .await?)
    }
}

fn merge_request(number: u64, kept: Kept) -> MergeRequest {
    let State {
        state,
        source,
        target,
        title,
        labels,
        head,
        merged_as,
    } = kept.state;
    MergeRequest {
        number,
        state,
        source,
        target,
        title,
        description: kept.description,
        labels,
        head,
        merged_as,
    }
}

#[async_trait::async_trait]
impl Forge for Local {
    fn name(&self) -> &str {
        "local"
    }

    async fn repositories(&self) -> Result<Listing, ForgeError> {
        let forge = self.clone();
        let folders = tokio::task::spawn_blocking(move || forge.folders()).await;
        let folders = folders.map_err(|error| ForgeError::Unreachable(error.to_string()))??;
        let mut listing = Listing::default();
        let read = |(name, path): (RepoName, PathBuf)| async move {
            let repository = self.repository(&name, &path).await;
            (name, repository)
        };
        use futures::StreamExt as _;
        let mut all = futures::stream::iter(folders.into_iter().map(read)).buffered(8);
        while let Some((name, repository)) = all.next().await {
            match repository {
                Ok(repository) => listing.repositories.push(repository),
                Err(error) => listing.failed.push((name.to_string(), error)),
            }
        }
        Ok(listing)
    }

    async fn merge_requests(&self, repo: &Repository) -> Result<Vec<MergeRequest>, ForgeError> {
        let all = self.all(repo).await?;
        Ok(all
            .into_iter()
            .map(|(number, (_, kept))| merge_request(number, kept))
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
            let all = self.all(repo).await?;
            let same = all.iter().find(|(_, (_, kept))| {
                kept.state.state == MergeRequestState::Open && kept.state.source == new.source
            });
            if let Some((number, (_, kept))) = same {
                return Ok(merge_request(*number, kept.clone()));
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
            if self.write(repo, number, None, &kept, "opened").await? {
                return Ok(merge_request(number, kept));
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
        self.change(repo, number, "edited", change).await
    }

    async fn close(&self, repo: &Repository, number: u64) -> Result<(), ForgeError> {
        self.change(repo, number, "closed", |kept| {
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
        self.change(repo, number, "commented", change).await
    }
}
