//! `auto`: reads a tag without knowing how its author writes versions.
//!
//! One pass over the bytes: [`core`] finds the version, [`tail`] classifies what follows it. No regular expressions are
//! used, and only parts of the tag are kept.

mod core;
mod tail;

use super::hash::{HashPlaces, is_bare_hash};
use super::reading::{Calendar, Reading};

/// Reads a tag into `out`; false if it is not a version.
pub(super) fn read<'t>(tag: &'t str, hashes: &HashPlaces, out: &mut Reading<'t>) -> bool {
    out.clear();
    if !tag.bytes().any(|byte| byte.is_ascii_digit()) || is_bare_hash(tag) {
        return false;
    }
    let hashes = hashes.marks(tag);
    let Some(core) = core::find(tag, hashes) else {
        return false;
    };
    core.prefix(tag, hashes, out);
    core.version(tag, out);
    tail::read(tag, core.end, hashes, out);
    true
}

/// Reads a tag that begins with a codename, `bookworm-20240101-slim`, from the end of the codename.
///
/// A number directly after it is the version; everything else is the tail.
pub(super) fn read_behind_codename<'t>(
    tag: &'t str,
    codename: usize,
    hashes: &HashPlaces,
    out: &mut Reading<'t>,
) {
    out.clear();
    let hashes = hashes.marks(tag);
    let core = core::find(tag, hashes).filter(|core| core.start == codename + 1);
    if let Some(core) = &core {
        core.version(tag, out);
    } else {
        out.calendar = Calendar::Plain;
    }
    tail::read(tag, core.map_or(codename, |core| core.end), hashes, out);
}
