//! What the tags of one family show about each other: which short names stand for prereleases only, and whether the
//! family has a stable tag at all (`docs/tag-schemes.md`, "Short names of prereleases", "Families that have prereleases
//! only").
//!
//! A family is the tags with the current tag's prefix and variant; how many numbers a version has does not matter.

use std::collections::HashSet;

use super::order::Mark;
use super::reading::Reading;
use super::words::PREVIEW;

/// The most numbers of a short name.
const SHORT: usize = 4;

/// A member of the family, by its first numbers.
#[derive(Debug, Clone, Copy)]
struct Member {
    starts: [u64; SHORT],
    numbers: usize,
    stable: bool,
    /// A preview.
    preview: bool,
}

/// After this many versions without a release, the family is assumed not to release.
const HABIT: usize = 3;

/// The members, while they are collected.
#[derive(Debug, Default)]
pub(super) struct Siblings(Vec<Member>);

/// The result, once all are collected.
#[derive(Debug)]
pub(super) struct Family {
    members: Vec<Member>,
    /// The short names that only prereleases begin with.
    short: HashSet<u64>,
    /// Whether any tag is stable.
    pub(super) has_stable: bool,
    /// Whether so many versions have only prereleases that no release is to be expected.
    pub(super) never_releases: bool,
}

impl Siblings {
    /// Adds a member, and returns its number.
    pub(super) fn add(&mut self, reading: &Reading<'_>) -> usize {
        let words = reading.words.iter().map(|word| word.text);
        let mut sum = words.fold(START, added);
        let mut member = Member {
            starts: [0; SHORT],
            numbers: reading.version.len(),
            stable: reading.is_stable(),
            preview: matches!(reading.stages[..], [Mark::Stage(PREVIEW, _)]),
        };
        for (start, (number, _)) in member.starts.iter_mut().zip(&reading.version) {
            sum = added(sum, number.as_str());
            *start = sum;
        }
        self.0.push(member);
        self.0.len() - 1
    }

    /// Evaluates all of them together, in linear time.
    pub(super) fn finish(self) -> Family {
        let members = self.0;
        let mut short = HashSet::new();
        if members.iter().any(|member| !member.stable) {
            // A name with longer ones that begin with it is as stable as the longest of them.
            let begun = |member: &Member| (member.numbers.saturating_sub(1)).min(SHORT);
            for member in &members {
                short.extend(member.starts.iter().take(begun(member)));
            }
            let mut released = HashSet::new();
            // Previews are published under the short name on purpose: Microsoft's `2.2-sdk`.
            for member in members.iter().filter(|m| m.stable || m.preview) {
                if !member.own().is_some_and(|own| short.contains(&own)) {
                    released.extend(member.starts.iter().take(begun(member)).copied());
                }
            }
            short.retain(|start| !released.contains(start));
        }
        let mut family = Family {
            members,
            short,
            has_stable: false,
            never_releases: false,
        };
        family.has_stable = (0..family.members.len()).any(|member| family.is_stable(member));
        if !family.has_stable {
            // The first member is the current tag.
            let own = family.members.first().map(|member| member.numbers);
            let alike = family.members.iter().filter(|m| Some(m.numbers) == own);
            let versions: HashSet<_> = alike.filter_map(Member::own).collect();
            family.never_releases = versions.len() >= HABIT;
        }
        family
    }
}

const START: u64 = 0xcbf2_9ce4_8422_2325;

/// A hash with a text added (FNV-1a); the ends of texts count.
fn added(sum: u64, text: &str) -> u64 {
    let step = |sum: u64, byte: u8| (sum ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    step(text.bytes().fold(sum, step), 0xff)
}

impl Member {
    /// The value for the whole version.
    fn own(&self) -> Option<u64> {
        self.starts.get(self.numbers.checked_sub(1)?).copied()
    }
}

impl Family {
    /// Whether a member is stable: written so, and not the short name of prereleases only.
    pub(super) fn is_stable(&self, member: usize) -> bool {
        self.members.get(member).is_some_and(|member| {
            member.stable && !member.own().is_some_and(|own| self.short.contains(&own))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::{Scheme, read};

    #[test]
    fn a_short_name_is_as_stable_as_what_begins_with_it() {
        fn stable<'t>(tags: &[&'t str]) -> Vec<&'t str> {
            let mut siblings = Siblings::default();
            for tag in tags {
                siblings.add(&read(tag, &Scheme::Auto).expect("a version"));
            }
            let family = siblings.finish();
            let stable = (0..tags.len()).filter(|at| family.is_stable(*at));
            stable.map(|at| tags[at]).collect()
        }
        for (tags, expect) in [
            (&["3.5", "3.5.0-rc.1"][..], &[][..]),
            (&["3.5", "3.5.0-rc.1", "3.5.0"], &["3.5", "3.5.0"]),
            (&["4", "4.0", "4.0.0-rc.1"], &[]),
            (&["4", "4.0", "4.0.0-rc.1", "4.1.0"], &["4", "4.1.0"]),
            (&["4", "4.0-rc1", "4.0"], &["4", "4.0"]),
            (&["3.5-alpine", "3.5.0-rc.1"], &["3.5-alpine"]),
            (&["3.5", "3.50.0-rc.1"], &["3.5"]),
            (&["3.05", "3.5.0-rc.1"], &[]),
            (&["1.2.3.4", "1.2.3.4.5-rc1"], &[]),
            (&["2.2-sdk", "2.2.100-preview1-sdk"], &["2.2-sdk"]),
        ] {
            assert_eq!(stable(tags), expect, "{tags:?}");
        }
    }
}
