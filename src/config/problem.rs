//! What is wrong with a file, shown with a caret.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The place in the text, in bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// All problems of one file.
#[derive(Debug, Clone)]
pub struct Problems {
    /// The file as it was named.
    pub file: Arc<str>,
    /// Its text.
    pub text: Arc<str>,
    /// The problems, in the order of the file; at least one.
    pub list: Vec<Problem>,
}

impl Problems {
    /// The line of a place, counted from 1.
    pub fn line(&self, at: usize) -> usize {
        line_of(&self.text, at)
    }

    /// Each problem in one line: `file:line: message`.
    pub fn lines(&self) -> Vec<String> {
        self.list
            .iter()
            .map(|p| format!("{}:{}: {}", self.file, self.line(p.span.start), p.message))
            .collect()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let renderer = Renderer::plain();
        let shown = masked(&self.text);
        for (index, problem) in self.list.iter().enumerate() {
            let span = clamp(&self.text, &problem.span);
            let snippet = Snippet::source(shown.as_str())
                .path(self.file.as_ref())
                .annotation(AnnotationKind::Primary.span(span));
            let mut group = Level::ERROR
                .primary_title(problem.message.as_str())
                .element(snippet);
            if let Some(help) = &problem.help {
                group = group.element(Level::HELP.message(help.as_str()));
            }
            if index > 0 {
                writeln!(f)?;
            }
            writeln!(f, "{}", renderer.render(&[group]))?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The text with what somebody wrote in clear for a password or token replaced, byte for byte: a report of a problem
/// must not carry it into a log.
fn masked(text: &str) -> String {
    let mut out = text.as_bytes().to_vec();
    for word in ["password", "token", "secret"] {
        for (at, _) in text.match_indices(word) {
            let rest = text[at + word.len()..].trim_start();
            let Some(value) = rest.strip_prefix('=').map(str::trim_start) else {
                continue;
            };
            let start = text.len() - value.len();
            let end = match value.chars().next() {
                Some(quote @ ('"' | '\'')) => value[1..].find([quote, '\n']).map(|end| end + 1),
                _ => continue,
            };
            out[start + 1..start + end.unwrap_or(value.len())].fill(b'*');
        }
    }
    String::from_utf8(out).unwrap_or_default()
}

/// A span at character boundaries inside the text.
fn clamp(text: &str, span: &Range<usize>) -> Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(span.start);
    start..floor(span.end).max(start)
}

/// The line of a place, counted from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())]
        .iter()
        .filter(|b| **b == b'\n')
        .count()
        + 1
}
