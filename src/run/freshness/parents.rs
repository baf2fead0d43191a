//! The parents of an image, and their content in the registries.

use super::commit::scan_of;
use super::contents::read;
use super::heads::Heads;
use super::subject::Built;
use crate::family::freshness::{Answer, Code, Parent, Published, Row};
use crate::image::{Digest, Platform, Reference, Tag};
use crate::plan::Lookup;
use crate::run::setup::Setup;
use crate::source::Role;
use crate::store::StoredKind;
use std::collections::{BTreeMap, BTreeSet};

/// How many earlier digests of a tag are remembered.
const MOST_OLDER: usize = 8;

/// A parent, with its look-up.
pub(super) struct Found {
    pub(super) parent: Parent,
    pub(super) lookup: Option<Lookup>,
}

/// A parent to look up: its role, its reference, and the value of `--platform`.
pub(super) type Wanted = (Role, Reference, Option<String>);

/// The parents that the Dockerfile names now, and rows for those that cannot be checked.
pub(super) fn of_file(built: &Built) -> (Vec<Wanted>, Vec<Row>) {
    let row = |code, evidence: String| Row {
        platform: None,
        parent: None,
        answer: Answer::bare(code, evidence),
    };
    let file = &built.dockerfile;
    let mut args = built.args.clone();
    args.extend(built.passed.clone());
    let Some(scan) = scan_of(built, &built.contents, &args) else {
        return (
            Vec::new(),
            vec![row(Code::ParentUnknown, format!("{file} cannot be read"))],
        );
    };
    let Some(found) = scan.depends_on(built.target.as_deref()) else {
        let target = built.target.as_deref().unwrap_or("to build");
        let why = format!("{file} has no stage {target}");
        return (Vec::new(), vec![row(Code::ParentUnknown, why)]);
    };
    let (mut wanted, mut rows) = (Vec::new(), Vec::new());
    for (role, located) in found {
        match located.reference() {
            Some(reference) => {
                let one = (role, reference.clone(), located.platform.clone());
                if !wanted.contains(&one) {
                    wanted.push(one);
                }
            }
            None => {
                let why = located.why_not().map_or("", |why| why.describe());
                let place = format!("{file}:{}: {}", located.line, located.written);
                rows.push(row(Code::ParentNotReadable, format!("{place}: {why}")));
            }
        }
    }
    (wanted, rows)
}

/// Looks up a parent.
pub(super) async fn find(
    setup: &Setup,
    heads: &Heads,
    built: Option<&Built>,
    (role, reference, platform): Wanted,
    platforms: &BTreeSet<Platform>,
) -> Found {
    let repo = built.map(|built| &built.repo);
    let lookup = setup.lookup(
        &reference.name,
        repo.map(|repo| &repo.name),
        repo.and_then(|repo| repo.registry.as_ref()),
    );
    let mut found = Found {
        parent: Parent {
            resolved: reference.name.clone(),
            current: Err((
                Code::RegistryNotConfigured,
                format!("{} is not listed", reference.name.host()),
            )),
            reference,
            role,
            platform,
            older: Vec::new(),
            known: BTreeMap::new(),
        },
        lookup: None,
    };
    match lookup {
        Ok(Some(lookup)) => {
            found.parent.resolved = lookup.image.clone();
            found.parent.current = current(setup, heads, &lookup, &found.parent, platforms).await;
            found.lookup = Some(lookup);
        }
        Ok(None) => {}
        Err(error) => found.parent.current = Err((Code::LookupFailed, error.to_string())),
    }
    remember(setup, &mut found.parent);
    found
}

