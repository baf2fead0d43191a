//! What goes on in a repository, as those below it have to know it.

use super::action::{Result, Status};
use super::change::ChangeSet;
use super::propose::Proposal;
use super::request::Request;
use crate::family::hold::Open;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What is remembered of merge requests, or told by the forge.
pub trait Since {
    /// When an open merge request was opened, where the forge does not tell it.
    fn opened(&mut self, number: u64) -> Option<Timestamp>;

    /// Since when one with these changes is about to be opened: a limit may hold it back for long.
    fn opening(&mut self, changes: &ChangeSet) -> Option<Timestamp>;
}

/// The merge requests of a repository that those below it may have to wait for: those that are open and those that are
/// about to be opened. Drafts, and those that a person stopped or decided against, are not among them. `failed` are the
/// numbers of those whose pipeline failed.
pub fn requests(
    proposals: &[Proposal],
    results: &[Result],
    open: &[Request],
    failed: &BTreeSet<u64>,
    since: &mut dyn Since,
) -> Vec<Open> {
    let mut found = Vec::new();
    for result in results {
        let holds = matches!(
            result.status,
            Status::Open
                | Status::Update
                | Status::Unchanged
                | Status::Foreign
                | Status::Kept
                | Status::Refused
                | Status::Moved
        );
        let there = open.iter().find(|mr| Some(mr.number) == result.number);
        let proposal = result.proposal.map(|index| &proposals[index]);
        match (there, proposal) {
            (Some(mr), _) if holds && !mr.draft => {
                let action = result.action.as_ref();
                let writes = action.is_some_and(|action| action.write.is_some());
                let changes = mr.changes().map(paths);
                // What is about to be written into it is coming as well.
                let more = proposal.map(|proposal| paths(&proposal.changes));
                found.push(Open {
                    number: Some(mr.number),
                    major: is_major(mr),
                    // What is written anew is tested anew.
                    failed: failed.contains(&mr.number) && !writes,
                    since: mr.created.or_else(|| since.opened(mr.number)),
                    paths: changes
                        .map(|changes| changes.into_iter().chain(more.into_iter().flatten()))
                        .map(Iterator::collect)
                        .unwrap_or_default(),
                });
            }
            (None, Some(proposal)) if result.status == Status::Open => found.push(Open {
                number: None,
                major: proposal.texts.state.major,
                failed: false,
                since: since.opening(&proposal.changes),
                paths: paths(&proposal.changes),
            }),
            _ => {}
        }
    }
    found
}

/// The same of a repository in which nothing could be planned: what the forge lists as open there. `stop_label` is the
/// label that takes a merge request out of imagebot's hands.
pub fn listed(
    open: &[Request],
    stop_label: &str,
    failed: &BTreeSet<u64>,
    since: &mut dyn Since,
) -> Vec<Open> {
    let is_stopped = |mr: &&Request| mr.labels.iter().any(|label| label == stop_label);
    let open = open.iter().filter(|mr| !mr.draft && !is_stopped(mr));
    let open = open.map(|mr| Open {
        number: Some(mr.number),
        major: is_major(mr),
        failed: failed.contains(&mr.number),
        since: mr.created.or_else(|| since.opened(mr.number)),
        paths: mr.changes().map(paths).unwrap_or_default(),
    });
    open.collect()
}

fn is_major(mr: &Request) -> bool {
    mr.state().is_some_and(|state| state.major)
}

fn paths(changes: &ChangeSet) -> BTreeSet<crate::repo::RepoPath> {
    changes.paths().into_iter().cloned().collect()
}
