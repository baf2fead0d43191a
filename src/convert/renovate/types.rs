//! Renovate's kinds of updates, and the levels of changes that they are here.

use crate::convert::value::Value;
use std::collections::BTreeSet;

/// A kind of update, the smallest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum UpdateType {
    /// A digest is added.
    Pin,
    Digest,
    Patch,
    Minor,
    Major,
}

use UpdateType::{Digest, Major, Minor, Patch, Pin};

impl UpdateType {
    pub(super) const ALL: [Self; 5] = [Pin, Digest, Patch, Minor, Major];

    /// The kind with a name; `None` for kinds that images do not have.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "pin" | "pinDigest" => Some(Pin),
            "digest" => Some(Digest),
            "patch" => Some(Patch),
            "minor" => Some(Minor),
            "major" => Some(Major),
            _ => None,
        }
    }

    /// The level of such a change.
    pub(super) fn level(self) -> &'static str {
        match self {
            Pin | Digest => "digest",
            Patch => "patch",
            Minor => "minor",
            Major => "major",
        }
    }
}

/// A set of kinds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Types(BTreeSet<UpdateType>);

impl Types {
    pub(super) fn all() -> Self {
        Self(UpdateType::ALL.into())
    }

    pub(super) fn one(kind: UpdateType) -> Self {
        Self([kind].into())
    }

    /// The kinds in a list; an empty set if images have none of them.
    pub(super) fn of(list: &Value) -> Option<Self> {
        let names = list.texts()?;
        let known = names.into_iter().filter_map(UpdateType::named);
        Some(Self(known.collect()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, kind: UpdateType) -> bool {
        self.0.contains(&kind)
    }

    /// Whether every change of a version is in it.
    pub(super) fn has_versions(&self) -> bool {
        [Patch, Minor, Major].iter().all(|kind| self.has(*kind))
    }

    /// The largest one, if every smaller change of a version is in the set too.
    pub(super) fn up_to(&self) -> Option<UpdateType> {
        let largest = *self.0.last()?;
        let is_whole = [Patch, Minor, Major]
            .iter()
            .all(|kind| *kind > largest || self.has(*kind));
        is_whole.then_some(largest)
    }

    /// What remains possible if these are not proposed: `max` and `digest`, or `None` if they cannot be excluded alone.
    pub(super) fn without(&self) -> Option<Vec<(&'static str, &'static str)>> {
        let versions = [Major, Minor, Patch].map(|kind| self.has(kind));
        let max = match versions {
            [false, false, false] => None,
            [true, false, false] => Some("minor"),
            [true, true, false] => Some("patch"),
            [true, true, true] => Some("digest"),
            _ => return None,
        };
        let digest = match (self.has(Digest), self.has(Pin)) {
            (true, _) => Some("with-tag"),
            (false, true) => Some("refresh"),
            (false, false) => None,
        };
        let max = max.map(|level| ("max", level));
        Some(
            max.into_iter()
                .chain(digest.map(|mode| ("digest", mode)))
                .collect(),
        )
    }
}
