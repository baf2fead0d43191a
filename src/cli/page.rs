//! Human-readable text: lines and tables of styled words, which a terminal shows in colour and wrapped at its width.
//!
//! A page is built without knowing where it goes. Rendered for a file it has no escape codes and no line breaks of its
//! own, so that `grep` and `diff` see the same text whatever the terminal was.

use super::output::{cut, safe};
use super::terminal::Terminal;
use crate::run::ProblemReport;
use anstyle::{AnsiColor, Style};
use std::borrow::Cow;
use unicode_width::UnicodeWidthStr as _;

/// What a piece of text means; the colours follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Text without emphasis.
    Plain,
    /// Names and headings.
    Strong,
    /// A change that was made or would be made, and a check that passed.
    Good,
    /// An error.
    Bad,
    /// A warning, and what waits for something.
    Caution,
    /// What to do: the word before a fix.
    Fix,
    /// Details that may be skipped.
    Faint,
}

impl Role {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| colour.on_default();
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::Good => colour(AnsiColor::Green),
            Self::Bad => colour(AnsiColor::Red).bold(),
            Self::Caution => colour(AnsiColor::Yellow),
            Self::Fix => colour(AnsiColor::Cyan),
            // Not a grey of its own: "dimmed" stays readable on light and on dark backgrounds.
            Self::Faint => Style::new().dimmed(),
        }
    }
}

/// A piece of text in one role.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    role: Role,
    text: String,
}

impl Cell {
    /// A piece of text in one role.
    pub(super) fn new(role: Role, text: impl Into<String>) -> Self {
        Self {
            role,
            text: text.into(),
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(Role::Plain, text)
    }
}

/// One line, which may become several on a narrow terminal.
#[derive(Debug)]
pub(super) struct Line {
    indent: usize,
    /// How much further its continuation is indented.
    hang: usize,
    cells: Vec<Cell>,
}

impl Line {
    /// Adds a text in a role; a space separates it from the text before it. An empty text adds nothing.
    pub(super) fn put(&mut self, role: Role, text: impl Into<String>) -> &mut Self {
        let text = text.into();
        if !text.is_empty() {
            if !self.cells.is_empty() {
                self.cells.push(" ".into());
            }
            self.cells.push(Cell::new(role, text));
        }
        self
    }

    /// As [`Line::put`], without a space before it.
    pub(super) fn join(&mut self, role: Role, text: impl Into<String>) -> &mut Self {
        self.cells.push(Cell::new(role, text));
        self
    }

    /// Adds a text without emphasis.
    pub(super) fn plain(&mut self, text: impl Into<String>) -> &mut Self {
        self.put(Role::Plain, text)
    }

    /// Sets how much further the continuation of the line is indented than its beginning; otherwise 2.
    pub(super) fn hanging(&mut self, columns: usize) -> &mut Self {
        self.hang = columns;
        self
    }

    /// Adds a stable code, in brackets.
    pub(super) fn code(&mut self, code: &str) -> &mut Self {
        self.put(Role::Faint, format!("[{code}]"))
    }

    fn text(&self) -> String {
        self.cells.iter().map(|cell| cell.text.as_str()).collect()
    }
}

#[derive(Debug)]
enum Block {
    Line(Line),
    Table { indent: usize, rows: Vec<Vec<Cell>> },
}

/// Human-readable text.
#[derive(Debug, Default)]
pub(super) struct Page {
    blocks: Vec<Block>,
}

impl Page {
    /// The lines of a message. A level at the beginning of a line, such as `error:`, and a code in brackets at its end
    /// are shown as what they are.
    pub(super) fn of_message(text: &str) -> Self {
        let mut page = Self::default();
        for line in text.trim_end().lines() {
            page.message(0, line);
        }
        page
    }

    /// Adds an empty line object to be filled.
    pub(super) fn line(&mut self, indent: usize) -> &mut Line {
        self.blocks.push(Block::Line(Line {
            indent,
            hang: 2,
            cells: Vec::new(),
        }));
        match self.blocks.last_mut() {
            Some(Block::Line(line)) => line,
            _ => unreachable!("a line was just added"),
        }
    }

