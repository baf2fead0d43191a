//! A text with its variables expanded, and the reference that it is.
//!
//! The same for all formats: each expands variables by its own rules, and ends here.

use super::located::{KnownReference, Resolution, WhyNot};
use super::mapped::{Mapped, Origin};
use crate::image::Reference;
use std::ops::Range;

/// A text with its variables expanded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Expanded {
    pub(crate) value: Mapped,
    /// The position in the file at which text can be added to its end.
    pub(crate) slot: Option<usize>,
    /// The position in the file at which a digest without its `@` can be added: an empty field for it.
    pub(crate) digest_slot: Option<u32>,
    /// Whether it contains a variable without a known value.
    pub(crate) unresolved: bool,
    /// Whether a part is computed from a variable.
    pub(crate) computed: bool,
    /// Why it cannot be edited although it is known.
    pub(crate) fixed: Option<WhyNot>,
    /// Whether it is malformed or too long.
    pub(crate) malformed: bool,
    /// Whether a part is a number for the file's format: in its place, a text has to be written in quotes.
    pub(crate) is_number: bool,
    /// Another reason why it is unknown.
    pub(crate) why: Option<WhyNot>,
}

impl Expanded {
    /// A text without variables.
    pub(crate) fn literal(text: &Mapped) -> Self {
        Self {
            slot: text.place_behind(text.len()),
            value: text.clone(),
            ..Self::default()
        }
    }

    /// A text that the configuration gives.
    pub(crate) fn given(text: &str) -> Self {
        Self {
            value: Mapped::given(text),
            ..Self::default()
        }
    }

    /// A text that cannot be read.
    pub(crate) fn malformed() -> Self {
        Self {
            malformed: true,
            ..Self::default()
        }
    }

    /// An unresolved text that depends on all of these: their known pieces stay, because a change of them changes it.
    pub(crate) fn unresolved<'a>(of: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut unknown = Self {
            unresolved: true,
            ..Self::default()
        };
        for part in of {
            unknown.value.append(&part.value);
        }
        unknown
    }

    /// Whether nothing is known about it as a whole.
    pub(crate) fn is_opaque(&self) -> bool {
        self.unresolved || self.malformed || self.why.is_some()
    }

    /// Adds another text after this one. Text can be added where the later one ends.
    pub(crate) fn append(&mut self, other: &Self) {
        self.value.append(&other.value);
        if !other.value.is_empty() {
            self.slot = other.slot;
        }
        self.mark(other);
    }

    /// What holds for another text that is a part of this one.
    pub(crate) fn mark(&mut self, other: &Self) {
        self.unresolved |= other.unresolved;
        self.computed |= other.computed;
        self.fixed = self.fixed.or(other.fixed);
        self.malformed |= other.malformed;
        self.is_number |= other.is_number;
        self.why = self.why.or(other.why);
    }

    /// The reference that it is. `own` is where the reference itself is written: what comes from elsewhere is a
    /// variable's value.
    pub(crate) fn resolution(self, own: &Range<usize>) -> Resolution {
        let Self {
            value,
            slot,
            digest_slot,
            unresolved,
            computed,
            fixed,
            malformed,
            is_number,
            why,
        } = self;
        let unknown = |why| Resolution::Unknown {
            why,
            touches: value.places(0..value.len()),
        };
        if let Some(why) = why {
            return unknown(why);
        }
        if malformed {
            return unknown(WhyNot::InvalidReference);
        }
        if unresolved {
            return unknown(WhyNot::UnresolvedArg);
        }
        let Ok(reference) = Reference::parse(value.text()) else {
            return unknown(WhyNot::InvalidReference);
        };
        let name = reference.name.written().len();
        let behind_name = value.pieces(name..value.len());
        let is_given = |piece: &super::mapped::Piece| piece.origin == Origin::Given;
        let why_not = if fixed.is_some() {
            fixed
        } else if computed {
            Some(WhyNot::ComputedValue)
        } else if behind_name.iter().any(is_given) || slot.is_none() {
            Some(WhyNot::SetByArgs)
        } else {
            None
        };
        let tag_from_arg = reference.tag.as_ref().is_some_and(|tag| {
            let start = name + 1;
            value
                .places(start..start + tag.as_str().len())
                .iter()
                .any(|place| !own.contains(&place.start))
        });
        Resolution::Known(KnownReference {
            reference,
            why_not,
            tag_from_arg,
            value,
            slot,
            digest_slot,
            is_number,
            also: Vec::new(),
        })
    }
}
