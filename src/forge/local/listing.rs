//! The repositories in a folder, as they are now: git is started for each.

use super::folders::folders;
use super::requests::{MERGE_REQUESTS, Requests};
use crate::forge::error::ForgeError;
use crate::forge::traits::{KnownIds, Listing, Repository};
use crate::git::{Git, Ref, Remote};
use crate::repo::{Branch, MergeRequestState, RepoGlobs, RepoName};
use futures::StreamExt as _;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where the repositories are, and which of them are registered.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    pub(super) git: Git,
    pub(super) root: PathBuf,
    /// The user ids, besides our own, that a repository may belong to.
    pub(super) owners: Vec<u32>,
    pub(super) repos: RepoGlobs,
}

impl Folder {
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
        // Branches of ours alone don't mean that there should be another.
        let is_theirs = |found: &Ref| {
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
            let requests = Requests {
                git: &self.git,
                repo: &repository,
            };
            let mut open = requests.of_our_branches().await?;
            open.retain(|mr| mr.state == MergeRequestState::Open);
            repository.open = Some(open);
        }
        Ok(repository)
    }

    /// The repositories in the folder, or those of them that are wanted: git is started for each.
    pub(super) async fn listed(&self, wanted: Option<&KnownIds>) -> Result<Listing, ForgeError> {
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
}
