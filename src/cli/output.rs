//! Printing: data on stdout, messages on stderr, and nothing that could move a terminal's cursor.

use super::page::Page;
use super::terminal::Terminal;
use crate::redact::Redactor;
use std::io::Write as _;
use std::sync::OnceLock;

/// Everything that is printed goes through this redactor: a server may have repeated a credential in it (B6).
static REDACTOR: OnceLock<Redactor> = OnceLock::new();

/// Makes everything that the process prints from here on go through a redactor. Called once, before a command runs.
pub(super) fn redact_with(redactor: &Redactor) {
    // Only a test calls this twice in one process; the first redactor stays.
    let _ = REDACTOR.set(redactor.clone());
}

/// How much a command prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Amount {
    /// Errors only, and the requested data.
    Quiet,
    /// What changed and what failed.
    Usual,
    /// Also what stayed as it was.
    Everything,
}

static AMOUNT: OnceLock<Amount> = OnceLock::new();

/// Decides how much is printed, for the whole process.
pub(super) fn set_amount(amount: Amount) {
    // As with the redactor.
    let _ = AMOUNT.set(amount);
}

/// How much is printed.
pub(super) fn amount() -> Amount {
    AMOUNT.get().copied().unwrap_or(Amount::Usual)
}

fn redacted(text: &str) -> std::borrow::Cow<'_, str> {
    match REDACTOR.get() {
        Some(redactor) => redactor.redact(text),
        None => text.into(),
    }
}

/// How a command's data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// Human-readable text.
    Human,
    /// JSON.
    Json,
}

impl Format {
    /// Writes a value as a command's data.
    pub(super) fn print<T: serde::Serialize, P: Into<Page>>(
        self,
        value: &T,
        human: impl FnOnce(&T) -> P,
    ) -> anyhow::Result<()> {
        match self {
            Self::Json => json(value),
            Self::Human => show(&human(value).into()),
        }
    }
}

/// Writes data. A reader that closed its end is not an error.
pub(super) fn data(bytes: &[u8]) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Writes a value as JSON, one document.
pub(super) fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    // Redacted as values, so that a secret that looks like a part of JSON's syntax does not break the document.
    if let Some(redactor) = REDACTOR.get().filter(|redactor| redactor.finds(&text)) {
        text = serde_json::to_vec_pretty(&redactor.redact_json(serde_json::to_value(value)?))?;
    }
    text.push(b'\n');
    data(&text)
}

/// Writes text in a format of its own, such as Graphviz, as a command's data.
pub(super) fn text(text: &str) -> anyhow::Result<()> {
    data(redacted(&safe(text)).as_bytes())
}

/// Writes human-readable text as a command's data.
pub(super) fn show(page: &Page) -> anyhow::Result<()> {
    data(rendered(page, &Terminal::stdout()).as_bytes())
}

/// Writes a message to stderr, beside the data.
pub(super) fn say(text: &str) {
    print_error(&rendered(&Page::of_message(text), &Terminal::stderr()));
}

/// Writes what was done to stderr; nothing with `--quiet`.
pub(super) fn remark(text: &str) {
    if amount() > Amount::Quiet {
        say(text);
    }
}

/// Writes the message of an error to stderr. Problems of a configuration are complete messages already; everything else becomes one.
pub fn complain(error: &anyhow::Error) {
    let terminal = Terminal::stderr();
    match error.downcast_ref::<crate::config::Problems>() {
        // The renderer writes control characters of the file out by itself.
        Some(problems) if terminal.is_coloured => print_error(&redacted(&problems.render(true))),
        Some(problems) => print_error(&redacted(&safe(&problems.to_string()))),
        None => say(&format!("error: {error:#}")),
    }
}

fn print_error(text: &str) {
    // Without stderr there is no place for the message.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

fn rendered(page: &Page, terminal: &Terminal) -> String {
    let text = page.render(terminal, |text| redacted(text).into_owned());
    redacted(&text).into_owned()
}

/// The text with control and direction characters written out: a path, a tag or a label cannot move the cursor or
/// turn the reading direction (T55).
pub(super) fn safe(text: &str) -> String {
    let odd = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    text.chars()
        .fold(String::with_capacity(text.len()), |mut out, c| {
            if odd(c) {
                out.extend(c.escape_unicode());
            } else {
                out.push(c);
            }
            out
        })
}

/// The beginning of a text, with the number of characters that were left out.
pub(super) fn cut(text: &str, most: usize) -> std::borrow::Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => text.into(),
        Some((at, _)) => {
            let rest = text[at..].chars().count();
            format!("{}… ({rest} more characters)", &text[..at]).into()
        }
    }
}

/// The text with every SHA-256 digest cut to its first twelve digits.
pub(super) fn short_digests(text: &str) -> String {
    const ALGORITHM: &str = "sha256:";
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(ALGORITHM) {
        let (before, digest) = rest.split_at(at + ALGORITHM.len());
        let is_end = |c: char| !c.is_ascii_hexdigit();
        let end = digest.find(is_end).unwrap_or(digest.len());
        out.push_str(before);
        // Only a whole digest is cut: other text stays as it is.
        out.push_str(&digest[..if end == 64 { 12 } else { end }]);
        rest = &digest[end..];
    }
    out + rest
}

/// A sentence followed by its stable code in brackets. A sentence that already ends in a more precise code keeps both.
pub(super) fn with_code(sentence: &str, code: &str) -> String {
    let precise = ["not-editable", "edit-refused"].contains(&code);
    match sentence
        .strip_suffix(']')
        .and_then(|rest| rest.rsplit_once(" ["))
    {
        Some((sentence, inner)) if precise => format!("{sentence} [{code}: {inner}]"),
        _ if sentence.is_empty() => format!("[{code}]"),
        _ => format!("{sentence} [{code}]"),
    }
}

/// A count with its noun.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_digests_are_cut_and_other_text_stays() {
        let digest = "0123456789abcdef".repeat(4);
        for (text, expected) in [
            (format!("a:1@sha256:{digest}"), "a:1@sha256:0123456789ab"),
            (
                format!("sha256:{digest} is not sha256:{digest}."),
                "sha256:0123456789ab is not sha256:0123456789ab.",
            ),
            ("sha256:0123, sha256:".to_owned(), "sha256:0123, sha256:"),
            ("no digest → none".to_owned(), "no digest → none"),
        ] {
            assert_eq!(short_digests(&text), expected);
        }
    }

    #[test]
    fn t55_nothing_moves_the_cursor() {
        assert_eq!(
            safe("a\u{1b}[31mb\u{202e}c\rd\ne\tf"),
            "a\\u{1b}[31mb\\u{202e}c\\u{d}d\ne\tf"
        );
    }
}
