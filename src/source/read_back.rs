//! Whether the files after an edit have exactly the references that were planned.

use super::located::{Located, WhyNot};
use super::refusal::Refusal;
use crate::image::Reference;
use crate::repo::RepoPath;
use std::collections::BTreeSet;

/// The refusal of an edit that would change a reference without being meant to.
pub(super) fn shared(located: &Located) -> Refusal {
    Refusal::SharedArg {
        line: located.line,
        written: located.written.clone(),
    }
}

/// The references that are expected after an edit, each as it was and as it is planned: several that become the same text
/// at the same place are one.
fn expected<'a>(
    before: &'a [(RepoPath, Located)],
    planned: &'a [Option<Reference>],
) -> Vec<(&'a Located, &'a Option<Reference>)> {
    let mut seen = BTreeSet::new();
    let all = before
        .iter()
        .zip(planned)
        .filter(|((path, located), planned)| {
            let Some(planned) = planned else {
                return true;
            };
            let at = &located.written_at;
            let place = (path, located.line, located.kind, at.start, at.end);
            let why = located.why_not().map(WhyNot::code);
            seen.insert((place, planned.to_string(), why))
        });
    all.map(|((_, located), planned)| (located, planned))
        .collect()
}

/// The refusal for the first reference that is not as planned, or that changed without being planned.
pub(super) fn first_difference(
    before: &[(RepoPath, Located)],
    planned: &[Option<Reference>],
    after: &[(RepoPath, Located)],
) -> Option<Refusal> {
    let expected = expected(before, planned);
    let after = || after.iter().map(|(_, located)| located);
    if expected.len() != after().len() {
        let mut before = expected.iter().map(|(located, _)| *located);
        let mut both = before.clone().zip(after());
        let moved = both.find(|(b, a)| b.line != a.line || b.kind != a.kind);
        return moved.map(|(b, _)| b).or(before.next_back()).map(shared);
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
    expected
        .into_iter()
        .zip(after())
        .find_map(|((before, planned), after)| {
            let new = planned.as_ref().filter(|r| r.tag.is_some());
            let new = new.map(|r| {
                let name = r.name.written().len();
                r.to_string()[name + 1..].to_owned()
            });
            let is_lost = before.why_not() != after.why_not()
                && after.why_not() == Some(WhyNot::UnquotedNumber);
            match (before.is_number(), after.is_number(), new) {
                // A change of the type is the more exact reason.
                (was_number, is_number, Some(new)) if was_number != is_number || is_lost => {
                    Some(Refusal::NeedsQuotes {
                        line: before.line,
                        new: new.to_string(),
                        was_number,
                        is_number,
                    })
                }
                _ if !same(before, planned, after) => Some(shared(before)),
                _ => None,
            }
        })
}
