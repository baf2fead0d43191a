//! Compares a tag with the version that its image has in the repository that builds it.

use super::bump::Form;
use super::level::Level;
use std::cmp::Ordering;

/// How a tag compares to its image's version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aligned {
    /// It names this version.
    Same,
    /// It names an earlier version: the tag that names the present one, and the width of the change.
    Behind(String, Level),
    /// It names a later version.
    Ahead,
    /// It is not a version, or of another kind: `latest`, a variant that the version does not have.
    Unrelated,
}

/// Compares a tag with a version. The tag keeps its form: its `v`, how many numbers it has, and a suffix that the
/// version does not have (`1.2.3-slim` and 1.2.4 give `1.2.4-slim`).
pub fn aligned(tag: &str, version: &str) -> Aligned {
    let (Some(from), Some(to)) = (Form::of(tag), Form::of(version)) else {
        return Aligned::Unrelated;
    };
    let suffix = if from.suffix == to.suffix || from.suffix.is_empty() || from.is_prerelease() {
        to.suffix
    } else if to.suffix.is_empty() {
        from.suffix
    } else {
        return Aligned::Unrelated;
    };
    let written = from.core.split('.').count();
    let core: Vec<&str> = to.core.split('.').take(written).collect();
    let new = format!("{}{}{suffix}", from.mark, core.join("."));
    if new == tag {
        return Aligned::Same;
    }
    let old: Vec<&str> = from.core.split('.').collect();
    let at = old
        .iter()
        .zip(&core)
        .position(|(a, b)| number(a) != number(b));
    let order = match at {
        Some(at) => number(old[at]).cmp(&number(core[at])),
        None => old.len().cmp(&core.len()),
    };
    let level = match at {
        Some(0) => Level::Major,
        Some(1) => Level::Minor,
        _ => Level::Patch,
    };
    match order.then_with(|| stages(&from, &to)) {
        Ordering::Less => Aligned::Behind(new, level),
        Ordering::Greater => Aligned::Ahead,
        // Only the zeros before a number differ.
        Ordering::Equal => Aligned::Behind(new, level),
    }
}

/// The number without leading zeros, so that the longer one is the larger one.
fn number(digits: &str) -> (usize, &str) {
    let digits = digits.trim_start_matches('0');
    (digits.len(), digits)
}

/// Which of two versions with equal numbers is earlier: a prerelease, or the lower of two.
fn stages(a: &Form<'_>, b: &Form<'_>) -> Ordering {
    match (a.is_prerelease(), b.is_prerelease()) {
        (true, true) => runs(a.suffix).cmp(&runs(b.suffix)),
        (a, b) => b.cmp(&a),
    }
}

/// A suffix as words and numbers, numbers by their size.
fn runs(suffix: &str) -> Vec<(usize, &str)> {
    let mut runs = Vec::new();
    let mut rest = suffix;
    while let Some(first) = rest.bytes().next() {
        let is_digit = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_digit);
        let (run, behind) = rest.split_at(end.unwrap_or(rest.len()));
        runs.push(if is_digit { number(run) } else { (0, run) });
        rest = behind;
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c14_a_tag_follows_its_images_version_and_keeps_its_form() {
        let behind = |tag: &str, level| Aligned::Behind(tag.to_owned(), level);
        for (tag, version, expect) in [
            ("1.2.3", "1.2.3", Aligned::Same),
            ("1.2.3", "1.2.4", behind("1.2.4", Level::Patch)),
            ("1.9.3", "1.10.0", behind("1.10.0", Level::Minor)),
            ("1.2.3", "2.0.0", behind("2.0.0", Level::Major)),
            ("v1.2.3", "1.2.4", behind("v1.2.4", Level::Patch)),
            ("1.2.3", "v1.2.4", behind("1.2.4", Level::Patch)),
            ("1.2.3-slim", "1.2.4", behind("1.2.4-slim", Level::Patch)),
            ("1.2.3-slim", "1.2.3", Aligned::Same),
            ("1.2", "1.2.9", Aligned::Same),
            ("1.2", "1.3.0", behind("1.3", Level::Minor)),
            ("1", "1.3.0", Aligned::Same),
            ("1.2.4", "1.2.3", Aligned::Ahead),
            ("2.0.0", "1.9.9", Aligned::Ahead),
            (
                "1.2.3-rc.1",
                "1.2.3-rc.2",
                behind("1.2.3-rc.2", Level::Patch),
            ),
            (
                "1.2.3-rc.9",
                "1.2.3-rc.10",
                behind("1.2.3-rc.10", Level::Patch),
            ),
            ("1.2.3-rc.2", "1.2.3-rc.1", Aligned::Ahead),
            ("1.2.3-rc.1", "1.2.3", behind("1.2.3", Level::Patch)),
            ("1.2.3", "1.2.3-rc.1", Aligned::Ahead),
            ("1.2.3", "1.2.4-rc.1", behind("1.2.4-rc.1", Level::Patch)),
            ("1.2.3-slim", "1.2.4-rc.1", Aligned::Unrelated),
            ("latest", "1.2.3", Aligned::Unrelated),
            ("slim", "1.2.3", Aligned::Unrelated),
        ] {
            assert_eq!(aligned(tag, version), expect, "{tag} beside {version}");
        }
    }
}
