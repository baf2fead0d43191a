//! The files of a repository, laid end to end: a place identifies a byte of any of them.
//!
//! A reference can depend on several files: a compose file takes a version from `.env`, a Dockerfile takes one from the
//! compose file that builds it. Therefore places are counted through all files, and an edit of several files is as
//! simple as one of a single file.

use super::custom::SourceTable;
use super::format::Format;
use super::located::ReferenceKind;
use super::scan::{BOM, MAX_FILE, Unreadable, readable};
use crate::repo::{Glob, RepoPath};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// The most files that the references of one file depend on.
pub(crate) const MAX_UNIT_FILES: usize = 32;
/// The most bytes of these files together.
pub(crate) const MAX_UNIT_BYTES: usize = 4 << 20;

/// A file that is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Its path from the repository's root.
    pub path: RepoPath,
    /// What its references are read as; `None` if it is read only because others name it.
    pub format: Option<Format>,
    /// Its contents.
    pub contents: Vec<u8>,
}

/// The files of a repository.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// In the order of their paths.
    files: Vec<SourceFile>,
    /// The place of the first byte of each.
    bases: Vec<usize>,
    /// What is read besides the formats.
    custom: Arc<[SourceTable]>,
    /// The kinds of references that are left out unless a rule names them, and that one names.
    named: Vec<ReferenceKind>,
    /// The globs of `include` that name files: these are read whatever their content is.
    included: Arc<[Glob]>,
    /// The variables that the forge sets for every CI job.
    predefined: Arc<BTreeMap<String, String>>,
}

/// The text of a file.
#[derive(Debug, Clone)]
pub(crate) struct FileText<'a> {
    pub(crate) path: &'a RepoPath,
    /// Without a byte-order mark.
    pub(crate) text: Cow<'a, str>,
    /// The place of the text's first byte.
    pub(crate) base: usize,
}

impl Sources {
    /// Lays files end to end. Of two with one path, the first counts.
    pub fn new(files: impl IntoIterator<Item = SourceFile>) -> Self {
        let mut files: Vec<SourceFile> = files.into_iter().collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|b, a| a.path == b.path);
        let mut next = 0;
        let mut base_of = |file: &SourceFile| {
            let base = next;
            // A gap, so that text is never added to the wrong one of two files.
            next += file.contents.len() + 1;
            base
        };
        let bases = files.iter().map(&mut base_of).collect();
        Self {
            files,
            bases,
            custom: Arc::default(),
            named: Vec::new(),
            included: Arc::default(),
            predefined: Arc::default(),
        }
    }

    /// The same files, read also for a kind of references that is left out by default.
    pub fn with_kind(mut self, kind: ReferenceKind) -> Self {
        self.named.push(kind);
        self
    }

    /// The same files, read also by `[[source]]`.
    pub fn with_custom(mut self, tables: impl Into<Arc<[SourceTable]>>) -> Self {
        self.custom = tables.into();
        self
    }

    /// The same files, with the variables that the forge sets for every CI job.
    pub fn with_predefined(mut self, variables: BTreeMap<String, String>) -> Self {
        self.predefined = Arc::new(variables);
        self
    }

    /// The same files, of which `include` names some.
    pub fn with_included(mut self, globs: impl IntoIterator<Item = Glob>) -> Self {
        let naming = globs.into_iter().filter(Glob::names_files);
        self.included = naming.collect();
        self
    }

    /// What is read besides the formats.
    pub(crate) fn custom(&self) -> &[SourceTable] {
        &self.custom
    }

    /// The files, in the order of their paths.
    pub fn iter(&self) -> std::slice::Iter<'_, SourceFile> {
        self.files.iter()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The file with a path.
    pub fn get(&self, path: &RepoPath) -> Option<&SourceFile> {
        Some(&self.files[self.index(path)?])
    }

    pub(crate) fn index(&self, path: &RepoPath) -> Option<usize> {
        self.files.binary_search_by(|file| file.path.cmp(path)).ok()
    }

    pub(crate) fn file(&self, index: usize) -> &SourceFile {
        &self.files[index]
    }

    /// The file that a place is in.
    pub(crate) fn index_at(&self, place: usize) -> usize {
        let behind = self.bases.partition_point(|base| *base <= place);
        behind.saturating_sub(1)
    }

    pub(crate) fn base(&self, index: usize) -> usize {
        self.bases[index]
    }

    /// The places of a file's bytes.
    pub(crate) fn extent(&self, index: usize) -> Range<usize> {
        let base = self.bases[index];
        base..base + self.files[index].contents.len()
    }

    /// The text of a file, or why it is not read.
    pub(crate) fn text(&self, index: usize) -> Result<FileText<'_>, Unreadable> {
        let SourceFile { path, contents, .. } = &self.files[index];
        if contents.len() > MAX_FILE {
            return Err(Unreadable::TooLarge);
        }
        if contents.contains(&0) {
            return Err(Unreadable::NotText);
        }
        let base = self.bases[index];
        let text = readable(contents);
        let (text, base) = match text.strip_prefix(BOM) {
            Some(rest) => (Cow::Owned(rest.to_owned()), base + BOM.len()),
            None => (text, base),
        };
        Ok(FileText { path, text, base })
    }

    /// Some of the files, with other contents for some of those.
    pub(crate) fn part(&self, of: &BTreeSet<usize>, changed: &BTreeMap<RepoPath, Vec<u8>>) -> Self {
        let files = of.iter().map(|index| {
            let mut file = self.files[*index].clone();
            if let Some(contents) = changed.get(&file.path) {
                file.contents.clone_from(contents);
            }
            file
        });
        Self {
            custom: Arc::clone(&self.custom),
            named: self.named.clone(),
            included: Arc::clone(&self.included),
            predefined: Arc::clone(&self.predefined),
            ..Self::new(files)
        }
    }
}

