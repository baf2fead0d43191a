//! Plans an edit, makes it, and checks the result.

use super::format::Format;
use super::located::{KnownReference, Located, RefId, Resolution, WhyNot};
use super::mapped::{Mapped, Origin};
use super::read_back::{first_difference, shared};
use super::reading::{ReadSources, read_sources};
use super::refusal::Refusal;
use super::scan::{Unreadable, alone};
use super::solve::{Part, Unsolved, solve};
use super::sources::Sources;
use super::splice::{Splice, SpliceError, splice};
use crate::image::{Digest, ImageName, Reference, Tag};
use crate::repo::RepoPath;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// A wanted change: it applies to all references with this image, tag and digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The image.
    pub image: ImageName,
    /// The tag they have now.
    pub from_tag: Option<Tag>,
    /// The digest they have now.
    pub from_digest: FromDigest,
    /// The tag they will have.
    pub to_tag: Option<Tag>,
    /// The digest they will have.
    pub to_digest: Option<Digest>,
    /// Whether a digest is added if there is none now: the digest of a version that is not built yet is unknown.
    pub drop_digest: bool,
    /// The references to change; `None`: all of them.
    pub only: Option<BTreeSet<RefId>>,
}

/// The present digests of the references to change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FromDigest {
    /// Any, or none.
    Any,
    /// This one, or none.
    Exactly(Option<Digest>),
}

impl Update {
    pub(super) fn concerns(&self, reference: &Reference) -> bool {
        self.image == reference.name
            && self.from_tag == reference.tag
            && match &self.from_digest {
                FromDigest::Any => true,
                FromDigest::Exactly(digest) => *digest == reference.digest,
            }
    }

    fn agrees_with(&self, other: &Self) -> bool {
        self.to_tag == other.to_tag && self.to_digest == other.to_digest
    }

    fn meant(&self, path: &RepoPath, located: &Located) -> bool {
        let only = self.only.as_ref();
        only.is_none_or(|only| only.contains(&located.id(path)))
            && located
                .reference()
                .is_some_and(|reference| self.concerns(reference))
    }
}

/// The result of an edit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edited {
    /// The complete contents of the files that changed.
    pub files: BTreeMap<RepoPath, Vec<u8>>,
    /// The texts that were replaced in each, `(from, to)`, in their order; an insertion replaces an empty text.
    pub replaced: BTreeMap<RepoPath, Vec<(String, String)>>,
    /// The files that changed for each reference, if not only its own.
    pub elsewhere: BTreeMap<RefId, BTreeSet<RepoPath>>,
}

/// Makes all updates in a single file, or none; returns the whole file afterwards.
pub fn edit(
    format: Format,
    file: &[u8],
    args: &BTreeMap<String, String>,
    updates: &[Update],
) -> Result<Vec<u8>, Refusal> {
    let edited = edit_sources(&alone(format, file), args, updates)?;
    let changed = edited.files.into_values().next();
    Ok(changed.unwrap_or_else(|| file.to_vec()))
}

/// Makes all updates in files that depend on each other, or none.
///
/// The result is parsed again: it must have exactly the planned references and no other change, in all of the files.
pub fn edit_sources(
    sources: &Sources,
    args: &BTreeMap<String, String>,
    updates: &[Update],
) -> Result<Edited, Refusal> {
    let before = readable(sources, args)?;
    let located = || before.references.iter().map(|(_, located)| located);
    let mut planned = Vec::with_capacity(before.references.len());
    let mut splices = Vec::new();
    let mut elsewhere = BTreeMap::new();
    for (path, located) in &before.references {
        let mut meant = updates.iter().filter(|update| update.meant(path, located));
        let update = meant.next();
        if update.is_some_and(|one| !meant.all(|other| one.agrees_with(other))) {
            return Err(Refusal::Contradiction {
                line: located.line,
                written: located.written.clone(),
            });
        }
        planned.push(match (&located.found, update) {
            (Resolution::Known(known), Some(update)) => {
                let own = splices_of(located, known, update)?;
                let files: BTreeSet<RepoPath> = own
                    .iter()
                    .map(|splice| sources.file(sources.index_at(splice.start)).path.clone())
                    .collect();
                if files.iter().any(|file| file != path) {
                    elsewhere.insert(located.id(path), files);
                }
                splices.extend(own);
                Some(Reference {
                    name: known.reference.name.clone(),
                    tag: update.to_tag.clone(),
                    digest: update.to_digest.clone(),
                })
            }
            _ => located.reference().cloned(),
        });
    }
    for update in updates {
        let mut all = before.references.iter();
        if !all.any(|(path, located)| update.meant(path, located)) {
            let missing = Reference {
                name: update.image.clone(),
                tag: update.from_tag.clone(),
                digest: None,
            };
            return Err(Refusal::NotFound(missing.to_string()));
        }
    }
    if let Some(moved) = located().find(|located| is_moved_unseen(located, &splices)) {
        return Err(shared(moved));
    }
    let mut edited = spliced(sources, &before, splices)?;
    edited.elsewhere = elsewhere;
    let all = (0..sources.iter().len()).collect();
    let after = readable(&sources.part(&all, &edited.files), args)?;
    // Stages and platforms are not references, but variables change them as well. They come first: a stage that is lost
    // becomes an image, which shifts all references after it.
    let mut before_after = before.around.iter().enumerate();
    if let Some((_, (_, moved))) =
        before_after.find(|(at, said)| after.around.get(*at) != Some(said))
    {
        return Err(Refusal::SharedArg {
            line: moved.line,
            written: moved.written.clone(),
        });
    }
    match first_difference(&before.references, &planned, &after.references) {
        Some(refusal) => Err(refusal),
        None => Ok(edited),
    }
}

