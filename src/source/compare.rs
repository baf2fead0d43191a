//! Whether two versions of a file differ only in named edits.

use super::edit::Update;
use super::format::Format;
use super::located::{Located, Resolution};
use super::reading::ReadSources;
use super::scan::read_alone as read;
use crate::image::Reference;
use std::collections::BTreeMap;
use std::ops::Range;

/// The most steps of a search for replaced versions: far more than any real file needs.
const MAX_STEPS: usize = 100_000;

/// Whether `after` is `before` with each of these texts, `(from, to)`, replaced in exactly one place and nothing else
/// changed. The position does not matter: a version file is recognised without its configuration.
pub fn differs_only_in(before: &[u8], after: &[u8], replaced: &[(&str, &str)]) -> bool {
    let mut open: Vec<(&[u8], &[u8])> = replaced
        .iter()
        .map(|(from, to)| (from.as_bytes(), to.as_bytes()))
        .collect();
    replaced_once(before, after, &mut open, &mut 0)
}

fn replaced_once(
    before: &[u8],
    after: &[u8],
    open: &mut Vec<(&[u8], &[u8])>,
    steps: &mut usize,
) -> bool {
    if open.is_empty() {
        return before == after;
    }
    *steps += 1;
    let same = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    for index in 0..open.len() {
        let (from, to) = open[index];
        // The replaced text begins where the two differ, or up to its own length before that.
        for start in same.saturating_sub(from.len().max(to.len()))..=same {
            let rests = before[start..]
                .strip_prefix(from)
                .zip(after[start..].strip_prefix(to));
            if let Some((before, after)) = rests
                && *steps < MAX_STEPS
            {
                open.remove(index);
                if replaced_once(before, after, open, steps) {
                    return true;
                }
                open.insert(index, (from, to));
            }
        }
    }
    false
}

/// Whether `after` is `before` with some of the named edits, with the named versions replaced as by
/// [`differs_only_in`], and with nothing else changed.
///
/// Both are parsed. The references must be equal except for the named changes, and the rest of the files without the
/// tags and digests of those references must be equal byte for byte. How an edit is written does not matter, so that
/// edits of other versions of imagebot are recognised.
pub fn differs_only_by(
    format: Format,
    before: &[u8],
    after: &[u8],
    args: &BTreeMap<String, String>,
    edits: &[Update],
    versions: &[(&str, &str)],
) -> bool {
    let (Ok(old), Ok(new)) = (read(format, before, args), read(format, after, args)) else {
        return false;
    };
    let texts = |scan: &ReadSources| -> Vec<String> {
        scan.around.iter().map(|(_, a)| a.text.clone()).collect()
    };
    if old.references.len() != new.references.len() || texts(&old) != texts(&new) {
        return false;
    }
    let mut taken_out = (Vec::new(), Vec::new());
    for ((_, old), (_, new)) in old.references.iter().zip(&new.references) {
        match (&old.found, &new.found) {
            (Resolution::Known(a), Resolution::Known(b))
                if is_named_move(&a.reference, &b.reference, edits) =>
            {
                taken_out.0.extend(a.versioned_places());
                taken_out.1.extend(b.versioned_places());
            }
            _ if same(old, new) => {}
            _ => return false,
        }
    }
    differs_only_in(
        &without(before, taken_out.0),
        &without(after, taken_out.1),
        versions,
    )
}

/// Whether an edit at `place`, which turned `before` into `after`, also changes another reference, stage or platform.
pub(super) fn moves_something(
    format: Format,
    before: &[u8],
    after: &[u8],
    place: &Range<usize>,
    args: &BTreeMap<String, String>,
) -> bool {
    let (Ok(old), Ok(new)) = (read(format, before, args), read(format, after, args)) else {
        return true;
    };
    let around = |scan: &ReadSources| -> Vec<_> {
        let around = scan.around.iter();
        around.map(|(_, a)| (a.line, a.text.clone())).collect()
    };
    // An unknown text may change without being noticed.
    let takes_part = |located: &Located| match &located.found {
        Resolution::Known(_) => false,
        Resolution::Unknown { touches, .. } => touches
            .iter()
            .any(|touched| touched.start < place.end && place.start < touched.end),
    };
    old.references.len() != new.references.len()
        || old
            .references
            .iter()
            .any(|(_, located)| takes_part(located))
        || !old
            .references
            .iter()
            .zip(&new.references)
            .all(|((_, a), (_, b))| same(a, b))
        || around(&old) != around(&new)
}

fn is_named_move(old: &Reference, new: &Reference, edits: &[Update]) -> bool {
    old.name.written() == new.name.written()
        && edits.iter().any(|edit| {
            edit.concerns(old) && edit.to_tag == new.tag && edit.to_digest == new.digest
        })
}

