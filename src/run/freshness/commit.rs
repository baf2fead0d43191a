//! The Dockerfile at the commit that an image claims to be built from.

use super::subject::Built;
use crate::family::freshness::Then;
use crate::git::{Git, GitError, TreeEntryKind};
use crate::repo::CommitId;
use crate::run::observe::healed;
use crate::run::setup::Setup;
use crate::source::{Format, MAX_FILE, Role, Scan, scan};
use std::collections::{BTreeMap, BTreeSet};

/// The parents in that Dockerfile; `None` if the commit or the file is unavailable. A server may refuse commits that no
/// branch contains; the other evidence has to suffice then.
pub(super) async fn then(setup: &Setup, built: &Built, commit: &CommitId) -> Option<Then> {
    let contents = contents(setup, built, commit).await?;
    let scan = scan_of(built, &contents, &built.args)?;
    let found = scan.depends_on(built.target.as_deref())?;
    let parents = found
        .into_iter()
        .map(|(role, located)| (role, located.reference().cloned()));
    Some(Then {
        commit: commit.clone(),
        parents: parents.collect::<Vec<(Role, _)>>(),
    })
}

/// The references of a Dockerfile; `None` if it cannot be parsed as one.
pub(super) fn scan_of(
    built: &Built,
    contents: &[u8],
    args: &BTreeMap<String, String>,
) -> Option<Scan> {
    let format = Format::of(built.dockerfile.as_str()).unwrap_or(Format::Dockerfile);
    scan(format, contents, args).ok()
}

async fn contents(setup: &Setup, built: &Built, commit: &CommitId) -> Option<Vec<u8>> {
    // One entry per Dockerfile: the parents of an older image are not needed again.
    let key = format!("{} {}", built.repo.remote.url(), built.dockerfile);
    if let Some(kept) = setup.store.files(&key, commit.as_str()) {
        return Some(kept);
    }
    let git = setup.git.as_ref()?;
    match healed(|| read(git, built, commit)).await {
        Ok(Some(contents)) => {
            setup.store.keep_files(&key, commit.as_str(), &contents);
            Some(contents)
        }
        Ok(None) => None,
        Err(error) => {
            tracing::debug!(repo = %built.repo.name, %commit, %error, "the commit of a published image cannot be read");
            None
        }
    }
}

async fn read(git: &Git, built: &Built, commit: &CommitId) -> Result<Option<Vec<u8>>, GitError> {
    let mut cached = git.open(&built.repo.remote, commit).await?;
    cached
        .fetch_commits(&BTreeSet::from([commit.clone()]))
        .await?;
    let tree = cached.tree(commit).await?;
    let file = tree.entries.into_iter().find(|entry| {
        let is_file = matches!(entry.kind, TreeEntryKind::File | TreeEntryKind::Executable);
        entry.path == built.dockerfile && is_file
    });
    let Some(file) = file else {
        return Ok(None);
    };
    let ids = BTreeSet::from([file.id.clone()]);
    cached.fetch_objects(&ids).await?;
    let mut contents = cached.objects_up_to(&ids, MAX_FILE as u64).await?;
    Ok(contents.remove(&file.id).flatten())
}
