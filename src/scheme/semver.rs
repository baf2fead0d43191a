//! `semver`: strict SemVer 2 with an optional `v`, as the `semver` crate reads it: a number over 64 bits is not SemVer.

use super::level::Level;
use super::order::{Mark, Number};
use super::reading::{Reading, Style};

/// Reads a tag into `out`; false if it is not a semantic version.
pub(super) fn read<'t>(tag: &'t str, out: &mut Reading<'t>) -> bool {
    out.clear();
    let text = match tag.strip_prefix('v') {
        Some(rest) => {
            out.style = Style::Lower;
            rest
        }
        None => tag,
    };
    if ::semver::Version::parse(text).is_err() {
        return false;
    }
    // Build metadata does not affect precedence (SemVer 2, 10).
    let text = text.split_once('+').map_or(text, |(text, _)| text);
    let (core, prerelease) = match text.split_once('-') {
        Some((core, prerelease)) => (core, Some(prerelease)),
        None => (text, None),
    };
    let levels = [Level::Major, Level::Minor, Level::Patch];
    out.version
        .extend(core.split('.').map(Number::new).zip(levels));
    out.core = core;
    out.precision = 3;
    for part in prerelease.into_iter().flat_map(|text| text.split('.')) {
        out.stages
            .push(match part.bytes().all(|b| b.is_ascii_digit()) {
                true => Mark::Part(Number::new(part)),
                false => Mark::Word(part),
            });
    }
    if prerelease.is_some() {
        out.stages.push(Mark::End);
    }
    true
}
