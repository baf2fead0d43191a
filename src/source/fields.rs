//! References in YAML documents: a whole one in one text, or its parts in several fields.
//!
//! A field that holds only a tag has a type: a plain `1.10` is the number 1.1 to most readers. Such a tag is unknown,
//! and an edit never turns a text into a number or a number into a text.

use super::found::{Found, Remark, Told};
use super::located::{Comment, ReferenceKind, WhyNot, extent};
use super::mapped::Mapped;
use super::parts::ReferenceParts;
use super::passed::Passed;
use super::placeholder::{Meaning, fill};
use super::sources::FileText;
use super::text::Text;
use super::value::Expanded;
use super::yaml::{Node, Scalar, Yaml};
use std::collections::{BTreeSet, HashSet};
use std::ops::Range;

/// A YAML text with references: a file, or a text inside of a file's document.
pub(crate) struct Fields<'a> {
    yaml: &'a Yaml<'a>,
    inside: Option<Inside>,
    /// Where the texts begin that were read as documents: aliases can refer to one of them many times.
    read: HashSet<usize>,
    found: &'a mut Found,
}

/// Where a text inside of a document is.
struct Inside {
    /// Its bytes; `None` if they are not in the file as they are.
    text: Option<Mapped>,
    at: Range<usize>,
    /// The line before its first one.
    before: usize,
}

/// The fields of one reference. Those that are missing or empty count as absent.
#[derive(Clone, Copy, Default)]
pub(crate) struct Parts<'a> {
    pub(crate) registry: Option<Scalar<'a>>,
    pub(crate) name: Option<Scalar<'a>>,
    pub(crate) tag: Option<Scalar<'a>>,
    pub(crate) digest: Option<Scalar<'a>>,
    /// The line of the key that the fields are below: a comment above it is the reference's.
    pub(crate) head: Option<usize>,
    /// An empty field for a digest.
    pub(crate) no_digest: Option<Scalar<'a>>,
    /// Whether the tag must be a string: a number is refused by the format's own reader.
    pub(crate) is_strict: bool,
}

/// Reads the documents of a file.
pub(crate) fn read_documents(
    file: &FileText<'_>,
    mut read: impl for<'a> FnMut(&mut Fields<'a>, Node<'a>),
) -> Found {
    let yaml = Yaml::read(&file.text, file.base);
    let mut found = Found::default();
    let mut fields = Fields::new(&yaml, &mut found);
    for root in fields.documents() {
        read(&mut fields, root);
    }
    fields.finish();
    found
}

impl<'a> Fields<'a> {
    pub(crate) fn new(yaml: &'a Yaml<'a>, found: &'a mut Found) -> Self {
        Self {
            yaml,
            inside: None,
            read: HashSet::new(),
            found,
        }
    }