    /// Adds one line of a message, see [`Page::of_message`].
    pub(super) fn message(&mut self, indent: usize, text: &str) {
        let written = text.trim_start();
        let line = self.line(indent + text.len() - written.len());
        let (level, rest) = match written.split_once(": ") {
            Some((word, rest)) => (level(word), rest),
            None => (None, written),
        };
        let rest = match level {
            Some((role, word)) => {
                line.put(role, word);
                rest
            }
            None => written,
        };
        match code_at_end(rest) {
            Some((sentence, code)) => line.plain(sentence).put(Role::Faint, code),
            None => line.plain(rest),
        };
    }

    /// Adds an error with its code and, below it, its fix. The message is the problem's own, or one that says more.
    pub(super) fn report(&mut self, indent: usize, problem: &ProblemReport, message: &str) {
        self.error(indent, message, &problem.code);
        if let Some(help) = &problem.help {
            self.fix(indent + 2, help);
        }
    }

    /// Adds an error with its code.
    pub(super) fn error(&mut self, indent: usize, message: &str, code: &str) -> &mut Line {
        self.line(indent)
            .put(Role::Bad, "error:")
            .plain(message.trim_end())
            .code(code)
    }

    /// Adds the fix of the problem above it. Lines to copy have lines of their own.
    pub(super) fn fix(&mut self, indent: usize, text: &str) {
        let text = text.trim_end();
        let line = self.line(indent).put(Role::Fix, "help:");
        match text.starts_with('[') {
            true => line.join(Role::Plain, format!("\n{text}")),
            false => line.plain(text),
        };
    }

    /// Adds rows whose columns are aligned, two spaces between. Only the last column is wrapped.
    pub(super) fn table(&mut self, indent: usize, rows: Vec<Vec<Cell>>) {
        self.blocks.push(Block::Table { indent, rows });
    }

    /// The text for a terminal or a file.
    pub(super) fn render(&self, terminal: &Terminal, redact: impl Fn(&str) -> String) -> String {
        let mut out = Rendered {
            terminal,
            redact: &redact,
            text: String::new(),
        };
        for block in &self.blocks {
            match block {
                Block::Line(line) => out.line(line),
                Block::Table { indent, rows } => {
                    for line in aligned(*indent, rows) {
                        out.line(&line);
                    }
                }
            }
        }
        out.text
    }
}

impl From<String> for Page {
    fn from(text: String) -> Self {
        Self::of_message(&text)
    }
}

/// The role of a message's level.
fn level(word: &str) -> Option<(Role, String)> {
    let role = match word {
        "error" | "failed" | "problem" => Role::Bad,
        "warning" => Role::Caution,
        "help" | "fix" => Role::Fix,
        "note" | "not read" => Role::Faint,
        _ => return None,
    };
    Some((role, format!("{word}:")))
}

/// A sentence and the stable code in brackets at its end.
fn code_at_end(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_suffix(']')?;
    let at = inner.rfind(" [")?;
    let code = &inner[at + 2..];
    let is_code = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-: ".contains(c);
    (!code.is_empty() && code.chars().all(is_code)).then(|| (&text[..at], &text[at + 1..]))
}

/// The widest cell of a table, in characters: a file or a server may hold longer names (B11).
const WIDEST: usize = 200;

/// The rows of a table as lines.
fn aligned(indent: usize, rows: &[Vec<Cell>]) -> Vec<Line> {
    let shown = |cell: &Cell| safe(&cut(&cell.text, WIDEST));
    let rows: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            let cells = row.iter().map(|cell| Cell::new(cell.role, shown(cell)));
            cells.collect()
        })
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.text.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    rows.into_iter()
        .map(|row| row_line(indent, row, &widths))
        .collect()
}

fn row_line(indent: usize, mut row: Vec<Cell>, widths: &[usize]) -> Line {
    while row.last().is_some_and(|cell| cell.text.trim().is_empty()) {
        row.pop();
    }
    let last = row.len().saturating_sub(1);
    let mut line = Line {
        indent,
        hang: widths[..last].iter().map(|width| width + 2).sum(),
        cells: Vec::new(),
    };
    for (column, cell) in row.into_iter().enumerate() {
        let missing = widths[column].saturating_sub(cell.text.width()) + 2;
        line.cells.push(cell);
        if column < last {
            line.cells.push(" ".repeat(missing).into());
        }
    }
    line
}

