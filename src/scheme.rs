//! Reads tags as versions, and decides for every tag of a list why it is the next one or why not.
//!
//! Given the pinned tag and the tags that a registry has, [`select()`] finds the next tag and gives every tag its
//! [`TagVerdict`]. All of it is pure: no I/O, no clock, no environment; today's date is an argument. Nothing here
//! panics, whatever a tag contains, and no answer depends on the order of the list. What a tag points to (digest,
//! platforms, age) is not known here: the caller removes candidates with [`Selection::reject`].
//!
//! Every scheme turns a tag into one [`Reading`]; `judge` compares two readings part by part, and `order` turns a
//! reading into a row of tokens, which is the only order.
//!
//! # To add a word
//!
//! Add it to its list in `scheme/words.rs`. To add a release of a distribution, add a row to its table in
//! `scheme/distribution.rs`.
//!
//! # To add a scheme
//!
//! 1. Add `scheme/<name>.rs` with `read(tag, &mut Reading) -> bool`. Fill `version`, each number with
//!    its level, `precision`, and what else the scheme knows; leave the rest empty.
//! 2. Add a variant to [`Scheme`]. The compiler then asks how it behaves ([`Scheme::traits`]), how it reads
//!    (`Reader::read` in `scheme/reader.rs`) and what it is called (`config/schemes.rs`, `cli/tags.rs`).
//! 3. Add its cases to `scheme/tests.rs`, and name it in `scheme_properties.rs`.
//! 4. Name it where the configuration's key `scheme` is documented.

mod align;
mod auto;
mod bump;
mod calendar;
mod context;
mod distribution;
mod ended;
mod error;
mod explain;
mod hash;
mod hint;
mod judge;
mod judged;
mod level;
mod newest;
mod offer;
mod open;
mod order;
mod pattern;
mod range;
mod reader;
mod reading;
mod regex;
mod rules;
mod second;
mod select;
mod selection;
mod semver;
mod siblings;
mod verdict;
mod words;

#[cfg(test)]
mod tests;

pub use align::{Aligned, aligned};
pub use bump::{Bump, BumpError, bumped, is_version};
pub use error::SchemeError;
pub use hint::Hint;
pub use judged::Judged;
pub use level::{Level, ParseLevelError};
pub use reader::read;
pub use reading::Reading;
pub use regex::RegexScheme;
pub use rules::{Allow, CodenameMode, Ignore, Rules, Scheme, SchemeTraits, VariantMode};
pub use select::select;
pub use selection::{Candidate, Selection, Work};
pub use verdict::TagVerdict;

use crate::image::ImageName;

/// How `candidate` compares to `current`; `None` if the two cannot be compared.
///
/// This is the guard against a downgrade: whatever a list, a cache or a user says, only a tag that is `Greater` here is
/// an update.
pub fn compare(
    image: &ImageName,
    current: &str,
    candidate: &str,
    rules: &Rules,
) -> Option<std::cmp::Ordering> {
    context::compare(image, current, candidate, rules)
}
