//! Tries the kinds of evidence in order, for one platform and one parent.

use super::answer::{Answer, Code};
use super::case::{Case, FreshnessQuestion};
use super::compare::{Compared, begins_with, compare};
use super::content::Published;
use super::layers;
use super::named::{Named, annotation, material, pin};
use crate::image::Digest;
use crate::source::Role;

/// Answers one case, or returns the one fact to fetch first, so that nothing is fetched unnecessarily.
pub fn judge(case: &Case<'_>) -> Result<Answer, FreshnessQuestion> {
    let current = match &case.parent.current {
        Ok(current) => current,
        Err((code, why)) => return Ok(Answer::bare(*code, why.clone())),
    };
    let mut suspect = None;
    if let Some(named) = pin(case.parent, case.then)
        && let Some(answer) = weigh(case, current, &named, &mut suspect)?
    {
        return Ok(answer);
    }
    let materials = case.materials.ok_or(FreshnessQuestion::Provenance)?;
    if let Some(named) = material(case.parent, materials)
        && let Some(answer) = weigh(case, current, &named, &mut suspect)?
    {
        return Ok(answer);
    }
    if case.parent.role == Role::Stage {
        return Ok(suspect.unwrap_or_else(|| {
            let text = format!(
                "files are copied from {}, but neither a pin nor provenance shows which content they came from",
                case.parent.shown()
            );
            Answer::bare(Code::NoTrace, text)
        }));
    }
    if let Some(named) = annotation(case.child, case.parent, case.platform)
        && let Some(answer) = weigh(case, current, &named, &mut suspect)?
    {
        return Ok(answer);
    }
    let platform = case.parent.platform_for(case.platform);
    let platform = platform.as_ref().unwrap_or(case.platform);
    let (code, text) = match current.serves(platform) {
        None => (
            Code::ParentLacksPlatform,
            format!("does not exist for {platform}"),
        ),
        Some(served) => match current.contents.get(served) {
            Some(Ok(content)) => {
                return layers::judge(case.child, case.parent, content, platform, suspect);
            }
            Some(Err(why)) => (Code::LookupFailed, format!("cannot be read: {why}")),
            None => (Code::LookupFailed, "was not read".to_owned()),
        },
    };
    let text = format!("{} {text}", case.parent.shown());
    Ok(suspect.unwrap_or_else(|| Answer::bare(code, text)))
}

/// What a named digest proves. A mere suspicion is kept in the suspect, because the layers may refute it.
fn weigh(
    case: &Case<'_>,
    current: &Published,
    named: &Named,
    suspect: &mut Option<Answer>,
) -> Result<Option<Answer>, FreshnessQuestion> {
    let platform = case.parent.platform_for(case.platform);
    let platform = platform.as_ref();
    let shown = case.parent.shown();
    let by = &named.by;
    let fresh = |code, digest: &Digest| {
        let text = match code {
            Code::SameDigest => format!("{by} names {shown}@{}", digest.short()),
            _ => format!(
                "{by} names {}, which has the same content as {shown}@{}",
                digest.short(),
                current.digest.short()
            ),
        };
        Ok(Some(Answer::new(code, named.rung, text)))
    };
    let is_current = |digest: &&Digest| current.has_digest(digest, platform);
    if let Some(digest) = named.digests.iter().find(is_current) {
        return fresh(Code::SameDigest, digest);
    }
    let (mut others, mut gone) = (Vec::new(), None);
    for digest in &named.digests {
        let known = case.parent.known.get(digest);
        let known = known.ok_or_else(|| FreshnessQuestion::Content(digest.clone()))?;
        let Some(known) = known else {
            gone = gone.or(Some(digest));
            continue;
        };
        match compare(known, current, platform) {
            Compared::Same => return fresh(Code::SameContent, digest),
            Compared::Other if !is_refuted(case, known, current) => others.push(digest),
            Compared::Other | Compared::Untold => {}
            Compared::Mixed => return Ok(None),
        }
    }
    let was = match &named.was {
        Some(was) => format!("{by} names {was}"),
        None => by.clone(),
    };
    // If several digests are named, any of them may be the parent's.
    if let Some(digest) = others.first()
        && others.len() == named.digests.len()
    {
        let text = format!(
            "{was}{} {}; {shown} is {} now",
            if named.was.is_some() { " at" } else { " names" },
            digest.short(),
            current.digest.short()
        );
        return Ok(Some(Answer::new(Code::OtherContent, named.rung, text)));
    }
    let likely = match (gone, &named.was) {
        (_, Some(_)) => Some((Code::ParentChanged, format!("{was}; now it is {shown}"))),
        (Some(digest), None) => Some((
            Code::OtherDigest,
            format!(
                "{by} names {}, which is gone; {shown} is {} now",
                digest.short(),
                current.digest.short()
            ),
        )),
        (None, None) => None,
    };
    if suspect.is_none() {
        *suspect = likely.map(|(code, text)| Answer::new(code, named.rung, text));
    }
    Ok(None)
}

/// Whether the image has the layers of the current content and not those of the named digest: then the name is wrong.
/// An annotation may be inherited or written from a cache (buildah issue 4657); a label may be set by mistake.
fn is_refuted(case: &Case<'_>, named: &Published, current: &Published) -> bool {
    let (Some(named), Some(current)) =
        (named.content(case.platform), current.content(case.platform))
    else {
        return false;
    };
    let has_layers = !named.layers.is_empty() || !named.diff_ids.is_empty();
    case.parent.role == Role::Base
        && has_layers
        && begins_with(case.child, current)
        && !begins_with(case.child, named)
}