/// The fewest columns that a hanging indent leaves for text.
const FEWEST: usize = 24;

struct Rendered<'a, R> {
    terminal: &'a Terminal,
    redact: &'a R,
    text: String,
}

impl<R: Fn(&str) -> String> Rendered<'_, R> {
    fn line(&mut self, line: &Line) {
        let text = line.text();
        let redacted = (self.redact)(&text);
        // A secret may lie across two cells, so the whole line is compared; it then has no colours.
        let whole = [Cell::from(redacted.as_str())];
        let cells = match redacted == text {
            true => &line.cells[..],
            false => &whole[..],
        };
        let mut rows = vec![String::new()];
        for cell in cells {
            for (index, part) in cell.text.split('\n').enumerate() {
                if index > 0 {
                    rows.push(String::new());
                }
                if let Some(row) = rows.last_mut() {
                    row.push_str(&self.styled(cell.role, part));
                }
            }
        }
        for (index, row) in rows.iter().enumerate() {
            let indent = match index {
                0 => line.indent,
                _ => line.indent + line.hang,
            };
            self.wrapped(row, indent, line.indent + line.hang);
        }
    }

    /// A part of a line with the escape codes of its role.
    fn styled(&self, role: Role, text: &str) -> String {
        let text = safe(text);
        let text = match self.terminal.is_unicode {
            true => Cow::from(&text),
            false => in_ascii(&text),
        };
        let style = role.style();
        match self.terminal.is_coloured && role != Role::Plain && !text.is_empty() {
            true => format!("{style}{text}{style:#}"),
            false => text.into_owned(),
        }
    }

    fn wrapped(&mut self, row: &str, indent: usize, hang: usize) {
        let first = " ".repeat(indent);
        let Some(width) = self.terminal.width else {
            self.text.push_str(first.as_str());
            self.text.push_str(row);
            self.end_line();
            return;
        };
        let hang = match hang + FEWEST <= width {
            true => hang,
            false => (indent + 4).min(width / 2),
        };
        let rest = " ".repeat(hang);
        let options = textwrap::Options::new(width)
            .initial_indent(&first)
            .subsequent_indent(&rest)
            .break_words(false)
            .word_separator(textwrap::WordSeparator::AsciiSpace)
            .word_splitter(textwrap::WordSplitter::NoHyphenation)
            .wrap_algorithm(textwrap::WrapAlgorithm::FirstFit);
        for line in textwrap::wrap(row, options) {
            self.text.push_str(&line);
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        let kept = self.text.trim_end_matches(' ').len();
        self.text.truncate(kept);
        self.text.push('\n');
    }
}