    /// The YAML that a text of this one holds.
    pub(crate) fn within(&mut self, scalar: Scalar<'_>, read: impl FnOnce(&mut Fields<'_>)) {
        if !self.read.insert(scalar.span().start) {
            return;
        }
        let yaml = Yaml::read(scalar.value(), 0);
        let text = match &self.inside {
            None => scalar.mapped(),
            Some(_) => None,
        };
        let before = self.line(scalar.line()) - usize::from(!scalar.is_block());
        let mut fields = Fields {
            yaml: &yaml,
            inside: Some(Inside {
                text,
                at: scalar.span(),
                before,
            }),
            read: HashSet::new(),
            found: self.found,
        };
        read(&mut fields);
    }

    /// The line of the file.
    fn line(&self, line: usize) -> usize {
        self.inside
            .as_ref()
            .map_or(line, |inside| inside.before + line)
    }

    pub(crate) fn pass(&mut self, line: usize, what: String) {
        let line = self.line(line);
        self.found.passed.push(Passed { line, what });
    }

    /// The documents, or nothing and a note for each that does not parse.
    pub(crate) fn documents(&mut self) -> Vec<Node<'a>> {
        let mut roots = Vec::new();
        for document in self.yaml.documents() {
            match document {
                Ok(root) => roots.push(root),
                Err(lost) => {
                    let what = match is_template(self.yaml.text()) {
                        true => "a template, which is YAML only once it is filled in",
                        false => "invalid YAML",
                    };
                    self.pass(lost.line, format!("{what}: {}", lost.what));
                }
            }
        }
        roots
    }

    /// The text at a key; `None` if it is missing, `null` or empty, and if it is a map, a list or too long for a part of
    /// a reference, which is reported.
    pub(crate) fn text(&mut self, of: Node<'a>, key: &str) -> Option<Scalar<'a>> {
        let node = of.get(key)?;
        let Some(scalar) = node.text() else {
            self.pass(node.line(), format!("`{key}` is not a string"));
            return None;
        };
        if !scalar.is_short() {
            self.pass(node.line(), format!("`{key}` is too long for a reference"));
            return None;
        }
        (!scalar.is_null() && !scalar.value().is_empty()).then_some(scalar)
    }

    /// As [`Self::text`], for a value that must be a string: a number is reported too.
    pub(crate) fn string(&mut self, of: Node<'a>, key: &str) -> Option<Scalar<'a>> {
        let scalar = self.text(of, key)?;
        if !scalar.is_text() {
            self.pass(of.get(key)?.line(), format!("`{key}` is not a string"));
            return None;
        }
        Some(scalar)
    }

    /// The reference that a key's text is.
    pub(crate) fn whole(&mut self, of: Node<'a>, key: &str, kind: ReferenceKind) {
        if let Some(scalar) = self.string(of, key) {
            self.push_text(kind, scalar);
        }
    }

    /// The reference that follows a prefix of a key's text.
    pub(crate) fn behind(&mut self, of: Node<'a>, key: &str, prefix: &str, kind: ReferenceKind) {
        if let Some(scalar) = self.string(of, key) {
            self.text_behind(scalar, prefix, kind);
        }
    }

    /// The reference that follows a prefix of a text.
    pub(crate) fn text_behind(&mut self, scalar: Scalar<'a>, prefix: &str, kind: ReferenceKind) {
        let text = self.text_of(scalar.value().to_owned(), scalar, self.expanded(scalar));
        if let Some(rest) = text.behind(prefix) {
            self.found.references.push(rest.located(kind, None));
        }
    }

    /// As [`Self::whole`], with placeholders that are filled in.
    pub(crate) fn filled(
        &mut self,
        of: Node<'a>,
        key: &str,
        kind: ReferenceKind,
        delimiters: (&str, &str),
        meaning: &mut dyn FnMut(&mut Self, &str) -> Meaning,
    ) {
        if let Some(scalar) = self.string(of, key) {
            let text = self.expanded(scalar);
            let filled = fill(&text, delimiters, &mut |inner| meaning(self, inner));
            self.push(kind, scalar, filled);
        }
    }

    /// The value that a parameter has unless a caller gives another one, which is noted. It is not filled in itself: one
    /// with a placeholder, which `open` begins, is unknown.
    pub(crate) fn parameter(
        &mut self,
        name: &str,
        default: Option<Scalar<'a>>,
        open: &str,
    ) -> Meaning {
        let is_plain = |value: &Scalar<'_>| value.is_short() && !value.value().contains(open);
        let Some(default) = default.filter(is_plain) else {
            return Meaning::Unknown;
        };
        let told = Told {
            line: self.line(default.line()),
            remark: Remark::OutsideValue,
            what: name.to_owned(),
        };
        self.found.told.push((self.place(default).start, told));
        Meaning::Value(self.value(default))
    }

    /// Adds the reference that a text is.
    pub(crate) fn push_text(&mut self, kind: ReferenceKind, scalar: Scalar<'a>) {
        let mut expanded = self.expanded(scalar);
        if is_template(scalar.value()) {
            expanded.why = Some(WhyNot::Template);
        }
        self.push(kind, scalar, expanded);
    }

    /// Adds the reference that a name without a tag is. Its format has other fields for a tag and a digest, so none can be
    /// added to it.
    pub(crate) fn bare_name(&mut self, kind: ReferenceKind, scalar: Scalar<'a>) {
        let mut expanded = self.expanded(scalar);
        expanded.fixed = Some(WhyNot::Partial);
        self.push(kind, scalar, expanded);
    }

    /// The number of references so far.
    pub(crate) fn count(&self) -> usize {
        self.found.references.len()
    }

    /// Notes what reading has found about the file as a whole. To be called at the end.
    pub(crate) fn finish(mut self) {
        if let Some(limit) = self.yaml.limit() {
            self.pass(limit.line, limit.what);
        }
    }

    /// Adds the reference that a text has become.
    pub(crate) fn push(&mut self, kind: ReferenceKind, scalar: Scalar<'a>, expanded: Expanded) {
        let text = self.text_of(scalar.value().to_owned(), scalar, expanded);
        self.found.references.push(text.located(kind, None));
    }

    /// Adds the reference that several fields are, if they are one: a name, and a tag or a digest.
    pub(crate) fn parts(&mut self, kind: ReferenceKind, parts: Parts<'a>) {
        let (Some(name), Some(main)) = (parts.name, parts.tag.or(parts.digest)) else {
            return;
        };
        let whole = ReferenceParts {
            registry: parts.registry.map(|registry| self.expanded(registry)),
            name: self.expanded(name),
            tag: parts.tag.map(|tag| self.value(tag)),
            digest: parts.digest.map(|digest| self.expanded(digest)),
        };
        let mut whole = whole.join();
        let texts = [parts.registry, parts.name, parts.tag, parts.digest];
        if texts.iter().flatten().any(|text| is_template(text.value())) {
            whole.text.why = Some(WhyNot::Template);
        }
        if parts.is_strict && whole.text.is_number {
            whole.text.why = whole.text.why.or(Some(WhyNot::UnquotedNumber));
        }
        let slot = parts.no_digest.and_then(|scalar| self.start(scalar));
        whole.text.digest_slot = slot.and_then(|slot| u32::try_from(slot).ok());
        let written = whole.text.value.text().to_owned();
        let mut text = self.text_of(written, main, Expanded::default());
        let here = texts.into_iter().flatten().filter(|it| it.is_of(self.yaml));
        let lines = here.map(Scalar::line).chain(parts.head);
        text.notes = self.notes_above(lines.collect());
        let found = whole.resolution(&text.written_at);
        let mut located = text.located(kind, None);
        located.found = found;
        self.found.references.push(located);
    }

    /// A text as it is in the file.
    fn expanded(&self, scalar: Scalar<'_>) -> Expanded {
        match self.mapped(scalar) {
            Some(text) => Expanded::literal(&text),
            None => Expanded {
                value: Mapped::computed(scalar.value()),
                fixed: Some(WhyNot::NotPlain),
                ..Expanded::default()
            },
        }
    }

    /// As [`Self::expanded`], for a part of a reference: it may be a number, which YAML's readers print in their way.
    fn value(&self, scalar: Scalar<'_>) -> Expanded {
        let mut value = self.expanded(scalar);
        value.is_number = !scalar.is_text();
        if !scalar.prints_as_written() {
            value.why = Some(WhyNot::UnquotedNumber);
        }
        value
    }

    /// The bytes of a text, if they are in the file as they are.
    pub(crate) fn mapped(&self, scalar: Scalar<'_>) -> Option<Mapped> {
        let place = scalar.plain_place()?;
        match &self.inside {
            None => Some(Mapped::of_file(scalar.value(), place.start)),
            Some(inside) => Some(inside.text.as_ref()?.slice(place)),
        }
    }

    /// The position in the file at which a text begins, even if it is empty.
    fn start(&self, scalar: Scalar<'_>) -> Option<usize> {
        let start = scalar.plain_place()?.start;
        match &self.inside {
            None => Some(start),
            Some(inside) => inside.text.as_ref()?.place_of(start),
        }
    }

    /// Where a text is written.
    fn place(&self, scalar: Scalar<'_>) -> Range<usize> {
        match (self.mapped(scalar), &self.inside) {
            (Some(text), _) => extent(&text),
            (None, None) => scalar.span(),
            (None, Some(inside)) => inside.at.clone(),
        }
    }

    /// A text whose main part is a scalar.
    fn text_of(&self, written: String, main: Scalar<'_>, expanded: Expanded) -> Text {
        Text {
            expanded,
            written,
            written_at: self.place(main),
            line: self.line(main.line()),
            notes: self.notes_above(BTreeSet::from([main.line()])),
        }
    }

    /// The comments above lines, in their order.
    fn notes_above(&self, lines: BTreeSet<usize>) -> Vec<Comment> {
        let notes = lines
            .into_iter()
            .flat_map(|line| self.yaml.notes_above(line));
        let notes = notes.map(|note| Comment {
            line: self.line(note.line),
            ..note
        });
        notes.collect()
    }
}

/// Whether a template engine fills a text in.
fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("<%")
}
