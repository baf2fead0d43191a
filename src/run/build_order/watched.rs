//! Whether the files that an image watches have changed since it was built.

use super::super::facts::facts_of;
use super::super::setup::Setup;
use super::published::Asked;
use super::step::Source;
use crate::family::ImageSpec;
use crate::git::{GitError, Remote, TreeEntryKind};
use crate::image::Digest;
use crate::plan::{BuildNeed, BuildReason};
use crate::repo::{CommitId, ObjectId, RepoPath};
use std::collections::{BTreeMap, BTreeSet};

/// Whether the watched files have changed since the commit in the labels of the published image.
pub(in crate::run) async fn watched(
    setup: &Setup,
    source: &Source,
    spec: &ImageSpec,
    asked: &[Asked],
    published: Option<&Digest>,
) -> Option<BuildReason> {
    let unknown = |why: &str| Some(BuildReason::new(BuildNeed::Unknown, "watch-unknown", why));
    let lookup = asked
        .iter()
        .find_map(|(_, asked)| Some(&asked.as_ref().ok()?.0));
    // An unpublished image needs a build anyway.
    let (Some(published), Some(lookup)) = (published, lookup) else {
        return None;
    };
    let Some((remote, head)) = &source.history else {
        return unknown("a folder does not show what changed since the published image was built");
    };
    let facts = match facts_of(setup, lookup, published).await {
        Ok(facts) => facts,
        Err(error) => return unknown(&error.to_string()),
    };
    let revision = facts.label("revision");
    let Some(revision) = revision.and_then(|text| CommitId::parse(text).ok()) else {
        return unknown("the published image does not name the commit it was built from");
    };
    match changed(setup, remote, head, &revision, spec).await {
        Ok(changed) if changed.is_empty() => None,
        Ok(changed) => {
            let few: Vec<&str> = changed.iter().take(3).map(RepoPath::as_str).collect();
            let more = if changed.len() > few.len() {
                " and others"
            } else {
                ""
            };
            let detail = format!("{}{more} changed since {revision}", few.join(", "));
            Some(BuildReason::new(BuildNeed::Yes, "watch-changed", detail))
        }
        Err(error) => unknown(&format!("{revision}: {error}")),
    }
}

/// The watched files that differ between two commits.
async fn changed(
    setup: &Setup,
    remote: &Remote,
    head: &CommitId,
    revision: &CommitId,
    spec: &ImageSpec,
) -> Result<Vec<RepoPath>, GitError> {
    let Some(git) = setup.git.as_ref().filter(|_| head != revision) else {
        return Ok(Vec::new());
    };
    let mut cached = git.open(remote, head).await?;
    let both = BTreeSet::from([head.clone(), revision.clone()]);
    cached.fetch_commits(&both).await?;
    let mut sides: Vec<BTreeMap<RepoPath, (TreeEntryKind, ObjectId)>> = Vec::new();
    for commit in [head, revision] {
        let entries = cached.tree(commit).await?.entries.into_iter();
        let watched = entries.filter(|entry| spec.watches(&entry.path));
        sides.push(
            watched
                .map(|entry| (entry.path, (entry.kind, entry.id)))
                .collect(),
        );
    }
    let paths: BTreeSet<&RepoPath> = sides.iter().flat_map(BTreeMap::keys).collect();
    let differs = |path: &&&RepoPath| sides[0].get(**path) != sides[1].get(**path);
    Ok(paths
        .iter()
        .filter(differs)
        .map(|path| (*path).clone())
        .collect())
}
