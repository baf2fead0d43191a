//! Whether the version of an image exists in every registry that the image is published to.

use super::super::setup::Setup;
use super::step::Source;
use crate::family::{Graph, ImageSpec, NO_REGISTRY};
use crate::fleet::ParsedRepo;
use crate::image::{Digest, ImageName, Tag};
use crate::plan::{BuildNeed, BuildReason, Lookup, Observations};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A name that an image is published under, with the tag to look up, or why it cannot be looked up.
pub(in crate::run) type Asked = (ImageName, Result<(Lookup, Tag), String>);

pub(in crate::run) fn asked(
    setup: &Setup,
    graph: &Graph,
    all: &[Arc<ParsedRepo>],
    sources: &[Source],
) -> BTreeMap<usize, Vec<Asked>> {
    let mut asked = BTreeMap::new();
    for (index, node) in graph.nodes().iter().enumerate() {
        let Some((repo, spec)) = node.repo.zip(node.spec) else {
            continue;
        };
        let (parsed, source) = (&all[repo], &sources[repo]);
        let Some(spec) = parsed.specs.get(spec) else {
            continue;
        };
        let names: Vec<(&ImageName, Result<Tag, String>)> = match parsed.images.version(&spec.name)
        {
            Some(Ok(version)) => {
                let tag = Tag::parse(&version).map_err(|error| error.to_string());
                spec.names().map(|name| (name, tag.clone())).collect()
            }
            Some(Err(_)) => continue,
            None => {
                let tags = spec.tags.iter();
                tags.map(|(name, tag)| (name, Ok(tag.clone()))).collect()
            }
        };
        let names = names.into_iter().map(|(name, tag)| {
            let lookup = setup.lookup(name, parsed.name.as_ref(), source.registry.as_ref());
            let lookup = lookup.map_err(|error| error.to_string());
            let listed = lookup.and_then(|lookup| {
                lookup.ok_or_else(|| match name.host().as_str() {
                    NO_REGISTRY => "the registry is unknown; set [args] REGISTRY".to_owned(),
                    host => format!("{host} is not listed"),
                })
            });
            (name.clone(), listed.and_then(|lookup| Ok((lookup, tag?))))
        });
        asked.insert(index, names.collect());
    }
    asked
}

/// The result of a look-up; `None` if it was not made.
pub(in crate::run) fn head_of<'a>(
    asked: &'a Result<(Lookup, Tag), String>,
    seen: &'a Observations,
) -> Option<Result<Option<Digest>, String>> {
    match asked {
        Ok(key) => {
            let head = seen.heads.get(key)?.clone();
            Some(head.map_err(|failure| failure.message))
        }
        Err(why) => Some(Err(why.clone())),
    }
}

pub(in crate::run) fn whys_of(
    parsed: &ParsedRepo,
    spec: Option<&ImageSpec>,
    asked: &[Asked],
    seen: &Observations,
) -> Vec<BuildReason> {
    let version = spec.and_then(|spec| parsed.images.version(&spec.name));
    match version {
        None if !asked.is_empty() => {
            let names = asked.iter().flat_map(|(name, asked)| {
                let head = head_of(asked, seen)?.map(|digest| digest.is_some());
                let tag = asked.as_ref().map_or("?", |(_, tag)| tag.as_str());
                Some(BuildReason::published(tag, &[(name.clone(), head)]))
            });
            names.flatten().collect()
        }
        None => vec![BuildReason::new(
            BuildNeed::Unknown,
            "no-version",
            "no version file holds its version",
        )],
        Some(Err(why)) => vec![BuildReason::new(BuildNeed::Unknown, "version-file", why)],
        Some(Ok(version)) => {
            let names = asked.iter().filter_map(|(name, asked)| {
                let head = head_of(asked, seen)?;
                Some((name.clone(), head.map(|digest| digest.is_some())))
            });
            BuildReason::published(&version, &names.collect::<Vec<_>>())
        }
    }
}
