//! Evidence from the histories where the layers prove nothing.

use super::compare::{is_setting, told, words};
use super::content::{Content, HistoryStep};
use std::collections::BTreeSet;

/// Whether the history has one step for each layer: only then can layers be matched to steps.
fn is_whole(content: &Content) -> bool {
    let made = content.steps.iter().filter(|step| !step.no_layer).count();
    made > 0 && made == content.diff_ids.len()
}

fn same_text(a: &HistoryStep, b: &HistoryStep) -> bool {
    a.no_layer == b.no_layer && words(&a.made_by) == words(&b.made_by)
}

/// Whether the image's first steps are the parent's steps. For a parent without layers, nothing else can be compared.
pub(super) fn begins_with_steps(child: &Content, parent: &Content) -> bool {
    !parent.steps.is_empty()
        && child.steps.len() >= parent.steps.len()
        && parent
            .steps
            .iter()
            .zip(&child.steps)
            .all(|(parent, child)| same_text(parent, child))
}

/// Whether the image has the parent's steps from another build: the same steps with different layers and different
/// times. Equal times prove nothing: the layers of one build may have been rewritten, or both builds are dated 1970.
pub(super) fn is_another_build(child: &Content, parent: &Content) -> bool {
    let other_time = |(parent, child): (&HistoryStep, &HistoryStep)| {
        parent.created.is_some() && child.created.is_some() && parent.created != child.created
    };
    is_whole(child)
        && is_whole(parent)
        && begins_with_steps(child, parent)
        && parent.steps.iter().zip(&child.steps).any(other_time)
}

/// What the image lacks of the parent's current configuration although it has the parent's layers; `None` if there is
/// no evidence of a difference.
pub(super) fn metadata_change(child: &Content, parent: &Content) -> Option<String> {
    changed_step(child, parent).or_else(|| missing_variable(child, parent))
}

fn changed_step(child: &Content, parent: &Content) -> Option<String> {
    if !is_whole(child) || !is_whole(parent) {
        return None;
    }
    let (theirs, ours) = (told(parent), told(child));
    let same = |(a, b): &(&String, &String)| a == b;
    // A builder that writes a history of its own does not show the parent's configuration.
    theirs.iter().zip(&ours).find(same)?;
    let (theirs, ours) = theirs.iter().zip(&ours).find(|pair| !same(pair))?;
    // A step that made the same layer may be worded differently.
    if is_setting(theirs) {
        Some(format!(
            "its step {} is not in the image's history",
            shown(theirs)
        ))
    } else if is_setting(ours) {
        Some(format!("it no longer has the step {}", shown(ours)))
    } else {
        None
    }
}

/// The beginning of a step, for messages.
fn shown(step: &str) -> String {
    const MOST: usize = 60;
    let beginning: String = step.chars().take(MOST).collect();
    let more = if step.chars().nth(MOST).is_some() {
        "…"
    } else {
        ""
    };
    format!("`{beginning}{more}`")
}

/// A variable of the parent that the image lacks. A child can override a variable but hardly remove it, unless its
/// builder inherits none at all.
fn missing_variable(child: &Content, parent: &Content) -> Option<String> {
    let is_handed_on = |entry: &&String| child.env.contains(entry);
    parent.env.iter().find(is_handed_on)?;
    let name = |entry: &str| entry.split('=').next().unwrap_or_default().to_owned();
    let ours: BTreeSet<String> = child.env.iter().map(|entry| name(entry)).collect();
    let theirs = parent.env.iter().map(|entry| name(entry));
    let missing = theirs.into_iter().find(|name| !ours.contains(name))?;
    Some(format!(
        "its variable {} is not in the image",
        shown(&missing)
    ))
}
