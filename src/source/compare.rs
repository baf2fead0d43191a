//! Whether two versions of a file differ by nothing but named edits.

use super::dockerfile::Read;
use super::edit::Update;
use super::format::Format;
use super::located::{Found, Located};
use super::scan::read;
use crate::image::Reference;
use std::collections::BTreeMap;
use std::ops::Range;

/// Whether `after` is `before` with some of the named edits made and nothing else changed.
///
/// Both are read; the references are the same but for the named moves, and what is left of the files once the tags and
/// digests of those references are taken out is equal byte for byte. How an edit is written plays no part, so that
/// another version of imagebot recognises it.
pub fn differs_only_by(
    format: Format,
    before: &[u8],
    after: &[u8],
    args: &BTreeMap<String, String>,
    edits: &[Update],
) -> bool {
    let (Ok(old), Ok(new)) = (read(format, before, args), read(format, after, args)) else {
        return false;
    };
    let texts =
        |scan: &Read| -> Vec<String> { scan.around.iter().map(|a| a.text.clone()).collect() };
    if old.references.len() != new.references.len() || texts(&old) != texts(&new) {
        return false;
    }
    let mut taken_out = (Vec::new(), Vec::new());
    for (old, new) in old.references.iter().zip(&new.references) {
        match (&old.found, &new.found) {
            (Found::Known(a), Found::Known(b))
                if is_named_move(&a.reference, &b.reference, edits) =>
            {
                taken_out.0.extend(a.versioned_places());
                taken_out.1.extend(b.versioned_places());
            }
            _ if same(old, new) => {}
            _ => return false,
        }
    }
    without(before, taken_out.0) == without(after, taken_out.1)
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
            lines: None,
        };
        let only = differs_only_by(
            Format::Dockerfile,
            before.as_bytes(),
            after.as_bytes(),
            &BTreeMap::new(),
            &[edit],
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
}
