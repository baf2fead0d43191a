//! The last lines of a report: what a pass found and did, in numbers.

use super::output::counted;
use crate::run::Totals;

/// Repositories and references: `6 repositories, 17 references: 8 updates, 2 current`.
pub(super) fn repositories(totals: &Totals, unchanged: usize) -> String {
    let unchanged = match unchanged {
        0 => String::new(),
        unchanged => format!(" ({unchanged} unchanged)"),
    };
    format!(
        "{}{unchanged}, {}",
        counted(totals.repositories, "repository", "repositories"),
        references(totals)
    )
}

/// The references by outcome: `17 references: 8 updates, 2 current`.
pub(super) fn references(totals: &Totals) -> String {
    let kept = totals.outcome("keep").saturating_sub(totals.current);
    let updates = match totals.outcome("update") {
        1 => " update",
        _ => " updates",
    };
    let outcomes = [
        (totals.outcome("update"), updates),
        (totals.current, " current"),
        (kept, " kept for other reasons"),
        (totals.outcome("hold"), " waiting"),
        (totals.outcome("skip"), " skipped"),
        (totals.outcome("unknown"), " could not be checked"),
    ];
    format!(
        "{}: {}",
        counted(totals.references, "reference", "references"),
        list(&outcomes)
    )
}

/// The merge requests by what became of them; `None` if there are none.
pub(super) fn merge_requests(totals: &Totals, is_dry: bool) -> Option<String> {
    if totals.merge_requests.is_empty() {
        return None;
    }
    let (opened, updated, closed) = match is_dry {
        true => (" to open", " to update", " to close"),
        false => (" opened", " updated", " closed"),
    };
    let count = |status: &str| totals.merge_requests(&[status]);
    let held: String = totals
        .held_back
        .iter()
        .map(|(limit, count)| format!(", {count} held back by {limit}"))
        .collect();
    let counts = [
        (count("open"), opened),
        (count("update"), updated),
        (count("close"), closed),
        (count("merged"), " merged"),
        (count("unchanged"), " unchanged"),
        (count("kept"), " kept open"),
        (count("declined"), " closed by someone"),
        (count("reverted"), " reverted by someone"),
        (count("foreign"), " taken over by someone"),
        (count("retargeted"), " with another target branch"),
        (count("stopped"), " stopped by a label"),
        (
            totals.merge_requests(&["moved", "refused", "failed"]),
            " failed",
        ),
    ];
    let line = match counts.iter().all(|(count, _)| *count == 0) {
        // Only held back ones.
        true => held.trim_start_matches(", ").to_owned(),
        false => list(&counts) + &held,
    };
    Some(format!("merge requests: {line}"))
}

/// The counts that are not zero, as one list.
fn list(counts: &[(usize, &str)]) -> String {
    let shown = counts.iter().filter(|(count, _)| *count > 0);
    let shown: Vec<String> = shown
        .map(|(count, what)| format!("{count}{what}"))
        .collect();
    match shown.is_empty() {
        true => "nothing to do".to_owned(),
        false => shown.join(", "),
    }
}
