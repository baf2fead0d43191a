//! Plans an edit, makes it, and checks the result.

use super::dockerfile::Read;
use super::format::Format;
use super::located::{KnownReference, Located, Resolution, WhyNot};
use super::mapped::Origin;
use super::scan;
use super::solve::{Part, Unsolved, solve};
use super::splice::{Splice, SpliceError, splice};
use crate::image::{Digest, ImageName, Reference, Tag};
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
    /// The references to change, by [`Located::ordinal`]; `None`: all of them.
    pub only: Option<BTreeSet<usize>>,
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

    fn meant(&self, located: &Located) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| only.contains(&located.ordinal))
            && located
                .reference()
                .is_some_and(|reference| self.concerns(reference))
    }
}

/// Why an edit is refused; nothing is changed then.
#[expect(missing_docs, reason = "most fields are named after what they hold")]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A reference to change is not in the file.
    #[error("the file has no reference to {0}")]
    NotFound(String),
    /// A default also feeds another reference, which must not change, or not to the same text.
    #[error("line {line}: the edit would also change {written}, through a variable that both use")]
    SharedArg { line: usize, written: String },
    /// Two updates demand different texts for one reference.
    #[error("line {line}: the updates of {written} contradict each other")]
    Contradiction { line: usize, written: String },
    /// The reference has a digest, and the update does not.
    #[error("line {0}: a new tag needs a new digest too, and none is given")]
    MissingDigest(usize),
    /// The text is computed from a variable.
    #[error("line {0}: {text}", text = WhyNot::ComputedValue.describe())]
    ComputedValue(usize),
    /// CI passes the text, according to the configuration.
    #[error("line {0}: {text}", text = WhyNot::SetByArgs.describe())]
    SetByArgs(usize),
    /// The texts of several variables can be changed in different ways to give the new tag.
    #[error("line {line}: the variables of {written} can produce {new} in more than one way")]
    Ambiguous {
        line: usize,
        written: String,
        /// The wanted tag or digest.
        new: String,
    },
    /// The texts of the variables cannot give the new tag.
    #[error("line {line}: the variables of {written} cannot produce {new}")]
    NotExpressible {
        line: usize,
        written: String,
        /// The wanted tag or digest.
        new: String,
    },
    /// The file cannot be read.
    #[error("{0}")]
    Unreadable(#[from] super::scan::Unreadable),
}

impl Refusal {
    /// The refusal's stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not-found",
            Self::SharedArg { .. } => "shared-arg",
            Self::Contradiction { .. } => "contradicting-updates",
            Self::MissingDigest(_) => "missing-digest",
            Self::ComputedValue(_) => "computed-value",
            Self::SetByArgs(_) => "set-by-args",
            Self::Ambiguous { .. } => "ambiguous",
            Self::NotExpressible { .. } => "not-expressible",
            Self::Unreadable(why) => why.code(),
        }
    }
}