/// Reads files, all of which must be readable.
fn readable(sources: &Sources, args: &BTreeMap<String, String>) -> Result<ReadSources, Unreadable> {
    let reading = read_sources(sources, args);
    match reading.skipped.first() {
        Some((_, why)) => Err(*why),
        None => Ok(reading),
    }
}

/// The changed files, without reading them again.
fn spliced(
    sources: &Sources,
    before: &ReadSources,
    mut splices: Vec<Splice>,
) -> Result<Edited, Refusal> {
    splices.sort();
    splices.dedup();
    let mut by_file: BTreeMap<usize, Vec<Splice>> = BTreeMap::new();
    for splice in &splices {
        let file = sources.index_at(splice.start);
        let start = splice.start - sources.base(file);
        let splice = splice.clone();
        by_file
            .entry(file)
            .or_default()
            .push(Splice { start, ..splice });
    }
    let mut edited = Edited::default();
    for (file, of_file) in by_file {
        let file = sources.file(file);
        let contents = splice(&file.contents, &of_file).map_err(|error| match error {
            SpliceError::Overlap => shared(in_conflict(&before.references, &splices)),
            SpliceError::Unexpected => Refusal::NotFound("what was read a moment ago".to_owned()),
        })?;
        if contents != file.contents {
            let replaced = of_file.into_iter();
            let replaced = replaced.map(|splice| (splice.expected, splice.replacement));
            edited
                .replaced
                .insert(file.path.clone(), replaced.collect());
            edited.files.insert(file.path.clone(), contents);
        }
    }
    Ok(edited)
}

/// A reference with an unknown text in which one of the changed places takes part.
fn is_moved_unseen(located: &Located, splices: &[Splice]) -> bool {
    match &located.found {
        Resolution::Known(_) => false,
        Resolution::Unknown { touches, .. } => splices
            .iter()
            .any(|splice| touches.iter().any(|t| meet(t, &splice.range()))),
    }
}

fn meet(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
}

/// The reference to name if two updates demand different texts at one place.
fn in_conflict<'a>(before: &'a [(RepoPath, Located)], splices: &[Splice]) -> &'a Located {
    let uses = |located: &&Located| match &located.found {
        Resolution::Known(known) => known
            .value
            .places(0..known.value.len())
            .iter()
            .any(|place| {
                splices
                    .iter()
                    .filter(|splice| meet(place, &splice.range()) || place.end == splice.start)
                    .count()
                    > 1
            }),
        Resolution::Unknown { .. } => false,
    };
    let mut all = before.iter().map(|(_, located)| located);
    all.rfind(uses).unwrap_or(&before[before.len() - 1].1)
}

/// The changes of one reference's update.
fn splices_of(
    located: &Located,
    known: &KnownReference,
    update: &Update,
) -> Result<Vec<Splice>, Refusal> {
    let line = located.line;
    let reference = &known.reference;
    match known.why_not {
        Some(WhyNot::ComputedValue) => return Err(Refusal::ComputedValue(line)),
        Some(WhyNot::SetByArgs) => return Err(Refusal::SetByArgs(line)),
        _ => {}
    }
    if reference.digest.is_some() && update.to_digest.is_none() && !update.drop_digest {
        return Err(Refusal::MissingDigest(line));
    }
    if let (Some(start), None, Some(digest)) =
        (known.digest_slot, &reference.digest, &update.to_digest)
    {
        let tag_only = Update {
            to_digest: None,
            ..update.clone()
        };
        let mut splices = splices_in(located, reference, &known.value, known.slot, &tag_only)?;
        splices.push(Splice {
            start: start as usize,
            expected: String::new(),
            replacement: digest.to_string(),
        });
        return Ok(splices);
    }
    let mut splices = splices_in(located, reference, &known.value, known.slot, update)?;
    for (value, slot) in &known.also {
        splices.extend(splices_in(located, reference, value, *slot, update)?);
    }
    Ok(splices)
}

