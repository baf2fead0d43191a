//! Which images a build stands on: the base of the stage that is built, and the images that its other stages bring in.
//!
//! A stage that nothing copies from, and that nothing is built on, is not built, and its images do not count.

use super::dockerfile::{Source, Stage};
use super::format::Format;
use super::located::Located;
use super::scan::{Unreadable, read};
use std::collections::{BTreeMap, BTreeSet};

/// What an image is for a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// The layers of the image that is built begin with it.
    Base,
    /// Files are taken from it: it is copied from, mounted, or the base of a stage that is.
    Stage,
}

impl Role {
    /// The role's name in reports.
    pub fn code(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Stage => "stage",
        }
    }
}

/// An image that a build stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandsOn {
    /// What it is for the build.
    pub role: Role,
    /// The reference and its place.
    pub located: Located,
}

/// Why it cannot be told what a build stands on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StandsOnError {
    /// The file is not read at all.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// There is no `FROM` in it.
    #[error("there is no FROM in it")]
    Empty,
    /// The stage that is to be built is not in it.
    #[error("there is no stage {0:?} in it")]
    NoStage(String),
}

/// The images that the build of a stage stands on, the base first: of the last stage where no `target` is named. An
/// image built `FROM scratch` has no base. Each image is named once for each place that it stands at.
pub fn stands_on(
    format: Format,
    file: &[u8],
    args: &BTreeMap<String, String>,
    target: Option<&str>,
) -> Result<Vec<StandsOn>, StandsOnError> {
    let read = read(format, file, args)?;
    let stages = &read.stages;
    let built = match target {
        None => stages.len().checked_sub(1).ok_or(StandsOnError::Empty)?,
        Some(name) => named(stages, name).ok_or_else(|| StandsOnError::NoStage(name.to_owned()))?,
    };
    let (base, needed) = follow(stages, built);
    let located = |index: usize| read.references.get(index).cloned();
    let found = |role, index| Some((role, located(index)?));
    let base = base.and_then(|index| found(Role::Base, index));
    let rest = needed
        .into_iter()
        .filter_map(|index| found(Role::Stage, index));
    let all = base.into_iter().chain(rest);
    Ok(all
        .map(|(role, located)| StandsOn { role, located })
        .collect())
}

/// A stage by its name, the last of that name, or by its number.
fn named(stages: &[Stage], name: &str) -> Option<usize> {
    let lower = name.to_ascii_lowercase();
    let by_name = stages
        .iter()
        .rposition(|stage| stage.name.as_deref() == Some(lower.as_str()));
    by_name.or_else(|| name.parse().ok().filter(|index| *index < stages.len()))
}

/// The reference that the layers of a stage begin with, and the others that its build needs, in the file's order.
fn follow(stages: &[Stage], built: usize) -> (Option<usize>, BTreeSet<usize>) {
    let (mut base, mut needed) = (None, BTreeSet::new());
    let mut seen = BTreeSet::new();
    // On the way down from the stage that is built, each with whether its layers are the built one's.
    let mut waiting = vec![(built, true)];
    while let Some((index, is_ours)) = waiting.pop() {
        if !seen.insert((index, is_ours)) {
            continue;
        }
        let Some(stage) = stages.get(index) else {
            continue;
        };
        match stage.base {
            Some(Source::Stage(below)) => waiting.push((below, is_ours)),
            Some(Source::Reference(found)) if is_ours => base = Some(found),
            Some(Source::Reference(found)) => drop(needed.insert(found)),
            None => {}
        }
        for used in &stage.uses {
            match used {
                Source::Stage(below) => waiting.push((*below, false)),
                Source::Reference(found) => drop(needed.insert(*found)),
            }
        }
    }
    if let Some(base) = base {
        needed.remove(&base);
    }
    (base, needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &str, target: Option<&str>, expect: &str) {
        let found = stands_on(
            Format::Dockerfile,
            file.as_bytes(),
            &BTreeMap::new(),
            target,
        );
        let found = match found {
            Ok(found) => found
                .iter()
                .map(|one| format!("{} {}", one.role.code(), one.located.image()))
                .collect::<Vec<_>>()
                .join(", "),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expect, "{file}");
    }

    #[test]
    fn the_base_is_that_of_the_stage_that_is_built() {
        check("FROM a:1\n", None, "base a");
        check("FROM a:1\nFROM b:1\n", None, "base b");
        check("FROM a:1 AS one\nFROM b:1\n", Some("ONE"), "base a");
        check("FROM a:1\nFROM b:1\n", Some("0"), "base a");
        check(
            "FROM a:1 AS one\nFROM One AS two\nFROM two\n",
            None,
            "base a",
        );
        check("FROM scratch\nCOPY x /\n", None, "");
        check("FROM a:1\n", Some("x"), "there is no stage \"x\" in it");
        check("ARG A=1\n", None, "there is no FROM in it");
    }

    #[test]
    fn what_is_copied_from_counts_and_what_is_not_needed_does_not() {
        check(
            "FROM golang:1 AS build\nFROM unused:1 AS x\nFROM run:1\nCOPY --from=build /a /a\n",
            None,
            "base run, stage golang",
        );
        check(
            "FROM golang:1\nFROM scratch\nCOPY --from=0 /a /a\nCOPY --from=tool:2 /b /b\n",
            None,
            "stage golang, stage tool",
        );
        check(
            "FROM a:1 AS one\nRUN --mount=type=bind,from=m:1 x\nFROM one AS two\nFROM b:1\nCOPY --from=two / /\n",
            None,
            "base b, stage a, stage m",
        );
        // The base's own files copied once more make it no second parent.
        check(
            "FROM a:1 AS one\nFROM one\nCOPY --from=one /x /y\n",
            None,
            "base a",
        );
        check("FROM a:1\nONBUILD COPY --from=b:1 /x /y\n", None, "base a");
        check("# syntax=docker/dockerfile:1\nFROM a:1\n", None, "base a");
        // A later stage of the same name hides the earlier one.
        check(
            "FROM a:1 AS x\nFROM b:1 AS x\nFROM scratch\nCOPY --from=x /a /a\n",
            None,
            "stage b",
        );
    }
}
