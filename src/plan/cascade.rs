//! Follow-up changes inside one repository: versions are bumped, references to them follow, transitively.
//!
//! A fixed point over values. A version is bumped once, from its value on the target branch, by the largest level among
//! all its causes. A reference only follows to a newer version. Cycles are not followed.

use super::decision::Decision;
use super::images::Images;
use crate::image::Tag;
use crate::scheme::{Aligned, Level, aligned, bumped};
use crate::source::VersionFile;
use std::collections::{BTreeMap, BTreeSet};

/// The follow-up changes.
#[derive(Debug, Default)]
pub(super) struct Cascade {
    /// The new tags of references to images of this repository, by decision.
    pub(super) follows: BTreeMap<usize, (Tag, Level)>,
    /// The bumped versions, each with its old and new value.
    pub(super) versions: BTreeMap<VersionFile, (String, String)>,
}

/// Computes the follow-up changes. `causes` are the changed references, by decision, each with its level. A reference
/// in `stuck` cannot be edited, so nothing follows from it.
pub(super) fn cascade(
    images: &Images,
    decisions: &[Decision],
    causes: &BTreeMap<usize, Level>,
    stuck: &BTreeSet<usize>,
) -> Cascade {
    let mut levels: BTreeMap<&VersionFile, Level> = BTreeMap::new();
    let mut cascade = Cascade::default();
    let mut changed: Vec<(usize, Level)> = causes.iter().map(|(d, level)| (*d, *level)).collect();
    // The level of a version only rises, and there are few levels, so this terminates.
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