/// The changes of one text of a reference: several places may give the same text.
fn splices_in(
    located: &Located,
    reference: &Reference,
    value: &Mapped,
    slot: Option<usize>,
    update: &Update,
) -> Result<Vec<Splice>, Refusal> {
    let line = located.line;
    let name = reference.name.written().len();
    let tag_end = name
        + reference
            .tag
            .as_ref()
            .map_or(0, |tag| 1 + tag.as_str().len());
    let not_expressible = |new: &dyn std::fmt::Display| Refusal::NotExpressible {
        line,
        written: located.written.clone(),
        new: new.to_string(),
    };
    let unsolved = |why: Unsolved, new: &dyn std::fmt::Display| match why {
        Unsolved::Impossible => not_expressible(new),
        Unsolved::Ambiguous => Refusal::Ambiguous {
            line,
            written: located.written.clone(),
            new: new.to_string(),
        },
    };
    let mut splices = Vec::new();
    let mut insertion = String::new();
    match (&reference.tag, &update.to_tag) {
        (None, None) => {}
        (Some(_), Some(new)) => {
            let (start, rest) = behind_prefix(value, name + 1..tag_end, new.as_str())
                .ok_or_else(|| not_expressible(new))?;
            let parts = parts(located, value, start..tag_end);
            splices.extend(replace(&parts, rest).map_err(|why| unsolved(why, new))?);
        }
        (None, Some(new)) if reference.digest.is_none() => insertion = format!(":{new}"),
        (None, Some(new)) => {
            let start = value.place_of(name).ok_or_else(|| not_expressible(new))?;
            splices.push(Splice {
                start,
                expected: String::new(),
                replacement: format!(":{new}"),
            });
        }
        (Some(old), None) => match &parts(located, value, name..tag_end)[..] {
            [part] => splices.push(Splice {
                start: part.place.start,
                expected: part.text.clone(),
                replacement: String::new(),
            }),
            _ => return Err(not_expressible(&format!("no tag instead of {old}"))),
        },
    }
    match (&reference.digest, &update.to_digest) {
        (Some(_), Some(new)) => {
            let parts = parts(located, value, tag_end + 1..value.len());
            splices.extend(replace(&parts, new.as_str()).map_err(|why| unsolved(why, new))?);
        }
        (None, Some(new)) => insertion.push_str(&format!("@{new}")),
        (Some(_), None) => match &parts(located, value, tag_end..value.len())[..] {
            [part] => splices.push(Splice {
                start: part.place.start,
                expected: part.text.clone(),
                replacement: String::new(),
            }),
            _ => return Err(not_expressible(&"no digest")),
        },
        (None, None) => {}
    }
    if !insertion.is_empty() {
        let start = slot.ok_or_else(|| not_expressible(&insertion))?;
        splices.push(Splice {
            start,
            expected: String::new(),
            replacement: insertion,
        });
    }
    Ok(splices)
}

fn replace(parts: &[Part], new: &str) -> Result<Vec<Splice>, Unsolved> {
    let solution = solve(parts, new)?;
    let old = |place: &Range<usize>| {
        parts
            .iter()
            .find(|part| part.place == *place)
            .map(|part| part.text.clone())
    };
    solution
        .into_iter()
        .map(|(place, text)| {
            Ok(Splice {
                start: place.start,
                expected: old(&place).ok_or(Unsolved::Impossible)?,
                replacement: text,
            })
        })
        .collect()
}

/// Where in a range the text of the file begins, and what the new text has there. What comes before is nowhere in the
/// file and cannot change: the `v` that a comment's `prefix=v` gives.
fn behind_prefix<'n>(
    value: &Mapped,
    range: Range<usize>,
    new: &'n str,
) -> Option<(usize, &'n str)> {
    let first = value.pieces(range.clone()).into_iter().next()?;
    match first.origin {
        Origin::Computed => {
            let rest = new.strip_prefix(&value.text()[first.range.clone()])?;
            (!rest.is_empty()).then_some((first.range.end, rest))
        }
        Origin::File(_) | Origin::Given => Some((range.start, new)),
    }
}

fn parts(located: &Located, value: &Mapped, range: Range<usize>) -> Vec<Part> {
    value
        .pieces(range)
        .into_iter()
        .filter_map(|piece| match piece.origin {
            Origin::File(place) => Some(Part {
                text: value.text()[piece.range].to_owned(),
                in_arg: !located.written_at.contains(&place.start),
                place,
            }),
            Origin::Computed | Origin::Given => None,
        })
        .collect()
}
