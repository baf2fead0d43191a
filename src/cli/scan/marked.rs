//! `imagebot scan --source FILE`: what comments and `[[source]]` find in a file, with carets.

use crate::fleet::ParsedRepo;
use crate::repo::RepoPath;
use crate::source::Located;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use anyhow::{Context as _, bail};
use std::ops::Range;

/// The most of a line that is shown, in bytes.
const LONGEST: usize = 400;

/// Prints every match in a file, and what is wrong there.
pub(super) fn marked(parsed: &ParsedRepo, file: &str) -> anyhow::Result<String> {
    let path = RepoPath::parse(file.trim_start_matches("./"))
        .with_context(|| format!("{file} is not a path in the folder"))?;
    let tables = &parsed.settings.sources;
    let naming = tables.iter().filter(|it| it.covers(path.as_str()));
    let Some(read) = parsed.sources.get(&path) else {
        let skipped = parsed
            .skipped
            .iter()
            .find(|(known, _)| known == path.as_str());
        match skipped {
            Some((_, why)) => bail!("{path} is not read: {why}"),
            None => bail!(
                "{path} is not there or is left out, or no [[source]] of imagebot.toml names it"
            ),
        }
    };
    let text = String::from_utf8_lossy(&read.contents);
    let mut shown = String::new();
    let mut count = 0;
    let custom = parsed
        .references
        .iter()
        .filter(|(known, located)| *known == path && located.kind.is_custom());
    for (_, located) in custom {
        count += 1;
        let marks = parsed.sources.marks(located).into_iter();
        let marks = marks.filter(|(known, _)| **known == path);
        let marks: Vec<Range<usize>> = marks.map(|(_, place)| place).collect();
        shown.push_str(&excerpt(&path, &text, located, &marks));
        shown.push_str("\n\n");
    }
    let passed = parsed.passed.iter().filter(|(known, _)| *known == path);
    for passed in passed.flat_map(|(_, passed)| passed.iter()) {
        shown.push_str(&format!(
            "not read: {path}:{}: {}\n",
            passed.line, passed.what
        ));
    }
    if count == 0 && parsed.passed.iter().all(|(known, _)| *known != path) {
        for table in naming {
            let line = table.line;
            shown.push_str(&format!(
                "imagebot.toml:{line}: this [[source]] finds no image in {path}\n"
            ));
        }
    }
    let noun = if count == 1 { "match" } else { "matches" };
    shown.push_str(&format!("{count} {noun} in {path}\n"));
    Ok(shown)
}

/// The lines of one match.
fn excerpt(path: &RepoPath, text: &str, located: &Located, marks: &[Range<usize>]) -> String {
    let first = marks
        .iter()
        .map(|mark| mark.start)
        .min()
        .unwrap_or_default();
    let last = marks.iter().map(|mark| mark.end).max().unwrap_or_default();
    let start = text[..floor(text, first)]
        .rfind('\n')
        .map_or(0, |at| at + 1);
    let from = start.max(floor(text, first.saturating_sub(LONGEST / 4)));
    let end = floor(text, last);
    let end = text[end..].find('\n').map_or(text.len(), |at| end + at);
    let to = floor(text, end.min(from + 4 * LONGEST));
    let line = 1 + text[..start].matches('\n').count();
    let annotations = marks.iter().filter(|mark| mark.end <= to).map(|mark| {
        let span = floor(text, mark.start) - from..floor(text, mark.end) - from;
        AnnotationKind::Primary.span(span)
    });
    let snippet = Snippet::source(&text[from..to])
        .line_start(line)
        .path(path.as_str())
        .annotations(annotations);
    let why = located.why_not();
    let title = match located.reference() {
        Some(reference) => reference.to_string(),
        None => located.written.chars().take(LONGEST).collect(),
    };
    let level = if why.is_some() {
        Level::ERROR
    } else {
        Level::INFO
    };
    let mut group = level.primary_title(title.as_str()).element(snippet);
    let reason = why.map(|why| format!("{} [{}]", why.describe(), why.code()));
    if let Some(reason) = &reason {
        group = group.element(Level::NOTE.message(reason.as_str()));
    }
    Renderer::plain().render(&[group]).to_string()
}

/// The last character boundary at or before a position.
fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