/// Makes all updates, or none; returns the whole file afterwards.
///
/// The result is parsed again: it must have exactly the planned references and no other change.
pub fn edit(
    format: Format,
    file: &[u8],
    args: &BTreeMap<String, String>,
    updates: &[Update],
) -> Result<Vec<u8>, Refusal> {
    let Read {
        references: before,
        around,
        ..
    } = scan::read(format, file, args)?;
    let mut planned = Vec::with_capacity(before.len());
    let mut splices = Vec::new();
    for located in &before {
        let mut meant = updates.iter().filter(|update| update.meant(located));
        let update = meant.next();
        if update.is_some_and(|one| !meant.all(|other| one.agrees_with(other))) {
            return Err(Refusal::Contradiction {
                line: located.line,
                written: located.written.clone(),
            });
        }
        planned.push(match (&located.found, update) {
            (Resolution::Known(known), Some(update)) => {
                splices.extend(splices_of(located, known, update)?);
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
        if !before.iter().any(|located| update.meant(located)) {
            let missing = Reference {
                name: update.image.clone(),
                tag: update.from_tag.clone(),
                digest: None,
            };
            return Err(Refusal::NotFound(missing.to_string()));
        }
    }
    if let Some(moved) = before
        .iter()
        .find(|located| is_moved_unseen(located, &splices))
    {
        return Err(shared(moved));
    }
    let edited = splice(file, &splices).map_err(|error| match error {
        SpliceError::Overlap => shared(in_conflict(&before, &splices)),
        SpliceError::Unexpected => Refusal::NotFound("what was read a moment ago".to_owned()),
    })?;
    let after = scan::read(format, &edited, args)?;
    // Stages and platforms are not references, but variables change them as well. They come first: a stage that is lost
    // becomes an image, which shifts all references after it.
    let mut before_after = around.iter().enumerate();
    if let Some((_, moved)) = before_after.find(|(at, said)| after.around.get(*at) != Some(said)) {
        return Err(Refusal::SharedArg {
            line: moved.line,
            written: moved.written.clone(),
        });
    }
    match first_difference(&before, &planned, &after.references) {
        Some(located) => Err(shared(located)),
        None => Ok(edited),
    }
}

fn shared(located: &Located) -> Refusal {
    Refusal::SharedArg {
        line: located.line,
        written: located.written.clone(),
    }
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
fn in_conflict<'a>(before: &'a [Located], splices: &[Splice]) -> &'a Located {
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
    before
        .iter()
        .rfind(uses)
        .unwrap_or(&before[before.len() - 1])
}

/// The first reference that is not as planned, or that changed without being planned.
fn first_difference<'a>(
    before: &'a [Located],
    planned: &[Option<Reference>],
    after: &[Located],
) -> Option<&'a Located> {
    if before.len() != after.len() {
        let moved = before
            .iter()
            .zip(after)
            .find(|(b, a)| b.line != a.line || b.kind != a.kind);
        return moved.map(|(b, _)| b).or(before.last());
    }
    let same = |before: &Located, planned: &Option<Reference>, after: &Located| {
        let around = |l: &Located| {
            (
                l.line,
                l.kind,
                l.stage.clone(),
                l.platform.clone(),
                l.why_not(),
            )
        };
        let unknown = |l: &Located| l.reference().is_none().then(|| l.written.clone());
        let text = |r: &Option<Reference>| r.as_ref().map(ToString::to_string);
        around(before) == around(after)
            && unknown(before) == unknown(after)
            && text(planned) == text(&after.reference().cloned())
    };
    before
        .iter()
        .zip(planned)
        .zip(after)
        .find(|((b, p), a)| !same(b, p, a))
        .map(|((b, _), _)| b)
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
            let parts = parts(located, known, name + 1..tag_end);
            splices.extend(replace(&parts, new.as_str()).map_err(|why| unsolved(why, new))?);
        }
        (None, Some(new)) if reference.digest.is_none() => insertion = format!(":{new}"),
        (None, Some(new)) => {
            let start = known
                .value
                .place_of(name)
                .ok_or_else(|| not_expressible(new))?;
            splices.push(Splice {
                start,
                expected: String::new(),
                replacement: format!(":{new}"),
            });
        }
        (Some(old), None) => match &parts(located, known, name..tag_end)[..] {
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
            let parts = parts(located, known, tag_end + 1..known.value.len());
            splices.extend(replace(&parts, new.as_str()).map_err(|why| unsolved(why, new))?);
        }
        (None, Some(new)) => insertion.push_str(&format!("@{new}")),
        (Some(_), None) => match &parts(located, known, tag_end..known.value.len())[..] {
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
        let start = known.slot.ok_or_else(|| not_expressible(&insertion))?;
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

fn parts(located: &Located, known: &KnownReference, range: Range<usize>) -> Vec<Part> {
    known
        .value
        .pieces(range)
        .into_iter()
        .filter_map(|piece| match piece.origin {
            Origin::File(place) => Some(Part {
                text: known.value.text()[piece.range].to_owned(),
                in_arg: !located.written_at.contains(&place.start),
                place,
            }),
            Origin::Computed | Origin::Given => None,
        })
        .collect()
}
