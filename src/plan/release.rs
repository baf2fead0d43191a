//! Makes the changes of one merge request, with their follow-up changes, in the files.

use super::cascade::cascade;
use super::change::{ChangeSet, ValueChange, Version, VersionChange};
use super::decision::{Class, Decision};
use super::images::Images;
use super::wish::{EditedFiles, Refused, Wish, edit_files};
use crate::repo::RepoPath;
use crate::scheme::Level;
use crate::source::{ReadSources, Sources, VersionFile};
use std::collections::{BTreeMap, BTreeSet};

/// The files and images that changes are made in.
pub(super) struct Place<'a> {
    pub(super) sources: &'a Sources,
    pub(super) reading: &'a ReadSources,
    pub(super) args: &'a BTreeMap<String, String>,
    pub(super) images: &'a Images,
}

/// The result.
#[derive(Default)]
pub(super) struct Release {
    /// The complete contents of the changed files.
    pub(super) files: BTreeMap<RepoPath, Vec<u8>>,
    /// The changes that were made, including follow-ups.
    pub(super) kept: Vec<Wish>,
    pub(super) refused: Vec<Refused>,
    versions: BTreeMap<VersionFile, (String, String)>,
    values: BTreeSet<ValueChange>,
}

impl Release {
    pub(super) fn changes(&self) -> ChangeSet {
        let wishes = |follows: bool| {
            let kept = self.kept.iter();
            kept.filter(move |wish| wish.index.is_none() == follows)
                .map(|wish| wish.change.clone())
        };
        let version = |(file, (from, to)): (&VersionFile, &(String, String))| VersionChange {
            path: file.path.clone(),
            place: file.place.to_string(),
            from: from.clone(),
            to: to.clone(),
        };
        ChangeSet {
            references: wishes(false).collect(),
            follows: wishes(true).collect(),
            versions: self.versions.iter().map(version).collect(),
            values: self.values.clone(),
        }
    }
}

/// Makes the wanted changes and their follow-ups. A change that cannot be made in a file is left out, together with
/// everything that follows only from it.
pub(super) fn release(place: &Place<'_>, decisions: &[Decision], mut wishes: Vec<Wish>) -> Release {
    let mut release = Release::default();
    let mut stuck = BTreeSet::new();
    // A refused change may have been the cause of a bump, or of its level. So each round starts again from the
    // remaining changes instead of undoing parts of the last result. Each round but the last leaves out at least one
    // change.
    loop {
        let causes = causes(decisions, &wishes);
        let cascade = cascade(place.images, decisions, &causes, &stuck);
        // If the image of an outdated reference is bumped, the reference goes straight to the new version.
        let own = wishes
            .iter()
            .filter(|w| !cascade.follows.contains_key(&w.decision));
        let following = cascade.follows.iter().filter_map(|(index, (to, _))| {
            // A version that is not built yet has no digest yet.
            let to = Version {
                tag: Some(to.clone()),
                digest: None,
            };
            Wish::new(*index, None, &decisions[*index], to)
        });
        let all: Vec<Wish> = own.cloned().chain(following).collect();
        let EditedFiles {
            files,
            values,
            kept,
            refused: lost,
        } = edit_files(place, &all);
        if lost.is_empty() {
            // Versions are bumped last, in the edited files: a version may be in a file that also has references.
            match raised(place, files, &cascade.versions) {
                Some(files) => {
                    release.files = files;
                    release.kept = kept;
                    release.values = values;
                    release.versions = cascade.versions;
                }
                // Every version was bumped on trial when it was read, so only another edit of the same line can prevent
                // it. Then nothing is changed: a rebuilt image without a new version would replace a published one.
                None => release.kept.clear(),
            }
            return release;
        }
        for (wish, refusal) in lost {
            // All changes of the decision go, and nothing may follow through it in the next round.
            wishes.retain(|known| known.decision != wish.decision);
            stuck.insert(wish.decision);
            release.refused.push(Refused {
                decision: wish.decision,
                refusal,
            });
        }
    }
}

/// The decisions that change something, each with its level. Adding the first digest to a version that is already named
/// rebuilds the same image, so no version is bumped for it.
fn causes(decisions: &[Decision], wishes: &[Wish]) -> BTreeMap<usize, Level> {
    let mut causes: BTreeMap<usize, Level> = BTreeMap::new();
    for wish in wishes {
        let decision = &decisions[wish.decision];
        let Some(wanted) = wish.index.and_then(|index| decision.wanted.get(index)) else {
            continue;
        };
        if decision.inner.is_none() || wanted.class != Class::Pin {
            let level = causes.entry(wish.decision).or_insert(wanted.level);
            *level = wanted.level.max(*level);
        }
    }
    causes
}

/// The files with their versions bumped; `None` if one cannot be.
fn raised(
    place: &Place<'_>,
    mut files: BTreeMap<RepoPath, Vec<u8>>,
    versions: &BTreeMap<VersionFile, (String, String)>,
) -> Option<BTreeMap<RepoPath, Vec<u8>>> {
    for (file, (from, to)) in versions {
        let now = files.get(&file.path);
        let now = now.or_else(|| place.images.files.get(&file.path))?;
        let edited = file.edit(now, from, to).ok()?;
        files.insert(file.path.clone(), edited);
    }
    Some(files)
}
