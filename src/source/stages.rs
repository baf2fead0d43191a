//! The stages of a Dockerfile, and which of them a target is built from.

use std::collections::BTreeSet;

/// The stages of a file, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stages(pub(crate) Vec<Stage>);

/// A stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stage {
    /// The line of its `FROM`, counted from 1.
    pub(crate) line: usize,
    /// Its name in lower case, if it has one.
    pub(crate) name: Option<String>,
    /// The stage that it is based on, as an index; `None`: an image, or `scratch`.
    pub(crate) base: Option<usize>,
    /// The other stages that it copies or mounts from.
    pub(crate) takes: BTreeSet<usize>,
}

impl Stages {
    /// The stage of a build's target: the one with that name or number, or the last one.
    fn target(&self, target: Option<&str>) -> Option<usize> {
        let Some(target) = target else {
            return self.0.len().checked_sub(1);
        };
        if let Ok(index) = target.parse::<usize>() {
            return (index < self.0.len()).then_some(index);
        }
        let name = target.to_ascii_lowercase();
        let mut stages = self.0.iter();
        stages.rposition(|stage| stage.name.as_ref() == Some(&name))
    }

    /// Whether there is a stage with that name or number.
    pub fn has(&self, target: &str) -> bool {
        self.target(Some(target)).is_some()
    }

    /// The lines that a target is built from, as ranges from a `FROM` to before the next one: its own stage, those that
    /// it is based on or copies from, and the lines before the first stage. Empty if there is no such stage.
    pub fn lines_of(&self, target: Option<&str>) -> Vec<std::ops::Range<usize>> {
        let mut wanted = BTreeSet::new();
        let mut next: Vec<usize> = self.target(target).into_iter().collect();
        while let Some(index) = next.pop() {
            if wanted.insert(index) {
                let stage = &self.0[index];
                next.extend(stage.base.iter().chain(&stage.takes));
            }
        }
        let end = |index: usize| self.0.get(index + 1).map_or(usize::MAX, |next| next.line);
        let range = |index: usize| self.0[index].line..end(index);
        let before_all = match wanted.is_empty() {
            true => None,
            false => self.0.first().map(|first| 0..first.line),
        };
        before_all
            .into_iter()
            .chain(wanted.into_iter().map(range))
            .collect()
    }

    /// The line of the `FROM` with the image that a target is based on, through the stages between.
    pub fn base_line(&self, target: Option<&str>) -> Option<usize> {
        let mut index = self.target(target)?;
        // A base is always an earlier stage, so this loop ends.
        while let Some(base) = self.0[index].base {
            index = base;
        }
        Some(self.0[index].line)
    }
}

#[cfg(test)]
mod tests {
    use crate::source::{Format, scan};
    use std::collections::BTreeMap;

    #[test]
    fn a_target_is_built_from_its_own_stages_only() {
        let file = b"FROM base:1 AS build\nRUN a\nFROM tool:1 AS tool\nFROM build AS test\nFROM base:2\n\
                     COPY --from=tool /x /\nRUN --mount=type=bind,from=build,target=/b true\nFROM 0\n";
        let scan = scan(Format::Dockerfile, file, &BTreeMap::new()).unwrap_or_default();
        let lines = |target| -> Vec<usize> {
            let ranges = scan.stages.lines_of(target);
            let of = |line: &usize| ranges.iter().any(|range| range.contains(line));
            scan.references.iter().map(|r| r.line).filter(of).collect()
        };
        assert_eq!(lines(Some("TEST")), [1]);
        assert_eq!(lines(Some("3")), [1, 3, 5]);
        assert_eq!(lines(Some("none")), [0; 0]);
        assert_eq!(scan.stages.base_line(Some("test")), Some(1));
        assert_eq!(scan.stages.base_line(Some("3")), Some(5));
        assert!(scan.stages.has("tool") && !scan.stages.has("9"));
    }
}
