//! What is read beside the formats: `[[source]]`, and comments above values.

use crate::repo::{Glob, RepoPath};
use crate::source::annotation;
use crate::source::custom::{CustomReader, MOST_BYTES, SourceReads};
use crate::source::found::{Found, Remark, Told};
use crate::source::located::Located;
use crate::source::passed::Passed;
use crate::source::scan::Unreadable;
use crate::source::sources::{SourceFile, Sources};
use crate::source::taken::Taken;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

/// What `[[source]]` finds.
#[derive(Default)]
pub(super) struct Custom {
    /// By file; a file can have several.
    pub(super) found: Vec<(usize, Found)>,
    pub(super) skipped: Vec<(usize, Unreadable)>,
    /// The files that a `[[source]]` names.
    pub(super) named: BTreeSet<usize>,
    /// Which tables find nothing.
    is_idle: Vec<bool>,
}

/// Reads files by `[[source]]`. What a format reads already, at the places that are taken, is left to it.
pub(super) fn custom(sources: &Sources, taken: &dyn Fn() -> Taken) -> Custom {
    let tables = sources.custom();
    let mut custom = Custom {
        is_idle: vec![true; tables.len()],
        ..Custom::default()
    };
    if tables.is_empty() {
        return custom;
    }
    let taken = taken();
    let mut bytes = 0;
    for (index, SourceFile { path, format, .. }) in sources.iter().enumerate() {
        let naming = tables.iter().zip(&mut custom.is_idle);
        let naming: Vec<_> = naming
            .filter(|(table, _)| table.covers(path.as_str()))
            .collect();
        if naming.is_empty() {
            continue;
        }
        custom.named.insert(index);
        let file = match sources.text(index) {
            Ok(file) => file,
            Err(why) => {
                // A format has reported it already.
                custom
                    .skipped
                    .extend(format.is_none().then_some((index, why)));
                continue;
            }
        };
        bytes += file.text.len() * naming.len();
        if bytes > MOST_BYTES {
            let what = "`[[source]]` reads too much in this repository; name fewer files";
            let mut found = Found::default();
            found.passed.push(Passed {
                line: 1,
                what: what.to_owned(),
            });
            custom.found.push((index, found));
            continue;
        }
        let mut reader = CustomReader::new(&file);
        for (table, is_idle) in naming {
            let mut found = reader.read(table);
            *is_idle &= found.references.is_empty() && found.passed.is_empty();
            let is_new = |located: &Located| !taken.meets(&located.written_at);
            found.references.retain(is_new);
            custom.found.push((index, found));
        }
    }
    custom
}

/// Reads the comments in files that are read for another reason.
pub(super) fn annotations(
    sources: &Sources,
    read: &BTreeSet<usize>,
    taken: &dyn Fn() -> Taken,
) -> BTreeMap<usize, Vec<Located>> {
    let known = OnceCell::new();
    let found = read.iter().filter_map(|&index| {
        if !annotation::is_likely(&sources.file(index).contents) {
            return None;
        }
        let file = sources.text(index).ok()?;
        let taken: &Taken = known.get_or_init(taken);
        let found = annotation::read(&file, &|at| taken.meets(at));
        (!found.is_empty()).then_some((index, found))
    });
    found.collect()
}

impl Custom {
    /// A remark for each of the repository's tables that finds nothing, at its own line. A table that reads only comments finds something
    /// if one of its files has such a comment.
    pub(super) fn idle(
        &self,
        sources: &Sources,
        annotated: &BTreeMap<usize, Vec<Located>>,
    ) -> Vec<(RepoPath, Told)> {
        let Ok(config) = RepoPath::parse("imagebot.toml") else {
            return Vec::new();
        };
        let tables = sources.custom().iter().zip(&self.is_idle);
        let idle = tables.filter(|(table, is_idle)| {
            let finds = |index: &usize| table.covers(sources.file(*index).path.as_str());
            let is_for_comments = matches!(table.reads, SourceReads::Annotations);
            let is_own = !table.is_operators;
            is_own && **is_idle && !(is_for_comments && annotated.keys().any(finds))
        });
        let told = idle.map(|(table, _)| {
            let files: Vec<&str> = table.files.iter().map(Glob::as_str).collect();
            let told = Told {
                line: table.line,
                remark: Remark::SourceIdle,
                what: files.join(", "),
            };
            (config.clone(), told)
        });
        told.collect()
    }
}
