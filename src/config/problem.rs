//! The problems of a file, each shown with its line and a caret.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The range in the text, in bytes.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Problem {
    /// Whether the problem is real whatever a syntax error in the same file means: one of a whole table is not, since
    /// part of the table may not have been read, and neither is one on a broken line.
    pub(super) fn is_independent(&self, text: &str, broken: &[Range<usize>]) -> bool {
        let place = text.get(self.span.clone()).unwrap_or_default();
        let is_table = place.is_empty() || place.starts_with(['[', '{']) || place.contains('\n');
        let own = line_of(text, self.span.start);
        let is_beside = || broken.iter().any(|span| line_of(text, span.start) == own);
        broken.is_empty() || !(is_table || is_beside())
    }
}

/// The problems of one file. Neither the text nor the messages contain a possible secret.
#[derive(Debug, Clone)]
pub struct Problems {
    /// The file's name, as it was given.
    pub file: Arc<str>,
    /// Its text, with every possible secret hidden.
    pub text: Arc<str>,
    /// The problems in the order of the file; at least one, at most [`Self::MOST`].
    pub list: Vec<Problem>,
    /// The number of further problems.
    pub more: usize,
}

impl Problems {
    /// The most problems of a file that are kept and shown.
    pub const MOST: usize = 20;

    /// Makes a report; `hidden` are the parts of the text that no message may repeat.
    pub(super) fn new(
        file: Arc<str>,
        text: String,
        mut list: Vec<Problem>,
        more: usize,
        hidden: &[String],
    ) -> Self {
        for problem in &mut list {
            problem.message = presentable(&problem.message, hidden);
            problem.help = problem.help.take().map(|help| presentable(&help, hidden));
        }
        Self {
            file,
            text: text.into(),
            list,
            more,
        }
    }

    /// The line of a position, counted from 1.
    pub fn line(&self, at: usize) -> usize {
        line_of(&self.text, at)
    }

    /// Each problem in one line: `file:line: message`.
    pub fn lines(&self) -> Vec<String> {
        let line = |p: &Problem| {
            let line = self.line(p.span.start);
            format!("{}:{line}: {}", self.file, p.message)
        };
        self.list.iter().map(line).chain(self.rest()).collect()
    }

    fn rest(&self) -> Option<String> {
        let noun = if self.more == 1 {
            "problem"
        } else {
            "problems"
        };
        (self.more > 0).then(|| format!("{}: {} more {noun}", self.file, self.more))
    }
}

impl Problems {
    /// The problems with their lines and carets, in colour if wanted. The text of the file brings no escape codes.
    pub fn render(&self, is_coloured: bool) -> String {
        let renderer = match is_coloured {
            true => Renderer::styled(),
            false => Renderer::plain(),
        };
        let mut out = String::new();
        for (index, problem) in self.list.iter().enumerate() {
            let excerpt = Excerpt::of(&self.text, &problem.span);
            let snippet = Snippet::source(excerpt.text.as_str())
                .line_start(excerpt.line)
                .path(self.file.as_ref())
                .annotation(AnnotationKind::Primary.span(excerpt.span));
            let mut group = Level::ERROR
                .primary_title(problem.message.as_str())
                .element(snippet);
            if let Some(help) = &problem.help {
                group = group.element(Level::HELP.message(help.as_str()));
            }
            if index > 0 {
                out.push('\n');
            }
            out.push_str(&renderer.render(&[group]));
            out.push('\n');
        }
        if let Some(rest) = self.rest() {
            out.push_str(&format!("\n{rest}\n"));
        }
        out
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Problems {}

/// The most of a message or a line that is shown, in bytes.
const LONGEST: usize = 400;
/// How much of a long line is shown before the problem, in bytes.
const BEFORE: usize = 60;
/// The most lines of a problem that are shown.
const LINES: usize = 8;

/// A message without the hidden parts, cut if it is too long.
fn presentable(message: &str, hidden: &[String]) -> String {
    let mut message = message.to_owned();
    for word in hidden {
        if may_be_secret(word) && message.contains(word.as_str()) {
            message = message.replace(word.as_str(), "***");
        }
    }
    if message.len() > LONGEST {
        message.truncate(floor(&message, LONGEST));
        message.push('…');
    }
    message
}

/// Whether a hidden word is also removed from messages. Short plain words occur in them by chance.
fn may_be_secret(word: &str) -> bool {
    let is_plain = word.chars().all(|c| c.is_ascii_lowercase());
    word.len() >= if is_plain { 12 } else { 6 }
}

/// The part of a text that a problem is shown in.
struct Excerpt {
    text: String,
    /// The number of its first line.
    line: usize,
    span: Range<usize>,
}

impl Excerpt {
    fn of(text: &str, span: &Range<usize>) -> Self {
        let span = clamp(text, span);
        let start = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
        let line = line_of(text, start);
        let mut ends = text[span.end..].match_indices('\n');
        let end = ends.next().map_or(text.len(), |(at, _)| span.end + at);
        let lines = text[start..end].matches('\n').count() + 1;
        let is_short = lines <= LINES && text[start..end].split('\n').all(|l| l.len() <= LONGEST);
        if is_short {
            return Self {
                text: text[start..end].to_owned(),
                line,
                span: span.start - start..span.end - start,
            };
        }
        // The beginning of the problem, with a little of the text before it.
        let from = floor(text, span.start.saturating_sub(BEFORE).max(start));
        let line_end = text[span.start..]
            .find('\n')
            .map_or(text.len(), |at| span.start + at);
        let to = floor(text, (from + LONGEST).min(line_end)).max(span.start);
        let lead = if from > start { "…" } else { "" };
        let tail = if to < end { "…" } else { "" };
        let at = lead.len() + span.start - from;
        Self {
            text: format!("{lead}{}{tail}", &text[from..to]),
            line,
            span: at..(at + span.end - span.start).min(lead.len() + to - from),
        }
    }
}

/// The last character boundary at or before a position.
fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A span at character boundaries inside the text.
fn clamp(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = floor(text, span.start);
    start..floor(text, span.end).max(start)
}

/// The line of a position, counted from 1.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())]
        .iter()
        .filter(|b| **b == b'\n')
        .count()
        + 1
}
