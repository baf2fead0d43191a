//! Updates the digest of a tag that stays, or adds its first digest.

use super::age::too_young;
use super::builder::DecisionBuilder;
use super::change::Version;
use super::decision::{Class, Wanted};
use super::digest::{Needs, Pin, TagTarget, look_at};
use super::newer::asked_platforms;
use super::observe::{Answers, Missing};
use super::reason::Reason;
use crate::image::{Digest, Reference, Tag};
use crate::policy::{Effective, Settings};
use crate::scheme::Level;

/// Updates a digest to what its tag points at now.
pub(super) fn refresh(
    building: &mut DecisionBuilder,
    view: &Answers<'_>,
    reference: &Reference,
    digest: &Digest,
    vanished: bool,
    settings: &Settings,
) -> Result<(), Missing> {
    let Some(tag) = &reference.tag else {
        return Ok(());
    };
    let pin = building.pin_kind(view, tag, digest)?;
    let platforms = asked_platforms(building, settings);
    let needs = Needs {
        pinned: Some(digest),
        pin: &pin,
        write: true,
        platforms: &platforms,
    };
    match look_at(view, tag, &needs)? {
        TagTarget::Fits { write, target } => {
            building.step(format!("{tag} now points to {}", target.short()));
            let to = Version {
                tag: Some(tag.clone()),
                digest: write.clone(),
            };
            let image = &reference.name;
            if let Some(why) = too_young(building, view, image, settings, tag, &target, to)? {
                building.settle(Reason::TooYoung, why);
                return Ok(());
            }
            let wanted = Wanted {
                class: Class::Update,
                level: Level::Digest,
                to_tag: Some(tag.clone()),
                to_digest: write,
                target: Some(target),
            };
            building.decision.wanted.push(wanted);
        }
        TagTarget::Same => {
            building.step(format!("{tag} still has the pinned content"));
            let tip = view.head(tag)?;
            if tip != Some(digest)
                && building.decision.reason == Reason::UpToDate
                && pin == Pin::Whole
            {
                building.settle(
                    Reason::SameContent,
                    format!("{tag} points to another index with the same manifests"),
                );
            }
        }
        TagTarget::Missing(missing) => {
            let names: Vec<&str> = missing.iter().map(|platform| platform.as_str()).collect();
            building.settle(
                Reason::MissingPlatform,
                format!(
                    "the image that {tag} now points to lacks {}",
                    names.join(", ")
                ),
            );
        }
        TagTarget::NotThere if vanished => {}
        TagTarget::NotThere => building.settle(
            Reason::TagVanished,
            format!("the registry no longer has {tag}"),
        ),
    }
    Ok(())
}

/// Adds the first digest to a reference.
pub(super) fn pin(
    building: &mut DecisionBuilder,
    view: &Answers<'_>,
    reference: &Reference,
    tag: &Tag,
    effective: &Effective,
) -> Result<(), Missing> {
    let platforms = asked_platforms(building, &effective.settings);
    let needs = Needs {
        pinned: None,
        pin: &Pin::None,
        write: true,
        platforms: &platforms,
    };
    match look_at(view, tag, &needs)? {
        TagTarget::Fits { write, target } => {
            building.step(format!("{tag} points to {}", target.short()));
            let to = Version {
                tag: reference.tag.clone(),
                digest: write.clone(),
            };
            let (image, settings) = (&reference.name, &effective.settings);
            if let Some(why) = too_young(building, view, image, settings, tag, &target, to)? {
                building.settle(Reason::TooYoung, why);
                return Ok(());
            }
            let wanted = Wanted {
                class: Class::Pin,
                level: Level::Digest,
                to_tag: reference.tag.clone(),
                to_digest: write,
                target: Some(target),
            };
            building.decision.wanted.push(wanted);
        }
        TagTarget::Missing(missing) => {
            let names: Vec<&str> = missing.iter().map(|platform| platform.as_str()).collect();
            building.settle(
                Reason::MissingPlatform,
                format!("{tag} lacks {}", names.join(", ")),
            );
        }
        TagTarget::NotThere | TagTarget::Same => {
            building.settle(
                Reason::TagVanished,
                format!("the registry no longer has {tag}"),
            );
        }
    }
    Ok(())
}
