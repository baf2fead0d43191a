//! The newer tags that are still candidates: the best of each level, found without a new search when one is rejected.

use super::level::Level;
use super::newest::Entry;

/// For each level the first candidate, and the first stable one. Both indexes only ever increase.
#[derive(Debug, Clone, Default)]
pub(super) struct Open {
    any: [Option<usize>; LEVELS],
    stable: [Option<usize>; LEVELS],
    /// Prereleases are candidates only if there is no stable tag.
    gated: bool,
}

const LEVELS: usize = Level::ALL.len();

impl Open {
    pub(super) fn new(newer: &[Entry], gated: bool) -> Self {
        let first = |stable| Level::ALL.map(|level| next(newer, 0, level, stable).1);
        Self {
            any: first(false),
            stable: first(true),
            gated,
        }
    }

    /// The best candidate whose change is no wider than a level.
    pub(super) fn best(&self, max: Level) -> Option<usize> {
        let at = |firsts: &[Option<usize>; LEVELS]| firsts.get(max as usize).copied().flatten();
        match self.gated {
            true => at(&self.stable).or_else(|| at(&self.any)),
            false => at(&self.any),
        }
    }

    /// Whether prereleases are excluded: there is a stable tag that the policy allows.
    pub(super) fn shuts_prereleases(&self, max: Level) -> bool {
        self.gated && self.stable.get(max as usize).copied().flatten().is_some()
    }

    /// Moves on from a rejected tag; returns how many tags were examined.
    pub(super) fn close(&mut self, place: usize, newer: &[Entry]) -> u64 {
        let mut looks = 0;
        for (firsts, stable) in [(&mut self.any, false), (&mut self.stable, true)] {
            for (first, level) in firsts.iter_mut().zip(Level::ALL) {
                if *first == Some(place) {
                    let (looked, found) = next(newer, place + 1, level, stable);
                    looks += looked;
                    *first = found;
                }
            }
        }
        looks
    }
}

/// The first candidate from a position on, and how many tags were examined.
fn next(newer: &[Entry], from: usize, max: Level, stable: bool) -> (u64, Option<usize>) {
    let mut looked = 0;
    let found = newer.iter().enumerate().skip(from).find(|(_, entry)| {
        looked += 1;
        entry.policy.is_none()
            && entry.rejected.is_none()
            && entry.newer.level <= max
            && (entry.newer.stable || !stable)
    });
    (looked, found.map(|(place, _)| place))
}
