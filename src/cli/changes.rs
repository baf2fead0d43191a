//! The changes of a merge request, one readable line each: `Dockerfile:6 node: 20 → 22 (major)`.

use super::names::Names;
use super::page::{Line, Role};
use crate::image::ImageName;
use crate::plan::{Change, ChangeSet, Version};
use crate::run::DecisionReport;
use std::fmt;

/// One change of a merge request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    /// The file, with its lines if they are known, and what changes in it: an image, or a version's place.
    subject: String,
    /// `20 → 22`; empty if the change is of a kind that this version does not know.
    step: String,
    /// The level, and the file that changes if it is another.
    note: String,
}

impl Described {
    /// Adds it to a line, in colour.
    pub(super) fn add_to(&self, line: &mut Line) {
        line.plain(self.subject.as_str())
            .put(Role::Good, self.step.as_str())
            .put(Role::Faint, self.note.as_str());
    }
}

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [&self.subject, &self.step, &self.note].into_iter();
        let parts: Vec<&str> = parts
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        f.write_str(&parts.join(" "))
    }
}

/// A line for each change. The decisions of the repository give the lines in the file and the level; a change without
/// a decision, such as one of an older merge request, has neither.
pub(super) fn describe(changes: &[String], decisions: &[&DecisionReport]) -> Vec<Described> {
    let names = Names::new(decisions.iter().map(|decision| &*decision.image));
    let describer = Describer { decisions, names };
    changes
        .iter()
        .filter_map(|text| describer.line(text))
        .collect()
}

struct Describer<'a> {
    decisions: &'a [&'a DecisionReport],
    names: Names,
}

impl Describer<'_> {
    fn line(&self, text: &str) -> Option<Described> {
        let unknown = Described {
            subject: text.to_owned(),
            step: String::new(),
            note: String::new(),
        };
        // The report has the encoded form of the merge request's memory.
        let Some(set) = ChangeSet::parse([text]) else {
            return Some(unknown);
        };
        if let Some(change) = set.references.first() {
            return Some(self.reference(change));
        }
        if let Some(change) = set.follows.first() {
            return Some(Described {
                subject: format!("{} {}:", change.path, self.names.short(&change.image)),
                step: step(change),
                note: "(follows)".to_owned(),
            });
        }
        let rise = set.versions.first().map(|rise| Described {
            subject: format!("{} {}:", rise.path, rise.place),
            step: format!("{} → {}", rise.from, rise.to),
            note: String::new(),
        });
        // The text that a change replaces in another file is shown with that change.
        rise.or(set.values.is_empty().then_some(unknown))
    }

    fn reference(&self, change: &Change) -> Described {
        let text = |value: Option<String>| value.unwrap_or_default();
        let (tag, digest) = (&change.from.tag, &change.from.digest);
        let from = (
            text(tag.as_ref().map(ToString::to_string)),
            text(digest.as_ref().map(ToString::to_string)),
        );
        let is_image =
            |written: &str| ImageName::parse(written).is_ok_and(|name| name == change.image);
        let decided: Vec<&DecisionReport> = self
            .decisions
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
        let mut wanted = decided.iter().flat_map(|decision| &decision.wanted);
        let level = wanted
            .find(|wanted| wanted.tag.clone().unwrap_or_default() == to)
            .map(|wanted| format!("({})", wanted.level));
        Described {
            subject: format!("{place} {}:", self.names.short(&change.image)),
            step: step(change),
            note: level.unwrap_or_default() + &changed_in(change),
        }
    }
}

fn step(change: &Change) -> String {
    format!("{} → {}", short(&change.from), short(&change.to))
}

/// The files that change, if they are others.
fn changed_in(change: &Change) -> String {
    let files: Vec<&str> = change.changed.iter().map(|path| path.as_str()).collect();
    match files.is_empty() {
        true => String::new(),
        false => format!(" in {}", files.join(", ")),
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
        let shown = |lines: &[String]| -> Vec<String> {
            describe(lines, &[])
                .iter()
                .map(ToString::to_string)
                .collect()
        };
        assert_eq!(
            shown(&lines),
            [
                "a b/Dockerfile node: 20 → 22",
                // Not an image name, so the line stays as it is.
                &lines[1],
                "Dockerfile team/base: 1.0.0 → 1.1.0 (follows)",
                "Cargo.toml toml:package.version: 1.0.0 → 1.0.1",
                "Dockerfile node: no tag → 22",
                &lines[5],
            ]
        );
        let pinned = [format!("Dockerfile reg.io/y @{digest} 1.2@{digest}")];
        let cut = "sha256:abababababab";
        assert_eq!(shown(&pinned), [format!("Dockerfile y: {cut} → 1.2@{cut}")]);
    }
}
