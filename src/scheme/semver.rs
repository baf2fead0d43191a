//! `semver`: strict SemVer 2 with an optional `v`.

use super::level::Level;
use super::order::{Mark, Number};
use super::reading::{Reading, Style};

/// Reads a tag into `out`; false if it is no semantic version.
///
/// The `semver` crate is not used here: its numbers end at 64 bits.
pub(super) fn read<'t>(tag: &'t str, out: &mut Reading<'t>) -> bool {
    out.clear();
    read_strictly(tag, out).is_some()
}

fn read_strictly<'t>(tag: &'t str, out: &mut Reading<'t>) -> Option<()> {
    let text = match tag.strip_prefix('v') {
        Some(rest) => {
            out.style = Style::Lower;
            rest
        }
        None => tag,
    };
    // Build metadata has no part in the precedence (SemVer 2, 10).
    let (text, metadata) = match text.split_once('+') {
        Some((text, metadata)) => (text, Some(metadata)),
        None => (text, None),
    };
    let is_word = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if metadata.is_some_and(|metadata| !metadata.split('.').all(is_word)) {
        return None;
    }
    let (core, prerelease) = match text.split_once('-') {
        Some((core, prerelease)) => (core, Some(prerelease)),
        None => (text, None),
    };
    let mut numbers = core.split('.');
    for level in [Level::Major, Level::Minor, Level::Patch] {
        out.version.push((number(numbers.next()?)?, level));
    }
    if numbers.next().is_some() {
        return None;
    }
    out.core = core;
    out.precision = 3;
    for part in prerelease.into_iter().flat_map(|text| text.split('.')) {
        let digits = part.bytes().all(|byte| byte.is_ascii_digit());
        let mark = match digits {
            true => Mark::Part(number(part)?),
            false if is_word(part) => Mark::Word(part),
            false => return None,
        };
        out.stages.push(mark);
    }
    if prerelease.is_some() {
        out.stages.push(Mark::End);
    }
    Some(())
}

/// A numeric identifier: no leading zero (SemVer 2, 2 and 9).
fn number(digits: &str) -> Option<Number<'_>> {
    let fits = !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'));
    fits.then(|| Number::new(digits))
}