/// The signs of imagebot's own texts as ASCII. Other characters come from files and servers, and stay.
fn in_ascii(text: &str) -> Cow<'_, str> {
    const SIGNS: [(char, &str); 10] = [
        ('→', "->"),
        ('…', "..."),
        ('·', "-"),
        ('–', "-"),
        ('“', "\""),
        ('”', "\""),
        ('├', "|"),
        ('└', "`"),
        ('─', "-"),
        ('│', "|"),
    ];
    if text.is_ascii() {
        return text.into();
    }
    let replaced = text.chars().fold(String::new(), |mut out, c| {
        match SIGNS.iter().find(|(sign, _)| *sign == c) {
            Some((_, ascii)) => out.push_str(ascii),
            None => out.push(c),
        }
        out
    });
    replaced.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: Terminal = Terminal {
        width: None,
        is_coloured: false,
        is_unicode: true,
    };

    fn shown(page: &Page, terminal: &Terminal) -> String {
        page.render(terminal, str::to_owned)
    }

    fn sample() -> Page {
        let mut page = Page::default();
        page.line(0).put(Role::Strong, "platform/base");
        page.line(2)
            .put(Role::Good, "opened")
            .plain("!7")
            .plain("Update redis to 7.2.4")
            .put(Role::Faint, "");
        page.error(2, "the registry does not answer", "lookup-failed");
        page.table(
            4,
            vec![
                vec![
                    "20".into(),
                    Cell::new(Role::Good, "chosen"),
                    "the newest that is allowed".into(),
                ],
                vec!["20-rc.1".into(), "prerelease".into(), "a prerelease".into()],
            ],
        );
        page
    }

    #[test]
    fn a_file_gets_plain_lines() {
        assert_eq!(
            shown(&sample(), &FILE),
            "platform/base\n  opened !7 Update redis to 7.2.4\n  error: the registry does not answer \
             [lookup-failed]\n    20       chosen      the newest that is allowed\n    20-rc.1  prerelease  a prerelease\n"
        );
    }

    #[test]
    fn a_terminal_gets_the_same_text_in_colour() {
        let coloured = shown(
            &sample(),
            &Terminal {
                is_coloured: true,
                ..FILE
            },
        );
        assert!(
            coloured.contains("\u{1b}[32mopened\u{1b}[0m !7"),
            "{coloured:?}"
        );
        assert_eq!(
            anstream::adapter::strip_str(&coloured).to_string(),
            shown(&sample(), &FILE)
        );
    }

    #[test]
    fn lines_are_wrapped_between_words_and_below_their_column() {
        let narrow = Terminal {
            width: Some(40),
            is_coloured: true,
            ..FILE
        };
        let text = shown(&sample(), &narrow);
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert!(plain.lines().all(|line| line.width() <= 40), "{plain}");
        assert!(
            plain.contains("  error: the registry does not answer\n    [lookup-failed]\n"),
            "{plain}"
        );
        let words = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert_eq!(words(&plain), words(&shown(&sample(), &FILE)));
    }

    #[test]
    fn a_word_longer_than_the_terminal_stays_whole() {
        let mut page = Page::default();
        let url = format!("https://gitlab.example.com/{}", "x".repeat(80));
        page.line(2).plain("see").plain(url.as_str());
        let narrow = Terminal {
            width: Some(40),
            ..FILE
        };
        assert!(shown(&page, &narrow).contains(&url));
    }

    #[test]
    fn without_unicode_the_own_signs_are_ascii() {
        let mut page = Page::default();
        page.line(0).plain("20 → 22 …");
        let ascii = Terminal {
            is_unicode: false,
            ..FILE
        };
        assert_eq!(shown(&page, &ascii), "20 -> 22 ...\n");
    }

    #[test]
    fn t55_text_of_others_brings_no_escape_codes_and_a_secret_across_cells_is_hidden() {
        let mut page = Page::default();
        page.line(0)
            .put(Role::Good, "a\u{1b}[31mb")
            .join(Role::Bad, "canary")
            .join(Role::Plain, "-token");
        let coloured = Terminal {
            is_coloured: true,
            ..FILE
        };
        let text = page.render(&coloured, |text| text.replace("canary-token", "***"));
        assert_eq!(text, "a\\u{1b}[31mb***\n");
    }

    #[test]
    fn b11_a_long_cell_is_cut() {
        let mut page = Page::default();
        page.table(0, vec![vec!["x".repeat(70_000).into(), "y".into()]]);
        let text = shown(&page, &FILE);
        assert!(text.contains("… (69800 more characters)  y"), "{text}");
    }

    #[test]
    fn the_level_and_the_code_of_a_message_are_found() {
        let page = Page::of_message(
            "error: no such image [not-found]\nhelp: correct it\n  a: b [Not A Code]",
        );
        let coloured = Terminal {
            is_coloured: true,
            ..FILE
        };
        assert_eq!(
            shown(&page, &coloured),
            "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m no such image \u{1b}[2m[not-found]\u{1b}[0m\n\
             \u{1b}[36mhelp:\u{1b}[0m correct it\n  a: b [Not A Code]\n"
        );
        let plain = "error: no such image [not-found]\nhelp: correct it\n  a: b [Not A Code]\n";
        assert_eq!(shown(&page, &FILE), plain);
    }
}
