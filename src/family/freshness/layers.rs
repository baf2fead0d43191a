//! The two kinds of evidence that need no digest: layers and history.

use super::answer::{Answer, Code, Rung};
use super::case::FreshnessQuestion;
use super::compare::{begins_with, same, shared};
use super::content::Content;
use super::history::{begins_with_steps, is_another_build, metadata_change};
use super::parent::Parent;
use crate::image::Platform;

/// Answers from the layers and the history, `current` being the parent's current content. `suspect` is what stronger
/// evidence suggested and could not prove. If an older content has to be read first, that is returned as the question.
pub(super) fn judge(
    child: &Content,
    parent: &Parent,
    current: &Content,
    platform: &Platform,
    suspect: Option<Answer>,
) -> Result<Answer, FreshnessQuestion> {
    let shown = parent.shown();
    if begins_with(child, current) {
        return Ok(match metadata_change(child, current) {
            Some(change) => Answer::new(
                Code::MetadataChanged,
                Rung::History,
                format!("{shown} has changed since: {change}"),
            ),
            None => Answer::new(
                Code::LayersMatch,
                Rung::Layers,
                format!(
                    "it begins with the {} layers of {shown}@{}",
                    current.layers.len().max(current.diff_ids.len()),
                    current.manifest.short()
                ),
            ),
        });
    }
    let has_layers = !current.layers.is_empty() || !current.diff_ids.is_empty();
    if !has_layers && begins_with_steps(child, current) {
        return Ok(Answer::new(
            Code::StepsMatch,
            Rung::History,
            format!(
                "it begins with the {} steps of {shown}",
                current.steps.len()
            ),
        ));
    }
    for digest in &parent.older {
        let known = parent.known.get(digest);
        let known = known.ok_or_else(|| FreshnessQuestion::Content(digest.clone()))?;
        let older = known.as_ref().and_then(|known| known.content(platform));
        let Some(older) = older else {
            continue;
        };
        if begins_with(child, older) && !same(older, current) {
            return Ok(Answer::new(
                Code::OlderLayers,
                Rung::Layers,
                format!(
                    "it begins with the layers of {shown}@{}; now it is {}",
                    digest.short(),
                    current.manifest.short()
                ),
            ));
        }
    }
    if is_another_build(child, current) {
        return Ok(Answer::new(
            Code::OlderSteps,
            Rung::History,
            format!("it has the steps of {shown}, from another build"),
        ));
    }
    if let Some(suspect) = suspect {
        return Ok(suspect);
    }
    let (code, evidence) = match (has_layers, shared(child, current)) {
        (false, _) => (
            Code::NoLayers,
            format!("{shown} has no layers, and the image begins with other build steps"),
        ),
        (true, 0) => (
            Code::NoSharedLayers,
            format!(
                "it has no layer of {shown}; it may be squashed, flattened or built on another image"
            ),
        ),
        (true, count) => (
            Code::LayersDiffer,
            format!(
                "it has {count} of the {} layers of {shown}, and the origin of the others is unknown",
                current.layers.len()
            ),
        ),
    };
    Ok(Answer::bare(code, evidence))
}
