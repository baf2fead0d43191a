//! The images that a build depends on: the base of the stage that is built, and those that other stages contribute.
//!
//! A stage that no other stage copies from or is based on is not built, and its images do not count.

use super::located::{Located, ReferenceKind};
use super::scan::Scan;
use crate::coded::coded;

coded! {
    /// The role of an image in a build.
    pub enum Role {
        /// It is the base: the built image begins with its layers.
        Base = "base";
        /// Files are taken from it: it is copied from or mounted, or is the base of a stage that is.
        Stage = "stage";
    }
}

impl Scan {
    /// The images that the build of a target depends on, the base first, then in the file's order; `None` if there is
    /// no such target. An image that is built `FROM scratch` has no base.
    pub fn depends_on(&self, target: Option<&str>) -> Option<Vec<(Role, &Located)>> {
        let base_line = self.stages.base_line(target)?;
        let lines = self.stages.lines_of(target);
        let is_base =
            |found: &&Located| found.kind == ReferenceKind::From && found.line == base_line;
        let base = self.references.iter().find(is_base);
        let others = self.references.iter().filter(|found| {
            // The frontend leaves nothing in the image, and instructions after ONBUILD run in other builds.
            !matches!(
                found.kind,
                ReferenceKind::Syntax | ReferenceKind::OnbuildFrom
            ) && !is_base(found)
                && lines.iter().any(|range| range.contains(&found.line))
        });
        let base = base.map(|base| (Role::Base, base));
        Some(
            base.into_iter()
                .chain(others.map(|other| (Role::Stage, other)))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Format, scan};
    use std::collections::BTreeMap;

    fn check(file: &str, target: Option<&str>, expect: &str) {
        let scan = scan(Format::Dockerfile, file.as_bytes(), &BTreeMap::new()).unwrap_or_default();
        let found = scan.depends_on(target).map_or("none".to_owned(), |found| {
            let named = |(role, located): &(super::Role, &crate::source::Located)| {
                format!("{} {}", role.code(), located.image())
            };
            found.iter().map(named).collect::<Vec<_>>().join(", ")
        });
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
        check("FROM a:1\n", Some("x"), "none");
        check("ARG A=1\n", None, "none");
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
        // Copying from the base as well does not make it a second parent.
        check(
            "FROM a:1 AS one\nFROM one\nCOPY --from=one /x /y\n",
            None,
            "base a",
        );
        check("FROM a:1\nONBUILD COPY --from=b:1 /x /y\n", None, "base a");
        check("# syntax=docker/dockerfile:1\nFROM a:1\n", None, "base a");
    }
}
