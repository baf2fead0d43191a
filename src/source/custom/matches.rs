//! The fields of references in several fields: which belong together.

use super::data_path::{Bound, DataPath, Hit};
use super::table::{DataFields, DataName};
use crate::source::data::{Data, Kind};
use std::collections::BTreeMap;

/// The values that make one reference.
#[derive(Default)]
pub(super) struct Values<'d> {
    pub(super) registry: Option<&'d Data>,
    /// `None` if the configuration gives the name.
    pub(super) name: Option<&'d Data>,
    pub(super) tag: Option<&'d Data>,
    pub(super) digest: Option<&'d Data>,
}

/// Why values are not references.
pub(super) enum Unmatched<'d> {
    /// Nothing names the image of a value.
    NoName(&'d Data),
    /// There is too much to search.
    TooMuch,
}

/// The values at the fields, those of one reference together: what their wildcards have in common decides.
pub(super) fn matched<'d>(
    fields: &DataFields,
    documents: &'d [Data],
) -> Vec<Result<Values<'d>, Unmatched<'d>>> {
    let (name, registry, tag, digest) = match fields {
        DataFields::Whole(_) => return Vec::new(),
        DataFields::Parts {
            name,
            registry,
            tag,
            digest,
        } => (name, registry, tag, digest),
    };
    let name = match name {
        DataName::Given(_) => None,
        DataName::At(path) => Some(path),
    };
    // The field with the most wildcards has a value for every reference; of several, the tag.
    let fields = [tag.as_ref(), digest.as_ref(), name];
    let wildcards = |path: Option<&DataPath>| path.map_or(0, DataPath::wildcards);
    let most = fields.into_iter().map(wildcards).max().unwrap_or_default();
    let has_most = |path: &&DataPath| path.wildcards() == most;
    let Some(main) = fields.into_iter().flatten().find(has_most) else {
        return Vec::new();
    };
    let Some(hits) = main.find(documents) else {
        return vec![Err(Unmatched::TooMuch)];
    };
    let mut known = Vec::new();
    for path in [registry.as_ref(), name, tag.as_ref(), digest.as_ref()] {
        match path.map(|path| path.find(documents)) {
            Some(Some(hits)) => known.push(by_bound(hits)),
            Some(None) => return vec![Err(Unmatched::TooMuch)],
            None => known.push(BTreeMap::new()),
        }
    }
    let matched = hits.into_iter().filter_map(|hit| {
        let get = |index: usize| nearest(&known[index], &hit.bound);
        let values = Values {
            registry: get(0),
            name: get(1),
            tag: get(2),
            digest: get(3),
        };
        values.tag.or(values.digest)?;
        let is_named = name.is_none() || values.name.is_some();
        Some(match is_named {
            true => Ok(values),
            false => Err(Unmatched::NoName(hit.data)),
        })
    });
    matched.collect()
}

/// Values by their wildcards; those that are empty are absent.
fn by_bound<'d>(hits: Vec<Hit<'d>>) -> BTreeMap<Vec<Bound<'d>>, &'d Data> {
    let hits = hits
        .into_iter()
        .filter(|hit| !matches!(hit.data.kind, Kind::Null));
    hits.map(|hit| (hit.bound, hit.data)).collect()
}

/// The value whose wildcards are these, or the beginning of these.
fn nearest<'d>(
    known: &BTreeMap<Vec<Bound<'d>>, &'d Data>,
    bound: &[Bound<'d>],
) -> Option<&'d Data> {
    let mut lengths = (1..=bound.len()).rev();
    lengths.find_map(|length| known.get(&bound[..length]).copied())
}