/// The current content of a parent: that of its tag, or of its pinned digest if it has no tag.
async fn current(
    setup: &Setup,
    heads: &Heads,
    lookup: &Lookup,
    parent: &Parent,
    platforms: &BTreeSet<Platform>,
) -> Result<Published, (Code, String)> {
    let reference = &parent.reference;
    let gone = || (Code::ParentVanished, format!("{reference} does not exist"));
    let digest = match (tag_of(reference), &reference.digest) {
        (Some(tag), _) => heads.get(setup, lookup, &tag).await?.ok_or_else(gone)?,
        (None, Some(digest)) => digest.clone(),
        (None, None) => return Err(gone()),
    };
    let platforms = wanted(parent, platforms);
    match read(setup, lookup, &digest, Some(&platforms)).await {
        Ok(read) => Ok(read.ok_or_else(gone)?.published),
        Err(error) => {
            let text = format!("{reference}: {}: {error}", error.code());
            Err((Code::LookupFailed, text))
        }
    }
}

/// The tag to follow: `latest` if there is neither a tag nor a digest, as in a build.
fn tag_of(reference: &Reference) -> Option<Tag> {
    let latest = || Tag::parse("latest").ok();
    match (&reference.tag, &reference.digest) {
        (Some(tag), _) => Some(tag.clone()),
        (None, Some(_)) => None,
        (None, None) => latest(),
    }
}

/// The platforms whose images are read. If only the builder knows a stage's platform, the child's platforms are used.
pub(super) fn wanted(parent: &Parent, platforms: &BTreeSet<Platform>) -> BTreeSet<Platform> {
    let serves = |platform: &Platform| parent.platform_for(platform);
    let known: BTreeSet<Platform> = platforms.iter().filter_map(serves).collect();
    match known.is_empty() {
        true => platforms.clone(),
        false => known,
    }
}

/// The content of another digest of a parent.
pub(super) async fn ask(
    setup: &Setup,
    found: &mut Found,
    digest: Digest,
    platforms: &BTreeSet<Platform>,
) -> Result<(), (Code, String)> {
    let platforms = wanted(&found.parent, platforms);
    let read = match &found.lookup {
        Some(lookup) => read(setup, lookup, &digest, Some(&platforms)).await,
        None => Ok(None),
    };
    match read {
        Ok(read) => {
            let known = read.map(|read| read.published);
            found.parent.known.insert(digest, known);
            Ok(())
        }
        // An error must not look like a digest that no longer exists.
        Err(error) => {
            let text = format!(
                "{}@{digest}: {}: {error}",
                found.parent.resolved,
                error.code()
            );
            Err((Code::LookupFailed, text))
        }
    }
}

/// Adds the earlier digests of a parent, and remembers its current one. They are the only way to recognize an image
/// that is built on older content and has no metadata about its base.
fn remember(setup: &Setup, parent: &mut Parent) {
    let Ok(current) = &parent.current else {
        return;
    };
    let Some(tag) = tag_of(&parent.reference) else {
        return;
    };
    let (store, image) = (&setup.store, parent.resolved.canonical());
    let key = format!("{image} {tag}");
    let kept = store.kept(StoredKind::Stood, &key).unwrap_or_default();
    let kept: Vec<Digest> = kept
        .split(' ')
        .filter_map(|text| Digest::parse(text).ok())
        .collect();
    if kept.first() != Some(&current.digest) {
        let now = std::iter::once(&current.digest);
        let before = kept.iter().filter(|digest| **digest != current.digest);
        let all = now.chain(before).take(MOST_OLDER + 1);
        let all: Vec<&str> = all.map(Digest::as_str).collect();
        store.keep(StoredKind::Stood, &key, &all.join(" "));
    }
    let seen = store.seen(&image, tag.as_str(), MOST_OLDER);
    let seen = seen.iter().filter_map(|text| Digest::parse(text).ok());
    let pinned = parent.reference.digest.clone();
    for digest in pinned.into_iter().chain(kept).chain(seen) {
        let is_new = digest != current.digest && !parent.older.contains(&digest);
        if is_new && parent.older.len() < MOST_OLDER {
            parent.older.push(digest);
        }
    }
}
