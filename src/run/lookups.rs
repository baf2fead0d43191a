//! The look-ups for the references of a repository.

use super::setup::Setup;
use crate::fleet::ParsedRepo;
use crate::forge::ForgeRegistry;
use crate::plan::{Failure, FailureKind, Lookup};
use crate::source::Located;
use crate::store::StoredKind;
use std::collections::BTreeSet;
use std::ops::Bound;

/// For each reference, in order: `None` if its registry may not be contacted, a failure if its login is missing.
pub(super) type Lookups = Vec<Result<Option<Lookup>, Failure>>;

/// The look-ups for the references of a repository. Images beyond its budget are postponed: the next pass starts with
/// them.
pub(super) fn lookups(
    setup: &Setup,
    parsed: &ParsedRepo,
    registry: Option<&ForgeRegistry>,
) -> Lookups {
    let all = parsed.references.iter();
    let mut all: Lookups = all
        .map(|(_, located)| lookup(setup, parsed, registry, located))
        .collect();
    let most = setup.config.budget.lookups;
    let named = all.iter().flatten().flatten();
    let names: BTreeSet<String> = named.map(|lookup| lookup.image.canonical()).collect();
    if names.len() <= most {
        return all;
    }
    let name = parsed.name.as_ref();
    let key = name.map_or_else(String::new, ToString::to_string);
    let last = setup.store.kept(StoredKind::Turn, &key).unwrap_or_default();
    let after = names.range::<str, _>((Bound::Excluded(last.as_str()), Bound::Unbounded));
    let turn: Vec<&String> = after.chain(&names).take(most).collect();
    let this_pass: BTreeSet<&str> = turn.iter().map(|name| name.as_str()).collect();
    // Inspecting a folder does not count as a pass.
    if let Some(last) = turn.last().filter(|_| name.is_some()) {
        setup.store.keep(StoredKind::Turn, &key, last);
    }
    let count = names.len();
    for slot in &mut all {
        let over = matches!(slot, Ok(Some(lookup)) if !this_pass.contains(lookup.image.canonical().as_str()));
        if over {
            *slot = Err(Failure {
                code: "over-budget",
                message: format!(
                    "the repository names {count} images, and at most {most} are looked up per pass; this one follows \
                     in a later pass"
                ),
                help: Some(format!("[budget]\nlookups = {count}")),
                kind: FailureKind::Budget,
            });
        }
    }
    all
}

fn lookup(
    setup: &Setup,
    parsed: &ParsedRepo,
    registry: Option<&ForgeRegistry>,
    located: &Located,
) -> Result<Option<Lookup>, Failure> {
    let Some(reference) = located.reference() else {
        return Ok(None);
    };
    setup
        .lookup(&reference.name, parsed.name.as_ref(), registry)
        .map_err(|error| Failure {
            code: "secret",
            message: error.to_string(),
            help: None,
            kind: FailureKind::Wrong,
        })
}
