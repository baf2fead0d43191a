//! The pinned digest: what it refers to, and which digest replaces it.

use super::observe::{Answers, Contents, Missing};
use crate::image::{Digest, Platform, Tag};
use std::collections::BTreeSet;

/// What a reference pins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pin {
    /// Nothing: it has no digest.
    None,
    /// What the tag points at: an index or a single image.
    Whole,
    /// The manifest of one platform.
    Platform(Platform),
    /// A digest that no longer exists in the registry; treated as an index.
    Vanished,
}

/// Determines what `pinned`, the digest written with `tag`, refers to.
///
/// If the tag now points elsewhere, its index is read once: a digest among its manifests is that of a platform.
/// Otherwise the manifest of the pinned digest decides.
pub(super) fn kind_of(view: &Answers<'_>, tag: &Tag, pinned: &Digest) -> Result<Pin, Missing> {
    let tip = view.head(tag)?;
    if tip == Some(pinned) {
        return Ok(Pin::Whole);
    }
    let tip_contents = match tip {
        Some(tip) => view.manifest(tip)?,
        None => None,
    };
    if let Some(platform) = tip_contents.and_then(|contents| contents.platform_of(pinned)) {
        return Ok(Pin::Platform(platform.clone()));
    }
    match (view.manifest(pinned)?, tip_contents) {
        (None, _) => Ok(Pin::Vanished),
        (Some(Contents::Index(_)), _) | (Some(Contents::Image), Some(Contents::Image) | None) => {
            Ok(Pin::Whole)
        }
        (Some(Contents::Image), Some(Contents::Index(_))) => {
            let platform = view.platform(pinned)?;
            Ok(platform.map_or(Pin::Whole, |platform| Pin::Platform(platform.clone())))
        }
    }
}

/// The result of checking whether a tag can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TagTarget {
    /// It can be chosen.
    Fits {
        /// The digest to write, if any.
        write: Option<Digest>,
        /// The digest that the tag points at.
        target: Digest,
    },
    /// It is listed, but its manifest does not exist (yet).
    NotThere,
    /// It lacks these platforms.
    Missing(Vec<Platform>),
    /// It is the same content as the pinned digest.
    Same,
}

/// The requirements on a tag's content.
pub(super) struct Needs<'a> {
    /// The current digest.
    pub(super) pinned: Option<&'a Digest>,
    pub(super) pin: &'a Pin,
    /// Whether a digest will be written.
    pub(super) write: bool,
    /// The platforms that the policy requires.
    pub(super) platforms: &'a [Platform],
}

/// Checks what a tag points at. If a digest will be written, its body has been read and verified.
pub(super) fn look_at(
    view: &Answers<'_>,
    tag: &Tag,
    needs: &Needs<'_>,
) -> Result<TagTarget, Missing> {
    let Some(target) = view.head(tag)? else {
        return Ok(TagTarget::NotThere);
    };
    if needs.pinned == Some(target) {
        return Ok(TagTarget::Same);
    }
    if !needs.write && needs.platforms.is_empty() {
        return Ok(TagTarget::Fits {
            write: None,
            target: target.clone(),
        });
    }
    let Some(contents) = view.manifest(target)? else {
        return Ok(TagTarget::NotThere);
    };
    let missing = missing_platforms(view, target, contents, needs)?;
    if !missing.is_empty() {
        return Ok(TagTarget::Missing(missing));
    }
    let chosen = match needs.pin {
        Pin::Platform(platform) => match contents {
            Contents::Index(_) => match contents.entry(platform) {
                Some(entry) => entry.clone(),
                None => return Ok(TagTarget::Missing(vec![platform.clone()])),
            },
            Contents::Image => target.clone(),
        },
        Pin::None | Pin::Whole | Pin::Vanished => target.clone(),
    };
    if needs.pinned == Some(&chosen) || same_index(view, contents, needs)? {
        return Ok(TagTarget::Same);
    }
    // The platform's digest is taken from an index whose body was verified.
    Ok(TagTarget::Fits {
        write: needs.write.then_some(chosen),
        target: target.clone(),
    })
}

/// The required platforms that are missing.
fn missing_platforms(
    view: &Answers<'_>,
    target: &Digest,
    contents: &Contents,
    needs: &Needs<'_>,
) -> Result<Vec<Platform>, Missing> {
    let wanted: BTreeSet<Platform> = if !needs.platforms.is_empty() {
        needs.platforms.iter().cloned().collect()
    } else {
        match (needs.pinned, needs.pin) {
            (Some(pinned), Pin::Whole) => view
                .manifest(pinned)?
                .map(Contents::platforms)
                .unwrap_or_default(),
            _ => BTreeSet::new(),
        }
    };
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let there = match contents {
        Contents::Index(_) => contents.platforms(),
        Contents::Image => view.platform(target)?.cloned().into_iter().collect(),
    };
    Ok(wanted.difference(&there).cloned().collect())
}

/// Whether an index lists the same manifests as the pinned one: then only its annotations or order differ.
fn same_index(view: &Answers<'_>, contents: &Contents, needs: &Needs<'_>) -> Result<bool, Missing> {
    let (Some(pinned), Pin::Whole, Contents::Index(new)) = (needs.pinned, needs.pin, contents)
    else {
        return Ok(false);
    };
    Ok(
        matches!(view.manifest(pinned)?, Some(Contents::Index(old)) if old == new && !new.is_empty()),
    )
}
