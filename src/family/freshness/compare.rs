//! Whether two contents are the same, and whether one begins with another.

use super::content::{Content, Published};
use crate::image::{Digest, Platform};

/// What comparing two contents gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    /// The same.
    Same,
    /// Not the same.
    Other,
    /// The same on one platform and not on another, and which of them counts is not known.
    Mixed,
    /// It cannot be told: one of them is not there.
    Untold,
}

/// Whether two images are the same for whoever builds on them. Compression, annotations, labels and the time of the
/// build do not count.
pub(super) fn same(a: &Content, b: &Content) -> bool {
    if a.manifest == b.manifest || a.config == b.config {
        return true;
    }
    let layers = if a.diff_ids.is_empty() || b.diff_ids.is_empty() {
        a.layers == b.layers
    } else {
        a.diff_ids == b.diff_ids
    };
    layers && a.env == b.env && a.settings == b.settings
}

/// Compares what two references stand for, on a platform or, where that is not known, on all that both have.
pub(super) fn compare(a: &Published, b: &Published, platform: Option<&Platform>) -> Compared {
    let platforms: Vec<&Platform> = match platform {
        Some(platform) => vec![platform],
        None => a.contents.keys().collect(),
    };
    let pairs = platforms
        .iter()
        .filter_map(|platform| Some((a.content(platform)?, b.content(platform)?)));
    let equal: Vec<bool> = pairs.map(|(a, b)| same(a, b)).collect();
    match (equal.contains(&true), equal.contains(&false)) {
        (true, false) => Compared::Same,
        (false, true) => Compared::Other,
        (true, true) => Compared::Mixed,
        (false, false) => Compared::Untold,
    }
}

/// Whether the layers of `parent`, of which there is at least one, are the first ones of `child`: as they are stored,
/// or, where they are compressed in another way, by what is in them.
pub(super) fn begins_with(child: &Content, parent: &Content) -> bool {
    let prefix =
        |child: &[Digest], parent: &[Digest]| !parent.is_empty() && child.starts_with(parent);
    prefix(&child.layers, &parent.layers) || prefix(&child.diff_ids, &parent.diff_ids)
}

/// How many of the first layers are the same.
pub(super) fn shared(child: &Content, parent: &Content) -> usize {
    let count = |a: &[Digest], b: &[Digest]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
    count(&child.layers, &parent.layers).max(count(&child.diff_ids, &parent.diff_ids))
}

/// The steps that a child could notice, blanks evened out: no labels, no build arguments.
pub(super) fn told(content: &Content) -> Vec<String> {
    let steps = content.steps.iter().map(|step| {
        let text = words(&step.made_by);
        let bare = text.strip_prefix("/bin/sh -c #(nop) ");
        bare.map_or_else(|| text.clone(), str::to_owned)
    });
    let silent = ["LABEL ", "MAINTAINER ", "ARG "];
    let is_told = |text: &String| !silent.iter().any(|word| text.starts_with(word));
    steps.filter(is_told).collect()
}

/// Whether a step changes the configuration. Whether it is said to have made a layer does not tell: some builders make
/// one layer of a whole build and say that its last step made it.
pub(super) fn is_setting(step: &str) -> bool {
    let words = [
        "ENV",
        "CMD",
        "ENTRYPOINT",
        "USER",
        "WORKDIR",
        "EXPOSE",
        "VOLUME",
        "STOPSIGNAL",
        "SHELL",
        "HEALTHCHECK",
        "ONBUILD",
    ];
    step.split_once(' ')
        .is_some_and(|(word, _)| words.contains(&word))
}

/// A text with single blanks.
pub(super) fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
