//! A reference whose parts are in several texts: registry, name, tag, digest.

use super::located::{Resolution, WhyNot};
use super::mapped::Mapped;
use super::value::Expanded;
use std::ops::Range;

/// The parts of a reference.
#[derive(Default)]
pub(crate) struct ReferenceParts {
    pub(crate) registry: Option<Expanded>,
    pub(crate) name: Expanded,
    pub(crate) tag: Option<Expanded>,
    pub(crate) digest: Option<Expanded>,
}

/// The parts as one text.
pub(crate) struct JoinedParts {
    pub(crate) text: Expanded,
    /// Where the name ends.
    name_end: usize,
    /// Whether only the tag is in a field of its own, which may be read by something that expects no digest in it.
    is_bare_tag: bool,
}

impl ReferenceParts {
    pub(crate) fn join(self) -> JoinedParts {
        let mut text = Expanded::default();
        if let Some(registry) = self.registry {
            text.append(&registry);
            text.append(&separator("/"));
        }
        text.append(&self.name);
        let name_end = text.value.len();
        let is_bare_tag = self.tag.is_some() && self.digest.is_none();
        for (mark, part) in [(":", self.tag), ("@", self.digest)] {
            if let Some(part) = part {
                text.append(&separator(mark));
                text.append(&part);
            }
        }
        JoinedParts {
            text,
            name_end,
            is_bare_tag,
        }
    }
}

impl JoinedParts {
    /// The reference that the text is, for readers that may expect no digest in a field for a tag. `own` is where its
    /// main part is written.
    pub(crate) fn careful_resolution(self, own: &Range<usize>) -> Resolution {
        let is_bare_tag = self.is_bare_tag;
        let mut found = self.resolution(own);
        if let Resolution::Known(known) = &mut found {
            known.tag_from_arg |= is_bare_tag && known.reference.digest.is_none();
        }
        found
    }

    /// The reference that the text is.
    pub(crate) fn resolution(self, own: &Range<usize>) -> Resolution {
        let found = self.text.resolution(own);
        match found {
            // A tag with a slash would make a registry's port of itself.
            Resolution::Known(known) if known.reference.name.written().len() != self.name_end => {
                Resolution::Unknown {
                    why: WhyNot::InvalidReference,
                    touches: known.value.places(0..known.value.len()),
                }
            }
            found => found,
        }
    }
}

/// A character between two parts, which is nowhere in the file.
fn separator(text: &str) -> Expanded {
    Expanded {
        value: Mapped::computed(text),
        ..Expanded::default()
    }
}
