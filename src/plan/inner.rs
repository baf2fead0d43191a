//! References to images of the same repository: the version in the repository is authoritative, not the registry.

use super::builder::DecisionBuilder;
use super::decision::{Class, Wanted};
use super::follow::{pin, refresh};
use super::images::Truth;
use super::observe::{Answers, Missing};
use super::reason::Reason;
use crate::image::{Reference, Tag};
use crate::policy::{DigestMode, Effective};
use crate::scheme::{Aligned, aligned};

/// Compares a tag with the version that its image has in the repository; returns whether they are the same.
pub(super) fn by_truth(
    building: &mut DecisionBuilder,
    parent: usize,
    truth: &Truth,
    tag: &Tag,
) -> bool {
    let version = match truth {
        Truth::Version(version) => version,
        Truth::Unknown(why) => {
            building.settle(Reason::InnerUnknown, why.clone());
            return false;
        }
        Truth::Circle(circle) => {
            building.settle(Reason::InnerCycle, circle.clone());
            return false;
        }
    };
    building.step(format!(
        "its image is built in this repository as {version}"
    ));
    match aligned(tag.as_str(), version) {
        Aligned::Same => {
            building.decision.inner = Some(parent);
            building.settle(
                Reason::InnerCurrent,
                format!("{version} is built in this repository"),
            );
            true
        }
        Aligned::Behind(to, level) => {
            if let Ok(to) = Tag::parse(&to) {
                building.decision.inner = Some(parent);
                // A version that is not built yet has no digest yet.
                building.decision.wanted.push(Wanted {
                    class: Class::Update,
                    level,
                    to_tag: Some(to),
                    to_digest: None,
                    target: None,
                });
            }
            false
        }
        Aligned::Ahead => {
            let why = format!("{tag} is newer than {version}, the version in this repository");
            building.settle(Reason::InnerAhead, why);
            false
        }
        Aligned::Unrelated => {
            let why = format!(
                "{tag} does not show which version it is (this repository has {version} and others)"
            );
            building.settle(Reason::InnerFloating, why);
            false
        }
    }
}

/// Updates or adds the digest of a version that is built in this repository, once it is published.
pub(super) fn inner_digest(
    building: &mut DecisionBuilder,
    view: &Answers<'_>,
    reference: &Reference,
    tag: &Tag,
    effective: &Effective,
    pins: bool,
) -> Result<(), Missing> {
    let mode = effective.settings.digest.value;
    let before = (building.decision.reason, building.decision.detail.clone());
    if view.head(tag)?.is_none() {
        building.step(format!("{tag} is not published yet"));
    } else if let Some(digest) = &reference.digest {
        if matches!(mode, DigestMode::Refresh | DigestMode::Pin) {
            refresh(
                building,
                view,
                reference,
                digest,
                false,
                &effective.settings,
            )?;
        }
    } else if pins {
        pin(building, view, reference, tag, effective)?;
    }
    if building.decision.reason == Reason::TagVanished {
        building.settle(before.0, before.1);
    }
    Ok(())
}
