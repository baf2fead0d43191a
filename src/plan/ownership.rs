//! Whether a branch contains only imagebot's own commit.

use super::change::{Change, ChangeSet};
use super::message::sealed_changes;
use crate::repo::RepoPath;
use crate::source::{Format, differs_only_by, differs_only_in};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The owner of the head of one of imagebot's branches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// imagebot's own commit, with these changes.
    Ours(ChangeSet),
    /// Someone else's commits, which are never overwritten; the evidence.
    Foreign(String),
}

/// A file that the commit on the branch changed, before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileVersions {
    /// Its path from the repository's root.
    pub path: RepoPath,
    /// Its contents in the commit's parent; `None` if it was not a regular file there.
    pub before: Option<Vec<u8>>,
    /// Its contents in the commit; `None` if it is not a regular file there.
    pub after: Option<Vec<u8>>,
    /// Whether its mode is unchanged.
    pub same_mode: bool,
}

/// Judges the commits between the target branch and a branch's head, ignoring merges of the target.
///
/// The branch is ours if it has exactly one commit with our trailers and a valid seal, and that commit changes only the
/// files named in its trailers, and undoing the named edits restores the parent's bytes. Author, dates, parent,
/// signature and imagebot's version don't matter.
pub fn whose(
    messages: &[String],
    files: &[FileVersions],
    args: &BTreeMap<String, String>,
) -> Ownership {
    let [message] = messages else {
        return Ownership::Foreign("the branch does not have exactly one commit".to_owned());
    };
    let Some(changes) = sealed_changes(message) else {
        return Ownership::Foreign(
            "the commit message is not imagebot's or was changed".to_owned(),
        );
    };
    let touched: BTreeSet<&RepoPath> = files.iter().map(|file| &file.path).collect();
    if touched != changes.paths() {
        return Ownership::Foreign("the commit changes files that it does not name".to_owned());
    }
    for file in files {
        let (Some(before), Some(after), true) = (&file.before, &file.after, file.same_mode) else {
            return Ownership::Foreign(
                "the commit adds or removes a file, or changes its mode".to_owned(),
            );
        };
        let edits: Vec<_> = changes.of_path(&file.path).map(Change::update).collect();
        let versions = changes.versions_of(&file.path);
        let versions = versions.map(|change| (change.from.as_str(), change.to.as_str()));
        let values = changes.values_of(&file.path);
        let values = values.map(|change| (change.from.as_str(), change.to.as_str()));
        let mut replaced: Vec<_> = values.collect();
        let has_values = !replaced.is_empty();
        replaced.extend(versions);
        let only = match Format::read_as(file.path.as_str(), before) {
            Some(format) if !edits.is_empty() && !has_values => {
                differs_only_by(format, before, after, args, &edits, &replaced)
            }
            // Its references are not read on their own, or it has none: only texts have to be undone.
            _ => (edits.is_empty() || has_values) && differs_only_in(before, after, &replaced),
        };
        if !only {
            return Ownership::Foreign(
                "the commit changes more than the references and versions it names".to_owned(),
            );
        }
    }
    Ownership::Ours(changes)
}

/// Whether two changes of one file would conflict: their line ranges overlap or touch.
pub fn overlaps(base: &[u8], ours: &[u8], theirs: &[u8]) -> bool {
    let (one, two) = (changed_lines(base, ours), changed_lines(base, theirs));
    match (one, two) {
        (Some(one), Some(two)) => one.start <= two.end && two.start <= one.end,
        _ => false,
    }
}

/// The range of lines of `base` that differ; `None` if none does.
fn changed_lines(base: &[u8], changed: &[u8]) -> Option<Range<usize>> {
    if base == changed {
        return None;
    }
    let lines = |text| <[u8]>::split_inclusive(text, |b| *b == b'\n').collect::<Vec<_>>();
    let (base, changed) = (lines(base), lines(changed));
    let front = base
        .iter()
        .zip(&changed)
        .take_while(|(a, b)| a == b)
        .count();
    let most = base.len().min(changed.len()) - front;
    let back = base
        .iter()
        .rev()
        .zip(changed.iter().rev())
        .take(most)
        .take_while(|(a, b)| a == b)
        .count();
    Some(front..base.len() - back)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_in_different_lines_do_not_meet() {
        let base = b"FROM a:1\nRUN x\nRUN y\nRUN z\n";
        let ours = b"FROM a:2\nRUN x\nRUN y\nRUN z\n";
        assert!(!overlaps(base, ours, base));
        assert!(!overlaps(base, ours, b"FROM a:1\nRUN x\nRUN y\nRUN w\n"));
        assert!(overlaps(base, ours, b"FROM a:3\nRUN x\nRUN y\nRUN z\n"));
        assert!(overlaps(
            base,
            ours,
            b"# c\nFROM a:1\nRUN x\nRUN y\nRUN z\n"
        ));
    }
}
