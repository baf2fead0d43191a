//! Compares the contents of images: whether two are the same, and whether one starts with another's layers.

use super::content::{Content, Published};
use crate::image::{Digest, Platform};

/// The result of comparing two contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compared {
    /// The same content.
    Same,
    /// Different content.
    Other,
    /// Some platforms have the same content and others don't, and it is not known which platform counts.
    Mixed,
    /// Not comparable: one of them is missing.
    Untold,
}

/// Whether two images are equivalent as a base. Compression, annotations, labels and build time are ignored.
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

/// Compares the targets of two references, on one platform or, if it is not known, on all that both have.
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

/// Whether the first layers of `child` are all layers of `parent`, of which there must be at least one. Layers are
/// compared as stored or, if they are compressed differently, by their uncompressed content.
pub(super) fn begins_with(child: &Content, parent: &Content) -> bool {
    let prefix =
        |child: &[Digest], parent: &[Digest]| !parent.is_empty() && child.starts_with(parent);
    prefix(&child.layers, &parent.layers) || prefix(&child.diff_ids, &parent.diff_ids)
}

/// How many layers the two contents share, counted from the lowest.
pub(super) fn shared(child: &Content, parent: &Content) -> usize {
    let count = |a: &[Digest], b: &[Digest]| a.iter().zip(b).take_while(|(a, b)| a == b).count();
    count(&child.layers, &parent.layers).max(count(&child.diff_ids, &parent.diff_ids))
}

/// The history steps that can affect a child, whitespace normalized, without labels and build arguments.
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

/// Whether a step only changes the configuration. The history's `empty_layer` is not used: some builders make one layer
/// of the whole build and attribute it to the last step.
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

/// A text with runs of whitespace collapsed to single spaces.
pub(super) fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
