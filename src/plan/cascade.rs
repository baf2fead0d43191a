//! What follows from changes inside one repository: versions rise, references to them follow, and so on down.
//!
//! A fix-point over values. A version rises once, from what it is on the target branch, by the widest of all that
//! causes it; a reference follows only upwards; circles are not followed.

use super::decision::Decision;
use super::images::Images;
use crate::image::Tag;
use crate::scheme::{Aligned, Level, aligned, bumped};
use crate::source::VersionFile;
use std::collections::{BTreeMap, BTreeSet};

/// What follows.
#[derive(Debug, Default)]
pub(super) struct Cascade {
    /// The tags that references to images of the repository get, by decision.
    pub(super) follows: BTreeMap<usize, (Tag, Level)>,
    /// The versions that rise: from what to what.
    pub(super) versions: BTreeMap<VersionFile, (String, String)>,
}

/// Finds what follows from changes. `causes` are the changed references, by decision, each with its level; a reference
/// among `stuck` cannot be changed, so nothing follows from it.
pub(super) fn cascade(
    images: &Images,
    decisions: &[Decision],
    causes: &BTreeMap<usize, Level>,
    stuck: &BTreeSet<usize>,
) -> Cascade {
    let mut levels: BTreeMap<&VersionFile, Level> = BTreeMap::new();
    let mut cascade = Cascade::default();
    let mut changed: Vec<(usize, Level)> = causes.iter().map(|(d, level)| (*d, *level)).collect();
    // A level rises at most as often as there are levels, so this ends.
    while !changed.is_empty() {
        for (decision, level) in changed.drain(..) {
            let decision = &decisions[decision];
            for image in images.built_from(&decision.path, decision.located.line) {
                let image = images.get(image);
                let (Ok(now), file) = (&image.now, &image.versioned.file) else {
                    continue;
                };
                let level = image.versioned.bump.level(level);
                let known = levels.get(file).copied();
                let level = known.map_or(level, |known| known.max(level));
                let Ok(next) = bumped(now, level) else {
                    continue;
                };
                levels.insert(file, level);
                cascade.versions.insert(file.clone(), (now.clone(), next));
            }
        }
        for (index, decision) in decisions.iter().enumerate() {
            let rising = decision.inner.filter(|_| !stuck.contains(&index));
            let rising = rising.and_then(|parent| {
                let file = &images.get(parent).versioned.file;
                Some((
                    &cascade.versions.get(file)?.1,
                    decision.reference()?.tag.as_ref()?,
                ))
            });
            let Some((version, tag)) = rising else {
                continue;
            };
            if let Aligned::Behind(to, level) = aligned(tag.as_str(), version)
                && let Ok(to) = Tag::parse(&to)
                && cascade.follows.get(&index) != Some(&(to.clone(), level))
            {
                cascade.follows.insert(index, (to, level));
                changed.push((index, level));
            }
        }
    }
    cascade
}