/// What the reader of one file can reach: the other files, which it depends on from then on, and `[args]`.
pub(crate) struct Reach<'a> {
    sources: &'a Sources,
    /// The build arguments that CI passes.
    pub(crate) args: &'a BTreeMap<String, String>,
    used: BTreeSet<usize>,
    bytes: usize,
    is_full: bool,
}

impl<'a> Reach<'a> {
    pub(crate) fn new(
        sources: &'a Sources,
        args: &'a BTreeMap<String, String>,
        main: usize,
    ) -> Self {
        Self {
            sources,
            args,
            used: BTreeSet::from([main]),
            bytes: sources.file(main).contents.len(),
            is_full: false,
        }
    }

    /// The text of another file of the repository; `None` if it was not read or is not text.
    pub(crate) fn read(&mut self, path: &RepoPath) -> Option<FileText<'a>> {
        let index = self.sources.index(path)?;
        if !self.add(index) {
            self.is_full = true;
            return None;
        }
        self.sources.text(index).ok()
    }

    /// The same for a file that the others can be read without: `None` if there are too many.
    pub(crate) fn read_if_room(&mut self, path: &RepoPath) -> Option<FileText<'a>> {
        let index = self.sources.index(path)?;
        let is_added = self.add(index);
        is_added.then(|| self.sources.text(index).ok()).flatten()
    }

    /// Adds a file to those that were reached; `false` if there are too many.
    fn add(&mut self, index: usize) -> bool {
        if self.used.contains(&index) {
            return true;
        }
        let bytes = self.bytes + self.sources.file(index).contents.len();
        if self.used.len() == MAX_UNIT_FILES || bytes > MAX_UNIT_BYTES {
            return false;
        }
        self.bytes = bytes;
        self.used.insert(index)
    }

    /// Whether references of a kind that is left out by default are wanted.
    pub(crate) fn wants(&self, kind: ReferenceKind) -> bool {
        self.sources.named.contains(&kind)
    }

    /// The variables that the forge sets for every CI job.
    pub(crate) fn predefined(&self) -> &'a BTreeMap<String, String> {
        &self.sources.predefined
    }

    /// Whether `include` names a file.
    pub(crate) fn is_named(&self, path: &RepoPath) -> bool {
        let mut globs = self.sources.included.iter();
        globs.any(|glob| glob.matches(path.as_str()))
    }

    /// Whether a file was read.
    pub(crate) fn has(&self, path: &RepoPath) -> bool {
        self.sources.index(path).is_some()
    }

    /// The paths of all files.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &'a RepoPath> {
        self.sources.files.iter().map(|file| &file.path)
    }

    /// The files that were reached, the main one included; `None` if there were too many.
    pub(crate) fn used(self) -> Option<BTreeSet<usize>> {
        (!self.is_full).then_some(self.used)
    }
}
