//! The changes of a merge request, one readable line each: `Dockerfile:6 node: 20 → 22 (major)`.

use crate::image::ImageName;
use crate::plan::{Change, ChangeSet, Version};
use crate::run::DecisionReport;

/// A line for each change. The decisions of the repository give the lines in the file and the level; a change without
/// a decision, such as one of an older merge request, has neither.
pub(super) fn describe(changes: &[String], decisions: &[&DecisionReport]) -> Vec<String> {
    let line = |text: &String| {
        // The report has the encoded form of the merge request's memory.
        let Some(set) = ChangeSet::parse([text.as_str()]) else {
            return Some(text.clone());
        };
        if let Some(change) = set.references.first() {
            return Some(reference(change, decisions));
        }
        if let Some(change) = set.follows.first() {
            let (from, to) = (short(&change.from), short(&change.to));
            let (path, image) = (&change.path, &change.image);
            return Some(format!("{path} {image}: {from} → {to} (follows)"));
        }
        let rise = set.versions.first();
        let rise =
            rise.map(|rise| format!("{} {}: {} → {}", rise.path, rise.place, rise.from, rise.to));
        // The text that a change replaces in another file is shown with that change.
        rise.or(set.values.is_empty().then(|| text.clone()))
    };
    changes.iter().filter_map(line).collect()
}

fn reference(change: &Change, decisions: &[&DecisionReport]) -> String {
    let text = |value: Option<String>| value.unwrap_or_default();
    let (tag, digest) = (&change.from.tag, &change.from.digest);
    let from = (
        text(tag.as_ref().map(ToString::to_string)),
        text(digest.as_ref().map(ToString::to_string)),
    );
    let is_image = |written: &str| ImageName::parse(written).is_ok_and(|name| name == change.image);
    let decided: Vec<&DecisionReport> = decisions
        .iter()
        .copied()
        .filter(|d| d.path == change.path.as_str() && is_image(&d.image))
        .filter(|d| (text(d.tag.clone()), text(d.digest.clone())) == from)
        .collect();
    let lines: Vec<String> = decided.iter().map(|d| d.line.to_string()).collect();
    let place = match lines.is_empty() {
        true => change.path.to_string(),
        false => format!("{}:{}", change.path, lines.join(",")),
    };
    let to = text(change.to.tag.as_ref().map(ToString::to_string));
    let wanted = decided.iter().flat_map(|decision| &decision.wanted);
    let level = wanted
        .filter(|wanted| wanted.tag.clone().unwrap_or_default() == to)
        .map(|wanted| format!(" ({})", wanted.level))
        .next();
    format!(
        "{place} {}: {} → {}{}{}",
        change.image,
        short(&change.from),
        short(&change.to),
        level.unwrap_or_default(),
        changed_in(change)
    )
}

/// The files that change, if they are others.
fn changed_in(change: &Change) -> String {
    let files: Vec<&str> = change.changed.iter().map(|path| path.as_str()).collect();
    match files.is_empty() {
        true => String::new(),
        false => format!(", in {}", files.join(", ")),
    }
}

/// A version with its digest cut to a readable length.
fn short(version: &Version) -> String {
    match (&version.tag, &version.digest) {
        (Some(tag), Some(digest)) => format!("{tag}@{}", digest.short()),
        (Some(tag), None) => tag.to_string(),
        (None, Some(digest)) => digest.short().to_string(),
        (None, None) => "no tag".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_decision_has_no_line_and_no_level() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let lines = [
            "a%20b/Dockerfile docker.io/library/node 20 22".to_owned(),
            format!("Dockerfile reg.io/x:5000/y @{digest} 1.2@{digest}"),
            "+Dockerfile reg.io/team/base 1.0.0 1.1.0".to_owned(),
            "=Cargo.toml toml%3Apackage.version 1.0.0 1.0.1".to_owned(),
            "Dockerfile docker.io/library/node - 22".to_owned(),
            "from a later version of imagebot".to_owned(),
        ];
        assert_eq!(
            describe(&lines, &[]),
            [
                "a b/Dockerfile docker.io/library/node: 20 → 22",
                // Not an image name, so the line stays as it is.
                &lines[1],
                "Dockerfile reg.io/team/base: 1.0.0 → 1.1.0 (follows)",
                "Cargo.toml toml:package.version: 1.0.0 → 1.0.1",
                "Dockerfile docker.io/library/node: no tag → 22",
                &lines[5],
            ]
        );
        let pinned = [format!("Dockerfile reg.io/y @{digest} 1.2@{digest}")];
        let cut = "sha256:abababababab";
        assert_eq!(
            describe(&pinned, &[]),
            [format!("Dockerfile reg.io/y: {cut} → 1.2@{cut}")]
        );
    }
}
