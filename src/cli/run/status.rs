//! What became of a merge request, in words.

use super::super::page::Role;

/// The word and the role of a status.
pub(super) fn words(status: &str, is_dry: bool) -> (Role, &str) {
    match (status, is_dry) {
        ("open", true) => (Role::Good, "would open"),
        ("update", true) => (Role::Good, "would update"),
        ("close", true) => (Role::Caution, "would close"),
        ("open", false) => (Role::Good, "opened"),
        ("update", false) => (Role::Good, "updated"),
        ("close", false) => (Role::Caution, "closed"),
        ("merged", _) => (Role::Good, "merged"),
        ("unchanged", _) => (Role::Faint, "unchanged"),
        ("kept", _) => (Role::Caution, "stays open"),
        ("limited", _) => (Role::Caution, "held back"),
        ("foreign", _) => (Role::Faint, "taken over"),
        ("declined" | "reverted" | "stopped" | "retargeted", _) => (Role::Faint, status),
        ("moved" | "refused" | "failed", _) => (Role::Bad, status),
        (other, _) => (Role::Plain, other),
    }
}

/// Whether the pass changed the merge request, or tried to and failed.
pub(super) fn is_change(status: &str) -> bool {
    matches!(
        status,
        "open" | "update" | "close" | "merged" | "moved" | "refused" | "failed"
    )
}