fn same(old: &Located, new: &Located) -> bool {
    old.reference().map(ToString::to_string) == new.reference().map(ToString::to_string)
        && old.why_not() == new.why_not()
        && old.kind == new.kind
}

fn without(file: &[u8], mut places: Vec<Range<usize>>) -> Vec<u8> {
    places.sort_by_key(|place| (place.start, place.end));
    let mut rest = Vec::with_capacity(file.len());
    let mut at = 0;
    for place in places {
        if place.start >= at {
            rest.extend_from_slice(&file[at..place.start]);
        }
        at = at.max(place.end);
    }
    rest.extend_from_slice(&file[at..]);
    rest
}

#[cfg(test)]
mod tests {
    use super::super::edit::FromDigest;
    use super::*;
    use crate::image::{ImageName, Tag};

    fn check(before: &str, after: &str, expect: bool) {
        check_with(before, after, &[], expect);
    }

    fn check_with(before: &str, after: &str, versions: &[(&str, &str)], expect: bool) {
        let (Ok(image), Ok(from), Ok(to)) =
            (ImageName::parse("node"), Tag::parse("20"), Tag::parse("22"))
        else {
            panic!("all three are well-formed")
        };
        let edit = Update {
            image,
            from_tag: Some(from),
            from_digest: FromDigest::Exactly(None),
            to_tag: Some(to),
            to_digest: None,
            drop_digest: false,
            only: None,
        };
        let only = differs_only_by(
            Format::Dockerfile,
            before.as_bytes(),
            after.as_bytes(),
            &BTreeMap::new(),
            &[edit],
            versions,
        );
        assert_eq!(only, expect, "{before:?} → {after:?}");
    }

    #[test]
    fn a_named_edit_and_nothing_else() {
        check("FROM node:20\n", "FROM node:22\n", true);
        check("ARG V=20\nFROM node:$V\n", "ARG V=22\nFROM node:$V\n", true);
        check(
            "FROM node:20\nFROM node:20\n",
            "FROM node:20\nFROM node:22\n",
            true,
        );
        check("FROM node:20\n", "FROM node:23\n", false);
        check("FROM node:20\n", "FROM node:22\nRUN evil\n", false);
        check(
            "FROM node:20\nFROM a:1\n",
            "FROM node:22\nFROM a:2\n",
            false,
        );
        check("FROM node:20\n", "FROM  node:22\n", false);
        check("FROM node:20\n", "FROM evil/node:22\n", false);
    }

    #[test]
    fn a_version_is_replaced_once_wherever_it_stands() {
        let one = [("1.2.3", "1.2.4")];
        for (before, after, versions, expect) in [
            ("1.2.3\n", "1.2.4\n", &one[..], true),
            ("1.2.3\n", "1.2.4", &one, false),
            ("1.2.3\n", "1.2.3\n", &one, false),
            ("a 1.2.3 b 1.2.3", "a 1.2.3 b 1.2.4", &one, true),
            ("a 1.2.3 b 1.2.3", "a 1.2.4 b 1.2.4", &one, false),
            ("a 1.2.3 b", "a 1.2.4 c", &one, false),
            ("1.1.1", "1.1.1.1", &[("1.1", "1.1.1")], true),
            ("a 9 b 9", "a 10 b 11", &[("9", "11"), ("9", "10")], true),
            ("a 9 b 9", "a 10 b 9", &[("9", "11"), ("9", "10")], false),
            ("9", "10", &[("9", "10"), ("9", "10")], false),
            ("x", "x", &[], true),
        ] {
            let only = differs_only_in(before.as_bytes(), after.as_bytes(), versions);
            assert_eq!(only, expect, "{before:?} → {after:?}");
        }
        let hostile = ("1".repeat(2_000), "1".repeat(4_000));
        let versions = vec![("1", "11"); 20];
        let _ = differs_only_in(hostile.0.as_bytes(), hostile.1.as_bytes(), &versions);
    }

    #[test]
    fn a_version_beside_a_reference() {
        let versions = [("1.0.0", "1.0.1")];
        let before = "ARG VERSION=1.0.0\nFROM node:20\n# 1.0.0\n";
        let after = "ARG VERSION=1.0.1\nFROM node:22\n# 1.0.0\n";
        check_with(before, after, &versions, true);
        check_with(
            before,
            &after.replace("# 1.0.0", "# 1.0.1"),
            &versions,
            false,
        );
        check_with(before, &format!("{after}RUN evil\n"), &versions, false);
        check(before, after, false);
        let fed = "ARG V=1.0.0\nFROM node:20\nFROM a:$V\n";
        let moved = "ARG V=1.0.1\nFROM node:22\nFROM a:$V\n";
        check_with(fed, moved, &versions, false);
    }
}
