//! The texts of a compose file, with their variables expanded.

use super::super::interpolate::interpolate;
use super::super::located::{Comment, Located, ReferenceKind, WhyNot};
use super::super::mapped::Mapped;
use super::super::value::Expanded;
use super::super::yaml::{Node, Yaml};
use std::collections::BTreeMap;
use std::ops::Range;

/// The values of variables: `[args]`, then `.env`.
pub(super) struct Environment<'a> {
    pub(super) args: &'a BTreeMap<String, String>,
    pub(super) variables: BTreeMap<String, Expanded>,
}

impl Environment<'_> {
    pub(super) fn get(&self, name: &str) -> Option<Expanded> {
        let given = self.args.get(name).map(|value| Expanded::given(value));
        given.or_else(|| self.variables.get(name).cloned())
    }
}

/// A text with its variables expanded, and where it is written.
#[derive(Clone)]
pub(super) struct Text {
    pub(super) expanded: Expanded,
    pub(super) written: String,
    pub(super) written_at: Range<usize>,
    pub(super) line: usize,
    pub(super) notes: Vec<Comment>,
}

/// A value that is not the text that belongs there.
pub(super) struct Wrong {
    pub(super) line: usize,
}

impl Text {
    /// The text of a value; `None` if there is none.
    pub(super) fn read(
        yaml: &Yaml<'_>,
        node: Node<'_>,
        environment: &Environment<'_>,
    ) -> Result<Option<Self>, Wrong> {
        let wrong = Wrong { line: node.line() };
        let Some(scalar) = node.text() else {
            return Err(wrong);
        };
        if scalar.is_null() || scalar.value().is_empty() {
            return Ok(None);
        }
        if !scalar.is_text() {
            return Err(wrong);
        }
        Ok(Some(Self::of(yaml, node, environment)))
    }

    /// The text of a value of any type. A number that programs print differently is unknown.
    pub(super) fn of(yaml: &Yaml<'_>, node: Node<'_>, environment: &Environment<'_>) -> Self {
        let (value, line) = node
            .text()
            .map_or(("", node.line()), |s| (s.value(), s.line()));
        let scalar = node.text();
        let place = scalar.and_then(|scalar| scalar.plain_place());
        let text = match &place {
            Some(place) => Mapped::of_file(value, place.start),
            None => Mapped::computed(value),
        };
        let variables = |name: &str| environment.get(name);
        let mut expanded = interpolate(&text, &variables);
        if place.is_none() {
            expanded.fixed = Some(WhyNot::NotPlain);
        }
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
    pub(super) fn behind(&self, prefix: &str) -> Option<Self> {
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
    pub(super) fn located(self, kind: ReferenceKind, platform: Option<String>) -> Located {
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
            in_ci: false,
        }
    }
}
