//! Whether a digest is old enough to be proposed (`min_age`).
//!
//! The age is checked before a branch exists, for new tags, moved digests and first digests alike: CI must not run
//! content that is minutes old. An update that is already proposed is never withdrawn because of its age.

use super::builder::DecisionBuilder;
use super::change::Version;
use super::observe::{Answers, Missing};
use crate::image::{Digest, ImageName, Tag};
use crate::policy::{Age, Settings, Trust};
use jiff::Timestamp;

/// The start of 2013, in Unix seconds. Reproducible builds are dated 1970 or another year long before containers.
const FIRST_IMAGES: i64 = 1_356_998_400;

/// Why a digest under a tag is too young, if it is. `to` is the version to write.
pub(super) fn too_young(
    building: &mut DecisionBuilder,
    view: &Answers<'_>,
    image: &ImageName,
    settings: &Settings,
    tag: &Tag,
    target: &Digest,
    to: Version,
) -> Result<Option<String>, Missing> {
    let min_age = settings.min_age.value;
    if min_age == Age::NONE {
        return Ok(None);
    }
    let key = (view.path.clone(), image.clone(), to);
    if view.proposed.contains(&key) {
        building.step(format!(
            "{tag} is already proposed, so its age does not matter"
        ));
        return Ok(None);
    }
    let mut since = view.first_seen(tag, target)?;
    let mut what = "was first seen";
    if settings.min_age_trust.value == Trust::Created
        && let Some(created) = view.created(target)?
        && is_plausible(created)
        && created < since
    {
        since = created;
        what = "was made";
    }
    let old = view.now.as_second().saturating_sub(since.as_second());
    let told = format!("{tag} at {} {what} {}", target.short(), shown(old));
    if old >= min_age.seconds {
        building.step(told);
        return Ok(None);
    }
    Ok(Some(format!(
        "{told}; min_age = \"{min_age}\" by {}",
        settings.min_age.from
    )))
}

/// Whether an image can have been created at that time.
pub(super) fn is_plausible(created: Timestamp) -> bool {
    created.as_second() >= FIRST_IMAGES
}

fn shown(seconds: i64) -> String {
    match seconds {
        ..60 => "just now".to_owned(),
        s @ ..7_200 => format!("{} minutes ago", s / 60),
        s @ ..172_800 => format!("{} hours ago", s / 3_600),
        s => format!("{} days ago", s / 86_400),
    }
}
