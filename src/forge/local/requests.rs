//! How the merge requests of a local repository are kept: a ref each, changed by compare-and-swap.

use crate::forge::error::ForgeError;
use crate::forge::traits::Repository;
use crate::git::Git;
use crate::repo::{Branch, CommitId, MergeRequest, MergeRequestState};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How often a lost compare-and-swap is tried again.
pub(super) const TRIES: usize = 16;
pub(super) const MERGE_REQUESTS: &str = "refs/imagebot/mr/";

/// The largest number of a merge request that is read.
const LARGEST: u64 = 1 << 53;
/// The most that one file of a merge request may hold, in bytes: anyone who may push can write one.
const MOST_BYTES: u64 = 1 << 20;

/// `state.toml` of a merge request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    pub(super) state: MergeRequestState,
    pub(super) source: Branch,
    pub(super) target: Branch,
    pub(super) title: String,
    #[serde(default)]
    pub(super) labels: Vec<String>,
    #[serde(default)]
    pub(super) assignees: Vec<String>,
    #[serde(default)]
    pub(super) reviewers: Vec<String>,
    #[serde(default)]
    pub(super) milestone: Option<String>,
    #[serde(default)]
    pub(super) draft: bool,
    #[serde(default)]
    pub(super) head: Option<CommitId>,
    #[serde(default)]
    pub(super) merged_as: Option<CommitId>,
}

/// A merge request as it is kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) state: State,
    pub(super) description: String,
    pub(super) comments: String,
}

impl Kept {
    /// As every forge shows it.
    pub(super) fn into_merge_request(self, number: u64) -> MergeRequest {
        let State {
            state,
            source,
            target,
            title,
            labels,
            draft,
            head,
            merged_as,
            ..
        } = self.state;
        MergeRequest {
            number,
            state,
            source,
            target,
            title,
            description: self.description,
            labels,
            head,
            merged_as,
            draft,
            // The only clock is that of the process that writes.
            created: None,
            auto_merge: false,
            incomplete: false,
        }
    }
}

/// The merge requests of one repository.
pub(super) struct Requests<'a> {
    pub(super) git: &'a Git,
    pub(super) repo: &'a Repository,
}

impl Requests<'_> {
    /// All merge requests of a repository, by number.
    pub(super) async fn all(&self) -> Result<BTreeMap<u64, (CommitId, Kept)>, ForgeError> {
        let refs = self.git.refs(&self.repo.remote, &[MERGE_REQUESTS]).await?;
        let numbered: Vec<(u64, CommitId)> = refs
            .into_iter()
            .filter_map(|found| {
                let text = found.name.strip_prefix(MERGE_REQUESTS)?;
                let number: u64 = text.parse().ok()?;
                // `07` is not `7`, and no repository has so many that the next number could be too large.
                let fits = number.to_string() == text && number <= LARGEST;
                fits.then_some((number, found.id))
            })
            .collect();
        let files = ["state.toml", "description.md", "comments.md"];
        let names: Vec<String> = numbered
            .iter()
            .flat_map(|(_, id)| files.map(|file| format!("{id}:{file}")))
            .collect();
        let sizes = self.git.sizes_of_names(&self.repo.remote, &names).await?;
        let too_large = |size: &Option<u64>| size.is_some_and(|size| size > MOST_BYTES);
        if let Some(name) = sizes
            .iter()
            .position(too_large)
            .and_then(|at| names.get(at))
        {
            return Err(ForgeError::Refused(format!(
                "{name} of {} has more than {} KiB, the limit for merge requests",
                self.repo.name,
                MOST_BYTES >> 10
            )));
        }
        let contents = self.git.read_names(&self.repo.remote, &names).await?;
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
                    self.repo.name
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

    /// Those from our branches, in all states, the oldest first.
    pub(super) async fn of_our_branches(&self) -> Result<Vec<MergeRequest>, ForgeError> {
        let all = self.all().await?.into_iter();
        let ours = all.filter(|(_, (_, kept))| kept.state.source.is_ours());
        let ours = ours.map(|(number, (_, kept))| kept.into_merge_request(number));
        Ok(ours.collect())
    }

    pub(super) async fn one(&self, number: u64) -> Result<(CommitId, Kept), ForgeError> {
        let found = self.all().await?.remove(&number);
        found.ok_or_else(|| {
            ForgeError::NotFound(format!("{} has no merge request !{number}", self.repo.name))
        })
    }

    pub(super) async fn open(&self, number: u64) -> Result<(CommitId, Kept), ForgeError> {
        let (id, kept) = self.one(number).await?;
        match kept.state.state {
            MergeRequestState::Open => Ok((id, kept)),
            _ => Err(self.is_not_open(number, &kept)),
        }
    }

    fn is_not_open(&self, number: u64, kept: &Kept) -> ForgeError {
        let (repo, state) = (&self.repo.name, kept.state.state.code());
        ForgeError::Conflict(format!("!{number} of {repo} is {state}"))
    }

    /// Changes an open merge request; starts over if someone else was faster.
    pub(super) async fn change(
        &self,
        number: u64,
        what: &str,
        change: impl Fn(&mut Kept) + Send + Sync,
    ) -> Result<(), ForgeError> {
        for _ in 0..TRIES {
            let (before, mut kept) = self.open(number).await?;
            change(&mut kept);
            if self.write(number, Some(&before), &kept, what).await? {
                return Ok(());
            }
        }
        Err(self.busy(number))
    }

    /// Closes or reopens a merge request that is not merged.
    pub(super) async fn set_state(
        &self,
        number: u64,
        what: &str,
        wanted: MergeRequestState,
    ) -> Result<(), ForgeError> {
        for _ in 0..TRIES {
            let (before, mut kept) = self.one(number).await?;
            match kept.state.state {
                state if state == wanted => return Ok(()),
                MergeRequestState::Merged => return Err(self.is_not_open(number, &kept)),
                _ => {}
            }
            kept.state.state = wanted;
            if self.write(number, Some(&before), &kept, what).await? {
                return Ok(());
            }
        }
        Err(self.busy(number))
    }

    fn busy(&self, number: u64) -> ForgeError {
        ForgeError::Conflict(format!("!{number} of {} changes too often", self.repo.name))
    }

    pub(super) async fn write(
        &self,
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
            .write_files(&self.repo.remote, &files, before, &message)
            .await?;
        Ok(self
            .git
            .move_ref(
                &self.repo.remote,
                &format!("{MERGE_REQUESTS}{number}"),
                before.map(|commit| &**commit),
                Some(&commit),
            )
            .await?)
    }
}
