//! The text of a YAML value, with its variables expanded and its place.
//!
//! Every YAML format reads its values with this; how variables are expanded is the format's own.

use super::located::{Comment, Located, ReferenceKind, WhyNot};
use super::mapped::Mapped;
use super::value::Expanded;
use super::yaml::{Node, Yaml};
use std::ops::Range;

/// Expands the variables of a text; [`Expanded::literal`] for a format without variables.
pub(crate) type Expand<'a> = &'a dyn Fn(&Mapped) -> Expanded;

/// A text with its variables expanded, and where it is written.
#[derive(Clone)]
pub(crate) struct Text {
    pub(crate) expanded: Expanded,
    pub(crate) written: String,
    pub(crate) written_at: Range<usize>,
    pub(crate) line: usize,
    pub(crate) notes: Vec<Comment>,
}

/// A value that is not the text that belongs there.
pub(crate) struct Wrong {
    pub(crate) line: usize,
}

impl Text {
    /// The text of a value; `None` if there is none.
    pub(crate) fn read(
        yaml: &Yaml<'_>,
        node: Node<'_>,
        expand: Expand<'_>,
    ) -> Result<Option<Self>, Wrong> {
        let wrong = Wrong { line: node.line() };
        let Some(scalar) = node.text() else {
            return Err(wrong);
        };
        if scalar.is_null() || scalar.value().is_empty() {
            return Ok(None);
        }
        if !scalar.is_text() || !scalar.is_short() {
            return Err(wrong);
        }
        Ok(Some(Self::of(yaml, node, expand)))
    }

    /// The text of a value of any type. A number that programs print differently is unknown, and so is a text that is
    /// too long for a reference: aliases can refer to it many times.
    pub(crate) fn of(yaml: &Yaml<'_>, node: Node<'_>, expand: Expand<'_>) -> Self {
        let line = node.text().map_or(node.line(), |scalar| scalar.line());
        let scalar = node.text().filter(|scalar| scalar.is_short());
        let value = scalar.map_or("", |scalar| scalar.value());
        let place = scalar.and_then(|scalar| scalar.plain_place());
        let text = match &place {
            Some(place) => Mapped::of_file(value, place.start),
            None => Mapped::computed(value),
        };
        let mut expanded = expand(&text);
        if place.is_none() {
            expanded.fixed = Some(WhyNot::NotPlain);
        }
        expanded.malformed |= scalar.is_none() && node.text().is_some();
        if scalar.is_some_and(|scalar| !scalar.prints_as_written()) {
            expanded.why = Some(WhyNot::UnquotedNumber);
        }
        Self {
            expanded,
            written: value.to_owned(),
            written_at: place
                .or(scalar.map(|scalar| scalar.span()))
                .unwrap_or_default(),
            line,
            notes: yaml.notes_above(line),
        }
    }

    /// What follows a prefix; `None` if the text does not begin with it.
    pub(crate) fn behind(&self, prefix: &str) -> Option<Self> {
        let rest = self.expanded.value.text().strip_prefix(prefix)?;
        let start = self.expanded.value.len() - rest.len();
        let value = self.expanded.value.slice(start..self.expanded.value.len());
        let written = self.written.find(prefix).map(|at| at + prefix.len());
        let cut = written.unwrap_or_default();
        let at = self.written_at.start + cut..self.written_at.end;
        Some(Self {
            expanded: Expanded {
                value,
                ..self.expanded.clone()
            },
            written: self.written[cut..].to_owned(),
            written_at: if at.start <= at.end {
                at
            } else {
                self.written_at.clone()
            },
            line: self.line,
            notes: self.notes.clone(),
        })
    }

    /// The reference that it is.
    pub(crate) fn located(self, kind: ReferenceKind, platform: Option<String>) -> Located {
        Located {
            ordinal: 0,
            line: self.line,
            kind,
            stage: None,
            platform,
            found: self.expanded.resolution(&self.written_at),
            written: self.written,
            written_at: self.written_at,
            notes: self.notes,
            told: Vec::new(),
            in_ci: false,
        }
    }
}
